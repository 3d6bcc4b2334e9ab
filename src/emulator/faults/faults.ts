/**
 * Decides which fault strikes a request. `wire/handler.ts` words the refusal, `deliver.ts` delays or cuts the
 * answer.
 *
 * CreateSession takes 10 requests per second of an account and region ("Quotas" of the user guide). AWS does
 * not document the status and the text of its throttling; these are those of its other JSON services.
 */

import { OptionError, quote } from '../../errors.js';
import { nearest } from '../../options/values.js';
import type { Delivery, Fault } from '../wire/handler.js';
import { Refusal } from '../wire/handler.js';
import type { FaultRule, FaultSource } from './fault-rules.js';
import { formatFault, kindOf, parseFaults } from './fault-rules.js';

/** A rule, and the number of requests that it has struck. */
export type FaultStatus = FaultRule & { readonly struck: number };

export interface Faults {
  /**
   * Replaces all faults. Requests in progress keep theirs.
   *
   * @param seed of the random numbers behind `rate`, a whole number. The same seed and the same requests give
   *   the same
   *   faults. Default 1.
   * @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID` `ERR_OPTION_MISSING` `ERR_OPTION_CONFLICT`
   * @example
   * emulator.faults.set([{ latency: 50 }, { error: 503, count: 2, operation: 'CreateSession' },
   * 'reset,rate=0.1']);
   */
  set(faults: FaultSource | readonly FaultSource[], seed?: number): void;
  clear(): void;
  /** The rules in force, including those whose `count` is used up. */
  list(): FaultStatus[];
}

/** Called by the handler for each request. */
export type DecideFault = (operation: string, at: Date) => Fault | undefined;

interface ActiveRule {
  readonly rule: FaultRule;
  readonly random: () => number;
  struck: number;
  /** Of `throttle`: requests that may pass now, and the time of that count. */
  tokens: number;
  filledAt: number | undefined;
}

/** @param operations the names that a fault may be limited to */
export function createFaults(operations: readonly string[]): {
  readonly faults: Faults;
  readonly decide: DecideFault;
} {
  let active: ActiveRule[] = [];
  return {
    faults: {
      set(source, seed = 1) {
        if (!Number.isSafeInteger(seed)) {
          throw new OptionError('ERR_OPTION_INVALID', 'the seed of faults must be a whole number');
        }
        const rules = parseFaults(source);
        for (const { operation = '*' } of rules) mustBeKnown(operation, operations);
        active = rules.map((rule, index) => activate(rule, seed + index));
      },
      clear() {
        active = [];
      },
      list: () => active.map(({ rule, struck }) => ({ ...rule, struck })),
    },
    decide: (operation, at) => decide(active, operation, at),
  };
}

function mustBeKnown(operation: string, operations: readonly string[]): void {
  if (operation === '*' || operations.includes(operation)) return;
  const message = `unknown operation ${quote(operation)} of a fault${nearest(operation, operations)}`;
  throw new OptionError('ERR_OPTION_UNKNOWN', message);
}

/** Each rule has random numbers of its own, so that adding a rule does not change the others. */
function activate(rule: FaultRule, seed: number): ActiveRule {
  return { rule, random: createRandom(seed), struck: 0, tokens: capacityOf(rule), filledAt: undefined };
}

/** The bucket holds the requests of one second, at least one. */
function capacityOf({ throttle }: FaultRule): number {
  const perSecond = Number(throttle ?? 0);
  return perSecond === 0 ? 0 : Math.max(perSecond, 1);
}

/** Several rules can strike one request, but only the first that replaces or cuts the answer does so. */
function decide(active: readonly ActiveRule[], operation: string, at: Date): Fault | undefined {
  const struck: FaultRule[] = [];
  for (const one of active) {
    const isFinal = struck.some((rule) => isDecisive(rule));
    if ((isFinal && isDecisive(one.rule)) || !strikes(one, operation, at)) continue;
    one.struck += 1;
    struck.push(one.rule);
  }
  return struck.length === 0 ? undefined : combine(struck);
}

function isDecisive(rule: FaultRule): boolean {
  return !['latency', 'contentType', 'dateSkew'].includes(kindOf(rule));
}

function strikes(one: ActiveRule, operation: string, at: Date): boolean {
  const { rule, struck } = one;
  const { throttle, rate = 1, count = Number.POSITIVE_INFINITY } = rule;
  const { operation: wanted = throttle === undefined ? '*' : 'CreateSession' } = rule;
  if ((wanted !== '*' && wanted !== operation) || struck >= count) return false;
  if (throttle !== undefined && takeToken(one, Number(throttle), at)) return false;
  return rate === 1 || one.random() < rate;
}

/** A token bucket that one second fills. */
function takeToken(one: ActiveRule, perSecond: number, at: Date): boolean {
  const elapsedMs = Math.max(0, at.getTime() - (one.filledAt ?? at.getTime()));
  one.tokens = Math.min(capacityOf(one.rule), one.tokens + (elapsedMs * perSecond) / 1000);
  one.filledAt = at.getTime();
  if (one.tokens < 1) return false;
  one.tokens -= 1;
  return true;
}

function combine(rules: readonly FaultRule[]): Fault {
  const all: FaultRule = Object.assign({}, ...rules);
  const { contentType, dateSkew = 0, retryAfter } = all;
  const delayMs = rules.reduce((sum, { latency = 0 }) => sum + latency, 0);
  const cut = (['reset', 'stall', 'truncate'] as const).find((kind) => all[kind]);
  const note = `fault: ${rules.map(formatFault).join('; ')}`;
  const delivery: Delivery = { delayMs, ...(cut && { cut }) };
  return {
    note,
    delivery,
    refusal: refusalOf(all, note),
    dateSkewMs: dateSkew * 1000,
    headers: {
      ...(contentType !== undefined && { 'Content-Type': String(contentType) }),
      ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
    },
  };
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'ValidationException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  429: 'TooManyRequestsException',
  500: 'InternalServerException',
  503: 'ServiceUnavailableException',
};

function refusalOf({ throttle, error }: FaultRule, note: string): Refusal | undefined {
  if (throttle !== undefined) return new Refusal(429, 'ThrottlingException', 'Rate exceeded', note);
  if (error === undefined) return undefined;
  const type = ERROR_TYPES[Number(error)] ?? 'InternalFailure';
  return new Refusal(Number(error), type, `The emulator was asked for status ${error}`, note);
}

/** Mulberry32, in the public domain: not for secrets, but the same on every platform. */
function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
