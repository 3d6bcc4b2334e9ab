/**
 * Keeps credentials fresh: calls a function that creates them and hands out the result while it is valid. The
 * SDK provider, `serve`, `update` and the simulated fleet all use it. Clock, timers and dice are parameters;
 * network and files belong to `create`.
 *
 * - At most one `create` runs at a time; callers share it.
 * - Credentials are refreshed 25 minutes before they expire, or at half their life (`pace.ts`): by the loop of
 *   `start()`, or, without a loop, in the background of a `get()` that is answered at once.
 * - Held credentials are handed out until they expire, even if refreshing fails.
 * - Where many hosts share an account and the service throttles, refreshes move closer to the expiry.
 * - A failure is followed by a pause that depends on its kind. During the pause nothing is sent: a `get()`
 * without
 *   held credentials throws the last error at once.
 * - Times are wall-clock times, checked again every 30 seconds, so that a refresh is not missed after the
 * machine slept
 *   or the clock was set.
 */
import { asRolesAnywhereError, TransportError } from '../errors.js';
import type { Clock } from './clock.js';
import { systemClock } from './clock.js';
import type { FailureKind } from './pace.js';
import { failureKind, holdingPauseMs, leadLimitMs, leadMs, pauseMs } from './pace.js';

export interface Expiring {
  readonly expiration: Date;
}

/** The report of a failed attempt. */
export interface FailureReport {
  readonly error: unknown;
  readonly kind: FailureKind;
  /** Failures of this kind in a row, this one included. */
  readonly count: number;
  /** The next attempt is made after this pause at the earliest. */
  readonly pauseMs: number;
  /** When the held credentials expire; undefined if none are held. */
  readonly heldUntil: Date | undefined;
}

/** Credentials as a cache stores them. */
export interface Kept<T> {
  readonly value: T;
  readonly createdAt: Date;
  /** The `leadLimitMs` of the refresher that created them. Default: no limit. */
  readonly leadLimitMs?: number | undefined;
}

/** The credentials that an attempt replaces, for a cache shared with other processes. */
export interface Replaced {
  /** Credentials from the cache must expire later than this. */
  readonly expiration: Date | undefined;
  /**
   * Stored with the new credentials, for the refresher that starts with them. Infinity if nothing was
   * throttled.
   */
  readonly leadLimitMs: number;
}

export interface Attempt<Call> {
  /** Aborted by `stop()`. */
  readonly signal: AbortSignal;
  readonly replaced: Replaced;
  /** The argument of the call that started the attempt; undefined if the loop started it. */
  readonly call: Call | undefined;
}

export interface RefresherOptions<T extends Expiring, Call = never> {
  /** Makes one attempt. The refresher repeats it as needed. */
  readonly create: (attempt: Attempt<Call>) => Promise<T>;
  /** Credentials to start with, such as those of a cache, as if created here. */
  readonly initial?: Kept<T> | undefined;
  /** Default: the system clock. */
  readonly clock?: Clock | undefined;
  /** In [0, 1). Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Called before any `get()` returns the new credentials. Must not throw. */
  readonly onRefreshed?: ((value: T) => void) | undefined;
  /** Must not throw. */
  readonly onFailed?: ((report: FailureReport) => void) | undefined;
}

/** For health checks, metrics and logs. */
export interface RefresherState {
  /** When the held credentials were created and when they expire, which may be in the past. */
  readonly refreshedAt: Date | undefined;
  readonly expiration: Date | undefined;
  /** Attempts that succeeded, and attempts that failed. */
  readonly refreshes: number;
  readonly failures: number;
  /** The last failure (thrown value, code, time), if nothing has succeeded since. */
  readonly lastError: unknown;
  readonly errorCode: string | undefined;
  readonly failedAt: Date | undefined;
  /**
   * How long before their expiry credentials created now would be refreshed in a crowded account, for a cache
   * to store; Infinity if nothing was throttled.
   */
  readonly leadLimitMs: number;
}

/** Timers stand still while a machine sleeps, and do not follow a clock that is set. */
const MAX_SLEEP_MS = 30_000;
/** With less left, a request may arrive after the expiry: new credentials are waited for. */
const USABLE_MS = 10_000;
/** A clock may be corrected backwards by this much without being taken for a different clock. */
const TOLERANCE_MS = 60_000;

