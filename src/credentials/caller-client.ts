/**
 * Reads the logger of the AWS SDK client that calls a credential provider.
 *
 * The client's region is not read: trust anchors are regional, and a client for eu-west-1 with a trust anchor
 * in us-east-1 must ask us-east-1.
 */
import type { Logger } from '../session/call-service.js';

/**
 * The arguments of one call of the provider. SDK clients pass `callerClientConfig`; other members are
 * ignored.
 */
export interface ProviderProperties {
  /** The configuration of the client that calls. Its `logger` is used if the options name none. */
  readonly callerClientConfig?: object | undefined;
  /** Creates a new session even if the held one is valid. Default false. */
  readonly forceRefresh?: boolean | undefined;
  /** Ends this call with `ERR_ABORTED`. The request that it shares with other callers goes on. */
  readonly signal?: AbortSignal | undefined;
}

export function loggerOf(properties: ProviderProperties | undefined): Logger | undefined {
  const { logger } = asRecord(properties?.callerClientConfig);
  return isLogger(logger) ? logger : undefined;
}

function isLogger(value: unknown): value is Logger {
  const { warn, debug } = asRecord(value);
  return typeof warn === 'function' && typeof debug === 'function';
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  const isRecord = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isRecord ? (value as Readonly<Record<string, unknown>>) : {};
}
