/**
 * Ciphertext, the description of its encryption and a passphrase in, plaintext out: PBES2 (RFC 8018, with scrypt of
 * RFC 7914), which PKCS#8 and PKCS#12 share, and the older encryption of PEM blocks (RFC 1421 with OpenSSL's key
 * derivation).
 *
 * OpenSSL could do it too, but tells neither a wrong passphrase from a damaged file nor what is not supported,
 * refuses scrypt beyond 32 MiB, and does any number of iterations that a file asks for.
 */
import { createDecipheriv, hash, pbkdf2, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { IdentityError } from '../../errors.js';
import type { Element } from './der.js';
import { OCTET_STRING, readChildren, readContent, readCount, readElement, readOid, SEQUENCE } from './der.js';

/** A few seconds of work; OpenSSL writes 2048, password managers some 600,000. */
const MAX_ITERATIONS = 10_000_000;
/** 1 GiB. OpenSSL writes 16 MiB, the most careful tools 256. */
const MAX_SCRYPT_MEMORY = 2 ** 30;
/** Block size times cost times lanes: a few seconds. */
const MAX_SCRYPT_WORK = 2 ** 24;

const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';
const SCRYPT = '1.3.6.1.4.1.11591.4.11';

export const HMACS: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};

const CIPHERS: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.1.2': 'aes-128-cbc',
  '2.16.840.1.101.3.4.1.22': 'aes-192-cbc',
  '2.16.840.1.101.3.4.1.42': 'aes-256-cbc',
  '1.2.840.113549.3.7': 'des-ede3-cbc',
};

const KEY_LENGTHS: Readonly<Record<string, number>> = {
  'aes-128-cbc': 16,
  'aes-192-cbc': 24,
  'aes-256-cbc': 32,
  'des-ede3-cbc': 24,
  'des-cbc': 8,
};

/** Encryptions of the past by their OIDs (RFC 8018 §A.3, RFC 7292 §C), as openssl asn1parse names them. */
const OUT_OF_DATE: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.5.3': 'pbeWithMD5AndDES-CBC',
  '1.2.840.113549.1.5.6': 'pbeWithMD5AndRC2-CBC',
  '1.2.840.113549.1.5.10': 'pbeWithSHA1AndDES-CBC',
  '1.2.840.113549.1.5.11': 'pbeWithSHA1AndRC2-CBC',
  '1.2.840.113549.1.12.1.1': 'pbeWithSHA1And128BitRC4',
  '1.2.840.113549.1.12.1.2': 'pbeWithSHA1And40BitRC4',
  '1.2.840.113549.1.12.1.3': 'pbeWithSHA1And3-KeyTripleDES-CBC',
  '1.2.840.113549.1.12.1.4': 'pbeWithSHA1And2-KeyTripleDES-CBC',
  '1.2.840.113549.1.12.1.5': 'pbeWithSHA1And128BitRC2-CBC',
  '1.2.840.113549.1.12.1.6': 'pbeWithSHA1And40BitRC2-CBC',
};

/** What surrounds a decryption: how messages name the input, and the line that converts it. */
export interface DecryptionContext {
  readonly subject: string;
  /** The one command that makes a copy in an encryption that is supported. */
  readonly conversion: string;
}

/**
 * @param algorithm DER of the AlgorithmIdentifier
 * @throws IdentityError `ERR_KEY_UNSUPPORTED`: another encryption, or more work than any honest file asks for
 * @throws IdentityError `ERR_KEY_PASSPHRASE` `ERR_KEY_INVALID` as `unpad`
 * @throws Error where the description is damaged
 */
export async function decryptPbes2(
  algorithm: Buffer,
  data: Buffer,
  passphrase: string,
  context: DecryptionContext,
): Promise<Buffer> {
  const [oid, parameters] = readChildren(readElement(algorithm), SEQUENCE);
  const name = readOid(oid);
  if (name !== PBES2) throw unsupported(OUT_OF_DATE[name] ?? name, context);
  const [derivation, scheme] = readChildren(parameters, SEQUENCE);
  const [cipherOid, iv] = readChildren(scheme, SEQUENCE);
  const cipherName = readOid(cipherOid);
  const cipher = CIPHERS[cipherName];
  if (cipher === undefined) throw unsupported(OUT_OF_DATE[cipherName] ?? cipherName, context);
  const key = await deriveKey(derivation, passphrase, KEY_LENGTHS[cipher] ?? 0, context);
  return decipher(cipher, key, readContent(iv, OCTET_STRING), data, context.subject);
}

/** RFC 8018 §5.2 and RFC 7914: the passphrase counts as UTF-8. */
export async function deriveKey(
  derivation: Element | undefined,
  passphrase: string,
  keyLength: number,
  context: DecryptionContext,
): Promise<Buffer> {
  const [oid, parameters] = readChildren(derivation, SEQUENCE);
  const name = readOid(oid);
  const derive = { [PBKDF2]: derivePbkdf2, [SCRYPT]: deriveScrypt }[name];
  if (derive === undefined) throw unsupported(`key derivation ${name}`, context);
  const secret = Buffer.from(passphrase);
  try {
    return await derive(readChildren(parameters, SEQUENCE), secret, keyLength, context);
  } finally {
    secret.fill(0);
  }
}

async function derivePbkdf2(
  [salt, iterations, ...options]: readonly Element[],
  secret: Buffer,
  keyLength: number,
  context: DecryptionContext,
): Promise<Buffer> {
  // Both are optional: the length of the key, and the PRF, which is SHA-1 where it is absent.
  const prf = options.find(({ tag }) => tag === SEQUENCE);
  const prfOid = prf === undefined ? '1.2.840.113549.2.7' : readOid(readChildren(prf, SEQUENCE)[0]);
  const digest = HMACS[prfOid];
  if (digest === undefined) throw unsupported(`PBKDF2 with ${prfOid}`, context);
  const count = checkIterations(readCount(iterations), context.subject);
  return promisify(pbkdf2)(secret, readContent(salt, OCTET_STRING), count, keyLength, digest);
}

