/** What a row of an option table says, and how the value of an option is written and checked. */

export type OptionKind =
  | { readonly type: 'source' | 'path' | 'text' | 'boolean' | 'object' }
  | { readonly type: 'pattern'; readonly pattern: RegExp; readonly rule: string }
  | { readonly type: 'integer'; readonly min: number; readonly max: number; readonly unit?: string };

export interface OptionRow {
  /** The flag, without its dashes. */
  readonly flag: string;
  readonly kind: OptionKind;
  /** What stands for the value in `--help`. */
  readonly placeholder?: string;
  readonly required?: boolean;
  /** The flag may be given several times; its values are joined with this. */
  readonly repeats?: string;
  /** A value that must not be shown. */
  readonly secret?: boolean;
  /** Variables, besides the flag's own, that give the value where the caller does not, first one first. */
  readonly env?: readonly string[];
  /** A variable that, where it is true, takes those of `env` away. */
  readonly envUnless?: string;
  readonly default?: string | number | boolean;
  /** Known, but of no use here: the reason, as the predicate of a sentence about the flag. */
  readonly refused?: string;
  /** One line for `--help` and the README. */
  readonly help: string;
}

export type OptionRows = Readonly<Record<string, OptionRow>>;

type ValueOf<Row extends OptionRow> = Row['kind'] extends { readonly type: 'boolean' }
  ? boolean
  : Row['kind'] extends { readonly type: 'integer' }
    ? number
    : Row['kind'] extends { readonly type: 'object' }
      ? Readonly<Record<string, unknown>>
      : string;

/** The values of a table's options by name; those without a default may be missing. */
export type ValuesOf<Rows extends OptionRows> = {
  readonly [Name in keyof Rows]: Rows[Name] extends { readonly default: string | number | boolean }
    ? ValueOf<Rows[Name]>
    : ValueOf<Rows[Name]> | undefined;
};

/** What stands before the names of variables: the emulator's flags mean other things than those of `serve`. */
export type VariablePrefix = 'ROLESANYWHERE' | 'ROLESANYWHERE_EMULATOR';

/** The environment variable of a flag, on the command line: `--role-arn` is `ROLESANYWHERE_ROLE_ARN`. */
export function variableOf({ flag }: OptionRow, prefix: VariablePrefix = 'ROLESANYWHERE'): string {
  return `${prefix}_${flag.toUpperCase().replaceAll('-', '_')}`;
}
