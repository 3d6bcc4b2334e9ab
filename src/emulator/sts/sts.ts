/**
 * STS for the sessions that the emulator has issued. In: a signed request. Out: who its signer is (GetCallerIdentity),
 * whose an access key is (GetAccessKeyInfo), or the session of another role (AssumeRole), as XML.
 * Rules: https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html and …/CommonErrors.html
 */
import type { Account } from '../account/resources.js';
import type { CredentialStore, IssuedCredentials } from '../sessions/credential-store.js';
import type { SigningRules } from '../wire/access-key.js';
import { QUERY_REFUSALS, readCaller } from '../wire/access-key.js';
import { refuseWith } from '../wire/handler.js';
import { readForm } from '../wire/query-form.js';
import type { QueryCall, QueryResult, QueryService } from '../wire/query-protocol.js';
import { formatXml } from '../wire/query-protocol.js';
import { readShape } from '../wire/shape.js';
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
  /** Only what this emulator issued is known here; of any other key, neither secret nor holder is. */
  const authenticate = ({ request, at }: QueryCall): IssuedCredentials => {
    const { accessKeyId, issued } = readCaller(request, rules, at);
    if (issued !== undefined) return issued;
    throw QUERY_REFUSALS.unknownKey(`access key: ${accessKeyId} was not issued by this emulator`);
  };
  return {
    signingName: 'sts',
    version: '2011-06-15',
    namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
    actions: {
      GetCallerIdentity: (call) => formatCaller(authenticate(call)),
      GetAccessKeyInfo(call) {
        authenticate(call);
        return formatKeyInfo(call, credentials);
      },
      AssumeRole: (call) => assumeRole(call, authenticate(call), account, credentials),
    },
  };
}

function formatCaller({ assumedRoleArn, assumedRoleId }: IssuedCredentials): QueryResult {
  const account = assumedRoleArn.split(':')[4];
  const result = formatXml({ Arn: assumedRoleArn, UserId: assumedRoleId, Account: account });
  return { result, note: assumedRoleArn };
}

function formatKeyInfo({ form }: QueryCall, credentials: CredentialStore): QueryResult {
  const { accessKeyId } = readShape(
    GET_ACCESS_KEY_INFO,
    readForm(GET_ACCESS_KEY_INFO, form),
    'ValidationError',
  );
  const found = credentials.find(accessKeyId);
  if (found === undefined) throw unknownKey(`access key: ${accessKeyId} was not issued by this emulator`);
  const account = found.assumedRoleArn.split(':')[4];
  return { result: formatXml({ Account: account }), note: `${accessKeyId} of ${account}` };
}
