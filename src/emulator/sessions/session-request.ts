/**
 * Reads the members of a CreateSession request, each checked against its limits.
 *
 * Clients send the ARNs in the query or in the JSON body, the other members in the body only.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html, and
 * STS AssumeRole for the session name
 */
import type { EmulatorRequest } from '../wire/handler.js';
import { refuseWith } from '../wire/handler.js';
import type { ValueOf } from '../wire/shape.js';
import { findUnknownMembers, readJsonObject, readShape } from '../wire/shape.js';
import { parseQuery } from '../wire/signature.js';

const SESSION_NAME = { type: 'string', min: 2, max: 64, pattern: '[\\w+=,.@-]*' } as const;

const INPUT = {
  type: 'structure',
  members: {
    profileArn: arn('arn:aws(-[^:]+)?:rolesanywhere(:.*){2}(:profile.*)'),
    roleArn: arn('arn:aws(-[^:]+)?:iam(:.*){2}(:role.*)'),
    trustAnchorArn: arn('arn:aws(-[^:]+)?:rolesanywhere(:.*){2}(:trust-anchor.*)'),
    durationSeconds: { type: 'integer', min: 900, max: 43_200 },
    roleSessionName: SESSION_NAME,
    instanceProperties: { type: 'map', max: 50, length: { min: 1, max: 200 } },
    // Deprecated: its limits hold, and it has no effect.
    sessionName: SESSION_NAME,
  },
  required: ['profileArn', 'roleArn', 'trustAnchorArn'],
} as const;

const IN_QUERY = INPUT.required as readonly string[];

export type SessionRequest = ValueOf<typeof INPUT> & {
  /**
   * Members that AWS does not document. CreateSession is in no public model, so they are ignored and logged.
   */
  readonly ignoredMembers: readonly string[];
};

/** AWS's wording for a request that cannot be read is unknown. */
const malformed = refuseWith(400, 'ValidationException', 'The request could not be read');

export function readSessionRequest(request: EmulatorRequest): SessionRequest {
  const query = readQuery(request);
  const body = readBody(request);
  const conflict = IN_QUERY.find((name) => name in query && name in body && query[name] !== body[name]);
  // It is unknown which of the two AWS uses.
  if (conflict !== undefined) throw malformed(`request: ${conflict} differs between query and body`);
  const members = { ...body, ...query };
  const found = `query has ${listNames(query)}, body has ${listNames(body)}`;
  const read = readShape(INPUT, members, 'ValidationException', `request: ${found}`);
  return { ...read, ignoredMembers: findUnknownMembers(INPUT, members).map(({ name }) => name) };
}

function readQuery(request: EmulatorRequest): Readonly<Record<string, unknown>> {
  const values = new Map<string, unknown>();
  for (const [name, value] of parseQuery(request.rawQuery, malformed)) {
    if (values.has(name)) throw malformed(`query: ${name} must occur once`);
    // AWS documents these members in the body only. Ignoring them would silently drop a setting of the
    // client.
    if (Object.hasOwn(INPUT.members, name) && !IN_QUERY.includes(name)) {
      throw malformed(`query: ${name} belongs in the body`);
    }
    values.set(name, value);
  }
  return Object.fromEntries(values);
}

function readBody({ body, headers }: EmulatorRequest): Readonly<Record<string, unknown>> {
  if (body.length === 0) return {};
  const contentType = headers.find(([name]) => name === 'content-type')?.[1] ?? '';
  // AWS's response to other content types is unknown.
  if (!/^application\/(json|x-amz-json-1\.[01])\s*(;|$)/i.test(contentType)) {
    throw malformed(`body: content-type must be application/json, found ${contentType || 'none'}`);
  }
  return readJsonObject(body, malformed);
}

function listNames(members: Readonly<Record<string, unknown>>): string {
  return Object.keys(members).join(', ') || 'nothing';
}

function arn<const Pattern extends string>(pattern: Pattern) {
  return { type: 'string', min: 1, max: 1011, pattern } as const;
}
