/**
 * Bytes of a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) in, `PublicKey` out: one form for the keys that Node's OpenSSL
 * knows and for those that only a newer one does, so that nothing to the right needs to ask.
 */
import type { KeyObject } from 'node:crypto';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { BIT_STRING, readChildren, readContent, readElement, SEQUENCE } from './der.js';

export interface PublicKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** The kind as Node names it, such as `rsa`, `ec` or `ml-dsa-65`; undefined where nobody here knows it. */
  readonly type: string | undefined;
  /** Node's own object; undefined where this version of Node does not know the kind. */
  readonly keyObject: KeyObject | undefined;
  /** Whether the signature over the data is this key's, where Node cannot tell and we can. */
  readonly verify?: (data: Uint8Array, signature: Uint8Array) => boolean;
}

/** ML-DSA as Node names it from 24.7 on, by the OIDs of RFC 9881 §2. */
export const ML_DSA_TYPES: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.3.17': 'ml-dsa-44',
  '2.16.840.1.101.3.4.3.18': 'ml-dsa-65',
  '2.16.840.1.101.3.4.3.19': 'ml-dsa-87',
};

/** Whatever holds the public half: Node's own public key, or the private key that it follows from. */
export function publicKeyOf(key: KeyObject): PublicKey {
  const keyObject = key.type === 'public' ? key : createPublicKey(key);
  const spki = keyObject.export({ type: 'spki', format: 'der' });
  return Object.freeze({ spki, type: keyObject.asymmetricKeyType, keyObject });
}

/**
 * Equal as keys. One point of a curve has two encodings, so that OpenSSL decides there; asked to compare keys of two
 * kinds, it would leave an error behind that Node then throws from the next call that reads a key.
 */
export function isSameKey(a: PublicKey, b: PublicKey): boolean {
  if (Buffer.compare(a.spki, b.spki) === 0) return true;
  if (a.keyObject === undefined || b.keyObject === undefined || a.type !== 'ec' || b.type !== 'ec')
    return false;
  return curveOf(a.keyObject) === curveOf(b.keyObject) && a.keyObject.equals(b.keyObject);
}

function curveOf(key: KeyObject): string | undefined {
  return key.asymmetricKeyDetails?.namedCurve;
}

/**
 * Whether a key made a certificate's signature.
 *
 * @param der of the certificate
 */
export function isSignedBy(der: Buffer, { keyObject, verify }: PublicKey): boolean {
  if (keyObject !== undefined) return new X509Certificate(der).verify(keyObject);
  // RFC 5280 §4.1: what is signed, the algorithm, and a BIT STRING, whose first octet counts unused bits.
  const [signed, , signature] = readChildren(readElement(der), SEQUENCE);
  return (
    verify !== undefined &&
    signed !== undefined &&
    verify(signed.whole, readContent(signature, BIT_STRING).subarray(1))
  );
}
