/**
 * A PKCS#12 file (RFC 7292) and its password in, the DER of its certificates and private keys out.
 *
 * pkijs reads the structures, BER included. What has to do with the password is done with `node:crypto`: pkijs would
 * go through WebCrypto, takes the octets of a password for Latin-1, and tells a wrong one from damage by its wording
 * alone. Only a key that lies in the file unencrypted passes through its copies, which nobody can wipe.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { AlgorithmIdentifier, ContentInfo, MacData, SafeContents } from 'pkijs';
import { IdentityError } from '../errors.js';
import type { DecryptionContext } from './keys/decrypt.js';
import { checkIterations, decryptPbes2, deriveKey, HMACS, unsupported } from './keys/decrypt.js';
import { INTEGER, readChildren, readCount, readElement, readOid, SEQUENCE } from './keys/der.js';

export interface Pkcs12Contents {
  /** DER of each certificate, in the order of the file. */
  readonly certificates: Buffer[];
  /** PKCS#8 DER of each private key, decrypted: the caller wipes them. */
  readonly keys: Buffer[];
}

interface Opened extends Pkcs12Contents {
  wasEncrypted: boolean;
}

type Decrypt = (algorithm: AlgorithmIdentifier, data: Buffer) => Promise<Buffer>;

const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
const X509_CERTIFICATE = '1.2.840.113549.1.9.22.1';
const PBMAC1 = '1.2.840.113549.1.5.14';

/** Hashes of the MAC, with the block size that the key derivation fills (RFC 7292 §B.2). */
const DIGESTS: Readonly<Record<string, readonly [name: string, blockSize: number]>> = {
  '1.3.14.3.2.26': ['sha1', 64],
  '2.16.840.1.101.3.4.2.4': ['sha224', 64],
  '2.16.840.1.101.3.4.2.1': ['sha256', 64],
  '2.16.840.1.101.3.4.2.2': ['sha384', 128],
  '2.16.840.1.101.3.4.2.3': ['sha512', 128],
};

/** A few seconds in JavaScript; OpenSSL writes 2048. */
const MAX_MAC_ITERATIONS = 1_000_000;
/** RFC 7292 §B.3: the purpose of the derived octets. */
const MAC_KEY = 3;

/**
 * @param passphrase undefined where none was given: the empty one is tried
 * @param subject how messages name the input, such as `certificate host.p12`
 * @throws IdentityError `ERR_KEY_PASSPHRASE` `ERR_KEY_UNSUPPORTED` `ERR_CERTIFICATE_INVALID` `ERR_KEY_INVALID`
 */
export async function parsePkcs12(
  bytes: Buffer,
  passphrase: string | undefined,
  subject: string,
): Promise<Pkcs12Contents> {
  const conversion =
    'openssl pkcs12 -legacy -in OLD -aes256 -out NEW (then NEW is the certificate, PEM with its key)';
  const context = { subject, conversion };
  try {
    return await readFile(bytes, passphrase, context);
  } catch (error) {
    if (!(error instanceof IdentityError)) throw damaged(subject, error);
    if (error.code !== 'ERR_KEY_PASSPHRASE' || passphrase !== undefined) throw error;
    throw new IdentityError('ERR_KEY_PASSPHRASE', `${subject} is encrypted and no passphrase was given`);
  }
}

async function readFile(bytes: Buffer, passphrase = '', context: DecryptionContext): Promise<Pkcs12Contents> {
  const { AuthenticatedSafe, PFX } = await import('pkijs');
  const pfx = PFX.fromBER(bytes);
  if (pfx.authSafe.contentType !== DATA) {
    throw unsupported(`a signature or a public key (${pfx.authSafe.contentType})`, context);
  }
  const authenticated = octetsOf(pfx.authSafe.content);
  const read = (): Promise<Opened> =>
    readParts(AuthenticatedSafe.fromBER(authenticated).safeContents, passphrase, context);
  const iterations = macIterationsOf(bytes);
  if (
    pfx.macData === undefined ||
    (await verifyMac(pfx.macData, iterations, authenticated, passphrase, context))
  ) {
    return read();
  }
  throw await explainMismatch(read, context.subject);
}

/** A MAC that does not fit: where the passphrase decrypts nevertheless, it is right, and the file was altered. */
async function explainMismatch(read: () => Promise<Opened>, subject: string): Promise<IdentityError> {
  const wrong = new IdentityError(
    'ERR_KEY_PASSPHRASE',
    `${subject} cannot be decrypted: the passphrase is wrong`,
  );
  try {
    const { keys, wasEncrypted } = await read();
    for (const key of keys) key.fill(0);
    return wasEncrypted ? damaged(subject) : wrong;
  } catch (error) {
    const code = error instanceof IdentityError ? error.code : undefined;
    return code === 'ERR_KEY_PASSPHRASE' || code === 'ERR_KEY_UNSUPPORTED' ? wrong : damaged(subject, error);
  }
}

