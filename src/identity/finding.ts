/** The findings of checking and loading an identity. */
import type { IdentityErrorCode } from '../errors.js';

export type WarningCode =
  /** An RSA key below 2048 bits. */
  | 'WARN_KEY_SIZE'
  /** An outdated encryption of the key. */
  | 'WARN_KEY_ENCRYPTION'
  /** An encoding, extension or signature algorithm that the service may refuse. */
  | 'WARN_CERTIFICATE_UNUSUAL'
  /** A serial number that RFC 5280 forbids. */
  | 'WARN_CERTIFICATE_SERIAL'
  /** A PEM block that cannot be read, beside others that can. */
  | 'WARN_PEM_DAMAGED'
  /** An intermediate that is signed with a weak hash. */
  | 'WARN_CHAIN_SIGNATURE'
  /** Certificates that are on no path from the leaf, and are not sent. */
  | 'WARN_CHAIN_SURPLUS';

/** The service refuses an error; a warning works today, or may work. */
export type Finding = {
  /** Subject, rule, what was found: one line. */
  readonly message: string;
  /** What to do, one line. */
  readonly hint: string;
} & (
  | { readonly severity: 'error'; readonly code: IdentityErrorCode }
  | { readonly severity: 'warning'; readonly code: WarningCode }
);

export function warning(code: WarningCode, message: string, hint: string): Finding {
  return { severity: 'warning', code, message, hint };
}
