/**
 * Validates values: a raw value (from a program, or text from arguments and the environment) against its kind.
 */
import { OptionError, quote } from '../errors.js';
import type { OptionKind } from './option-spec.js';

type Integer = Extract<OptionKind, { type: 'integer' }>;
type List = Extract<OptionKind, { type: 'list' }>;
type Records = Extract<OptionKind, { type: 'records' }>;
type Pairs = Extract<OptionKind, { type: 'pairs' }>;

/**
 * Whether a raw value counts as given. The empty text does not, as in the Go helper; the empty passphrase
 * does.
 */
export function isGiven(raw: unknown, kind: OptionKind): boolean {
  return raw !== undefined && raw !== null && (raw !== '' || kind.type === 'secret');
}

/**
 * @returns the value; undefined if none is given
 * @throws OptionError `ERR_OPTION_INVALID`
 */
export function parseValue(raw: unknown, kind: OptionKind, label: string): unknown {
  if (!isGiven(raw, kind)) return undefined;
  switch (kind.type) {
    case 'integer':
      return parseInteger(raw, kind, label);
    case 'boolean':
      return parseBoolean(raw, label);
    case 'pattern':
      if (typeof raw === 'string' && kind.pattern.test(raw)) return raw;
      throw invalid(label, kind.rule, show(raw));
    case 'source':
      if (typeof raw === 'string' || raw instanceof Uint8Array) return raw;
      throw invalid(label, 'a path, PEM text or bytes', typeName(raw));
    case 'object':
      return parseObject(raw, label);
    case 'list':
      return parseList(raw, kind, label);
    case 'records':
      return parseRecords(raw, kind, label);
    case 'pairs':
      return parsePairs(raw, kind, label);
    case 'path':
    case 'text':
    case 'secret':
      if (typeof raw === 'string') return raw;
      throw invalid(label, 'text', typeName(raw));
  }
}

function parseInteger(raw: unknown, { min, max, unit }: Integer, label: string): number {
  const number = typeof raw === 'string' ? readInteger(raw) : raw;
  if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max) return number;
  const rule = `a whole number${unit === undefined ? '' : ` of ${unit}`} from ${min} to ${max}`;
  const isPadded = typeof raw === 'string' && /^[+-]?0\d/.test(raw);
  throw invalid(
    label,
    rule,
    typeof raw === 'object' ? typeName(raw) : quote(String(raw)),
    isPadded ? 'a leading zero makes the number octal, as in the Go helper: write it without' : undefined,
  );
}

/**
 * An integer as the Go helper's flag library reads it (strconv.ParseInt with base 0): a sign, the prefixes
 * 0x, 0o, 0b and 0 (octal), underscores between digits.
 */
function readInteger(text: string): number {
  const [, sign, body = ''] = /^([+-]?)(\d\w{0,40})$/.exec(text) ?? [];
  const isDecimal = /^(?:0|[1-9](?:_?\d)*)$/.test(body);
  const isPrefixed = /^0(?:[xX](?:_?[\da-fA-F])+|[oO]?(?:_?[0-7])+|[bB](?:_?[01])+)$/.test(body);
  if (!isDecimal && !isPrefixed) return Number.NaN;
  const digits = body.replaceAll('_', '');
  const number = Number(isDecimal || /^0[a-z]/i.test(digits) ? digits : `0o${digits}`);
  return sign === '-' ? 0 - number : number;
}

