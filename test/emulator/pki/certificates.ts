/** Makes certificates for tests, good and bad ones, without any code of `src`. */
import type { KeyObject } from 'node:crypto';
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  BasicConstraints,
  Certificate,
  Extension,
  Extensions,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
} from '@peculiar/asn1-x509';

export const NOW = new Date('2026-06-01T12:00:00Z');

export interface Made {
  readonly der: Buffer;
  readonly pem: string;
  readonly key: KeyObject;
  readonly name: Name;
  /** Decimal, as in `Credential`. */
  readonly serial: string;
}

export interface Recipe {
  /** `null` for an empty subject. */
  readonly commonName?: string | null;
  /** The whole subject, as types (OID) and values. */
  readonly subject?: ReadonlyArray<readonly [type: string, value: string]>;
  /** Default: self-signed. */
  readonly issuer?: Pick<Made, 'key' | 'name'>;
  readonly version?: 1 | 3;
  readonly serialHex?: string;
  readonly keyType?:
    | 'P-256'
    | 'P-384'
    | 'P-521'
    | 'RSA'
    | 'Ed25519'
    | 'ML-DSA-44'
    | 'ML-DSA-65'
    | 'ML-DSA-87';
  readonly key?: KeyObject;
  readonly hash?: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  readonly notBefore?: string;
  readonly notAfter?: string;
  /** `null` omits basicConstraints. Default false. */
  readonly isAuthority?: boolean | null;
  readonly pathLength?: number;
  /** `null` omits it. Default: that of an authority or of a leaf. */
  readonly keyUsage?: number | null;
  readonly extra?: readonly Extension[];
}

const SIGNATURES: Record<string, [oid: string, parameters?: null]> = {
  'rsa sha1': ['1.2.840.113549.1.1.5', null],
  'rsa sha256': ['1.2.840.113549.1.1.11', null],
  'rsa sha384': ['1.2.840.113549.1.1.12', null],
  'rsa sha512': ['1.2.840.113549.1.1.13', null],
  'ec sha1': ['1.2.840.10045.4.1'],
  'ec sha256': ['1.2.840.10045.4.3.2'],
  'ec sha384': ['1.2.840.10045.4.3.3'],
  'ec sha512': ['1.2.840.10045.4.3.4'],
};

/** Whether this Node supports ML-DSA. */
export const HAS_ML_DSA = hasMlDsa();

const rsaKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

function hasMlDsa(): boolean {
  try {
    return makeKey('ML-DSA-44') !== undefined;
  } catch {
    return false;
  }
}

function makeKey(type: Recipe['keyType'] = 'P-256'): KeyObject {
  if (type === 'RSA') return rsaKey;
  // Node 24.7 and later; the types are of Node 20.
  if (type.startsWith('ML-DSA')) return generateKeyPairSync(type.toLowerCase() as 'ed25519').privateKey;
  if (type === 'Ed25519') return generateKeyPairSync('ed25519').privateKey;
  return generateKeyPairSync('ec', { namedCurve: type }).privateKey;
}

export function makeExtension(oid: string, critical: boolean, value: unknown): Extension {
  return new Extension({ extnID: oid, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

function makeExtensions(recipe: Recipe): Extension[] {
  const { isAuthority = false, pathLength, extra = [] } = recipe;
  const { keyUsage = isAuthority === true ? KeyUsageFlags.keyCertSign : KeyUsageFlags.digitalSignature } =
    recipe;
  const constraints = new BasicConstraints({ cA: isAuthority === true });
  if (pathLength !== undefined) constraints.pathLenConstraint = pathLength;
  return [
    ...(isAuthority === null ? [] : [makeExtension('2.5.29.19', true, constraints)]),
    ...(keyUsage === null ? [] : [makeExtension('2.5.29.15', true, new KeyUsage(keyUsage))]),
    ...extra,
  ];
}

function makeName(commonName: string | null): Name {
  if (commonName === null) return new Name([]);
  return new Name([makeRdn(['2.5.4.3', commonName])]);
}

function makeRdn([type, utf8String]: readonly [type: string, value: string]): RelativeDistinguishedName {
  const value = new AttributeValue({ utf8String });
  return new RelativeDistinguishedName([new AttributeTypeAndValue({ type, value })]);
}

export function makeCertificate(recipe: Recipe = {}): Made {
  const { commonName = 'host-1', version = 3, serialHex = '0fa1b2c3d4e5f60718', hash = 'sha256' } = recipe;
  const key = recipe.key ?? makeKey(recipe.keyType);
  const name = recipe.subject === undefined ? makeName(commonName) : new Name(recipe.subject.map(makeRdn));
  const issuer = recipe.issuer ?? { key, name };
  const [algorithm, parameters] = SIGNATURES[`${issuer.key.asymmetricKeyType} ${hash}`] ?? ['1.3.101.112'];
  const signature = new AlgorithmIdentifier(parameters === null ? { algorithm, parameters } : { algorithm });
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const tbsCertificate = new TBSCertificate({
    version: version - 1,
    serialNumber: new Uint8Array(Buffer.from(serialHex, 'hex')).buffer,
    signature,
    issuer: issuer.name,
    validity: new Validity({
      notBefore: new Date(recipe.notBefore ?? '2026-01-01T00:00:00Z'),
      notAfter: new Date(recipe.notAfter ?? '2027-01-01T00:00:00Z'),
    }),
    subject: name,
    subjectPublicKeyInfo: AsnConvert.parse(spki, SubjectPublicKeyInfo),
    ...(version === 3 ? { extensions: new Extensions(makeExtensions(recipe)) } : {}),
  });
  const digest = issuer.key.asymmetricKeyType === 'ed25519' ? null : hash;
  const value = sign(digest, Buffer.from(AsnConvert.serialize(tbsCertificate)), issuer.key);
  const whole = new Certificate({
    tbsCertificate,
    signatureAlgorithm: signature,
    signatureValue: new Uint8Array(value).buffer,
  });
  const der = Buffer.from(AsnConvert.serialize(whole));
  const pem = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
  return { der, pem, key, name, serial: BigInt(`0x${serialHex}`).toString() };
}