interface Held<T> extends Kept<T> {
  /** When to refresh, in milliseconds since 1970. */
  readonly dueAt: number;
}

interface Flight<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
}

interface FailureRecord {
  readonly error: unknown;
  readonly at: Date;
  /** When the first of the failures in a row happened. */
  readonly since: number;
  readonly count: number;
}

export class Refresher<T extends Expiring, Call = never> {
  readonly #options: RefresherOptions<T, Call>;
  readonly #clock: Clock;
  readonly #random: () => number;
  #held: Held<T> | undefined;
  #flight: Flight<T> | undefined;
  /** The attempt that `refreshNow` has queued after the attempt in progress. */
  #next: Promise<T> | undefined;
  #pause: { readonly from: number; readonly ms: number } | undefined;
  #failure: FailureRecord | undefined;
  /** Upper limit of the lead time; below the usual lead while the service throttles. */
  #leadLimitMs: number;
  #refreshes = 0;
  #failures = 0;
  #loop: { readonly keepsAlive: boolean; cancel(): void } | undefined;

  constructor(options: RefresherOptions<T, Call>) {
    const { initial, clock = systemClock(), random = Math.random } = options;
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#leadLimitMs = initial?.leadLimitMs ?? Number.POSITIVE_INFINITY;
    if (initial !== undefined) this.#startWith(initial);
  }

