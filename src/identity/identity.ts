/**
 * Makes an identity from bytes: certificates and a key that belong together. It is pure: `load.ts` reads the
 * bytes, and `signing` signs requests with the identity.
 */

import { IdentityError, OptionError } from '../errors.js';
import type { Certificate } from './certificate.js';
import { selectChain } from './chain.js';
import type { Contents, Keys, Material } from './contents.js';
import { openContents } from './contents.js';
import type { Finding } from './finding.js';
import { warning } from './finding.js';
import { algorithmForKey, describeKey, supportedKinds } from './keys/algorithms.js';
import type { PublicKey } from './keys/public-key.js';
import { isSameKey } from './keys/public-key.js';
import type { SigningKey } from './keys/signing-key.js';
import type { Sign } from './remote-signer.js';
import type { Selector } from './selection.js';
import { findLeaf } from './selection.js';

/**
 * A certificate with its signer. The key may be in a file, on a token, in a TPM or at a remote signer: later
 * stages do not know.
 */
export interface SigningIdentity {
  /** The end-entity certificate. */
  readonly certificate: Certificate;
  /** Intermediates from the leaf's issuer upwards, without the root; at most 5. */
  readonly chain: readonly Certificate[];
  /** Algorithm of the `Authorization` header, such as `AWS4-X509-RSA-SHA256`. */
  readonly algorithm: string;
  /**
   * The public half of the signing key, if the source has it: the checks compare it with the certificate's.
   */
  readonly publicKey?: PublicKey | undefined;
  /** Warnings of loading, such as certificates that are not sent; `checkIdentity` returns them too. */
  readonly notes?: readonly Finding[];
  /** The signature over the data in the form that `algorithm` prescribes (ECDSA: DER). */
  sign(data: Uint8Array): Promise<Uint8Array>;
  /**
   * A key that only the holder of the private key can derive, for files that others must not read: 32 bytes
   * by HKDF-SHA256, over the private key's PKCS#8 DER with the purpose as info or, for an RSA key that stays
   * elsewhere, over its signature of a fixed text. Absent if the source cannot derive (an EC key on a
   * token, a remote signer). The caller wipes it.
   */
  deriveKey?(purpose: string): Uint8Array | Promise<Uint8Array>;
}

export interface IdentityMaterial {
  readonly certificate: Material;
  readonly privateKey: Material | undefined;
  readonly intermediates: Material | undefined;
  readonly passphrase: string | undefined;
  readonly selector: Selector;
  /** A signer in place of a private key. */
  readonly sign?: Sign | undefined;
  /** The limit for each call of `sign`. */
  readonly signTimeoutMs?: number | undefined;
  readonly now: Date;
}

/**
 * @throws IdentityError `ERR_PEM_INVALID` `ERR_CERTIFICATE_INVALID` `ERR_KEY_INVALID` `ERR_KEY_PASSPHRASE`
 *   `ERR_KEY_UNSUPPORTED` `ERR_KEY_MISMATCH` `ERR_CERTIFICATE_AMBIGUOUS` `ERR_CHAIN_TOO_LONG`
 * @throws OptionError `ERR_OPTION_MISSING`: no private key anywhere
 */
export async function parseIdentity(material: IdentityMaterial): Promise<SigningIdentity> {
  const { certificate: from, privateKey: own, intermediates, passphrase, selector, now } = material;
  const contents = openContents(from, passphrase, `private key in ${from.subject}`);
  const certificates = await assertCertificates(contents, from.subject, own);
  const above = intermediates && openContents(intermediates, passphrase);
  const further = above && intermediates ? await assertCertificates(above, intermediates.subject) : [];
  const parts = {
    certificates: [...certificates, ...further],
    subject: (intermediates ?? from).subject,
    selector,
    now,
  };
  const notes = (): Finding[] => [...contents.notes, ...(above?.notes ?? [])];
  if (material.sign !== undefined) {
    if (own === undefined) return aroundSigner({ ...parts, notes: notes() }, material.sign, material);
    throw new OptionError('ERR_OPTION_CONFLICT', 'privateKey and sign exclude each other');
  }
  const keyFile = own && openContents(own, passphrase);
  const keys = own ? await assertKeys(keyFile, own.subject) : await assertSharedKeys(contents, from.subject);
  const key = await findKey(keys, parts, () =>
    mismatch(certificates, from.subject, keys.keys, own?.subject ?? `private key in ${from.subject}`),
  );
  return createIdentity({
    ...parts,
    notes: [...notes(), ...(keyFile?.notes ?? [])],
    publicKey: key.publicKey,
    sign: async (data) => key.sign(data),
    deriveKey: key.deriveKey,
  });
}

/** The key of the selected certificate. */
async function findKey(
  { keys, failure }: Keys,
  { certificates, subject, selector, now }: Omit<IdentityParts, 'sign'>,
  mismatched: () => IdentityError,
): Promise<SigningKey> {
  const publicKeys = keys.map(({ publicKey }) => publicKey);
  const leaf = findLeaf(certificates, publicKeys, selector ?? {}, subject, now);
  const key = leaf && keys.find(({ publicKey }) => isSameKey(publicKey, leaf.publicKey));
  if (key !== undefined) return key;
  // Perhaps the certificate belongs to the key that could not be read.
  throw failure ?? mismatched();
}

async function aroundSigner(
  parts: Omit<IdentityParts, 'sign'>,
  sign: Sign,
  { signTimeoutMs }: IdentityMaterial,
): Promise<SigningIdentity> {
  const { guardSigner, SIGN_TIMEOUT_MS } = await import('./remote-signer.js');
  const identity = createIdentity({ ...parts, sign });
  const guarded = guardSigner(sign, identity.certificate, signTimeoutMs ?? SIGN_TIMEOUT_MS);
  return Object.freeze({ ...identity, sign: guarded });
}

