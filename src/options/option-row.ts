/** What a row of an option table says, and how the value of an option is written and checked. */

export type OptionKind =
  | { readonly type: 'source' | 'text' | 'boolean' }
  | { readonly type: 'pattern'; readonly pattern: RegExp; readonly rule: string }
  | { readonly type: 'integer'; readonly min: number; readonly max: number; readonly unit?: string };

export interface OptionRow {
  /** The flag, without its dashes. */
  readonly flag: string;
  readonly kind: OptionKind;
  /** What stands for the value in `--help`. */
  readonly placeholder?: string;
  readonly required?: boolean;
  /** A value that must not be shown. */
  readonly secret?: boolean;
  /** Environment variables that give the value where the caller does not, first one first. */
  readonly env?: readonly string[];
  readonly default?: string | number | boolean;
  /** One line for `--help` and the README. */
  readonly help: string;
}
