/** Guards an external signer: with a time limit, and by verifying each signature before it is used. */
import { verify } from 'node:crypto';
import { IdentityError } from '../errors.js';
import type { Certificate } from './certificate.js';
import { describeKey } from './keys/algorithms.js';
import { encodeEcdsaSignature } from './keys/ecdsa-signature.js';
import type { PublicKey } from './keys/public-key.js';

export type Sign = (data: Uint8Array) => Promise<Uint8Array>;

/** Longer than any signature over the network should take, shorter than a session's own limit. */
export const SIGN_TIMEOUT_MS = 15_000;

/**
 * @param timeoutMs for each signature
 * @returns a signer that throws IdentityError `ERR_KEY_SIGN`: no signature within the limit, or one that is
 *   not the certificate's; what `sign` itself throws is passed on
 */
export function guardSigner(sign: Sign, { publicKey, subject }: Certificate, timeoutMs: number): Sign {
  return async (data) => {
    const signature = await withTimeout(sign(data), timeoutMs);
    const valid = signature instanceof Uint8Array ? asPrescribed(publicKey, data, signature) : undefined;
    if (valid !== undefined) return valid;
    throw new IdentityError(
      'ERR_KEY_SIGN',
      `the signature must verify with the key of certificate ${subject} ` +
        `(${describeKey(publicKey)}), found one that does not`,
      { hint: HINTS[publicKey.type ?? ''] ?? 'sign with the key that the certificate was requested with' },
    );
  };
}

const HINTS: Readonly<Record<string, string>> = {
  rsa: 'sign the data with RSASSA-PKCS1-v1_5 and SHA-256, with the key of the certificate',
  ec: 'sign the data with ECDSA and SHA-256, in DER, with the key of the certificate',
};

async function withTimeout<T>(signing: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const message = `the signer must answer within ${timeoutMs / 1000} seconds, and did not`;
      reject(new IdentityError('ERR_KEY_SIGN', message));
    }, timeoutMs);
  });
  try {
    return await Promise.race([signing, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a signature over the data is a key's, in the form that the header carries. */
export function isSignatureOf(key: PublicKey, data: Uint8Array, signature: Uint8Array): boolean {
  return isValid(key, data, signature, 'der');
}

/** The signature in the form that the header carries; undefined if it is not the key's. */
function asPrescribed(key: PublicKey, data: Uint8Array, signature: Uint8Array): Uint8Array | undefined {
  if (isValid(key, data, signature, 'der')) return signature;
  // Tokens and key services give r and s side by side.
  const isPair = key.type === 'ec' && isValid(key, data, signature, 'ieee-p1363');
  return isPair ? encodeEcdsaSignature(signature) : undefined;
}

function isValid(
  key: PublicKey,
  data: Uint8Array,
  signature: Uint8Array,
  dsaEncoding: 'der' | 'ieee-p1363',
): boolean {
  const { keyObject, type } = key;
  try {
    if (keyObject === undefined) return key.verify?.(data, signature) === true;
    const hash = type === 'rsa' || type === 'ec' ? 'sha256' : null;
    return verify(hash, data, { key: keyObject, dsaEncoding }, signature);
  } catch {
    // OpenSSL throws at a signature of another length.
    return false;
  }
}
