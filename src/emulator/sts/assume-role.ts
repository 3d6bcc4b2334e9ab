/**
 * AssumeRole with the credentials of a session that the emulator issued: role chaining. The new session
 * inherits the source identity and the transitive tags.
 *
 * More lenient than AWS in one point: roles here have no identity policies, so the caller's is not evaluated.
 * Rules: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html,
 * …/IAM/latest/UserGuide/id_session-tags.html, …/id_credentials_temp_control-access_monitor.html and
 * …/reference_policies_iam-condition-keys.html
 */
import type { Account, Role } from '../account/resources.js';
import type { PolicyRequest } from '../policy/evaluate.js';
import { evaluateTrustPolicy } from '../policy/evaluate.js';
import type { CredentialStore, IssuedCredentials } from '../sessions/credential-store.js';
import { measurePolicy } from '../sessions/session-context.js';
import type { Refuse } from '../wire/handler.js';
import { refuseWith } from '../wire/handler.js';
import type { QueryCall, QueryResult } from '../wire/query-protocol.js';
import { formatXml } from '../wire/query-protocol.js';
import type { AssumeRoleRequest } from './assume-role-request.js';
import { readAssumeRoleRequest } from './assume-role-request.js';

const DEFAULT_SECONDS = 3600;
/** The limit of role chaining. The role's own maximum is never below it. */
const MAX_CHAINED_SECONDS = 3600;

const inheritedTag = refuseWith(
  400,
  'InvalidParameterValue',
  "One of the specified transitive tag keys can't be set " +
    'because it conflicts with a transitive tag key from the calling session.',
);
const tooLong = refuseWith(
  400,
  'ValidationError',
  'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
);

