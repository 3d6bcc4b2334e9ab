/**
 * Opens the sockets of `serve` and puts its routes behind them: TCP on addresses of this machine, or a Unix
 * socket. The one place of `serve` that touches the network.
 */
import { lstat, rm } from 'node:fs/promises';
import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from 'node:http';
import { createServer, STATUS_CODES } from 'node:http';
import type { AddressInfo, ListenOptions, Socket } from 'node:net';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { codeOf, OutputError } from '../../errors.js';
import { FileFault, hintOf } from '../../files/file-fault.js';
import { assertSocketPlace, restrictSocket } from '../../files/socket-file.js';
import { withUmask } from '../../files/umask.js';
import type { CloseReason, Connections } from './connections.js';
import { createConnections } from './connections.js';
import type { Peer } from './peer.js';
import type { Routes } from './routes.js';

/** Clients are few, their requests small, and all of them on this machine or in its pod. */
const HTTP_LIMITS = {
  maxHeaderSize: 8_192,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  // Idle connections are closed by `connections.ts`.
  keepAliveTimeout: 0,
  connectionsCheckingInterval: 1_000,
};
const CONNECTION_LIMITS = { maxConnections: 512, crowd: 32, writeMs: 5_000, idleMs: 60_000, checkMs: 1_000 };
/**
 * The number of connections that the system queues until they are accepted, within its own limit. Beyond it a
 * client tries again after a second: too long if another client has filled the queue.
 */
const BACKLOG = 4_096;
/** Node drops further headers without a word, and `X-Forwarded-For` may be among them. */
const MAX_HEADERS = 64;
/** Time limit for requests in flight when the server stops. */
const GRACE_MS = 2_000;

/** The handlers of a listener. */
export interface ListenerOptions {
  readonly routes: Routes;
  readonly peerOf: (socket: Socket) => Peer;
  /** Called for requests that are not HTTP, and for closed connections. */
  readonly onClosed: (reason: CloseReason | 'bad-request' | 'too-many-headers') => void;
}

export interface Listener {
  /** `http://127.0.0.1:9911`, `http://[::1]:9911`, or the path of the socket. */
  readonly addresses: readonly string[];
  /** The port of the first address; undefined for a Unix socket. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

export interface ListenTarget {
  readonly hosts: readonly string[];
  /** 0 takes a free one. */
  readonly port: number;
}

/**
 * Every host gets the same port. A host that this machine does not have (`::1` without IPv6) is skipped if
 * there is another one.
 *
 * @throws OutputError `ERR_LISTEN`
 */
export async function listenOnTcp(
  options: ListenerOptions,
  { hosts, port }: ListenTarget,
): Promise<Listener> {
  const connections = createConnections(CONNECTION_LIMITS, options.onClosed);
  const servers: Server[] = [];
  const close = () => closeAll(servers, connections);
  let bound = port;
  for (const [index, host] of hosts.entries()) {
    const server = serverFor(options, connections);
    try {
      await listening(server, { host, port: bound });
      bound = (server.address() as AddressInfo).port;
      servers.push(server);
    } catch (cause) {
      const hasAnother = servers.length > 0 || index < hosts.length - 1;
      if (hasAnother && /^(EADDRNOTAVAIL|EAFNOSUPPORT)$/.test(codeOf(cause))) continue;
      await close();
      throw cannotListen(`${host} port ${bound}`, cause);
    }
  }
  const addresses = servers.map((server) => addressOf(server.address() as AddressInfo));
  return { addresses, port: bound, close };
}

/**
 * The socket has its mode from the moment it exists. A socket without a listener is replaced;
 * any other file is not.
 *
 * @param mode permissions of the socket: 0600 for this user only, 0660 for the group of the process too
 * @throws OutputError `ERR_LISTEN`
 */
export async function listenOnSocket(
  options: ListenerOptions,
  path: string,
  mode: number,
): Promise<Listener> {
  const connections = createConnections(CONNECTION_LIMITS, options.onClosed);
  const server = serverFor(options, connections);
  const close = () => closeAll([server], connections);
  try {
    assertSocketPlace(path);
    await removeStale(path);
    // Node binds before listen() returns: no other process sees the socket with another mode.
    await withUmask(0o777 & ~mode, () => listening(server, { path }));
    restrictSocket(path, mode);
  } catch (cause) {
    await close();
    throw cannotListen(`socket ${path}`, cause);
  }
  return { addresses: [path], port: undefined, close };
}

function serverFor(options: ListenerOptions, connections: Connections): Server {
  const server = createServer(HTTP_LIMITS);
  server.maxHeadersCount = MAX_HEADERS;
  server.on('connection', (socket: Socket) => connections.add(socket, options.peerOf(socket)));
  server.on('request', (incoming, outgoing) => answer(incoming, outgoing, options, connections));
  server.on('clientError', (error, socket) => {
    // Closed already, and the reason was reported.
    if (socket.destroyed) return;
    options.onClosed('bad-request');
    refuseMalformed(error, socket);
  });
  return server;
}

function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { routes, onClosed }: ListenerOptions,
  connections: Connections,
): void {
  const { method = '', url = '', headers, socket } = incoming;
  const peer = connections.admit(socket, outgoing);
  if (peer === undefined) return;
  if (incoming.rawHeaders.length >= 2 * MAX_HEADERS) {
    onClosed('too-many-headers');
    outgoing.writeHead(431, { Connection: 'close' }).end();
    return;
  }
  const { status, body, contentType, headers: own } = routes({ method, target: url, headers, peer });
  const length = Buffer.byteLength(body);
  const head: OutgoingHttpHeaders = {
    'Content-Type': contentType ?? 'text/plain',
    // The answers are credentials: no cache may keep them.
    'Cache-Control': 'no-store',
    'Content-Length': length,
  };
  // A body that is refused, or has no length, is not read: a client may send it in chunks of one byte.
  const hasRest = status === 413 || headers['transfer-encoding'] !== undefined;
  if (hasRest || connections.isCrowded()) head['Connection'] = 'close';
  outgoing.writeHead(status, own === undefined ? head : Object.assign(head, own));
  // ASCII, as nearly every answer is, need not be encoded.
  outgoing.end(body, length === body.length ? 'latin1' : 'utf8');
  if (hasRest) connections.dropRest(socket);
  else incoming.resume();
}

/** The status that Node answers if there is no listener for this event. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  const statuses: Record<string, number> = {
    HPE_HEADER_OVERFLOW: 431,
    HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
    ERR_HTTP_REQUEST_TIMEOUT: 408,
  };
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = statuses[error.code ?? ''] ?? 400;
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`, () =>
    socket.destroy(),
  );
}

function listening(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...options, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function closeAll(servers: readonly Server[], connections: Connections): Promise<void> {
  await Promise.all(servers.map(closed));
  connections.stop();
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

/**
 * Only a refused connection proves that no process listens: a socket of another user, or a busy one, stays.
 */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(codeOf(error) !== 'ECONNREFUSED'));
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
    ENOTSOCK: 'the file there is not a socket, and is left alone',
  };
  const code = codeOf(cause);
  const reason = cause instanceof FileFault ? cause.message : (known[code] ?? code);
  return new OutputError('ERR_LISTEN', `cannot listen on ${where}: ${reason}`, {
    hint: hintOf(cause),
    cause,
  });
}
