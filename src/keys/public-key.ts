/**
 * Bytes of a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) in, `PublicKey` out: one form for the keys that Node's OpenSSL
 * knows and for those that only a newer one does, so that nothing to the right needs to ask.
 */
import type { KeyObject } from 'node:crypto';
import { createPublicKey } from 'node:crypto';

export interface PublicKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** The kind as Node names it, such as `rsa`, `ec` or `ed25519`; undefined where nobody here knows it. */
  readonly type: string | undefined;
  /** Node's own object; undefined where this version of Node does not know the kind. */
  readonly keyObject: KeyObject | undefined;
}

/** Whatever holds the public half: Node's own public key, or the private key that it follows from. */
export function publicKeyOf(key: KeyObject): PublicKey {
  const keyObject = key.type === 'public' ? key : createPublicKey(key);
  const spki = keyObject.export({ type: 'spki', format: 'der' });
  return Object.freeze({ spki, type: keyObject.asymmetricKeyType, keyObject });
}

/** Equal as keys: one curve point has two encodings, so bytes decide only where OpenSSL cannot. */
export function isSameKey(a: PublicKey, b: PublicKey): boolean {
  if (a.keyObject !== undefined && b.keyObject !== undefined) return a.keyObject.equals(b.keyObject);
  return Buffer.compare(a.spki, b.spki) === 0;
}
