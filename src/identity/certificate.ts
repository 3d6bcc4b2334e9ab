/**
 * Reads a certificate (RFC 5280 §4.1): the fields that the service judges by.
 *
 * Two parsers read it, ours for the fields and Node's OpenSSL for names and for verifying; a certificate that
 * either of them refuses is refused here. Ours is first and checks the size of the key, so that OpenSSL
 * parses no key that could harm the process.
 */
import { X509Certificate } from 'node:crypto';
import { IdentityError } from '../errors.js';
import type { Element } from '../measure/der.js';
import { CONTEXT, OCTET_STRING, readChildren, readElement, readOid, SEQUENCE } from '../measure/der.js';
import {
  ID,
  readBasicConstraints,
  readFields,
  readKeyIdentifier,
  readKeyUsage,
} from './certificate-fields.js';
import { flawsOf } from './certificate-flaws.js';
import type { PublicKey } from './keys/public-key.js';
import { isSignedBy, ML_DSA_TYPES } from './keys/public-key.js';
import { readPublicKey } from './keys/read-public-key.js';

export interface Certificate {
  /** DER. */
  readonly raw: Buffer;
  /** The DER in base64, as the headers of a request carry it. */
  readonly base64: string;
  /** 1, 2 or 3. */
  readonly version: number;
  /** Decimal, as the `Credential` of the `Authorization` header has it. */
  readonly serialNumber: string;
  /** For people: `CN=host, O=Example`; empty if the subject is. */
  readonly subject: string;
  readonly issuer: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: PublicKey;
  /**
   * The hash of the certificate's own signature, lower-case: `sha256`, `sha1`; `ml-dsa-65`; the OID of any
   * other.
   */
  readonly signatureHash: string;
  /** basicConstraints' cA; undefined if the extension is absent. */
  readonly isCa: boolean | undefined;
  /** keyUsage's names (RFC 5280 §4.2.1.3); undefined if the extension is absent. */
  readonly keyUsage: readonly string[] | undefined;
  readonly isSelfSigned: boolean;
  /** basicConstraints' pathLenConstraint; undefined for no limit. */
  readonly pathLength?: number | undefined;
  /** subjectKeyIdentifier and the keyIdentifier of authorityKeyIdentifier. */
  readonly keyIdentifier?: Buffer | undefined;
  readonly authorityKeyIdentifier?: Buffer | undefined;
  readonly hasNameConstraints?: boolean;
  /**
   * Flaws that OpenSSL ignores and other readers may refuse, each as the end of a sentence: `a BOOLEAN that
   * is neither 00 nor FF`, `an RSASSA-PSS signature`.
   */
  readonly flaws?: readonly string[];
}

/** Certificates with ML-DSA keys take 8 kB; the headers of a request hold less than this. */
const MAX_LENGTH = 64 * 1024;

const RSASSA_PSS = '1.2.840.113549.1.1.10';

/** Signature and hash algorithms by OID (RFC 4055, RFC 5758, RFC 3279). */
const HASHES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.2': 'md2',
  '1.2.840.113549.1.1.3': 'md4',
  '1.2.840.113549.1.1.4': 'md5',
  '1.2.840.113549.1.1.5': 'sha1',
  '1.2.840.10045.4.1': 'sha1',
  '1.2.840.10040.4.3': 'sha1',
  '1.3.14.3.2.29': 'sha1',
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

/**
 * @param der bytes after the certificate are ignored; only copies are kept
 * @param subject how messages name the input
 * @throws IdentityError `ERR_CERTIFICATE_INVALID`
 */
export async function parseCertificate(der: Buffer, subject: string): Promise<Certificate> {
  try {
    const { whole } = readElement(der);
    if (whole.length > MAX_LENGTH) throw new Error(`a certificate of more than ${MAX_LENGTH} octets`);
    return await readCertificate(Buffer.from(whole));
  } catch (cause) {
    throw new IdentityError(
      'ERR_CERTIFICATE_INVALID',
      `${subject} holds something that is not an X.509 certificate`,
      { cause },
    );
  }
}

async function readCertificate(given: Buffer): Promise<Certificate> {
  const publicKey = await readPublicKey(Buffer.from(readFields(given).key.whole));
  const openssl = new X509Certificate(given);
  // OpenSSL's own copy, whose outer encoding is DER.
  const raw = openssl.raw;
  const fields = readFields(raw);
  const subject = displayName(openssl.subject);
  const issuer = displayName(openssl.issuer);
  const constraints = readBasicConstraints(fields.valueOf(ID.basicConstraints));
  let isSelfSigned: boolean | undefined;
  return {
    raw,
    base64: raw.toString('base64'),
    version: fields.version,
    serialNumber: decimal(fields.serialNumber),
    subject,
    issuer,
    notBefore: fields.notBefore,
    notAfter: fields.notAfter,
    publicKey,
    signatureHash: signatureHash(fields.algorithm),
    isCa: constraints?.isCa,
    keyUsage: readKeyUsage(fields.valueOf(ID.keyUsage)),
    // Late: bundles hold roots that nothing asks about.
    get isSelfSigned() {
      isSelfSigned ??= subject === issuer && isSignedBy(raw, publicKey);
      return isSelfSigned;
    },
    pathLength: constraints?.pathLength,
    keyIdentifier: readKeyIdentifier(fields.valueOf(ID.subjectKeyIdentifier), OCTET_STRING),
    authorityKeyIdentifier: readKeyIdentifier(fields.valueOf(ID.authorityKeyIdentifier), SEQUENCE),
    hasNameConstraints: fields.valueOf(ID.nameConstraints) !== undefined,
    flaws: flawsOf(given, fields),
  };
}

function signatureHash(element: Element): string {
  const [kind, parameters] = readChildren(element, SEQUENCE);
  const algorithm = readOid(kind);
  if (algorithm !== RSASSA_PSS) return HASHES[algorithm] ?? algorithm;
  // RFC 4055 §3.1: an absent hash means SHA-1.
  const hash = (parameters ? readChildren(parameters, SEQUENCE) : []).find(({ tag }) => tag === CONTEXT);
  if (hash === undefined) return 'sha1';
  const oid = readOid(readChildren(readElement(hash.content), SEQUENCE)[0]);
  return HASHES[oid] ?? oid;
}

/** OpenSSL gives one line for each attribute. */
function displayName(lines: string | undefined): string {
  return (lines ?? '').split('\n').filter(Boolean).join(', ');
}

/** The octets of an INTEGER (two's complement, most significant first) as decimal digits. */
function decimal(octets: Buffer): string {
  return BigInt.asIntN(octets.length * 8, BigInt(`0x${octets.toString('hex')}`)).toString();
}
