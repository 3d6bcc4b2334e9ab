/** Writes the manual page, rolesanywhere(1), from the table of commands and their flags. */
import { VERSION } from '../session/version.js';
import type { Flag } from './options/flags.js';

export interface DocumentedCommand {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** Operands, as the usage line shows them. */
  readonly usage: string | undefined;
  readonly example: string;
}

/** Source: man(7), groff_man(7). */
export function formatManual(commands: readonly DocumentedCommand[]): string {
  return [
    `.TH ROLESANYWHERE 1 "" "rolesanywhere ${VERSION}" "User Commands"`,
    '.SH NAME',
    'rolesanywhere \\- temporary AWS credentials from an X.509 certificate (IAM Roles Anywhere)',
    '.SH SYNOPSIS',
    '.B rolesanywhere',
    '.I COMMAND',
    '.RI [ FLAGS ]',
    '.SH DESCRIPTION',
    'Each flag can also be given in the environment, \\-\\-role\\-arn as ROLESANYWHERE_ROLE_ARN,',
    'or in a file (\\-\\-config).',
    'Flags win over the environment, and the environment over files.',
    '.SH COMMANDS',
    ...commands.flatMap(formatCommand),
    '.SH EXIT STATUS',
    '0 success, 2 wrong options, 3 certificate or key, 4 network, 5 the service refused or failed,',
    '6 this machine, 1 anything else.',
    '',
  ].join('\n');
}

function formatCommand({ name, summary, flags, usage, example }: DocumentedCommand): string[] {
  return [
    `.SS ${escapeRoff(['rolesanywhere', name, usage].filter(Boolean).join(' '))}`,
    text(summary),
    ...flags.flatMap((flag) => ['.TP', `.B ${escapeRoff(labelOf(flag))}`, text(flag.help)]),
    ...(example === ''
      ? []
      : ['.PP', 'Example:', '.PP', '.nf', `  ${escapeRoff(`rolesanywhere ${name} ${example}`)}`, '.fi']),
  ];
}

function labelOf({ flag, placeholder }: Flag): string {
  return placeholder === undefined ? `--${flag}` : `--${flag} ${placeholder}`;
}

/** A line that begins with a dot or a quote would be a request. */
function text(line: string): string {
  return escapeRoff(line).replace(/^[.']/, '\\&$&');
}

function escapeRoff(line: string): string {
  return line.replaceAll('\\', '\\e').replaceAll('-', '\\-');
}
