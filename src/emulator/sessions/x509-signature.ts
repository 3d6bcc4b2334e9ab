/**
 * Verifies that a certificate's key signed a request. Written separately from `src/signing`, from the
 * documentation.
 *
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-sign-process.html
 */
import type { KeyObject } from 'node:crypto';
import { constants, verify } from 'node:crypto';
import type { PublicKey } from '../pki/public-key.js';
import type { Explanation } from '../request-log.js';
import type { EmulatorRequest } from '../wire/handler.js';
import type { SignedRequest } from '../wire/signature.js';
import { explainMismatch } from '../wire/signing-mistakes.js';

/** One row for each `AWS4-X509-…` algorithm: its key types, and the hash of the string to sign. */
const ALGORITHMS: Readonly<Record<string, { keys: readonly string[]; hash: string | undefined }>> = {
  'AWS4-X509-RSA-SHA256': { keys: ['rsa'], hash: 'sha256' },
  // SHA-256 for every curve, and ASN.1 DER instead of r‖s.
  'AWS4-X509-ECDSA-SHA256': { keys: ['ec'], hash: 'sha256' },
  // Unhashed.
  'AWS4-X509-MLDSA': { keys: ['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'], hash: undefined },
};

/** The reason why the algorithm does not fit the certificate's key; undefined if it fits. */
export function checkX509Algorithm(signed: SignedRequest, { type }: PublicKey): string | undefined {
  const fitting = Object.entries(ALGORITHMS).find(([, { keys }]) => keys.includes(type));
  if (fitting === undefined) return `algorithm: keys are RSA, EC or ML-DSA, the certificate's is ${type}`;
  if (fitting[0] === signed.algorithm) return undefined;
  return `algorithm: the certificate's ${type} key needs ${fitting[0]}, found ${signed.algorithm}`;
}

/** Undefined if the signature verifies, else a function that finds out why not. */
export function checkX509Signature(
  request: EmulatorRequest,
  signed: SignedRequest,
  key: PublicKey,
): (() => Explanation) | undefined {
  const signature = Buffer.from(signed.signature, 'hex');
  const hash = ALGORITHMS[signed.algorithm]?.hash;
  const isSigned = (text: Buffer) => key.verify(hash, text, signature);
  if (isSigned(signed.stringToSign)) return undefined;
  return () => {
    const { keyObject } = key;
    const isHashed = hash !== undefined && keyObject !== undefined;
    const mistake = isHashed ? findMistake(signed.stringToSign, keyObject, signature) : undefined;
    if (mistake !== undefined) return { reason: `signature: ${mistake}` };
    return explainMismatch(request, signed, isSigned);
  };
}

/** Recognises common mistakes with the correct text, by verifying the way the client may have signed. */
function findMistake(data: Buffer, key: KeyObject, signature: Buffer): string | undefined {
  const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING };
  if (
    key.asymmetricKeyType === 'ec' &&
    verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)
  ) {
    return 'expected an ASN.1 DER sequence, found r‖s';
  }
  if (key.asymmetricKeyType === 'rsa' && verify('sha256', data, pss, signature)) {
    return 'expected RSASSA-PKCS1-v1_5, found RSASSA-PSS';
  }
  const hash = ['sha384', 'sha512', 'sha1'].find((name) => verify(name, data, key, signature));
  return hash === undefined ? undefined : `expected SHA-256 over the string to sign, found ${hash}`;
}
