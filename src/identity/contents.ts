/**
 * The bytes of a file in, what it holds out: certificates and private keys, in any format that people have them in:
 * PEM, DER, PKCS#7, PKCS#12. The bytes tell which, not the name of the file.
 */
import { IdentityError } from '../errors.js';
import type { Certificate } from './certificate.js';
import { parseCertificate } from './certificate.js';
import { INTEGER, OBJECT_IDENTIFIER, SEQUENCE } from './keys/der.js';
import type { PemBlock } from './keys/pem.js';
import { decodePem, isPem, parsePem } from './keys/pem.js';
import { findKeyBlock, parseDerKey, parsePemKey } from './keys/private-key.js';
import type { SigningKey } from './keys/signing-key.js';

/** Bytes, and how messages name them. */
export interface Material {
  readonly bytes: Buffer;
  /** Such as `certificate host.pem`. */
  readonly subject: string;
}

/** Nothing is decrypted or parsed before it is asked for: a file may hold a key that nobody wants. */
export interface Contents {
  readonly certificates: () => Promise<Certificate[]>;
  readonly keys: () => Promise<SigningKey[]>;
  /** What the file holds instead of what was looked for: `only a public key`. */
  readonly found: string;
}

/** What people call the blocks of PEM. */
const KINDS: Readonly<Record<string, string>> = {
  CERTIFICATE: 'a certificate',
  'X509 CERTIFICATE': 'a certificate',
  'TRUSTED CERTIFICATE': "a certificate in OpenSSL's TRUSTED form (convert it with openssl x509)",
  'CERTIFICATE REQUEST': 'a certificate request (CSR), which a CA has yet to sign',
  'NEW CERTIFICATE REQUEST': 'a certificate request (CSR), which a CA has yet to sign',
  'PUBLIC KEY': 'a public key',
  'RSA PUBLIC KEY': 'a public key',
  'PRIVATE KEY': 'a private key',
  'RSA PRIVATE KEY': 'a private key',
  'EC PRIVATE KEY': 'a private key',
  'ENCRYPTED PRIVATE KEY': 'an encrypted private key',
  'OPENSSH PRIVATE KEY': "a key in OpenSSH's own form (convert a copy with ssh-keygen -p -m PEM)",
  'TSS2 PRIVATE KEY': 'a key of a TPM, which is not supported yet',
  'EC PARAMETERS': 'EC parameters',
  'X509 CRL': 'a revocation list',
  PKCS7: 'a PKCS#7 bundle without certificates',
};

const CERTIFICATE = /^(X509 )?CERTIFICATE$/;
/** OpenSSL writes the first, older programs the others. */
const PKCS7 = /^(PKCS7|PKCS #7 SIGNED DATA|CMS)$/;

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
  if (isPem(bytes)) return openPem(parsePem(bytes, subject), passphrase, subject, keySubject);
  if (bytes[0] === SEQUENCE) return openDer(bytes, passphrase, subject);
  throw new IdentityError('ERR_PEM_INVALID', `${subject} is neither PEM nor DER`);
}

function openPem(
  blocks: readonly PemBlock[],
  passphrase: string | undefined,
  subject: string,
  keySubject: string,
): Contents {
  const [first] = blocks;
  // GnuTLS writes PKCS#12 as PEM.
  if (first?.label === 'PKCS12') return openPkcs12(decodePem(first, subject), passphrase, subject);
  const key = findKeyBlock(blocks);
  const kinds = [...new Set(blocks.map(({ label }) => KINDS[label] ?? label))];
  return {
    certificates: async () =>
      (await Promise.all(blocks.map((block) => readCertificates(block, subject)))).flat(),
    keys: async () => (key === undefined ? [] : [await parsePemKey(key, passphrase, keySubject)]),
    found: `only ${kinds.join(', ')}`,
  };
}

async function readCertificates(block: PemBlock, subject: string): Promise<Certificate[]> {
  if (CERTIFICATE.test(block.label)) return parseAll([decodePem(block, subject)], subject);
  return PKCS7.test(block.label) ? readPkcs7(decodePem(block, subject), subject) : [];
}

/** The first octets tell the formats apart; what fits none is damaged, and its parser says so. */
function openDer(bytes: Buffer, passphrase: string | undefined, subject: string): Contents {
  const at = inside(bytes, 0);
  // RFC 7292 §4: version 3, where a private key has 0, 1 or 2.
  if (bytes[at] === INTEGER && bytes[at + 2] === 3) return openPkcs12(bytes, passphrase, subject);
  if (bytes[at] === OBJECT_IDENTIFIER) {
    return {
      certificates: () => readPkcs7(bytes, subject),
      keys: async () => [],
      found: `only ${KINDS['PKCS7']}`,
    };
  }
  // An encrypted private key begins with a SEQUENCE too: the name of its encryption.
  const isCertificate = bytes[at] === SEQUENCE && bytes[inside(bytes, at)] !== OBJECT_IDENTIFIER;
  return {
    certificates: async () => [await parseCertificate(bytes, subject)],
    keys: async () => (isCertificate ? [] : [await parseDerKey(bytes, passphrase, subject)]),
    found: 'only a certificate',
  };
}

/** Where the value of an element begins, be its length definite or not. */
function inside(bytes: Buffer, at: number): number {
  const length = bytes[at + 1] ?? 0;
  return at + 2 + (length > 0x80 ? length & 0x7f : 0);
}

function openPkcs12(bytes: Buffer, passphrase: string | undefined, subject: string): Contents {
  // Certificates and keys are in one piece, and deriving a key from a password takes its time: opened once.
  const open = async (): Promise<{ certificates: Certificate[]; keys: SigningKey[] }> => {
    const { parsePkcs12 } = await import('./pkcs12.js');
    const { certificates, keys } = await parsePkcs12(bytes, passphrase, subject);
    try {
      return { certificates: await parseAll(certificates, subject), keys: await parseKeys(keys, subject) };
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
  };
}

/** Of several keys those that can sign; where none can, the reason of the first. */
async function parseKeys(ders: readonly Buffer[], subject: string): Promise<SigningKey[]> {
  const results = await Promise.allSettled(ders.map((der) => parseDerKey(der, undefined, subject)));
  const keys = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (keys.length === 0 && failed !== undefined) throw failed.reason;
  return keys;
}

async function readPkcs7(der: Buffer, subject: string): Promise<Certificate[]> {
  const { parsePkcs7 } = await import('./pkcs7.js');
  return parseAll(parsePkcs7(der, subject), subject);
}

function parseAll(ders: readonly Buffer[], subject: string): Promise<Certificate[]> {
  return Promise.all(ders.map((der) => parseCertificate(der, subject)));
}
