/** Checks a plain object of options against one rule for each property. */
import { OptionError } from '../errors.js';
import type { OptionKind } from './option-spec.js';
import { assertKnown, parseValue } from './values.js';

/** For a property that no {@link OptionKind} describes: a predicate, and the rule that the message states. */
type Check = readonly [isValid: (value: unknown) => boolean, rule: string];

/** One rule for each property of `T`. */
export type OptionRules<T> = { readonly [K in keyof T]-?: OptionKind | Check };

/**
 * Returns the checked options. As everywhere in the library, null and an empty text count as not given.
 *
 * @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID`
 */
export function readOptions<T extends object>(options: T, rules: OptionRules<T>): T {
  const known = Object.keys(rules);
  assertKnown(options, known);
  const values = (known as Array<keyof T & string>).map((name) => [
    name,
    readOption(options[name], rules[name], name),
  ]);
  return Object.fromEntries(values);
}

function readOption(value: unknown, rule: OptionKind | Check, name: string): unknown {
  if ('type' in rule) return parseValue(value, rule, name);
  const [isValid, text] = rule;
  if (value === undefined || value === null) return undefined;
  if (isValid(value)) return value;
  throw new OptionError(
    'ERR_OPTION_INVALID',
    `${name} must be ${text}, found a value of type ${typeof value}`,
  );
}
