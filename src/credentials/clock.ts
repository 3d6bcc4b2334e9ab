/** The system's clock and timers, as a refresher uses them: tests and simulations pass their own. */

export interface Clock {
  now(): Date;
  /**
   * Calls back once, after a delay in milliseconds.
   *
   * @param keepsAlive whether the timer keeps the process running
   * @returns a function that cancels it
   */
  after(delayMs: number, callback: () => void, keepsAlive: boolean): () => void;
}

export function systemClock(now = () => new Date()): Clock {
  return {
    now,
    after: (delayMs, callback, keepsAlive) => {
      const timer = setTimeout(callback, delayMs);
      if (!keepsAlive) timer.unref();
      return () => clearTimeout(timer);
    },
  };
}
