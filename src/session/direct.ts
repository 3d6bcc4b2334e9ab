/**
 * Sends requests with `node:http`, over TLS or to this machine, on a connection for each: a session needs one
 * request. The connection is ours, not an agent's: an agent takes 4 ms of a start, and a request is written
 * only after the server's certificate has been verified.
 *
 * The modules are fetched with `process.getBuiltinModule`: `import()` of them takes 20 ms longer on Node 24,
 * and bundlers and other runtimes replace packages such as undici, but not these.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { builtin, stopwatch } from '../options/environment.js';
import type { Channel } from './channel.js';
import { startAnswer, targetOf } from './channel.js';
import { CONNECT_TIMEOUT } from './network-error.js';
import type { SessionRequest } from './request.js';
import type { HttpResponse } from './response.js';
import type { Connection } from './settings.js';
import type { TlsOptions } from './trust.js';

interface DirectOptions extends TlsOptions {
  readonly connectTimeoutMs: number;
  /** How long a connection may wait for its request. Default 10000. */
  readonly maxIdleMs?: number | undefined;
}

/** A person may be typing a passphrase meanwhile, and firewalls forget idle connections without a word. */
const MAX_IDLE_MS = 10_000;

const MAX_HEADER_BYTES = 16 * 1024;
/** Time limit for the lookup of an issuer for an error message. */
const ISSUER_TIMEOUT_MS = 2000;

export function openDirect(endpoint: URL, options: DirectOptions): Channel {
  const { connectTimeoutMs, maxIdleMs = MAX_IDLE_MS, ...tls } = options;
  const open = new Set<Connecting>();
  const start = (): Connecting => {
    const connecting = startConnection(endpoint, tls);
    open.add(connecting);
    return connecting;
  };
  let ahead: Connecting | undefined;
  const send: Channel['send'] = async (request, signal) => {
    const connecting = ahead === undefined || ahead.isStale(maxIdleMs) ? start() : ahead;
    ahead = undefined;
    const abort = (): void => connecting.destroy(new Error('aborted'));
    const timer = setTimeout(() => connecting.destroy(connectTimeout()), connectTimeoutMs);
    signal.addEventListener('abort', abort, { once: true });
    try {
      // Loaded while the connection is being established.
      builtin('node:http');
      const socket = await connecting.established.finally(() => clearTimeout(timer));
      socket.off('data', endUnasked);
      return await exchange(socket, request, endpoint.origin);
    } finally {
      signal.removeEventListener('abort', abort);
      open.delete(connecting);
    }
  };
  return {
    connect: () => {
      ahead = start();
      // Reading is also what notices the end of a connection.
      ahead.established.then(
        (socket) => socket.on('data', endUnasked),
        () => undefined,
      );
      return nextTurn();
    },
    send,
    close: async () => {
      for (const connecting of open) connecting.destroy(new Error('closed'));
    },
  };
}

/** Ends a connection on which the server sends something before it is asked. */
function endUnasked(this: Socket): void {
  this.destroy();
}

/** A connection from its first packet on. */
interface Connecting {
  /** Resolves after the handshake of TLS, with a verified server. */
  readonly established: Promise<Socket>;
  /** Whether it was established, and has been closed or idle for too long since. */
  isStale(maxIdleMs: number): boolean;
  destroy(error?: Error): void;
}

