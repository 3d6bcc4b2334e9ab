/**
 * Limits the connections of a listener, so that one client cannot block the others.
 *
 * A connection has one request in flight. Another request that arrives before the response is sent closes it:
 * clients of credential endpoints do not pipeline, and one read can hold thousands of requests. A client that
 * does not read its response is disconnected, and if all connections are in use, the least recently used one
 * is closed for a new one. There is no limit per address: on loopback all clients have the same one.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Peer } from './peer.js';

/** The reason to close a connection. */
export type CloseReason = 'pipelined' | 'not-reading' | 'made-room';

export interface ConnectionLimits {
  readonly maxConnections: number;
  /** Above it, each answer should close its connection. */
  readonly crowd: number;
  /** The time that a response may wait for its reader, plus or minus the interval of the checks. */
  readonly writeMs: number;
  /**
   * The time that a connection may be idle. Not Node's `keepAliveTimeout`, which sets a timer for each
   * request.
   */
  readonly idleMs: number;
  readonly checkMs: number;
}

interface Connection {
  readonly peer: Peer;
  /** The answer to the last request. */
  response: ServerResponse | undefined;
  /** When that request came, in checks since the start. */
  askedAt: number;
  /** Grows with each use of any connection. */
  lastUse: number;
  /** The rest of what was read is dropped. */
  isEnding: boolean;
}

export interface Connections {
  add(socket: Socket, peer: Peer): void;
  /** @returns the client; undefined if its connection has been closed and must get no response */
  admit(socket: Socket, response: ServerResponse): Peer | undefined;
  /** Drops whatever follows the request, its body included: its answer must close the connection. */
  dropRest(socket: Socket): void;
  /**
   * Node accepts one connection in each turn of the event loop. Many connections that ask again in each turn
   * make that turn long, and others wait for being accepted.
   */
  isCrowded(): boolean;
  /** Ends the checks. */
  stop(): void;
}

/** Node's parser reads it as: this message has no body, and the data after it are not HTTP. */
const NOT_HTTP = 2;

type OnIncoming = (...message: unknown[]) => unknown;

/**
 * Stops Node's parser behind the last message of a connection. It would go through the rest of what was read,
 * also where the connection has been closed: 100 ms for 64 KiB of small requests, 20 ms for 64 KiB of small
 * chunks.
 */
function stopParser(
  socket: Socket & { readonly parser?: { onIncoming?: OnIncoming } | null },
  connection: Connection,
): void {
  const { parser } = socket;
  // Not documented, and the same in Node 20 to 26. If it is missing, closing takes that time.
  const onIncoming = parser?.onIncoming;
  if (!parser || !onIncoming) return;
  parser.onIncoming = (...message) => {
    const result = onIncoming(...message);
    return socket.destroyed || connection.isEnding ? NOT_HTTP : result;
  };
}

/** @param onClosed called with the reason when a connection is closed */
export function createConnections(
  { maxConnections, crowd, writeMs, idleMs, checkMs }: ConnectionLimits,
  onClosed: (reason: CloseReason) => void,
): Connections {
  const open = new Map<Socket, Connection>();
  let checks = 0;
  let uses = 0;

  function close(socket: Socket, reason: CloseReason): void {
    open.delete(socket);
    socket.destroy();
    onClosed(reason);
  }

  function check(): void {
    checks += 1;
    for (const [socket, connection] of open) {
      const passedMs = (checks - connection.askedAt) * checkMs;
      if (passedMs > idleMs) socket.destroy();
      else if (passedMs > writeMs && isAnswering(connection)) close(socket, 'not-reading');
    }
  }

  const timer = setInterval(check, checkMs);
  timer.unref();
  return {
    add(socket, peer) {
      const [evicted] = open.size >= maxConnections ? leastRecentlyUsed(open) : [];
      if (evicted !== undefined) close(evicted, 'made-room');
      const connection = { peer, response: undefined, askedAt: checks, lastUse: ++uses, isEnding: false };
      open.set(socket, connection);
      stopParser(socket, connection);
      socket.once('close', () => open.delete(socket));
    },
    admit(socket, response) {
      const connection = open.get(socket);
      if (connection === undefined) return undefined;
      if (isAnswering(connection)) {
        close(socket, 'pipelined');
        return undefined;
      }
      connection.response = response;
      connection.askedAt = checks;
      connection.lastUse = ++uses;
      return connection.peer;
    },
    dropRest(socket) {
      const connection = open.get(socket);
      if (connection !== undefined) connection.isEnding = true;
    },
    isCrowded: () => open.size > crowd,
    stop: () => clearInterval(timer),
  };
}

/** Requests are answered at once: this connection is idle, or does not read. */
function leastRecentlyUsed(open: ReadonlyMap<Socket, Connection>): [Socket, Connection] | [] {
  let oldest: [Socket, Connection] | [] = [];
  for (const entry of open) {
    if (oldest[1] === undefined || entry[1].lastUse < oldest[1].lastUse) oldest = entry;
  }
  return oldest;
}

/**
 * Node takes the socket from a response that has left, one turn of the event loop later at the earliest. bun
 * leaves it there, and closes the response.
 */
function isAnswering({ response }: Connection): boolean {
  return response !== undefined && response.socket !== null && !response.closed;
}
