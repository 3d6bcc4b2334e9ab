/**
 * Reads and writes the public areas of TPM objects (TPMT_PUBLIC), as far as signing keys and their parents
 * need.
 *
 * Source: TPM 2.0 Library Specification, Part 2, "TPMT_PUBLIC" and "TPM_ALG_ID"; TCG Algorithm Registry.
 */
import type { KeyObject } from 'node:crypto';
import { createHash, createPublicKey } from 'node:crypto';
import { sized, TpmFormatError, TpmReader, u16, u32 } from './codec.js';

const ALG_RSA = 0x0001;
export const ALG_NULL = 0x0010;
export const ALG_RSASSA = 0x0014;
export const ALG_ECDSA = 0x0018;
const ALG_ECC = 0x0023;
export const ALG_SHA256 = 0x000b;
const ALG_AES = 0x0006;
const ALG_CFB = 0x0043;
const CURVE_P256 = 0x0003;

/** Hash algorithms, as node:crypto names them. */
export const HASHES: Readonly<Record<number, string>> = {
  4: 'sha1',
  11: 'sha256',
  12: 'sha384',
  13: 'sha512',
  39: 'sha3-256',
  40: 'sha3-384',
  41: 'sha3-512',
};

/** Signature and encryption schemes, for messages. */
const SCHEMES: Readonly<Record<number, string>> = {
  20: 'RSASSA',
  21: 'RSAES',
  22: 'RSAPSS',
  23: 'OAEP',
  24: 'ECDSA',
  25: 'ECDH',
  26: 'ECDAA',
  27: 'SM2',
  28: 'ECSCHNORR',
  29: 'ECMQV',
};

/** Schemes that carry no hash. */
const WITHOUT_HASH: readonly number[] = [ALG_NULL, 0x0015];
/** ECDAA carries a count behind its hash. */
const WITH_COUNT = 0x001a;

interface Curve {
  /** As JSON Web Keys name it. */
  readonly name: string;
  readonly bits: number;
}

const CURVES: Readonly<Record<number, Curve>> = {
  3: { name: 'P-256', bits: 256 },
  4: { name: 'P-384', bits: 384 },
  5: { name: 'P-521', bits: 521 },
};

/** Bits of TPMA_OBJECT. */
export const ATTRIBUTE = {
  fixedTpm: 1 << 1,
  fixedParent: 1 << 4,
  sensitiveDataOrigin: 1 << 5,
  userWithAuth: 1 << 6,
  adminWithPolicy: 1 << 7,
  noDa: 1 << 10,
  restricted: 1 << 16,
  decrypt: 1 << 17,
  sign: 1 << 18,
} as const;

export interface Scheme {
  readonly id: number;
  /** TPM_ALG_ID; undefined for a scheme that has none. */
  readonly hash: number | undefined;
}

export interface PublicArea {
  readonly type: 'rsa' | 'ec';
  /** TPM_ALG_ID of the hash that names the object. */
  readonly nameAlg: number;
  readonly attributes: number;
  readonly scheme: Scheme;
  /** Bits of the curve's field; 0 for RSA. */
  readonly curveBits: number;
  readonly key: KeyObject;
  /** The name of the object: the identifier of `nameAlg` and the hash of the public area. */
  readonly name: Buffer;
}

/** An object that a TPM holds. */
export interface TpmObject {
  readonly handle: number;
  readonly publicArea: PublicArea;
}

/**
 * @param bytes a TPMT_PUBLIC, without the size in front
 * @throws TpmFormatError where the structure is damaged, or is no RSA or EC key
 */
export function parsePublicArea(bytes: Buffer): PublicArea {
  const reader = new TpmReader(bytes);
  const type = reader.u16();
  const nameAlg = reader.u16();
  const attributes = reader.u32();
  reader.sized();
  readSymmetric(reader);
  const scheme = readScheme(reader);
  const shared = { nameAlg, attributes, scheme, name: nameOf(bytes, nameAlg) };
  if (type === ALG_RSA) return { type: 'rsa', ...shared, curveBits: 0, key: readRsaKey(reader) };
  if (type === ALG_ECC) return { type: 'ec', ...shared, ...readEcKey(reader) };
  throw new TpmFormatError(`an RSA or EC key expected, algorithm 0x${type.toString(16)} found`);
}

function readSymmetric(reader: TpmReader): void {
  if (reader.u16() !== ALG_NULL) reader.octets(4);
}

function readScheme(reader: TpmReader): Scheme {
  const id = reader.u16();
  if (WITHOUT_HASH.includes(id)) return { id, hash: undefined };
  const hash = reader.u16();
  if (id === WITH_COUNT) reader.u16();
  return { id, hash };
}