function startConnection(endpoint: URL, options: Partial<TlsOptions>): Connecting {
  const address = addressOf(endpoint);
  // One request, written at once after a handshake, must not wait for the server's acknowledgement of that.
  let socket = builtin('node:net').connect({ ...address, noDelay: true });
  const establish = async (): Promise<Socket> => {
    const connected = occurrence('connect', socket);
    if (endpoint.protocol !== 'https:') return connected;
    // It may fail before it is awaited.
    connected.catch(() => undefined);
    await nextTurn();
    const { connect, createSecureContext } = builtin('node:tls');
    // Takes up to 20 ms, in which the server accepts the connection.
    const secureContext = createSecureContext(options);
    await connected;
    const servername = builtin('node:net').isIP(address.host) === 0 ? address.host : '';
    const secure = { ...options, secureContext, servername, ALPNProtocols: ['http/1.1'] };
    socket = connect({ ...address, ...secure, socket });
    return occurrence('secureConnect', socket);
  };
  const established = establish();
  let idleMs: (() => number) | undefined;
  established.then(
    () => {
      idleMs = stopwatch();
    },
    () => socket.destroy(),
  );
  return {
    established,
    isStale: (maxIdleMs) =>
      idleMs !== undefined && (socket.destroyed || socket.readableEnded || idleMs() > maxIdleMs),
    destroy: (error) => socket.destroy(error),
  };
}

/** Node sends the first packet of a connection at the end of the present turn of its event loop. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** @returns the socket, when the event has occurred */
function occurrence(event: 'connect' | 'secureConnect', socket: Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve(socket));
    // It stays: an error that comes later is that of the request too.
    socket.on('error', reject);
  });
}

/** Sends a request over a connection, and reads the answer. The server closes the connection after it. */
function exchange(socket: Socket, request: SessionRequest, origin: string): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const outgoing = builtin('node:http').request({
      createConnection: () => socket,
      method: request.method,
      path: targetOf(request),
      headers: request.headers,
      // Ours are signed.
      setHost: false,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    outgoing.on('error', reject);
    outgoing.once('response', (incoming: IncomingMessage) => {
      const { statusCode: status = 0, headers } = incoming;
      const answer = startAnswer({ status, headers }, origin);
      const add = (chunk: Uint8Array): void => {
        try {
          answer.add(chunk);
        } catch (error) {
          reject(error);
          socket.destroy();
        }
      };
      // Not `for await`, which takes a millisecond longer.
      incoming.on('data', add);
      incoming.once('end', () => resolve(answer.end()));
      incoming.once('error', reject);
    });
    outgoing.end(request.body);
  });
}

function addressOf({ hostname, port, protocol }: URL): { host: string; port: number } {
  // URL writes IPv6 addresses in brackets.
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, port: Number(port || (protocol === 'https:' ? 443 : 80)) };
}

function connectTimeout(): Error {
  return Object.assign(new Error('the connection timed out'), { code: CONNECT_TIMEOUT });
}

/**
 * The issuer of the topmost certificate that a server shows, for a message about an unknown authority.
 * Connects without verification, reads the certificates, and sends nothing.
 */
export async function shownIssuer(
  endpoint: URL,
  { connectTimeoutMs }: Connection,
): Promise<string | undefined> {
  const unverified = { rejectUnauthorized: false, minVersion: 'TLSv1.2' } as const;
  const connecting = startConnection(endpoint, unverified);
  const limitMs = Math.min(connectTimeoutMs, ISSUER_TIMEOUT_MS);
  const timer = setTimeout(() => connecting.destroy(connectTimeout()), limitMs);
  try {
    return topmostIssuer((await connecting.established) as TLSSocket);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
    connecting.destroy();
  }
}

function topmostIssuer(socket: TLSSocket): string | undefined {
  let certificate = socket.getPeerCertificate(true);
  const seen = new Set<string>();
  for (
    let next = certificate.issuerCertificate;
    next !== undefined && !seen.has(next.fingerprint256);
    next = next.issuerCertificate
  ) {
    seen.add(next.fingerprint256);
    certificate = { ...next };
  }
  return nameOf(certificate);
}

function nameOf({ issuer }: PeerCertificate): string | undefined {
  if (issuer === undefined) return undefined;
  const parts = Object.entries({ CN: issuer.CN, O: issuer.O, OU: issuer.OU });
  const named = parts.find(([, value]) => typeof value === 'string' && value !== '');
  return named === undefined ? undefined : `${named[0]}=${named[1]}`;
}
