/**
 * Parses and validates trust policies (AssumeRolePolicyDocument) as IAM does.
 *
 * The messages are those that users of IAM have quoted.
 * Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html and
 * …/reference_policies_grammar.html; for the size, …/reference_iam-quotas.html
 */
import type { JsonPart } from './json-text.js';
import { splitJson } from './json-text.js';
import type { Operator } from './operators.js';
import { parseOperator } from './operators.js';
import { isAction } from './pattern.js';
import type { Principals } from './principal.js';
import { isPrincipal } from './principal.js';

export interface Condition {
  /** As written, such as `ForAnyValue:StringLike`. */
  readonly name: string;
  readonly operator: Operator;
  readonly key: string;
  readonly values: readonly string[];
}

export interface Statement {
  /** `statement 2 (AllowHosts)`, counted from 1. */
  readonly label: string;
  readonly effect: 'Allow' | 'Deny';
  readonly principals: Principals;
  /** With `NotAction`, the actions that the statement excludes. */
  readonly actions: readonly string[];
  readonly isNotAction: boolean;
  readonly conditions: readonly Condition[];
}

export interface TrustPolicy {
  /** Only version 2012-10-17 has policy variables. */
  readonly hasVariables: boolean;
  readonly statements: readonly Statement[];
}

export interface PolicyProblem {
  /** IAM answers 400 for the first and 409 for the second. */
  readonly code: 'MalformedPolicyDocument' | 'LimitExceeded';
  /** IAM's message. */
  readonly message: string;
  /** For the log: the place, the rule, and what was found. */
  readonly reason: string;
}

/** The default quota, which AWS can raise. */
const MAX_LENGTH = 2048;

const TOP_ELEMENTS = ['Version', 'Id', 'Statement'];
const ELEMENTS = ['Sid', 'Effect', 'Principal', 'Action', 'NotAction', 'Condition'];

/** The actions that a trust policy may name. */
const ACTIONS = [
  ...['sts:AssumeRole', 'sts:AssumeRoleWithSAML', 'sts:AssumeRoleWithWebIdentity'],
  ...['sts:SetContext', 'sts:SetSourceIdentity', 'sts:TagSession'],
];

class MalformedPolicy extends Error {
  readonly reason: string;

  constructor(message: string, reason: string) {
    super(message);
    this.reason = reason;
  }
}

const syntax = (reason: string) => new MalformedPolicy('Syntax errors in policy.', reason);
const missing = (name: string, where: string) =>
  new MalformedPolicy(`Missing required field ${name}`, `${where}: ${name} is missing`);

/**
 * The reason why IAM refuses the document as a trust policy; undefined if it accepts it. Whether the roles and
 * users that it names exist is not checked.
 *
 * @param maxLength the account's quota in characters, white space not counted; default 2048, at most 4096
 */
export function validateTrustPolicy(
  document: string,
  maxLength: number = MAX_LENGTH,
): PolicyProblem | undefined {
  const policy = parseTrustPolicy(document);
  if ('reason' in policy) return policy;
  const length = measure(document);
  if (length <= maxLength) return undefined;
  const message = `Cannot exceed quota for ACLSizePerRole: ${maxLength}`;
  return { code: 'LimitExceeded', message, reason: `size: at most ${maxLength} characters, found ${length}` };
}

export function parseTrustPolicy(document: string): TrustPolicy | PolicyProblem {
  try {
    return readPolicy(document);
  } catch (error) {
    if (!(error instanceof MalformedPolicy)) throw error;
    return { code: 'MalformedPolicyDocument', message: error.message, reason: error.reason };
  }
}

function readPolicy(document: string): TrustPolicy {
  const policy = readObject(parseJson(document), TOP_ELEMENTS, 'policy');
  const { Version: version = '2008-10-17', Id: id = '', Statement: statement } = policy;
  if (version !== '2012-10-17' && version !== '2008-10-17') {
    throw new MalformedPolicy(
      'The policy must contain a valid version string',
      'Version: must be 2012-10-17 or 2008-10-17',
    );
  }
  if (typeof id !== 'string') throw syntax('Id: must be a string');
  const list: unknown[] = Array.isArray(statement) ? statement : [statement];
  if (list.length === 0) {
    const message = 'Could not parse the policy: Statement is empty!';
    throw new MalformedPolicy(message, 'Statement: must hold one at least');
  }
  // IAM's console writes empty Sids.
  const sids = list.flatMap((one) => (isObject(one) && one['Sid'] ? [one['Sid']] : []));
  if (new Set(sids).size < sids.length) {
    throw new MalformedPolicy('Statement IDs (SID) in a single policy must be unique.', `Sid: found ${sids}`);
  }
  return { hasVariables: version === '2012-10-17', statements: list.map(readStatement) };
}

function readStatement(value: unknown, index: number): Statement {
  const where = `statement ${index + 1}`;
  const prohibited = ['Resource', 'NotResource'].find(
    (name) => isObject(value) && Object.hasOwn(value, name),
  );
  if (prohibited !== undefined) {
    throw new MalformedPolicy(
      'Has prohibited field Resource',
      `${where}: a trust policy has no ${prohibited}`,
    );
  }
  const statement = readObject(value, ELEMENTS, where);
  const { Sid: sid, Effect: effect } = statement;
  if (sid !== undefined && (typeof sid !== 'string' || !/^[A-Za-z0-9]*$/.test(sid))) {
    const message =
      'Statement IDs (SID) must be alpha-numeric. ' +
      'Check that your input satisfies the regular expression [0-9A-Za-z]*';
    throw new MalformedPolicy(message, `${where}: Sid must be letters and digits`);
  }
  if (effect === undefined) throw missing('Effect', where);
  if (effect !== 'Allow' && effect !== 'Deny') throw syntax(`${where}: Effect must be Allow or Deny`);
  return {
    label: sid === undefined || sid === '' ? where : `${where} (${sid})`,
    effect,
    principals: readPrincipals(statement['Principal'], where),
    ...readActions(statement, where),
    conditions: readConditions(statement['Condition'], where),
  };
}

