/**
 * Reads private keys: PKCS#8 (plain, or encrypted), PKCS#1 and SEC1, PEM or DER. Each key is checked before
 * OpenSSL parses it. Key material goes from the bytes of the file to OpenSSL without becoming a string.
 */
import { createPrivateKey } from 'node:crypto';
import { IdentityError } from '../../errors.js';
import type { Curve } from '../../measure/curves.js';
import type { Element } from '../../measure/der.js';
import {
  bitLength,
  OCTET_STRING,
  readChildren,
  readElement,
  readUnsigned,
  SEQUENCE,
} from '../../measure/der.js';
import { UnknownCurve } from '../../measure/ec.js';
import { measurePrivateKey } from '../../measure/private-key.js';
import { RsaSizeError } from '../../measure/rsa.js';
import { algorithmForKey, supportedKinds } from './algorithms.js';
import { decryptPemBody, missingPassphrase, planDecryption } from './decrypt.js';
import type { Work } from './kdf-budget.js';
import type { PemBlock } from './pem.js';
import { decodePem } from './pem.js';
import { DSA, ML_DSA_TYPES, OTHER_TYPES, RSA_PSS } from './public-key.js';
import type { SigningKey } from './signing-key.js';
import { signingKeyOf } from './signing-key.js';

const LABELS = [
  'PRIVATE KEY',
  'ENCRYPTED PRIVATE KEY',
  'RSA PRIVATE KEY',
  'EC PRIVATE KEY',
  'DSA PRIVATE KEY',
];

const CONVERSION = 'openssl pkey -provider default -provider legacy -in KEY -aes256 -out NEW';

/** The options of reading a file, and its name in messages. */
export interface KeyContext {
  readonly passphrase: string | undefined;
  /** Such as `private key host.key`. */
  readonly subject: string;
  /** Called with the name of an outdated encryption. */
  readonly onWeak?: ((encryption: string) => void) | undefined;
}

/** A key that has been found, but not decrypted. */
export interface FoundKey {
  /** The cost of its key derivation. */
  readonly work: readonly Work[];
  /**
   * Wipes the bytes that it was found in.
   *
   * @throws IdentityError `ERR_KEY_PASSPHRASE` `ERR_KEY_INVALID` `ERR_KEY_UNSUPPORTED`
   */
  read(): Promise<SigningKey>;
}

export function isKeyBlock({ label }: PemBlock): boolean {
  return LABELS.includes(label);
}

/** @throws IdentityError `ERR_PEM_INVALID` `ERR_KEY_INVALID` `ERR_KEY_UNSUPPORTED` */
export function findPemKey(block: PemBlock, context: KeyContext): FoundKey {
  const { subject } = context;
  if (block.label === 'DSA PRIVATE KEY') throw unsupported(subject, 'dsa');
  const body = decodePem(block, subject);
  const { dekInfo } = block;
  if (dekInfo === undefined) return findDerKey(body, context);
  return {
    work: [],
    read: () => wiping(body, () => readRfc1421(body, dekInfo, context)),
  };
}

async function readRfc1421(body: Buffer, dekInfo: string, context: KeyContext): Promise<SigningKey> {
  const { subject } = context;
  const passphrase = requirePassphrase(context);
  const plain = orDamaged(subject, () =>
    decryptPemBody(dekInfo, body, passphrase, { subject, conversion: CONVERSION }),
  );
  return wiping(plain, () => parsePlainKey(plain, subject));
}

/**
 * @param der wiped when the key is read
 * @throws IdentityError `ERR_KEY_INVALID` `ERR_KEY_UNSUPPORTED`
 */
