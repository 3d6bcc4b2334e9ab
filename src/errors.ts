/**
 * The errors of this package. The class says who can fix the problem: the caller (options), the owner of the
 * certificate, the network, AWS, or this machine. The code says what happened and does not change between
 * releases; the message is one line for people.
 *
 * Messages, hints and causes never contain key text, a passphrase, a secret access key or a session token.
 */

/** The caller's options are missing, malformed, unknown or contradict each other. */
export type OptionErrorCode =
  | 'ERR_OPTION_MISSING'
  | 'ERR_OPTION_INVALID'
  | 'ERR_OPTION_UNKNOWN'
  | 'ERR_OPTION_CONFLICT';

/** The certificate, its chain or its key cannot be used. */
export type IdentityErrorCode =
  | 'ERR_FILE_UNREADABLE'
  | 'ERR_PEM_INVALID'
  | 'ERR_CERTIFICATE_INVALID'
  | 'ERR_KEY_INVALID'
  | 'ERR_KEY_UNSUPPORTED'
  | 'ERR_KEY_PASSPHRASE'
  | 'ERR_KEY_MISMATCH'
  | 'ERR_KEY_SIGN'
  | 'ERR_PKCS11_UNAVAILABLE'
  | 'ERR_PKCS11_MODULE'
  | 'ERR_PKCS11_TOKEN'
  | 'ERR_PKCS11_OBJECT'
  | 'ERR_PKCS11_PIN'
  | 'ERR_TPM_UNAVAILABLE'
  | 'ERR_TPM_LOCKOUT'
  | 'ERR_TPM_PASSWORD'
  | 'ERR_TPM_FAILED'
  | 'ERR_CERTIFICATE_VERSION'
  | 'ERR_CERTIFICATE_IS_CA'
  | 'ERR_CERTIFICATE_KEY_USAGE'
  | 'ERR_CERTIFICATE_SIGNATURE'
  | 'ERR_CERTIFICATE_SUBJECT'
  | 'ERR_CERTIFICATE_EXPIRED'
  | 'ERR_CERTIFICATE_NOT_YET_VALID'
  | 'ERR_CERTIFICATE_AMBIGUOUS'
  | 'ERR_CHAIN_TOO_LONG'
  | 'ERR_CHAIN_BROKEN'
  | 'ERR_CHAIN_NOT_CA'
  | 'ERR_CHAIN_EXPIRED'
  | 'ERR_CHAIN_NOT_YET_VALID';

/** The request did not reach the service, or its response did not reach us. */
export type TransportErrorCode = 'ERR_TIMEOUT' | 'ERR_NETWORK' | 'ERR_TLS' | 'ERR_PROXY' | 'ERR_ABORTED';

/** The service refused, was busy, failed, or answered with something that is not its protocol. */
export type ServiceErrorCode =
  | 'ERR_SERVICE_DENIED'
  | 'ERR_SERVICE_THROTTLED'
  | 'ERR_SERVICE_FAILED'
  | 'ERR_RESPONSE_INVALID';

/** This machine could not write a file or listen on a port. */
export type OutputErrorCode = 'ERR_FILE_WRITE' | 'ERR_LISTEN';

export interface ErrorDetails {
  /** What to do about it, one line. */
  readonly hint?: string | undefined;
  /** The underlying error, without possible secrets: see `safeCause`. */
  readonly cause?: unknown;
}

/** The base of every error that this package throws. `ERR_UNEXPECTED` is a defect of this package. */
export class RolesAnywhereError extends Error {
  readonly code: string;
  /** What to do about it, one line, if known. */
  readonly hint: string | undefined;
  /** Read by the AWS SDK's `chain()`: it stops at this error instead of reporting the next provider's. */
  readonly tryNextLink = false;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(oneLine(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'RolesAnywhereError';
    this.code = code;
    this.hint = details.hint === undefined ? undefined : oneLine(details.hint);
  }
}

export class OptionError extends RolesAnywhereError {
  declare readonly code: OptionErrorCode;

  constructor(code: OptionErrorCode, message: string, details?: ErrorDetails) {
    super(code, message, details);
    this.name = 'OptionError';
  }
}

export class IdentityError extends RolesAnywhereError {
  declare readonly code: IdentityErrorCode;

