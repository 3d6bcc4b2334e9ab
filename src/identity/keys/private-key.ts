/**
 * Bytes in, `SigningKey` out: PKCS#8 (plain, or encrypted by PBES2), PKCS#1 and SEC1, PEM or DER.
 * The key material goes from the file's bytes to OpenSSL without becoming a string.
 */

import type { KeyObject } from 'node:crypto';
import { createPrivateKey } from 'node:crypto';
import { IdentityError } from '../../errors.js';
import { algorithmForKey, describeKey, supportedKinds } from './algorithms.js';
import type { Element } from './der.js';
import { INTEGER, OCTET_STRING, readChildren, readElement, readOid, SEQUENCE } from './der.js';
import type { PemBlock } from './pem.js';
import { decodePem } from './pem.js';
import { ML_DSA_TYPES, publicKeyOf } from './public-key.js';
import type { SigningKey } from './signing-key.js';
import { signingKeyOf } from './signing-key.js';

type Form = 'pkcs8' | 'pkcs1' | 'sec1';

const LABELS = [
  'PRIVATE KEY',
  'ENCRYPTED PRIVATE KEY',
  'RSA PRIVATE KEY',
  'EC PRIVATE KEY',
  'DSA PRIVATE KEY',
];

/** Kinds whose keys OpenSSL reads in every version: where it refuses one, the key is damaged. */
const KNOWN_KINDS = ['1.2.840.113549.1.1.1', '1.2.840.10045.2.1'];

const CONVERSION = 'openssl pkey -provider default -provider legacy -in KEY -aes256 -out NEW';

/** The block that holds a private key: the first one, where a file has several. */
export function findKeyBlock(blocks: readonly PemBlock[]): PemBlock | undefined {
  return blocks.find(({ label }) => LABELS.includes(label));
}

/**
 * @param subject how messages name the input, such as `private key host.key`
 * @throws IdentityError `ERR_KEY_PASSPHRASE` `ERR_KEY_INVALID` `ERR_KEY_UNSUPPORTED` `ERR_PEM_INVALID`
 */
export async function parsePemKey(
  block: PemBlock,
  passphrase: string | undefined,
  subject: string,
): Promise<SigningKey> {
  if (block.label === 'DSA PRIVATE KEY') throw unsupported(subject, 'dsa');
  const body = decodePem(block, subject);
  try {
    if (block.dekInfo === undefined) return await parseDerKey(body, passphrase, subject);
    const { decryptPemBody } = await import('./decrypt.js');
    const context = { subject, conversion: CONVERSION };
    const secret = requirePassphrase(passphrase, subject);
    const plain = orDamaged(subject, () => decryptPemBody(block.dekInfo ?? '', body, secret, context));
    try {
      return await parseDerKey(plain, undefined, subject);
    } finally {
      plain.fill(0);
    }
  } finally {
    body.fill(0);
  }
}

/**
 * @param der wiped by the caller
 * @throws IdentityError as `parsePemKey`
 */
export async function parseDerKey(
  der: Buffer,
  passphrase: string | undefined,
  subject: string,
): Promise<SigningKey> {
  const key = orDamaged(subject, () => readElement(der));
  const [first, second] = orDamaged(subject, () => readChildren(key, SEQUENCE));
  if (first?.tag === SEQUENCE && second?.tag === OCTET_STRING) {
    const plain = await decryptPkcs8(first, second, requirePassphrase(passphrase, subject), subject);
    try {
      return await parseDerKey(plain, undefined, subject);
    } finally {
      plain.fill(0);
    }
  }
  return createSigningKey(key.whole, formOf(first, second, subject), subject);
}

async function decryptPkcs8(
  algorithm: Element,
  data: Element,
  passphrase: string,
  subject: string,
): Promise<Buffer> {
  const { decryptPbes2 } = await import('./decrypt.js');
  const context = { subject, conversion: CONVERSION };
  try {
    return await decryptPbes2(algorithm.whole, data.content, passphrase, context);
  } catch (error) {
    throw error instanceof IdentityError ? error : invalid(subject, error);
  }
}

/** Each form begins with a version, and what follows differs (RFC 5208 §5, RFC 8017 §A.1.2, RFC 5915 §3). */
function formOf(first: Element | undefined, second: Element | undefined, subject: string): Form {
  if (first?.tag === INTEGER && second?.tag === SEQUENCE) return 'pkcs8';
  if (first?.tag === INTEGER && second?.tag === INTEGER) return 'pkcs1';
  if (first?.tag === INTEGER && second?.tag === OCTET_STRING) return 'sec1';
  throw invalid(subject);
}

async function createSigningKey(der: Buffer, type: Form, subject: string): Promise<SigningKey> {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: der, format: 'der', type });
  } catch (cause) {
    return createOtherKey(der, type, subject, cause);
  }
  const algorithm = algorithmForKey({ type: key.asymmetricKeyType });
  if (algorithm === undefined) throw unsupported(subject, describeKey(publicKeyOf(key)));
  return signingKeyOf(key, algorithm);
}

/** What OpenSSL refused: damaged, or of a kind that this version does not know. */
async function createOtherKey(der: Buffer, form: Form, subject: string, cause: unknown): Promise<SigningKey> {
  if (form !== 'pkcs8') throw invalid(subject, cause);
  const oid = orDamaged(subject, () =>
    readOid(readChildren(readChildren(readElement(der), SEQUENCE)[1], SEQUENCE)[0]),
  );
  const mlDsaType = ML_DSA_TYPES[oid];
  if (mlDsaType === undefined) {
    throw KNOWN_KINDS.includes(oid) ? invalid(subject, cause) : unsupported(subject, `the kind ${oid}`);
  }
  try {
    const { mlDsaSigningKey } = await import('./ml-dsa.js');
    return await mlDsaSigningKey(der, mlDsaType);
  } catch (error) {
    throw new IdentityError(
      'ERR_KEY_INVALID',
      `${subject} is damaged: its parts are not those of one ${mlDsaType.toUpperCase()} key`,
      { cause: error },
    );
  }
}

function requirePassphrase(passphrase: string | undefined, subject: string): string {
  if (passphrase !== undefined) return passphrase;
  throw new IdentityError('ERR_KEY_PASSPHRASE', `${subject} is encrypted and no passphrase was given`);
}

function orDamaged<T>(subject: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof IdentityError ? error : invalid(subject, error);
  }
}

function invalid(subject: string, cause?: unknown): IdentityError {
  return new IdentityError(
    'ERR_KEY_INVALID',
    `${subject} is damaged, or not a private key in PKCS#8, PKCS#1 or SEC1 form`,
    { cause },
  );
}

function unsupported(subject: string, found: string): IdentityError {
  return new IdentityError(
    'ERR_KEY_UNSUPPORTED',
    `${subject} must be ${supportedKinds()} to sign for IAM Roles Anywhere, found ${found}`,
  );
}
