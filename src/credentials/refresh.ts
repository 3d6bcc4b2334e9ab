/**
 * A function that creates credentials in, one that keeps them out: the only refresher of this package, under the SDK
 * provider, `serve`, `update` and the simulated fleet. Clock, timers and dice are parameters; network and files are
 * `create`'s affair.
 *
 * - One call of `create` at a time, whoever asks.
 * - Refreshed 25 minutes before their end, or at half their life (`pace.ts`): by `start()`'s loop, or, without
 *   one, behind the back of a `get()` that is answered at once.
 * - What is held stays until it ends, whatever fails.
 * - Where many share an account and the service throttles, refreshes move towards the end instead of hammering.
 * - After a failure comes a pause according to its kind, in which nothing is sent: a `get()` that holds nothing throws the
 *   last error at once.
 * - Time is that of the clock on the wall, looked at again every 30 seconds: a machine that slept, or whose clock was
 *   set, goes on at once.
 */
import { isRolesAnywhereError } from '../errors.js';
import type { Expiring, Kept, Memory, RefresherOptions } from './attempt.js';
import { attempt, current, hold, isDue, isTime, nextLeadLimit, pauseLeft, refreshNow } from './attempt.js';
import { systemClock } from './clock.js';
import { holdingPauseMs } from './pace.js';

/** For health checks, metrics and logs. */
export interface RefresherState {
  /** When what is held was created, and when it ends, which may have passed. */
  readonly refreshedAt: Date | undefined;
  readonly expiration: Date | undefined;
  /** Attempts that gave credentials, and those that did not. */
  readonly refreshes: number;
  readonly failures: number;
  /** The last failure, where nothing has gone well since: what was thrown, its code, and when. */
  readonly lastError: unknown;
  readonly errorCode: string | undefined;
  readonly failedAt: Date | undefined;
  /**
   * In a crowded account, how long before their end the credentials of an attempt that succeeds now would be refreshed, for a
   * cache to keep with them; Infinity where nobody was throttled.
   */
  readonly leadLimitMs: number;
}

export interface Refresher<T extends Expiring> {
  /**
   * What is held, at once. Waits where nothing valid is.
   *
   * @throws what `create` threw
   */
  get(): Promise<T>;
  /** What is held and has not ended. Never waits, and starts nothing. */
  current(): T | undefined;
  state(): RefresherState;
  /**
   * Keeps ahead of need from now on.
   *
   * @param keepsAlive whether the process must not end meanwhile. Default false
   */
  start(keepsAlive?: boolean): void;
  /** Ends the loop, and the attempt that is under way. What is held stays, and `get()` works as without a loop. */
  stop(): void;
  /**
   * An attempt that begins now, pause or not; after the one under way, which may have read what has changed since.
   *
   * @throws what `create` threw
   */
  refreshNow(): Promise<T>;
}

/** Timers stand still while a machine sleeps, and know nothing of a clock that is set. */
const MAX_SLEEP_MS = 30_000;
/** With less left, a request may arrive too late: new ones are waited for, where they can be had. */
const USABLE_MS = 10_000;

export function createRefresher<T extends Expiring>(options: RefresherOptions<T>): Refresher<T> {
  const { clock = systemClock(), random = Math.random } = options;
  const { leadLimitMs = Number.POSITIVE_INFINITY } = options.initial ?? {};
  const memory: Memory<T> = {
    ...{ options, clock, random, leadLimitMs },
    ...{ refreshes: 0, failures: 0, onLanded: () => {} },
  };
  if (options.initial) remember(memory, options.initial);
  let stopLoop = (): void => {};
  return {
    get: () => get(memory),
    current: () => current(memory, 0),
    state: () => describe(memory),
    start: (keepsAlive = false) => {
      stopLoop();
      stopLoop = startLoop(memory, keepsAlive);
    },
    stop: () => {
      stopLoop();
      memory.flight?.controller.abort();
      memory.flight = undefined;
      memory.next = undefined;
    },
    refreshNow: () => refreshNow(memory),
  };
}

/** A fleet that is restarted with a cache comes back with credentials of all ages: those due do not ask all at once. */
function remember<T extends Expiring>(memory: Memory<T>, { value, createdAt }: Kept<T>): void {
  const { clock, random } = memory;
  hold(memory, value, createdAt);
  const now = clock.now().getTime();
  const leftMs = value.expiration.getTime() - now;
  if (leftMs > 0 && isDue(memory, now)) memory.pause = { from: now, ms: random() * holdingPauseMs(leftMs) };
}

async function get<T extends Expiring>(memory: Memory<T>): Promise<T> {
  const usable = current(memory, USABLE_MS);
  if (usable !== undefined) {
    if (isTime(memory)) attempt(memory).catch(() => undefined);
    return usable;
  }
  try {
    const isPaused = pauseLeft(memory, memory.clock.now().getTime()) > 0;
    if (isPaused && memory.failure && !memory.flight) throw memory.failure.error;
    return await attempt(memory);
  } catch (error) {
    const last = current(memory, 0);
    if (last === undefined) throw error;
    return last;
  }
}

function startLoop<T extends Expiring>(memory: Memory<T>, keepsAlive: boolean): () => void {
  const { clock } = memory;
  let cancel = (): void => {};
  const arm = (): void => {
    cancel();
    const now = clock.now().getTime();
    const untilDue = isDue(memory, now) ? 0 : (memory.held?.dueAt ?? 0) - now;
    const delay = memory.flight ? MAX_SLEEP_MS : Math.max(untilDue, pauseLeft(memory, now));
    cancel = clock.after(Math.min(delay, MAX_SLEEP_MS), tick, keepsAlive);
  };
  const tick = (): void => {
    if (isTime(memory)) attempt(memory).catch(() => undefined);
    arm();
  };
  memory.onLanded = arm;
  arm();
  return () => {
    memory.onLanded = () => {};
    cancel();
  };
}

function describe<T extends Expiring>(memory: Memory<T>): RefresherState {
  const { held, failure, refreshes, failures } = memory;
  const error = failure?.error;
  return {
    refreshedAt: held?.createdAt,
    expiration: held?.value.expiration,
    refreshes,
    failures,
    lastError: error,
    errorCode: failure && (isRolesAnywhereError(error) ? error.code : 'ERR_UNEXPECTED'),
    failedAt: failure?.at,
    leadLimitMs: nextLeadLimit(memory, memory.clock.now()),
  };
}
