/** The time on the wall and the timers of this process, as what a refresher takes: tests and simulations bring their own. */

export interface Clock {
  now(): Date;
  /**
   * Calls back once, after so many milliseconds.
   *
   * @param keepsAlive whether the process must not end before
   * @returns what takes it back
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
