/**
 * Chooses the scheme that a TPM key signs with, and shapes the SHA-256 of the data to it.
 *
 * The service requires SHA-256 whatever the key ("The signing process for IAM Roles Anywhere"); a TPM
 * requires a digest as long as the hash of the scheme, which a key may prescribe.
 */
import { createHash } from 'node:crypto';
import { IdentityError } from '../../errors.js';
import type { PublicArea, Scheme } from './public-area.js';
import { ALG_ECDSA, ALG_NULL, ALG_RSASSA, ALG_SHA256, describeScheme, HASHES } from './public-area.js';

export interface SigningScheme {
  readonly scheme: Scheme;
  /** The input of TPM2_Sign for the data. */
  digest(data: Uint8Array): Buffer;
}

/**
 * @throws IdentityError `ERR_KEY_UNSUPPORTED`: the key prescribes a scheme that the service does not accept
 */
export function signingScheme(
  { type, scheme, curveBits }: Pick<PublicArea, 'type' | 'scheme' | 'curveBits'>,
  subject: string,
): SigningScheme {
  const wanted = { id: type === 'rsa' ? ALG_RSASSA : ALG_ECDSA, hash: ALG_SHA256 };
  const isFree = scheme.id === ALG_NULL;
  const isSame = scheme.id === wanted.id && scheme.hash === ALG_SHA256;
  if (isFree || isSame) return { scheme: wanted, digest: sha256 };
  const hashBytes = hashLength(scheme);
  if (type === 'ec' && scheme.id === ALG_ECDSA && hashBytes >= 32) {
    return { scheme, digest: (data) => fitDigest(sha256(data), hashBytes, Math.floor(curveBits / 8)) };
  }
  const allowed = `${describeScheme(wanted)} or no scheme of its own`;
  throw new IdentityError(
    'ERR_KEY_UNSUPPORTED',
    `${subject} must sign with ${allowed}, and it prescribes ${describeScheme(scheme)}`,
  );
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

function hashLength({ hash = 0 }: Scheme): number {
  const name = HASHES[hash];
  return name === undefined ? 0 : createHash(name).digest().length;
}

/**
 * ECDSA signs a number: the leftmost octets of the digest, as many as the curve has (FIPS 186-5 §6.4). Zeros
 * in front of a short digest and behind the octets that count leave that number as it is.
 */
function fitDigest(digest: Buffer, hashBytes: number, curveBytes: number): Buffer {
  const counted = Math.min(hashBytes, curveBytes);
  const fitted = Buffer.alloc(hashBytes);
  digest.copy(fitted, Math.max(0, counted - digest.length));
  return fitted;
}
