/**
 * A role to serve, and the forms in which its credentials are handed out: of IMDS, of the container endpoint,
 * and of `credential_process`. Each form is made once for the same credentials.
 *
 * Source: "Retrieve security credentials from instance metadata" (EC2) and "Container credential provider"
 * (AWS SDKs and Tools reference).
 */
import type { RolesAnywhereCredentials } from '../../credentials/from-roles-anywhere.js';
import { formatProcessCredentials, wholeSeconds } from '../../credentials/process-json.js';
import { partitionOf } from '../../options/partition.js';
import type { LocalResponse } from './guard.js';
import { json, refuseAsJson } from './guard.js';

export interface RoleStatus {
  readonly refreshedAt: Date | undefined;
  readonly expiration: Date | undefined;
  /** The numbers of successful and failed refreshes since the start. */
  readonly refreshes: number;
  readonly failures: number;
  /** Code of the last failure, if no refresh has succeeded since. */
  readonly errorCode: string | undefined;
}

export interface ServedRole {
  /** As in `/role/<name>`; IMDS shows the name of the first role. */
  readonly name: string;
  readonly region: string;
  readonly accountId: string;
  /** The credentials that have not expired. Never asks the service: a client of IMDS waits for one second. */
  current(): RolesAnywhereCredentials | undefined;
  status(): RoleStatus;
}

type Form = (credentials: RolesAnywhereCredentials, role: ServedRole) => LocalResponse;

export const imdsCredentials = answering((credentials, role) =>
  json(200, {
    Code: 'Success',
    LastUpdated: wholeSeconds(role.status().refreshedAt ?? credentials.expiration),
    Type: 'AWS-HMAC',
    ...members(credentials),
  }),
);

export const containerCredentials = answering((credentials) => json(200, members(credentials)));

export const processCredentials = answering((credentials) => ({
  status: 200,
  body: formatProcessCredentials(credentials),
  contentType: 'application/json',
}));

/** There is no instance profile, but agents request its name to detect a role. */
export const imdsProfile = answering((credentials, role) =>
  json(200, {
    Code: 'Success',
    LastUpdated: wholeSeconds(role.status().refreshedAt ?? credentials.expiration),
    InstanceProfileArn: profileArnOf(role),
    InstanceProfileId: 'AIPAROLESANYWHERE0000',
  }),
);

function profileArnOf({ region, accountId, name }: ServedRole): string {
  return `arn:${partitionOf(region).name}:iam::${accountId}:instance-profile/${name}`;
}

/** The members that both protocols have. Whole seconds and `Z`, as botocore requires. */
function members(credentials: RolesAnywhereCredentials) {
  return {
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey,
    Token: credentials.sessionToken,
    Expiration: wholeSeconds(credentials.expiration),
    AccountId: credentials.accountId,
  };
}

/** Never empty credentials: clients would use them as real ones. The log has the cause. */
function answering(form: Form): (role: ServedRole) => LocalResponse {
  // Weak, so that credentials that have been replaced do not stay in memory.
  const made = new WeakMap<RolesAnywhereCredentials, LocalResponse>();
  return (role) => {
    const credentials = role.current();
    if (credentials === undefined) return unavailable(role.status().errorCode);
    const known = made.get(credentials);
    if (known !== undefined) return known;
    const response = form(credentials, role);
    made.set(credentials, response);
    return response;
  };
}

export function unavailable(errorCode = 'ERR_NOT_READY'): LocalResponse {
  return refuseAsJson(503, 'no-credentials', {
    Code: 'Unavailable',
    Message: `no valid credentials: ${errorCode}`,
  });
}
