/**
 * ML-DSA keys (FIPS 204, RFC 9881): by OpenSSL if Node supports them, from 24.7 on, else by
 * `@noble/post-quantum`. Loaded by the first key or certificate of this kind.
 */
import type { KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js';
import {
  BIT_STRING,
  encodeElement,
  OCTET_STRING,
  readBits,
  readChildren,
  readContent,
  readElement,
  readWhole,
  SEQUENCE,
} from '../../measure/der.js';
import { algorithmForKey } from './algorithms.js';
import type { PublicKey } from './public-key.js';
import { publicKeyOf } from './public-key.js';
import type { SigningKey } from './signing-key.js';
import { deriveFrom, signingKeyOf } from './signing-key.js';

type MlDsa = typeof ml_dsa44;

const SEED_LENGTH = 32;
/** RFC 9881 §6: a seed without the expanded key is tagged [0], IMPLICIT. */
const SEED_ALONE = 0x80;

// The package is ES modules alone, and the program CommonJS: this import stays one.
async function implementationOf(type: string): Promise<MlDsa> {
  const { ml_dsa44, ml_dsa65, ml_dsa87 } = await import('@noble/post-quantum/ml-dsa.js');
  const implementation = { 'ml-dsa-44': ml_dsa44, 'ml-dsa-65': ml_dsa65, 'ml-dsa-87': ml_dsa87 }[type];
  if (implementation === undefined) throw new Error(`no ML-DSA: ${type}`);
  return implementation;
}

/** Octets of the public key and of the expanded private key, by kind (FIPS 204 §4, table 2). */
const LENGTHS: Readonly<Record<string, { readonly publicKey: number; readonly expanded: number }>> = {
  'ml-dsa-44': { publicKey: 1312, expanded: 2560 },
  'ml-dsa-65': { publicKey: 1952, expanded: 4032 },
  'ml-dsa-87': { publicKey: 2592, expanded: 4896 },
};

/**
 * Reads and checks a public key.
 *
 * @param spki DER of the SubjectPublicKeyInfo
 * @param type such as `ml-dsa-65`
 */
export async function readMlDsaPublicKey(spki: Buffer, type: string): Promise<PublicKey> {
  const key = readBits(readChildren(readElement(spki), SEQUENCE)[1]);
  if (key.length !== LENGTHS[type]?.publicKey) {
    return Object.freeze({ spki, type, keyObject: undefined, flaw: `a damaged ${type.toUpperCase()} key` });
  }
  const native = attempt(type, () => createPublicKey({ key: spki, type: 'spki', format: 'der' }));
  return native === undefined ? mlDsaPublicKey(spki, type) : publicKeyOf(native);
}

/**
 * Reads and checks a private key.
 *
 * @param pkcs8 DER in any of the three forms of RFC 9881 §6: seed, expanded key, or both
 * @throws Error where the key is damaged, or its seed does not give its expanded key
 */
export async function readMlDsaSigningKey(pkcs8: Buffer, type: string): Promise<SigningKey> {
  measurePrivateKey(pkcs8, LENGTHS[type]?.expanded);
  const native = attempt(type, () => createPrivateKey({ key: pkcs8, type: 'pkcs8', format: 'der' }));
  const algorithm = algorithmForKey({ type });
  return native === undefined || algorithm === undefined
    ? mlDsaSigningKey(pkcs8, type)
    : signingKeyOf(native, algorithm);
}

function measurePrivateKey(pkcs8: Buffer, length: number | undefined): void {
  const [, , privateKey] = readChildren(readElement(pkcs8), SEQUENCE);
  const choice = readWhole(readContent(privateKey, OCTET_STRING));
  const [seed, expanded] =
    choice.tag === SEED_ALONE
      ? [choice.content]
      : choice.tag === OCTET_STRING
        ? [undefined, choice.content]
        : readChildren(choice, SEQUENCE).map((part) => readContent(part, OCTET_STRING));
  if (seed !== undefined && seed.length !== SEED_LENGTH) throw new Error('a seed of the wrong length');
  if (expanded !== undefined && expanded.length !== length)
    throw new Error('an expanded key of the wrong length');
}

/**
 * Undefined before Node 24.7, and for a damaged key, which the package then names. Node 22 with OpenSSL 3.5
 * reads the key, but gives it no type and cannot sign with it.
 */
function attempt(type: string, read: () => KeyObject): KeyObject | undefined {
  try {
    const key = read();
    return key.asymmetricKeyType === type ? key : undefined;
  } catch {
    return undefined;
  }
}

/** A public key by the package. */
export async function mlDsaPublicKey(spki: Buffer, type: string): Promise<PublicKey> {
  const implementation = await implementationOf(type);
  const key = readBits(readChildren(readElement(spki), SEQUENCE)[1]);
  const verify = (data: Uint8Array, signature: Uint8Array): boolean =>
    signature.length === implementation.lengths.signature && implementation.verify(signature, data, key);
  return Object.freeze({ spki, type, keyObject: undefined, verify });
}

/**
 * A private key by the package, which keeps copies alone.
 *
 * @throws Error as `readMlDsaSigningKey`
 */
export async function mlDsaSigningKey(pkcs8: Buffer, type: string): Promise<SigningKey> {
  const algorithm = algorithmForKey({ type });
  if (algorithm === undefined) throw new Error(`no algorithm for ${type}`);
  const implementation = await implementationOf(type);
  const [, identifier, privateKey] = readChildren(readElement(pkcs8), SEQUENCE);
  const secretKey = expand(readContent(privateKey, OCTET_STRING), implementation);
  const publicBytes = implementation.getPublicKey(secretKey);
  const bits = encodeElement(BIT_STRING, Buffer.alloc(1), publicBytes);
  const spki = encodeElement(SEQUENCE, identifier?.whole ?? Buffer.alloc(0), bits);
  const publicKey = await mlDsaPublicKey(spki, type);
  const kept = Buffer.from(pkcs8);
  return Object.freeze({
    algorithm,
    publicKey,
    // Hedged, as FIPS 204 recommends: with fresh randomness for each signature.
    sign: (data: Uint8Array) => implementation.sign(data, secretKey),
    deriveKey: (purpose: string) => deriveFrom(Buffer.from(kept), purpose),
  });
}

function expand(privateKey: Buffer, implementation: MlDsa): Uint8Array {
  const choice = readElement(privateKey);
  if (choice.tag === SEED_ALONE) return expandSeed(choice.content, implementation);
  if (choice.tag === OCTET_STRING) return checkExpanded(choice.content, implementation);
  const [seed, expanded] = readChildren(choice, SEQUENCE);
  const secretKey = expandSeed(readContent(seed, OCTET_STRING), implementation);
  if (!readContent(expanded, OCTET_STRING).equals(secretKey)) throw new Error('the seed gives another key');
  return secretKey;
}

function expandSeed(seed: Buffer, implementation: MlDsa): Uint8Array {
  if (seed.length !== SEED_LENGTH) throw new Error('a seed of the wrong length');
  return implementation.keygen(seed).secretKey;
}

function checkExpanded(expanded: Buffer, implementation: MlDsa): Uint8Array {
  if (expanded.length !== implementation.lengths.secretKey)
    throw new Error('an expanded key of the wrong length');
  const secretKey = Uint8Array.from(expanded);
  const [probe, publicBytes] = [Buffer.from('probe'), implementation.getPublicKey(secretKey)];
  // Not every damage shows in the public half: what this key signs must verify.
  if (implementation.verify(implementation.sign(probe, secretKey), probe, publicBytes)) return secretKey;
  throw new Error('an inconsistent expanded key');
}
