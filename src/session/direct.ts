/**
 * Sends requests with `node:https`, or `node:http` to this machine, on a connection for each: a session needs
 * one request.
 *
 * The modules are fetched with `process.getBuiltinModule`: `import()` of them takes 20 ms longer on Node 24,
 * and bundlers and other runtimes replace packages such as undici, but not these.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { builtin } from '../options/environment.js';
import type { Channel } from './channel.js';
import { readAnswer, targetOf } from './channel.js';
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

export function openDirect(endpoint: URL, options: DirectOptions): Channel {
  const inProgress = new Set<ClientRequest>();
  return {
    send: (request, signal) => send(endpoint, options, request, signal, inProgress),
    close: async () => {
      for (const request of inProgress) request.destroy();
    },
  };
}

function send(
  endpoint: URL,
  { connectTimeoutMs, ...tls }: DirectOptions,
  request: SessionRequest,
  signal: AbortSignal,
  inProgress: Set<ClientRequest>,
): Promise<HttpResponse> {
  const isTls = endpoint.protocol === 'https:';
  const client = isTls ? builtin('node:https') : builtin('node:http');
  return new Promise((resolve, reject) => {
    const outgoing = client.request({
      ...(isTls && tls),
      method: request.method,
      ...addressOf(endpoint),
      path: targetOf(request),
      headers: request.headers,
      // Ours are signed.
      setHost: false,
      agent: false,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    inProgress.add(outgoing);
    const timer = setTimeout(() => outgoing.destroy(connectTimeout()), connectTimeoutMs);
    const abort = (): void => void outgoing.destroy();
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      inProgress.delete(outgoing);
    };
    signal.addEventListener('abort', abort, { once: true });
    outgoing.once('socket', (socket: Socket) =>
      socket.once(isTls ? 'secureConnect' : 'connect', () => clearTimeout(timer)),
    );
    outgoing.on('error', (error) => {
      finish();
      reject(error);
    });
    outgoing.once('response', (incoming: IncomingMessage) => {
      const { statusCode: status = 0, headers } = incoming;
      readAnswer({ status, headers, body: incoming }, endpoint.origin).then(resolve, reject).finally(finish);
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
  const { host, port } = addressOf(endpoint);
  const { isIP } = builtin('node:net');
  const socket = builtin('node:tls').connect({
    ...{ host, port, rejectUnauthorized: false, minVersion: 'TLSv1.2' },
    ...(isIP(host) === 0 && { servername: host }),
  });
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
