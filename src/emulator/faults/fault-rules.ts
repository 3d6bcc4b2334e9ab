/**
 * Parses faults: text such as `error=503,count=3`, several separated by `;`, or objects such as `{ error: 503,
 * count: 3 }`.
 *
 * Options, `--fault` and the route `/_emulator/faults` share this syntax.
 */
import { OptionError, quote } from '../../errors.js';
import { nearest } from '../../options/values.js';

/** Exactly one of the first eight members is the kind of fault; the others limit when it strikes. */
export interface FaultRule {
  /** Delay of the answer in milliseconds, 0 to 600000. */
  readonly latency?: number | undefined;
  /**
   * Requests per second that pass, 0 to 1000; the others get 429 `ThrottlingException`. `true` means 10, as at
   * AWS.
   */
  readonly throttle?: number | true | undefined;
  /** Answer with this status, 400 to 599, instead of performing the operation. `true` means 500. */
  readonly error?: number | true | undefined;
  /** Perform the operation, and reset the connection instead of answering. */
  readonly reset?: true | undefined;
  /** Send headers and half of the body, then nothing until the client gives up. */
  readonly stall?: true | undefined;
  /** Send headers that announce the whole body, half of it, and close the connection. */
  readonly truncate?: true | undefined;
  /** Replace the answer's `Content-Type`. `true` means `text/html`. */
  readonly contentType?: string | true | undefined;
  /** Seconds to add to `Date`, at most a year; negative for the past. */
  readonly dateSkew?: number | undefined;
  /** Probability that the fault strikes, above 0 up to 1. Default 1. */
  readonly rate?: number | undefined;
  /** Number of requests that it strikes. Default: unlimited. */
  readonly count?: number | undefined;
  /**
   * The operation that it strikes, such as `CreateSession`; `*` for all. Default: CreateSession for
   * `throttle`, else all.
   */
  readonly operation?: string | undefined;
  /** Seconds of a `Retry-After` header, with `error` and `throttle`. Default: no such header, as at AWS. */
  readonly retryAfter?: number | undefined;
}

/** One fault; text may hold several. */
export type FaultSource = string | FaultRule;

/** The kinds of faults, in the order of the interface. */
const KINDS = [
  ...(['latency', 'throttle', 'error', 'reset'] as const),
  ...(['stall', 'truncate', 'contentType', 'dateSkew'] as const),
] satisfies Array<keyof FaultRule>;

export type FaultKind = (typeof KINDS)[number];

interface Member {
  /** The value of a name without `=`. */
  readonly bare?: number | string | true;
  /** The value; undefined if it breaks the rule. */
  readonly read: (value: unknown) => number | string | true | undefined;
  readonly rule: string;
}

const MEMBERS: Readonly<Record<keyof FaultRule, Member>> = {
  latency: whole(0, 600_000, 'milliseconds'),
  throttle: { ...number(0, 1000, 'a number of requests a second from 0 to 1000'), bare: 10 },
  error: { ...whole(400, 599), bare: 500 },
  reset: flag(),
  stall: flag(),
  truncate: flag(),
  contentType: { ...text(/^[\w.+-]+\/[\w.+-]+(; ?[\w-]+=[\w-]+)?$/, 'a media type'), bare: 'text/html' },
  dateSkew: whole(-31_536_000, 31_536_000, 'seconds'),
  rate: number(Number.MIN_VALUE, 1, 'a probability above 0 up to 1'),
  count: whole(1, 1_000_000),
  operation: text(/^(\*|[A-Za-z]{1,64})$/, 'the name of an operation such as CreateSession, or *'),
  retryAfter: whole(0, 3600, 'seconds'),
};

const NAMES = Object.keys(MEMBERS) as Array<keyof FaultRule>;

/** @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID` `ERR_OPTION_MISSING` `ERR_OPTION_CONFLICT` */
export function parseFaults(source: unknown): FaultRule[] {
  return [source].flat().flatMap((one: unknown) => {
    if (typeof one === 'string') return splitText(one).map((words) => readRule(words, wordOf));
    const isObject = typeof one === 'object' && one !== null && !(one instanceof Uint8Array);
    if (isObject) return [readRule(Object.entries(one), (name) => name)];
    const found = one === null ? 'null' : `a value of type ${typeof one}`;
    throw new OptionError(
      'ERR_OPTION_INVALID',
      `a fault must be text such as error=503,count=3 or an object, found ${found}`,
    );
  });
}

