/**
 * A function from request to response in, listening sockets around it out: TCP on addresses of this machine, or a Unix
 * socket. The one place of `serve` that touches the network.
 */
import { chmod, lstat, rm } from 'node:fs/promises';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, ListenOptions } from 'node:net';
import { connect, isIP } from 'node:net';
import { codeOf, OutputError } from '../../errors.js';
import type { LocalRequest } from './guard.js';
import type { Routes } from './routes.js';

/** Clients are few, their requests small, and all of them on this machine or in its pod. */
const LIMITS = {
  maxHeaderSize: 16_384,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
};
const MAX_CONNECTIONS = 1024;
/** For requests that are under way when the server is to stop. */
const GRACE_MS = 2_000;

export interface Listener {
  /** `http://127.0.0.1:9911`, `http://[::1]:9911`, or the path of the socket. */
  readonly addresses: readonly string[];
  /** The port of the first one; undefined for a Unix socket. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

export interface ListenTarget {
  readonly hosts: readonly string[];
  /** 0 takes a free one. */
  readonly port: number;
}

/**
 * Every host gets the same port. One that this machine does not have (`::1` without IPv6) is passed over while another
 * one can be had.
 *
 * @throws OutputError `ERR_LISTEN`
 */
export async function listenOnTcp(routes: Routes, { hosts, port }: ListenTarget): Promise<Listener> {
  const servers: Server[] = [];
  let bound = port;
  for (const [index, host] of hosts.entries()) {
    const server = serverFor(routes, peerOf);
    try {
      await listening(server, { host, port: bound });
      bound = (server.address() as AddressInfo).port;
      servers.push(server);
    } catch (cause) {
      const hasAnother = servers.length > 0 || index < hosts.length - 1;
      if (hasAnother && /^(EADDRNOTAVAIL|EAFNOSUPPORT)$/.test(codeOf(cause))) continue;
      await Promise.all(servers.map(closed));
      throw cannotListen(`${host} port ${bound}`, cause);
    }
  }
  return {
    addresses: servers.map((server) => addressOf(server.address() as AddressInfo)),
    port: bound,
    close: async () => void (await Promise.all(servers.map(closed))),
  };
}

/**
 * Only the user that this runs as may connect (mode 0600). A socket that nobody listens on any more is replaced; any
 * other file is not.
 *
 * @throws OutputError `ERR_LISTEN`
 */
export async function listenOnSocket(routes: Routes, path: string): Promise<Listener> {
  const server = serverFor(routes, () => 'socket');
  try {
    await removeStale(path);
    await listening(server, { path });
    // Until here the umask decided; Windows' named pipes have no modes.
    await chmod(path, 0o600).catch(() => undefined);
  } catch (cause) {
    throw cannotListen(`socket ${path}`, cause);
  }
  return { addresses: [path], port: undefined, close: () => closed(server) };
}

function serverFor(routes: Routes, peer: (request: IncomingMessage) => LocalRequest['peer']): Server {
  const server = createServer(LIMITS, (incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    const {
      status,
      body,
      contentType,
      headers: own,
    } = routes({
      method,
      target: url,
      headers,
      peer: peer(incoming),
    });
    send(outgoing, status, body, {
      ...(contentType !== undefined && { 'Content-Type': contentType }),
      // What is answered are credentials: no cache may keep them.
      'Cache-Control': 'no-store',
      // A body was not read, and must not be taken for the next request.
      ...(status === 413 && { Connection: 'close' }),
      ...own,
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

function send(
  outgoing: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): void {
  outgoing.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) });
  outgoing.end(body);
}

function peerOf({ socket }: IncomingMessage): LocalRequest['peer'] {
  // What says nothing of itself is kept at a distance.
  return reachOf(socket.remoteAddress ?? '') ?? 'network';
}

/** Who can be behind an IP address: this machine alone, or others too. Undefined for anything else. */
export function reachOf(address: string): 'loopback' | 'network' | undefined {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  if (isIP(plain) === 0) return undefined;
  return plain === '::1' || /^127\./.test(plain) ? 'loopback' : 'network';
}

function listening(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function closed(server: Server): Promise<void> {
  const done = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  await done;
  clearTimeout(timer);
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw Object.assign(new Error('not a socket'), { code: 'ENOTSOCK' });
  if (!(await isAlive(path))) await rm(path);
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function addressOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function cannotListen(where: string, cause: unknown): OutputError {
  const known: Record<string, string> = {
    EADDRINUSE: 'it is in use already',
    EACCES: 'permission denied',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOENT: 'there is no such folder',
    ENOTSOCK: 'the file there is no socket, and is left alone',
  };
  const code = codeOf(cause);
  return new OutputError('ERR_LISTEN', `cannot listen on ${where}: ${known[code] ?? code}`, { cause });
}
