/**
 * Opens a PKCS#12 file (RFC 7292): the DER of its certificates and private keys.
 *
 * pkijs reads the structures, BER included. Our own code handles the password: pkijs would use WebCrypto,
 * reads the octets of a password as Latin-1, lacks the encryptions of old files, and distinguishes a wrong
 * password from damage only in the text of its errors. Only an unencrypted key in the file passes through its
 * copies, which cannot be wiped.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { AlgorithmIdentifier, ContentInfo, MacData, SafeContents } from 'pkijs';
import { IdentityError } from '../errors.js';
import {
  countElements,
  INTEGER,
  readChildren,
  readCount,
  readElement,
  readOid,
  SEQUENCE,
} from '../measure/der.js';
import type { Decryption, DecryptionContext, Derivation } from './keys/decrypt.js';
import {
  hmacOf,
  missingPassphrase,
  planDecryption,
  planDerivation,
  unsupported,
  wrongPassphrase,
} from './keys/decrypt.js';
import { bmpPasswords, DIGESTS, derivePkcs12, PURPOSES, workOf } from './keys/hash-kdf.js';
import { KdfBudget } from './keys/kdf-budget.js';

export interface Pkcs12Contents {
  /** DER of each certificate, in the order of the file. */
  readonly certificates: Buffer[];
  /** PKCS#8 DER of each private key, decrypted: the caller wipes them. */
  readonly keys: Buffer[];
}

interface Opened extends Pkcs12Contents {
  wasEncrypted: boolean;
}

/** A piece of the file that has been parsed, but not decrypted. */
type Part =
  | { readonly kind: 'bags'; readonly bags: SafeContents }
  | { readonly kind: 'encrypted'; readonly decryption: Decryption; readonly data: Buffer };

/** The inputs of opening, besides the file. */
interface Opening {
  readonly passphrase: string;
  readonly context: DecryptionContext;
  readonly budget: KdfBudget;
  readonly opened: Opened;
}

const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
const X509_CERTIFICATE = '1.2.840.113549.1.9.22.1';
const PBMAC1 = '1.2.840.113549.1.5.14';

/** Hashes of the MAC. */
const MAC_DIGESTS = {
  '1.3.14.3.2.26': DIGESTS.sha1,
  '2.16.840.1.101.3.4.2.4': DIGESTS.sha224,
  '2.16.840.1.101.3.4.2.1': DIGESTS.sha256,
  '2.16.840.1.101.3.4.2.2': DIGESTS.sha384,
  '2.16.840.1.101.3.4.2.3': DIGESTS.sha512,
} as const;

/** Some 30 elements stand around each certificate and key. */
const MAX_ELEMENTS = 10_000;
const MAX_BAGS = 256;
/** Bags may hold bags. */
const MAX_DEPTH = 8;

/**
 * @param passphrase undefined if none was given: the empty one is tried
 * @param subject how messages name the input, such as `certificate host.p12`
 * @param onWeak called with the name of an outdated encryption
 * @throws IdentityError `ERR_KEY_PASSPHRASE` `ERR_KEY_UNSUPPORTED` `ERR_CERTIFICATE_INVALID` `ERR_KEY_INVALID`
 */
export async function parsePkcs12(
  bytes: Buffer,
  passphrase: string | undefined,
  subject: string,
  onWeak?: (encryption: string) => void,
): Promise<Pkcs12Contents> {
  const conversion =
    'openssl pkcs12 -legacy -in OLD -aes256 -out NEW (then NEW is the certificate, PEM with its key)';
  try {
    return await readFile(bytes, passphrase, { subject, conversion, onWeak });
  } catch (error) {
    if (!(error instanceof IdentityError)) throw damaged(subject, error);
    if (error.code !== 'ERR_KEY_PASSPHRASE' || passphrase !== undefined) throw error;
    throw missingPassphrase(subject);
  }
}