/** @throws IdentityError `ERR_KEY_UNSUPPORTED`: a file that would keep the machine busy for minutes or years */
export function checkIterations(count: number, subject: string, most = MAX_ITERATIONS): number {
  if (count < 1) throw new Error('an iteration count below 1');
  if (count <= most) return count;
  throw new IdentityError(
    'ERR_KEY_UNSUPPORTED',
    `${subject} may ask for at most ${most} iterations of its key derivation, found ${describeCount(count)}`,
  );
}

async function deriveScrypt(
  [salt, cost, blockSize, lanes]: readonly Element[],
  secret: Buffer,
  keyLength: number,
  { subject }: DecryptionContext,
): Promise<Buffer> {
  const [N, r, p] = [readCount(cost), readCount(blockSize), readCount(lanes)];
  if (N < 2 || r < 1 || p < 1) throw new Error('scrypt parameters out of range');
  if (128 * N * r > MAX_SCRYPT_MEMORY || N * r * p > MAX_SCRYPT_WORK) {
    throw new IdentityError(
      'ERR_KEY_UNSUPPORTED',
      `${subject} may ask for at most 1 GiB and a few seconds of scrypt, found N=${describeCount(N)}, r=${describeCount(r)}, p=${describeCount(p)}`,
    );
  }
  // What the lanes need comes on top.
  const maxmem = 2 * MAX_SCRYPT_MEMORY;
  return new Promise((resolve, reject) => {
    scrypt(secret, readContent(salt, OCTET_STRING), keyLength, { N, r, p, maxmem }, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

/**
 * OpenSSL's `Proc-Type: 4,ENCRYPTED`: MD5 over passphrase and salt, once (EVP_BytesToKey).
 *
 * @param dekInfo such as `AES-256-CBC,` and the initialization vector in hex, of which the first 8 octets are the salt
 * @throws IdentityError as `decryptPbes2`
 */
export function decryptPemBody(
  dekInfo: string,
  data: Buffer,
  passphrase: string,
  context: DecryptionContext,
): Buffer {
  const [name = '', hex = ''] = dekInfo.split(',');
  const cipher = name.toLowerCase();
  const keyLength = KEY_LENGTHS[cipher];
  if (keyLength === undefined) throw unsupported(name || 'nothing that DEK-Info names', context);
  const iv = Buffer.from(hex, 'hex');
  const secret = Buffer.concat([Buffer.from(passphrase), iv.subarray(0, 8)]);
  let key = Buffer.alloc(0);
  for (let block = Buffer.alloc(0); key.length < keyLength; key = Buffer.concat([key, block])) {
    block = hash('md5', Buffer.concat([block, secret]), 'buffer');
  }
  key = key.subarray(0, keyLength);
  // DES is three times DES with one key; alone, OpenSSL 3 does not have it any more.
  if (cipher === 'des-cbc')
    return decipher('des-ede3-cbc', Buffer.concat([key, key, key]), iv, data, context.subject);
  return decipher(cipher, key, iv, data, context.subject);
}

function decipher(name: string, key: Buffer, iv: Buffer, data: Buffer, subject: string): Buffer {
  try {
    const cipher = createDecipheriv(name, key, iv).setAutoPadding(false);
    return unpad(Buffer.concat([cipher.update(data), cipher.final()]), iv.length, subject);
  } finally {
    key.fill(0);
  }
}

/**
 * CBC says nothing about a wrong passphrase; what comes out does. It must be one SEQUENCE, whose length is written at
 * its beginning, and padding that repeats its own length. Where only one of the two holds, the passphrase was right
 * and the file is damaged: by chance the first happens once in 2^28, the second, from three octets on, once in 2^24.
 *
 * @throws IdentityError `ERR_KEY_PASSPHRASE`: the passphrase is wrong
 * @throws IdentityError `ERR_KEY_INVALID`: it is right, and the file is damaged
 */
function unpad(padded: Buffer, blockLength: number, subject: string): Buffer {
  const count = padded.at(-1) ?? 0;
  const isPadded =
    count >= 1 && count <= blockLength && padded.subarray(-count).every((octet) => octet === count);
  const length = sequenceLength(padded);
  if (isPadded && length === padded.length - count) return padded.subarray(0, length);
  const isPlausible = length < padded.length && length >= padded.length - blockLength;
  padded.fill(0);
  if (isPlausible || (isPadded && count >= 3)) throw damaged(subject);
  throw new IdentityError('ERR_KEY_PASSPHRASE', `${subject} cannot be decrypted: the passphrase is wrong`);
}

/** The whole length of a SEQUENCE as its first octets tell; not a number where they are no SEQUENCE. */
function sequenceLength(bytes: Buffer): number {
  try {
    const { tag, whole } = readElement(bytes);
    return tag === SEQUENCE ? whole.length : Number.NaN;
  } catch {
    return Number.NaN;
  }
}

function damaged(subject: string): IdentityError {
  return new IdentityError(
    'ERR_KEY_INVALID',
    `${subject} is damaged: what is encrypted in it was altered or cut short`,
  );
}

export function unsupported(name: string, { subject, conversion }: DecryptionContext): IdentityError {
  return new IdentityError(
    'ERR_KEY_UNSUPPORTED',
    `${subject} is encrypted with ${name}, which is not supported`,
    {
      hint: `convert a copy: ${conversion}`,
    },
  );
}

function describeCount(count: number): string {
  return Number.isFinite(count) ? String(count) : 'more than 2^48';
}
