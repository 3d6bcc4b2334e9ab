/**
 * Refuses requests that cannot come from a client on this machine.
 *
 * A web page can make its browser ask 127.0.0.1, also under a host name of the page's own (DNS rebinding):
 * the `Host` header then has that name. A proxy that forwards requests of others adds `X-Forwarded-For`.
 * Source: "Use the Instance Metadata Service": token requests with `X-Forwarded-For` are refused.
 */
import { isIPv4, isIPv6 } from 'node:net';
import type { Peer } from './peer.js';

/** A request without its connection; the listener around the routes adds nothing but HTTP. */
export interface LocalRequest {
  readonly method: string;
  /** As it was sent, query included. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly peer: Peer;
}

/** The reason of a refusal, for the log: one of a fixed set, independent of the client's input. */
export type RefusalReason =
  | 'forwarded'
  | 'body'
  | 'host'
  | 'method'
  | 'unknown-path'
  | 'unknown-role'
  | 'token-lifetime'
  | 'imds-off'
  | 'not-local'
  | 'no-container-token'
  | 'token-missing'
  | 'token-invalid'
  | 'authorization-missing'
  | 'authorization-wrong'
  | 'no-credentials';

export interface LocalResponse {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly reason?: RefusalReason;
}

export const TOKEN_PATH = '/latest/api/token';

/** EC2 accepts a body in the token request, and ignores it. */
const MAX_BODY_BYTES = 16_384;

function text(status: number, body: string): LocalResponse {
  return { status, body: `${body}\n`, contentType: 'text/plain' };
}

export function json(status: number, value: unknown): LocalResponse {
  return { status, body: JSON.stringify(value), contentType: 'application/json' };
}

export function refuse(status: number, reason: RefusalReason, message: string): LocalResponse {
  return { ...text(status, message), reason };
}

/** Formats an error as SDKs read it from the container endpoint and show it to users. */
export function refuseAsJson(
  status: number,
  reason: RefusalReason,
  fields: { readonly Code: string; readonly Message: string },
): LocalResponse {
  return { ...json(status, fields), reason };
}

/**
 * @param path see `pathOf`
 * @param allowedHosts further names of this machine, in lower case
 * @returns 400 for a forwarded request, 403 for a foreign host name, 413 for a body; undefined for any other
 *   request
 */
export function refusalOf(
  { headers, peer, target, method }: LocalRequest,
  path: string,
  allowedHosts: ReadonlySet<string>,
): LocalResponse | undefined {
  if (headers['x-forwarded-for'] !== undefined) return refuse(400, 'forwarded', 'X-Forwarded-For is refused');
  const isTokenRequest = method === 'PUT' && withoutSlash(path) === TOKEN_PATH;
  const length = Number(headers['content-length'] ?? 0);
  const hasBody = length !== 0 || headers['transfer-encoding'] !== undefined;
  if (hasBody && !(isTokenRequest && length <= MAX_BODY_BYTES)) {
    return refuse(413, 'body', 'this request must not have a body');
  }
  // A browser cannot reach a Unix socket, and its clients have no host name to send.
  if (peer === 'socket') return undefined;
  const authority = target.startsWith('/') ? undefined : authorityOf(target);
  const isOwn =
    isOwnHost(headers['host'], allowedHosts) &&
    (authority === undefined || isOwnHost(authority, allowedHosts));
  return isOwn ? undefined : refuse(403, 'host', 'Host is not this machine; see --allow-host');
}

/** An address of any kind, `localhost`, or an allowed name: rebinding needs a name. */
function isOwnHost(host: string | string[] | undefined, allowedHosts: ReadonlySet<string>): boolean {
  if (typeof host !== 'string') return false;
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase();
  if (name.startsWith('[') && name.endsWith(']')) return isIPv6(name.slice(1, -1));
  return isIPv4(name) || name === 'localhost' || allowedHosts.has(name);
}

/** Of a target in absolute form (RFC 9112, section 3.2.2), which counts as `Host` does. */
function authorityOf(target: string): string | undefined {
  return /^https?:\/\/([^/?]*)/i.exec(target)?.[1];
}

/** The path without its query, with runs of slashes as one: the SDK for Java may send two. */
export function pathOf(target: string): string {
  if (target.startsWith('/') && !target.includes('?') && !target.includes('//')) return target;
  const path = (target.split('?', 1)[0] ?? '').replace(/^https?:\/\/[^/]*/i, '');
  return path === '' ? '/' : path.replace(/\/{2,}/g, '/');
}

export function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
