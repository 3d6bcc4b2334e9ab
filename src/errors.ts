/**
 * What can go wrong, and who can fix it.
 *
 * The class says who: the caller (options), the owner of the certificate, the network, AWS, or this machine.
 * The code says what happened and stays the same from release to release; the message is one line for people.
 * No message ever holds key text, a passphrase, a secret access key or a session token.
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

/** The request did not reach the service, or its answer did not reach us. */
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
  readonly cause?: unknown;
}

/** The base of every error that this package throws on purpose. */
export class RolesAnywhereError extends Error {
  readonly code: string;
  /** What to do about it, one line, where we know. */
  readonly hint: string | undefined;
  /** The exit status of the command line for this class of error. */
  readonly exitStatus: number = 1;
  /**
   * Read by the AWS SDK's `chain()`: whoever configured this provider wants to hear why it failed, not what
   * the next provider in the chain says.
   */
  readonly tryNextLink = false;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(oneLine(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = details.hint;
  }
}

/**
 * Whether an error is one of these classes. By its shape: the program and the emulator are built apart, and each
 * has classes of its own.
 */
export function isRolesAnywhereError(error: unknown): error is RolesAnywhereError {
  return error instanceof Error && 'code' in error && 'exitStatus' in error;
}

/** The code of an error, Node's or ours: `ENOENT`, `ERR_FILE_WRITE`. Empty where it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

export class OptionError extends RolesAnywhereError {
  declare readonly code: OptionErrorCode;
  override readonly exitStatus = 2;

  constructor(code: OptionErrorCode, message: string, details?: ErrorDetails) {
    super(code, message, details);
  }
}

export class IdentityError extends RolesAnywhereError {
  declare readonly code: IdentityErrorCode;
  override readonly exitStatus = 3;

  constructor(code: IdentityErrorCode, message: string, details?: ErrorDetails) {
    super(code, message, details);
  }
}

export class TransportError extends RolesAnywhereError {
  declare readonly code: TransportErrorCode;
  override readonly exitStatus = 4;

  constructor(code: TransportErrorCode, message: string, details?: ErrorDetails) {
    super(code, message, details);
  }
}

export interface ServiceErrorDetails extends ErrorDetails {
  /** HTTP status of the answer. */
  readonly status: number;
  /** The service's own name for the error, such as `AccessDeniedException`. */
  readonly type?: string | undefined;
  /** The `x-amzn-RequestId` of the answer: AWS Support asks for it. */
  readonly requestId?: string | undefined;
  /** What a `Retry-After` header asked for, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

export class ServiceError extends RolesAnywhereError {
  declare readonly code: ServiceErrorCode;
  override readonly exitStatus = 5;
  readonly status: number;
  readonly type: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ServiceErrorCode, message: string, details: ServiceErrorDetails) {
    super(code, message, details);
    this.status = details.status;
    this.type = details.type;
    this.requestId = details.requestId;
    this.retryAfterMs = details.retryAfterMs;
  }
}

export class OutputError extends RolesAnywhereError {
  declare readonly code: OutputErrorCode;
  override readonly exitStatus = 6;

  constructor(code: OutputErrorCode, message: string, details?: ErrorDetails) {
    super(code, message, details);
  }
}

/**
 * A value for a message, in quotes. Key text that landed in the wrong place is not shown: PEM, or a run of letters
 * of both cases and digits as long as a line of base64 has.
 */
export function quote(text: string): string {
  const runs = text.match(/[A-Za-z0-9+/_=-]{40,}/g) ?? [];
  const isMixed = runs.some((run) => /[a-z]/.test(run) && /[A-Z]/.test(run) && /\d/.test(run));
  const isKey = isMixed || /[\r\n]|--\s*BEGIN|PRIVATE KEY/.test(text);
  return isKey ? 'a text that is not shown, since it may be a key' : `"${text}"`;
}

/**
 * One printable line of bounded length: parts of a message come from files and from the network, and must not
 * be able to move the cursor of a terminal or to forge a second line of a log.
 */
export function oneLine(text: string, limit = 2000): string {
  const printable = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return printable.length > limit ? `${printable.slice(0, limit)}…` : printable;
}
