/**
 * Arguments and the rows of the option table in, raw values by option name out. Both spellings of a flag that
 * the Go helper takes (`--flag value` and `--flag=value`); nothing unexpected is passed over.
 */
import { OptionError, quote } from '../errors.js';
import type { OptionRow } from '../options/option-row.js';
import type { RawValues } from '../options/values.js';
import { nearest } from '../options/values.js';

const ONE_LINE =
  'each value stands behind its flag; in ~/.aws/config the whole credential_process value must be one line, a backslash does not continue it';

/**
 * @throws OptionError `ERR_OPTION_UNKNOWN`: a flag or an argument that nobody asked for; `ERR_OPTION_MISSING`: a
 *   flag without its value; `ERR_OPTION_CONFLICT`: a flag given twice
 */
export function parseArguments(
  argv: readonly string[],
  rows: Readonly<Record<string, OptionRow>>,
): RawValues {
  const values: RawValues = {};
  const byFlag = new Map(Object.entries(rows).map(([name, row]) => [row.flag, { name, row }]));
  let isAfterSecret = false;
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? '';
    const [, flag, inline] = /^--([^=]+)(?:=(.*))?$/s.exec(argument === '-h' ? '--help' : argument) ?? [];
    if (flag === undefined) throw stray(argument, isAfterSecret);
    const known = byFlag.get(flag);
    if (known === undefined) {
      throw new OptionError(
        'ERR_OPTION_UNKNOWN',
        `unknown flag ${nameOf(`--${flag}`)}${nearest(flag, [...byFlag.keys()])}`,
      );
    }
    const { name, row } = known;
    const takesNext = inline === undefined && row.kind.type !== 'boolean';
    const value = takesNext ? nextValue(argv[++index], row) : (inline ?? true);
    values[name] = Object.hasOwn(values, name) ? joinValues(values[name], value, row) : value;
    isAfterSecret = row.secret === true;
  }
  return values;
}

function joinValues(earlier: RawValues[string] = '', value: RawValues[string], row: OptionRow): string {
  if (row.repeats !== undefined) return `${earlier}${row.repeats}${value}`;
  throw new OptionError('ERR_OPTION_CONFLICT', `--${row.flag} is given twice`);
}

function nextValue(next: string | undefined, { flag, secret }: OptionRow): string {
  if (next === undefined || next.startsWith('--')) {
    const found = next === undefined ? 'nothing' : secret === true ? 'what looks like a flag' : nameOf(next);
    throw new OptionError('ERR_OPTION_MISSING', `--${flag} needs a value, found ${found}`, {
      hint: `a value that begins with -- is written --${flag}=VALUE`,
    });
  }
  return next;
}

/** An argument for a message: what stands behind a `=` may be a secret, whatever stands before it. */
export function nameOf(argument: string): string {
  // botocore hands on the line ends of a multi-line value as part of the argument behind them.
  const name = argument.trim().replace(/=.*/s, '');
  return /^--[a-z][a-z0-9-]{0,40}$/i.test(name) ? name : quote(name);
}

function stray(argument: string, isAfterSecret: boolean): OptionError {
  // The second word of a passphrase that was not quoted is part of the secret.
  if (isAfterSecret) {
    return new OptionError('ERR_OPTION_UNKNOWN', 'unexpected argument behind a passphrase', {
      hint: 'quote a passphrase that has blanks in it',
    });
  }
  return new OptionError('ERR_OPTION_UNKNOWN', `unexpected argument ${nameOf(argument)}`, {
    hint: /^-[a-z]/i.test(argument) ? 'flags begin with two dashes' : ONE_LINE,
  });
}
