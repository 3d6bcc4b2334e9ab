/**
 * An error in, what a person reads on stderr out: one line `rolesanywhere: <message> (<CODE>)`, and a hint where
 * we have one.
 */
import { isRolesAnywhereError, oneLine } from '../../errors.js';

interface Hint {
  readonly code: string | RegExp;
  /** Where the code alone does not tell. */
  readonly message?: RegExp;
  readonly hint: string;
}

/** Advice that names flags, which the library does not know. The first row that fits counts. */
const HINTS: readonly Hint[] = [
  {
    code: 'ERR_KEY_PASSPHRASE',
    hint: 'give it in --pkcs8-password-file or ROLESANYWHERE_PKCS8_PASSWORD, that of a PKCS#12 file in --pkcs12-password-file or ROLESANYWHERE_PKCS12_PASSWORD',
  },
  {
    code: 'ERR_FILE_UNREADABLE',
    message: / ~.*there is no such file/,
    hint: 'a shell expands ~ where it begins a word, and no other program does: write the path in full',
  },
  {
    code: 'ERR_FILE_UNREADABLE',
    message: /permission denied/,
    hint: 'the user that runs this program must be allowed to read the file and to enter its folders',
  },
];

/**
 * @param context the program's name, and the command that shows the help, for wrong options without a hint
 * @returns whole lines, each with its line end
 */
export function formatError(error: unknown, { program, help }: { program: string; help: string }): string {
  const line = `${program}: ${messageOf(error)} (${codeOf(error)})\n`;
  const hint = hintFor(error) ?? (/^ERR_OPTION_/.test(codeOf(error)) ? `see ${help}` : undefined);
  return hint === undefined ? line : `${line}hint: ${hint}\n`;
}

export function formatWarning(message: string): string {
  return `rolesanywhere: warning: ${oneLine(message)}\n`;
}

/** Several lines, each marked, as canonical requests are. */
export function formatDebug(message: string): string {
  return message.replace(/^/gm, 'rolesanywhere: debug: ').concat('\n');
}

/** By class; anything else is 1. */
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

function messageOf(error: unknown): string {
  if (isRolesAnywhereError(error)) return error.message;
  // A defect of ours. Its message is not shown: Node quotes values in some, and a value may be a secret.
  return `unexpected ${error instanceof Error ? error.name : typeof error}, please report it`;
}

function codeOf(error: unknown): string {
  return isRolesAnywhereError(error) ? error.code : 'ERR_UNEXPECTED';
}

/** What to do about it, one line, where we know. */
export function hintFor(error: unknown): string | undefined {
  if (!isRolesAnywhereError(error)) return undefined;
  const { code, message } = error;
  const fits = (hint: Hint): boolean =>
    (typeof hint.code === 'string' ? hint.code === code : hint.code.test(code)) &&
    (hint.message?.test(message) ?? true);
  return error.hint ?? HINTS.find(fits)?.hint;
}
