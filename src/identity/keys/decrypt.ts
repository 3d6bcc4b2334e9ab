/**
 * Decrypts password-protected data: PBES2 (RFC 8018, with scrypt of RFC 7914), PBES1, the encryptions of
 * PKCS#12 (RFC 7292 §C), and the older encryption of PEM blocks (RFC 1421 with OpenSSL's key derivation).
 *
 * OpenSSL could do most of it, but does not distinguish a wrong passphrase from a damaged file, does not name
 * an unsupported encryption, lacks RC2, and runs any number of iterations that a file asks for. Each
 * decryption is planned first, so that the work of a whole file is known before any of it is done.
 */
import { createDecipheriv, hash, pbkdf2, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { IdentityError } from '../../errors.js';
import type { Element } from '../../measure/der.js';
import {
  OCTET_STRING,
  readChildren,
  readContent,
  readCount,
  readElement,
  readOid,
  SEQUENCE,
} from '../../measure/der.js';
import type { Digest } from './hash-kdf.js';
import { bmpPasswords, DIGESTS, derivePbkdf1, derivePkcs12, PURPOSES, workOf } from './hash-kdf.js';
import type { Work } from './kdf-budget.js';
import { decryptRc2Cbc } from './rc2.js';

/** 256 MiB. OpenSSL writes 16 MiB. */
const MAX_SCRYPT_MEMORY = 2 ** 28;
/** PBMAC1 names the length of its key; HMAC has no use for more. */
const MAX_KEY_LENGTH = 128;

const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';
const SCRYPT = '1.3.6.1.4.1.11591.4.11';

/** RFC 8018 §B.1.2: HMAC with each hash, and the octets of the hash. */
const HMACS: Readonly<Record<string, Digest>> = {
  '1.2.840.113549.2.7': DIGESTS.sha1,
  '1.2.840.113549.2.8': DIGESTS.sha224,
  '1.2.840.113549.2.9': DIGESTS.sha256,
  '1.2.840.113549.2.10': DIGESTS.sha384,
  '1.2.840.113549.2.11': DIGESTS.sha512,
};

interface Cipher {
  /** As node:crypto names it, or `rc2`. */
  readonly name: string;
  readonly keyLength: number;
  /** RC2: how many bits of the key count. */
  readonly effectiveBits?: number;
}

const DES: Cipher = { name: 'des-cbc', keyLength: 8 };
const TRIPLE_DES: Cipher = { name: 'des-ede3-cbc', keyLength: 24 };

const CIPHERS: Readonly<Record<string, Cipher>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyLength: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyLength: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyLength: 32 },
  '1.2.840.113549.3.7': TRIPLE_DES,
  '1.3.14.3.2.7': DES,
};

/** Ciphers of `DEK-Info`. */
const PEM_CIPHERS: readonly Cipher[] = [...Object.values(CIPHERS)];

/** An encryption of the past: RFC 8018 §A.3 derives with PBKDF1, RFC 7292 §C as PKCS#12 does. */
interface OldScheme {
  readonly name: string;
  readonly digest: Digest;
  readonly cipher: Cipher;
  readonly derivation: 'pbkdf1' | 'pkcs12';
}

const RC2_64: Cipher = { name: 'rc2', keyLength: 8, effectiveBits: 64 };

/** Named as openssl asn1parse names them. */
const OLD_SCHEMES: Readonly<Record<string, OldScheme>> = {
  '1.2.840.113549.1.5.3': pbes1('pbeWithMD5AndDES-CBC', DIGESTS.md5, DES),
  '1.2.840.113549.1.5.6': pbes1('pbeWithMD5AndRC2-CBC', DIGESTS.md5, RC2_64),
  '1.2.840.113549.1.5.10': pbes1('pbeWithSHA1AndDES-CBC', DIGESTS.sha1, DES),
  '1.2.840.113549.1.5.11': pbes1('pbeWithSHA1AndRC2-CBC', DIGESTS.sha1, RC2_64),
  '1.2.840.113549.1.12.1.3': pkcs12('pbeWithSHA1And3-KeyTripleDES-CBC', TRIPLE_DES),
  '1.2.840.113549.1.12.1.4': pkcs12('pbeWithSHA1And2-KeyTripleDES-CBC', {
    name: 'des-ede-cbc',
    keyLength: 16,
  }),
  '1.2.840.113549.1.12.1.5': pkcs12('pbeWithSHA1And128BitRC2-CBC', {
    name: 'rc2',
    keyLength: 16,
    effectiveBits: 128,
  }),
  '1.2.840.113549.1.12.1.6': pkcs12('pbeWithSHA1And40BitRC2-CBC', {
    name: 'rc2',
    keyLength: 5,
    effectiveBits: 40,
  }),
};

