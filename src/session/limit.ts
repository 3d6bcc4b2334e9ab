/**
 * The two ways in which a call is ended from outside, the time and the caller, as one signal. Its reason is the
 * error to throw.
 */
import { TransportError } from '../errors.js';
import { NETWORK_HINT } from './network-error.js';

export interface Limit {
  /** Aborted with a TransportError: `ERR_TIMEOUT` or `ERR_ABORTED`. */
  readonly signal: AbortSignal;
  remainingMs(): number;
  /** Ends the timer, and leaves nothing on the caller's signal. */
  stop(): void;
}

/** @param origin whose answer is waited for, for the message */
export function startLimit(timeoutMs: number, origin: string, callerSignal: AbortSignal | undefined): Limit {
  const controller = new AbortController();
  const startedAt = performance.now();
  const onTimeout = (): void =>
    controller.abort(
      new TransportError('ERR_TIMEOUT', `no answer from ${origin} within ${timeoutMs} ms`, {
        hint: NETWORK_HINT,
      }),
    );
  const onAbort = (): void => controller.abort(aborted(callerSignal));
  const timer = setTimeout(onTimeout, timeoutMs);
  callerSignal?.addEventListener('abort', onAbort, { once: true });
  if (callerSignal?.aborted) onAbort();
  return {
    signal: controller.signal,
    remainingMs: () => timeoutMs - (performance.now() - startedAt),
    stop: () => {
      clearTimeout(timer);
      callerSignal?.removeEventListener('abort', onAbort);
    },
  };
}

/**
 * The promise's result, unless the signal comes first: then at once its reason, whatever becomes of the promise.
 */
export async function endedBy<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (signal === undefined) return promise;
  let onAbort = (): void => {};
  const ended = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(aborted(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, ended]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Whoever loses the race has nobody to tell.
    promise.catch(() => undefined);
    ended.catch(() => undefined);
  }
}

function aborted(signal: AbortSignal | undefined): TransportError {
  if (signal?.reason instanceof TransportError) return signal.reason;
  return new TransportError('ERR_ABORTED', 'the call was aborted', { cause: signal?.reason });
}