function readRsaKey(reader: TpmReader): KeyObject {
  reader.u16();
  const exponent = reader.u32() || 65_537;
  const modulus = reader.sized();
  reader.end();
  return importKey({ kty: 'RSA', n: base64url(modulus), e: base64url(u32(exponent)) });
}

function readEcKey(reader: TpmReader): { curveBits: number; key: KeyObject } {
  const id = reader.u16();
  if (reader.u16() !== ALG_NULL) reader.u16();
  const curve = CURVES[id];
  if (curve === undefined)
    throw new TpmFormatError(`P-256, P-384 or P-521 expected, curve 0x${id.toString(16)} found`);
  // The TPM drops leading zeros of coordinates, JSON Web Keys keep them (RFC 7518 §6.2.1.2).
  const octets = Math.ceil(curve.bits / 8);
  const [x, y] = [reader.sized(), reader.sized()].map((value) => base64url(padStart(value, octets)));
  reader.end();
  return { curveBits: curve.bits, key: importKey({ kty: 'EC', crv: curve.name, x: x ?? '', y: y ?? '' }) };
}

function importKey(jwk: Record<string, string>): KeyObject {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    throw new TpmFormatError('the public key is damaged');
  }
}

function base64url(bytes: Buffer): string {
  return bytes.toString('base64url');
}

/** Zeros in front of a number, up to a length. */
export function padStart(value: Buffer, length: number): Buffer {
  return Buffer.concat([Buffer.alloc(Math.max(0, length - value.length)), value]);
}

function nameOf(bytes: Buffer, nameAlg: number): Buffer {
  return Buffer.concat([u16(nameAlg), createHash(hashName(nameAlg)).update(bytes).digest()]);
}

/** @throws TpmFormatError for a hash that node:crypto lacks */
export function hashName(algorithm: number): string {
  const name = HASHES[algorithm];
  if (name === undefined)
    throw new TpmFormatError(`hash algorithm 0x${algorithm.toString(16)} is not supported`);
  return name;
}

/** `RSAPSS with SHA384`, for messages. */
export function describeScheme({ id, hash }: Scheme): string {
  const name = SCHEMES[id] ?? `scheme 0x${id.toString(16)}`;
  return hash === undefined
    ? name
    : `${name} with ${(HASHES[hash] ?? `hash 0x${hash.toString(16)}`).toUpperCase()}`;
}

const STORAGE_PARENT =
  ATTRIBUTE.fixedTpm |
  ATTRIBUTE.fixedParent |
  ATTRIBUTE.sensitiveDataOrigin |
  ATTRIBUTE.userWithAuth |
  ATTRIBUTE.noDa |
  ATTRIBUTE.restricted |
  ATTRIBUTE.decrypt;

const AES_128_CFB = [u16(ALG_AES), u16(128), u16(ALG_CFB)];

/**
 * The primary storage key that key files mean if their parent is a hierarchy (TPM key file draft, "Parent").
 */
export const STORAGE_PARENT_EC = Buffer.concat([
  ...[u16(ALG_ECC), u16(ALG_SHA256), u32(STORAGE_PARENT), sized()],
  ...AES_128_CFB,
  ...[u16(ALG_NULL), u16(CURVE_P256), u16(ALG_NULL), sized(), sized()],
]);

/** The same for key files that say `rsaParent`. */
export const STORAGE_PARENT_RSA = Buffer.concat([
  ...[u16(ALG_RSA), u16(ALG_SHA256), u32(STORAGE_PARENT), sized()],
  ...AES_128_CFB,
  ...[u16(ALG_NULL), u16(2048), u32(0), sized()],
]);

/** SHA-256 policy of the endorsement key: TPM2_PolicySecret(TPM_RH_ENDORSEMENT). */
const ENDORSEMENT_POLICY = Buffer.from(
  '837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa',
  'hex',
);

/**
 * The endorsement key on P-256.
 * Source: TCG EK Credential Profile, "Template L-2: ECC NIST P256 (Storage)".
 */
export const ENDORSEMENT_KEY_EC = Buffer.concat([
  ...[
    u16(ALG_ECC),
    u16(ALG_SHA256),
    u32(
      ATTRIBUTE.fixedTpm |
        ATTRIBUTE.fixedParent |
        ATTRIBUTE.sensitiveDataOrigin |
        ATTRIBUTE.adminWithPolicy |
        ATTRIBUTE.restricted |
        ATTRIBUTE.decrypt,
    ),
    sized(ENDORSEMENT_POLICY),
  ],
  ...AES_128_CFB,
  ...[u16(ALG_NULL), u16(CURVE_P256), u16(ALG_NULL), sized(Buffer.alloc(32)), sized(Buffer.alloc(32))],
]);
