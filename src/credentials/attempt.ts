/**
 * What a refresher remembers in, one attempt out: at most one at a time, its result held, or its failure and the pause
 * after it.
 */
import { ServiceError, TransportError } from '../errors.js';
import type { Clock } from './clock.js';
import type { FailureKind } from './pace.js';
import { failureKind, leadLimitMs, leadMs, pauseMs } from './pace.js';

export interface Expiring {
  readonly expiration: Date;
}

/** What there is to say of a failed attempt. */
export interface FailureReport {
  readonly error: unknown;
  readonly kind: FailureKind;
  /** Failures of this kind in a row, this one included. */
  readonly count: number;
  /** The next attempt comes after this pause at the earliest. */
  readonly pauseMs: number;
  /** Until when the credentials that are held last; undefined where none are. */
  readonly heldUntil: Date | undefined;
}

/** Credentials as a cache keeps them. */
export interface Kept<T> {
  readonly value: T;
  readonly createdAt: Date;
  /** The `leadLimitMs` of the refresher that created them. Default: none. */
  readonly leadLimitMs?: number | undefined;
}

export interface RefresherOptions<T extends Expiring> {
  /** One attempt: repeating is the refresher's affair. `stop()` aborts the signal. */
  readonly create: (signal: AbortSignal) => Promise<T>;
  /** Credentials from before, such as a cache has: they count as if created here. */
  readonly initial?: Kept<T> | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
  /** In [0, 1). Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Called before any `get()` has the new credentials. Must not throw. */
  readonly onRefreshed?: ((value: T) => void) | undefined;
  /** Must not throw. */
  readonly onFailed?: ((report: FailureReport) => void) | undefined;
}

/** How far a clock may go back, as one that is corrected does, without being taken for another. */
const TOLERANCE_MS = 60_000;
interface Flight<T> {
  readonly promise: Promise<T>;
  readonly controller: AbortController;
}

export interface Memory<T> {
  readonly options: RefresherOptions<T & Expiring>;
  readonly clock: Clock;
  readonly random: () => number;
  held?: { readonly value: T; readonly createdAt: Date; readonly dueAt: number } | undefined;
  flight?: Flight<T> | undefined;
  /** Chained behind the flight: what `refreshNow` has asked for. */
  next?: Promise<T> | undefined;
  pause?: { readonly from: number; readonly ms: number } | undefined;
  failure?:
    | { readonly error: unknown; readonly at: Date; readonly since: number; readonly count: number }
    | undefined;
  /** Below the usual lead while the service is crowded. */
  leadLimitMs: number;
  refreshes: number;
  failures: number;
  /** Tells the loop that a flight has ended. */
  onLanded: () => void;
}

export function hold<T extends Expiring>(memory: Memory<T>, value: T, createdAt: Date): void {
  const expiration = value.expiration.getTime();
  const lead = Math.min(leadMs(expiration - createdAt.getTime(), memory.random()), memory.leadLimitMs);
  memory.held = { value, createdAt, dueAt: expiration - lead };
}

export function current<T extends Expiring>({ held, clock }: Memory<T>, leastMs: number): T | undefined {
  const isValid = held && held.value.expiration.getTime() - clock.now().getTime() > leastMs;
  return isValid ? held.value : undefined;
}

/** Also where the clock has gone back: credentials from the future may have ended in truth. */
export function isDue<T>({ held }: Memory<T>, now: number): boolean {
  return held === undefined || now >= held.dueAt || now < held.createdAt.getTime() - TOLERANCE_MS;
}

export function pauseLeft<T>({ pause }: Memory<T>, now: number): number {
  if (pause === undefined || now < pause.from - TOLERANCE_MS) return 0;
  return Math.max(0, pause.from + pause.ms - now);
}

export function isTime<T>(memory: Memory<T>): boolean {
  const now = memory.clock.now().getTime();
  return memory.flight === undefined && isDue(memory, now) && pauseLeft(memory, now) === 0;
}

export function attempt<T extends Expiring>(memory: Memory<T>): Promise<T> {
  if (memory.flight) return memory.flight.promise;
  const controller = new AbortController();
  const flight = { controller, promise: fly(memory, controller.signal) };
  memory.flight = flight;
  const land = (): void => {
    // Unless it was stopped, and another has begun.
    if (memory.flight === flight) memory.flight = undefined;
    memory.onLanded();
  };
  flight.promise.then(land, land);
  return flight.promise;
}

async function fly<T extends Expiring>(memory: Memory<T>, signal: AbortSignal): Promise<T> {
  const { options, clock } = memory;
  try {
    const value = await options.create(signal);
    if (signal.aborted) return value;
    const now = clock.now();
    requireLife(value.expiration, now);
    memory.leadLimitMs = nextLeadLimit(memory, now);
    hold(memory, value, now);
    memory.pause = undefined;
    memory.failure = undefined;
    memory.refreshes += 1;
    options.onRefreshed?.(value);
    return value;
  } catch (error) {
    if (!signal.aborted) fail(memory, error);
    throw error;
  }
}

/** What the lead is limited to after a refresh that succeeds now. */
export function nextLeadLimit<T extends Expiring>(
  { held, failure, ...memory }: Memory<T>,
  now: Date,
): number {
  const wasThrottled = failure !== undefined && failureKind(failure.error) === 'throttled';
  const leftMs = (held?.value.expiration.getTime() ?? 0) - now.getTime();
  return leadLimitMs(memory.leadLimitMs, leftMs, wasThrottled);
}

function requireLife(expiration: Date, now: Date): void {
  if (expiration > now) return;
  const when = `they expired on ${expiration.toISOString()}, now is ${now.toISOString()}`;
  throw new ServiceError('ERR_RESPONSE_INVALID', `the credentials must be valid when they come: ${when}`, {
    status: 201,
    hint: 'set the clock of this machine (NTP)',
  });
}

function fail<T extends Expiring>(memory: Memory<T>, error: unknown): void {
  const { clock, failure, held } = memory;
  const at = clock.now();
  const now = at.getTime();
  const kind = failureKind(error);
  const isSame = failure !== undefined && failureKind(failure.error) === kind;
  const count = isSame ? failure.count + 1 : 1;
  const since = Math.min(failure?.since ?? now, now);
  const expiration = held?.value.expiration.getTime() ?? 0;
  const leftMs = Math.max(0, expiration - now);
  const waitingMs = leftMs > 0 ? 0 : now - Math.max(since, expiration);
  const ms = pauseMs({ error, count, leftMs, waitingMs }, memory.random());
  memory.failures += 1;
  memory.failure = { error, at, since, count };
  memory.pause = { from: now, ms };
  const heldUntil = leftMs > 0 ? held?.value.expiration : undefined;
  memory.options.onFailed?.({ error, kind, count, pauseMs: ms, heldUntil });
}

export function refreshNow<T extends Expiring>(memory: Memory<T>): Promise<T> {
  const { flight } = memory;
  if (flight === undefined) return attempt(memory);
  memory.next ??= flight.promise
    .catch(() => undefined)
    .then(() => {
      if (flight.controller.signal.aborted)
        throw new TransportError('ERR_ABORTED', 'the refresh was stopped');
      memory.next = undefined;
      return attempt(memory);
    });
  return memory.next;
}