export function findDerKey(der: Buffer, context: KeyContext): FoundKey {
  const { subject } = context;
  const [algorithm, data] = orDamaged(subject, () => readChildren(readElement(der), SEQUENCE));
  if (algorithm?.tag !== SEQUENCE || data?.tag !== OCTET_STRING) {
    return { work: [], read: () => wiping(der, () => parsePlainKey(der, subject)) };
  }
  const { onWeak } = context;
  const decryption = orDamaged(subject, () =>
    planDecryption(algorithm.whole, { subject, conversion: CONVERSION, onWeak }),
  );
  return {
    work: decryption.work,
    read: () =>
      wiping(der, async () => {
        const plain = await orExplained(decryption.open(data.content, requirePassphrase(context)), subject);
        return wiping(plain, () => parsePlainKey(plain, subject));
      }),
  };
}

/**
 * A key that is not encrypted.
 *
 * @param der wiped by the caller
 * @throws IdentityError `ERR_KEY_INVALID` `ERR_KEY_UNSUPPORTED`
 */
export async function parsePlainKey(der: Buffer, subject: string): Promise<SigningKey> {
  try {
    return await createSigningKey(readElement(der), subject);
  } catch (error) {
    throw explain(error, subject);
  }
}

async function wiping<T>(bytes: Buffer, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } finally {
    bytes.fill(0);
  }
}

async function createSigningKey(der: Element, subject: string): Promise<SigningKey> {
  const key = measurePrivateKey(der);
  if (key.kind === 'rsa') return importKey(key.pkcs1, 'pkcs1');
  if (key.kind === 'ec') return ecSigningKey(key.sec1, key.curve);
  const mlDsa = ML_DSA_TYPES[key.oid];
  if (mlDsa !== undefined) return readMlDsa(der.whole, mlDsa, subject);
  throw unsupported(subject, describeOther(key.oid, key.inner, key.parameters));
}

/** @param sec1 wiped */
function ecSigningKey(sec1: Buffer, { name }: Curve): SigningKey {
  try {
    return importKey(sec1, 'sec1');
  } catch (cause) {
    // The key has been checked: OpenSSL can only refuse the curve.
    throw new UnknownCurve(`an EC key on ${name}, which this runtime does not have`, { cause });
  } finally {
    sec1.fill(0);
  }
}

function importKey(der: Buffer, type: 'pkcs1' | 'sec1'): SigningKey {
  const key = createPrivateKey({ key: der, format: 'der', type });
  const algorithm = algorithmForKey({ type: key.asymmetricKeyType });
  if (algorithm === undefined) throw new Error('not a key that can sign');
  return signingKeyOf(key, algorithm);
}

async function readMlDsa(der: Buffer, type: string, subject: string): Promise<SigningKey> {
  const { readMlDsaSigningKey } = await import('./ml-dsa.js');
  try {
    return await readMlDsaSigningKey(der, type);
  } catch (cause) {
    throw new IdentityError(
      'ERR_KEY_INVALID',
      `${subject} is damaged: its parts are not those of one ${type.toUpperCase()} key`,
      { cause },
    );
  }
}

/** A key of a type that the service does not accept, with its size if it has one. */
function describeOther(oid: string, inner: Buffer, parameters: Element | undefined): string {
  const type = OTHER_TYPES[oid];
  if (type === undefined) return `the kind ${oid}`;
  const modulus = {
    [RSA_PSS]: () => readChildren(readElement(inner), SEQUENCE)[1],
    [DSA]: () => readChildren(parameters, SEQUENCE)[0],
  }[oid];
  try {
    return modulus === undefined ? type : `${type} ${bitLength(readUnsigned(modulus()))} bits`;
  } catch {
    return type;
  }
}

function requirePassphrase({ passphrase, subject }: KeyContext): string {
  if (passphrase !== undefined) return passphrase;
  throw missingPassphrase(subject);
}

async function orExplained<T>(reading: Promise<T>, subject: string): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw explain(error, subject);
  }
}

function explain(error: unknown, subject: string): IdentityError {
  if (error instanceof IdentityError) return error;
  const isNamed = error instanceof UnknownCurve || error instanceof RsaSizeError;
  return isNamed ? unsupported(subject, error.message) : invalid(subject, error);
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
