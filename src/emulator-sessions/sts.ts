/**
 * STS for the sessions that the emulator has issued: tells their holder who that is (GetCallerIdentity). In: a signed
 * request. Out: XML.
 * Rules: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html and …/CommonErrors.html
 */
import type { SigningRules } from '../emulator-wire/access-key.js';
import { QUERY_REFUSALS, readCaller } from '../emulator-wire/access-key.js';
import type { EmulatorRequest } from '../emulator-wire/handler.js';
import type { QueryService } from '../emulator-wire/query-protocol.js';
import { formatXml } from '../emulator-wire/query-protocol.js';
import type { CredentialStore, IssuedCredentials } from './credential-store.js';

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
