/**
 * The HTTP server: the only file of the emulator that opens sockets.
 *
 * It limits what a client can take: size and time of headers, time of a request, of a handshake and of idling.
 */
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { codeOf, OutputError } from '../errors.js';

export interface ListenOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** PEM. Undefined for plain http. */
  readonly tls: { readonly certificate: string; readonly privateKey: string } | undefined;
  /** Replaces the limits below, for tests. */
  readonly limits?: Partial<typeof LIMITS>;
  /** `reset` ends the connection with a TCP RST, also under TLS. */
  readonly onRequest: (incoming: IncomingMessage, outgoing: ServerResponse, reset: () => void) => void;
  /** Called for a connection that sent no valid request, with the status and the reason. */
  readonly onFailure: (status: string, reason: string) => void;
}

export interface Listener {
  /** `http://127.0.0.1:49152`: the address for clients on this machine. */
  readonly origin: string;
  /** Closes open connections as well. */
  close(): Promise<void>;
}

const LIMITS = {
  // ML-DSA-87: 10 kB for each certificate (leaf and five more), 9 kB for the signature. Node's default is 16
  // kB.
  maxHeaderSize: 131_072,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5_000,
  // The interval of the checks. At Node's 30 s, a slow client would get three times its time.
  connectionsCheckingInterval: 1_000,
};

/** @throws OutputError `ERR_LISTEN` */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { host, port, tls } = options;
  const sockets = new Set<Socket>();
  const server = await openServer(options, (incoming, outgoing) => {
    options.onRequest(incoming, outgoing, () => rawSocket(sockets, incoming).resetAndDestroy());
  });
  // Includes connections in a TLS handshake, which `closeAllConnections` does not know.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    throw new OutputError('ERR_LISTEN', `cannot listen on ${host} port ${port}: ${explain(cause)}`, {
      cause,
    });
  }
  const bound = server.address() as AddressInfo;
  return {
    origin: `${tls === undefined ? 'http' : 'https'}://${reachable(bound)}:${bound.port}`,
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** The TCP socket under TLS: Node can reset only that one. */
function rawSocket(sockets: ReadonlySet<Socket>, { socket }: IncomingMessage): Socket {
  const { remoteAddress, remotePort } = socket;
  const isSame = (raw: Socket) => raw.remotePort === remotePort && raw.remoteAddress === remoteAddress;
  return [...sockets].find(isSame) ?? socket;
}

async function openServer(
  { tls, limits, onFailure }: ListenOptions,
  onRequest: RequestListener,
): Promise<Server> {
  const bounds = { ...LIMITS, ...limits };
  const server =
    tls === undefined ? createServer(bounds, onRequest) : await openTlsServer(tls, bounds, onRequest);
  server.on('clientError', (error: Error & { code?: string }, socket: Duplex) => {
    const status = STATUS_BY_ERROR[error.code ?? ''] ?? '400 Bad Request';
    // Failures of the TLS handshake arrive here as well.
    const isTls = /^ERR_(SSL|TLS)_/.test(error.code ?? '');
    if (isTls) onFailure('no TLS', error.code ?? '');
    // A client that closed the connection made no mistake.
    if (isTls || error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    onFailure(status, error.code === undefined ? error.message : `${error.code}: ${error.message}`);
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
      socket.destroy(),
    );
  });
  return server;
}

async function openTlsServer(
  { certificate: cert, privateKey: key }: NonNullable<ListenOptions['tls']>,
  bounds: typeof LIMITS,
  onRequest: RequestListener,
) {
  // Loaded on demand: few runs use TLS.
  const https = await import('node:https');
  const options = { ...bounds, cert, key, minVersion: 'TLSv1.2', handshakeTimeout: 10_000 } as const;
  return https.createServer(options, onRequest);
}

const STATUS_BY_ERROR: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** Clients cannot connect to the wildcard address. */
function reachable({ address, family }: AddressInfo): string {
  if (address === '0.0.0.0') return '127.0.0.1';
  if (address === '::') return '[::1]';
  return family === 'IPv6' ? `[${address}]` : address;
}

function explain(cause: unknown): string {
  const code = codeOf(cause);
  if (code === 'EADDRINUSE') return 'another program listens there';
  if (code === 'EACCES') return 'this user may not';
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return 'this machine does not have that address';
  return cause instanceof Error ? cause.message : '';
}
