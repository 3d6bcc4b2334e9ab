/**
 * What an SDK client passes to its credential provider in, what of it is of use here out: where to log, and the
 * proxy that its requests go through.
 *
 * Not its region: trust anchors are regional, and so are sessions only by where they were made. A client for
 * eu-west-1 with an anchor in us-east-1 must ask us-east-1.
 */
import type { Logger } from '../session/create-session.js';
import type { Connection } from '../session/settings.js';

/** What an SDK client may pass to a provider. */
export type ProviderProperties = Record<string, unknown>;

export interface CallerHints {
  readonly logger: Logger | undefined;
  readonly proxy: Connection['proxy'];
}

export async function readHints(properties: ProviderProperties | undefined): Promise<CallerHints> {
  const { logger, requestHandler } = asRecord(properties?.['callerClientConfig']);
  return { logger: isLogger(logger) ? logger : undefined, proxy: await proxyOf(requestHandler) };
}

function isLogger(value: unknown): value is Logger {
  const { warn, debug } = asRecord(value);
  return typeof warn === 'function' && typeof debug === 'function';
}

/**
 * `NodeHttpHandler` knows of proxies through the agent that it was given alone, and the usual agents for proxies
 * (`https-proxy-agent`, `hpagent`) have the proxy's URL in a property of that name.
 */
async function proxyOf(requestHandler: unknown): Promise<Connection['proxy']> {
  const { configProvider, config } = asRecord(requestHandler);
  const { httpsAgent } = asRecord(config ?? (await Promise.resolve(configProvider).catch(() => undefined)));
  const { proxy } = asRecord(httpsAgent);
  const url = proxy instanceof URL ? proxy.href : proxy;
  return typeof url === 'string' && /^https?:\/\//.test(url) ? { url, except: '' } : undefined;
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  const isOne = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isOne ? (value as Readonly<Record<string, unknown>>) : {};
}
