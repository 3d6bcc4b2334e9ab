/**
 * STS, as far as it takes part: it issues temporary credentials, and tells their holder who that is (GetCallerIdentity).
 * In: a role and the session's names, later a signed request. Out: an access key, later its identity as XML.
 * Rules: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html and …/CommonErrors.html; for the
 * prefixes `ASIA` and `AROA`,
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
 */
import { createHash, randomBytes } from 'node:crypto';
import { formatBase32 } from '../emulator-account/account.js';
import type { SigningRules } from '../emulator-wire/access-key.js';
import { QUERY_REFUSALS, readCaller } from '../emulator-wire/access-key.js';
import type { EmulatorRequest } from '../emulator-wire/handler.js';
import type { QueryService } from '../emulator-wire/query-protocol.js';
import { formatXml } from '../emulator-wire/query-protocol.js';

export interface SessionNames {
  readonly roleArn: string;
  readonly sessionName: string;
}

export interface IssuedCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Whole seconds, as AWS has it. */
  readonly expiration: Date;
  /** `arn:aws:sts::123456789012:assumed-role/Demo/00ab` */
  readonly assumedRoleArn: string;
  /** `AROA…:00ab` */
  readonly assumedRoleId: string;
}

export interface CredentialStore {
  issue(names: SessionNames, durationSeconds: number, at: Date): IssuedCredentials;
  /** Also finds what expired less than a day ago, so that it can be called expired rather than unknown. */
  find(accessKeyId: string): IssuedCredentials | undefined;
  /** How many were issued, expired ones included. */
  readonly issuedCount: number;
}

const DAY_MS = 86_400_000;
/** Against a client in a loop; the oldest are forgotten first. */
const MAX_KEPT = 10_000;

export function createCredentialStore(): CredentialStore {
  const kept = new Map<string, IssuedCredentials>();
  let issuedCount = 0;

  function dropOld(at: Date): void {
    for (const [accessKeyId, { expiration }] of kept) {
      const isWorthKeeping = at.getTime() - expiration.getTime() < DAY_MS;
      if (isWorthKeeping && kept.size < MAX_KEPT) return;
      kept.delete(accessKeyId);
    }
  }

  return {
    issue(names, durationSeconds, at) {
      dropOld(at);
      const issued = createCredentials(names, durationSeconds, at);
      kept.set(issued.accessKeyId, issued);
      issuedCount += 1;
      return issued;
    },
    find: (accessKeyId) => kept.get(accessKeyId),
    get issuedCount() {
      return issuedCount;
    },
  };
}

function createCredentials(names: SessionNames, durationSeconds: number, at: Date): IssuedCredentials {
  const { roleArn, sessionName } = names;
  const [, partition = '', , , accountId = '', resource = ''] = roleArn.split(':');
  const roleName = resource.split('/').at(-1) ?? '';
  const roleId = `AROA${formatBase32(createHash('sha256').update(roleArn).digest().subarray(0, 10))}`;
  return {
    accessKeyId: `ASIA${formatBase32(randomBytes(10))}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    sessionToken: `IQoJ${randomBytes(300).toString('base64')}`,
    expiration: new Date((Math.floor(at.getTime() / 1000) + durationSeconds) * 1000),
    assumedRoleArn: `arn:${partition}:sts::${accountId}:assumed-role/${roleName}/${sessionName}`,
    assumedRoleId: `${roleId}:${sessionName}`,
  };
}

export function stsService(region: string, credentials: CredentialStore): QueryService {
  const rules = { keys: credentials, service: 'sts', region, refusals: QUERY_REFUSALS };
  return {
    signingName: 'sts',
    version: '2011-06-15',
    namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
    actions: {
      GetCallerIdentity({ request, at }) {
        const { assumedRoleArn, assumedRoleId } = authenticate(request, rules, at);
        const account = assumedRoleArn.split(':')[4];
        const result = formatXml({ Arn: assumedRoleArn, UserId: assumedRoleId, Account: account });
        return { result, note: assumedRoleArn };
      },
    },
  };
}

/** Only what this emulator issued is known here; of any other key, neither secret nor holder is. */
function authenticate(
  request: EmulatorRequest,
  rules: SigningRules<IssuedCredentials>,
  at: Date,
): IssuedCredentials {
  const { accessKeyId, issued } = readCaller(request, rules, at);
  if (issued !== undefined) return issued;
  throw QUERY_REFUSALS.unknownKey(`access key: ${accessKeyId} was not issued by this emulator`);
}
