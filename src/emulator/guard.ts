/**
 * Refuses requests that a web page or a proxy sent, so that no website can change the account through its
 * visitor's browser.
 *
 * A browser sends requests of any page to 127.0.0.1, also under a host name of the page that resolves to
 * 127.0.0.1 (DNS rebinding). It marks the former with `Origin` or `Sec-Fetch-Site`, the latter with a foreign
 * `Host`. AWS's clients send none of these headers.
 * Rules: Fetch Metadata, https://www.w3.org/TR/fetch-metadata/; RFC 9110 section 7.2 (Host), RFC 7239
 * (Forwarded)
 */
import { isLoopback, isLoopbackAddress } from '../options/loopback.js';

/** A request as the server has received it. */
export interface GuardedRequest {
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
  /** The address that the client connected to. */
  readonly localAddress: string | undefined;
  /** Of a target in absolute form, which takes precedence over `Host` (RFC 9112 section 3.2.2). */
  readonly authority?: string | undefined;
}

export interface Guard {
  /** Host names besides this machine's that requests may name, in lower case. */
  readonly allowHosts: readonly string[];
  /** `http` or `https`: a part of the emulator's own origin. */
  readonly scheme: string;
}

/** The headers that proxies add. */
const FORWARDED = /^(forwarded|x-forwarded-.*|x-real-ip|via)$/;

/**
 * The number of headers that Node passes on: it silently drops the ones after them, which may include
 * `Origin`.
 */
const MAX_HEADERS = 1000;

/** The reason to refuse the request; undefined if it may pass. */
export function findForeignSender(request: GuardedRequest, guard: Guard): string | undefined {
  const { headers, localAddress = '', authority } = request;
  if (headers.length >= MAX_HEADERS) return `it has ${MAX_HEADERS} headers or more`;
  const valuesOf = (name: string) => headers.filter(([other]) => other === name).map(([, value]) => value);
  const [forwarded] = headers.map(([name]) => name).filter((name) => FORWARDED.test(name));
  if (forwarded !== undefined)
    return `the emulator takes no forwarded requests, found the header ${forwarded}`;
  const hosts = valuesOf('host');
  const host = hosts[0] ?? '';
  // On other addresses everybody on the network is let in: the command warns of it.
  const named = authority === undefined ? hosts : [...hosts, authority];
  const isOwn = hosts.length === 1 && named.every((one) => isOwnHost(one, guard));
  if (isLoopbackAddress(localAddress) && !isOwn) {
    const found = named.join(', ') || 'none';
    return `Host must be this machine or a name of --allow-host (allowHosts), found ${found}`;
  }
  const site = valuesOf('sec-fetch-site');
  // Old browsers, and all browsers over http to a name that is not localhost, send no Sec-Fetch-Site. AWS's
  // clients name no languages, and Node's fetch sends `*`.
  const isBrowser = site.length === 0 && valuesOf('accept-language').some((value) => value !== '*');
  if (isBrowser) return 'a web browser sent the request (Accept-Language, no Sec-Fetch-Site)';
  const sites = site.filter((value) => value !== 'same-origin' && value !== 'none');
  if (sites.length > 0) return `a web page of another origin sent the request (Sec-Fetch-Site: ${sites[0]})`;
  const origins = valuesOf('origin').filter((origin) => origin !== `${guard.scheme}://${host}`);
  return origins.length === 0 ? undefined : `a web page sent the request (Origin: ${origins[0]})`;
}

function isOwnHost(host: string, { allowHosts }: Guard): boolean {
  const url = `http://${host}`;
  // A URL reads more than a Host header may hold: a user, a path, an address in octal.
  if (!/^[\w.:[\]-]+$/.test(host) || !URL.canParse(url)) return false;
  const { hostname } = new URL(url);
  return isLoopback(hostname) || allowHosts.includes(hostname);
}
