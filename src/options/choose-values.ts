/**
 * An option table, and what the caller, the environment and a configuration file say in, the values that count out:
 * each from the first of them that has one, else the row's default, and each with what gave it.
 */
import { OptionError } from '../errors.js';
import type { OptionRow, OptionRows, VariablePrefix } from './option-row.js';
import { variableOf } from './option-row.js';
import { readValue } from './values.js';

/** Variables of the environment, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How messages name an option: as the command line's flag, or as the library's property. */
export type Naming = 'flag' | 'property';

/** What a configuration file says, by option name. */
export interface FileValues {
  readonly values: Readonly<Record<string, unknown>>;
  /** How messages call the value of an option: `rolesanywhere_region in [profile onprem] of ~/.aws/config`. */
  label(name: string): string;
}

export interface ValueSources {
  readonly given: Readonly<Record<string, unknown>>;
  readonly env: Environment;
  /** `flag` is the command line, which has a variable for each flag; the library reads only those of `env` in the rows. */
  readonly naming: Naming;
  readonly file?: FileValues | undefined;
  /** Of the command line's variables. Default `ROLESANYWHERE`. */
  readonly prefix?: VariablePrefix | undefined;
}

/** Who has given a value, the strongest first. */
const ORIGINS = ['caller', 'environment', 'file', 'default'] as const;

export type Origin = (typeof ORIGINS)[number];

export interface ChosenValue {
  readonly value: unknown;
  /** How messages call what gave it: a flag, a property, a variable, a key of a file. */
  readonly label: string;
  readonly origin: Origin;
}

export type ChosenValues<Name extends string = string> = Readonly<Record<Name, ChosenValue>>;

/**
 * @throws OptionError `ERR_OPTION_INVALID`
 */
export function chooseValues<Name extends string>(
  rows: Readonly<Record<Name, OptionRow>>,
  sources: ValueSources,
): ChosenValues<Name> {
  const chosen: Partial<Record<Name, ChosenValue>> = {};
  for (const name of Object.keys(rows) as Name[]) chosen[name] = chooseValue(name, rows[name], sources);
  return chosen as Record<Name, ChosenValue>;
}

function chooseValue(name: string, row: OptionRow, sources: ValueSources): ChosenValue {
  const { given, env, naming, file } = sources;
  const own = naming === 'flag' ? `--${row.flag}` : name;
  const chosen = (raw: unknown, label: string, origin: Origin): ChosenValue => ({
    value: readValue(raw, row, label),
    label,
    origin,
  });
  if (isGiven(given[name], row)) return chosen(given[name], own, 'caller');
  const variable = variablesOf(row, sources).find((key) => isGiven(env[key], row));
  if (variable !== undefined) return chosen(env[variable], variable, 'environment');
  if (isGiven(file?.values[name], row)) return chosen(file?.values[name], file?.label(name) ?? own, 'file');
  return { value: row.default, label: own, origin: 'default' };
}

/** As for `readValue`, an empty text is none, and the next source is asked; the empty passphrase is one. */
function isGiven(raw: unknown, row: OptionRow): boolean {
  return raw !== undefined && raw !== null && (raw !== '' || row.secret === true);
}

function variablesOf(row: OptionRow, { env, naming, prefix }: ValueSources): string[] {
  const own = naming === 'flag' ? [variableOf(row, prefix)] : [];
  const further = isSwitchedOn(row.envUnless, env) ? [] : (row.env ?? []);
  return [...own, ...further];
}

function isSwitchedOn(variable: string | undefined, env: Environment): boolean {
  if (variable === undefined) return false;
  const row: OptionRow = { flag: variable, kind: { type: 'boolean' }, help: '' };
  return readValue(env[variable], row, variable) === true;
}

/**
 * Of two options that exclude each other, the one that the stronger source has given. Where one source has given both,
 * the caller and a file contradict themselves; in an environment several hands may be at work, and the first counts.
 *
 * @returns the name of the option that does not count, if both are given
 * @throws OptionError `ERR_OPTION_CONFLICT`
 */
export function weakerOf<Name extends string>(
  chosen: ChosenValues<Name>,
  first: Name,
  second: Name,
): Name | undefined {
  const [a, b] = [chosen[first], chosen[second]];
  if (a.origin === 'default' || b.origin === 'default') return undefined;
  if (a.origin === b.origin && a.origin !== 'environment') {
    throw new OptionError('ERR_OPTION_CONFLICT', `${a.label} and ${b.label} exclude each other`);
  }
  return ORIGINS.indexOf(a.origin) <= ORIGINS.indexOf(b.origin) ? second : first;
}

/** @throws OptionError `ERR_OPTION_MISSING`, all that is missing named at once */
export function refuseMissing(rows: OptionRows, chosen: ChosenValues): void {
  const missing = Object.entries(rows)
    .filter(([name, row]) => row.required === true && chosen[name]?.value === undefined)
    .map(([name]) => chosen[name]?.label);
  if (missing.length > 0) throw new OptionError('ERR_OPTION_MISSING', `missing ${missing.join(', ')}`);
}
