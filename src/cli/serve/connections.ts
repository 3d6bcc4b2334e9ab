/**
 * Limits what one client can take from the others: the connections of a listener.
 *
 * A connection has one request in flight. Another request that arrives before the answer has left closes it:
 * clients of credential endpoints do not pipeline, and one read can hold thousands of requests. A client that
 * does not read its answer is disconnected, and where connections are full the least recently used one makes
 * room for a new one. There is no limit for each address: on loopback all clients have the same one.
 */
import type { ServerResponse } from 'node:http';
import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Peer } from './peer.js';

/** Why a connection was closed. */
export type CloseReason = 'pipelined' | 'not-reading' | 'made-room';

export interface ConnectionLimits {
  readonly maxConnections: number;
  /** How long an answer may wait for its reader, give or take the time between two checks. */
  readonly writeMs: number;
  /** How long a connection may be idle. Not Node's `keepAliveTimeout`, which sets a timer for each request. */
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
}

export interface Connections {
  add(socket: Socket, peer: Peer): void;
  /**
   * @returns who asks; undefined where the request must not be answered, and its connection has been closed
   */
  admit(socket: Socket, response: ServerResponse): Peer | undefined;
  /** Ends the checks. */
  stop(): void;
}

/**
 * Stops the parser once the connection has been closed. It would go through the rest of what was read: 100 ms
 * for 64 KiB of small requests. Node's server stops parsing behind a message that upgrades the connection;
 * from Node 26 on it only skips the messages behind it, which takes about 2 ms.
 */
export class StoppingMessage extends IncomingMessage {
  get upgrade(): boolean {
    return this.socket.destroyed || this.method === 'CONNECT';
  }

  // Node's parser sets it. Nothing here upgrades a connection.
  set upgrade(_isAsked: boolean) {}
}

/** @param onClosed told why a connection was closed */
export function createConnections(
  { maxConnections, writeMs, idleMs, checkMs }: ConnectionLimits,
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

  /** Requests are answered at once: the least recently used connection is idle, or does not read. */
  function makeRoom(): void {
    let oldest: [Socket, Connection] | undefined;
    for (const entry of open) {
      if (oldest === undefined || entry[1].lastUse < oldest[1].lastUse) oldest = entry;
    }
    if (oldest !== undefined) close(oldest[0], 'made-room');
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
      if (open.size >= maxConnections) makeRoom();
      open.set(socket, { peer, response: undefined, askedAt: checks, lastUse: ++uses });
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
    stop: () => clearInterval(timer),
  };
}

/** Node takes the socket from a response that has left, one turn of the event loop later at the earliest. */
function isAnswering({ response }: Connection): boolean {
  return response !== undefined && response.socket !== null;
}
