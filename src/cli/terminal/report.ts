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

/** The first row that fits counts. The service's texts are those that its users have reported. */
const HINTS: readonly Hint[] = [
  {
    code: 'ERR_SERVICE_DENIED',
    message: /clock is/,
    hint: 'set the clock of this machine (NTP)',
  },
  {
    code: 'ERR_SERVICE_DENIED',
    message: /Untrusted signing certificate/,
    hint: 'the trust anchor must hold the CA that issued the certificate; give the CAs in between with --intermediates',
  },
  {
    code: 'ERR_SERVICE_DENIED',
    message: /Insufficient certificate/,
    hint: 'the certificate must have keyUsage digitalSignature, must not be a CA, and its signature and critical extensions must be of kinds that the service knows',
  },
  {
    code: 'ERR_SERVICE_DENIED',
    message: /DurationSeconds exceeds/,
    hint: 'ask for less with --session-duration, or raise the MaxSessionDuration of the role',
  },
  {
    code: 'ERR_SERVICE_DENIED',
    message: /roleSessionName/,
    hint: 'leave out --role-session-name, or set acceptRoleSessionName on the profile',
  },
  {
    code: 'ERR_SERVICE_DENIED',
    message: /Unable to assume role/,
    hint: 'the role must be listed in the profile, and its trust policy must allow rolesanywhere.amazonaws.com sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity under conditions that the certificate meets',
  },
  {
    code: 'ERR_SERVICE_DENIED',
    message: /Invalid signature/,
    hint: 'a proxy that alters requests or a wrong clock causes this; --debug shows what was signed',
  },
  {
    code: 'ERR_SERVICE_DENIED',
    message: /ResourceNotFound/,
    hint: 'check that trust anchor and profile exist in this account and region, and are enabled',
  },
  {
    code: 'ERR_SERVICE_THROTTLED',
    hint: 'the service takes 10 sessions a second of an account and region: start fewer programs at once',
  },
  { code: 'ERR_SERVICE_FAILED', hint: 'this is a failure of the service: try again later' },
  {
    code: 'ERR_TLS',
    hint: 'where a company proxy re-signs TLS, name its CA with --ca-bundle or AWS_CA_BUNDLE',
  },
  {
    code: 'ERR_PROXY',
    message: /407$/,
    hint: 'the proxy wants a user name and a password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT, special characters percent-encoded',
  },
  {
    code: 'ERR_PROXY',
    hint: 'ask whoever runs the proxy to allow the endpoint, or name its host in NO_PROXY',
  },
  {
    code: /^ERR_(NETWORK|TIMEOUT)$/,
    hint: 'check --region and --endpoint, the network, and HTTPS_PROXY where the way out is a proxy',
  },
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

export function exitStatusOf(error: unknown): number {
  return isRolesAnywhereError(error) ? error.exitStatus : 1;
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
