/** The keys of a private CA and of the certificates that it issues: their types, generation and import. */
import type { KeyObject } from 'node:crypto';
import { createPublicKey, KeyObject as KeyObjects, webcrypto } from 'node:crypto';
import { IdentityError } from '../errors.js';
import { UnknownCurve } from '../measure/ec.js';
import { RsaSizeError } from '../measure/rsa.js';
import { readMeasuredPrivateKey, readMeasuredPublicKey } from './measured-key.js';

const { subtle } = webcrypto;

type Algorithm = webcrypto.EcKeyImportParams | webcrypto.RsaHashedImportParams;

/** One row a type: the algorithm, and the hash of signatures that the key makes. */
const TYPES = {
  'EC-P256': { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  'EC-P384': { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  'EC-P521': { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
  'RSA-2048': rsa(2048),
  'RSA-3072': rsa(3072),
  'RSA-4096': rsa(4096),
} as const;

/** A type of key pair. An RSA key takes a second or more to generate. */
export type AuthorityKeyType = keyof typeof TYPES;

/** OpenSSL's names of the curves. */
const CURVES: Readonly<Record<string, AuthorityKeyType>> = {
  prime256v1: 'EC-P256',
  secp384r1: 'EC-P384',
  secp521r1: 'EC-P521',
};

export interface KeyPair {
  readonly privateKey: webcrypto.CryptoKey;
  readonly publicKey: webcrypto.CryptoKey;
  /** The algorithm that this key signs certificates, requests and revocation lists with. */
  readonly signing: { readonly name: string; readonly hash: string };
}

export async function generateKeyPair(type: AuthorityKeyType): Promise<KeyPair> {
  const { privateKey, publicKey } = (await subtle.generateKey(TYPES[type], true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  return { privateKey, publicKey, signing: signingOf(type) };
}

/** @throws IdentityError `ERR_KEY_UNSUPPORTED` */
async function importKeyPair(key: KeyObject): Promise<KeyPair> {
  const type = typeOf(key);
  const algorithm: Algorithm = TYPES[type];
  const [pkcs8, spki] = [
    key.export({ type: 'pkcs8', format: 'der' }),
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
  ];
  return {
    // Extractable: Node 26 warns of a KeyObject of one that is not.
    privateKey: await subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign']),
    publicKey: await subtle.importKey('spki', spki, algorithm, true, ['verify']),
    signing: signingOf(type),
  };
}

/**
 * The key pair of a private key.
 *
 * @throws IdentityError `ERR_KEY_INVALID` `ERR_KEY_UNSUPPORTED`
 */
export async function readKeyPair(pem: string): Promise<KeyPair> {
  try {
    return await importKeyPair(readMeasuredPrivateKey(pem));
  } catch (error) {
    if (error instanceof IdentityError) throw error;
    if (error instanceof UnknownCurve || error instanceof RsaSizeError) throw unsupported(error.message);
    // OpenSSL's error may quote the text.
    throw new IdentityError(
      'ERR_KEY_INVALID',
      'the private key is not an unencrypted PEM key, or is damaged',
    );
  }
}

/** PKCS#8 PEM, not encrypted. */
export function exportPrivateKey({ privateKey }: KeyPair): string {
  return KeyObjects.from(privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * The type of a private or public key. RSA keys longer than 2048 bits count as `RSA-4096`, whatever their
 * length.
 *
 * @throws IdentityError `ERR_KEY_UNSUPPORTED`: Roles Anywhere or this program cannot use the key
 */
function typeOf(key: KeyObject): AuthorityKeyType {
  const { asymmetricKeyType } = key;
  // Of no other kind: they are not measured.
  const isKnown = asymmetricKeyType === 'ec' || asymmetricKeyType === 'rsa';
  const details = isKnown ? key.asymmetricKeyDetails : undefined;
  const curve = asymmetricKeyType === 'ec' ? CURVES[details?.namedCurve ?? ''] : undefined;
  if (curve !== undefined) return curve;
  const bits = asymmetricKeyType === 'rsa' ? (details?.modulusLength ?? 0) : 0;
  if (bits >= 2048 && bits <= 16_384) return bits === 2048 ? 'RSA-2048' : 'RSA-4096';
  // Node 22 gives no type to keys that its OpenSSL supports and Node does not, such as ML-DSA.
  const kind = asymmetricKeyType ?? 'a kind that this Node does not know';
  throw unsupported(bits > 0 ? `RSA with ${bits} bits` : `${kind} ${details?.namedCurve ?? ''}`.trim());
}

/**
 * The type of a public key.
 *
 * @param spki DER of the SubjectPublicKeyInfo
 * @throws IdentityError `ERR_KEY_UNSUPPORTED`, also for a key that this Node cannot read
 */
export function typeOfPublicKey(spki: Buffer): AuthorityKeyType {
  let key: KeyObject;
  try {
    key = readMeasuredPublicKey(spki);
  } catch (cause) {
    throw unsupported('one that is damaged, or that this Node cannot read', { cause });
  }
  return typeOf(key);
}

function unsupported(found: string, options?: ErrorOptions): IdentityError {
  const message = `the key must be EC P-256, P-384, P-521 or RSA of 2048 to 16384 bits, found ${found}`;
  return new IdentityError('ERR_KEY_UNSUPPORTED', message, options);
}

function signingOf(type: AuthorityKeyType): KeyPair['signing'] {
  const { name, hash } = TYPES[type];
  return { name, hash };
}

function rsa<const Bits extends number>(modulusLength: Bits) {
  const publicExponent = new Uint8Array([1, 0, 1]);
  return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength, publicExponent } as const;
}