/** The parts of an identity, from a file, a token, a TPM or a remote signer. */
export interface IdentityParts extends Pick<SigningIdentity, 'publicKey' | 'sign' | 'deriveKey'> {
  /** The signer's certificate and candidates for its chain, in any order. */
  readonly certificates: readonly Certificate[];
  /** How messages name where the certificates come from. */
  readonly subject: string;
  readonly selector?: Selector;
  readonly notes?: readonly Finding[];
  readonly now: Date;
}

/**
 * Makes an identity from its parts: finds the certificate that belongs to the key (without `publicKey`, the
 * first end entity's) and the chain above it.
 *
 * @throws IdentityError `ERR_KEY_UNSUPPORTED` `ERR_KEY_MISMATCH` `ERR_CERTIFICATE_AMBIGUOUS`
 *   `ERR_CHAIN_TOO_LONG`
 */
export function createIdentity(parts: IdentityParts): SigningIdentity {
  const { certificates, subject, selector = {}, notes = [], publicKey, sign, deriveKey, now } = parts;
  const keys = publicKey && [publicKey];
  const leaf = findLeaf(certificates, keys, selector, subject, now);
  if (leaf === undefined) throw mismatch(certificates, subject, parts.publicKey ? [parts] : [], 'the key');
  const algorithm = algorithmForKey(leaf.publicKey);
  if (algorithm === undefined) throw unsupportedKey(leaf);
  const { chain, leftOut } = selectChain(leaf, certificates, subject, now);
  return Object.freeze({
    certificate: leaf,
    chain,
    algorithm: algorithm.name,
    publicKey,
    notes: Object.freeze([...notes, ...noteSurplus(leaf, leftOut)]),
    sign,
    ...(deriveKey && { deriveKey }),
  });
}

function unsupportedKey({ subject, publicKey }: Certificate): IdentityError {
  return new IdentityError(
    'ERR_KEY_UNSUPPORTED',
    `certificate ${subject} must have a key of kind ${supportedKinds()}, found ${describeKey(publicKey)}`,
  );
}

/** Certificates of the leaf's own subject are a renewal, and need no warning. */
function noteSurplus(leaf: Certificate, leftOut: readonly Certificate[]): Finding[] {
  const surplus = leftOut.filter(({ subject }) => subject !== leaf.subject);
  const names = surplus.map(({ subject, serialNumber }) => subject || `serial number ${serialNumber}`);
  if (names.length === 0) return [];
  const shown = names.slice(0, 5).join('; ') + (names.length > 5 ? `; and ${names.length - 5} more` : '');
  return [
    warning(
      'WARN_CHAIN_SURPLUS',
      `not sent, since no usable path from certificate ${leaf.subject} leads through them: ${shown}`,
      'if the service does not trust the certificate, give the intermediates of its own issuer',
    ),
  ];
}

/** @param key the input that the key is expected in, which may have been given in place of this one */
async function assertCertificates(
  { certificates, found }: Contents,
  subject: string,
  key?: Material,
): Promise<Certificate[]> {
  const some = await certificates();
  if (some.length > 0) return some;
  const isSwapped = key !== undefined && (await holdsCertificates(key));
  const hint = isSwapped ? `the two are swapped: ${key.subject} holds a certificate` : undefined;
  throw new IdentityError('ERR_PEM_INVALID', `${subject} must hold a certificate, found ${found}`, { hint });
}

async function holdsCertificates(material: Material): Promise<boolean> {
  try {
    return (await openContents(material, undefined).certificates()).length > 0;
  } catch {
    return false;
  }
}

async function assertKeys(contents: Contents | undefined, subject: string): Promise<Keys> {
  const some = await contents?.keys();
  if (some !== undefined && some.keys.length > 0) return some;
  throw new IdentityError('ERR_PEM_INVALID', `${subject} must hold a private key, found ${contents?.found}`);
}

/** The certificates of a file, in its order. */
export async function parseCertificates(
  from: Material,
  passphrase: string | undefined,
): Promise<Certificate[]> {
  return assertCertificates(openContents(from, passphrase), from.subject);
}

/** The private key of a file; the first, if it has several. */
export async function parseSigningKey(from: Material, passphrase: string | undefined): Promise<SigningKey> {
  const { keys } = await assertKeys(openContents(from, passphrase), from.subject);
  const [key] = keys;
  if (key === undefined) throw new OptionError('ERR_OPTION_MISSING', 'missing private key');
  return key;
}

async function assertSharedKeys({ keys }: Contents, subject: string): Promise<Keys> {
  const some = await keys();
  if (some.keys.length > 0) return some;
  throw new OptionError(
    'ERR_OPTION_MISSING',
    `missing privateKey (--private-key), and ${subject} holds none`,
  );
}

function mismatch(
  certificates: readonly Certificate[],
  subject: string,
  keys: ReadonlyArray<{ readonly publicKey?: PublicKey | undefined }>,
  keySubject: string,
): IdentityError {
  const [only] = certificates.map((found) => `(${found.subject}, ${describeKey(found.publicKey)})`);
  const found =
    certificates.length > 1
      ? `any of the ${certificates.length} certificates in ${subject}`
      : `${subject} ${only}`;
  const described = keys.map(({ publicKey }) => publicKey && describeKey(publicKey)).join(', ');
  return new IdentityError('ERR_KEY_MISMATCH', `${keySubject} (${described}) does not belong to ${found}`, {
    hint: 'compare `openssl x509 -in CERTIFICATE -noout -pubkey` with `openssl pkey -in KEY -pubout`',
  });
}
