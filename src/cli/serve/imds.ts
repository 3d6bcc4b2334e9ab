/**
 * Answers requests below `/latest` as the Instance Metadata Service of EC2 does, version 2 only: a client
 * must be able to send a custom header, which a web page or an open proxy cannot.
 *
 * Source: "Use IMDSv2" and "Instance metadata categories" (EC2 user guide). The paths that SDKs, the
 * CloudWatch agent and Fluent Bit request were captured from them.
 */
import { partitionOf } from '../../options/partition.js';
import type { LocalRequest, LocalResponse } from './guard.js';
import { json, refuse, TOKEN_PATH, withoutSlash } from './guard.js';
import type { MachineFacts } from './machine-facts.js';
import type { ServedRole } from './served-role.js';
import { imdsCredentials, imdsProfile } from './served-role.js';
import type { SessionTokens } from './tokens.js';
import { MAX_TTL_SECONDS } from './tokens.js';

const TTL_HEADER = 'X-aws-ec2-metadata-token-ttl-seconds';
const TOKEN_HEADER = 'x-aws-ec2-metadata-token';

const CREDENTIALS = '/latest/meta-data/iam/security-credentials';

export interface Imds {
  /** @param path one that `isImdsPath` accepts */
  answer(request: LocalRequest, path: string, now: Date): LocalResponse;
}

type Documents = Readonly<Record<string, () => LocalResponse>>;

/** Fluent Bit requests `/` to detect the version of IMDS. */
export function isImdsPath(path: string): boolean {
  return path === '/' || path === '/latest' || path.startsWith('/latest/');
}

/** A metrics label with few values, whatever path is requested. */
export function routeOfImds(path: string): string {
  if (withoutSlash(path) === TOKEN_PATH) return 'imds-token';
  return path.startsWith('/latest/meta-data/iam/') ? 'imds-credentials' : 'imds';
}

export function createImds(role: ServedRole, machine: MachineFacts, tokens: SessionTokens): Imds {
  const documents = documentsOf(role, machine);
  const pages = indexOf(Object.keys(documents));
  const get = (path: string): LocalResponse => {
    const plainPath = withoutSlash(path);
    if (Object.hasOwn(documents, plainPath)) return documents[plainPath]?.() ?? notFound();
    const page = pages.get(plainPath);
    if (page !== undefined) return plain(page);
    return plainPath.startsWith(`${CREDENTIALS}/`) &&
      decoded(plainPath.slice(CREDENTIALS.length + 1)) === role.name
      ? imdsCredentials(role)
      : notFound();
  };
  return {
    answer(request, path, now) {
      const { method, headers, peer } = request;
      if (peer === 'network') return refuse(403, 'not-local', 'IMDS answers clients on this machine alone');
      if (withoutSlash(path) === TOKEN_PATH) return issueToken(request, tokens, now);
      if (method !== 'GET') return notAllowed('GET');
      const shown = headers[TOKEN_HEADER];
      if (typeof shown !== 'string') return refuse(401, 'token-missing', `${TOKEN_HEADER} is missing`);
      const seconds = tokens.remainingSeconds(shown, now);
      return seconds === undefined
        ? refuse(401, 'token-invalid', `${TOKEN_HEADER} is not valid, or has expired`)
        : withLifetime(get(path), seconds);
    },
  };
}

function issueToken({ method, headers }: LocalRequest, tokens: SessionTokens, now: Date): LocalResponse {
  if (method !== 'PUT') return notAllowed('PUT');
  const ttl = headers[TTL_HEADER.toLowerCase()];
  const seconds = typeof ttl === 'string' && /^\d{1,5}$/.test(ttl) ? Number(ttl) : 0;
  if (seconds < 1 || seconds > MAX_TTL_SECONDS) {
    return refuse(400, 'token-lifetime', `${TTL_HEADER} must be from 1 to ${MAX_TTL_SECONDS}`);
  }
  return withLifetime(plain(tokens.issue(seconds, now)), seconds);
}

/** Every answer says how long the token lasts, as on EC2. */
function withLifetime(response: LocalResponse, seconds: number): LocalResponse {
  const { status, body, contentType = 'text/plain', reason } = response;
  const headers = { [TTL_HEADER]: String(seconds) };
  return reason === undefined ? { status, body, contentType, headers } : { ...response, headers };
}

/** The paths that SDKs and agents request at start. */
function documentsOf(role: ServedRole, { instanceId, hostname, address }: MachineFacts): Documents {
  const { region, accountId } = role;
  const { name: partition, suffix } = partitionOf(region);
  // botocore removes the letter.
  const availabilityZone = `${region}a`;
  const values: Readonly<Record<string, string>> = {
    hostname,
    'instance-id': instanceId,
    'instance-type': 'on-premises',
    'local-hostname': hostname,
    'local-ipv4': address,
    'placement/availability-zone': availabilityZone,
    'placement/region': region,
    'services/domain': suffix,
    'services/partition': partition,
  };
  return {
    ...Object.fromEntries(
      Object.entries(values).map(([key, value]) => [`/latest/meta-data/${key}`, () => plain(value)]),
    ),
    [CREDENTIALS]: () => plain(role.name),
    '/latest/meta-data/iam/info': () => imdsProfile(role),
    // The SDKs for Go and Java read the region from here.
    '/latest/dynamic/instance-identity/document': () =>
      json(200, {
        accountId,
        availabilityZone,
        instanceId,
        privateIp: address,
        region,
        version: '2017-09-30',
      }),
  };
}

/**
 * The page of every folder on the way to a document: one name a line; below `meta-data`, folders with a slash.
 */
function indexOf(paths: readonly string[]): ReadonlyMap<string, string> {
  const folders = new Map<string, Set<string>>();
  for (const path of paths) {
    const names = path.split('/').slice(1);
    for (const [depth, name] of names.entries()) {
      const folder = `/${names.slice(0, depth).join('/')}`;
      const isDocument = depth === names.length - 1 && path !== CREDENTIALS;
      const entries = folders.get(folder) ?? new Set();
      folders.set(folder, entries.add(isDocument || depth < 2 ? name : `${name}/`));
    }
  }
  return new Map([...folders].map(([folder, names]) => [folder, [...names].sort().join('\n')]));
}

/** Without a line end: it would become part of a role's name. */
function plain(body: string): LocalResponse {
  return { status: 200, body, contentType: 'text/plain' };
}

/** Decoded once; unchanged if it is malformed. */
export function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export function notAllowed(method: string): LocalResponse {
  return { ...refuse(405, 'method', `only ${method} is allowed`), headers: { Allow: method } };
}

export function notFound(): LocalResponse {
  return refuse(404, 'unknown-path', 'not found');
}