async function readParts(
  parts: readonly ContentInfo[],
  passphrase: string,
  context: DecryptionContext,
): Promise<Opened> {
  const { EncryptedData, SafeContents } = await import('pkijs');
  const opened: Opened = { certificates: [], keys: [], wasEncrypted: false };
  const decrypt = (algorithm: AlgorithmIdentifier, data: Buffer): Promise<Buffer> => {
    opened.wasEncrypted = true;
    return decryptPbes2(Buffer.from(algorithm.toSchema().toBER()), data, passphrase, context);
  };
  for (const { content, contentType } of parts) {
    if (contentType === DATA) {
      await readBags(SafeContents.fromBER(octetsOf(content)), opened, decrypt);
    } else if (contentType === ENCRYPTED_DATA) {
      const { encryptedContentInfo: info } = new EncryptedData({ schema: content });
      const plain = await decrypt(info.contentEncryptionAlgorithm, Buffer.from(info.getEncryptedContent()));
      await readBags(SafeContents.fromBER(plain), opened, decrypt);
    } else {
      throw unsupported(`a public key (${contentType})`, context);
    }
  }
  return opened;
}

async function readBags({ safeBags }: SafeContents, opened: Opened, decrypt: Decrypt): Promise<void> {
  const { CertBag, PKCS8ShroudedKeyBag, PrivateKeyInfo, SafeContents } = await import('pkijs');
  for (const { bagValue } of safeBags) {
    // Revocation lists, secrets and certificates of other kinds are passed over.
    if (bagValue instanceof CertBag && bagValue.certId === X509_CERTIFICATE) {
      opened.certificates.push(octetsOf(bagValue.certValue));
    } else if (bagValue instanceof PKCS8ShroudedKeyBag) {
      opened.keys.push(await decrypt(bagValue.encryptionAlgorithm, octetsOf(bagValue.encryptedData)));
    } else if (bagValue instanceof PrivateKeyInfo) {
      opened.keys.push(Buffer.from(bagValue.toSchema().toBER()));
    } else if (bagValue instanceof SafeContents) {
      await readBags(bagValue, opened, decrypt);
    }
  }
}

async function verifyMac(
  { mac, macSalt }: MacData,
  iterations: number,
  data: Buffer,
  passphrase: string,
  context: DecryptionContext,
): Promise<boolean> {
  const expected = octetsOf(mac.digest);
  const oid = mac.digestAlgorithm.algorithmId;
  if (oid === PBMAC1) {
    return isSame(
      await computePbmac1(Buffer.from(mac.digestAlgorithm.toSchema().toBER()), data, passphrase, context),
      expected,
    );
  }
  const digest = DIGESTS[oid];
  if (digest === undefined) throw unsupported(`a MAC of the kind ${oid}`, context);
  checkIterations(iterations, context.subject, MAX_MAC_ITERATIONS);
  return encodingsOf(passphrase).some((password) => {
    const key = deriveMacKey(digest, password, octetsOf(macSalt), iterations);
    return isSame(createHmac(digest[0], key).update(data).digest(), expected);
  });
}

/** RFC 9579: PBKDF2 and HMAC, the password in UTF-8. */
async function computePbmac1(
  algorithm: Buffer,
  data: Buffer,
  passphrase: string,
  context: DecryptionContext,
): Promise<Buffer> {
  const [derivation, scheme] = readChildren(readChildren(readElement(algorithm), SEQUENCE)[1], SEQUENCE);
  const oid = readOid(readChildren(scheme, SEQUENCE)[0]);
  const name = HMACS[oid];
  if (name === undefined) throw unsupported(`a MAC of the kind ${oid}`, context);
  // §4: the length of the key must be there.
  const parameters = readChildren(readChildren(derivation, SEQUENCE)[1], SEQUENCE);
  const length = parameters.slice(2).find(({ tag }) => tag === INTEGER);
  const key = await deriveKey(derivation, passphrase, Math.min(readCount(length), 1024), context);
  return createHmac(name, key).update(data).digest();
}

/** RFC 7292 §B.1: UTF-16 and a closing zero. Of the empty password, some programs write the zero and some do not. */
function encodingsOf(passphrase: string): Buffer[] {
  const bmp = Buffer.from(`${passphrase}\0`, 'utf16le').swap16();
  return passphrase === '' ? [Buffer.alloc(0), bmp] : [bmp];
}

/** RFC 7292 §B.2, where the key is as long as the hash: one round, and nothing to carry on. */
function deriveMacKey(
  [name, blockSize]: readonly [string, number],
  password: Buffer,
  salt: Buffer,
  iterations: number,
): Buffer {
  const fill = (octets: Buffer): Buffer =>
    Buffer.alloc(Math.ceil(octets.length / blockSize) * blockSize, octets.length > 0 ? octets : 0);
  let key = Buffer.concat([Buffer.alloc(blockSize, MAC_KEY), fill(salt), fill(password)]);
  for (let round = 0; round < iterations; round++) key = hash(name, key, 'buffer');
  return key;
}

/** pkijs takes a number of four octets or more for zero. RFC 7292 §4: one, where it is absent. */
function macIterationsOf(bytes: Buffer): number {
  const macData = readChildren(readElement(bytes), SEQUENCE)[2];
  const iterations = macData && readChildren(macData, SEQUENCE)[2];
  return iterations === undefined ? 1 : readCount(iterations);
}

function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The octets of an OCTET STRING, in one piece, however BER has cut it. */
function octetsOf(value: unknown): Buffer {
  if (
    typeof value === 'object' &&
    value !== null &&
    'getValue' in value &&
    typeof value.getValue === 'function'
  ) {
    return Buffer.from(value.getValue());
  }
  throw new Error('not an OCTET STRING');
}

function damaged(subject: string, cause?: unknown): IdentityError {
  return new IdentityError('ERR_CERTIFICATE_INVALID', `${subject} is damaged, or not a PKCS#12 file`, {
    cause,
  });
}
