/**
 * Bytes in, `KeyObject` out: PKCS#8 (plain, or encrypted by PBES2), PKCS#1 and SEC1, PEM or DER.
 * The key material goes from the file's bytes to OpenSSL without becoming a string.
 */

import type { KeyObject } from 'node:crypto';
import { createPrivateKey } from 'node:crypto';
import { IdentityError } from '../errors.js';
import type { PemBlock } from './pem.js';

const KEY_LABELS = [
  'PRIVATE KEY',
  'ENCRYPTED PRIVATE KEY',
  'RSA PRIVATE KEY',
  'EC PRIVATE KEY',
  'DSA PRIVATE KEY',
];

/** The block that holds a private key: the first one, where a file has several. */
export function findKeyBlock(blocks: readonly PemBlock[]): PemBlock | undefined {
  return blocks.find(({ label }) => KEY_LABELS.includes(label));
}

/**
 * @param subject how messages name the input, such as `private key host.key`
 * @throws IdentityError `ERR_KEY_PASSPHRASE` `ERR_KEY_INVALID`
 */
export function parsePemKey(block: PemBlock, passphrase: string | undefined, subject: string): KeyObject {
  const isEncrypted = block.label === 'ENCRYPTED PRIVATE KEY' || block.isLegacyEncrypted;
  if (isEncrypted && passphrase === undefined) throw passphraseMissing(subject);
  try {
    return createPrivateKey({ key: block.text, format: 'pem', ...(isEncrypted && { passphrase }) });
  } catch (error) {
    throw explain(error, isEncrypted, subject);
  }
}

/**
 * DER has no label, so each form is tried in turn.
 *
 * @throws IdentityError as `parsePemKey`
 */
export function parseDerKey(der: Buffer, passphrase: string | undefined, subject: string): KeyObject {
  const failures: unknown[] = [];
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      return createPrivateKey({ key: der, format: 'der', type, passphrase });
    } catch (error) {
      if (codeOf(error) === 'ERR_MISSING_PASSPHRASE') throw passphraseMissing(subject);
      if (isWrongPassphrase(error)) throw explain(error, true, subject);
      failures.push(error);
    }
  }
  throw explain(failures[0], false, subject);
}

function passphraseMissing(subject: string): IdentityError {
  return new IdentityError('ERR_KEY_PASSPHRASE', `${subject} is encrypted and no passphrase was given`);
}

function explain(error: unknown, isEncrypted: boolean, subject: string): IdentityError {
  if (isEncrypted && codeOf(error) !== 'ERR_OSSL_EVP_UNKNOWN_PBE_ALGORITHM') {
    // A wrong passphrase can by chance leave valid padding (1 in 256): OpenSSL then fails later, to parse.
    const message = isWrongPassphrase(error)
      ? `${subject} cannot be decrypted: the passphrase is wrong`
      : `${subject} cannot be decrypted: the passphrase is wrong, or its encryption is one that Node's OpenSSL does not support`;
    const hint = isWrongPassphrase(error)
      ? undefined
      : 'if the passphrase is right, convert a copy: openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out NEW';
    return new IdentityError('ERR_KEY_PASSPHRASE', message, { cause: error, hint });
  }
  return new IdentityError(
    'ERR_KEY_INVALID',
    `${subject} is damaged, or not a private key in PKCS#8, PKCS#1 or SEC1 form`,
    {
      cause: error,
    },
  );
}

function isWrongPassphrase(error: unknown): boolean {
  return /BAD_DECRYPT$/.test(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
