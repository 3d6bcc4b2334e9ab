/**
 * What AssumeRole is asked for. In: the form. Out: the members, each inside the limits of the service's model.
 * Rules: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html. The wording is that of the validator that
 * AWS services share, and of messages that users of STS have quoted.
 */

import { Refusal, refuseWith } from '../emulator-wire/handler.js';
import { quote } from '../errors.js';

export interface AssumeRoleRequest {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly durationSeconds: number | undefined;
  readonly externalId: string | undefined;
  readonly sourceIdentity: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
  readonly transitiveTagKeys: readonly string[];
  /** Session policies, inline and managed. They could only take away what no session here has. */
  readonly policies: readonly string[];
}

type Form = ReadonlyMap<string, string>;

/** A member in the form, its name in messages, and what breaks it. */
type Member = readonly [name: string, shownAs: string, limits: Limits];

export interface Limits {
  readonly isRequired?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
}

const NAME = { min: 2, max: 64, pattern: '[\\w+=,.@-]*' };
const TAG_KEY = { min: 1, max: 128, pattern: '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+' };
const TAG_VALUE = { max: 256, pattern: '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*' };
const ARN = { isRequired: true, min: 20, max: 2048 };

const MEMBERS: readonly Member[] = [
  ['RoleArn', 'roleArn', ARN],
  ['RoleSessionName', 'roleSessionName', { isRequired: true, ...NAME }],
  ['Policy', 'policy', { min: 1, max: 2048, pattern: '[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+' }],
  ['ExternalId', 'externalId', { min: 2, max: 1224, pattern: '[\\w+=,.@:\\/-]*' }],
  ['SourceIdentity', 'sourceIdentity', NAME],
];

const invalid = (message: string, reason: string) => new Refusal(400, 'ValidationError', message, reason);
const wrongTags = (message: string) => refuseWith(400, 'InvalidParameterValue', message);
const duplicateTags = wrongTags('Duplicate tag keys found. Please note that Tag keys are case insensitive.');
const notTagged = wrongTags('The specified transitive tag key must be included in the requested tags.');
/** The wording is ours: that the prefix is reserved is documented, the answer is not. */
const reservedTag = wrongTags('Tag keys beginning with aws: are reserved.');
const wrongPolicy = refuseWith(400, 'MalformedPolicyDocument', 'Syntax errors in policy.');
const noMfa = refuseWith(
  403,
  'AccessDenied',
  'MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.',
);

export function readAssumeRoleRequest(form: Form): AssumeRoleRequest {
  const tags = readList(form, 'Tags', '.Key').map(([key, prefix]): [string, string | undefined] => [
    key,
    form.get(`${prefix}.Value`),
  ]);
  const transitiveTagKeys = readList(form, 'TransitiveTagKeys', '').map(([key]) => key);
  const policyArns = readList(form, 'PolicyArns', '.arn').map(([arn]) => arn);
  refuseAll([
    ...MEMBERS.map(([name, shownAs, limits]) => checkText(form.get(name), shownAs, limits)),
    checkDuration(form.get('DurationSeconds')),
    checkLength(tags, 'tags', 50),
    ...tags.flatMap(([key, value], index) => [
      checkText(key, `tags.${index + 1}.member.key`, TAG_KEY),
      checkText(value, `tags.${index + 1}.member.value`, { isRequired: true, ...TAG_VALUE }),
    ]),
    checkLength(transitiveTagKeys, 'transitiveTagKeys', 50),
    ...transitiveTagKeys.map((key, index) =>
      checkText(key, `transitiveTagKeys.${index + 1}.member`, TAG_KEY),
    ),
    checkLength(policyArns, 'policyArns', 10),
    ...policyArns.map((arn, index) => checkText(arn, `policyArns.${index + 1}.member.arn`, ARN)),
  ]);
  checkTags(tags, transitiveTagKeys);
  if (form.has('SerialNumber') || form.has('TokenCode')) throw noMfa('MFA: a session has no MFA device');
  const duration = form.get('DurationSeconds');
  return {
    roleArn: readRoleArn(form.get('RoleArn') ?? ''),
    sessionName: form.get('RoleSessionName') ?? '',
    durationSeconds: duration === undefined ? undefined : Number(duration),
    externalId: form.get('ExternalId'),
    sourceIdentity: form.get('SourceIdentity'),
    tags: new Map(tags.map(([key, value = '']) => [key, value])),
    transitiveTagKeys,
    policies: [...readPolicy(form.get('Policy')), ...policyArns],
  };
}

