/**
 * A request in, its refusal out where it could not come from a client on this machine; undefined where it may pass.
 *
 * A web page can make its browser ask 127.0.0.1, also under a name of the page's own (DNS rebinding): the `Host` header
 * then has that name. A proxy that forwards requests of others adds `X-Forwarded-For`.
 * Source: "Use the Instance Metadata Service": token requests with `X-Forwarded-For` are refused.
 */
import { isIP } from 'node:net';

/** What the routes look at; the server around them adds nothing but HTTP. */
export interface LocalRequest {
  readonly method: string;
  /** As it was sent, query included. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** How the client got here: over loopback, from another host, or through the Unix socket. */
  readonly peer: 'loopback' | 'network' | 'socket';
}

export interface LocalResponse {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function text(status: number, body: string): LocalResponse {
  return { status, body: `${body}\n`, contentType: 'text/plain' };
}

export function json(status: number, value: unknown): LocalResponse {
  return { status, body: JSON.stringify(value), contentType: 'application/json' };
}

/** @returns what to answer instead: 400 behind a proxy, 403 under a foreign name, 413 with a body */
export function refusalOf({ headers, peer }: LocalRequest): LocalResponse | undefined {
  if (headers['x-forwarded-for'] !== undefined) return text(400, 'X-Forwarded-For is refused');
  if (Number(headers['content-length'] ?? 0) !== 0 || headers['transfer-encoding'] !== undefined) {
    return text(413, 'no request here has a body');
  }
  // A browser cannot reach a Unix socket, and its clients have no host to name.
  if (peer !== 'socket' && !isOwnHost(headers['host'])) return text(403, 'Host is not this machine');
  return undefined;
}

/** An address of whatever kind, or `localhost`: rebinding needs a name. */
function isOwnHost(host: string | string[] | undefined): boolean {
  if (typeof host !== 'string') return false;
  const name = /^(.*?)(?::\d{1,5})?$/.exec(host)?.[1] ?? '';
  const literal = /^\[(.*)\]$/.exec(name)?.[1];
  if (literal !== undefined) return isIP(literal) === 6;
  return isIP(name) === 4 || name.toLowerCase() === 'localhost';
}

/** The path without its query, with runs of slashes as one: the SDK for Java may send two. */
export function pathOf(target: string): string {
  return (target.split('?', 1)[0] ?? '').replace(/\/{2,}/g, '/');
}
