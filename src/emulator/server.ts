/**
 * `rolesanywhere/emulator`: a local IAM Roles Anywhere (CreateSession) and STS (GetCallerIdentity) that verify what AWS
 * verifies. In: options. Out: a running server, or its handler alone. The one place of the emulator with a socket.
 * It is never kinder than AWS; where AWS's behaviour is unknown it refuses, and the log says why.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OutputError } from '../errors.js';
import type { Authority, OptionRule } from './authority.js';
import { checkOptions, createAuthority } from './authority.js';
import { createSessionOperation } from './create-session.js';
import type { Handler } from './handler.js';
import { createHandler, MAX_BODY_BYTES } from './handler.js';
import { callerIdentityOperation, createCredentialStore } from './sts.js';
import { parseTrustAnchor } from './trust.js';

export type {
  Authority,
  AuthorityKeyType,
  AuthorityOptions,
  IssuedCertificate,
  IssueOptions,
} from './authority.js';
export { createAuthority } from './authority.js';
export type { EmulatorRequest, EmulatorResponse, Handler } from './handler.js';

export interface EmulatorOptions {
  /** Address to listen on. Default `127.0.0.1`: whoever reaches it gets answers. */
  readonly host?: string | undefined;
  /** 0 to 65535. Default 0, any free port. */
  readonly port?: number | undefined;
  /** Default `us-east-1`. Requests must be signed for it. */
  readonly region?: string | undefined;
  /** Twelve digits. Default `123456789012`. */
  readonly accountId?: string | undefined;
  /** The trust anchor: PEM text of one or more CA certificates. Default: a new authority, in `Emulator.authority`. */
  readonly certificateAuthority?: string | readonly string[] | undefined;
  /** The one role of the profile. Default `Demo`. */
  readonly roleName?: string | undefined;
  /** The profile's session duration, 900 to 43200 seconds, which is also the role's maximum. Default 3600. */
  readonly maxDurationSeconds?: number | undefined;
  /** Whether the profile accepts `roleSessionName`. Default false, as at AWS. */
  readonly acceptRoleSessionName?: boolean | undefined;
  /** The service's clock. Default: the computer's. */
  readonly now?: (() => Date) | undefined;
  /** Gets one line for each request: time, method, path, status, and why it was refused. Never a secret. */
  readonly log?: ((line: string) => void) | undefined;
}

/** The emulated service without a server. */
export interface EmulatedService {
  readonly region: string;
  readonly trustAnchorArn: string;
  readonly profileArn: string;
  readonly roleArn: string;
  /** Issues certificates that the trust anchor trusts; `undefined` where `certificateAuthority` was given. */
  readonly authority: Authority | undefined;
  /** Sessions issued since the start. */
  readonly sessionCount: number;
  /** Answers one request; the server around it adds nothing but HTTP. */
  readonly handle: Handler;
}

export interface Emulator extends Omit<EmulatedService, 'handle'> {
  /** `http://127.0.0.1:49152`, for Roles Anywhere and for STS. */
  readonly endpoint: string;
  /** Ends open connections too. */
  close(): Promise<void>;
}

const isFunction = (value: unknown) => typeof value === 'function';
const matches = (pattern: RegExp) => (value: unknown) => typeof value === 'string' && pattern.test(value);
const isBetween = (least: number, most: number) => (value: unknown) =>
  Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
const isText = (value: unknown) =>
  [value].flat().length > 0 && [value].flat().every((item) => typeof item === 'string');

const RULES: Readonly<Record<keyof EmulatorOptions, OptionRule>> = {
  host: [matches(/^\S+$/), 'a host name or address'],
  port: [isBetween(0, 65_535), 'a whole number from 0 to 65535'],
  region: [matches(/^[a-z]+(-[a-z]+)+-\d$/), 'a region such as us-east-1'],
  accountId: [matches(/^\d{12}$/), 'twelve digits'],
  certificateAuthority: [isText, 'PEM text, or a list of them'],
  roleName: [matches(/^[\w+=,.@-]{1,64}$/), '1 to 64 of A-Z a-z 0-9 _ + = , . @ -'],
  maxDurationSeconds: [isBetween(900, 43_200), 'a whole number from 900 to 43200'],
  acceptRoleSessionName: [(value) => typeof value === 'boolean', 'true or false'],
  now: [isFunction, 'a function'],
  log: [isFunction, 'a function'],
};

/** By the first part of the region; all others are in `aws`. */
const PARTITIONS: ReadonlyArray<readonly [prefix: string, partition: string]> = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['eusc-', 'aws-eusc'],
  ['us-iso-', 'aws-iso'],
  ['us-isob-', 'aws-iso-b'],
  ['eu-isoe-', 'aws-iso-e'],
  ['us-isof-', 'aws-iso-f'],
];

