/**
 * Decides how to log in to a token: with a PIN from the caller, at the token's PIN pad, or not at all. A PIN
 * that a token has refused is not tried again by this process, since a few wrong ones lock the token.
 */
import { createHash } from 'node:crypto';
import { IdentityError, OptionError } from '../../errors.js';
import { readTextFile } from '../../files/read-file.js';
import type { Login, TokenInfo } from './messages.js';
import type { Pkcs11Uri } from './uri.js';

/** CKF_…, PKCS #11 v3.1 §3.2, "CK_TOKEN_INFO". */
const FLAG = {
  loginRequired: 0x4,
  protectedAuthenticationPath: 0x100,
  userPinCountLow: 0x10000,
  userPinFinalTry: 0x20000,
  userPinLocked: 0x40000,
  userPinToBeChanged: 0x80000,
} as const;

/** @param subject what asks for it, such as `token "host"`. @returns undefined if there is none */
export type PinSource = (subject: string) => Promise<string | undefined>;

export interface LoginOptions {
  readonly pin: PinSource;
  /** Nobody types the PIN: it is not used for the last try that a token grants. Default false. */
  readonly isPinGiven?: boolean | undefined;
  /** Called with a notice for the user before the attempt. */
  readonly notify: (message: string) => void;
}

const refused = new Set<string>();

/** The notices that the user has seen: each signature logs in anew. */
const warned = new Set<string>();

export function isPinPad({ flags }: TokenInfo): boolean {
  return (flags & FLAG.protectedAuthenticationPath) !== 0;
}

export function wantsLogin({ flags }: TokenInfo): boolean {
  return (flags & FLAG.loginRequired) !== 0;
}

/**
 * `pin-value`, or the first line of the file that `pin-source` names (RFC 7512 §2.4).
 *
 * @throws OptionError `ERR_OPTION_INVALID`
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 */
export async function pinOf({ pinValue, pinSource }: Pkcs11Uri): Promise<string | undefined> {
  if (pinValue !== undefined || pinSource === undefined) return pinValue;
  if (pinSource.startsWith('|')) {
    throw new OptionError(
      'ERR_OPTION_INVALID',
      'pin-source of a PKCS#11 URI must name a file: programs are not started',
    );
  }
  // file:/etc/pin, file:///etc/pin and file://localhost/etc/pin (RFC 8089 §2).
  const path = pinSource.replace(/^file:(\/\/(localhost)?(?=\/))?/, '');
  const { text } = await readTextFile(path, `PIN file ${path}`);
  return text.split(/\r?\n/, 1)[0];
}

/** @throws IdentityError `ERR_PKCS11_PIN`: no PIN, or one that must not be tried */
export async function loginTo(token: TokenInfo, options: LoginOptions): Promise<Login | undefined> {
  const { flags, label } = token;
  const subject = `token "${label}"`;
  if (!wantsLogin(token)) return undefined;
  if ((flags & FLAG.userPinLocked) !== 0) {
    throw new IdentityError('ERR_PKCS11_PIN', `the PIN of ${subject} is locked (CKF_USER_PIN_LOCKED)`, {
      hint: 'unlock it with the PUK or the SO PIN (pkcs11-tool --init-pin)',
    });
  }
  for (const warning of warningsOf(token, subject)) {
    if (!warned.has(warning)) options.notify(warning);
    warned.add(warning);
  }
  if (isPinPad(token)) {
    options.notify(`enter the PIN of ${subject} at its reader`);
    return {};
  }
  assertTriesLeft(token, subject, options);
  const pin = await options.pin(subject);
  // The token would count an empty PIN as a wrong one.
  if (pin === undefined || pin === '') {
    const found = pin === undefined ? 'none' : 'an empty one';
    throw new IdentityError('ERR_PKCS11_PIN', `${subject} requires a PIN, and ${found} is given`, {
      hint:
        'give it with --pkcs11-pin-file, ROLESANYWHERE_PKCS11_PIN, pin-source in the URI, or run in a ' +
        'terminal',
    });
  }
  assertNotRefused(token, pin);
  return { pin };
}

function warningsOf({ flags }: TokenInfo, subject: string): string[] {
  const has = (flag: number): boolean => (flags & flag) !== 0;
  return [
    ...(has(FLAG.userPinFinalTry)
      ? [`one more wrong PIN locks ${subject} (CKF_USER_PIN_FINAL_TRY)`]
      : has(FLAG.userPinCountLow)
        ? [`a wrong PIN was given to ${subject} before (CKF_USER_PIN_COUNT_LOW)`]
        : []),
    ...(has(FLAG.userPinToBeChanged)
      ? [`the PIN of ${subject} must be changed (CKF_USER_PIN_TO_BE_CHANGED)`]
      : []),
  ];
}

/** A program that SDKs start again and again would lock the token with a PIN that is wrong in its config. */
function assertTriesLeft({ flags }: TokenInfo, subject: string, { isPinGiven = false }: LoginOptions): void {
  if (!isPinGiven || (flags & FLAG.userPinFinalTry) === 0) return;
  throw new IdentityError(
    'ERR_PKCS11_PIN',
    `${subject} grants one more try (CKF_USER_PIN_FINAL_TRY), which is left to a person`,
    { hint: 'enter the right PIN by hand once, which resets the count: pkcs11-tool --login --list-objects' },
  );
}

function assertNotRefused(token: TokenInfo, pin: string): void {
  if (!refused.has(fingerprintOf(token, pin))) return;
  throw new IdentityError('ERR_PKCS11_PIN', `token "${token.label}" refused this PIN before`, {
    hint: 'it is not tried again: a few wrong PINs lock the token. Correct it and restart the program',
  });
}

/** Remembers the PIN of an attempt that failed for it. */
export function rememberRefusal(token: TokenInfo, login: Login | undefined, error: unknown): void {
  const isRefused = error instanceof IdentityError && error.code === 'ERR_PKCS11_PIN';
  if (isRefused && login?.pin !== undefined) refused.add(fingerprintOf(token, login.pin));
}

function fingerprintOf({ serial, label, slot }: TokenInfo, pin: string): string {
  return createHash('sha256')
    .update(JSON.stringify([serial, label, slot, pin]))
    .digest('base64');
}
