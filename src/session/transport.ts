/**
 * Sends signed requests to the service: directly over `node:http` with TLS, through a proxy with undici, or
 * through a dispatcher of the caller's.
 *
 * All ways: TLS 1.2 or later, no redirects, a response of at most 1 MiB, a limit on connecting; the limit on
 * the whole call is the signal.
 */
import { isLoopback } from '../options/loopback.js';
import type { Channel } from './channel.js';
import type { HttpDispatcher } from './dispatched.js';
import { isUnknownAuthority, networkError } from './network-error.js';
import type { SessionRequest } from './request.js';
import type { HttpResponse } from './response.js';
import type { Connection } from './settings.js';
import type { TlsOptions } from './trust.js';
import { STRICT, trustLevels } from './trust.js';

/** Sends requests to one host. Close it after the last one. */
export interface Transport {
  /** Begins to connect, ahead of the first request. If that fails, `send` says so. */
  connect(): Promise<void>;
  /**
   * @throws the signal's reason, if it ended the call
   * @throws TransportError `ERR_TIMEOUT` `ERR_NETWORK` `ERR_TLS` `ERR_PROXY`
   * @throws ServiceError `ERR_RESPONSE_INVALID`: more than 1 MiB
   * @throws IdentityError `ERR_FILE_UNREADABLE` `ERR_PEM_INVALID`: the CA bundle
   * @throws OptionError `ERR_OPTION_INVALID`: the proxy's URL
   */
  send(request: SessionRequest, signal: AbortSignal): Promise<HttpResponse>;
  close(): Promise<void>;
}

/** Opens one channel of a way to the service, with the authorities of one level of trust. */
type OpenChannel = (tls: TlsOptions) => Promise<Channel>;

/** @param dispatcher used instead of a connection of our own: it then handles TLS and proxies */
export async function openTransport(
  endpoint: URL,
  connection: Connection,
  dispatcher?: HttpDispatcher,
): Promise<Transport> {
  const { origin } = endpoint;
  const levels = trustLevels(connection);
  if (dispatcher !== undefined) {
    const { overDispatcher } = await import('./dispatched.js');
    return transportOver(async () => overDispatcher(dispatcher, endpoint), levels.slice(0, 1), { origin });
  }
  const proxyUrl = await proxyFor(endpoint, connection.proxy);
  const { connectTimeoutMs } = connection;
  if (proxyUrl !== undefined) {
    const { openProxy } = await import('./proxy.js');
    return transportOver((tls) => openProxy(proxyUrl, endpoint, { connectTimeoutMs, tls }), levels, {
      origin,
    });
  }
  const { openDirect, shownIssuer } = await import('./direct.js');
  return transportOver(async (tls) => openDirect(endpoint, { ...tls, connectTimeoutMs }), levels, {
    origin,
    issuer: () => shownIssuer(endpoint, connection),
  });
}

interface Service {
  readonly origin: string;
  /** Asks the server for the issuer of its certificate. */
  readonly issuer?: () => Promise<string | undefined>;
}

function transportOver(
  open: OpenChannel,
  levels: ReturnType<typeof trustLevels>,
  { origin, issuer }: Service,
): Transport {
  const untried = [...levels];
  let opened: Promise<Channel> | undefined;
  const openNext = async (): Promise<Channel> => open((await untried.shift()?.()) ?? STRICT);
  const current = (): Promise<Channel> => (opened ??= openNext());
  const connect = async (): Promise<void> => {
    const channel = await current().catch(() => undefined);
    await channel?.connect?.();
  };
  const close = async (): Promise<void> => {
    const channel = await opened?.catch(() => undefined);
    opened = undefined;
    await channel?.close();
  };
  const sendOverChannel: Transport['send'] = async (request, signal) => {
    const channel = await current();
    try {
      return await channel.send(request, signal);
    } catch (error) {
      // The handshake has failed, hence nothing has been sent: the next level may know the authority.
      if (!isUnknownAuthority(error) || untried.length === 0) throw error;
    }
    await close();
    return sendOverChannel(request, signal);
  };
  const send: Transport['send'] = async (request, signal) => {
    try {
      signal.throwIfAborted();
      return await sendOverChannel(request, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw networkError(error, origin, isUnknownAuthority(error) ? await issuer?.() : undefined);
    }
  };
  return { connect, send, close };
}

/** The URL of the proxy that requests to the endpoint go through; undefined if they go directly. */
export async function proxyFor(endpoint: URL, proxy: Connection['proxy']): Promise<string | undefined> {
  if (proxy === undefined || isLoopback(endpoint.hostname)) return undefined;
  const { isWithoutProxy } = await import('./no-proxy.js');
  return isWithoutProxy(proxy.except, endpoint) ? undefined : proxy.url;
}
