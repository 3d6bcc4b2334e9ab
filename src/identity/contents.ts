/**
 * Reads the certificates and private keys of a file: PEM, DER, PKCS#7 or PKCS#12. The format is detected from
 * the bytes, not from the file name or the label of a PEM block.
 */
import { IdentityError } from '../errors.js';
import { INTEGER, OBJECT_IDENTIFIER, readElement, SEQUENCE } from '../measure/der.js';
import type { Certificate } from './certificate.js';
import { parseCertificate } from './certificate.js';
import type { Finding } from './finding.js';
import { warning } from './finding.js';
import { KdfBudget } from './keys/kdf-budget.js';
import type { PemBlock } from './keys/pem.js';
import { decodePem, isPem, parsePem } from './keys/pem.js';
import type { FoundKey, KeyContext } from './keys/private-key.js';
import { findDerKey, findPemKey, isKeyBlock, parsePlainKey } from './keys/private-key.js';
import type { SigningKey } from './keys/signing-key.js';
import { explainUnreadable } from './text-forms.js';

/** Bytes, and how messages name them. */
export interface Material {
  readonly bytes: Buffer;
  /** Such as `certificate host.pem`. */
  readonly subject: string;
}

/** Decrypts and parses only what a caller asks for: a file may hold a key that is not needed. */
export interface Contents {
  /** @throws IdentityError if there are some, and none can be read */
  readonly certificates: () => Promise<Certificate[]>;
  readonly keys: () => Promise<Keys>;
  /** The content of the file, if it lacks the expected one: `only a public key`. */
  readonly found: string;
  /** Warnings about ignored content, as far as the file has been read. */
  readonly notes: readonly Finding[];
}

export interface Keys {
  readonly keys: readonly SigningKey[];
  /** The error of another key of the file that could not be read. */
  readonly failure: unknown;
}

/** The names of PEM blocks in messages. */
const KINDS: Readonly<Record<string, string>> = {
  CERTIFICATE: 'a certificate',
  'X509 CERTIFICATE': 'a certificate',
  'TRUSTED CERTIFICATE': 'a certificate',
  'CERTIFICATE REQUEST': 'a certificate request (CSR), which a CA has yet to sign',
  'NEW CERTIFICATE REQUEST': 'a certificate request (CSR), which a CA has yet to sign',
  'PUBLIC KEY': 'a public key',
  'RSA PUBLIC KEY': 'a public key',
  'PRIVATE KEY': 'a private key',
  'RSA PRIVATE KEY': 'a private key',
  'EC PRIVATE KEY': 'a private key',
  'ENCRYPTED PRIVATE KEY': 'an encrypted private key',
  'ANY PRIVATE KEY':
    "a key under a label that no program writes (sed 's/ANY PRIVATE KEY/PRIVATE KEY/' OLD > NEW)",
  'OPENSSH PRIVATE KEY': "a key in OpenSSH's own form (convert a copy with ssh-keygen -p -m PEM)",
  'TSS2 PRIVATE KEY': 'a key of a TPM',
  'EC PARAMETERS': 'EC parameters',
  'X509 CRL': 'a revocation list',
  PKCS7: 'a PKCS#7 bundle without certificates',
};