/** The object itself, or the JSON text of one. Messages show nothing of it: it may be the wrong file. */
function parseObject(raw: unknown, label: string): object {
  const value = typeof raw === 'string' ? parseJson(raw) : raw;
  if (isPlainObject(value)) return value;
  throw invalid(label, 'a JSON object', typeName(raw));
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseList(raw: unknown, { separator, pattern = /^/, rule }: List, label: string): readonly string[] {
  const items: unknown[] = typeof raw === 'string' ? raw.split(separator) : [raw].flat();
  const wrong = items.find((item) => typeof item !== 'string' || item === '' || !pattern.test(item));
  if (items.length === 0 || wrong !== undefined) {
    throw invalid(label, rule ?? 'texts that are not empty', show(wrong ?? raw));
  }
  return items as string[];
}

function parseRecords(raw: unknown, { members, separator }: Records, label: string): object[] {
  const items = typeof raw === 'string' ? splitRecords(raw, separator) : raw;
  if (!Array.isArray(items)) throw invalid(label, 'a list of objects', typeName(items));
  return items.map((item, index) => {
    const place = items.length === 1 ? label : `item ${index + 1} of ${label}`;
    const [first = ''] = Object.keys(members);
    const record = typeof item === 'string' ? { [first]: item } : item;
    if (!isPlainObject(record)) throw invalid(place, 'an object', typeName(record));
    assertKnown(record, Object.keys(members), place);
    if (!isGiven(record[first], { type: 'text' })) {
      throw new OptionError('ERR_OPTION_MISSING', `missing ${first} of ${place}`);
    }
    const entries = Object.entries(members).map(([name, kind]) => [
      name,
      parseValue(record[name], kind, name === first ? place : `${name} of ${place}`),
    ]);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  });
}

/** A list or one object as JSON, else texts; undefined if it is broken JSON. */
function splitRecords(raw: string, separator: RegExp): unknown {
  if (!/^\s*[[{]/.test(raw)) return raw.split(separator);
  const value = parseJson(raw);
  return isPlainObject(value) ? [value] : value;
}

/** `{ name: text }`; `NAME=TEXT` for each, in a list or separated by commas; or the JSON text of an object. */
function parsePairs(raw: unknown, { maxCount, maxLength }: Pairs, label: string): Record<string, string> {
  const pairs = isPlainObject(raw) ? Object.entries(raw) : splitPairs(raw, label);
  const isWithin = (text: unknown): boolean =>
    typeof text === 'string' && text !== '' && [...text].length <= maxLength;
  const wrong = pairs.find((pair) => !pair.every(isWithin));
  if (wrong !== undefined) {
    const rule = `pairs NAME=VALUE, both of 1 to ${maxLength} characters`;
    throw invalid(label, rule, `${quote(wrong[0])} and ${show(wrong[1])}`);
  }
  const names = new Set(pairs.map(([name]) => name));
  if (names.size < pairs.length) {
    throw new OptionError('ERR_OPTION_CONFLICT', `${label} must not give a name twice`);
  }
  if (pairs.length > maxCount) throw invalid(label, `at most ${maxCount} pairs`, `${pairs.length}`);
  // Without a prototype, so that `__proto__` is a name like any other.
  return Object.assign(Object.create(null), Object.fromEntries(pairs));
}

function splitPairs(raw: unknown, label: string): ReadonlyArray<readonly [string, unknown]> {
  if (typeof raw === 'string' && raw.startsWith('{')) return Object.entries(parseObject(raw, label));
  return parseList(raw, { type: 'list', separator: ',' }, label).map((text) => {
    const end = text.indexOf('=');
    return end < 0 ? [text, undefined] : [text.slice(0, end), text.slice(end + 1)];
  });
}

/** Strings that the Go helper's flag library accepts (strconv.ParseBool). */
function parseBoolean(raw: unknown, label: string): boolean {
  if (typeof raw === 'boolean') return raw;
  if (typeof raw === 'string') {
    if (/^(1|t|true)$/i.test(raw)) return true;
    if (/^(0|f|false)$/i.test(raw)) return false;
  }
  throw invalid(label, 'true or false', show(raw));
}

function invalid(label: string, rule: string, found: string, hint?: string): OptionError {
  return new OptionError('ERR_OPTION_INVALID', `${label} must be ${rule}, found ${found}`, { hint });
}

function show(raw: unknown): string {
  return typeof raw === 'string' ? quote(raw) : typeName(raw);
}

function typeName(raw: unknown): string {
  return raw === null ? 'null' : Array.isArray(raw) ? 'a list' : `a value of type ${typeof raw}`;
}

/**
 * @param names every known name
 * @param place how messages name the object, if it is one of several
 * @throws OptionError `ERR_OPTION_UNKNOWN`, with the nearest known name
 */
export function assertKnown(options: object, names: readonly string[], place?: string): void {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const found = place === undefined ? quote(unknown) : `${quote(unknown)} in ${place}`;
  throw new OptionError('ERR_OPTION_UNKNOWN', `unknown option ${found}${nearest(unknown, names)}`);
}

/** `, did you mean …?` if a known name is close to the unknown one, else the empty text. */
export function nearest(unknown: string, known: readonly string[]): string {
  // The distance takes time in proportion to the product of the lengths.
  const word = unknown.slice(0, 100).toLowerCase();
  const [best] = known
    .map((name) => ({ name, distance: editDistance(word, name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.max(2, Math.floor(name.length / 3)))
    .sort((a, b) => a.distance - b.distance);
  return best === undefined ? '' : `, did you mean "${best.name}"?`;
}

/** The Levenshtein distance, computed row by row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const substitution = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(substitution, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
