/**
 * Describes an option: its kind of value, its default, and the AWS variables that can
 * give it.
 */

/** A kind of value. `values.ts` validates it. */
export type OptionKind =
  /** `source` is a path, PEM text or bytes; `object` is an object or the JSON text of one. */
  | { readonly type: 'source' | 'path' | 'text' | 'boolean' | 'object' }
  /** Text that no message may show. The empty text is a value, because the empty passphrase is one. */
  | { readonly type: 'secret' }
  | { readonly type: 'pattern'; readonly pattern: RegExp; readonly rule: string }
  | { readonly type: 'integer'; readonly min: number; readonly max: number; readonly unit?: string }
  /** A list of strings that match `pattern`; in one string, they are separated by `separator`. */
  | {
      readonly type: 'list';
      readonly separator: string;
      readonly pattern?: RegExp;
      readonly rule?: string;
    }
  /**
   * A list of objects with these members, the first one required, or the JSON text of one. A text that is no
   * JSON has the values of the first member, separated by `separator`; a text in the list is such a value.
   */
  | { readonly type: 'records'; readonly members: OptionKinds; readonly separator: RegExp }
  /** Names and texts: an object, or `NAME=TEXT` for each. */
  | { readonly type: 'pairs'; readonly maxCount: number; readonly maxLength: number };

/** Kinds by name of a member. */
export interface OptionKinds {
  readonly [name: string]: OptionKind;
}

export interface OptionSpec {
  readonly kind: OptionKind;
  readonly required?: boolean;
  readonly default?: string | number | boolean;
  /**
   * Environment variables of AWS that give the value if the caller does not; the first one that is set counts.
   */
  readonly env?: readonly string[];
  /** A variable that, if true, switches those of `env` off. */
  readonly envUnless?: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

interface ValueTypes {
  readonly source: string;
  readonly path: string;
  readonly text: string;
  readonly secret: string;
  readonly pattern: string;
  readonly boolean: boolean;
  readonly integer: number;
  readonly object: Readonly<Record<string, unknown>>;
  readonly list: readonly string[];
  readonly records: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly pairs: Readonly<Record<string, string>>;
}

type ValueOf<Spec extends OptionSpec> = ValueTypes[Spec['kind']['type']];

/** The values of options by name; only options with a default are always set. */
export type ValuesOf<Specs extends OptionSpecs> = {
  readonly [Name in keyof Specs]: Specs[Name] extends { readonly default: string | number | boolean }
    ? ValueOf<Specs[Name]>
    : ValueOf<Specs[Name]> | undefined;
};
