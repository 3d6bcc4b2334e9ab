/**
 * STS: GetCallerIdentity, GetAccessKeyInfo and AssumeRole.
 *
 * Rules: https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html and …/CommonErrors.html
 */
import { uniqueIdOf } from '../account/account.js';
import type { Account } from '../account/resources.js';
import type { CredentialStore, IssuedCredentials } from '../sessions/credential-store.js';
import type { SigningRules } from '../wire/access-key.js';
import { QUERY_REFUSALS, readCaller } from '../wire/access-key.js';
import type { Refusal } from '../wire/handler.js';
import { refuseWith } from '../wire/handler.js';
import type { QueryCall, QueryResult, QueryService } from '../wire/query-protocol.js';
import { formatXml, readParameters } from '../wire/query-protocol.js';
import { assumeRole } from './assume-role.js';

/** Our wording: AWS knows the account of every access key, the emulator only of its own. */
const unknownKey = refuseWith(400, 'ValidationError', 'The access key ID is not valid');

const GET_ACCESS_KEY_INFO = {
  type: 'structure',
  members: { accessKeyId: { type: 'string', min: 16, max: 128, pattern: '[\\w]*' } },
  required: ['accessKeyId'],
} as const;

export function stsService(account: Account, credentials: CredentialStore): QueryService {
  const rules: SigningRules<IssuedCredentials> = {
    keys: credentials,
    service: 'sts',
    // The global endpoint, which only this partition has, is in us-east-1.
    regions: [account.region, ...(account.partition === 'aws' ? ['us-east-1'] : [])],
    refusals: QUERY_REFUSALS,
    // The limit that STS's message names. It holds for presigned requests too, whatever their X-Amz-Expires.
    clockSeconds: 900,
  };
  /** The caller, who must have a session of this emulator. */
  const authenticate = ({ request, at }: QueryCall): IssuedCredentials => {
    const { accessKeyId, issued } = readCaller(request, rules, at);
    if (issued !== undefined) return issued;
    throw notIssued(accessKeyId);
  };
  /** The control plane treats a long-term key as an administrator's, so STS names the administrator. */
  const identify = (call: QueryCall): QueryResult => {
    const { accessKeyId, issued, isTemporary } = readCaller(call.request, rules, call.at);
    if (issued !== undefined) return formatCaller(issued.assumedRoleArn, issued.assumedRoleId);
    // A session of another emulator or of AWS. AWS refuses temporary keys that it did not issue.
    if (isTemporary) throw notIssued(accessKeyId);
    const arn = `arn:${account.partition}:iam::${account.accountId}:user/Administrator`;
    return formatCaller(arn, uniqueIdOf('AIDA', arn));
  };
  return {
    signingName: 'sts',
    version: '2011-06-15',
    namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
    actions: {
      GetCallerIdentity: identify,
      GetAccessKeyInfo(call) {
        authenticate(call);
        return formatKeyInfo(call, credentials);
      },
      AssumeRole: (call) => assumeRole(call, authenticate(call), account, credentials),
    },
  };
}

function notIssued(accessKeyId: string): Refusal {
  return QUERY_REFUSALS.unknownKey(`access key: ${accessKeyId} was not issued by this emulator`);
}

function formatCaller(arn: string, userId: string): QueryResult {
  return { result: formatXml({ Arn: arn, UserId: userId, Account: arn.split(':')[4] }), note: arn };
}

function formatKeyInfo(call: QueryCall, credentials: CredentialStore): QueryResult {
  const { accessKeyId } = readParameters(GET_ACCESS_KEY_INFO, call);
  const found = credentials.find(accessKeyId);
  if (found === undefined) throw unknownKey(`access key: ${accessKeyId} was not issued by this emulator`);
  const account = found.assumedRoleArn.split(':')[4];
  return { result: formatXml({ Account: account }), note: `${accessKeyId} of ${account}` };
}