/** Blocks that may hold certificates. OpenSSL writes PKCS7, older programs the next two, GnuTLS PKCS12. */
const HOLDERS = /^((X509 |TRUSTED )?CERTIFICATE|PKCS7|PKCS #7 SIGNED DATA|CMS|PKCS12)$/;

/** What is no DER stays as it is, for the error that says so. */
function firstElement(bytes: Buffer): Buffer {
  try {
    return readElement(bytes).whole;
  } catch {
    return bytes;
  }
}

/** Reads one file; the passphrase is that of its keys. */
class Reader {
  readonly notes: Finding[] = [];
  readonly #subject: string;
  readonly #keys: KeyContext;

  constructor(subject: string, passphrase: string | undefined, keySubject: string) {
    this.#subject = subject;
    const onWeak = (encryption: string): void => this.#noteWeak(encryption);
    this.#keys = { passphrase, subject: keySubject, onWeak };
  }

  #noteWeak(encryption: string): void {
    // Certificates and key of a file differ in it; one warning is enough.
    if (this.notes.some(({ code }) => code === 'WARN_KEY_ENCRYPTION')) return;
    this.#note(
      warning(
        'WARN_KEY_ENCRYPTION',
        `${this.#subject} is encrypted with ${encryption}, which is weak`,
        'encrypt it again: openssl pkcs12 -legacy -in OLD -aes256 -out NEW, or openssl pkcs8 -topk8 for a key',
      ),
    );
  }

  #note(note: Finding): void {
    if (!this.notes.some(({ message }) => message === note.message)) this.notes.push(note);
  }

  openPem(bytes: Buffer): Contents {
    const { blocks, damage } = parsePem(bytes, this.#subject);
    if (blocks.length === 0 && damage === undefined) throw unreadable(bytes, this.#subject);
    const holders = blocks.filter(({ label }) => HOLDERS.test(label)).map((block) => this.#holder(block));
    const own = blocks.filter(isKeyBlock).map((block) => () => findPemKey(block, this.#keys));
    const kinds = [...new Set(blocks.map(({ label }) => KINDS[label] ?? label))];
    const orDamage = <T>(found: readonly T[], failure: unknown): void => {
      if (found.length === 0 && failure !== undefined) throw failure;
      const reason = failure instanceof Error ? failure.message : damage && `${this.#subject} ${damage}`;
      if (found.length === 0 && damage !== undefined) {
        throw new IdentityError('ERR_PEM_INVALID', `${this.#subject} ${damage}`);
      }
      if (reason === undefined) return;
      this.#note(warning('WARN_PEM_DAMAGED', `ignored: ${reason}`, 'remove the damaged block'));
    };
    return {
      certificates: async () => {
        const { found, failure } = await settle(holders.map(({ certificates }) => certificates));
        orDamage(found, failure);
        return found.flat();
      },
      keys: async () => {
        const { keys, failure } = await this.#readKeys(own);
        const inside = await settle(holders.map((holder) => async () => (await holder.keys()).keys));
        const all = [...keys, ...inside.found.flat()];
        orDamage(all, all.length === 0 ? (failure ?? inside.failure) : undefined);
        return { keys: all, failure: failure ?? inside.failure };
      },
      found: `only ${kinds.join(', ')}`,
      notes: this.notes,
    };
  }

  /** A block that holds certificates, and in the case of PKCS#12 keys. */
  #holder(block: PemBlock): Pick<Contents, 'certificates' | 'keys'> {
    try {
      const der = decodePem(block, this.#subject);
      // OpenSSL appends what it trusts the certificate for.
      return this.openDer(block.label === 'TRUSTED CERTIFICATE' ? firstElement(der) : der);
    } catch (error) {
      return { certificates: () => Promise.reject(error), keys: async () => NO_KEYS };
    }
  }

  openDer(bytes: Buffer): Contents {
    const { notes } = this;
    const format = formatOf(bytes);
    if (format === 'pkcs12') return this.#openPkcs12(bytes);
    if (format === 'pkcs7') {
      const certificates = (): Promise<Certificate[]> => this.#readPkcs7(bytes);
      return { certificates, keys: async () => NO_KEYS, found: `only ${KINDS['PKCS7']}`, notes };
    }
    return {
      certificates: async () => [await parseCertificate(bytes, this.#subject)],
      keys: async () =>
        format === 'key' ? this.#readKeys([() => findDerKey(Buffer.from(bytes), this.#keys)]) : NO_KEYS,
      found: 'only a certificate',
      notes,
    };
  }

  #openPkcs12(bytes: Buffer): Contents {
    const subject = this.#subject;
    // Certificates and keys are in one piece, and deriving a key from a password takes its time: opened once.
    const open = async (): Promise<{ certificates: Certificate[]; keys: Keys }> => {
      const { parsePkcs12 } = await import('./pkcs12.js');
      const { passphrase, onWeak } = this.#keys;
      const { certificates, keys } = await parsePkcs12(bytes, passphrase, subject, onWeak);
      try {
        return {
          certificates: await parseAll(certificates, subject),
          keys: keysOf(await settle(keys.map((key) => () => parsePlainKey(key, subject)))),
        };
      } finally {
        for (const key of keys) key.fill(0);
      }
    };
    let opened: ReturnType<typeof open> | undefined;
    const once = (): ReturnType<typeof open> => (opened ??= open());
    return {
      certificates: async () => (await once()).certificates,
      keys: async () => (await once()).keys,
      found: 'a PKCS#12 file without one',
      notes: this.notes,
    };
  }

  async #readPkcs7(bytes: Buffer): Promise<Certificate[]> {
    const { parsePkcs7 } = await import('./pkcs7.js');
    return parseAll(parsePkcs7(bytes, this.#subject), this.#subject);
  }

  /** The work of all keys of a file is known before the first is decrypted. */
  async #readKeys(finders: ReadonlyArray<() => FoundKey>): Promise<Keys> {
    const { found, failure } = await settle(finders.map((find) => async () => find()));
    new KdfBudget(this.#keys.subject).charge(found.flatMap(({ work }) => work));
    const read = await settle(found.map((key) => () => key.read()));
    return keysOf({ found: read.found, failure: failure ?? read.failure });
  }
}

/**
 * @param keySubject how messages name a private key that is in PEM beside other things
 * @throws IdentityError `ERR_PEM_INVALID`, and from its functions the codes of what they read
 */
export function openContents(
  { bytes, subject }: Material,
  passphrase: string | undefined,
  keySubject = subject,
): Contents {
  if (bytes.length === 0) throw new IdentityError('ERR_PEM_INVALID', `${subject} is empty`);
  const reader = new Reader(subject, passphrase, isPem(bytes) ? keySubject : subject);
  if (isPem(bytes)) return reader.openPem(bytes);
  if (bytes[0] === SEQUENCE) return reader.openDer(bytes);
  throw unreadable(bytes, subject);
}

function unreadable(bytes: Buffer, subject: string): IdentityError {
  const { found, command } = explainUnreadable(bytes) ?? {};
  if (found === undefined) return new IdentityError('ERR_PEM_INVALID', `${subject} is neither PEM nor DER`);
  return new IdentityError('ERR_PEM_INVALID', `${subject} must be PEM or DER, found ${found}`, {
    hint: `convert a copy: ${command}`,
  });
}

const NO_KEYS: Keys = { keys: [], failure: undefined };

type Format = 'pkcs7' | 'pkcs12' | 'certificate' | 'key';

/** The first octets distinguish the formats; anything else is damaged, and its parser says so. */
function formatOf(bytes: Buffer): Format {
  const at = inside(bytes, 0);
  // RFC 7292 §4: version 3, where a private key has 0, 1 or 2.
  if (bytes[at] === INTEGER && bytes[at + 2] === 3) return 'pkcs12';
  if (bytes[at] === OBJECT_IDENTIFIER) return 'pkcs7';
  // An encrypted private key begins with a SEQUENCE too: the name of its encryption.
  const isCertificate = bytes[at] === SEQUENCE && bytes[inside(bytes, at)] !== OBJECT_IDENTIFIER;
  return isCertificate ? 'certificate' : 'key';
}

/** The offset of an element's value, whether its length is definite or not. */
function inside(bytes: Buffer, at: number): number {
  const length = bytes[at + 1] ?? 0;
  return at + 2 + (length > 0x80 ? length & 0x7f : 0);
}

interface Settled<T> {
  readonly found: readonly T[];
  /** The error of the first of the others. */
  readonly failure: unknown;
}

async function settle<T>(reading: ReadonlyArray<() => Promise<T>>): Promise<Settled<T>> {
  const results = await Promise.allSettled(reading.map((read) => read()));
  return {
    found: results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    failure: results.find((result) => result.status === 'rejected')?.reason,
  };
}

/** Of several keys those that can sign; if none can, the reason of the first. */
function keysOf({ found, failure }: Settled<SigningKey>): Keys {
  if (found.length === 0 && failure !== undefined) throw failure;
  return { keys: found, failure };
}

function parseAll(ders: readonly Buffer[], subject: string): Promise<Certificate[]> {
  return Promise.all(ders.map((der) => parseCertificate(der, subject)));
}