/** RC4 (RFC 7292 §C) is not read: no program is known that writes it by default. */
const UNREAD: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.12.1.1': 'pbeWithSHA1And128BitRC4',
  '1.2.840.113549.1.12.1.2': 'pbeWithSHA1And40BitRC4',
  '1.2.840.113549.1.5.1': 'pbeWithMD2AndDES-CBC',
  '1.2.840.113549.1.5.4': 'pbeWithMD2AndRC2-CBC',
};

function pbes1(name: string, digest: Digest, cipher: Cipher): OldScheme {
  return { name, digest, cipher, derivation: 'pbkdf1' };
}

function pkcs12(name: string, cipher: Cipher): OldScheme {
  return { name, digest: DIGESTS.sha1, cipher, derivation: 'pkcs12' };
}

/** The context of a decryption. */
export interface DecryptionContext {
  /** How messages name the input. */
  readonly subject: string;
  /** The command that makes a copy in an encryption that is supported. */
  readonly conversion: string;
  /** Called with the name of an outdated encryption. */
  readonly onWeak?: ((encryption: string) => void) | undefined;
}

/** A decryption that has been parsed, but not run. */
export interface Decryption {
  readonly work: readonly Work[];
  /**
   * @returns plaintext that the caller wipes
   * @throws IdentityError `ERR_KEY_PASSPHRASE`: the passphrase is wrong
   * @throws IdentityError `ERR_KEY_INVALID`: it is right, and the file is damaged
   */
  open(data: Buffer, passphrase: string): Promise<Buffer>;
}

/**
 * @param algorithm DER of the AlgorithmIdentifier
 * @throws IdentityError `ERR_KEY_UNSUPPORTED`: another encryption
 * @throws Error where the description is damaged
 */
export function planDecryption(algorithm: Buffer, context: DecryptionContext): Decryption {
  const [oid, parameters] = readChildren(readElement(algorithm), SEQUENCE);
  const name = readOid(oid);
  if (name === PBES2) return planPbes2(parameters, context);
  const scheme = OLD_SCHEMES[name];
  if (scheme === undefined) throw unsupported(UNREAD[name] ?? name, context);
  const [salt, iterations] = readChildren(parameters, SEQUENCE);
  return planOld(scheme, readContent(salt, OCTET_STRING), checkCount(readCount(iterations)), context);
}

function planPbes2(parameters: Element | undefined, context: DecryptionContext): Decryption {
  const [kdf, scheme] = readChildren(parameters, SEQUENCE);
  const [cipherOid, iv] = readChildren(scheme, SEQUENCE);
  const cipher = CIPHERS[readOid(cipherOid)];
  if (cipher === undefined) throw unsupported(readOid(cipherOid), context);
  const derivation = planDerivation(kdf, cipher.keyLength, context);
  const vector = readContent(iv, OCTET_STRING);
  return {
    work: derivation.work,
    open: async (data, passphrase) =>
      unpad(
        decipher(cipher, await derivation.derive(passphrase), vector, data),
        vector.length,
        context.subject,
      ),
  };
}

function planOld(
  scheme: OldScheme,
  salt: Buffer,
  iterations: number,
  context: DecryptionContext,
): Decryption {
  const { name, digest, cipher, derivation } = scheme;
  const common = { digest, salt, iterations };
  const key = { ...common, purpose: PURPOSES.key, length: cipher.keyLength };
  const iv = { ...common, purpose: PURPOSES.iv, length: 8 };
  const amount = derivation === 'pbkdf1' ? iterations : workOf(key) + workOf(iv);
  const derive = async (password: Buffer): Promise<Buffer> =>
    derivation === 'pbkdf1'
      ? derivePbkdf1(digest, password, salt, iterations)
      : Buffer.concat([await derivePkcs12({ ...key, password }), await derivePkcs12({ ...iv, password })]);
  return {
    work: [{ kind: 'hash', amount }],
    open: async (data, passphrase) => {
      context.onWeak?.(name);
      const passwords = derivation === 'pbkdf1' ? [Buffer.from(passphrase)] : bmpPasswords(passphrase);
      return firstRight(passwords, async (password) => {
        const derived = await derive(password);
        const [start, end] = [cipher.keyLength, cipher.keyLength + 8];
        const plain = decipher(cipher, derived.subarray(0, start), derived.subarray(start, end), data);
        return unpad(plain, 8, context.subject);
      });
    },
  };
}

