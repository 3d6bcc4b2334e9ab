/**
 * ML-DSA (FIPS 204, keys as in RFC 9881) for the versions of Node whose OpenSSL does not have it: before 24.7. Keys in,
 * `SigningKey` and `PublicKey` out. Loaded only there; elsewhere OpenSSL does the same.
 */
import type { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js';
import { algorithmForKey } from './algorithms.js';
import { BIT_STRING, OCTET_STRING, readChildren, readContent, readElement, SEQUENCE } from './der.js';
import type { PublicKey } from './public-key.js';
import type { SigningKey } from './signing-key.js';
import { deriveFrom } from './signing-key.js';

type MlDsa = typeof ml_dsa44;

const SEED_LENGTH = 32;
/** RFC 9881 §6: the seed alone is tagged [0], IMPLICIT. */
const SEED_ALONE = 0x80;

// The package is ES modules alone, and the program CommonJS: this import stays one.
async function implementationOf(type: string): Promise<MlDsa> {
  const { ml_dsa44, ml_dsa65, ml_dsa87 } = await import('@noble/post-quantum/ml-dsa.js');
  const implementation = { 'ml-dsa-44': ml_dsa44, 'ml-dsa-65': ml_dsa65, 'ml-dsa-87': ml_dsa87 }[type];
  if (implementation === undefined) throw new Error(`no ML-DSA: ${type}`);
  return implementation;
}

/**
 * @param spki DER of the SubjectPublicKeyInfo
 * @param type such as `ml-dsa-65`
 * @returns without a type where the key is damaged
 */
export async function mlDsaPublicKey(spki: Buffer, type: string): Promise<PublicKey> {
  const implementation = await implementationOf(type);
  const bits = readChildren(readElement(spki), SEQUENCE)[1];
  // The first octet counts the bits that the last one has too many: none.
  const key = readContent(bits, BIT_STRING).subarray(1);
  if (key.length !== implementation.lengths.publicKey) {
    return Object.freeze({ spki, type: undefined, keyObject: undefined });
  }
  const verify = (data: Uint8Array, signature: Uint8Array): boolean =>
    signature.length === implementation.lengths.signature && implementation.verify(signature, data, key);
  return Object.freeze({ spki, type, keyObject: undefined, verify });
}

/**
 * @param pkcs8 DER in any of the three forms of RFC 9881 §6: seed, expanded key, or both. Nothing of it is kept but copies
 * @throws Error where the key is damaged, or its seed does not give its expanded key
 */
export async function mlDsaSigningKey(pkcs8: Buffer, type: string): Promise<SigningKey> {
  const algorithm = algorithmForKey({ type });
  if (algorithm === undefined) throw new Error(`no algorithm for ${type}`);
  const implementation = await implementationOf(type);
  const [, identifier, privateKey] = readChildren(readElement(pkcs8), SEQUENCE);
  const secretKey = expand(readContent(privateKey, OCTET_STRING), implementation);
  const publicBytes = implementation.getPublicKey(secretKey);
  const spki = encode(
    SEQUENCE,
    identifier?.whole ?? Buffer.alloc(0),
    encode(BIT_STRING, Buffer.alloc(1), publicBytes),
  );
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
  if (seed.length !== SEED_LENGTH) throw new Error('a seed of another length');
  return implementation.keygen(seed).secretKey;
}

function checkExpanded(expanded: Buffer, implementation: MlDsa): Uint8Array {
  if (expanded.length !== implementation.lengths.secretKey)
    throw new Error('an expanded key of another length');
  const secretKey = Uint8Array.from(expanded);
  const [probe, publicBytes] = [Buffer.from('probe'), implementation.getPublicKey(secretKey)];
  // Not every damage shows in the public half: what this key signs must verify.
  if (implementation.verify(implementation.sign(probe, secretKey), probe, publicBytes)) return secretKey;
  throw new Error('an expanded key that contradicts itself');
}

/** DER, with lengths of up to 64 KiB. */
function encode(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const octets =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...octets]), content]);
}