  constructor(code: IdentityErrorCode, message: string, details?: ErrorDetails) {
    super(code, message, details);
    this.name = 'IdentityError';
  }
}

export class TransportError extends RolesAnywhereError {
  declare readonly code: TransportErrorCode;

  constructor(code: TransportErrorCode, message: string, details?: ErrorDetails) {
    super(code, message, details);
    this.name = 'TransportError';
  }
}

export interface ServiceErrorDetails extends ErrorDetails {
  /** HTTP status of the answer. */
  readonly status: number;
  /** The service's name for the error, such as `AccessDeniedException`. */
  readonly type?: string | undefined;
  /** The `x-amzn-RequestId` of the answer: AWS Support asks for it. */
  readonly requestId?: string | undefined;
  /** The delay that a `Retry-After` header asked for, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

export class ServiceError extends RolesAnywhereError {
  declare readonly code: ServiceErrorCode;
  readonly status: number;
  readonly type: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ServiceErrorCode, message: string, details: ServiceErrorDetails) {
    super(code, message, details);
    this.name = 'ServiceError';
    this.status = details.status;
    this.type = details.type;
    this.requestId = details.requestId;
    this.retryAfterMs = details.retryAfterMs;
  }
}

export class OutputError extends RolesAnywhereError {
  declare readonly code: OutputErrorCode;

  constructor(code: OutputErrorCode, message: string, details?: ErrorDetails) {
    super(code, message, details);
    this.name = 'OutputError';
  }
}

const NAMES: readonly string[] = [
  'RolesAnywhereError',
  'OptionError',
  'IdentityError',
  'TransportError',
  'ServiceError',
  'OutputError',
];

/**
 * Whether an error is one of these classes, recognised by its shape: the program and the emulator are
 * separate bundles, each with classes of its own.
 */
export function isRolesAnywhereError(error: unknown): error is RolesAnywhereError {
  return error instanceof Error && NAMES.includes(error.name) && 'code' in error && 'tryNextLink' in error;
}

/** The code of an error of Node or of this package: `ENOENT`, `ERR_FILE_WRITE`. Empty if it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/**
 * An error of this package for anything that was thrown: itself, or `ERR_UNEXPECTED` for a defect. The
 * message of a defect is left out, since Node quotes values in some, and a value may be a secret; the place
 * in the code is kept.
 */
export function asRolesAnywhereError(error: unknown): RolesAnywhereError {
  if (isRolesAnywhereError(error)) return error;
  const name = error instanceof Error ? error.name : typeof error;
  const cause = new Error('its message is left out: it may quote a secret');
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '));
  cause.stack = [`${name}: ${cause.message}`, ...frames].join('\n');
  return new RolesAnywhereError('ERR_UNEXPECTED', `unexpected ${oneLine(name, 100)}, please report it`, {
    cause,
  });
}

/**
 * A copy of an error of the network or of a parser, with its name, code and message alone: Node and undici
 * keep unparsed input in further members, and it may be a response with credentials.
 */
export function safeCause(error: unknown): Error {
  const { name = 'Error', message = '' } = error instanceof Error ? error : {};
  const copy = Object.assign(new Error(oneLine(message, 300)), { code: codeOf(error) || undefined });
  copy.name = name;
  copy.stack = `${name}: ${copy.message}`;
  return copy;
}

/**
 * A value for a message, in quotes. Text that may be a key passed in the wrong place is not shown: PEM, or a
 * run of mixed case and digits as long as a line of base64.
 */
export function quote(text: string): string {
  const runs = text.match(/[A-Za-z0-9+/_=-]{40,}/g) ?? [];
  const isMixed = runs.some((run) => /[a-z]/.test(run) && /[A-Z]/.test(run) && /\d/.test(run));
  const isKey = isMixed || /[\r\n]|--\s*BEGIN|PRIVATE KEY/.test(text);
  return isKey ? '[redacted: may be a key]' : `"${text}"`;
}

/**
 * Replaces control and format characters, except line feeds, with spaces. Text from files and from the
 * network goes through here before it is printed: it could move the cursor of a terminal, reverse the order
 * of letters, or hide text.
 *
 * Source: Unicode categories Cc (C0 and C1), Cf (bidirectional controls among them), Zl and Zp.
 */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
}

/** One printable line of bounded length: a part of a message cannot forge a second line of a log. */
export function oneLine(text: string, limit = 2000): string {
  const line = printable(text).replace(/\s+/g, ' ').trim();
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}
