/**
 * A signed request in, the answer out. The only place of the pipeline that touches the network.
 *
 * TLS 1.2 or later, no redirects, an answer of at most 1 MiB, a limit on connecting; the limit on the whole call
 * comes as the signal.
 */
import type { Dispatcher } from 'undici';
import { codeOf, ServiceError, TransportError } from '../errors.js';
import { loadTrustBundle } from '../identity/load.js';
import { isLoopback } from '../options/loopback.js';
import type { SessionRequest } from './request.js';
import type { HttpResponse } from './response.js';
import type { Connection } from './settings.js';

const MAX_RESPONSE_BYTES = 1024 * 1024;

/** Sends requests to one host, and is closed when no more are to come. */
export interface Transport {
  /**
   * @throws the signal's reason, where it ended the call
   * @throws TransportError `ERR_TIMEOUT` `ERR_NETWORK` `ERR_TLS` `ERR_PROXY`
   * @throws ServiceError `ERR_RESPONSE_INVALID`: more than 1 MiB
   */
  send(request: SessionRequest, signal: AbortSignal): Promise<HttpResponse>;
  close(): Promise<void>;
}

/**
 * @throws IdentityError `ERR_FILE_UNREADABLE` `ERR_PEM_INVALID`: the CA bundle
 */
export async function openTransport(endpoint: URL, connection: Connection): Promise<Transport> {
  const { caBundle } = connection;
  const isTls = endpoint.protocol === 'https:';
  const ca = isTls && caBundle !== undefined ? await trustedAuthorities(caBundle) : undefined;
  const dispatcher = await createDispatcher(endpoint, connection, ca);
  return {
    send: (request, signal) => send(dispatcher, endpoint, request, signal),
    close: () => dispatcher.destroy(),
  };
}

async function createDispatcher(
  endpoint: URL,
  { proxy, verifyTls, connectTimeoutMs }: Connection,
  ca: string[] | undefined,
): Promise<Dispatcher> {
  const tls = { minVersion: 'TLSv1.2', rejectUnauthorized: verifyTls, ...(ca && { ca }) } as const;
  // The signal limits the whole call, so that undici's own limits for headers and body are not needed.
  const limits = { headersTimeout: 0, bodyTimeout: 0, maxResponseSize: MAX_RESPONSE_BYTES };
  const proxyUrl = await proxyFor(endpoint, proxy);
  if (proxyUrl !== undefined) {
    const { openProxy } = await import('./proxy.js');
    return openProxy(proxyUrl, { ...limits, connectTimeoutMs, tls });
  }
  const undici = await import('undici');
  return new undici.Client(endpoint.origin, { ...limits, connect: { ...tls, timeout: connectTimeoutMs } });
}

async function proxyFor(endpoint: URL, proxy: Connection['proxy']): Promise<string | undefined> {
  if (proxy === undefined || isLoopback(endpoint.hostname)) return undefined;
  const { isWithoutProxy } = await import('./no-proxy.js');
  return isWithoutProxy(proxy.except, endpoint) ? undefined : proxy.url;
}

/** The bundle comes on top of what this Node trusts already: an option to add, not to replace. */
async function trustedAuthorities(path: string): Promise<string[]> {
  const [bundle, tls] = [await loadTrustBundle(path), await import('node:tls')];
  // Newer versions of Node know the system's and NODE_EXTRA_CA_CERTS' authorities too.
  const getDefaults = 'getCACertificates' in tls ? (tls.getCACertificates as () => string[]) : undefined;
  return [...(getDefaults?.() ?? tls.rootCertificates), bundle];
}

async function send(
  dispatcher: Dispatcher,
  { origin }: URL,
  { path, query, headers, body }: SessionRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const answer = { status: 0, headers: {}, body: new Uint8Array() };
  const received: Buffer[] = [];
  try {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      // Whatever is under way then ends with the transport.
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      const options = { origin, method: 'POST', path, query, headers, body } as const;
      dispatcher.dispatch(options, {
        // undici takes a handler for one of its own generation by the presence of this member.
        onRequestStart: () => {},
        onResponseStart: (_controller, status, fields) => {
          answer.status = status;
          answer.headers = singleValues(fields);
        },
        onResponseData: (_controller, chunk) => received.push(chunk),
        onResponseEnd: () => resolve(),
        onResponseError: (_controller, error) => reject(error),
      });
    });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw translate(error, origin, answer.status);
  }
  return { ...answer, body: Buffer.concat(received) };
}

function singleValues(
  headers: Record<string, string | string[] | undefined>,
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}

/** What went wrong, in the words of this house. */
function translate(error: unknown, origin: string, status: number): Error {
  const { code, detail } = describe(error);
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return new ServiceError('ERR_RESPONSE_INVALID', `${origin} answered with more than 1 MiB`, { status });
  }
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    return new TransportError('ERR_TIMEOUT', `${origin} did not accept a connection in time`, {
      cause: error,
    });
  }
  if (isTlsFailure(code)) {
    return new TransportError('ERR_TLS', `no trusted TLS connection to ${origin}: ${detail}`, {
      cause: error,
    });
  }
  const refusal = /^Proxy response \((4\d\d)\)/.exec(detail)?.[1];
  if (refusal !== undefined) {
    return new TransportError('ERR_PROXY', `the proxy refuses to connect to ${origin}: status ${refusal}`);
  }
  return new TransportError('ERR_NETWORK', `no answer from ${origin}: ${detail}`, { cause: error });
}

function describe(error: unknown): { code: string; detail: string } {
  if (!(error instanceof Error)) return { code: '', detail: String(error) };
  // Two addresses, two failures: the first one tells.
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
  const code = codeOf(error);
  if (code === 'UND_ERR_PRX_TLS') {
    const { code: cause, detail } = describe(error.cause);
    return { code: cause, detail: `the proxy's certificate: ${detail}` };
  }
  return { code, detail: error.message || code };
}

/** Node's names for what OpenSSL found wrong with a certificate, and OpenSSL's own for a failed handshake. */
function isTlsFailure(code: string): boolean {
  return /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH)/.test(
    code,
  );
}
