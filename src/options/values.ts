/**
 * One raw value and its row of the option table in, the checked value out. Raw values are what a program
 * passes, or text from the command line and the environment.
 */
import { OptionError, quote } from '../errors.js';
import type { OptionKind, OptionRow } from './option-row.js';

/** What a caller gave, by option name, before it is checked. */
export type RawValues = Record<string, string | boolean>;

type Integer = Extract<OptionKind, { type: 'integer' }>;

/**
 * @returns the value, or undefined where none was given; an empty text is none, as in the Go helper, except for
 *   a secret: the empty passphrase is one
 * @throws OptionError `ERR_OPTION_INVALID`
 */
export function readValue(raw: unknown, row: OptionRow, label: string): unknown {
  if (raw === undefined || raw === null) return undefined;
  if (raw === '' && row.secret !== true) return undefined;
  const { kind } = row;
  switch (kind.type) {
    case 'integer':
      return readInteger(raw, kind, label);
    case 'boolean':
      return readBoolean(raw, label);
    case 'pattern':
      if (typeof raw === 'string' && kind.pattern.test(raw)) return raw;
      throw new OptionError('ERR_OPTION_INVALID', `${label} must be ${kind.rule}, found ${show(raw, row)}`);
    case 'source':
      if (typeof raw === 'string' || raw instanceof Uint8Array) return raw;
      throw new OptionError(
        'ERR_OPTION_INVALID',
        `${label} must be a path, PEM text or bytes, found ${kindOf(raw)}`,
      );
    case 'object':
      return readObject(raw, label);
    case 'path':
    case 'text':
      if (typeof raw === 'string') return raw;
      throw new OptionError('ERR_OPTION_INVALID', `${label} must be text, found ${kindOf(raw)}`);
  }
}

function readInteger(raw: unknown, { min, max, unit }: Integer, label: string): number {
  const number = typeof raw === 'string' && /^\d{1,9}$/.test(raw) ? Number(raw) : raw;
  if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max) return number;
  throw new OptionError(
    'ERR_OPTION_INVALID',
    `${label} must be a whole number${unit === undefined ? '' : ` of ${unit}`} from ${min} to ${max}, found ${typeof raw === 'object' ? kindOf(raw) : quote(String(raw))}`,
  );
}

/** An object as it stands, or the JSON text of one. Nothing of it is shown: it may be the wrong file. */
function readObject(raw: unknown, label: string): unknown {
  const value = typeof raw === 'string' ? parseJson(raw) : raw;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new OptionError('ERR_OPTION_INVALID', `${label} must be a JSON object, found ${kindOf(raw)}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Text forms as the Go helper's flag library takes them (strconv.ParseBool). */
function readBoolean(raw: unknown, label: string): boolean {
  if (typeof raw === 'boolean') return raw;
  if (typeof raw === 'string') {
    if (/^(1|t|true)$/i.test(raw)) return true;
    if (/^(0|f|false)$/i.test(raw)) return false;
  }
  throw new OptionError(
    'ERR_OPTION_INVALID',
    `${label} must be true or false, found ${typeof raw === 'string' ? quote(raw) : kindOf(raw)}`,
  );
}

function show(raw: unknown, row: OptionRow): string {
  return typeof raw === 'string' && row.secret !== true ? quote(raw) : kindOf(raw);
}

function kindOf(raw: unknown): string {
  return raw === null ? 'null' : Array.isArray(raw) ? 'a list' : `a value of type ${typeof raw}`;
}

/**
 * @param names all that there are
 * @throws OptionError `ERR_OPTION_UNKNOWN`, with the nearest known name
 */
export function refuseUnknown(options: object, names: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new OptionError('ERR_OPTION_UNKNOWN', `unknown option ${quote(unknown)}${nearest(unknown, names)}`);
}

/** `, did you mean …?` where a known name is close to the unknown one, else nothing. */
export function nearest(unknown: string, known: readonly string[]): string {
  const [best] = known
    .map((name) => ({ name, distance: editDistance(unknown.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, distance }) => distance <= Math.max(2, Math.floor(name.length / 3)))
    .sort((a, b) => a.distance - b.distance);
  return best === undefined ? '' : `, did you mean "${best.name}"?`;
}

/** Levenshtein's distance, one row at a time. */
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
