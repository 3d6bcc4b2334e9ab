/** The source of an identity: the inputs of `loadIdentity`, and the check of their types. */
import { OptionError } from '../errors.js';

/** Bytes (PEM, DER, PKCS#7 or PKCS#12), PEM text, the path of a file, or `-` for standard input. */
export type PemOrPath = string | Uint8Array;

export interface IdentitySource {
  /** The end-entity certificate; its intermediates (`fullchain.pem`) and private key may be in it too. */
  readonly certificate?: PemOrPath | undefined;
  /** PKCS#8, PKCS#1 or SEC1, plain or encrypted, or PKCS#12. Default: the key in `certificate`. */
  readonly privateKey?: PemOrPath | undefined;
  /** Further certificates of the chain, in any order. A root is not sent. */
  readonly intermediates?: PemOrPath | undefined;
  /** Passphrase of an encrypted private key or PKCS#12 file; the empty text is a passphrase too. */
  readonly passphrase?: string | undefined;
  /** If several certificates belong to the keys: attributes of the subject, such as `CN=host-1`. */
  readonly certificateSubject?: string | undefined;
  /** The same by serial number, decimal or hexadecimal. */
  readonly certificateSerial?: string | undefined;
  /**
   * Path of the PKCS#11 module for `pkcs11:` URIs. Default: the URI's `module-path`, else p11-kit's proxy
   * module.
   */
  readonly pkcs11Module?: string | undefined;
  /** PIN of the token. Default: `pin-value` or `pin-source` of the URI, else `askPassphrase`. */
  readonly pkcs11Pin?: string | undefined;
  /** Use the PIN of the token also for keys that require a PIN for each signature. Default false. */
  readonly reusePin?: boolean | undefined;
  /** `/dev/tpmrm0`, a Unix socket or `swtpm:host=…,port=…`. Default: the TPM of this machine. */
  readonly tpmDevice?: string | undefined;
  /** Password of a key in a TPM; the empty text says that it has none. */
  readonly tpmKeyPassword?: string | undefined;
  /** A program that signs in place of a private key, with its arguments, as `signByCommand` describes it. */
  readonly signCommand?: string | undefined;
}

/** Whether an input names an object in a device in place of a file: a PKCS#11 URI, or a handle of a TPM. */
export function isReference(input: PemOrPath | undefined): input is string {
  return typeof input === 'string' && /^(pkcs11|handle):/i.test(input);
}

/**
 * @param subject what is encrypted, such as `private key host.key`
 * @param attempt 0 at first, then how often the answer was wrong
 * @returns the passphrase; undefined without a terminal
 */
export type AskPassphrase = (subject: string, attempt: number) => Promise<string | undefined>;

export const INPUT_NAMES = ['certificate', 'privateKey', 'intermediates'] as const;

export type InputName = (typeof INPUT_NAMES)[number];

/**
 * One input of a source; undefined if it is absent or the empty text, as in the Go helper.
 *
 * @throws OptionError `ERR_OPTION_INVALID`
 */
export function inputOf(source: IdentitySource, name: InputName): PemOrPath | undefined {
  const value: unknown = source[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  throw new OptionError(
    'ERR_OPTION_INVALID',
    `${name} must be a path, PEM text or bytes, found a value of type ${typeof value}`,
  );
}

/** @throws OptionError `ERR_OPTION_INVALID`, without the value */
export function passphraseOf(source: IdentitySource): string | undefined {
  const value: unknown = source.passphrase;
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  throw new OptionError(
    'ERR_OPTION_INVALID',
    `passphrase must be text, found a value of type ${typeof value}`,
  );
}

/** Whether a text may be the content itself and no path: PEM, or what looks like base64 of PEM or DER. */
export function mayBeContent(text: string): boolean {
  if (text.includes('-----BEGIN ')) return true;
  return text.length >= 64 && /^["'\s]*(LS0tLS1CRUdJTi|M[A-P])[A-Za-z0-9+/=\s"']+$/.test(text);
}
