/**
 * A proxy's URL in, a dispatcher that tunnels through it out (CONNECT, RFC 9110 §9.3.6). A file of its own since
 * few need it: undici's proxy code is loaded with it.
 */
import type { SecureContextOptions } from 'node:tls';
import { EnvHttpProxyAgent } from 'undici';
import { OptionError } from '../errors.js';

export interface ProxyLimits {
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
  readonly maxResponseSize: number;
  readonly connectTimeoutMs: number;
  /** For the service behind the proxy. */
  readonly tls: SecureContextOptions & { readonly rejectUnauthorized: boolean };
}

/**
 * @param proxy its URL, with a user name and password where it wants them; hosts in `except` (the form of
 *   `NO_PROXY`) are reached directly
 * @throws OptionError `ERR_OPTION_INVALID`: not an http or https URL
 */
export function openProxy(
  proxy: { readonly url: string; readonly except: string },
  { connectTimeoutMs, tls, ...limits }: ProxyLimits,
): EnvHttpProxyAgent {
  const url = proxy.url.includes('://') ? proxy.url : `http://${proxy.url}`;
  if (!isProxyUrl(url)) {
    // Without the value: it may hold a password.
    throw new OptionError('ERR_OPTION_INVALID', 'HTTPS_PROXY must be an http:// or https:// URL', {
      hint: 'in its user name and password, write special characters percent-encoded: % as %25, @ as %40',
    });
  }
  return new EnvHttpProxyAgent({
    ...limits,
    httpsProxy: url,
    // Not used, and not to be looked up in the environment.
    httpProxy: url,
    noProxy: proxy.except,
    connect: { ...tls, timeout: connectTimeoutMs },
    requestTls: { ...tls, timeout: connectTimeoutMs },
    // A proxy reached over TLS is verified whatever the caller thinks of the service, with the same authorities.
    proxyTls: { ...tls, rejectUnauthorized: true, timeout: connectTimeoutMs },
    ...credentialsOf(url),
  });
}

/** RFC 7617. undici reads them from the URL only where there is a password too. */
function credentialsOf(url: string): { token?: string } {
  const { username, password } = new URL(url);
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { token: `Basic ${Buffer.from(pair).toString('base64')}` };
}

function isProxyUrl(text: string): boolean {
  try {
    const { protocol, username, password } = new URL(text);
    decodeURIComponent(username + password);
    return /^https?:$/.test(protocol);
  } catch {
    return false;
  }
}
