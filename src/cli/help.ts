/** Formats the text of `--help`: the overview of the commands, and the flags of one command in groups. */
import type { Command, CommandEntry } from './command.js';
import type { Flag, FlagGroups, Flags } from './options/flags.js';
import { flatten, variableOf } from './options/flags.js';
import type { ProgramName } from './program-name.js';
import type { Style } from './terminal/style.js';
import { wrap } from './terminal/style.js';

export interface HelpFormat extends Pick<Style, 'bold'> {
  readonly program: ProgramName;
  /** Columns. */
  readonly width: number;
  /** Also show the flags that are always refused. */
  readonly showsAll: boolean;
}

/** Help texts begin in this column at most; a longer flag has a line of its own. */
const MAX_COLUMN = 32;
/** Texts that would be narrower stand below their labels, by this indent. */
const MIN_TEXT_WIDTH = 36;
const INDENT = 6;

export function formatOverview(
  commands: readonly CommandEntry[],
  { program, width, bold }: HelpFormat,
): string {
  const column = columnOf(
    commands.map(({ name }) => name),
    width,
  );
  return [
    ...wrap('Temporary AWS credentials from an X.509 certificate (IAM Roles Anywhere).', width),
    '',
    `${bold('Usage:')} ${program} COMMAND [FLAGS]`,
    '',
    bold('Commands:'),
    ...commands.flatMap(({ name, summary }) => formatRow(name, summary, column, width)),
    '',
    ...wrap(`${program} COMMAND --help shows the flags of a command.`, width),
    '',
  ].join('\n');
}

export function formatCommandHelp(
  { name, summary }: CommandEntry,
  command: Command,
  format: HelpFormat,
): string {
  const { program, width, bold } = format;
  const { flags, operands, example } = command;
  return [
    `${bold('Usage:')} ${[program, name, '[FLAGS]', operands?.usage].filter(Boolean).join(' ')}`,
    '',
    ...wrap(summary, width),
    ...formatGroups(flags, format),
    '',
    bold('Example:'),
    `  ${program} ${name}${example === '' ? '' : ` ${example.replaceAll('\n', ' \\\n  ')}`}`,
    ...formatVariables(command).flatMap((text) => ['', ...wrap(text, width)]),
    '',
  ].join('\n');
}

function formatGroups(groups: FlagGroups, { width, bold, showsAll }: HelpFormat): string[] {
  const shown = Object.entries(groups).map(([title, flags]) => [title, shownFlags(flags, showsAll)] as const);
  const column = columnOf(
    shown.flatMap(([, flags]) => flags.map(formatFlag)),
    width,
  );
  return shown
    .filter(([, flags]) => flags.length > 0)
    .flatMap(([title, flags]) => [
      '',
      bold(`${title}:`),
      ...flags.flatMap((flag) => formatRow(formatFlag(flag), formatHelp(flag), column, width)),
    ]);
}

/** The flags that `--help` shows. */
function shownFlags(flags: Flags, showsAll: boolean): Flag[] {
  return Object.values(flags).filter(({ refused }) => showsAll || refused === undefined);
}

/** The column of the texts: after the widest label, if that leaves enough room for them. */
function columnOf(labels: readonly string[], width: number): number {
  const fitting = labels.map((label) => label.length + 4).filter((column) => column <= MAX_COLUMN);
  const column = Math.max(...fitting, 8);
  return width - column < MIN_TEXT_WIDTH ? INDENT : column;
}

/** A label with its text beside it, or below it if the label is too long. */
function formatRow(label: string, text: string, column: number, width: number): string[] {
  const lines = wrap(text, width - column).map((line) => ' '.repeat(column) + line);
  const [first = '', ...others] = lines;
  if (label.length + 4 > column) return [`  ${label}`, ...lines];
  return [`  ${label}`.padEnd(column) + first.slice(column), ...others];
}

export function formatFlag({ flag, placeholder }: Flag): string {
  return placeholder === undefined ? `--${flag}` : `--${flag} ${placeholder}`;
}

/** The help text of a flag with its default and the AWS variables that give it. */
export function formatHelp(flag: Flag): string {
  const notes = [
    flag.required === true ? 'required' : undefined,
    flag.default === undefined || flag.default === false ? undefined : `default ${flag.default}`,
    flag.env === undefined ? undefined : `environment: ${flag.env.join(', ')}`,
  ].filter((note) => note !== undefined);
  return notes.length === 0 ? flag.help : `${flag.help} (${notes.join('; ')})`;
}

/** How the environment and files give flags; nothing for commands that only have `--help`. */
function formatVariables({ flags, variables }: Command): string[] {
  const { help: _, debug: __, ...others } = flatten(flags);
  const [first] = Object.values(others);
  if (first === undefined) return [];
  const sample = others['roleArn'] ?? first;
  const file = 'config' in others ? ', or in a file (--config)' : '';
  return [
    `Each flag can also be given in the environment, --${sample.flag} as ` +
      `${variableOf(sample, variables)}${file}. Flags win over the ` +
      `environment${file === '' ? '' : ', and the environment over files'}.`,
  ];
}
