/**
 * One signal for the two things that end a call: its time limit and the caller's signal. Its reason is the
 * error to throw.
 */
import { TransportError } from '../errors.js';
import { stopwatch } from '../options/environment.js';
import { NETWORK_HINT } from './network-error.js';

export interface Limit {
  /** Aborted with a TransportError: `ERR_TIMEOUT` or `ERR_ABORTED`. */
  readonly signal: AbortSignal;
  remainingMs(): number;
  /** Clears the timer and removes the listener from the caller's signal. */
  stop(): void;
}

/** @param origin of the service, for the message */
export function startLimit(timeoutMs: number, origin: string, callerSignal: AbortSignal | undefined): Limit {
  const controller = new AbortController();
  const elapsedMs = stopwatch();
  const onTimeout = (): void =>
    controller.abort(
      new TransportError('ERR_TIMEOUT', `no response from ${origin} within ${timeoutMs} ms`, {
        hint: NETWORK_HINT,
      }),
    );
  const onAbort = (): void => controller.abort(aborted(callerSignal));
  const timer = setTimeout(onTimeout, timeoutMs);
  callerSignal?.addEventListener('abort', onAbort, { once: true });
  if (callerSignal?.aborted) onAbort();
  return {
    signal: controller.signal,
    remainingMs: () => timeoutMs - elapsedMs(),
    stop: () => {
      clearTimeout(timer);
      callerSignal?.removeEventListener('abort', onAbort);
    },
  };
}

/**
 * The promise's result, or the signal's reason as soon as the signal is aborted.
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
    // The loser of the race must not become an unhandled rejection.
    promise.catch(() => undefined);
    ended.catch(() => undefined);
  }
}

function aborted(signal: AbortSignal | undefined): TransportError {
  if (signal?.reason instanceof TransportError) return signal.reason;
  return new TransportError('ERR_ABORTED', 'the call was aborted', { cause: signal?.reason });
}
