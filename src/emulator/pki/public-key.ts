/**
 * Public keys, and what they signed. In: the SubjectPublicKeyInfo of a certificate. Out: a {@link PublicKey} that
 * verifies. Node's OpenSSL does it; of ML-DSA (FIPS 204, RFC 9881) only from Node 24.7 on, so that below it a package
 * does, which is loaded by the first request that needs it ({@link loadMlDsa}).
 * Rules: RFC 5280 sections 4.1.1.2 and 4.1.2.7, RFC 5480 section 2.1.1, and
 * https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html#signature-verification
 */
import type { KeyObject } from 'node:crypto';
import { createPublicKey, verify } from 'node:crypto';
import type { Element } from './der.js';
import { expectTag, readOid, TAG } from './der.js';

export interface PublicKey {
  /** As Node has it: `rsa`, `ec`, `ml-dsa-65`; the OID where nobody here can read the key. */
  readonly type: string;
  /** `undefined` where this Node cannot read the key. */
  readonly keyObject: KeyObject | undefined;
  /** @param hash `undefined` for data that is signed as it is */
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
 * SHA-256 or stronger: the key and the hash. RSASSA-PSS, EdDSA and SHA-3 are missing since nothing says that AWS takes
 * them.
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

/** Whether the key signed it, with an algorithm that is strong and the key's own. */
export function isSignedWith({ signatureAlgorithm, signedData, signature }: Signed, key: PublicKey): boolean {
  const [type, hash] = SIGNATURE_ALGORITHMS.get(signatureAlgorithm) ?? [];
  return type === key.type && key.verify(hash, signedData, signature);
}

export function readPublicKey(spki: Element | undefined): PublicKey {
  const [algorithm, bits] = expectTag(spki, TAG.sequence, 'public key').children;
  const [name, parameters] = algorithm?.children ?? [];
  const oid = readOid(name, 'public key');
  // A curve that is written out can be a forgery that looks like a known one.
  if (oid === EC_KEY && parameters?.tag !== TAG.oid) throw new Error('public key: an EC key names its curve');
  const { content } = expectTag(bits, TAG.bitString, 'public key');
  const keyObject = attempt(() =>
    createPublicKey({ key: spki?.whole ?? content, type: 'spki', format: 'der' }),
  );
  if (keyObject === undefined && isMlDsa(oid)) return mlDsaKey(ML_DSA[oid], content.subarray(1));
  return {
    type: keyObject?.asymmetricKeyType ?? oid,
    keyObject,
    verify(hash, data, signature) {
      if (keyObject === undefined) return false;
      // What OpenSSL throws at, such as a signature of another kind, is the same as a plain no.
      return attempt(() => verify(hash, data, { key: keyObject, dsaEncoding: 'der' }, signature)) === true;
    },
  };
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

/** What `import()` would keep anyway; kept here since a check cannot wait for it. */
let implementations: Implementations | undefined;

function mlDsaKey(type: MlDsaType, bytes: Buffer): PublicKey {
  return {
    type,
    keyObject: undefined,
    verify: (_hash, data, signature) =>
      attempt(() => implementations?.[type].verify(signature, data, bytes)) === true,
  };
}

/** DER of the first octets of the three object identifiers. */
const ML_DSA_PREFIX = Buffer.from('06096086480165030403', 'hex');

/** Makes ready for these certificates (DER), if one of them has to do with ML-DSA. */
export async function loadMlDsa(certificates: readonly Buffer[]): Promise<void> {
  if (implementations !== undefined || !certificates.some((der) => der.includes(ML_DSA_PREFIX))) return;
  const { ml_dsa44, ml_dsa65, ml_dsa87 } = await import('@noble/post-quantum/ml-dsa.js');
  implementations = { 'ml-dsa-44': ml_dsa44, 'ml-dsa-65': ml_dsa65, 'ml-dsa-87': ml_dsa87 };
}
