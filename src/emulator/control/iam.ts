/**
 * The part of IAM that Roles Anywhere needs: roles and their trust policies.
 *
 * The emulator evaluates no permissions policies: it keeps which managed policies are attached to a role, so
 * that the lines that set up an account run, and lists them. It has no permissions boundaries.
 * Rules: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html and
 * …/UserGuide/reference_iam-quotas.html; constraints are those of the model 2010-05-08
 */
import { addRole } from '../account/account.js';
import type { Account, Role } from '../account/resources.js';
import { validateTrustPolicy } from '../policy/document.js';
import type { IssuedKeys } from '../wire/access-key.js';
import { checkAdministrator, QUERY_REFUSALS } from '../wire/access-key.js';
import { Refusal } from '../wire/handler.js';
import type { QueryCall, QueryResult, QueryService } from '../wire/query-protocol.js';
import { formatXml, readParameters } from '../wire/query-protocol.js';
import type { ValueOf } from '../wire/shape.js';
import { readShape } from '../wire/shape.js';
import { encode } from '../wire/signature.js';
import { listTags } from './tags.js';

const ROLE_NAME = { type: 'string', min: 1, max: 64, pattern: '[\\w+=,.@-]+' } as const;
const POLICY = {
  type: 'string',
  min: 1,
  max: 131_072,
  pattern: '[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+',
} as const;
const DESCRIPTION = {
  type: 'string',
  max: 1000,
  pattern: '[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*',
} as const;
const DURATION = { type: 'integer', min: 3600, max: 43_200 } as const;
const PATH = {
  type: 'string',
  min: 1,
  max: 512,
  pattern: '(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)',
} as const;
const PATH_PREFIX = { type: 'string', min: 1, max: 512, pattern: '\\u002F[\\u0021-\\u007F]*' } as const;
const POLICY_ARN = { type: 'string', min: 20, max: 2048 } as const;
const POLICY_PATH = {
  type: 'string',
  min: 1,
  max: 512,
  pattern: '((/[A-Za-z0-9\\.,\\+@=_-]+)*)/',
} as const;
const MARKER = { type: 'string', min: 1, max: 320, pattern: '[\\u0020-\\u00FF]+' } as const;
const MAX_ITEMS = { type: 'integer', min: 1, max: 1000 } as const;
const TAG_CHARACTERS = '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]';
const TAG = {
  type: 'structure',
  members: {
    key: { type: 'string', min: 1, max: 128, pattern: `${TAG_CHARACTERS}+` },
    value: { type: 'string', min: 0, max: 256, pattern: `${TAG_CHARACTERS}*` },
  },
  required: ['key', 'value'],
} as const;

const ONE_ROLE = { type: 'structure', members: { roleName: ROLE_NAME }, required: ['roleName'] } as const;
const ROLE_AND_POLICY = {
  type: 'structure',
  members: { roleName: ROLE_NAME, policyArn: POLICY_ARN },
  required: ['roleName', 'policyArn'],
} as const;

/** Members in lower camel case, as in the messages of IAM's validator. */
export const IAM_ACTIONS = {
  CreateRole: {
    type: 'structure',
    members: {
      path: PATH,
      roleName: ROLE_NAME,
      assumeRolePolicyDocument: POLICY,
      description: DESCRIPTION,
      maxSessionDuration: DURATION,
      permissionsBoundary: { type: 'string', min: 20, max: 2048 },
      tags: { type: 'list', member: TAG, max: 50 },
    },
    required: ['roleName', 'assumeRolePolicyDocument'],
  },
  GetRole: ONE_ROLE,
  ListRoles: {
    type: 'structure',
    members: { pathPrefix: PATH_PREFIX, marker: MARKER, maxItems: MAX_ITEMS },
    required: [],
  },
  UpdateAssumeRolePolicy: {
    type: 'structure',
    members: { roleName: ROLE_NAME, policyDocument: POLICY },
    required: ['roleName', 'policyDocument'],
  },
  UpdateRole: {
    type: 'structure',
    members: { roleName: ROLE_NAME, description: DESCRIPTION, maxSessionDuration: DURATION },
    required: ['roleName'],
  },
  DeleteRole: ONE_ROLE,
  AttachRolePolicy: ROLE_AND_POLICY,
  DetachRolePolicy: ROLE_AND_POLICY,
  ListAttachedRolePolicies: {
    type: 'structure',
    members: { roleName: ROLE_NAME, pathPrefix: POLICY_PATH, marker: MARKER, maxItems: MAX_ITEMS },
    required: ['roleName'],
  },
} as const;

type ActionName = keyof typeof IAM_ACTIONS;
type InputOf<Name extends ActionName> = ValueOf<(typeof IAM_ACTIONS)[Name]>;
type Behaviours = {
  readonly [Name in ActionName]: (account: Account, input: InputOf<Name>, at: Date) => string | undefined;
};

