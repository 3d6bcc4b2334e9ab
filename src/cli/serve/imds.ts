/**
 * A request below `/latest` in, the answer of the Instance Metadata Service out: version 2 alone, so that a client that
 * cannot send headers of its own choosing gets nothing.
 *
 * Source: "Use IMDSv2" and "Instance metadata categories" of the EC2 user guide; what SDKs ask for was captured from them.
 */
import type { LocalRequest, LocalResponse } from './guard.js';
import { json, text } from './guard.js';
import type { ServedRole } from './served-role.js';
import { imdsCredentials } from './served-role.js';
import type { TokenStore } from './tokens.js';

const TTL_HEADER = 'x-aws-ec2-metadata-token-ttl-seconds';
const TOKEN_HEADER = 'x-aws-ec2-metadata-token';
/** Six hours. */
const MAX_TTL_SECONDS = 21_600;

const CREDENTIALS = '/latest/meta-data/iam/security-credentials';

export interface Imds {
  /** @param path below `/latest`, slashes collapsed */
  answer(request: LocalRequest, path: string, now: Date): LocalResponse;
}

export function createImds(role: ServedRole, tokens: TokenStore): Imds {
  const documents: Readonly<Record<string, () => LocalResponse>> = {
    [CREDENTIALS]: () => plain(role.name),
    [`${CREDENTIALS}/`]: () => plain(role.name),
    [`${CREDENTIALS}/${role.name}`]: () => imdsCredentials(role),
    '/latest/meta-data/placement/region': () => plain(role.region),
    // botocore asks with the slash, and takes the letter off.
    '/latest/meta-data/placement/availability-zone': () => plain(`${role.region}a`),
    '/latest/meta-data/placement/availability-zone/': () => plain(`${role.region}a`),
    '/latest/dynamic/instance-identity/document': () => json(200, identityDocument(role)),
  };
  return {
    answer(request, path, now) {
      if (request.peer === 'network') return text(403, 'IMDS answers on this machine alone');
      if (path === '/latest/api/token') return issueToken(request, tokens, now);
      if (request.method !== 'GET') return notAllowed('GET');
      const shown = request.headers[TOKEN_HEADER];
      if (typeof shown !== 'string' || tokens.remainingSeconds(shown, now) === undefined) {
        return text(401, `a valid ${TOKEN_HEADER} is required`);
      }
      return Object.hasOwn(documents, path) ? (documents[path]?.() ?? notFound()) : notFound();
    },
  };
}

function issueToken({ method, headers }: LocalRequest, tokens: TokenStore, now: Date): LocalResponse {
  if (method !== 'PUT') return notAllowed('PUT');
  const ttl = headers[TTL_HEADER];
  const seconds = typeof ttl === 'string' && /^\d{1,5}$/.test(ttl) ? Number(ttl) : 0;
  if (seconds < 1 || seconds > MAX_TTL_SECONDS) {
    return text(400, `${TTL_HEADER} must be from 1 to ${MAX_TTL_SECONDS}`);
  }
  // The SDK for Rust reads the lifetime from the answer.
  return { ...plain(tokens.issue(seconds, now)), headers: { [TTL_HEADER]: String(seconds) } };
}

/** As little as the SDKs for Go and Java read: the region, and what goes with it. */
function identityDocument({ region, accountId }: ServedRole) {
  return { accountId, availabilityZone: `${region}a`, region, version: '2017-09-30' };
}

/** Without a line end: it would become part of a role's name. */
function plain(body: string): LocalResponse {
  return { status: 200, body, contentType: 'text/plain' };
}

export function notAllowed(method: string): LocalResponse {
  return { ...text(405, `only ${method} is allowed`), headers: { Allow: method } };
}

export function notFound(): LocalResponse {
  return text(404, 'not found');
}