async function readFile(bytes: Buffer, passphrase = '', context: DecryptionContext): Promise<Pkcs12Contents> {
  const { AuthenticatedSafe, PFX } = await import('pkijs');
  const pfx = PFX.fromBER(measured(bytes));
  if (pfx.authSafe.contentType !== DATA) {
    throw unsupported(`a signature or a public key (${pfx.authSafe.contentType})`, context);
  }
  const authenticated = octetsOf(pfx.authSafe.content);
  const { safeContents } = AuthenticatedSafe.fromBER(measured(authenticated));
  const budget = new KdfBudget(context.subject);
  const parts = await readParts(safeContents, context);
  const mac = pfx.macData && planMac(pfx.macData, macIterationsOf(bytes), authenticated, context);
  budget.charge([...(mac?.work ?? []), ...(await workOfParts(parts, context))]);
  const opened: Opened = { certificates: [], keys: [], wasEncrypted: false };
  const open = (): Promise<Opened> => openParts(parts, { passphrase, context, budget, opened });
  if (mac === undefined || (await mac.verify(passphrase))) return open();
  throw await explainMismatch(open, context.subject);
}

/** @throws Error where so many elements stand there that reading them would be an attack */
function measured(bytes: Buffer): Buffer {
  if (countElements(bytes, MAX_ELEMENTS) < MAX_ELEMENTS) return bytes;
  throw new Error(`more than ${MAX_ELEMENTS} elements`);
}

/** A wrong MAC: if the passphrase decrypts nevertheless, it is right, and the file was altered. */
async function explainMismatch(open: () => Promise<Opened>, subject: string): Promise<IdentityError> {
  try {
    const { keys, wasEncrypted } = await open();
    for (const key of keys) key.fill(0);
    return wasEncrypted ? damaged(subject) : wrongPassphrase(subject);
  } catch (error) {
    const code = error instanceof IdentityError ? error.code : undefined;
    const isWrong = code === 'ERR_KEY_PASSPHRASE' || code === 'ERR_KEY_UNSUPPORTED';
    return isWrong ? wrongPassphrase(subject) : damaged(subject, error);
  }
}

async function readParts(infos: readonly ContentInfo[], context: DecryptionContext): Promise<Part[]> {
  const { EncryptedData, SafeContents } = await import('pkijs');
  return infos.map(({ content, contentType }) => {
    if (contentType === DATA) {
      return { kind: 'bags', bags: SafeContents.fromBER(measured(octetsOf(content))) };
    }
    if (contentType !== ENCRYPTED_DATA) throw unsupported(`a public key (${contentType})`, context);
    const { encryptedContentInfo: info } = new EncryptedData({ schema: content });
    const decryption = planOf(info.contentEncryptionAlgorithm, context);
    return { kind: 'encrypted', decryption, data: Buffer.from(info.getEncryptedContent()) };
  });
}

function planOf(algorithm: AlgorithmIdentifier, context: DecryptionContext): Decryption {
  return planDecryption(Buffer.from(algorithm.toSchema().toBER()), context);
}

/** The cost of all key derivations that can be seen before decrypting. */
async function workOfParts(parts: readonly Part[], context: DecryptionContext): Promise<Decryption['work']> {
  const work = parts.map((part) =>
    part.kind === 'encrypted' ? part.decryption.work : workOfBags(part.bags, context),
  );
  return (await Promise.all(work)).flat();
}

async function workOfBags(bags: SafeContents, context: DecryptionContext): Promise<Decryption['work']> {
  const { PKCS8ShroudedKeyBag } = await import('pkijs');
  return (await flatten(bags)).flatMap((bag) =>
    bag instanceof PKCS8ShroudedKeyBag ? planOf(bag.encryptionAlgorithm, context).work : [],
  );
}

/** The bags of SafeContents, those inside bags too. */
async function flatten({ safeBags }: SafeContents, depth = 0): Promise<unknown[]> {
  const { SafeContents } = await import('pkijs');
  if (safeBags.length > MAX_BAGS || depth > MAX_DEPTH) throw new Error(`more than ${MAX_BAGS} bags`);
  const nested = safeBags.map(({ bagValue }) =>
    bagValue instanceof SafeContents ? flatten(bagValue, depth + 1) : [bagValue],
  );
  return (await Promise.all(nested)).flat();
}

