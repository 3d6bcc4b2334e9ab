/**
 * Public keys: one form for those that Node's OpenSSL knows and for those that only a newer one does.
 * Compares them and verifies certificates with them.
 */
import type { KeyObject } from 'node:crypto';
import { readBits, readChildren, readWhole, SEQUENCE } from '../../measure/der.js';
import { builtin } from '../../options/environment.js';

export interface PublicKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /**
   * The kind as Node names it, such as `rsa`, `ec`, `ml-dsa-65` or `ed25519`; undefined for an unknown kind.
   */
  readonly type: string | undefined;
  /**
   * Node's own object; undefined if the key is of no use, or this version of Node does not know its kind.
   */
  readonly keyObject: KeyObject | undefined;
  /** Size or curve, such as `2048 bits` or `prime256v1`; default: what `keyObject` tells. */
  readonly detail?: string | undefined;
  /** The reason why the key cannot be used although its type is supported: `an RSA key of 512 bits`. */
  readonly flaw?: string | undefined;
  /** Whether the EC parameters are written out instead of named, which RFC 5480 §2.1.1 forbids. */
  readonly hasExplicitCurve?: boolean;
  /** Verifies a signature over the data, if Node cannot. */
  readonly verify?: (data: Uint8Array, signature: Uint8Array) => boolean;
}

/** ML-DSA as Node names it from 24.7 on, by the OIDs of RFC 9881 §2. */
export const ML_DSA_TYPES: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.3.17': 'ml-dsa-44',
  '2.16.840.1.101.3.4.3.18': 'ml-dsa-65',
  '2.16.840.1.101.3.4.3.19': 'ml-dsa-87',
};

export const DSA = '1.2.840.10040.4.1';
export const RSA_PSS = '1.2.840.113549.1.1.10';

/** Types that the service does not accept, by OID, as Node names them. */
export const OTHER_TYPES: Readonly<Record<string, string>> = {
  [RSA_PSS]: 'rsa-pss',
  [DSA]: 'dsa',
  '1.2.840.113549.1.3.1': 'dh',
  '1.3.101.110': 'x25519',
  '1.3.101.111': 'x448',
  '1.3.101.112': 'ed25519',
  '1.3.101.113': 'ed448',
};

/** From a public key of Node's, or from the private key that it follows from. */
export function publicKeyOf(key: KeyObject): PublicKey {
  const keyObject = key.type === 'public' ? key : builtin('node:crypto').createPublicKey(key);
  return Object.freeze({
    spki: keyObject.export({ type: 'spki', format: 'der' }),
    type: keyObject.asymmetricKeyType,
    keyObject,
  });
}

/** Size or curve: `2048 bits`, `prime256v1`. */
export function detailOf({ detail, keyObject }: Pick<PublicKey, 'detail' | 'keyObject'>): string | undefined {
  const { modulusLength, namedCurve } = keyObject?.asymmetricKeyDetails ?? {};
  return detail ?? (modulusLength === undefined ? namedCurve : `${modulusLength} bits`);
}

/**
 * Compares keys by value. A point of a curve has two encodings, so OpenSSL compares EC keys; comparing keys
 * of two types would leave an error in OpenSSL that Node throws from the next call that reads a key.
 */
export function isSameKey(a: PublicKey, b: PublicKey): boolean {
  if (Buffer.compare(a.spki, b.spki) === 0) return true;
  if (a.keyObject === undefined || b.keyObject === undefined || a.type !== 'ec' || b.type !== 'ec')
    return false;
  return detailOf(a) === detailOf(b) && a.keyObject.equals(b.keyObject);
}

/**
 * Whether a key made a certificate's signature.
 *
 * @param der of the certificate
 */
export function isSignedBy(der: Buffer, { keyObject, verify }: PublicKey): boolean {
  // RFC 5280 §4.1: the signed part, the algorithm, and the signature.
  const [signed, , signature] = readChildren(readWhole(der), SEQUENCE);
  if (verify !== undefined) return signed !== undefined && verify(signed.whole, readBits(signature));
  if (keyObject === undefined) return false;
  try {
    return new (builtin('node:crypto').X509Certificate)(der).verify(keyObject);
  } catch {
    // A signature algorithm that this OpenSSL does not know.
    return false;
  }
}
