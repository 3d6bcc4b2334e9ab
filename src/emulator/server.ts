/**
 * `rolesanywhere/emulator`: a local IAM Roles Anywhere, STS and what of IAM they need, behind a socket. In: options. Out:
 * a running server.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createAuthority } from '../authority/authority.js';
import { deliver } from './deliver.js';
import { answerFaultsRoute } from './faults/faults-route.js';
import { listen } from './listen.js';
import type { EmulatorOptions, WithAuthority, WithoutCa } from './options.js';
import { parseEmulatorOptions } from './options.js';
import { createRequestLog } from './request-log.js';
import type { EmulatedService } from './service.js';
import { createService } from './service.js';
import { MAX_BODY_BYTES } from './wire/handler.js';

export interface Emulator extends EmulatedService {
  /** `http://127.0.0.1:49152`, for Roles Anywhere and for STS. */
  readonly endpoint: string;
  /** With `tls`: the authority of the server's certificate, PEM, for `caBundle` and `AWS_CA_BUNDLE`. */
  readonly caBundle: string | undefined;
  /** Ends open connections too. */
  close(): Promise<void>;
}

/**
 * Starts a local IAM Roles Anywhere for tests and demonstrations.
 *
 * @throws OptionError, IdentityError: as `createEmulator`
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
  const settings = parseEmulatorOptions(options);
  const { host, port, now } = settings;
  const service = await createService(settings);
  const write = createRequestLog(settings.log, settings.verbose);
  const tls = settings.tls ? await createTlsIdentity(host) : undefined;
  const listener = await listen({
    host,
    port,
    tls,
    onRequest(incoming, outgoing, reset) {
      // Such as a clock of the caller that throws: the client must hear of it, and the process must live on.
      answer(service, incoming, outgoing, reset).catch(() => {
        outgoing.statusCode = 500;
        outgoing.end();
      });
    },
    onFailure(status, reason) {
      // Again a clock that throws, and here nobody would catch it.
      void (async () => write({ at: now(), route: '-', status, text: '', reason }))().catch(() => undefined);
    },
  });
  // Not spread into a new object: its sessionCount grows.
  return Object.assign(service, {
    endpoint: listener.origin,
    caBundle: tls?.caBundle,
    close: () => listener.close(),
  });
}

/** For this machine's own names and the address that is listened on; by its clock, not by the service's. */
async function createTlsIdentity(host: string) {
  const authority = await createAuthority({ commonName: 'Emulator TLS CA' });
  const hosts = [...new Set(['localhost', '127.0.0.1', '::1', host.split('%')[0] ?? host])];
  const identity = await authority.issue({ commonName: 'localhost', hosts, days: 365 });
  return { ...identity, caBundle: authority.certificate };
}

const MAX_READ_BYTES = 1024 * 1024;

async function answer(
  service: EmulatedService,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  reset: () => void,
): Promise<void> {
  const body = await readBody(incoming);
  // The client went away in the middle of its request; there is nobody to tell.
  if (body === undefined) return;
  // Clients that take the emulator for their proxy send the whole URL (RFC 9112 section 3.2.2).
  const target = (incoming.url ?? '').replace(/^https?:\/\/[^/?]*\/?/i, '/');
  const [rawPath = '', ...query] = target.split('?');
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
  await deliver(control ?? (await service.handle(request)), outgoing, reset);
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
