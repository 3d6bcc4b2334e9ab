/** The commands and the option table in, the text of `--help` out. */

import type { OptionRow } from '../options/option-row.js';
import type { Command } from './commands/table.js';

const ELSEWHERE =
  'Each flag can stand in the environment, --role-arn as ROLESANYWHERE_ROLE_ARN, or in a file. A flag counts before the environment, and that before a file.';

const EMULATOR_ELSEWHERE =
  'Each flag can stand in the environment, --port as ROLESANYWHERE_EMULATOR_PORT; the flag counts before it.';

export function formatOverview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'Temporary AWS credentials from an X.509 certificate (IAM Roles Anywhere).',
    '',
    'Usage: rolesanywhere COMMAND [FLAGS]',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'rolesanywhere COMMAND --help shows the flags of a command.',
    '',
  ].join('\n');
}

export function formatCommandHelp(command: Command): string {
  const rows = Object.values(command.options);
  const left = rows.map(formatFlag);
  const width = Math.max(...left.map((text) => text.length));
  return [
    `Usage: rolesanywhere ${command.name} [FLAGS]`,
    '',
    command.summary,
    '',
    ...rows.map((row, index) => `  ${left[index]?.padEnd(width)}  ${describe(row)}`),
    '',
    ...elsewhere(command),
  ].join('\n');
}

function elsewhere({ name, options }: Command): string[] {
  if ('config' in options) return [ELSEWHERE, ''];
  return name === 'emulator' ? [EMULATOR_ELSEWHERE, ''] : [];
}

function formatFlag({ flag, placeholder }: OptionRow): string {
  return placeholder === undefined ? `--${flag}` : `--${flag} ${placeholder}`;
}

function describe(row: OptionRow): string {
  const notes = [
    row.required === true ? 'required' : undefined,
    row.default === undefined || row.default === false ? undefined : `default ${row.default}`,
    row.env === undefined ? undefined : `environment: ${row.env.join(', ')}`,
  ].filter((note) => note !== undefined);
  return notes.length === 0 ? row.help : `${row.help} (${notes.join('; ')})`;
}
