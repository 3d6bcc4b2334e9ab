/**
 * `rolesanywhere/emulator`: a local IAM Roles Anywhere (CreateSession) and STS (GetCallerIdentity). In: options. Out: a
 * running server, or its handler alone. The one place of the emulator with a socket.
 * Each check that it makes is at least as strict as AWS's; where AWS's behaviour is unknown it refuses, and the log says
 * why. Kinder than AWS in what it does not evaluate yet: revocation lists (CRLs), the role's trust policy and its
 * conditions on session tags, and a maximum duration of the role below the profile's.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OutputError } from '../errors.js';
import { partitionOf } from '../settings/endpoint.js';
import { EMULATOR_OPTIONS, SESSION_OPTIONS } from '../settings/options.js';
import type { Authority, OptionRules } from './authority.js';
import { createAuthority, readOptions } from './authority.js';
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

/** CA certificates: PEM text, PEM bytes, or an authority that `createAuthority` made. */
type AuthoritySource = string | Uint8Array | Pick<Authority, 'certificate'>;

export interface EmulatorOptions {
  /** Address to listen on. Default `127.0.0.1`: whoever reaches it gets answers. */
  readonly host?: string | undefined;
  /** 0 to 65535. Default 0, any free port. */
  readonly port?: number | undefined;
  /** Default `us-east-1`. Requests must be signed for it. */
  readonly region?: string | undefined;
  /** Twelve digits. Default `123456789012`. */
  readonly accountId?: string | undefined;
  /** The trust anchor: one source of CA certificates or several. Default: a new authority, in `Emulator.authority`. */
  readonly certificateAuthority?: AuthoritySource | readonly AuthoritySource[] | undefined;
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

export interface Emulator extends EmulatedService {
  /** `http://127.0.0.1:49152`, for Roles Anywhere and for STS. */
  readonly endpoint: string;
  /** Ends open connections too. */
  close(): Promise<void>;
}

/** Who brings no CA gets an authority. */
type WithoutCa = EmulatorOptions & { readonly certificateAuthority?: undefined };
type WithAuthority = { readonly authority: Authority };

const FUNCTION = [(value: unknown) => typeof value === 'function', 'a function'] as const;

const RULES: OptionRules<EmulatorOptions> = {
  host: { type: 'pattern', pattern: /^[\w.:%-]{1,63}$/, rule: 'a host name or address' },
  port: EMULATOR_OPTIONS.port.kind,
  region: { ...SESSION_OPTIONS.region.kind, rule: 'a region such as us-east-1' },
  accountId: { type: 'pattern', pattern: /^\d{12}$/, rule: 'twelve digits' },
  certificateAuthority: [
    (value) => [value].flat().length > 0 && [value].flat().every((item) => pemOf(item) !== undefined),
    'PEM text or bytes, an authority, or a list of them',
  ],
  roleName: EMULATOR_OPTIONS.roleName.kind,
  maxDurationSeconds: SESSION_OPTIONS.durationSeconds.kind,
  acceptRoleSessionName: { type: 'boolean' },
  now: FUNCTION,
  log: FUNCTION,
};

/**
 * The emulator as a function from request to response, for tests that want no socket. `host` and `port` have no effect.
 *
 * @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID`
 * @throws IdentityError `ERR_PEM_INVALID` `ERR_CERTIFICATE_INVALID` `ERR_CHAIN_NOT_CA`: a certificate authority that
 *   cannot be a trust anchor
 * @example
 * const service = await createEmulator();
 * const request = { method: 'POST', rawPath: '/sessions', rawQuery: '', headers: [], body: new Uint8Array() };
 * const { status, headers, body } = await service.handle(request);
 */
export function createEmulator(options?: WithoutCa): Promise<EmulatedService & WithAuthority>;
/** The same with a CA of the caller: `authority` is undefined. */
export function createEmulator(options: EmulatorOptions): Promise<EmulatedService>;
export async function createEmulator(options: EmulatorOptions = {}): Promise<EmulatedService> {
  const given = readOptions(options, RULES);
  const { region = 'us-east-1', accountId = '123456789012', certificateAuthority } = given;
  const { now = () => new Date(), log = () => {}, acceptRoleSessionName = false } = given;
  const { roleName = EMULATOR_OPTIONS.roleName.default, maxDurationSeconds = 3600 } = given;
  const authority = certificateAuthority === undefined ? await createAuthority({ now }) : undefined;
  const anchors = [authority ?? certificateAuthority].flat().map((source) => pemOf(source) ?? '');
  const partition = partitionOf(region).name;
  const prefix = `arn:${partition}:rolesanywhere:${region}:${accountId}`;
  const trustAnchorArn = `${prefix}:trust-anchor/${randomUUID()}`;
  const roleArn = `arn:${partition}:iam::${accountId}:role/${roleName}`;
  const profile = {
    arn: `${prefix}:profile/${randomUUID()}`,
    roleArns: [roleArn],
    durationSeconds: maxDurationSeconds,
    acceptRoleSessionName,
  };
  const credentials = createCredentialStore();
  const trustAnchors = new Map([[trustAnchorArn, anchors.flatMap(parseTrustAnchor)]]);
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

/** The text of an {@link AuthoritySource}; undefined for anything else. */
function pemOf(source: unknown): string | undefined {
  if (source instanceof Uint8Array) return Buffer.from(source).toString('latin1');
  const isAuthority = typeof source === 'object' && source !== null && 'certificate' in source;
  const text = isAuthority ? source.certificate : source;
  return typeof text === 'string' ? text : undefined;
}

/**
 * Starts a local IAM Roles Anywhere for tests and demonstrations.
 *
 * @throws OptionError, IdentityError: as {@link createEmulator}
 * @throws OutputError `ERR_LISTEN`
 * @example
 * const emulator = await startEmulator({ log: console.error });
 * const { certificate, privateKey } = await emulator.authority.issue({ commonName: 'host-1' });
 * // ask emulator.endpoint for a session with emulator.trustAnchorArn, .profileArn and .roleArn, then
 * await emulator.close();
 */
export function startEmulator(options?: WithoutCa): Promise<Emulator & WithAuthority>;
/** The same with a CA of the caller: `authority` is undefined. */
export function startEmulator(options: EmulatorOptions): Promise<Emulator>;
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const service = await createEmulator(options);
  const { host = '127.0.0.1', port = EMULATOR_OPTIONS.port.default } = readOptions(options, RULES);
  const server = createServer(LIMITS, (incoming, outgoing) => {
    // Such as a clock of the caller that throws: the client must hear of it, and the process must live on.
    answer(service.handle, incoming, outgoing).catch(() => {
      outgoing.statusCode = 500;
      outgoing.end();
    });
  });
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    const message = `cannot listen on ${host} port ${port}: ${cause instanceof Error ? cause.message : ''}`;
    throw new OutputError('ERR_LISTEN', message, { cause });
  }
  const bound = server.address() as AddressInfo;
  // Not spread into a new object: its sessionCount grows.
  return Object.assign(service, {
    endpoint: `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  });
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
  const response = await handle({
    method: incoming.method ?? '',
    rawPath,
    rawQuery: query.join('?'),
    headers: pairHeaders(incoming.rawHeaders),
    body,
  });
  const length = Buffer.byteLength(response.body);
  outgoing.writeHead(response.status, { ...response.headers, 'Content-Length': length }).end(response.body);
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
