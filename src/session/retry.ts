/**
 * Repeats an attempt: three attempts for temporary failures, one for the others.
 *
 * Source: "Retry behavior" of the AWS SDKs and Tools reference (exponential backoff with full jitter) and RFC
 * 9110 §10.2.3 (`Retry-After`).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceError, TransportError } from '../errors.js';

export interface RetryContext {
  /** Ends a pause between two attempts. */
  readonly signal: AbortSignal;
  /** Milliseconds that are left of the call. */
  readonly remainingMs: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** The number of attempts. Default 3. */
  readonly attempts?: number | undefined;
}

const MAX_ATTEMPTS = 3;
/**
 * Upper limit of the first pause; it doubles with each further one. Full jitter: a pause is random below its
 * limit.
 */
const BASE_DELAY_MS = 500;
const RETRYABLE_STATUS = [500, 502, 503, 504];

export async function retry<T>(attempt: () => Promise<T>, context: RetryContext): Promise<T> {
  const { attempts = MAX_ATTEMPTS } = context;
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (failures >= attempts || !isRetryable(error)) throw error;
      const delayMs = delayBefore(error, failures, context.random);
      // A pause longer than the rest of the call would replace the service's error by a time-out.
      if (delayMs >= context.remainingMs()) throw error;
      await sleep(delayMs, undefined, { signal: context.signal });
    }
  }
}

function delayBefore(error: unknown, failures: number, random: () => number): number {
  const asked = error instanceof ServiceError ? error.retryAfterMs : undefined;
  return asked ?? random() * BASE_DELAY_MS * 2 ** (failures - 1);
}

/** Connection errors, time-outs while connecting, throttling and the statuses of temporary failures. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof TransportError) return error.code === 'ERR_NETWORK' || error.code === 'ERR_TIMEOUT';
  if (!(error instanceof ServiceError)) return false;
  return error.code === 'ERR_SERVICE_THROTTLED' || RETRYABLE_STATUS.includes(error.status);
}
