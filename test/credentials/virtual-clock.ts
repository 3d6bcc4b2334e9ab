/** A clock that tests advance: hours pass in milliseconds, and it can be set, as a real clock can. */
import type { Clock } from '../../src/credentials/clock.js';

export interface VirtualClock extends Clock {
  /** Runs the timers that are due until then, each at its time, and lets their promises settle. */
  advance(ms: number): Promise<void>;
  /** Sets the clock, in relation to now; timers know nothing of it. */
  set(byMs: number): void;
  /** A machine that sleeps: the time on the wall passes, and timers stand still. */
  sleep(ms: number): void;
  /** Timers that are set, and whether one of them keeps the process alive. */
  timers(): { readonly count: number; readonly keepsAlive: boolean };
}

export function virtualClock(start = new Date('2026-06-01T12:00:00Z')): VirtualClock {
  // Timers count in time that only passes while the machine is awake.
  let awakeMs = 0;
  let wallMs = start.getTime();
  const pending = new Map<number, { at: number; callback: () => void; keepsAlive: boolean }>();
  let ids = 0;
  const pass = (ms: number): void => {
    awakeMs += ms;
    wallMs += ms;
  };
  const first = () => [...pending].sort(([a, one], [b, two]) => one.at - two.at || a - b)[0];
  return {
    now: () => new Date(wallMs),
    after: (delayMs, callback, keepsAlive) => {
      const id = ids++;
      pending.set(id, { at: awakeMs + Math.max(0, delayMs), callback, keepsAlive });
      return () => pending.delete(id);
    },
    async advance(ms) {
      const end = awakeMs + ms;
      await settle();
      for (let next = first(); next && next[1].at <= end; next = first()) {
        pending.delete(next[0]);
        pass(Math.max(0, next[1].at - awakeMs));
        next[1].callback();
        await settle();
      }
      pass(end - awakeMs);
      await settle();
    },
    set: (byMs) => {
      wallMs += byMs;
    },
    sleep: (ms) => {
      wallMs += ms;
    },
    timers: () => ({ count: pending.size, keepsAlive: [...pending.values()].some((one) => one.keepsAlive) }),
  };
}

/** Lets settled promises run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Numbers in [0, 1) that are the same in each run (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
