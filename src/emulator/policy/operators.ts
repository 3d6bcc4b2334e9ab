/**
 * The condition operators, one row each, and the parser of names such as `ForAnyValue:StringNotLikeIfExists`.
 *
 * Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
import { isInRange } from './ip-range.js';
import type { Outcome } from './outcome.js';
import { allOf } from './outcome.js';
import type { Pattern } from './pattern.js';
import { formatPattern, isMatch, splitPattern } from './pattern.js';

export type Compare = (found: string, expected: Pattern) => Outcome;

export interface Operator {
  readonly compare: Compare;
  /** `StringNotEquals`: true if no value of the policy matches. */
  readonly isNegated: boolean;
  /** `…IfExists`: true if the request has no such key. */
  readonly isIfExists: boolean;
  readonly quantifier: 'ForAnyValue' | 'ForAllValues' | undefined;
  /** `Null` tests the presence of the key, not its value. */
  readonly isNull: boolean;
}

const text =
  (compare: (found: string, expected: string) => Outcome): Compare =>
  (found, expected) =>
    compare(found, formatPattern(expected));

/** Compares parsed values. If one cannot be parsed, the outcome is unknown. */
const parsed = <T>(
  parse: (text: string) => T | undefined,
  compare: (found: T, expected: T) => boolean,
): Compare =>
  text((found, expected) => {
    const [left, right] = [parse(found), parse(expected)];
    return left === undefined || right === undefined ? 'unknown' : compare(left, right);
  });

type Order = (found: number, expected: number) => boolean;
const ORDERS: Readonly<Record<string, Order>> = {
  Equals: (found, expected) => found === expected,
  LessThan: (found, expected) => found < expected,
  LessThanEquals: (found, expected) => found <= expected,
  GreaterThan: (found, expected) => found > expected,
  GreaterThanEquals: (found, expected) => found >= expected,
};

const ordered = (prefix: string, parse: (text: string) => number | undefined) =>
  Object.fromEntries(Object.entries(ORDERS).map(([name, order]) => [prefix + name, parsed(parse, order)]));

const COMPARISONS: Readonly<Record<string, Compare>> = {
  StringEquals: text((found, expected) => found === expected),
  StringEqualsIgnoreCase: text((found, expected) => found.toLowerCase() === expected.toLowerCase()),
  StringLike: (found, expected) => isMatch(expected, found),
  // The two are synonyms.
  ArnEquals: isArnLike,
  ArnLike: isArnLike,
  ...ordered('Numeric', parseNumber),
  ...ordered('Date', parseDate),
  Bool: parsed(parseBoolean, (found, expected) => found === expected),
  BinaryEquals: parsed(parseBase64, (found, expected) => found === expected),
  IpAddress: text(isInRange),
};

const NEGATIONS: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
  NumericNotEquals: 'NumericEquals',
  DateNotEquals: 'DateEquals',
  NotIpAddress: 'IpAddress',
};

/** Undefined for an unknown operator. Names are case-sensitive here; AWS's rule is unknown. */
export function parseOperator(name: string): Operator | undefined {
  const [, prefix, base = '', suffix] =
    /^(?:(ForAnyValue|ForAllValues):)?(\w+?)(IfExists)?$/.exec(name) ?? [];
  const quantifier = prefix === 'ForAnyValue' || prefix === 'ForAllValues' ? prefix : undefined;
  const isIfExists = suffix !== undefined;
  if (base === 'Null') {
    // The documentation excludes `…IfExists`, and a prefix makes no sense.
    if (isIfExists || quantifier !== undefined) return undefined;
    return { compare: () => 'unknown', isNegated: false, isIfExists, quantifier, isNull: true };
  }
  const isNegated = Object.hasOwn(NEGATIONS, base);
  const positive = isNegated ? (NEGATIONS[base] ?? '') : base;
  const compare = Object.hasOwn(COMPARISONS, positive) ? COMPARISONS[positive] : undefined;
  return compare && { compare, isNegated, isIfExists, quantifier, isNull: false };
}

/** Compares part by part: a wildcard matches no colon, except in the sixth part, the resource. */
function isArnLike(found: string, expected: Pattern): Outcome {
  const parts = splitPattern(expected, ':', 6);
  const [foundParts, resource] = [found.split(':'), found.split(':').slice(5).join(':')];
  // AWS's behaviour for a value that is no ARN is unknown.
  if (parts.length < 6 || foundParts.length < 6) return 'unknown';
  const values = [...foundParts.slice(0, 5), resource];
  return allOf(parts.map((part, index) => isMatch(part, values[index] ?? '')));
}

function parseNumber(value: string): number | undefined {
  return /^[+-]?\d+(\.\d+)?$/.test(value) ? Number(value) : undefined;
}

/** Parses W3C's profile of ISO 8601, at least a day, or seconds since 1970. Returns milliseconds. */
function parseDate(value: string): number | undefined {
  if (/^\d{5,}$/.test(value)) return Number(value) * 1000;
  const [, day = '', time = ''] =
    /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/.exec(value) ?? [];
  const midnight = new Date(`${day}T00:00Z`).getTime();
  // `Date` reads February 30 as March 2.
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined;
  const milliseconds = new Date(day + time).getTime();
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}

export function parseBoolean(value: string): boolean | undefined {
  const word = value.toLowerCase();
  return word === 'true' || word === 'false' ? word === 'true' : undefined;
}

function parseBase64(value: string): string | undefined {
  const canonical = Buffer.from(value, 'base64').toString('base64');
  return canonical === value ? canonical : undefined;
}
