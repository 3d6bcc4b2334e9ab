/**
 * Bytes in, `SigningIdentity` out. Pure: where the bytes came from is `load.ts`'s affair, how a request is signed with
 * the identity is `signing`'s.
 */

import { IdentityError, OptionError } from '../errors.js';
import type { Certificate } from './certificate.js';
import { findLeaf, orderChain } from './chain.js';
import type { Contents, Material } from './contents.js';
import { openContents } from './contents.js';
import { algorithmForKey, describeKey, supportedKinds } from './keys/algorithms.js';
import type { PublicKey } from './keys/public-key.js';
import { isSameKey } from './keys/public-key.js';
import type { SigningKey } from './keys/signing-key.js';

/**
 * Who signs. Any source of a key fits: a file, a token, a TPM, a remote signer. Nothing to the right of this
 * stage looks past this interface.
 */
export interface SigningIdentity {
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

export interface IdentityMaterial {
  readonly certificate: Material;
  readonly privateKey: Material | undefined;
  readonly intermediates: Material | undefined;
  readonly passphrase: string | undefined;
  /** In place of a private key. */
  readonly sign?: SigningIdentity['sign'] | undefined;
  readonly now: Date;
}

/**
 * @throws IdentityError `ERR_PEM_INVALID` `ERR_CERTIFICATE_INVALID` `ERR_KEY_INVALID` `ERR_KEY_PASSPHRASE`
 *   `ERR_KEY_UNSUPPORTED` `ERR_KEY_MISMATCH` `ERR_CHAIN_TOO_LONG`
 * @throws OptionError `ERR_OPTION_MISSING`: no private key anywhere
 */
export async function parseIdentity(material: IdentityMaterial): Promise<SigningIdentity> {
  const { certificate: from, privateKey: own, intermediates, passphrase, now } = material;
  const contents = openContents(from, passphrase, `private key in ${from.subject}`);
  const certificates = await requireCertificates(contents, from.subject);
  const further =
    intermediates &&
    (await requireCertificates(openContents(intermediates, passphrase), intermediates.subject));
  const all = [...certificates, ...(further ?? [])];
  const { subject } = intermediates ?? from;
  if (material.sign !== undefined) return aroundSigner(material.sign, own, all, subject, now);
  const keys =
    own === undefined ? await requireSharedKeys(contents, from.subject) : await requireKeys(own, passphrase);
  const leaf = findLeaf(
    all,
    keys.map(({ publicKey }) => publicKey),
    now,
  );
  const key = leaf && keys.find(({ publicKey }) => isSameKey(publicKey, leaf.publicKey));
  if (leaf === undefined || key === undefined)
    throw mismatch(certificates, from.subject, keys, own?.subject ?? `private key in ${from.subject}`);
  return Object.freeze({
    certificate: leaf,
    chain: Object.freeze(orderChain(leaf, all, subject, now)),
    algorithm: key.algorithm.name,
    publicKey: key.publicKey,
    sign: async (data: Uint8Array) => key.sign(data),
    deriveKey: key.deriveKey,
  });
}

function aroundSigner(
  sign: SigningIdentity['sign'],
  own: Material | undefined,
  certificates: readonly Certificate[],
  subject: string,
  now: Date,
): SigningIdentity {
  if (own !== undefined) {
    throw new OptionError('ERR_OPTION_CONFLICT', 'privateKey and sign exclude each other');
  }
  const [leaf] = certificates;
  const algorithm = leaf && algorithmForKey(leaf.publicKey);
  if (leaf === undefined || algorithm === undefined) {
    throw new IdentityError(
      'ERR_KEY_UNSUPPORTED',
      `certificate ${leaf?.subject} must have a key of kind ${supportedKinds()}, found ${leaf && describeKey(leaf.publicKey)}`,
    );
  }
  const chain = Object.freeze(orderChain(leaf, certificates, subject, now));
  return Object.freeze({ certificate: leaf, chain, algorithm: algorithm.name, sign });
}

async function requireCertificates(
  { certificates, found }: Contents,
  subject: string,
): Promise<Certificate[]> {
  const some = await certificates();
  if (some.length > 0) return some;
  throw new IdentityError('ERR_PEM_INVALID', `${subject} must hold a certificate, found ${found}`);
}

async function requireKeys(own: Material, passphrase: string | undefined): Promise<SigningKey[]> {
  const { keys, found } = openContents(own, passphrase);
  const some = await keys();
  if (some.length > 0) return some;
  throw new IdentityError('ERR_PEM_INVALID', `${own.subject} must hold a private key, found ${found}`);
}

/** The certificates of a file, as they stand in it. */
export async function parseCertificates(
  from: Material,
  passphrase: string | undefined,
): Promise<Certificate[]> {
  return requireCertificates(openContents(from, passphrase), from.subject);
}

/** The private key of a file: the first, where PKCS#12 has several. */
export async function parseSigningKey(from: Material, passphrase: string | undefined): Promise<SigningKey> {
  const [key] = await requireKeys(from, passphrase);
  if (key === undefined) throw new OptionError('ERR_OPTION_MISSING', 'missing private key');
  return key;
}

async function requireSharedKeys({ keys }: Contents, subject: string): Promise<SigningKey[]> {
  const some = await keys();
  if (some.length > 0) return some;
  throw new OptionError(
    'ERR_OPTION_MISSING',
    `missing privateKey (--private-key), and ${subject} holds none`,
  );
}

function mismatch(
  certificates: readonly Certificate[],
  subject: string,
  keys: readonly SigningKey[],
  keySubject: string,
): IdentityError {
  const [only] = certificates.map((found) => `(${found.subject}, ${describeKey(found.publicKey)})`);
  const found =
    certificates.length > 1
      ? `any of the ${certificates.length} certificates in ${subject}`
      : `${subject} ${only}`;
  return new IdentityError(
    'ERR_KEY_MISMATCH',
    `${keySubject} (${keys.map(({ publicKey }) => describeKey(publicKey)).join(', ')}) does not belong to ${found}`,
    {
      hint: 'compare `openssl x509 -in CERTIFICATE -noout -pubkey` with `openssl pkey -in KEY -pubout`',
    },
  );
}
