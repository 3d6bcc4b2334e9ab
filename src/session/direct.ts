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
import { builtin } from '../options/environment.js';
import type { Channel } from './channel.js';
import { startAnswer, targetOf } from './channel.js';
import { CONNECT_TIMEOUT } from './network-error.js';
import type { SessionRequest } from './request.js';
import type { HttpResponse } from './response.js';
import type { Connection } from './settings.js';
import type { TlsOptions } from './trust.js';

interface DirectOptions extends TlsOptions {
  readonly connectTimeoutMs: number;
}

const MAX_HEADER_BYTES = 16 * 1024;
/** Time limit for the lookup of an issuer for an error message. */
const ISSUER_TIMEOUT_MS = 2000;

export function openDirect(endpoint: URL, { connectTimeoutMs, ...tls }: DirectOptions): Channel {
  const open = new Set<Socket>();
  const send: Channel['send'] = async (request, signal) => {
    const socket = connect(endpoint, tls);
    const abort = (): void => void socket.destroy(new Error('aborted'));
    open.add(socket);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await connected(socket, endpoint, connectTimeoutMs);
      return await exchange(socket, request, endpoint.origin);
    } finally {
      signal.removeEventListener('abort', abort);
      open.delete(socket);
    }
  };
  return {
    send,
    close: async () => {
      for (const socket of open) socket.destroy(new Error('closed'));
    },
  };
}

/** A connection that is not established yet. */
function connect(endpoint: URL, options: Partial<TlsOptions>): Socket {
  // One request, written at once after a handshake, must not wait for the server's acknowledgement of that.
  const address = { ...addressOf(endpoint), noDelay: true };
  if (endpoint.protocol !== 'https:') return builtin('node:net').connect(address);
  const servername = builtin('node:net').isIP(address.host) === 0 ? address.host : '';
  return builtin('node:tls').connect({ ...address, ...options, servername, ALPNProtocols: ['http/1.1'] });
}

/** Waits for a connection, with TLS for a verified one. */
function connected(socket: Socket, { protocol }: URL, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(connectTimeout()), timeoutMs);
    socket.once(protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      resolve();
    });
    // It stays: an error that comes later is that of the request too.
    socket.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
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
  const socket = connect(endpoint, { rejectUnauthorized: false, minVersion: 'TLSv1.2' }) as TLSSocket;
  try {
    return await new Promise<string | undefined>((resolve) => {
      socket.setTimeout(Math.min(connectTimeoutMs, ISSUER_TIMEOUT_MS), () => resolve(undefined));
      socket.once('error', () => resolve(undefined));
      socket.once('secureConnect', () => resolve(topmostIssuer(socket)));
    });
  } finally {
    socket.on('error', () => undefined);
    socket.destroy();
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