function readPrincipals(value: unknown, where: string): Principals {
  if (value === undefined) throw missing('Principal', where);
  if (value === '*') {
    const message = 'AssumeRolepolicy contained an invalid principal: "STAR":"*".';
    throw new MalformedPolicy(message, `${where}: Principal cannot be "*" here, but { "AWS": "*" }`);
  }
  const entries = Object.entries(isObject(value) ? value : {});
  if (entries.length === 0) throw syntax(`${where}: Principal must be an object with AWS or Service`);
  return Object.fromEntries(
    entries.map(([type, found]) => {
      const values = readStrings(found, `${where}: Principal ${type}`);
      const wrong = values.find((one) => !isPrincipal(type, one));
      if (wrong === undefined) return [type, values];
      const message = `Invalid principal in policy: "${type.toUpperCase()}":"${wrong}"`;
      throw new MalformedPolicy(message, `${where}: Principal ${type} cannot be ${wrong}`);
    }),
  );
}

function readActions(statement: Readonly<Record<string, unknown>>, where: string) {
  const { Action: action, NotAction: notAction } = statement;
  if (action !== undefined && notAction !== undefined)
    throw syntax(`${where}: has both Action and NotAction`);
  const given = action ?? notAction;
  if (given === undefined) throw missing('Action', where);
  const actions = readStrings(given, `${where}: Action`);
  const foreign = actions.find(
    (one) => !/^sts:/i.test(one) || !ACTIONS.some((known) => isAction(one, known)),
  );
  if (foreign !== undefined) {
    const reason = `${where}: Action is one of ${ACTIONS.join(', ')}, found ${foreign}`;
    throw new MalformedPolicy('AssumeRole policy may only specify STS AssumeRole actions.', reason);
  }
  return { actions, isNotAction: action === undefined };
}

function readConditions(value: unknown, where: string): Condition[] {
  if (value === undefined) return [];
  if (!isObject(value)) throw syntax(`${where}: Condition must be an object`);
  return Object.entries(value).flatMap(([name, keys]) => {
    const operator = parseOperator(name);
    if (operator === undefined) throw syntax(`${where}: there is no condition operator ${name}`);
    if (!isObject(keys)) throw syntax(`${where}: ${name} must be an object`);
    return Object.entries(keys).map(([key, values]) => {
      if (!/^[^:]+:./.test(key)) {
        const message = 'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.';
        throw new MalformedPolicy(message, `${where}: condition keys have a prefix, found ${key}`);
      }
      return { name, operator, key, values: readStrings(values, `${where}: ${name} ${key}`, true) };
    });
  });
}

/** One string or a list. Conditions may also have numbers and booleans, which count as their text. */
function readStrings(value: unknown, where: string, isLoose = false): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  // The meaning of an empty list is unknown.
  if (list.length === 0) throw syntax(`${where}: must hold one value at least`);
  return list.map((one) => {
    if (typeof one === 'string') return one;
    if (isLoose && (typeof one === 'number' || typeof one === 'boolean')) return String(one);
    throw syntax(`${where}: must be a string or a list of strings`);
  });
}

function readObject(value: unknown, known: readonly string[], where: string): Record<string, unknown> {
  if (!isObject(value)) throw syntax(`${where}: must be a JSON object`);
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  // This includes NotPrincipal: AWS discourages it in trust policies, and its effect on sessions is intricate.
  if (unknown !== undefined) throw syntax(`${where}: has no element ${unknown}`);
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Refuses an object with a repeated name: `JSON.parse` would silently drop the first of two conditions. */
function parseJson(document: string): unknown {
  if (/^\s/.test(document)) {
    throw new MalformedPolicy('JSON strings must not have leading spaces', 'policy: begins with white space');
  }
  let value: unknown;
  try {
    value = JSON.parse(document);
  } catch {
    throw new MalformedPolicy('This policy contains invalid Json', 'policy: is not JSON');
  }
  checkNames(splitJson(document));
  return value;
}

function checkNames(parts: readonly JsonPart[]): void {
  const open: Array<Set<string>> = [];
  for (const [index, part] of parts.entries()) {
    const isName = part.isString && parts[index + 1]?.text.trimStart().startsWith(':') === true;
    if (isName) addName(open.at(-1) ?? new Set(), String(JSON.parse(part.text)));
    else if (!part.isString) openAndClose(open, part.text);
  }
}

function addName(names: Set<string>, name: string): void {
  if (names.has(name)) throw syntax(`policy: ${name} occurs twice in one object`);
  names.add(name);
}

function openAndClose(open: Array<Set<string>>, text: string): void {
  for (const mark of text) {
    if (mark === '{') open.push(new Set());
    else if (mark === '}') open.pop();
  }
}

/** The number of characters as the quota counts them: white space counts inside strings only. */
function measure(document: string): number {
  const lengths = splitJson(document).map(({ text, isString }) =>
    isString ? text.length : text.replace(/\s/g, '').length,
  );
  return lengths.reduce((sum, length) => sum + length, 0);
}