/**
 * The emulator as a function from request to response, for tests that want no socket. `host` and `port` have no effect.
 *
 * Throws OptionError (`ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID`), and IdentityError for a certificate authority that
 * cannot be a trust anchor (`ERR_PEM_INVALID`, `ERR_CERTIFICATE_INVALID`, `ERR_CHAIN_NOT_CA`).
 */
export async function createEmulator(options: EmulatorOptions = {}): Promise<EmulatedService> {
  checkOptions('the emulator', options, RULES);
  const {
    region = 'us-east-1',
    accountId = '123456789012',
    now = () => new Date(),
    log = () => {},
  } = options;
  const { certificateAuthority, roleName = 'Demo', maxDurationSeconds = 3600 } = options;
  const authority = certificateAuthority === undefined ? await createAuthority({ now }) : undefined;
  const anchorText = [authority?.certificate ?? certificateAuthority ?? []].flat();
  const partition = PARTITIONS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'aws';
  const prefix = `arn:${partition}:rolesanywhere:${region}:${accountId}`;
  const trustAnchorArn = `${prefix}:trust-anchor/${randomUUID()}`;
  const roleArn = `arn:${partition}:iam::${accountId}:role/${roleName}`;
  const profile = {
    arn: `${prefix}:profile/${randomUUID()}`,
    roleArns: [roleArn],
    durationSeconds: maxDurationSeconds,
    acceptRoleSessionName: options.acceptRoleSessionName ?? false,
  };
  const credentials = createCredentialStore();
  const trustAnchors = new Map([[trustAnchorArn, anchorText.flatMap(parseTrustAnchor)]]);
  const profiles = new Map([[profile.arn, profile]]);
  const operations = [
    createSessionOperation({ region, trustAnchors, profiles, credentials }),
    callerIdentityOperation(region, credentials),
  ];
  return {
    region,
    trustAnchorArn,
    profileArn: profile.arn,
    roleArn,
    authority,
    get sessionCount() {
      return credentials.issuedCount;
    },
    handle: createHandler(operations, now, log),
  };
}

/**
 * Starts a local IAM Roles Anywhere for tests and demonstrations.
 *
 * ```ts
 * const emulator = await startEmulator({ log: console.error });
 * const identity = await emulator.authority?.issue({ commonName: 'host-1' });
 * // ask emulator.endpoint for a session with emulator.trustAnchorArn, .profileArn and .roleArn, then
 * await emulator.close();
 * ```
 *
 * Throws what {@link createEmulator} throws, and OutputError `ERR_LISTEN`.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const service = await createEmulator(options);
  const { host = '127.0.0.1', port = 0 } = options;
  const server = createServer(
    LIMITS,
    (incoming, outgoing) => void answer(service.handle, incoming, outgoing),
  );
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    const message = `cannot listen on ${host} port ${port}: ${cause instanceof Error ? cause.message : ''}`;
    throw new OutputError('ERR_LISTEN', message, { cause });
  }
  const bound = server.address() as AddressInfo;
  const { region, trustAnchorArn, profileArn, roleArn, authority } = service;
  return {
    endpoint: `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
    region,
    trustAnchorArn,
    profileArn,
    roleArn,
    authority,
    get sessionCount() {
      return service.sessionCount;
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const LIMITS = {
  // ML-DSA-87: 10 kB for each certificate (leaf and five more), 9 kB for the signature. Node's default is 16 kB.
  maxHeaderSize: 131_072,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5_000,
};

async function answer(handle: Handler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const body = await readBody(incoming);
  // The client went away in the middle of its request; there is nobody to tell.
  if (body === undefined) return;
  const [rawPath = '', ...query] = (incoming.url ?? '').split('?');
  const {
    status,
    headers,
    body: text,
  } = await handle({
    method: incoming.method ?? '',
    rawPath,
    rawQuery: query.join('?'),
    headers: pairHeaders(incoming.rawHeaders),
    body,
  });
  outgoing.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(text) }).end(text);
}

/** Node's flat list of names and values; its `headers` object has already joined what was repeated. */
function pairHeaders(raw: readonly string[]): Array<[name: string, value: string]> {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [[name.toLowerCase(), raw[index + 1] ?? '']] : []));
}

/** Reads all of it, so that the client gets its answer, but keeps only enough to see that it is too long. */
async function readBody(incoming: IncomingMessage): Promise<Uint8Array | undefined> {
  const kept: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming) {
      if (size <= MAX_BODY_BYTES) kept.push(chunk);
      size += chunk.length;
    }
    return Buffer.concat(kept);
  } catch {
    return undefined;
  }
}
