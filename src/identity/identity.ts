/**
 * Bytes in, `Identity` out. Pure: where the bytes came from is `load.ts`'s affair, how a request is signed with
 * the identity is `signing`'s.
 */

import { IdentityError, OptionError } from '../errors.js';
import { describeKey } from '../keys/algorithms.js';
import type { PemBlock } from '../keys/pem.js';
import { decodePem, isPem, parsePem } from '../keys/pem.js';
import { findKeyBlock, parseDerKey, parsePemKey } from '../keys/private-key.js';
import type { PublicKey } from '../keys/public-key.js';
import type { SigningKey } from '../keys/signing-key.js';
import type { Certificate } from './certificate.js';
import { parseCertificate } from './certificate.js';
import { findLeaf, orderChain } from './chain.js';

/**
 * Who signs. Any source of a key fits: a file, a token, a TPM, a remote signer. Nothing to the right of this
 * stage looks past this interface.
 */
export interface Identity {
  /** The end-entity certificate. */
  readonly certificate: Certificate;
  /** Intermediates from the leaf's issuer upwards, without the root; at most 5. */
  readonly chain: readonly Certificate[];
  /** Algorithm of the `Authorization` header, such as `AWS4-X509-RSA-SHA256`. */
  readonly algorithm: string;
  /** The public half of the signing key, where the source can tell: the checks compare it with the certificate's. */
  readonly publicKey?: PublicKey | undefined;
  /** The signature over the data in the form that `algorithm` prescribes (ECDSA: DER). */
  sign(data: Uint8Array): Promise<Uint8Array>;
  /**
   * A key that only the holder of the private key can derive, for files that nobody else should read: 32 bytes,
   * HKDF-SHA256 over the private key's PKCS#8 DER with the purpose as info. Absent where the source cannot derive
   * (a token, a TPM, a remote signer). The caller wipes it.
   */
  deriveKey?(purpose: string): Uint8Array;
}

/** Bytes, and how messages name them. */
export interface Material {
  readonly bytes: Buffer;
  /** Such as `certificate host.pem`. */
  readonly subject: string;
}

export interface IdentityMaterial {
  readonly certificate: Material;
  readonly privateKey: Material | undefined;
  readonly intermediates: Material | undefined;
  readonly passphrase: string | undefined;
  readonly now: Date;
}

/**
 * @throws IdentityError `ERR_PEM_INVALID` `ERR_CERTIFICATE_INVALID` `ERR_KEY_INVALID` `ERR_KEY_PASSPHRASE`
 *   `ERR_KEY_UNSUPPORTED` `ERR_KEY_MISMATCH` `ERR_CHAIN_TOO_LONG`
 * @throws OptionError `ERR_OPTION_MISSING`: no private key anywhere
 */
export async function parseIdentity(material: IdentityMaterial): Promise<Identity> {
  const { certificate: from, intermediates, passphrase } = material;
  const certificates = await parseCertificates(from);
  const further = intermediates === undefined ? [] : await parseCertificates(intermediates);
  const keySubject = material.privateKey?.subject ?? keyIn(from);
  const key = await parseSigningKey(material.privateKey, from, passphrase);
  const { publicKey } = key;
  const leaf = findLeaf([...certificates, ...further], publicKey, material.now);
  if (leaf === undefined) throw mismatch(certificates, from.subject, publicKey, keySubject);
  return Object.freeze({
    certificate: leaf,
    chain: Object.freeze(
      orderChain(leaf, [...certificates, ...further], (intermediates ?? from).subject, material.now),
    ),
    algorithm: key.algorithm.name,
    publicKey,
    sign: async (data: Uint8Array) => key.sign(data),
    deriveKey: key.deriveKey,
  });
}

function keyIn({ subject }: Material): string {
  return `private key in ${subject}`;
}

export async function parseCertificates({ bytes, subject }: Material): Promise<Certificate[]> {
  const blocks = readBlocks({ bytes, subject });
  if (blocks === undefined) return [await parseCertificate(bytes, subject)];
  const certificates = blocks.filter(({ label }) => label === 'CERTIFICATE' || label === 'X509 CERTIFICATE');
  if (certificates.length === 0) {
    throw new IdentityError(
      'ERR_PEM_INVALID',
      `${subject} must hold a certificate, found ${contents(blocks)}`,
    );
  }
  return Promise.all(certificates.map((block) => parseCertificate(decodePem(block, subject), subject)));
}

/** The key in `own`; without it, the one that stands with the certificate in `shared`. */
export async function parseSigningKey(
  own: Material | undefined,
  shared: Material | undefined,
  passphrase: string | undefined,
): Promise<SigningKey> {
  const found = own ?? (shared && { ...shared, subject: keyIn(shared) });
  if (found === undefined) throw new OptionError('ERR_OPTION_MISSING', 'missing private key');
  const { bytes, subject } = found;
  const blocks = own === undefined && !isPem(bytes) ? [] : readBlocks({ bytes, subject });
  if (blocks === undefined) return parseDerKey(bytes, passphrase, subject);
  const block = findKeyBlock(blocks);
  if (block !== undefined) return parsePemKey(block, passphrase, subject);
  if (own === undefined) {
    throw new OptionError(
      'ERR_OPTION_MISSING',
      `missing privateKey (--private-key), and ${shared?.subject} holds none`,
    );
  }
  throw new IdentityError('ERR_PEM_INVALID', `${subject} must hold a private key, found ${contents(blocks)}`);
}

/** The PEM blocks, or undefined where the bytes look like DER. */
function readBlocks({ bytes, subject }: Material): PemBlock[] | undefined {
  if (bytes.length === 0) throw new IdentityError('ERR_PEM_INVALID', `${subject} is empty`);
  if (isPem(bytes)) return parsePem(bytes, subject);
  if (bytes[0] === 0x30) return undefined;
  throw new IdentityError('ERR_PEM_INVALID', `${subject} is neither PEM nor DER`);
}

function contents(blocks: readonly PemBlock[]): string {
  const kinds = [...new Set(blocks.map(({ label }) => KINDS[label] ?? label))];
  return `only ${kinds.join(', ')}`;
}

/** What people call the blocks that turn up in the wrong place. */
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
  PKCS7: 'a PKCS#7 bundle (convert it with openssl pkcs7 -print_certs)',
};

function mismatch(
  certificates: readonly Certificate[],
  subject: string,
  publicKey: PublicKey,
  keySubject: string,
): IdentityError {
  const [only] = certificates.map((found) => `(${found.subject}, ${describeKey(found.publicKey)})`);
  const found =
    certificates.length > 1
      ? `any of the ${certificates.length} certificates in ${subject}`
      : `${subject} ${only}`;
  return new IdentityError(
    'ERR_KEY_MISMATCH',
    `${keySubject} (${describeKey(publicKey)}) does not belong to ${found}`,
    {
      hint: 'compare `openssl x509 -in CERTIFICATE -noout -pubkey` with `openssl pkey -in KEY -pubout`',
    },
  );
}
