/**
 * Chooses the value of each option from the sources that can give it (the caller, the environment, files) and
 * validates it. The first source with a value counts, then the default.
 */
import { OptionError } from '../errors.js';
import type { OptionSpec, OptionSpecs } from './option-spec.js';
import { isGiven, parseValue } from './values.js';

/** Environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Kinds of sources, the strongest first. */
const ORIGINS = ['caller', 'environment', 'file', 'aws-config', 'default'] as const;

export type Origin = (typeof ORIGINS)[number];

/**
 * A value before validation, and how messages name its place: a flag, a property, a variable, a key of a file.
 */
export interface RawValue {
  readonly raw: unknown;
  readonly label: string;
}

/** A place that can give values. */
export interface Source {
  readonly origin: Origin;
  /** The source's values for an option; the first one that is not empty counts. */
  find(name: string): readonly RawValue[];
}

/** The validated value of one option, with its source. */
export interface Choice {
  readonly value: unknown;
  /** How messages name the place of the value. */
  readonly label: string;
  readonly origin: Origin;
}

export type Choices<Name extends string = string> = Readonly<Record<Name, Choice>>;

/** The caller's own values by option name, from arguments or properties. */
export function callerSource(
  values: Readonly<Record<string, unknown>>,
  label: (name: string) => string,
): Source {
  return { origin: 'caller', find: (name) => [{ raw: values[name], label: label(name) }] };
}

/**
 * The variables of the options, the strongest first: our own before those of AWS, which do not count if the
 * variable that switches them off is true.
 *
 * @param ownVariable our variable of an option. Default: there is none
 */
export function environmentSource<Spec extends OptionSpec>(
  env: Environment,
  specs: Readonly<Record<string, Spec>>,
  ownVariable?: (spec: Spec) => string,
): Source {
  const find = (name: string): readonly RawValue[] => {
    const spec = specs[name];
    if (spec === undefined) return [];
    const { env: names = [], envUnless } = spec;
    const isOff =
      envUnless !== undefined && parseValue(env[envUnless], { type: 'boolean' }, envUnless) === true;
    const labels = [...(ownVariable === undefined ? [] : [ownVariable(spec)]), ...(isOff ? [] : names)];
    return labels.map((label) => ({ raw: env[label], label }));
  };
  return { origin: 'environment', find };
}

/**
 * @param sources the strongest first
 * @param label how messages name an option that no source gives
 * @throws OptionError `ERR_OPTION_INVALID`
 */
export function chooseValues<Name extends string>(
  specs: Readonly<Record<Name, OptionSpec>>,
  sources: readonly Source[],
  label: (name: Name) => string,
): Choices<Name> {
  const choices: Partial<Record<Name, Choice>> = {};
  for (const name of Object.keys(specs) as Name[]) {
    choices[name] = chooseValue(name, specs[name], sources) ?? {
      value: specs[name].default,
      label: label(name),
      origin: 'default',
    };
  }
  return choices as Record<Name, Choice>;
}

function chooseValue(name: string, { kind }: OptionSpec, sources: readonly Source[]): Choice | undefined {
  for (const { origin, find } of sources) {
    const found = find(name).find(({ raw }) => isGiven(raw, kind));
    if (found === undefined) continue;
    return { value: parseValue(found.raw, kind, found.label), label: found.label, origin };
  }
  return undefined;
}

/**
 * Of two options that exclude each other, the name of the one from the weaker source, if both are given. The
 * caller and a file contradict themselves if they give both. In the environment and the AWS config, which
 * several programs share, the first of the two counts.
 *
 * @throws OptionError `ERR_OPTION_CONFLICT`
 */
export function weakerOf<Name extends string>(
  choices: Choices<Name>,
  first: Name,
  second: Name,
): Name | undefined {
  const [a, b] = [choices[first], choices[second]];
  if (a.origin === 'default' || b.origin === 'default') return undefined;
  if (a.origin === b.origin && ['caller', 'file'].includes(a.origin)) {
    throw new OptionError('ERR_OPTION_CONFLICT', `${a.label} and ${b.label} exclude each other`);
  }
  return ORIGINS.indexOf(a.origin) <= ORIGINS.indexOf(b.origin) ? second : first;
}

/** @throws OptionError `ERR_OPTION_MISSING`, with every required option that has no value */
export function assertRequired(specs: OptionSpecs, choices: Choices): void {
  const missing = Object.entries(specs)
    .filter(([name, spec]) => spec.required === true && choices[name]?.value === undefined)
    .map(([name]) => choices[name]?.label);
  if (missing.length > 0) throw new OptionError('ERR_OPTION_MISSING', `missing ${missing.join(', ')}`);
}
