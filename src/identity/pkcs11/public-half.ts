/** Reads the public half of a key on a token, and compares it with a certificate. Pure. */
import type { JsonWebKey, KeyObject as PublicKey } from 'node:crypto';
import { createPublicKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from './messages.js';

/** CKA_EC_PARAMS of the named curves (RFC 5480 §2.1.1.1), in base64, by the names of JSON Web Keys. */
const CURVES: Readonly<Record<string, string>> = {
  'P-256': 'BggqhkjOPQMBBw==',
  'P-384': 'BgUrgQQAIg==',
  'P-521': 'BgUrgQQAIw==',
};

/** The public half of a key that fits the certificate. */
export interface PublicHalf {
  readonly type: KeyObject['type'];
  readonly modulus: Buffer;
  /** x and y. */
  readonly coordinates: Buffer;
  readonly curve: string | undefined;
}

/**
 * @param certificate DER, base64
 * @returns undefined if it is damaged, or its key is of a kind that does not sign here
 */
export function publicHalf(certificate: string): PublicHalf | undefined {
  const publicKey = readCertificate(certificate)?.publicKey;
  if (publicKey === undefined) return undefined;
  const { kty, n = '', x = '', y = '', crv = '' } = exportJwk(publicKey);
  if (kty !== 'RSA' && CURVES[crv] === undefined) return undefined;
  return {
    type: kty === 'RSA' ? 'RSA' : 'EC',
    modulus: Buffer.from(n, 'base64url'),
    coordinates: Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]),
    curve: CURVES[crv],
  };
}

/** @param value DER, base64. @returns undefined if it is damaged: a token may hold anything */
export function readCertificate(value: string): X509Certificate | undefined {
  try {
    return new X509Certificate(Buffer.from(value, 'base64'));
  } catch {
    return undefined;
  }
}

/** Empty for a key that JSON Web Keys have no form for, such as one on a curve of Brainpool. */
function exportJwk(publicKey: PublicKey): JsonWebKey {
  try {
    return publicKey.export({ format: 'jwk' });
  } catch {
    return {};
  }
}

/** False for a curve that the token writes out (explicit parameters), which tells nothing here. */
export function isOtherCurve({ curve = '' }: KeyObject, half: PublicHalf): boolean {
  const isNamed = Buffer.from(curve, 'base64')[0] === 0x06;
  return isNamed && half.curve !== curve;
}

/** Undefined if the token does not show the key's public half. */
export function isSameHalf({ modulus, point }: KeyObject, half: PublicHalf): boolean | undefined {
  if (modulus !== undefined) return withoutZeros(Buffer.from(modulus, 'base64')).equals(half.modulus);
  if (point === undefined) return undefined;
  // CKA_EC_POINT is an OCTET STRING around the point, or the point alone: either ends in the coordinates.
  return Buffer.from(point, 'base64').subarray(-half.coordinates.length).equals(half.coordinates);
}

function withoutZeros(number: Buffer): Buffer {
  const start = number.findIndex((octet) => octet !== 0);
  return number.subarray(Math.max(0, start));
}

/** The public key of a private key. @returns undefined if the token does not show it whole */
export function publicKeyIn({ modulus, exponent, point, curve }: KeyObject): PublicKey | undefined {
  if (modulus !== undefined && exponent !== undefined)
    return importJwk({ kty: 'RSA', n: base64url(modulus), e: base64url(exponent) });
  const [crv] = Object.entries(CURVES).find(([, parameters]) => parameters === curve) ?? [];
  if (point === undefined || crv === undefined) return undefined;
  const size = Math.ceil(Number(crv.slice(2)) / 8);
  const coordinates = Buffer.from(point, 'base64').subarray(-2 * size);
  const [x, y] = [coordinates.subarray(0, size), coordinates.subarray(size)];
  return importJwk({ kty: 'EC', crv, x: x.toString('base64url'), y: y.toString('base64url') });
}

function base64url(base64: string): string {
  return Buffer.from(base64, 'base64').toString('base64url');
}

function importJwk(key: JsonWebKey): PublicKey | undefined {
  try {
    return createPublicKey({ key, format: 'jwk' });
  } catch {
    return undefined;
  }
}
