/**
 * DER in, `Certificate` out: the fields that the service judges by (RFC 5280 §4.1), read once.
 *
 * Two parsers read it: `@peculiar/asn1-x509` for the fields, and Node's OpenSSL for the key and for verifying.
 * What either of them refuses is refused here.
 */
import { X509Certificate } from 'node:crypto';
import { AsnParser, AsnProp, AsnPropTypes, AsnSerializer } from '@peculiar/asn1-schema';
import type { Extension, SubjectPublicKeyInfo } from '@peculiar/asn1-x509';
import {
  AlgorithmIdentifier,
  BasicConstraints,
  Certificate as CertificateSchema,
  KeyUsage,
} from '@peculiar/asn1-x509';
import { IdentityError } from '../errors.js';
import type { PublicKey } from './keys/public-key.js';
import { isSignedBy, ML_DSA_TYPES, publicKeyOf } from './keys/public-key.js';

export interface Certificate {
  /** DER. */
  readonly raw: Buffer;
  /** The DER in base64, as the headers of a request carry it. */
  readonly base64: string;
  /** 1, 2 or 3. */
  readonly version: number;
  /** Decimal, as the `Credential` of the `Authorization` header has it. */
  readonly serialNumber: string;
  /** For people: `CN=host, O=Example`; empty where the subject is. */
  readonly subject: string;
  readonly issuer: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: PublicKey;
  /** The hash of the certificate's own signature, lower-case: `sha256`, `sha1`; `ml-dsa-65`; the OID where it is another. */
  readonly signatureHash: string;
  /** basicConstraints' cA; undefined where the extension is absent. */
  readonly isCa: boolean | undefined;
  /** keyUsage's names (RFC 5280 §4.2.1.3); undefined where the extension is absent. */
  readonly keyUsage: readonly string[] | undefined;
  readonly isSelfSigned: boolean;
}

const KEY_USAGE = '2.5.29.15';
const BASIC_CONSTRAINTS = '2.5.29.19';
const RSASSA_PSS = '1.2.840.113549.1.1.10';

/** Hashes of signature algorithms (RFC 3279, 4055, 5758, FIPS 204) and of RSASSA-PSS parameters. */
const HASHES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.2': 'md2',
  '1.2.840.113549.1.1.3': 'md4',
  '1.2.840.113549.1.1.4': 'md5',
  '1.2.840.113549.1.1.5': 'sha1',
  '1.3.14.3.2.29': 'sha1',
  '1.2.840.10040.4.3': 'sha1',
  '1.2.840.10045.4.1': 'sha1',
  '1.3.14.3.2.26': 'sha1',
  '1.2.840.113549.1.1.14': 'sha224',
  '1.2.840.10045.4.3.1': 'sha224',
  '2.16.840.1.101.3.4.3.1': 'sha224',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.10045.4.3.2': 'sha256',
  '2.16.840.1.101.3.4.3.2': 'sha256',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.10045.4.3.3': 'sha384',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.4': 'sha512',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  // Sign without a hash of their own.
  ...ML_DSA_TYPES,
};

/** RSASSA-PSS-params (RFC 4055 §3.1), of which only the hash is asked for. */
class PssParameters {
  hashAlgorithm?: AlgorithmIdentifier;
}
AsnProp({ type: AlgorithmIdentifier, context: 0, optional: true })(PssParameters.prototype, 'hashAlgorithm');
for (const context of [1, 2, 3]) {
  AsnProp({ type: AsnPropTypes.Any, context, optional: true })(PssParameters.prototype, `member${context}`);
}

/**
 * @param subject how messages name the input
 * @throws IdentityError `ERR_CERTIFICATE_INVALID`
 */
export async function parseCertificate(der: Uint8Array, subject: string): Promise<Certificate> {
  try {
    return await readCertificate(new X509Certificate(der));
  } catch (cause) {
    throw new IdentityError(
      'ERR_CERTIFICATE_INVALID',
      `${subject} holds something that is not an X.509 certificate`,
      {
        cause,
      },
    );
  }
}

async function readCertificate(openssl: X509Certificate): Promise<Certificate> {
  // OpenSSL's own copy: what stands behind the certificate in a file is not part of it.
  const raw = openssl.raw;
  const { tbsCertificate: tbs, signatureAlgorithm } = AsnParser.parse(raw, CertificateSchema);
  const extensions = new Map((tbs.extensions ?? []).map((extension) => [extension.extnID, extension]));
  const publicKey = await readPublicKey(openssl, tbs.subjectPublicKeyInfo);
  const subject = displayName(openssl.subject);
  const issuer = displayName(openssl.issuer);
  return {
    raw,
    base64: raw.toString('base64'),
    version: tbs.version + 1,
    serialNumber: decimal(Buffer.from(tbs.serialNumber)),
    subject,
    issuer,
    notBefore: tbs.validity.notBefore.getTime(),
    notAfter: tbs.validity.notAfter.getTime(),
    publicKey,
    signatureHash: signatureHash(signatureAlgorithm),
    isCa: read(extensions.get(BASIC_CONSTRAINTS), BasicConstraints)?.cA,
    keyUsage: read(extensions.get(KEY_USAGE), KeyUsage)?.toJSON(),
    isSelfSigned: subject === issuer && isSignedBy(raw, publicKey),
  };
}

function read<T>(extension: Extension | undefined, schema: new () => T): T | undefined {
  return extension === undefined ? undefined : AsnParser.parse(extension.extnValue.buffer, schema);
}

async function readPublicKey(openssl: X509Certificate, info: SubjectPublicKeyInfo): Promise<PublicKey> {
  try {
    return publicKeyOf(openssl.publicKey);
  } catch {
    // A kind of key that this OpenSSL does not know: another implementation has it, or the checks name it.
    const type = ML_DSA_TYPES[info.algorithm.algorithm];
    const spki = Buffer.from(AsnSerializer.serialize(info));
    if (type === undefined) return { spki, type, keyObject: undefined };
    const { mlDsaPublicKey } = await import('./keys/ml-dsa.js');
    return mlDsaPublicKey(spki, type);
  }
}

/** OpenSSL gives one line for each attribute. */
function displayName(lines: string | undefined): string {
  return (lines ?? '').split('\n').filter(Boolean).join(', ');
}

/** A DER INTEGER's octets (two's complement, most significant first) as decimal digits. */
function decimal(octets: Buffer): string {
  return BigInt.asIntN(octets.length * 8, BigInt(`0x${octets.toString('hex')}`)).toString();
}

function signatureHash({ algorithm, parameters }: AlgorithmIdentifier): string {
  if (algorithm !== RSASSA_PSS) return HASHES[algorithm] ?? algorithm;
  const { hashAlgorithm } = AsnParser.parse(parameters ?? new Uint8Array([0x30, 0]), PssParameters);
  // RFC 4055 §3.1: an absent hash means SHA-1.
  return hashAlgorithm === undefined ? 'sha1' : (HASHES[hashAlgorithm.algorithm] ?? hashAlgorithm.algorithm);
}
