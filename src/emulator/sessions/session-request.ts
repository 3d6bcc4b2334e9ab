/**
 * What CreateSession is asked for. In: query and body. Out: the members, each inside its limits.
 * The ARNs may come in the query or in the JSON body, the rest in the body alone. Unknown members are ignored, as
 * AWS's JSON protocols do.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html, and STS
 * AssumeRole for the session name. The wording is that of the validator that AWS services share; Roles Anywhere was seen
 * to use it.
 */
import type { EmulatorRequest } from '../wire/handler.js';
import { Refusal } from '../wire/handler.js';
import { parseQuery } from '../wire/signature.js';

export interface SessionRequest {
  readonly profileArn: string;
  readonly roleArn: string;
  readonly trustAnchorArn: string;
  readonly durationSeconds: number | undefined;
  readonly roleSessionName: string | undefined;
  readonly instanceProperties: Readonly<Record<string, string>> | undefined;
}

/** The constraint that a value breaks, in AWS's words; `undefined` where it breaks none. */
type Constraint = (value: unknown) => string | undefined;

const IN_QUERY = ['profileArn', 'roleArn', 'trustAnchorArn'];

/** `sessionName` is deprecated: its limits hold, and nothing comes of it. */
const CONSTRAINTS: Readonly<Record<keyof SessionRequest | 'sessionName', Constraint>> = {
  profileArn: required(text(1, 1011, 'arn:aws(-[^:]+)?:rolesanywhere(:.*){2}(:profile.*)')),
  roleArn: required(text(1, 1011, 'arn:aws(-[^:]+)?:iam(:.*){2}(:role.*)')),
  trustAnchorArn: required(text(1, 1011, 'arn:aws(-[^:]+)?:rolesanywhere(:.*){2}(:trust-anchor.*)')),
  durationSeconds: optional(checkDuration),
  roleSessionName: optional(text(2, 64, '[\\w+=,.@-]*')),
  instanceProperties: optional(checkInstanceProperties),
  sessionName: optional(text(2, 64, '[\\w+=,.@-]*')),
};

export function readSessionRequest(request: EmulatorRequest): SessionRequest {
  const query = readQuery(request);
  const body = readBody(request);
  const values = mergeMembers(query, body);
  const problems = Object.entries(CONSTRAINTS).flatMap(([member, check]) => {
    const value = values.get(member) ?? undefined;
    const problem = check(value);
    const found =
      value === undefined ? 'null' : `'${typeof value === 'object' ? JSON.stringify(value) : value}'`;
    return problem === undefined
      ? []
      : [`Value ${found} at '${member}' failed to satisfy constraint: Member must ${problem}`];
  });
  if (problems.length > 0) {
    const detected = problems.length === 1 ? '1 validation error' : `${problems.length} validation errors`;
    const found = `query has ${listNames(query)}, body has ${listNames(body)}`;
    throw invalid(`${detected} detected: ${problems.join('; ')}`, `request: ${found}`);
  }
  const { durationSeconds, roleSessionName, instanceProperties } = Object.fromEntries(values);
  return {
    profileArn: String(values.get('profileArn')),
    roleArn: String(values.get('roleArn')),
    trustAnchorArn: String(values.get('trustAnchorArn')),
    durationSeconds: typeof durationSeconds === 'number' ? durationSeconds : undefined,
    roleSessionName: typeof roleSessionName === 'string' ? roleSessionName : undefined,
    instanceProperties: readProperties(instanceProperties),
  };
}

function readQuery(request: EmulatorRequest): Map<string, unknown> {
  const values = new Map<string, unknown>();
  for (const [name, value] of parseQuery(request.rawQuery, malformed)) {
    if (values.has(name)) throw malformed(`query: ${name} must occur once`);
    // AWS documents these for the body alone. Ignored, they would silently not do what was asked.
    if (Object.hasOwn(CONSTRAINTS, name) && !IN_QUERY.includes(name)) {
      throw malformed(`query: ${name} belongs in the body`);
    }
    values.set(name, value);
  }
  return values;
}

function readBody({ body, headers }: EmulatorRequest): Map<string, unknown> {
  if (body.length === 0) return new Map();
  const contentType = headers.find(([name]) => name === 'content-type')?.[1] ?? '';
  // What AWS answers to another type is unknown, and so is whether it minds.
  if (!/^application\/(json|x-amz-json-1\.[01])\s*(;|$)/i.test(contentType)) {
    throw malformed(`body: content-type must be application/json, found ${contentType || 'none'}`);
  }
  try {
    // A byte order mark is part of the text then, and no JSON (RFC 8259 section 8.1).
    const value: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body),
    );
    if (isObject(value)) return new Map(Object.entries(value));
  } catch {
    // Falls through to the one answer that both have.
  }
  throw malformed('body: must be a JSON object in UTF-8, or empty');
}

/** Query and body may agree. Which of them AWS follows where they don't is unknown, so the emulator follows neither. */
function mergeMembers(query: Map<string, unknown>, body: Map<string, unknown>): Map<string, unknown> {
  const conflict = IN_QUERY.find(
    (name) => query.has(name) && body.has(name) && query.get(name) !== body.get(name),
  );
  if (conflict !== undefined) throw malformed(`request: ${conflict} differs between query and body`);
  return new Map([...body, ...query]);
}

function listNames(members: Map<string, unknown>): string {
  return [...members.keys()].join(', ') || 'nothing';
}

function invalid(message: string, reason: string): Refusal {
  return new Refusal(400, 'ValidationException', message, reason);
}

/** The wording for a request that cannot be read is unknown. */
function malformed(reason: string): Refusal {
  return invalid('The request could not be read', reason);
}

function required(check: Constraint): Constraint {
  return (value) => (value === undefined ? 'not be null' : check(value));
}

function optional(check: Constraint): Constraint {
  return (value) => (value === undefined ? undefined : check(value));
}

function text(shortest: number, longest: number, pattern: string): Constraint {
  const whole = new RegExp(`^(?:${pattern})$`);
  return (value) => {
    if (typeof value !== 'string') return 'be a string';
    if (value.length < shortest) return `have length greater than or equal to ${shortest}`;
    if (value.length > longest) return `have length less than or equal to ${longest}`;
    return whole.test(value) ? undefined : `satisfy regular expression pattern: ${pattern}`;
  };
}

function checkDuration(value: unknown): string | undefined {
  if (!Number.isInteger(value)) return 'be an integer';
  if (Number(value) < 900) return 'have value greater than or equal to 900';
  return Number(value) > 43_200 ? 'have value less than or equal to 43200' : undefined;
}

function checkInstanceProperties(value: unknown): string | undefined {
  if (!isObject(value)) return 'be a map';
  const entries = Object.entries(value);
  if (entries.length > 50) return 'have length less than or equal to 50';
  const isFine = entries
    .flat()
    .every((item) => typeof item === 'string' && item.length >= 1 && item.length <= 200);
  return isFine ? undefined : 'have keys and values of length between 1 and 200';
}

/** The constraint has seen to it that they are texts. */
function readProperties(value: unknown): Record<string, string> | undefined {
  if (!isObject(value)) return undefined;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, String(item)]));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