/** As text again, for the log and for `--fault`. */
export function formatFault(rule: FaultRule): string {
  const written = NAMES.filter((name) => rule[name] !== undefined).map((name) =>
    rule[name] === true ? wordOf(name) : `${wordOf(name)}=${rule[name]}`,
  );
  return written.join(',');
}

export function kindOf(rule: FaultRule): FaultKind {
  return KINDS.find((kind) => rule[kind] !== undefined) ?? 'latency';
}

/** `contentType` is written `content-type`, as flags are. */
function wordOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function splitText(source: string): Array<Array<[word: string, value: unknown]>> {
  const rules = source.split(';').filter((rule) => rule.trim() !== '');
  return rules.map((rule) =>
    rule.split(',').map((pair) => {
      const [word = '', ...value] = pair.split('=');
      return [word.trim(), value.length === 0 ? true : value.join('=').trim()];
    }),
  );
}

/** @param spell how this form of a rule writes the names of members */
function readRule(entries: ReadonlyArray<[word: string, value: unknown]>, spell: (name: string) => string) {
  const rule: Record<string, number | string | true> = {};
  for (const [word, value] of entries) {
    if (value === undefined) continue;
    const name = NAMES.find((one) => spell(one) === word);
    if (name === undefined) {
      const words = NAMES.map(spell);
      throw new OptionError('ERR_OPTION_UNKNOWN', `unknown fault ${quote(word)}${nearest(word, words)}`);
    }
    if (rule[name] !== undefined)
      throw new OptionError('ERR_OPTION_CONFLICT', `fault ${word} is given twice`);
    rule[name] = readMember(name, value, word);
  }
  requireOneKind(rule, spell);
  return rule as FaultRule;
}

function readMember(name: keyof FaultRule, value: unknown, word: string): number | string | true {
  const { bare, read, rule } = MEMBERS[name];
  const result = value === true && bare !== undefined ? bare : read(value);
  if (result !== undefined) return result;
  const isShown = typeof value === 'string' || typeof value === 'number';
  const found = value === true ? 'none' : isShown ? quote(String(value)) : `a value of type ${typeof value}`;
  throw new OptionError('ERR_OPTION_INVALID', `fault ${word} must be ${rule}, found ${found}`);
}

function requireOneKind(rule: FaultRule, spell: (name: string) => string): void {
  const kinds = KINDS.filter((kind) => rule[kind] !== undefined);
  if (kinds.length === 0) {
    const all = KINDS.map(spell).join(', ');
    throw new OptionError('ERR_OPTION_MISSING', `a fault must have one of ${all}`);
  }
  if (kinds.length > 1) {
    const found = kinds.map(spell).join(' and ');
    throw new OptionError('ERR_OPTION_CONFLICT', `a fault is one thing, found ${found}: give each its own`);
  }
  if (rule.retryAfter !== undefined && rule.error === undefined && rule.throttle === undefined) {
    const name = spell('retryAfter');
    throw new OptionError('ERR_OPTION_CONFLICT', `fault ${name} goes with error and throttle alone`);
  }
}

function number(min: number, max: number, rule: string): Member {
  return {
    rule,
    read(value) {
      const isText = typeof value === 'string' && /^-?\d{1,9}(\.\d{1,9})?$/.test(value);
      const found = isText ? Number(value) : value;
      return typeof found === 'number' && found >= min && found <= max ? found : undefined;
    },
  };
}

function whole(min: number, max: number, unit?: string): Member {
  const rule = `a whole number${unit === undefined ? '' : ` of ${unit}`} from ${min} to ${max}`;
  const { read } = number(min, max, rule);
  return {
    rule,
    read: (value) => (Number.isInteger(read(value)) ? read(value) : undefined),
  };
}

function text(pattern: RegExp, rule: string): Member {
  return { rule, read: (value) => (typeof value === 'string' && pattern.test(value) ? value : undefined) };
}

function flag(): Member {
  return { rule: 'true', read: (value) => (value === true || value === 'true' ? true : undefined) };
}