/** The result of the first password that fits; if none fits, throws the error of the last one. Wipes them. */
async function firstRight(
  passwords: readonly Buffer[],
  open: (password: Buffer) => Promise<Buffer>,
): Promise<Buffer> {
  let failure: unknown;
  try {
    for (const password of passwords) {
      try {
        return await open(password);
      } catch (error) {
        if (!(error instanceof IdentityError) || error.code !== 'ERR_KEY_PASSPHRASE') throw error;
        failure = error;
      }
    }
    throw failure;
  } finally {
    for (const password of passwords) password.fill(0);
  }
}

/** A key derivation that has been parsed, but not run. */
export interface Derivation {
  readonly work: readonly Work[];
  /** @returns a key that the caller wipes */
  derive(passphrase: string): Promise<Buffer>;
}

/** RFC 8018 §5.2 and RFC 7914: the passphrase counts as UTF-8. */
export function planDerivation(
  kdf: Element | undefined,
  keyLength: number,
  context: DecryptionContext,
): Derivation {
  const [oid, parameters] = readChildren(kdf, SEQUENCE);
  const name = readOid(oid);
  const plan = { [PBKDF2]: planPbkdf2, [SCRYPT]: planScrypt }[name];
  if (plan === undefined) throw unsupported(`key derivation ${name}`, context);
  return plan(readChildren(parameters, SEQUENCE), Math.min(keyLength, MAX_KEY_LENGTH), context);
}

function planPbkdf2(
  [saltElement, iterations, ...options]: readonly Element[],
  keyLength: number,
  context: DecryptionContext,
): Derivation {
  // Both are optional: the length of the key, and the PRF, which is SHA-1 if it is absent.
  const prf = options.find(({ tag }) => tag === SEQUENCE);
  const oid = prf === undefined ? '1.2.840.113549.2.7' : readOid(readChildren(prf, SEQUENCE)[0]);
  const digest = HMACS[oid];
  if (digest === undefined) throw unsupported(`PBKDF2 with ${oid}`, context);
  const count = checkCount(readCount(iterations));
  const salt = readContent(saltElement, OCTET_STRING);
  return {
    work: [{ kind: 'pbkdf2', amount: count * Math.ceil(keyLength / digest.length) }],
    derive: (passphrase) =>
      withSecret(passphrase, (secret) => promisify(pbkdf2)(secret, salt, count, keyLength, digest.name)),
  };
}

function planScrypt(
  [saltElement, cost, blockSize, lanes]: readonly Element[],
  keyLength: number,
  { subject }: DecryptionContext,
): Derivation {
  const [N, r, p] = [readCount(cost), readCount(blockSize), readCount(lanes)];
  if (N < 2 || r < 1 || p < 1) throw new Error('scrypt parameters out of range');
  if (128 * r * (N + p) > MAX_SCRYPT_MEMORY) {
    throw new IdentityError(
      'ERR_KEY_UNSUPPORTED',
      `${subject} may ask for at most 256 MiB of scrypt, found N=${N}, r=${r}, p=${p}`,
      { hint: 'encrypt a copy that asks for less: openssl pkcs8 -topk8 -scrypt -in KEY -out NEW' },
    );
  }
  const salt = readContent(saltElement, OCTET_STRING);
  // OpenSSL's limit includes its overhead of some kilobytes.
  const options = { N, r, p, maxmem: 2 * MAX_SCRYPT_MEMORY };
  return {
    work: [{ kind: 'scrypt', amount: N * r * p }],
    derive: (passphrase) => withSecret(passphrase, (secret) => runScrypt(secret, salt, keyLength, options)),
  };
}

