/**
 * Formats errors and warnings for stderr: one line `rolesanywhere: <message> (<CODE>)`, and the hint below it.
 */
import { isRolesAnywhereError, oneLine } from '../../errors.js';
import type { ProgramName } from '../program-name.js';

/**
 * @param context the program's name, and the command that shows the help, for wrong options without a hint
 * @returns whole lines, each with its line end
 */
export function formatError(error: unknown, { program, help }: { program: string; help: string }): string {
  const line = `${program}: ${messageOf(error)} (${codeOf(error)})\n`;
  const hint = hintOf(error) ?? (/^ERR_OPTION_/.test(codeOf(error)) ? `see ${help}` : undefined);
  return hint === undefined ? line : `${line}hint: ${hint}\n`;
}

export function formatWarning(program: ProgramName, message: string): string {
  return `${program}: warning: ${oneLine(message)}\n`;
}

/** A request to the person at the terminal, such as to touch a token. */
export function formatNotice(program: ProgramName, message: string): string {
  return `${program}: ${oneLine(message)}\n`;
}

/** Marks each line of a text, such as a canonical request. */
export function formatDebug(program: ProgramName, message: string): string {
  return message.replace(/^/gm, `${program}: debug: `).concat('\n');
}

/** Exit statuses by error class; 1 for any other error. */
const EXIT_STATUSES: Readonly<Record<string, number>> = {
  OptionError: 2,
  IdentityError: 3,
  TransportError: 4,
  ServiceError: 5,
  OutputError: 6,
};

export function exitStatusOf(error: unknown): number {
  return (isRolesAnywhereError(error) && EXIT_STATUSES[error.name]) || 1;
}

function hintOf(error: unknown): string | undefined {
  return isRolesAnywhereError(error) ? error.hint : undefined;
}

function messageOf(error: unknown): string {
  if (isRolesAnywhereError(error)) return error.message;
  // A bug. The message is not shown: Node quotes values in some messages, and a value may be a secret.
  return `unexpected ${error instanceof Error ? error.name : typeof error}, please report it`;
}

function codeOf(error: unknown): string {
  return isRolesAnywhereError(error) ? error.code : 'ERR_UNEXPECTED';
}
