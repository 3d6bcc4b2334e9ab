/**
 * Checks RSA keys before OpenSSL parses them: it would refuse some sizes late, compute for minutes on others,
 * or crash. Private numbers are compared as octets, since a JavaScript BigInt cannot be wiped.
 */
import type { Element } from './der.js';
import { bitLength, readChildren, readCount, readUnsigned, SEQUENCE } from './der.js';

/** rsaEncryption (RFC 8017 §A.1). */
export const RSA = '1.2.840.113549.1.1.1';

/** OpenSSL's own limit is 16,384 bits too; below 1,024 bits a key is broken in practice. */
const [MIN_MODULUS_BITS, MAX_MODULUS_BITS] = [1024, 16_384];
/** FIPS 186-5 §A.1.1. */
const MAX_EXPONENT_BITS = 256;
/** OpenSSL accepts five primes at most. */
const MAX_FURTHER_PRIMES = 3;

/** The error for a key whose size is out of range; the message describes the key. */
export class RsaSizeError extends Error {}

/**
 * RSAPublicKey of RFC 8017 §A.1.1.
 *
 * @returns the size of the modulus in bits
 * @throws RsaSizeError
 * @throws Error where the key is damaged
 */
export function measureRsaPublicKey(key: Element): number {
  const [modulus, exponent, ...rest] = readChildren(key, SEQUENCE);
  if (rest.length > 0) throw new Error('more than an RSA public key');
  return measureNumbers(readUnsigned(modulus), readUnsigned(exponent));
}

function measureNumbers(modulus: Buffer, exponent: Buffer): number {
  const bits = bitLength(modulus);
  if (bits < MIN_MODULUS_BITS || bits > MAX_MODULUS_BITS) {
    throw new RsaSizeError(
      `an RSA key of ${bits} bits (from ${MIN_MODULUS_BITS} to ${MAX_MODULUS_BITS} are read)`,
    );
  }
  const exponentBits = bitLength(exponent);
  const isFit = exponentBits >= 2 && exponentBits <= MAX_EXPONENT_BITS && isOdd(exponent);
  if (!isFit || !isOdd(modulus)) throw new Error('an RSA key with an impossible modulus or exponent');
  return bits;
}

/**
 * RSAPrivateKey of RFC 8017 §A.1.2, of two primes or more.
 *
 * @throws RsaSizeError
 * @throws Error where a number is out of range or missing
 */
export function measureRsaPrivateKey(key: Element): void {
  const [version, modulus, exponent, d, p, q, dP, dQ, qInv, others, ...rest] = readChildren(key, SEQUENCE);
  const n = readUnsigned(modulus);
  measureNumbers(n, readUnsigned(exponent));
  const further = others === undefined ? [] : readChildren(others, SEQUENCE);
  const isMulti = further.length > 0;
  if (readCount(version) !== (isMulti ? 1 : 0) || rest.length > 0 || further.length > MAX_FURTHER_PRIMES) {
    throw new Error('not an RSA private key');
  }
  for (const prime of [p, q]) measurePrime(prime, n);
  for (const number of [d, dP, dQ, qInv]) measureNumber(number, n);
  for (const triple of further) {
    const [prime, dR, t] = readChildren(triple, SEQUENCE);
    measurePrime(prime, n);
    for (const number of [dR, t]) measureNumber(number, n);
  }
}

function measurePrime(element: Element | undefined, modulus: Buffer): void {
  const prime = measureNumber(element, modulus);
  if (bitLength(prime) < 2 || !isOdd(prime)) throw new Error('an RSA key with an impossible prime');
}

function measureNumber(element: Element | undefined, modulus: Buffer): Buffer {
  const number = readUnsigned(element);
  if (number.length > 0 && isLess(number, modulus)) return number;
  throw new Error('an RSA key with a number out of range');
}

function isOdd(octets: Buffer): boolean {
  return ((octets.at(-1) ?? 0) & 1) === 1;
}

/** Of numbers without leading zeros. */
function isLess(a: Buffer, b: Buffer): boolean {
  return a.length < b.length || (a.length === b.length && Buffer.compare(a, b) < 0);
}