const MAX_ROLES = 1000;
const TOO_MANY_ROLES = `Cannot exceed quota for RolesPerAccount: ${MAX_ROLES}`;
/** "Managed policies attached to an IAM role", IAM quotas; AWS raises it on request. */
const MAX_POLICIES = 10;
const TOO_MANY_POLICIES = `Cannot exceed quota for PoliciesPerRole: ${MAX_POLICIES}`;
const ATTACHED = 'Cannot delete entity, must detach all policies first.';
const DUPLICATE_TAGS = 'Duplicate tag keys found. Please note that Tag keys are case insensitive.';

const BEHAVIOURS: Behaviours = {
  CreateRole(account, { roleName, assumeRolePolicyDocument, permissionsBoundary, tags = [], ...others }, at) {
    checkPolicy(assumeRolePolicyDocument);
    if (permissionsBoundary !== undefined) {
      throw refuse(400, 'InvalidInput', 'The emulator has no permissions boundaries');
    }
    if (new Set(tags.map(({ key }) => key.toLowerCase())).size < tags.length) {
      throw refuse(400, 'InvalidInput', DUPLICATE_TAGS);
    }
    // "Names are not distinguished by case."
    if ([...account.roles.keys()].some((name) => name.toLowerCase() === roleName.toLowerCase())) {
      throw refuse(409, 'EntityAlreadyExists', `Role with name ${roleName} already exists.`);
    }
    if (account.roles.size >= MAX_ROLES) throw refuse(409, 'LimitExceeded', TOO_MANY_ROLES);
    const settings = { maxSessionDuration: 3600, ...others, roleName, assumeRolePolicyDocument };
    const role = addRole(account, settings, at);
    if (tags.length > 0) account.tags.set(role.arn, new Map(tags.map(({ key, value }) => [key, value])));
    return BEHAVIOURS.GetRole(account, { roleName }, at);
  },
  GetRole(account, { roleName }) {
    const role = findRole(account, roleName);
    return `<Role>${formatRole(role)}${formatTags(account, role)}</Role>`;
  },
  ListRoles({ roles }, { pathPrefix = '/', ...page }) {
    const found = [...roles.values()].filter(({ path }) => path.startsWith(pathPrefix));
    return formatPage('Roles', found, ({ roleName }) => roleName, formatRole, page);
  },
  UpdateAssumeRolePolicy(account, { roleName, policyDocument }) {
    const role = findRole(account, roleName);
    checkPolicy(policyDocument);
    role.assumeRolePolicyDocument = policyDocument;
    return undefined;
  },
  UpdateRole(account, { roleName, description, maxSessionDuration }) {
    const role = findRole(account, roleName);
    role.description = description ?? role.description;
    role.maxSessionDuration = maxSessionDuration ?? role.maxSessionDuration;
    return '';
  },
  DeleteRole(account, { roleName }) {
    const role = findRole(account, roleName);
    if (role.attachedPolicyArns.length > 0) throw refuse(409, 'DeleteConflict', ATTACHED);
    account.roles.delete(role.roleName);
    account.tags.delete(role.arn);
    return undefined;
  },
  AttachRolePolicy(account, { roleName, policyArn }) {
    const role = findRole(account, roleName);
    checkPolicyArn(account, policyArn);
    if (role.attachedPolicyArns.includes(policyArn)) return undefined;
    if (role.attachedPolicyArns.length >= MAX_POLICIES) throw refuse(409, 'LimitExceeded', TOO_MANY_POLICIES);
    role.attachedPolicyArns.push(policyArn);
    return undefined;
  },
  DetachRolePolicy(account, { roleName, policyArn }) {
    const role = findRole(account, roleName);
    const at = role.attachedPolicyArns.indexOf(policyArn);
    if (at === -1) throw refuse(404, 'NoSuchEntity', `Policy ${policyArn} was not found.`);
    role.attachedPolicyArns.splice(at, 1);
    return undefined;
  },
  ListAttachedRolePolicies(account, { roleName, pathPrefix = '/', ...page }) {
    const found = findRole(account, roleName).attachedPolicyArns.filter((arn) =>
      pathOfPolicy(arn).startsWith(pathPrefix),
    );
    const format = (arn: string) =>
      formatXml({ PolicyName: arn.slice(arn.lastIndexOf('/') + 1), PolicyArn: arn });
    return formatPage('AttachedPolicies', found, (arn) => arn, format, page);
  },
};

