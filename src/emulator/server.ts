/**
 * `rolesanywhere/emulator`: a local IAM Roles Anywhere (CreateSession) and STS (GetCallerIdentity) behind a socket. In:
 * options. Out: a running server. The one place of the emulator that touches the network.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MAX_BODY_BYTES } from '../emulator-wire/handler.js';
import { OutputError } from '../errors.js';
import { EMULATOR_OPTIONS } from '../options/command-options.js';
import { deliver } from './deliver.js';
import { answerFaultsRoute } from './faults-route.js';
import type { EmulatedService, EmulatorOptions, WithAuthority, WithoutCa } from './service.js';
import { createEmulator, readEmulatorOptions } from './service.js';

export type {
  Authority,
  AuthorityKeyType,
  AuthorityOptions,
  IssuedCertificate,
  IssueOptions,
} from '../emulator-pki/authority.js';
export { createAuthority } from '../emulator-pki/authority.js';
export type { EmulatorRequest, EmulatorResponse, Handler } from '../emulator-wire/handler.js';
export type { FaultRule, FaultSource } from './fault-rules.js';
export type { FaultStatus, Faults } from './faults.js';
export type { EmulatedService, EmulatorOptions } from './service.js';
export { createEmulator } from './service.js';

export interface Emulator extends EmulatedService {
  /** `http://127.0.0.1:49152`, for Roles Anywhere and for STS. */
  readonly endpoint: string;
  /** Ends open connections too. */
  close(): Promise<void>;
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
  const { host = '127.0.0.1', port = EMULATOR_OPTIONS.port.default } = readEmulatorOptions(options);
  const server = createServer(LIMITS, (incoming, outgoing) => {
    // Such as a clock of the caller that throws: the client must hear of it, and the process must live on.
    answer(service, incoming, outgoing).catch(() => {
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
  // How often the limits are looked at: at Node's 30 s, a client that trickles would have three times its time.
  connectionsCheckingInterval: 1_000,
};

const MAX_READ_BYTES = 1024 * 1024;

async function answer(service: EmulatedService, incoming: IncomingMessage, outgoing: ServerResponse) {
  const body = await readBody(incoming);
  // The client went away in the middle of its request; there is nobody to tell.
  if (body === undefined) return;
  const [rawPath = '', ...query] = (incoming.url ?? '').split('?');
  const request = {
    method: incoming.method ?? '',
    rawPath,
    rawQuery: query.join('?'),
    headers: pairHeaders(incoming.rawHeaders),
    body,
    // An IPv4 client of a socket for both families has its address mapped into IPv6.
    sourceIp: incoming.socket.remoteAddress?.replace(/^::ffff:/, ''),
  };
  const control = answerFaultsRoute(request, service.faults);
  // What is left of a body that is too long would be read as the next request.
  if (!incoming.complete) outgoing.shouldKeepAlive = false;
  await deliver(control ?? (await service.handle(request)), outgoing);
}

/** Node's flat list of names and values; its `headers` object has already joined what was repeated. */
function pairHeaders(raw: readonly string[]): Array<[name: string, value: string]> {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [[name.toLowerCase(), raw[index + 1] ?? '']] : []));
}

/**
 * Reads more than is kept, so that most clients that send too much get their answer; without an end it is read by none.
 */
async function readBody(incoming: IncomingMessage): Promise<Uint8Array | undefined> {
  const kept: Buffer[] = [];
  let size = 0;
  try {
    // Not destroyed when this stops reading: the answer goes out on the same socket.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
      if (size <= MAX_BODY_BYTES) kept.push(chunk);
      size += chunk.length;
      if (size > MAX_READ_BYTES) break;
    }
    return Buffer.concat(kept);
  } catch {
    return undefined;
  }
}
