/**
 * Computes when to refresh credentials, and how long to pause after a failure. Pure.
 *
 * The numbers come from a simulated fleet (`npm run simulate`): many hosts share the 10 CreateSession a
 * second of an account and region ("Quotas" of the IAM Roles Anywhere user guide), without knowing of each
 * other.
 */
import { ServiceError } from '../errors.js';
import { isRetryable } from '../session/retry.js';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** botocore refreshes credentials when 15 minutes are left, and those of IMDS when up to 20 are left. */
const LEAD_MS = 25 * MINUTE_MS;
/** The shortest lead of a crowded fleet: refreshes in the last minutes must be exceptions. */
const LEAST_LEAD_MS = 5 * MINUTE_MS;
/** Growth of the lead after a refresh that was not throttled. */
const LEAD_GROWTH = 1.2;
/**
 * Throttled refreshes aim at this long before the expiry, so that credentials do not expire during a request.
 */
const MARGIN_MS = MINUTE_MS;

/**
 * - `throttled`: the service is busy with others, and asking more often makes it worse
 * - `passing`: network, time-out, a failure of the service
 * - `refused`: by the service, which refuses until a setting changes
 * - `local`: an error in options, certificate or key, before anything was sent
 */
export type FailureKind = 'throttled' | 'passing' | 'refused' | 'local';

export function failureKind(error: unknown): FailureKind {
  if (error instanceof ServiceError && error.code === 'ERR_SERVICE_THROTTLED') return 'throttled';
  if (isRetryable(error)) return 'passing';
  if (error instanceof ServiceError) return 'refused';
  // Also a stopped attempt, or an untrusted TLS certificate: cheap to try again.
  return 'local';
}

/**
 * How long before their end credentials are refreshed: 25 minutes, or half their life if that is less, and up
 * to a tenth of their life more, so that the refreshes of hosts that were started together spread.
 */
export function leadMs(lifeMs: number, random: number): number {
  return Math.min(LEAD_MS, lifeMs / 2) + (random * lifeMs) / 10;
}

export interface Failure {
  readonly error: unknown;
  /** Failures in a row, this one included. */
  readonly count: number;
  /** Remaining lifetime of the current credentials; 0 without any. */
  readonly leftMs: number;
  /** Time without credentials; 0 while some are held. */
  readonly waitingMs: number;
}

/** @param random in [0, 1) */
export function pauseMs(failure: Failure, random: number): number {
  const asked = failure.error instanceof ServiceError ? (failure.error.retryAfterMs ?? 0) : 0;
  // A narrow range: with widely different pauses some of many waiting hosts would wait very long.
  const spread = 0.75 + random / 2;
  return Math.max(spread * meanPauseMs(failure), Math.min(asked, 5 * MINUTE_MS));
}

function meanPauseMs({ error, count, leftMs, waitingMs }: Failure): number {
  switch (failureKind(error)) {
    case 'throttled':
      return leftMs > 0 ? holdingPauseMs(leftMs) : waitingPauseMs(waitingMs);
    case 'passing':
      return doubling(SECOND_MS, count, MINUTE_MS);
    case 'local':
      return doubling(5 * SECOND_MS, count, MINUTE_MS);
    case 'refused':
      return doubling(10 * SECOND_MS, count, 10 * MINUTE_MS);
  }
}

function doubling(firstMs: number, count: number, mostMs: number): number {
  return Math.min(firstMs * 2 ** Math.min(count - 1, 30), mostMs);
}

/**
 * Hosts with much time left give way to hosts with little: the pause shrinks with the third power of the time
 * left, from most of it to two seconds. Early refreshes would use up the capacity that late ones need.
 */
export function holdingPauseMs(leftMs: number): number {
  const left = Math.max(0, leftMs - MARGIN_MS);
  const minutes = left / MINUTE_MS;
  return Math.max(2 * SECOND_MS, Math.min(0.75 * left, minutes ** 3 * SECOND_MS));
}

/**
 * The pause without credentials: a share of the time waited so far. The longer the service throttles, the
 * fewer hosts ask at once, and the last host is not kept waiting much longer than the others.
 */
function waitingPauseMs(waitingMs: number): number {
  return Math.min(Math.max(5 * SECOND_MS, waitingMs / 12), MINUTE_MS);
}

/**
 * Adapts the lead to the load of the service: after a throttled refresh, the next one is due when as much
 * time is left as this time; after any other refresh, a little earlier. So a crowded fleet spreads over the
 * whole life of its credentials, and sends few requests that are throttled.
 *
 * @param limitMs the previous limit of the lead; Infinity if nothing was throttled
 * @param leftMs remaining lifetime of the old credentials when the new ones came; 0 or less without old ones
 */
export function leadLimitMs(limitMs: number, leftMs: number, wasThrottled: boolean): number {
  return wasThrottled ? Math.max(leftMs, LEAST_LEAD_MS) : limitMs * LEAD_GROWTH;
}