  /**
   * The held credentials, at once; waits for new ones if no valid ones are held.
   *
   * @param call passed to `create` if this call starts an attempt
   * @throws what `create` threw
   */
  async get(call?: Call): Promise<T> {
    const usable = this.#valid(USABLE_MS);
    if (usable !== undefined) {
      if (this.#isTime()) this.#begin(call).catch(() => undefined);
      return usable;
    }
    try {
      const isPaused = this.#flight === undefined && this.#pauseLeft() > 0;
      if (isPaused && this.#failure) throw this.#failure.error;
      return await this.#begin(call);
    } catch (error) {
      const last = this.current();
      if (last === undefined) throw error;
      return last;
    }
  }

  /** The held credentials if they have not expired. Never waits, and starts nothing. */
  current(): T | undefined {
    return this.#valid(0);
  }

  state(): RefresherState {
    const error = this.#failure?.error;
    return {
      refreshedAt: this.#held?.createdAt,
      expiration: this.#held?.value.expiration,
      refreshes: this.#refreshes,
      failures: this.#failures,
      lastError: error,
      errorCode: this.#failure && asRolesAnywhereError(error).code,
      failedAt: this.#failure?.at,
      leadLimitMs: this.#nextLeadLimit(this.#clock.now()),
    };
  }

  /**
   * Refreshes on its own from now on.
   *
   * @param keepsAlive whether the loop keeps the process running. Default false
   */
  start(keepsAlive = false): void {
    this.#loop?.cancel();
    this.#loop = { keepsAlive, cancel: () => {} };
    this.#arm();
  }

  /** Ends the loop and the attempt in progress. Held credentials stay, and `get()` works as without a loop. */
  stop(): void {
    this.#loop?.cancel();
    this.#loop = undefined;
    this.#flight?.controller.abort();
    this.#flight = undefined;
    this.#next = undefined;
  }

  /**
   * Makes an attempt now, even during a pause. An attempt in progress is waited for first, since it may have
   * read files that have changed since.
   *
   * @throws what `create` threw
   */
  refreshNow(call?: Call): Promise<T> {
    const flight = this.#flight;
    if (flight === undefined) return this.#begin(call);
    this.#next ??= this.#beginAfter(flight, call);
    return this.#next;
  }

  async #beginAfter({ promise, controller }: Flight<T>, call: Call | undefined): Promise<T> {
    await promise.catch(() => undefined);
    if (controller.signal.aborted) throw new TransportError('ERR_ABORTED', 'the refresh was stopped');
    this.#next = undefined;
    return this.#begin(call);
  }

  /** Shares the attempt in progress, or begins one. */
  #begin(call: Call | undefined): Promise<T> {
    if (this.#flight !== undefined) return this.#flight.promise;
    const controller = new AbortController();
    const flight = { controller, promise: this.#attempt(controller.signal, call) };
    this.#flight = flight;
    const land = (): void => {
      // After stop() another flight may be in progress.
      if (this.#flight === flight) this.#flight = undefined;
      this.#arm();
    };
    flight.promise.then(land, land);
    return flight.promise;
  }

  async #attempt(signal: AbortSignal, call: Call | undefined): Promise<T> {
    const { expiration, leadLimitMs } = this.state();
    const replaced = { expiration, leadLimitMs };
    try {
      const value = await this.#options.create({ signal, replaced, call });
      if (!signal.aborted) this.#succeed(value);
      return value;
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
      throw error;
    }
  }

  #succeed(value: T): void {
    const now = this.#clock.now();
    this.#leadLimitMs = this.#nextLeadLimit(now);
    this.#hold(value, now);
    this.#pause = undefined;
    this.#failure = undefined;
    this.#refreshes += 1;
    this.#options.onRefreshed?.(value);
  }

  #fail(error: unknown): void {
    const at = this.#clock.now();
    const now = at.getTime();
    const kind = failureKind(error);
    const isSame = this.#failure !== undefined && failureKind(this.#failure.error) === kind;
    const count = isSame ? (this.#failure?.count ?? 0) + 1 : 1;
    const since = Math.min(this.#failure?.since ?? now, now);
    const expiration = this.#held?.value.expiration;
    const endsAt = expiration?.getTime() ?? 0;
    const leftMs = Math.max(0, endsAt - now);
    const waitingMs = leftMs > 0 ? 0 : now - Math.max(since, endsAt);
    const ms = pauseMs({ error, count, leftMs, waitingMs }, this.#random());
    this.#failures += 1;
    this.#failure = { error, at, since, count };
    this.#pause = { from: now, ms };
    const heldUntil = leftMs > 0 ? expiration : undefined;
    this.#options.onFailed?.({ error, kind, count, pauseMs: ms, heldUntil });
  }

  #hold(value: T, createdAt: Date): void {
    const expiration = value.expiration.getTime();
    const lead = Math.min(leadMs(expiration - createdAt.getTime(), this.#random()), this.#leadLimitMs);
    this.#held = { value, createdAt, dueAt: expiration - lead };
  }

  /** After a restart a fleet has cached credentials of all ages: a random pause spreads those that are due. */
  #startWith({ value, createdAt }: Kept<T>): void {
    this.#hold(value, createdAt);
    const now = this.#clock.now().getTime();
    const leftMs = value.expiration.getTime() - now;
    if (leftMs > 0 && this.#isDue(now)) {
      this.#pause = { from: now, ms: this.#random() * holdingPauseMs(leftMs) };
    }
  }

  #valid(leastMs: number): T | undefined {
    if (this.#held === undefined) return undefined;
    const { value } = this.#held;
    return value.expiration.getTime() - this.#clock.now().getTime() > leastMs ? value : undefined;
  }

  /** True too if the clock went back: credentials from the future may actually have expired. */
  #isDue(now: number): boolean {
    const held = this.#held;
    return held === undefined || now >= held.dueAt || now < held.createdAt.getTime() - TOLERANCE_MS;
  }

  #pauseLeft(now = this.#clock.now().getTime()): number {
    const pause = this.#pause;
    if (pause === undefined || now < pause.from - TOLERANCE_MS) return 0;
    return Math.max(0, pause.from + pause.ms - now);
  }

  #isTime(): boolean {
    const now = this.#clock.now().getTime();
    return this.#flight === undefined && this.#isDue(now) && this.#pauseLeft(now) === 0;
  }

  #nextLeadLimit(now: Date): number {
    const wasThrottled = this.#failure !== undefined && failureKind(this.#failure.error) === 'throttled';
    const leftMs = (this.#held?.value.expiration.getTime() ?? 0) - now.getTime();
    return leadLimitMs(this.#leadLimitMs, leftMs, wasThrottled);
  }

  /** Sets the loop's timer, if the loop runs. */
  #arm(): void {
    if (this.#loop === undefined) return;
    this.#loop.cancel();
    const now = this.#clock.now().getTime();
    const untilDue = this.#isDue(now) ? 0 : (this.#held?.dueAt ?? 0) - now;
    const delay = this.#flight ? MAX_SLEEP_MS : Math.max(untilDue, this.#pauseLeft(now));
    const tick = (): void => {
      if (this.#isTime()) this.#begin(undefined).catch(() => undefined);
      this.#arm();
    };
    this.#loop.cancel = this.#clock.after(Math.min(delay, MAX_SLEEP_MS), tick, this.#loop.keepsAlive);
  }
}
