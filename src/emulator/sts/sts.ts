/**
 * STS for the sessions that the emulator has issued. In: a signed request. Out: who its signer is (GetCallerIdentity),
 * whose an access key is (GetAccessKeyInfo), or the session of another role (AssumeRole), as XML.
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

/** The wording is ours: AWS can tell the account from any access key id, and this emulator only from its own. */
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
    // Also for the global endpoint, which one partition has.
    regions: [account.region, ...(account.partition === 'aws' ? ['us-east-1'] : [])],
    refusals: QUERY_REFUSALS,
    // As STS's own message has it; a presigned request is good for as long, whatever its X-Amz-Expires.
    clockSeconds: 900,
  };
  /** Keys of other origin have neither a session to extend nor an account that the emulator could name. */
  const authenticate = ({ request, at }: QueryCall): IssuedCredentials => {
    const { accessKeyId, issued } = readCaller(request, rules, at);
    if (issued !== undefined) return issued;
    throw notIssued(accessKeyId);
  };
  /** The control plane treats a long-term key as an administrator's, so STS says who that is. */
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
