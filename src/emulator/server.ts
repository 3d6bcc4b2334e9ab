/**
 * The emulator behind a socket: IAM Roles Anywhere, STS and IAM at one address.
 *
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createAuthority } from '../authority/authority.js';
import { deliver } from './deliver.js';
import { answerFaultsRoute } from './faults/faults-route.js';
import type { Guard } from './guard.js';
import { findForeignSender } from './guard.js';
import { listen } from './listen.js';
import type { EmulatorOptions, WithAuthority, WithoutCa } from './options.js';
import { parseEmulatorOptions } from './options.js';
import type { RequestLog } from './request-log.js';
import { createRequestLog } from './request-log.js';
import type { EmulatedService } from './service.js';
import { createService } from './service.js';
import type { EmulatorRequest, EmulatorResponse } from './wire/handler.js';
import { MAX_BODY_BYTES } from './wire/handler.js';

export interface Emulator extends EmulatedService {
  /** `http://127.0.0.1:49152`: the address of Roles Anywhere, STS and IAM. */
  readonly endpoint: string;
  /** With `tls`: the CA certificate of the server, PEM, for `caBundle` and `AWS_CA_BUNDLE`. */
  readonly caBundle: string | undefined;
  /** Closes open connections as well. */
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
/** With a CA, a seed or a state of the caller, `authority` may be undefined. */
export function startEmulator(options: EmulatorOptions): Promise<Emulator>;
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const settings = parseEmulatorOptions(options);
  const { host, port, now, allowHosts } = settings;
  const service = await createService(settings);
  const write = createRequestLog(settings.log, settings.verbose);
  const tls = settings.tls ? await createTlsIdentity(host) : undefined;
  const isName = /[a-z]/i.test(host) && !host.includes(':');
  const guard = {
    allowHosts: [...allowHosts, ...(isName ? [host.toLowerCase()] : [])],
    scheme: tls === undefined ? 'http' : 'https',
  };
  const listener = await listen({
    host,
    port,
    tls,
    onRequest(incoming, outgoing, reset) {
      // A caller's clock can throw: the client gets an answer, and the process goes on.
      answer({ service, guard, write, now }, incoming, outgoing, reset).catch(() => {
        outgoing.statusCode = 500;
        outgoing.end();
      });
    },
    onFailure(status, reason) {
      // The clock can throw here as well, outside any request.
      void (async () => write({ at: now(), route: '-', status, text: '', reason }))().catch(() => undefined);
    },
  });
  // Object.assign keeps the getter `sessionCount`; a spread would copy its value.
  return Object.assign(service, {
    endpoint: listener.origin,
    caBundle: tls?.caBundle,
    close: () => listener.close(),
  });
}

/** A certificate for this machine's names and the listening address, valid by the system clock. */
async function createTlsIdentity(host: string) {
  const authority = await createAuthority({ commonName: 'Emulator TLS CA' });
  const hosts = [...new Set(['localhost', '127.0.0.1', '::1', host.split('%')[0] ?? host])];
  const identity = await authority.issue({ commonName: 'localhost', hosts, days: 365 });
  return { ...identity, caBundle: authority.certificate };
}

const MAX_READ_BYTES = 1024 * 1024;

interface Front {
  readonly service: EmulatedService;
  readonly guard: Guard;
  readonly write: RequestLog;
  readonly now: () => Date;
}

async function answer(
  front: Front,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  reset: () => void,
): Promise<void> {
  const { service } = front;
  const body = await readBody(incoming);
  // The client closed the connection in the middle of its request.
  if (body === undefined) return;
  // Clients may send the whole URL, as to a proxy (RFC 9112 section 3.2.2).
  const [start = '', authority] = /^https?:\/\/([^/?]*)\/?/i.exec(incoming.url ?? '') ?? [];
  const target = start === '' ? (incoming.url ?? '') : `/${incoming.url?.slice(start.length)}`;
  const [rawPath = '', ...query] = target.split('?');
  const request = {
    method: incoming.method ?? '',
    rawPath,
    rawQuery: query.join('?'),
    headers: pairHeaders(incoming.rawHeaders),
    body,
    // A socket for both families reports IPv4 clients as IPv4-mapped IPv6 addresses.
    sourceIp: incoming.socket.remoteAddress?.replace(/^::ffff:/, ''),
  };
  // The unread rest of a body that is too long would be parsed as the next request.
  if (!incoming.complete) outgoing.shouldKeepAlive = false;
  const { headers } = request;
  const reason = findForeignSender(
    { headers, authority, localAddress: incoming.socket.localAddress },
    front.guard,
  );
  const refused = reason === undefined ? undefined : refuse(front, request, reason);
  const control = refused ?? answerFaultsRoute(request, service.faults);
  await deliver(control ?? (await service.handle(request)), outgoing, reset);
}

function refuse(
  { write, now }: Pick<Front, 'write' | 'now'>,
  { method, rawPath }: EmulatorRequest,
  reason: string,
): EmulatorResponse {
  const text = 'AccessDeniedException: Forbidden';
  write({ at: now(), route: `${method} ${rawPath}`, status: 403, text, reason });
  return {
    status: 403,
    headers: { 'Content-Type': 'application/json', 'X-Amzn-ErrorType': 'AccessDeniedException' },
    body: JSON.stringify({ message: `Forbidden: ${reason}` }),
  };
}

/** From `rawHeaders`, since Node joins repeated headers in `headers`. */
function pairHeaders(raw: readonly string[]): Array<[name: string, value: string]> {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [[name.toLowerCase(), raw[index + 1] ?? '']] : []));
}

/**
 * Reads more than it keeps, so that most clients that send too much get an answer, and stops at a limit.
 */
async function readBody(incoming: IncomingMessage): Promise<Uint8Array | undefined> {
  const kept: Buffer[] = [];
  let size = 0;
  try {
    // The answer goes out on the same socket, so it must not be destroyed at the break.
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
