/**
 * A proxy's URL in, a dispatcher that tunnels through it out (CONNECT, RFC 9110 §9.3.6). A file of its own since
 * few need it: undici's proxy code is loaded with it.
 */
import { isIP } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { buildConnector, Dispatcher } from 'undici';
import { Pool, ProxyAgent } from 'undici';
import { codeOf, OptionError } from '../errors.js';

export interface ProxyLimits {
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
  readonly maxResponseSize: number;
  readonly connectTimeoutMs: number;
  /** For the service behind the proxy. */
  readonly tls: SecureContextOptions & { readonly rejectUnauthorized: boolean };
}

/**
 * @param proxyUrl with a user name and password where the proxy wants them
 * @throws OptionError `ERR_OPTION_INVALID`: not an http or https URL
 */
export function openProxy(proxyUrl: string, { connectTimeoutMs, tls, ...limits }: ProxyLimits): ProxyAgent {
  const url = proxyUrl.includes('://') ? proxyUrl : `http://${proxyUrl}`;
  if (!isProxyUrl(url)) {
    // Without the value: it may hold a password.
    throw new OptionError('ERR_OPTION_INVALID', 'HTTPS_PROXY must be an http:// or https:// URL', {
      hint: 'in its user name and password, write special characters percent-encoded: % as %25, @ as %40',
    });
  }
  return new ProxyAgent({
    ...limits,
    uri: new URL(url).origin,
    clientFactory: (origin, options) => new ProxyConnections(origin, withoutAddressAsName(options)),
    requestTls: { ...tls, timeout: connectTimeoutMs },
    // A proxy reached over TLS is verified whatever the caller thinks of the service, with the same authorities.
    proxyTls: { ...tls, rejectUnauthorized: true, timeout: connectTimeoutMs },
    ...credentialsOf(url),
  });
}

/**
 * undici opens a tunnel again and again, without an end, where the proxy closes the connection instead of
 * answering: it takes the error for one of a connection that was used before. Under another name it is final.
 */
class ProxyConnections extends Pool {
  override connect(options: Dispatcher.ConnectOptions): Promise<Dispatcher.ConnectData>;
  override connect(
    options: Dispatcher.ConnectOptions,
    callback: (error: Error | null, data: Dispatcher.ConnectData) => void,
  ): void;
  override connect(options: Dispatcher.ConnectOptions, callback?: unknown): Promise<Dispatcher.ConnectData> {
    if (callback !== undefined) throw new TypeError('not in use');
    return super.connect(options).catch((cause: Error) => {
      throw codeOf(cause) === 'UND_ERR_SOCKET'
        ? new Error(`the proxy closed the connection: ${cause.message}`)
        : cause;
    });
  }
}

/**
 * undici names the proxy in the TLS handshake even where it is an address, which is no name (RFC 6066 §3): Node then prints
 * a warning of its own. The certificate is verified for the address all the same.
 */
function withoutAddressAsName(options: object): Pool.Options {
  const { connect } = options as { readonly connect: buildConnector.connector };
  return {
    ...options,
    connect: (target, callback) => {
      // Null where the proxy is spoken to in the clear, whatever the types say.
      const name = (target.servername || '').replace(/^\[|\]$/g, '');
      connect(isIP(name) === 0 ? target : { ...target, servername: '' }, callback);
    },
  };
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
