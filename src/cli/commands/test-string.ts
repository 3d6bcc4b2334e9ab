/**
 * Builds the fixed text that `sign-string` signs. A signature over it grants nothing; it proves that the
 * private key works.
 *
 * Source: README of AWS's Go helper, "sign-string".
 */
import { createHash, ECDH } from 'node:crypto';
import type { PublicKey } from '../../identity/keys/public-key.js';
import { BIT_STRING, readChildren, readContent, readElement, SEQUENCE } from '../../measure/der.js';

const TEXT = 'AWS Roles Anywhere Credential Helper Signing Test';
const VERSION = '1';

/**
 * The text, its version, and SHA-256 over `IAM RA` and the key. For ML-DSA the helper leaves the hash out.
 */
export function testString(publicKey: PublicKey): Buffer {
  const key = publicKeyBytes(publicKey);
  const hash = key === undefined ? [] : [createHash('sha256').update('IAM RA').update(key).digest()];
  return Buffer.concat([Buffer.from(TEXT + VERSION), ...hash]);
}

/** RSAPublicKey (RFC 8017 §A.1.1), or the curve point, uncompressed (SEC 1 §2.3.3). */
function publicKeyBytes({ type, keyObject }: PublicKey): Buffer | undefined {
  if (type === 'rsa') return keyObject?.export({ type: 'pkcs1', format: 'der' });
  const curve = keyObject?.asymmetricKeyDetails?.namedCurve;
  if (keyObject === undefined || curve === undefined) return undefined;
  const spki = keyObject.export({ type: 'spki', format: 'der' });
  const bits = readContent(readChildren(readElement(spki), SEQUENCE)[1], BIT_STRING);
  // The first octet is the number of unused bits. The point may be compressed.
  return ECDH.convertKey(bits.subarray(1), curve, undefined, undefined, 'uncompressed') as Buffer;
}