async function openParts(parts: readonly Part[], opening: Opening): Promise<Opened> {
  const { SafeContents } = await import('pkijs');
  const { passphrase, context, budget, opened } = opening;
  for (const part of parts) {
    if (part.kind === 'bags') {
      await openBags(part.bags, opening);
      continue;
    }
    opened.wasEncrypted = true;
    const bags = SafeContents.fromBER(measured(await part.decryption.open(part.data, passphrase)));
    budget.charge(await workOfBags(bags, context));
    await openBags(bags, opening);
  }
  return opened;
}

async function openBags(contents: SafeContents, { passphrase, context, opened }: Opening): Promise<void> {
  const { CertBag, PKCS8ShroudedKeyBag, PrivateKeyInfo } = await import('pkijs');
  for (const bag of await flatten(contents)) {
    // Revocation lists, secrets and certificates of other kinds are ignored.
    if (bag instanceof CertBag && bag.certId === X509_CERTIFICATE) {
      opened.certificates.push(octetsOf(bag.certValue));
    } else if (bag instanceof PKCS8ShroudedKeyBag) {
      opened.wasEncrypted = true;
      const decryption = planOf(bag.encryptionAlgorithm, context);
      opened.keys.push(await decryption.open(octetsOf(bag.encryptedData), passphrase));
    } else if (bag instanceof PrivateKeyInfo) {
      opened.keys.push(Buffer.from(bag.toSchema().toBER()));
    }
  }
  if (opened.certificates.length + opened.keys.length > MAX_BAGS)
    throw new Error(`more than ${MAX_BAGS} bags`);
}

interface Mac {
  readonly work: Decryption['work'];
  verify(passphrase: string): Promise<boolean>;
}

function planMac(
  { mac, macSalt }: MacData,
  iterations: number,
  data: Buffer,
  context: DecryptionContext,
): Mac {
  const expected = octetsOf(mac.digest);
  const oid = mac.digestAlgorithm.algorithmId;
  if (oid === PBMAC1) {
    const { derivation, name } = planPbmac1(Buffer.from(mac.digestAlgorithm.toSchema().toBER()), context);
    return {
      work: derivation.work,
      verify: async (passphrase) => isMac(name, await derivation.derive(passphrase), data, expected),
    };
  }
  const digest = Object.entries(MAC_DIGESTS).find(([id]) => id === oid)?.[1];
  if (digest === undefined) throw unsupported(`a MAC with the algorithm ${oid}`, context);
  if (iterations < 1) throw new Error('an iteration count below 1');
  const common = { digest, purpose: PURPOSES.mac, iterations, length: digest.length };
  return {
    work: [{ kind: 'hash', amount: workOf(common) }],
    verify: async (passphrase) => {
      for (const password of bmpPasswords(passphrase)) {
        const key = await derivePkcs12({ ...common, password, salt: octetsOf(macSalt) });
        password.fill(0);
        if (isMac(digest.name, key, data, expected)) return true;
      }
      return false;
    },
  };
}

/** RFC 9579: PBKDF2 and HMAC, the password in UTF-8. */
function planPbmac1(
  algorithm: Buffer,
  context: DecryptionContext,
): { readonly derivation: Derivation; readonly name: string } {
  const [kdf, scheme] = readChildren(readChildren(readElement(algorithm), SEQUENCE)[1], SEQUENCE);
  const oid = readOid(readChildren(scheme, SEQUENCE)[0]);
  const name = hmacOf(oid);
  if (name === undefined) throw unsupported(`a MAC with the algorithm ${oid}`, context);
  // §4: the length of the key must be there.
  const parameters = readChildren(readChildren(kdf, SEQUENCE)[1], SEQUENCE);
  const length = parameters.slice(2).find(({ tag }) => tag === INTEGER);
  return { derivation: planDerivation(kdf, readCount(length), context), name };
}

/** @param key wiped */
function isMac(name: string, key: Buffer, data: Buffer, expected: Buffer): boolean {
  const found = createHmac(name, key).update(data).digest();
  key.fill(0);
  return found.length === expected.length && timingSafeEqual(found, expected);
}

/** pkijs reads a number of four octets or more as zero. RFC 7292 §4: one, if it is absent. */
function macIterationsOf(bytes: Buffer): number {
  const macData = readChildren(readElement(bytes), SEQUENCE)[2];
  const iterations = macData && readChildren(macData, SEQUENCE)[2];
  return iterations === undefined ? 1 : readCount(iterations);
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
