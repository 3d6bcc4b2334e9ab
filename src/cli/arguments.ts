/**
 * Parses the arguments of a command into values by option name, with both spellings: `--flag value`,
 * `--flag=value`.
 */
import { parseArgs } from 'node:util';
import { OptionError, quote } from '../errors.js';
import { nearest } from '../options/values.js';
import type { Flag, Flags } from './options/flags.js';

type Given = boolean | string | readonly string[] | readonly GivenRecord[];

/** An object that consists of several flags: strings by flag name, in the order of the arguments. */
type GivenRecord = Readonly<Record<string, string>>;

/** The values of the arguments, before validation. */
export interface Arguments {
  /** By option name: true or a string; a list for a flag that may be repeated. */
  readonly given: Readonly<Record<string, Given>>;
  /** The arguments that are not flags. */
  readonly operands: readonly string[];
  /** Flags of other commands, which a configuration file may have too. */
  readonly otherFlags?: () => Promise<ReadonlySet<string>>;
}

/** The arguments of a command that are not flags. */
export interface Operands {
  /** As the usage line shows them: `SHELL`, `-- COMMAND [ARGUMENT…]`. */
  readonly usage: string;
  readonly min: number;
  readonly max: number;
  /** Whether they must follow `--`, as the command of `exec` does. */
  readonly areBehindDashes: boolean;
}

const ONE_LINE =
  'a value follows its flag; in ~/.aws/config the whole credential_process value must be one line, a ' +
  'backslash does not continue it';

const ONE_WORD =
  'several arguments arrived as one word: leave out the quotes; zsh splits a variable that is written ' +
  `\${=NAME}`;

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];

/**
 * @throws OptionError `ERR_OPTION_UNKNOWN`: an unknown flag, an unexpected argument; `ERR_OPTION_MISSING`: a
 *   flag without its value, a missing operand; `ERR_OPTION_CONFLICT`: a flag given twice
 */
export function parseArguments(argv: readonly string[], flags: Flags, operands?: Operands): Arguments {
  const byFlag = new Map(Object.entries(flags).map(([name, flag]) => [flag.flag, { name, flag }]));
  const given: Record<string, Given> = {};
  const found: string[] = [];
  let isBehindDashes = false;
  let previous: Flag | undefined;
  for (const token of tokensOf(argv, flags)) {
    if (token.kind === 'option') {
      const { name, flag } = knownFlag(token, argv, byFlag);
      const place = flag.memberOf ?? name;
      given[place] = addValue(given[place], optionValue(token, flag), flag, flags[place]);
      previous = flag;
    } else if (token.kind === 'option-terminator' && operands !== undefined) {
      isBehindDashes = true;
    } else {
      const argument = token.kind === 'positional' ? token.value : '--';
      if (!isBehindDashes && operands?.areBehindDashes !== false)
        throw unexpected(argument, previous, operands);
      found.push(argument);
    }
  }
  assertOperands(found, operands);
  return { given, operands: found };
}

/** Not strict: the messages of `parseArgs` quote values, which may be secrets. */
function tokensOf(argv: readonly string[], flags: Flags): readonly Token[] {
  const options = Object.values(flags).map(
    ({ flag, kind }) => [flag, { type: kind.type === 'boolean' ? 'boolean' : 'string' }] as const,
  );
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(options),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  return tokens;
}

type OptionToken = Extract<Token, { kind: 'option' }>;

function knownFlag(
  { name, rawName, index }: OptionToken,
  argv: readonly string[],
  byFlag: ReadonlyMap<string, { name: string; flag: Flag }>,
): { name: string; flag: Flag } {
  if (!rawName.startsWith('--')) throw unexpected(argv[index] ?? rawName);
  const known = byFlag.get(name);
  if (known !== undefined) return known;
  throw new OptionError(
    'ERR_OPTION_UNKNOWN',
    `unknown flag ${nameOf(`--${name}`)}${nearest(name, [...byFlag.keys()])}`,
    { hint: /\s/.test(name) ? ONE_WORD : undefined },
  );
}

function optionValue({ value, inlineValue }: OptionToken, flag: Flag): boolean | string {
  if (inlineValue === true) return value;
  if (flag.kind.type === 'boolean') return true;
  if (value === undefined || value.startsWith('--')) {
    const isSecret = flag.kind.type === 'secret';
    const found = value === undefined ? 'nothing' : isSecret ? 'what looks like another flag' : nameOf(value);
    throw new OptionError('ERR_OPTION_MISSING', `--${flag.flag} needs a value, found ${found}`, {
      hint: `write a value that begins with -- as --${flag.flag}=VALUE`,
    });
  }
  return value;
}

/** @param leader the flag that begins an object, if `flag` is a member of one */
function addValue(earlier: Given | undefined, value: boolean | string, flag: Flag, leader?: Flag): Given {
  const { type } = flag.kind;
  if (flag.memberOf !== undefined) return addMember(earlier, String(value), flag, leader?.flag ?? '');
  if (type === 'records') return [...recordsOf(earlier), { [flag.flag]: String(value) }];
  // A single value may hold several, as in the environment.
  if (earlier === undefined) return value;
  if (type === 'list' || type === 'pairs') return [earlier, value].flat().map(String);
  throw new OptionError('ERR_OPTION_CONFLICT', `--${flag.flag} is given twice`);
}

function addMember(earlier: Given | undefined, value: string, { flag }: Flag, leader: string): Given {
  const records = recordsOf(earlier);
  const last = records.at(-1);
  if (last === undefined) {
    throw new OptionError('ERR_OPTION_MISSING', `--${flag} must follow the --${leader} that it belongs to`);
  }
  if (Object.hasOwn(last, flag)) {
    throw new OptionError('ERR_OPTION_CONFLICT', `--${flag} is given twice for one --${leader}`);
  }
  return [...records.slice(0, -1), { ...last, [flag]: value }];
}

function recordsOf(given: Given | undefined): readonly GivenRecord[] {
  return Array.isArray(given) ? given.filter((item) => typeof item === 'object') : [];
}

function assertOperands(found: readonly string[], operands: Operands | undefined): void {
  if (operands === undefined) return;
  const { usage, min, max } = operands;
  if (found.length < min) throw new OptionError('ERR_OPTION_MISSING', `missing ${usage}`);
  if (found.length > max) throw unexpected(found[max] ?? '');
}

/** An argument as messages show it. The part after a `=` may be a secret, whatever the part before it. */
export function nameOf(argument: string): string {
  // botocore passes the line ends of a multi-line value on as part of the next argument.
  const name = argument.trim().split('=', 1)[0] ?? '';
  return /^--[a-z][a-z0-9-]{0,40}$/i.test(name) ? name : quote(name);
}

function unexpected(argument: string, previous?: Flag, operands?: Operands): OptionError {
  // The second word of an unquoted passphrase is part of the secret.
  if (previous?.kind.type === 'secret') {
    return new OptionError('ERR_OPTION_UNKNOWN', 'unexpected argument after a passphrase', {
      hint: 'quote a passphrase that contains spaces',
    });
  }
  const hint = operands === undefined ? ONE_LINE : `it must follow two dashes: ${operands.usage}`;
  return new OptionError('ERR_OPTION_UNKNOWN', `unexpected argument ${nameOf(argument)}`, {
    hint: /^-[a-z]/i.test(argument) ? 'flags begin with two dashes' : hint,
  });
}
