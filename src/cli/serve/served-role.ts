/**
 * What a role to serve looks like from here, and the JSON that both protocols hand out of it.
 *
 * Source: "Retrieve security credentials from instance metadata" (EC2) and "Container credential provider" (AWS SDKs
 * and Tools reference).
 */
import type { AwsCredentialIdentity } from '../../credentials/from-roles-anywhere.js';
import { wholeSeconds } from '../../credentials/process-json.js';
import type { LocalResponse } from './guard.js';
import { json } from './guard.js';

export interface RoleStatus {
  readonly refreshedAt: Date | undefined;
  readonly expiration: Date | undefined;
  /** How many refreshes went well, and how many did not, since the start. */
  readonly refreshes: number;
  readonly failures: number;
  /** Code of the last failure, where nothing has gone well since. */
  readonly errorCode: string | undefined;
}

export interface ServedRole {
  /** As in `/role/<name>`; the first one's is what IMDS shows. */
  readonly name: string;
  readonly region: string;
  readonly accountId: string;
  /** What is held and has not expired. Never asks the service: a client of IMDS waits for one second. */
  current(): AwsCredentialIdentity | undefined;
  status(): RoleStatus;
}

/** The common members of both forms. Whole seconds and `Z`, as botocore wants it. */
function members(credentials: AwsCredentialIdentity) {
  return {
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey,
    Token: credentials.sessionToken,
    Expiration: wholeSeconds(credentials.expiration),
    AccountId: credentials.accountId,
  };
}

export function imdsCredentials(role: ServedRole): LocalResponse {
  const credentials = role.current();
  if (credentials === undefined) return unavailable(role);
  const { refreshedAt } = role.status();
  return json(200, {
    Code: 'Success',
    LastUpdated: wholeSeconds(refreshedAt ?? credentials.expiration),
    Type: 'AWS-HMAC',
    ...members(credentials),
  });
}

export function containerCredentials(role: ServedRole): LocalResponse {
  const credentials = role.current();
  return credentials === undefined ? unavailable(role) : json(200, members(credentials));
}

/** Never empty credentials: clients would take them for real ones. The cause stands in the log. */
function unavailable({ status }: ServedRole): LocalResponse {
  const code = status().errorCode ?? 'ERR_NOT_READY';
  return json(503, { Code: 'Unavailable', Message: `no valid credentials: ${code}` });
}
