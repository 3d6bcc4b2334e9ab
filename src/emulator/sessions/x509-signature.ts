/**
 * Whether a request was signed with a certificate's key. In: what was signed, and the key. Out: why not (`undefined`
 * where it was). Written apart from `src/signing`, from the documentation.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-sign-process.html
 */
import type { KeyObject } from 'node:crypto';
import { constants, verify } from 'node:crypto';
import type { PublicKey } from '../pki/public-key.js';
import type { Explanation } from '../request-log.js';
import type { EmulatorRequest } from '../wire/handler.js';
import type { SignedRequest } from '../wire/signature.js';
import { explainMismatch } from '../wire/signing-mistakes.js';

/** One row for each `AWS4-X509-…` algorithm: the keys it belongs to, and how the string to sign is hashed. */
const ALGORITHMS: Readonly<Record<string, { keys: readonly string[]; hash: string | undefined }>> = {
  'AWS4-X509-RSA-SHA256': { keys: ['rsa'], hash: 'sha256' },
  // SHA-256 whatever the curve, and ASN.1 DER rather than r‖s.
  'AWS4-X509-ECDSA-SHA256': { keys: ['ec'], hash: 'sha256' },
  // Unhashed.
  'AWS4-X509-MLDSA': { keys: ['ml-dsa-44', 'ml-dsa-65', 'ml-dsa-87'], hash: undefined },
};

/** Why the certificate's key does not vouch for the request; `undefined` where it does. */
export function checkX509Algorithm(signed: SignedRequest, { type }: PublicKey): string | undefined {
  const fitting = Object.entries(ALGORITHMS).find(([, { keys }]) => keys.includes(type));
  if (fitting === undefined) return `algorithm: keys are RSA, EC or ML-DSA, the certificate's is ${type}`;
  if (fitting[0] === signed.algorithm) return undefined;
  return `algorithm: the certificate's ${type} key needs ${fitting[0]}, found ${signed.algorithm}`;
}

/** Why the signature does not verify; `undefined` where it does. */
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

/** The usual mistakes with the right text, recognised by verifying as the client signed. */
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
