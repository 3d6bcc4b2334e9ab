/**
 * Limits what one client can take from the others: the connections of a listener, least recently used first.
 *
 * A connection has one request in flight. Another request that arrives before the answer has left closes it: clients
 * of credential endpoints do not pipeline, and one read can hold thousands of requests. A client that does not read
 * its answer is disconnected, and where connections are full the least recently used one makes room for a new one.
 * There is no limit for each address: on loopback all clients have the same one.
 */
import type { ServerResponse } from 'node:http';
import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Peer } from './peer.js';

/** Why a connection was closed. */
export type CloseReason = 'pipelined' | 'not-reading' | 'made-room';

export interface ConnectionLimits {
  readonly maxConnections: number;
  /** How long an answer may wait for its reader. */
  readonly writeMs: number;
}

interface Connection {
  readonly peer: Peer;
  /** The answer to the last request. */
  response: ServerResponse | undefined;
  /** When that request came, in checks since the start. */
  askedAt: number;
}

export interface Connections {
  add(socket: Socket, peer: Peer): void;
  /** @returns who asks; undefined where the request must not be answered, and its connection has been closed */
  admit(socket: Socket, response: ServerResponse): Peer | undefined;
  /** Ends the checks. */
  stop(): void;
}

const CHECK_MS = 1_000;

/**
 * Stops the parser once the connection has been closed, where it would go through the rest of what was read: 100 ms
 * for 64 KiB of small requests. Node's server stops parsing behind a message that upgrades the connection.
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
  { maxConnections, writeMs }: ConnectionLimits,
  onClosed: (reason: CloseReason) => void,
): Connections {
  // In the order of their last request.
  const open = new Map<Socket, Connection>();
  let checks = 0;

  function close(socket: Socket, reason: CloseReason): void {
    open.delete(socket);
    socket.destroy();
    onClosed(reason);
  }

  function check(): void {
    checks += 1;
    for (const [socket, connection] of open) {
      const isLate = (checks - connection.askedAt) * CHECK_MS > writeMs;
      if (isLate && isAnswering(connection)) close(socket, 'not-reading');
    }
  }

  const timer = setInterval(check, CHECK_MS);
  timer.unref();
  return {
    add(socket, peer) {
      const [oldest] = open.keys();
      if (open.size >= maxConnections && oldest !== undefined) close(oldest, 'made-room');
      open.set(socket, { peer, response: undefined, askedAt: 0 });
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
      // Now the most recently used one.
      open.delete(socket);
      open.set(socket, connection);
      return connection.peer;
    },
    stop: () => clearInterval(timer),
  };
}

/** Node takes the socket from a response that has left, one turn of the event loop later at the earliest. */
function isAnswering({ response }: Connection): boolean {
  return response !== undefined && response.socket !== null;
}
