/**
 * The algorithm table: which keys can sign, and how. A new kind of key is one more row.
 *
 * The algorithm follows the key, never the hash of the certificate's own signature. Source: "The signing
 * process for IAM Roles Anywhere", string to sign and signature.
 */
import type { KeyObject } from 'node:crypto';
import { builtin } from '../../options/environment.js';
import type { PublicKey } from './public-key.js';
import { detailOf } from './public-key.js';

/** The service accepts SHA-256 only. */
export type SigningHash = 'sha256' | 'sha384' | 'sha512';

export interface Algorithm {
  /** First word of the `Authorization` header and first line of the string to sign. */
  readonly name: string;
  /** `KeyObject.asymmetricKeyType` of the keys that it is for. */
  readonly keyType: string;
  /** The kind of key in messages and in the output of `read-certificate-data`. */
  readonly label: string;
  /** The signature over the data itself, in the form that the header carries in hex. */
  sign(data: Uint8Array, key: KeyObject, hash?: SigningHash): Uint8Array;
}

export const ALGORITHMS: readonly Algorithm[] = [
  {
    name: 'AWS4-X509-RSA-SHA256',
    keyType: 'rsa',
    label: 'RSA',
    // RSASSA-PKCS1-v1_5, Node's default padding for RSA keys.
    sign: (data, key, hash = 'sha256') => builtin('node:crypto').sign(hash, data, key),
  },
  {
    name: 'AWS4-X509-ECDSA-SHA256',
    keyType: 'ec',
    label: 'EC',
    // SHA-256 whatever the curve, and a DER SEQUENCE of r and s, Node's default.
    sign: (data, key, hash = 'sha256') => builtin('node:crypto').sign(hash, data, key),
  },
  ...['44', '65', '87'].map((level) => ({
    name: 'AWS4-X509-MLDSA',
    keyType: `ml-dsa-${level}`,
    label: `ML-DSA-${level}`,
    // Pure ML-DSA with an empty context: the data itself is signed, not its hash (FIPS 204 §5.2).
    sign: (data: Uint8Array, key: KeyObject) => builtin('node:crypto').sign(null, data, key),
  })),
];

/** The row for a key; undefined if the service could not use such a key. */
export function algorithmForKey({ type, flaw }: Pick<PublicKey, 'type' | 'flaw'>): Algorithm | undefined {
  return flaw === undefined ? ALGORITHMS.find(({ keyType }) => keyType === type) : undefined;
}

/** Describes a key in a few words: `RSA 2048 bits`, `EC prime256v1`, `ed25519`. */
export function describeKey(key: PublicKey): string {
  const { type, flaw } = key;
  if (flaw !== undefined) return flaw;
  if (type === undefined) return 'a key of an unknown kind';
  const label = algorithmForKey(key)?.label ?? type;
  const detail = detailOf(key);
  return detail === undefined ? label : `${label} ${detail}`;
}

/** The kinds that can sign, for a message: `RSA, EC or …`. */
export function supportedKinds(): string {
  const labels = ALGORITHMS.map(({ label }) => label);
  return `${labels.slice(0, -1).join(', ')} or ${labels.at(-1)}`;
}