/** The members of a list by their number, each with the prefix that its other fields have too. */
function readList(form: Form, list: string, field: string): Array<[value: string, prefix: string]> {
  return [...form]
    .flatMap(([name, value]): Array<[number, string]> => {
      const prefix = name.endsWith(field) ? name.slice(0, name.length - field.length) : '';
      const [, number] = /^\w+\.member\.(\d+)$/.exec(prefix) ?? [];
      return number !== undefined && prefix.startsWith(`${list}.`) ? [[Number(number), value]] : [];
    })
    .sort(([one], [other]) => one - other)
    .map(([number, value]) => [value, `${list}.member.${number}`]);
}

/** One answer for all that was found. */
export function refuseAll(found: ReadonlyArray<string | undefined>): void {
  const problems = found.filter((problem) => problem !== undefined);
  if (problems.length === 0) return;
  const detected = problems.length === 1 ? '1 validation error' : `${problems.length} validation errors`;
  throw invalid(`${detected} detected: ${problems.join('; ')}`, 'request: breaks constraints of the model');
}

/** In AWS's words; `undefined` where the value breaks nothing. */
export function checkText(value: string | undefined, shownAs: string, limits: Limits): string | undefined {
  const { isRequired = false, min = 0, max = Number.POSITIVE_INFINITY, pattern } = limits;
  const say = (rule: string) =>
    `Value${show(value)} at '${shownAs}' failed to satisfy constraint: Member must ${rule}`;
  if (value === undefined) return isRequired ? say('not be null') : undefined;
  if (value.length < min) return say(`have length greater than or equal to ${min}`);
  if (value.length > max) return say(`have length less than or equal to ${max}`);
  const isMatch = pattern === undefined || new RegExp(`^(?:${pattern})$`, 'u').test(value);
  return isMatch ? undefined : say(`satisfy regular expression pattern: ${pattern}`);
}

/** Also the log shows it: what may be a key stays out. */
function show(value: string | undefined): string {
  if (value === undefined) return ' null';
  return quote(value) === `"${value}"` ? ` '${value}'` : '';
}

function checkDuration(value: string | undefined): string | undefined {
  const say = (rule: string) =>
    `Value '${value}' at 'durationSeconds' failed to satisfy constraint: Member must ${rule}`;
  if (value === undefined) return undefined;
  // What AWS answers to what is no number is unknown.
  if (!/^-?\d{1,9}$/.test(value)) return say('be an integer');
  if (Number(value) < 900) return say('have value greater than or equal to 900');
  return Number(value) > 43_200 ? say('have value less than or equal to 43200') : undefined;
}

function checkLength(list: readonly unknown[], shownAs: string, max: number): string | undefined {
  if (list.length <= max) return undefined;
  return `Value at '${shownAs}' failed to satisfy constraint: Member must have length less than or equal to ${max}`;
}

function checkTags(
  tags: ReadonlyArray<readonly [string, unknown]>,
  transitiveTagKeys: readonly string[],
): void {
  const keys = new Set(tags.map(([key]) => key.toLowerCase()));
  if (keys.size < tags.length) throw duplicateTags(`tags: found ${tags.map(([key]) => key)}`);
  const reserved = [...keys].find((key) => key.startsWith('aws:'));
  if (reserved !== undefined) throw reservedTag(`tags: found ${reserved}`);
  const foreign = transitiveTagKeys.find((key) => !keys.has(key.toLowerCase()));
  if (foreign !== undefined)
    throw notTagged(`transitive tag keys: the tags have ${[...keys]}, found ${foreign}`);
}

function readRoleArn(arn: string): string {
  if (/^arn:[\w-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/.test(arn)) return arn;
  throw invalid('Request ARN is invalid', `role: expected the ARN of a role, found ${arn}`);
}

function readPolicy(policy: string | undefined): string[] {
  if (policy === undefined) return [];
  try {
    JSON.parse(policy);
  } catch {
    throw wrongPolicy('session policy: is not JSON');
  }
  return [policy];
}
