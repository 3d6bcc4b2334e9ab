/**
 * The operations of a private key: signing, and deriving a secret. The key itself stays in a closure; later
 * stages do not know whether OpenSSL holds it.
 */
import type { KeyObject } from 'node:crypto';
import { hkdfSync } from 'node:crypto';
import { IdentityError } from '../../errors.js';
import type { Algorithm, SigningHash } from './algorithms.js';
import type { PublicKey } from './public-key.js';
import { publicKeyOf } from './public-key.js';

export interface SigningKey {
  readonly algorithm: Algorithm;
  readonly publicKey: PublicKey;
  /**
   * The signature over the data in the form that the algorithm prescribes; another hash is for `sign-string`.
   *
   * @throws IdentityError `ERR_KEY_INVALID`
   */
  sign(data: Uint8Array, hash?: SigningHash): Uint8Array;
  /**
   * A key that only the holder of this one can derive: 32 bytes, HKDF-SHA256 (RFC 5869, without salt) over
   * the PKCS#8 DER, with the purpose as info. The same key and purpose give the same bytes in every process.
   */
  deriveKey(purpose: string): Buffer;
}

export function signingKeyOf(key: KeyObject, algorithm: Algorithm): SigningKey {
  return Object.freeze({
    algorithm,
    publicKey: publicKeyOf(key),
    sign: (data: Uint8Array, hash?: SigningHash) => {
      try {
        return algorithm.sign(data, key, hash);
      } catch (cause) {
        // OpenSSL reads numbers that are in range, and finds only now that they do not belong together.
        throw new IdentityError('ERR_KEY_INVALID', 'the private key is damaged: it cannot sign', { cause });
      }
    },
    deriveKey: (purpose: string) => deriveFrom(key.export({ type: 'pkcs8', format: 'der' }), purpose),
  });
}

/** @param pkcs8 wiped afterwards */
export function deriveFrom(pkcs8: Buffer, purpose: string): Buffer {
  try {
    return Buffer.from(hkdfSync('sha256', pkcs8, '', purpose, 32));
  } finally {
    pkcs8.fill(0);
  }
}
