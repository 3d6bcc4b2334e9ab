/**
 * Sends requests through a proxy with undici: a tunnel by CONNECT (RFC 9110 §9.3.6), or by SOCKS5 (RFC 1928).
 * A file of its own, since few runs need it and it loads undici.
 */
import { isIP } from 'node:net';
import type { buildConnector, Dispatcher } from 'undici';
import { Pool, ProxyAgent, Socks5ProxyAgent } from 'undici';
import { codeOf, OptionError } from '../errors.js';
import { withoutExperimentalWarning } from '../options/environment.js';
import type { Channel } from './channel.js';
import { overDispatcher } from './dispatched.js';
import type { TlsOptions } from './trust.js';

export interface ProxyOptions {
  readonly connectTimeoutMs: number;
  /** For the service behind the proxy. */
  readonly tls: TlsOptions;
}

/**
 * @param proxyUrl with a user name and password if the proxy requires them
 * @throws OptionError `ERR_OPTION_INVALID`: not an http, https or socks5 URL
 */
export async function openProxy(proxyUrl: string, endpoint: URL, options: ProxyOptions): Promise<Channel> {
  const url = proxyUrl.includes('://') ? proxyUrl : `http://${proxyUrl}`;
  if (!isProxyUrl(url)) {
    // Without the value: it may hold a password.
    throw new OptionError('ERR_OPTION_INVALID', 'HTTPS_PROXY must be an http://, https:// or socks5:// URL', {
      hint: 'in its user name and password, write special characters percent-encoded: % as %25, @ as %40',
    });
  }
  const agent = isSocks(url) ? socksAgent(url, options) : tunnelAgent(url, options);
  return overDispatcher(agent, endpoint, () => agent.destroy());
}

function tunnelAgent(url: string, { connectTimeoutMs, tls }: ProxyOptions): ProxyAgent {
  return new ProxyAgent({
    uri: new URL(url).origin,
    clientFactory: (origin, options) => new ProxyConnections(origin, withoutAddressAsName(options)),
    requestTls: { ...tls, timeout: connectTimeoutMs },
    // A proxy reached over TLS is always verified, with the same authorities as the service.
    proxyTls: { ...tls, rejectUnauthorized: true, timeout: connectTimeoutMs },
    ...credentialsOf(url),
  });
}

/** `socks5h` means that the proxy resolves the host name, as undici does for `socks5` too. */
function socksAgent(url: string, { tls }: ProxyOptions): Socks5ProxyAgent {
  // Read by the agent, although its types do not say so: without it the service would be verified by Node's
  // list alone.
  const options: Socks5ProxyAgent.Options & { requestTls: TlsOptions } = { requestTls: tls };
  // Its warning that it is experimental would be printed by each run of the program.
  return withoutExperimentalWarning(() => new Socks5ProxyAgent(url.replace(/^socks5h:/, 'socks5:'), options));
}

function isSocks(url: string): boolean {
  return /^socks5h?:/i.test(url);
}

/**
 * If the proxy closes the connection instead of answering, undici opens the tunnel again without end: it
 * reads the error as that of a reused connection. An error with another name is final.
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
 * undici sends the proxy's host as the server name of the TLS handshake even if it is an IP address, which
 * RFC 6066 §3 forbids: Node then prints a warning. Without the name the certificate is still verified for the
 * address.
 */
function withoutAddressAsName(options: object): Pool.Options {
  const { connect } = options as { readonly connect: buildConnector.connector };
  return {
    ...options,
    connect: (target, callback) => {
      // Null for a proxy without TLS, despite the types.
      const name = (target.servername || '').replace(/^\[|\]$/g, '');
      connect(isIP(name) === 0 ? target : { ...target, servername: '' }, callback);
    },
  };
}

/** RFC 7617. undici reads them from the URL only if there is a password too. */
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
    return /^(https?|socks5h?):$/.test(protocol);
  } catch {
    return false;
  }
}