/** The values that the new session inherits from the caller's session. */
interface Inheritance {
  readonly sourceIdentity: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

export function assumeRole(
  call: QueryCall,
  caller: IssuedCredentials,
  account: Account,
  credentials: CredentialStore,
): QueryResult {
  const { request, at } = call;
  const asked = readAssumeRoleRequest(call, account.accountId);
  const inherited = inherit(caller, asked);
  const packedSize = measure(asked);
  const context = formatContext(caller, asked, inherited, {
    ...prefixKeys('aws:ResourceTag/', account.tags.get(asked.roleArn) ?? []),
    ...prefixKeys('aws:PrincipalTag/', account.tags.get(caller.roleArn) ?? []),
    'aws:CurrentTime': at.toISOString(),
    'aws:EpochTime': String(Math.floor(at.getTime() / 1000)),
    'aws:RequestedRegion': account.region,
    'aws:SourceIp': request.sourceIp,
  });
  const role = authorize(caller, asked, inherited, context, account);
  const seconds = asked.durationSeconds ?? DEFAULT_SECONDS;
  // Whether AWS checks the duration before or after the trust policy is unknown.
  if (seconds > MAX_CHAINED_SECONDS)
    throw tooLong(`duration: at most ${MAX_CHAINED_SECONDS} s, found ${seconds} s`);
  const { sourceIdentity, tags } = inherited;
  const session = {
    roleArn: role.arn,
    roleId: role.roleId,
    sessionName: asked.roleSessionName,
    sourceIdentity,
    tags: { ...tags, ...Object.fromEntries(asked.tags) },
    transitiveTagKeys: [...Object.keys(tags), ...asked.transitiveTagKeys],
    isChained: true,
  };
  return formatSession(credentials.issue(session, seconds, at), packedSize);
}

function inherit(caller: IssuedCredentials, asked: AssumeRoleRequest): Inheritance {
  const isTransitive = (key: string) => caller.transitiveTagKeys.some((other) => isSameKey(other, key));
  const overridden = [...asked.tags.keys()].find(isTransitive);
  if (overridden !== undefined)
    throw inheritedTag(`tags: ${overridden} is inherited from the calling session`);
  const tags = Object.entries(caller.tags).filter(([key]) => isTransitive(key));
  return { sourceIdentity: caller.sourceIdentity ?? asked.sourceIdentity, tags: Object.fromEntries(tags) };
}

/** Tag keys are case-insensitive. */
function isSameKey(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function measure({ policies, tags }: AssumeRoleRequest): number | undefined {
  if (policies.length === 0 && tags.size === 0) return undefined;
  const percent = measurePolicy(policies, tags);
  if (percent <= 100) return percent;
  const message = `Packed policy consumes ${percent}% of allotted space, please use smaller policy.`;
  const tooLarge = refuseWith(400, 'PackedPolicyTooLarge', message);
  throw tooLarge(`packed policy: tags and session policies take ${percent} %`);
}

/**
 * The trust policy must allow each action of the request. AWS's message names the one that it does not allow.
 */
function authorize(
  caller: IssuedCredentials,
  asked: AssumeRoleRequest,
  inherited: Inheritance,
  context: PolicyRequest['context'],
  account: Account,
): Role {
  const { assumedRoleArn, roleArn } = caller;
  const deny = (action: string): Refuse => {
    const denied = `User: ${assumedRoleArn} is not authorized to perform: ${action}`;
    return refuseWith(403, 'AccessDenied', `${denied} on resource: ${asked.roleArn}`);
  };
  const role = [...account.roles.values()].find(({ arn }) => arn === asked.roleArn);
  if (role === undefined) throw deny('sts:AssumeRole')(`role: the account has no ${asked.roleArn}`);
  const { sourceIdentity } = inherited;
  // Documented: it cannot be changed. The message is unknown.
  if (asked.sourceIdentity !== undefined && asked.sourceIdentity !== sourceIdentity) {
    const reason = `source identity: the calling session has ${sourceIdentity}, found ${asked.sourceIdentity}`;
    throw deny('sts:SetSourceIdentity')(reason);
  }
  const hasTags = asked.tags.size > 0 || Object.keys(inherited.tags).length > 0;
  const actions = [
    'sts:AssumeRole',
    ...(hasTags ? ['sts:TagSession'] : []),
    // Passing on the caller's source identity counts as setting it.
    ...(sourceIdentity === undefined ? [] : ['sts:SetSourceIdentity']),
  ];
  const principal = { AWS: [assumedRoleArn, roleArn] };
  for (const action of actions) {
    const { isAllowed, reasons } = evaluateTrustPolicy(role.assumeRolePolicyDocument, {
      actions: [action],
      principal,
      context,
    });
    if (!isAllowed) throw deny(action)(`trust policy: ${reasons.join('; ')}`);
  }
  return role;
}

function formatContext(
  caller: IssuedCredentials,
  asked: AssumeRoleRequest,
  inherited: Inheritance,
  circumstances: Readonly<Record<string, string | undefined>>,
): PolicyRequest['context'] {
  const { tags, roleArn, assumedRoleId, sourceIdentity, issuedAt } = caller;
  const { durationSeconds } = asked;
  const all = {
    ...circumstances,
    // After the tags of the role: a session tag replaces a role's tag with the same key.
    ...prefixKeys('aws:PrincipalTag/', Object.entries(tags)),
    ...prefixKeys('aws:RequestTag/', asked.tags),
    'aws:TagKeys': [...asked.tags.keys()],
    'sts:TransitiveTagKeys': asked.transitiveTagKeys,
    'aws:PrincipalArn': roleArn,
    'aws:PrincipalAccount': roleArn.split(':')[4],
    'aws:PrincipalType': 'AssumedRole',
    'aws:PrincipalIsAWSService': 'false',
    'aws:userid': assumedRoleId,
    'aws:SourceIdentity': sourceIdentity,
    'aws:TokenIssueTime': issuedAt.toISOString(),
    // AWS's endpoints use TLS, whatever the emulator uses.
    'aws:SecureTransport': 'true',
    'sts:RoleSessionName': asked.roleSessionName,
    'sts:SourceIdentity': inherited.sourceIdentity,
    'sts:ExternalId': asked.externalId,
    'sts:DurationSeconds': durationSeconds === undefined ? undefined : String(durationSeconds),
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])),
  );
}

function prefixKeys(prefix: string, entries: Iterable<readonly [string, string]>): Record<string, string> {
  return Object.fromEntries([...entries].map(([key, value]) => [prefix + key, value]));
}

function formatSession(issued: IssuedCredentials, packedSize: number | undefined): QueryResult {
  const { accessKeyId, secretAccessKey, sessionToken, assumedRoleArn, assumedRoleId, sourceIdentity } =
    issued;
  const expiration = issued.expiration.toISOString().replace('.000Z', 'Z');
  const credentials = formatXml({
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    SessionToken: sessionToken,
    Expiration: expiration,
  });
  const user = formatXml({ AssumedRoleId: assumedRoleId, Arn: assumedRoleArn });
  const rest = formatXml({ PackedPolicySize: packedSize, SourceIdentity: sourceIdentity });
  const members = [
    `<AssumedRoleUser>${user}</AssumedRoleUser>`,
    `<Credentials>${credentials}</Credentials>`,
    rest,
  ];
  const result = members.filter((member) => member !== '').join('\n    ');
  return { result, note: `${assumedRoleArn} until ${expiration}` };
}