function runScrypt(
  secret: Buffer,
  salt: Buffer,
  keyLength: number,
  options: { readonly N: number; readonly r: number; readonly p: number; readonly maxmem: number },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, keyLength, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

async function withSecret<T>(passphrase: string, use: (secret: Buffer) => Promise<T>): Promise<T> {
  const secret = Buffer.from(passphrase);
  try {
    return await use(secret);
  } finally {
    secret.fill(0);
  }
}

function checkCount(count: number): number {
  if (count < 1) throw new Error('an iteration count below 1');
  return count;
}

/**
 * OpenSSL's `Proc-Type: 4,ENCRYPTED`: MD5 over passphrase and salt, once (EVP_BytesToKey).
 *
 * @param dekInfo such as `AES-256-CBC,` and the initialization vector in hex, of which the first 8 octets are
 *   the salt
 * @throws IdentityError as `planDecryption` and `Decryption.open`
 */
export function decryptPemBody(
  dekInfo: string,
  data: Buffer,
  passphrase: string,
  context: DecryptionContext,
): Buffer {
  const [name = '', hex = ''] = dekInfo.split(',');
  const cipher = PEM_CIPHERS.find((one) => one.name === name.toLowerCase());
  if (cipher === undefined) throw unsupported(name || 'nothing that DEK-Info names', context);
  const iv = Buffer.from(hex, 'hex');
  const secret = Buffer.concat([Buffer.from(passphrase), iv.subarray(0, 8)]);
  let key = Buffer.alloc(0);
  for (let block = Buffer.alloc(0); key.length < cipher.keyLength; key = Buffer.concat([key, block])) {
    block = hash('md5', Buffer.concat([block, secret]), 'buffer');
  }
  secret.fill(0);
  return unpad(decipher(cipher, key.subarray(0, cipher.keyLength), iv, data), iv.length, context.subject);
}

/** @param key wiped */
function decipher(cipher: Cipher, key: Buffer, iv: Buffer, data: Buffer): Buffer {
  const { name, effectiveBits } = cipher;
  try {
    if (effectiveBits !== undefined) return decryptRc2Cbc(key, effectiveBits, iv, data);
    // OpenSSL 3 has DES only three times over, which with one key, or two, is what the name says.
    const keys = { 'des-cbc': [key, key, key], 'des-ede-cbc': [key, key.subarray(0, 8)] }[name] ?? [key];
    const algorithm = name.startsWith('des-') ? 'des-ede3-cbc' : name;
    const decryption = createDecipheriv(algorithm, Buffer.concat(keys), iv).setAutoPadding(false);
    return Buffer.concat([decryption.update(data), decryption.final()]);
  } finally {
    key.fill(0);
  }
}

/**
 * CBC does not detect a wrong passphrase, but the plaintext shows it: it must be one SEQUENCE, whose length
 * is written at its beginning, and padding that repeats its own length. If only one of the two holds, the
 * passphrase was right and the file is damaged: by chance the first happens once in 2^28, the second, from
 * three octets on, once in 2^24.
 *
 * @param padded wiped where it is refused
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
  throw wrongPassphrase(subject);
}

/** The whole length of a SEQUENCE as its first octets tell; not a number if they are no SEQUENCE. */
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

const PASSPHRASE_HINT =
  'give it in --pkcs8-password-file or ROLESANYWHERE_PKCS8_PASSWORD, that of a PKCS#12 file in ' +
  '--pkcs12-password-file or ROLESANYWHERE_PKCS12_PASSWORD';

export function wrongPassphrase(subject: string): IdentityError {
  const message = `${subject} cannot be decrypted: the passphrase is wrong`;
  return new IdentityError('ERR_KEY_PASSPHRASE', message, { hint: PASSPHRASE_HINT });
}

export function missingPassphrase(subject: string): IdentityError {
  const message = `${subject} is encrypted and no passphrase was given`;
  return new IdentityError('ERR_KEY_PASSPHRASE', message, { hint: PASSPHRASE_HINT });
}

export function unsupported(name: string, { subject, conversion }: DecryptionContext): IdentityError {
  return new IdentityError(
    'ERR_KEY_UNSUPPORTED',
    `${subject} is encrypted with ${name}, which is not supported`,
    { hint: `convert a copy: ${conversion}` },
  );
}

/** HMAC by its OID, for the MAC of RFC 9579. */
export function hmacOf(oid: string): string | undefined {
  return HMACS[oid]?.name;
}
