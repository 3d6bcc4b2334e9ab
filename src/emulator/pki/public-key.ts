/**
 * Reads public keys and verifies signatures with them.
 *
 * Node's OpenSSL verifies. ML-DSA (FIPS 204, RFC 9881) needs Node 24.7; on older versions a package verifies,
 * loaded by the first request that needs it ({@link loadMlDsa}).
 * Rules: RFC 5280 sections 4.1.1.2 and 4.1.2.7, RFC 5480 section 2.1.1, and
 * https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html#signature-verification
 */
import type { KeyObject } from 'node:crypto';
import { createPublicKey, verify } from 'node:crypto';
import type { Element } from './der.js';
import { expectTag, readOid, TAG } from './der.js';

export interface PublicKey {
  /** Node's name: `rsa`, `ec`, `ml-dsa-65`; the OID of a key that cannot be read. */
  readonly type: string;
  /** Undefined if this Node cannot read the key. */
  readonly keyObject: KeyObject | undefined;
  /** @param hash undefined for data that is signed unhashed */
  verify(hash: string | undefined, data: Buffer, signature: Buffer): boolean;
}

/** A certificate or a revocation list. */
export interface Signed {
  /** OID. */
  readonly signatureAlgorithm: string;
  readonly signedData: Buffer;
  readonly signature: Buffer;
}

const ML_DSA = {
  '2.16.840.1.101.3.4.3.17': 'ml-dsa-44',
  '2.16.840.1.101.3.4.3.18': 'ml-dsa-65',
  '2.16.840.1.101.3.4.3.19': 'ml-dsa-87',
} as const;
type MlDsaType = (typeof ML_DSA)[keyof typeof ML_DSA];

/**
 * Signature algorithms with SHA-256 or stronger: the type of the key and the hash. RSASSA-PSS, EdDSA and SHA-3
 * are missing, because AWS does not document them.
 */
const SIGNATURE_ALGORITHMS = new Map<string, readonly [type: string, hash?: string]>([
  ['1.2.840.113549.1.1.11', ['rsa', 'sha256']],
  ['1.2.840.113549.1.1.12', ['rsa', 'sha384']],
  ['1.2.840.113549.1.1.13', ['rsa', 'sha512']],
  ['1.2.840.10045.4.3.2', ['ec', 'sha256']],
  ['1.2.840.10045.4.3.3', ['ec', 'sha384']],
  ['1.2.840.10045.4.3.4', ['ec', 'sha512']],
  ...Object.entries(ML_DSA).map(([oid, type]) => [oid, [type]] as const),
]);

const EC_KEY = '1.2.840.10045.2.1';

export function isStrongAlgorithm({ signatureAlgorithm }: Pick<Signed, 'signatureAlgorithm'>): boolean {
  return SIGNATURE_ALGORITHMS.has(signatureAlgorithm);
}

/** Whether the key signed the data with a strong algorithm of its own type. */
export function isSignedWith({ signatureAlgorithm, signedData, signature }: Signed, key: PublicKey): boolean {
  const [type, hash] = SIGNATURE_ALGORITHMS.get(signatureAlgorithm) ?? [];
  return type === key.type && key.verify(hash, signedData, signature);
}

export function readPublicKey(spki: Element | undefined): PublicKey {
  const [algorithm, bits] = expectTag(spki, TAG.sequence, 'public key').children;
  const [name, parameters] = algorithm?.children ?? [];
  const oid = readOid(name, 'public key');
  // Explicit parameters can describe a forged curve that resembles a known one (RFC 5480 section 2.1.1).
  if (oid === EC_KEY && parameters?.tag !== TAG.oid) throw new Error('public key: an EC key names its curve');
  const { content } = expectTag(bits, TAG.bitString, 'public key');
  const keyObject = attempt(() => readKeyObject(spki?.whole ?? content));
  if (keyObject === undefined && isMlDsa(oid)) return mlDsaKey(ML_DSA[oid], content.subarray(1));
  return {
    type: keyObject?.asymmetricKeyType ?? oid,
    keyObject,
    verify(hash, data, signature) {
      if (keyObject === undefined) return false;
      // OpenSSL throws at a signature of another kind: it does not verify.
      return attempt(() => verify(hash, data, { key: keyObject, dsaEncoding: 'der' }, signature)) === true;
    },
  };
}

function readKeyObject(spki: Buffer): KeyObject | undefined {
  const keyObject = createPublicKey({ key: spki, type: 'spki', format: 'der' });
  // Node 22 with OpenSSL 3.5 reads ML-DSA keys, but gives them no type.
  return keyObject.asymmetricKeyType === undefined ? undefined : keyObject;
}

function attempt<T>(operation: () => T): T | undefined {
  try {
    return operation();
  } catch {
    return undefined;
  }
}

function isMlDsa(oid: string): oid is keyof typeof ML_DSA {
  return oid in ML_DSA;
}

type Implementations = Readonly<
  Record<MlDsaType, { verify(signature: Buffer, data: Buffer, key: Buffer): boolean }>
>;

/** Kept here because checks are synchronous. */
let implementations: Implementations | undefined;

function mlDsaKey(type: MlDsaType, bytes: Buffer): PublicKey {
  return {
    type,
    keyObject: undefined,
    verify: (_hash, data, signature) =>
      attempt(() => implementations?.[type].verify(signature, data, bytes)) === true,
  };
}

/** The first octets, in DER, that the three object identifiers share. */
const ML_DSA_PREFIX = Buffer.from('06096086480165030403', 'hex');

/** Loads the package if one of these certificates (DER) uses ML-DSA. */
export async function loadMlDsa(certificates: readonly Buffer[]): Promise<void> {
  if (implementations !== undefined || !certificates.some((der) => der.includes(ML_DSA_PREFIX))) return;
  const { ml_dsa44, ml_dsa65, ml_dsa87 } = await import('@noble/post-quantum/ml-dsa.js');
  implementations = { 'ml-dsa-44': ml_dsa44, 'ml-dsa-65': ml_dsa65, 'ml-dsa-87': ml_dsa87 };
}
