/**
 * Reads the parameters of AssumeRole, each within the limits of the service model.
 *
 * The messages are those that users of STS have quoted; where AWS's wording is unknown, a comment says so.
 * Rules: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
import { findPolicyProblem } from '../policy/session-policy.js';
import { findForeignPolicy } from '../sessions/session-context.js';
import { refuseWith } from '../wire/handler.js';
import type { QueryCall } from '../wire/query-protocol.js';
import { readParameters } from '../wire/query-protocol.js';
import type { ValueOf } from '../wire/shape.js';

const NAME = { type: 'string', min: 2, max: 64, pattern: '[\\w+=,.@-]*' } as const;
const ARN = { type: 'string', min: 20, max: 2048 } as const;
const TAG_KEY = { type: 'string', min: 1, max: 128, pattern: '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+' } as const;
const TAG_VALUE = { type: 'string', max: 256, pattern: '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*' } as const;
const POLICY = {
  type: 'string',
  min: 1,
  max: 2048,
  pattern: '[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+',
} as const;

/** Members in lower camel case, as in the validator's messages. */
const ASSUME_ROLE = {
  type: 'structure',
  members: {
    roleArn: ARN,
    roleSessionName: NAME,
    policyArns: {
      type: 'list',
      max: 10,
      member: { type: 'structure', members: { arn: ARN }, required: ['arn'] },
    },
    policy: POLICY,
    durationSeconds: { type: 'integer', min: 900, max: 43_200 },
    tags: {
      type: 'list',
      max: 50,
      member: { type: 'structure', members: { key: TAG_KEY, value: TAG_VALUE }, required: ['key', 'value'] },
    },
    transitiveTagKeys: { type: 'list', max: 50, member: TAG_KEY },
    externalId: { type: 'string', min: 2, max: 1224, pattern: '[\\w+=,.@:\\/-]*' },
    serialNumber: { type: 'string', min: 9, max: 256, pattern: '[\\w+=/:,.@-]*' },
    tokenCode: { type: 'string', min: 6, max: 6, pattern: '[\\d]*', isSensitive: true },
    sourceIdentity: NAME,
  },
  required: ['roleArn', 'roleSessionName'],
} as const;

type Input = ValueOf<typeof ASSUME_ROLE>;

export interface AssumeRoleRequest extends Omit<Input, 'tags' | 'transitiveTagKeys'> {
  readonly tags: ReadonlyMap<string, string>;
  readonly transitiveTagKeys: readonly string[];
  /** Session policies, inline and managed. They only restrict permissions, which sessions here do not have. */
  readonly policies: readonly string[];
}

const wrongArn = refuseWith(400, 'ValidationError', 'Request ARN is invalid');
const wrongTags = (message: string) => refuseWith(400, 'InvalidParameterValue', message);
const duplicateTags = wrongTags('Duplicate tag keys found. Please note that Tag keys are case insensitive.');
const notTagged = wrongTags('The specified transitive tag key must be included in the requested tags.');
/** Our wording: the reserved prefix is documented, the error is not. */
const reservedTag = wrongTags('Tag keys beginning with aws: are reserved.');
const wrongPolicy = refuseWith(400, 'MalformedPolicyDocument', 'Syntax errors in policy.');
const noMfa = refuseWith(
  403,
  'AccessDenied',
  'MultiFactorAuthentication failed, unable to validate MFA code.  ' +
    'Please verify your MFA serial number is valid and associated with this user.',
);

export function readAssumeRoleRequest(call: QueryCall, accountId: string): AssumeRoleRequest {
  const input = readParameters(ASSUME_ROLE, call);
  const { roleArn, policy, policyArns = [], tags = [], transitiveTagKeys = [] } = input;
  if (!/^arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/.test(roleArn)) {
    throw wrongArn(`role: expected the ARN of a role, found ${roleArn}`);
  }
  checkTags(
    tags.map(({ key }) => key),
    transitiveTagKeys,
  );
  const problem = findPolicyProblem(policy);
  if (problem !== undefined) throw wrongPolicy(problem);
  const arns = policyArns.map(({ arn }) => arn);
  const foreign = findForeignPolicy(arns, accountId);
  if (foreign !== undefined) {
    throw wrongArn(`managed policies: expected those of AWS or of ${accountId}, found ${foreign}`);
  }
  if (input.serialNumber !== undefined || input.tokenCode !== undefined) {
    throw noMfa('MFA: a session has no MFA device');
  }
  return {
    ...input,
    tags: new Map(tags.map(({ key, value }) => [key, value])),
    transitiveTagKeys,
    policies: [...(policy === undefined ? [] : [policy]), ...arns],
  };
}

function checkTags(keys: readonly string[], transitiveTagKeys: readonly string[]): void {
  const known = new Set(keys.map((key) => key.toLowerCase()));
  if (known.size < keys.length) throw duplicateTags(`tags: found ${keys}`);
  const reserved = keys.find((key) => /^aws:/i.test(key));
  if (reserved !== undefined) throw reservedTag(`tags: found ${reserved}`);
  const foreign = transitiveTagKeys.find((key) => !known.has(key.toLowerCase()));
  if (foreign !== undefined) throw notTagged(`transitive tag keys: the tags have ${keys}, found ${foreign}`);
}