/** A list in the order of its keys, after the marker of the page before. */
function formatPage<Item>(
  name: string,
  items: readonly Item[],
  keyOf: (item: Item) => string,
  format: (item: Item) => string,
  { marker = '', maxItems = 100 }: { readonly marker?: string; readonly maxItems?: number },
): string {
  const after = Buffer.from(marker, 'base64url').toString();
  const rest = items.filter((item) => keyOf(item) > after).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const page = rest.slice(0, maxItems);
  const last = page.at(-1);
  const isTruncated = page.length < rest.length && last !== undefined;
  const next = isTruncated ? Buffer.from(keyOf(last)).toString('base64url') : undefined;
  const members = page.map((item) => `<member>${format(item)}</member>`).join('');
  return `<${name}>${members}</${name}>${formatXml({ IsTruncated: String(isTruncated), Marker: next })}`;
}

const MANAGED_POLICY = /^arn:([\w-]+):iam::(aws|\d{12}):policy(\/(?:[!-~]+\/)?)[\w+=,.@-]{1,128}$/;

/** AWS's policies and those of the account count as existing: the emulator has none of either. */
function checkPolicyArn({ partition, accountId }: Account, arn: string): void {
  const [, of, owner = ''] = MANAGED_POLICY.exec(arn) ?? [];
  if (of === undefined) throw refuse(400, 'InvalidInput', `ARN ${arn} is not valid.`);
  if (of !== partition || !['aws', accountId].includes(owner)) {
    throw refuse(404, 'NoSuchEntity', `Policy ${arn} does not exist or is not attachable.`);
  }
}

function pathOfPolicy(arn: string): string {
  return MANAGED_POLICY.exec(arn)?.[3] ?? '/';
}

export function iamService(account: Account, keys: IssuedKeys): QueryService {
  const rules = {
    keys,
    service: 'iam',
    regions: [IAM_REGIONS[account.partition] ?? account.region, account.region],
    refusals: QUERY_REFUSALS,
    // The limit that IAM's message names.
    clockSeconds: 900,
  } as const;
  const act =
    (name: ActionName) =>
    (call: QueryCall): QueryResult => {
      const accessKeyId = checkAdministrator(call.request, rules, call.at, `iam:${name}`);
      return {
        result: performIam(name, account, readParameters(IAM_ACTIONS[name], call), call.at),
        note: `by ${accessKeyId}`,
      };
    };
  return {
    signingName: 'iam',
    version: '2010-05-08',
    namespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
    actions: Object.fromEntries((Object.keys(IAM_ACTIONS) as ActionName[]).map((name) => [name, act(name)])),
  };
}

/**
 * Clients sign requests to the global IAM for these regions, and requests to a custom endpoint for their own.
 */
const IAM_REGIONS: Readonly<Record<string, string>> = {
  aws: 'us-east-1',
  'aws-cn': 'cn-north-1',
  'aws-us-gov': 'us-gov-west-1',
  'aws-eusc': 'eusc-de-east-1',
  'aws-iso': 'us-iso-east-1',
  'aws-iso-b': 'us-isob-east-1',
  'aws-iso-e': 'eu-isoe-west-1',
  'aws-iso-f': 'us-isof-south-1',
};

/** @throws Refusal */
export function performIam<Name extends ActionName>(name: Name, account: Account, given: unknown, at: Date) {
  return BEHAVIOURS[name](
    account,
    readShape(IAM_ACTIONS[name], given, 'ValidationError') as InputOf<Name>,
    at,
  );
}

/** IAM's messages state the reason: the log repeats it. */
function refuse(status: number, code: string, message: string): Refusal {
  return new Refusal(status, code, message, `role: ${message}`);
}

function findRole({ roles }: Account, roleName: string): Role {
  const role = roles.get(roleName);
  if (role === undefined)
    throw refuse(404, 'NoSuchEntity', `The role with name ${roleName} cannot be found.`);
  return role;
}

function checkPolicy(document: string): void {
  const problem = validateTrustPolicy(document);
  if (problem === undefined) return;
  const { code, message, reason } = problem;
  throw new Refusal(code === 'LimitExceeded' ? 409 : 400, code, message, reason);
}

function formatRole(role: Role): string {
  return formatXml({
    Path: role.path,
    RoleName: role.roleName,
    RoleId: role.roleId,
    Arn: role.arn,
    CreateDate: role.createDate.replace(/\.\d+Z$/, 'Z'),
    // "The policy document is URL-encoded, compliant with RFC 3986."
    AssumeRolePolicyDocument: encode(role.assumeRolePolicyDocument),
    Description: role.description,
    MaxSessionDuration: role.maxSessionDuration,
  });
}

function formatTags(account: Account, { arn }: Role): string {
  const members = listTags(account, arn).map(
    ({ key, value }) => `<member>${formatXml({ Key: key, Value: value })}</member>`,
  );
  return members.length === 0 ? '' : `<Tags>${members.join('')}</Tags>`;
}
