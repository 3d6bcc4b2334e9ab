/**
 * Certificates as the service judges them. In: DER, and a moment. Out: a {@link Certificate}, and why it, or the path
 * above it, is not acceptable (`undefined` where it is).
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html (signature validation, trust
 * anchors, end-entity certificates) and RFC 5280 sections 4.2 and 6.1. Revocation lists are not evaluated yet.
 */

import type { KeyObject } from 'node:crypto';
import { X509Certificate } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import type { Extension, TBSCertificate } from '@peculiar/asn1-x509';
import {
  BasicConstraints,
  id_ce_basicConstraints,
  id_ce_certificatePolicies,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_nameConstraints,
  id_ce_subjectAltName,
  KeyUsage,
  Certificate as SchemaOfCertificate,
} from '@peculiar/asn1-x509';
import { IdentityError } from '../errors.js';

export interface Certificate {
  /** The subject on one line, for messages. */
  readonly name: string;
  /** Distinguished names, comparable: text with case and runs of spaces folded (RFC 5280 section 7.1). */
  readonly subject: string;
  readonly issuer: string;
  readonly commonName: string | undefined;
  /** 3 for a v3 certificate. */
  readonly version: number;
  readonly serialNumber: bigint;
  /** OID of the algorithm that its issuer signed it with. */
  readonly signatureAlgorithm: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly basicConstraints: BasicConstraints | undefined;
  /** `undefined` where the extension is absent. */
  readonly keyUsage: readonly string[] | undefined;
  /** OIDs of extensions that forbid something which is not evaluated here. */
  readonly unevaluated: readonly string[];
  /** `undefined` where this Node cannot read the key (ML-DSA before 24.7). */
  readonly publicKey: KeyObject | undefined;
  readonly x509: X509Certificate;
}

/** SHA-256 or stronger. RSASSA-PSS, EdDSA and SHA-3 are missing since nothing says that AWS takes them. */
const SIGNATURE_ALGORITHMS = new Set([
  '1.2.840.113549.1.1.11', // sha256WithRSAEncryption
  '1.2.840.113549.1.1.12', // sha384WithRSAEncryption
  '1.2.840.113549.1.1.13', // sha512WithRSAEncryption
  '1.2.840.10045.4.3.2', // ecdsa-with-SHA256
  '1.2.840.10045.4.3.3', // ecdsa-with-SHA384
  '1.2.840.10045.4.3.4', // ecdsa-with-SHA512
  '2.16.840.1.101.3.4.3.17', // ML-DSA-44
  '2.16.840.1.101.3.4.3.18', // ML-DSA-65
  '2.16.840.1.101.3.4.3.19', // ML-DSA-87
]);

/** Extensions that may be critical: evaluated here, or without a rule that CreateSession would apply. */
const UNDERSTOOD = new Set<string>([
  id_ce_basicConstraints,
  id_ce_keyUsage,
  id_ce_extKeyUsage,
  id_ce_subjectAltName,
  id_ce_certificatePolicies,
]);

/** Reads one DER certificate and nothing after it. Throws what the parsers throw, or an `Error` that names the rule. */
export function parseCertificate(der: Uint8Array): Certificate {
  const x509 = new X509Certificate(der);
  // OpenSSL ignores trailing bytes and repairs some BER; what it would write must be what was sent.
  if (!x509.raw.equals(der)) throw new Error('the certificate is not in DER, or has bytes after it');
  const { tbsCertificate: tbs, signatureAlgorithm } = AsnConvert.parse(der, SchemaOfCertificate);
  const extensions = tbs.extensions ?? [];
  if (new Set(extensions.map(({ extnID }) => extnID)).size < extensions.length) {
    throw new Error('the certificate has an extension twice (RFC 5280 section 4.2)');
  }
  const constraints = extensions.find(({ extnID }) => extnID === id_ce_basicConstraints);
  const usage = extensions.find(({ extnID }) => extnID === id_ce_keyUsage);
  return {
    name: formatName(x509.subject) || `serial ${x509.serialNumber}`,
    subject: foldName(x509.subject),
    issuer: foldName(x509.issuer),
    commonName: readCommonName(tbs),
    version: tbs.version + 1,
    serialNumber: readInteger(tbs.serialNumber),
    signatureAlgorithm: signatureAlgorithm.algorithm,
    notBefore: tbs.validity.notBefore.getTime(),
    notAfter: tbs.validity.notAfter.getTime(),
    basicConstraints: constraints && AsnConvert.parse(constraints.extnValue.buffer, BasicConstraints),
    keyUsage: usage && AsnConvert.parse(usage.extnValue.buffer, KeyUsage).toJSON(),
    unevaluated: [...extensions].filter(isUnevaluated).map(({ extnID }) => extnID),
    publicKey: attempt(() => x509.publicKey),
    x509,
  };
}

/**
 * The certificates of a trust anchor. Throws IdentityError: `ERR_PEM_INVALID`, `ERR_CERTIFICATE_INVALID`,
 * `ERR_CHAIN_NOT_CA`. Its validity is left to the session, since the clock moves.
 */
export function parseTrustAnchor(pem: string): Certificate[] {
  const blocks = [
    ...pem.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g),
  ];
  if (blocks.length === 0) {
    throw new IdentityError(
      'ERR_PEM_INVALID',
      'the certificate authority must be PEM text with CERTIFICATE blocks',
    );
  }
  return blocks.map(([, base64 = '']) => parseAnchorCertificate(Buffer.from(base64, 'base64')));
}

function parseAnchorCertificate(der: Buffer): Certificate {
  let certificate: Certificate;
  try {
    certificate = parseCertificate(der);
  } catch (cause) {
    throw new IdentityError('ERR_CERTIFICATE_INVALID', 'a certificate of the authority cannot be read', {
      cause,
    });
  }
  const { name, basicConstraints, keyUsage, notBefore } = certificate;
  const code = basicConstraints?.cA === true ? 'ERR_CERTIFICATE_INVALID' : 'ERR_CHAIN_NOT_CA';
  // Unlike an intermediate, an anchor must have the extension.
  const usage = keyUsage === undefined ? 'keyUsage: must include keyCertSign' : undefined;
  const problem = checkIssuer(certificate, notBefore) ?? usage;
  if (problem !== undefined) throw new IdentityError(code, `"${name}" cannot be a trust anchor: ${problem}`);
  return certificate;
}

/** Why AWS would not take this as an end-entity certificate. */
export function checkLeaf(certificate: Certificate, at: Date): string | undefined {
  const { version, basicConstraints, keyUsage, subject } = certificate;
  if (version !== 3) return `version: expected X.509 v3, found v${version}`;
  if (basicConstraints?.cA === true)
    return 'basicConstraints: an end-entity certificate has CA:FALSE, found CA:TRUE';
  if (keyUsage?.includes('digitalSignature') !== true) {
    return `keyUsage: expected digitalSignature, found ${keyUsage?.join(', ') || 'none'}`;
  }
  if (subject === '') return 'subject: must not be empty';
  return checkAny(certificate, at);
}

/** Why this cannot be a trust anchor, or cannot issue; `below` counts the intermediates under it (RFC 5280 6.1.4). */
export function checkIssuer(certificate: Certificate, at: Date, below = 0): string | undefined {
  const { basicConstraints, keyUsage } = certificate;
  if (basicConstraints?.cA !== true) return 'basicConstraints: an issuer has CA:TRUE';
  if (keyUsage?.includes('keyCertSign') === false) {
    return `keyUsage: an issuer has keyCertSign, found ${keyUsage.join(', ')}`;
  }
  const limit = basicConstraints.pathLenConstraint ?? Number.POSITIVE_INFINITY;
  if (below > limit) return `pathLenConstraint: allows ${limit} intermediates below it, found ${below}`;
  return checkAny(certificate, at);
}

function checkAny(certificate: Certificate, at: Date): string | undefined {
  const { signatureAlgorithm, notBefore, notAfter, unevaluated } = certificate;
  if (!SIGNATURE_ALGORITHMS.has(signatureAlgorithm)) {
    return `signature algorithm: expected RSA, ECDSA or ML-DSA with SHA-256 or stronger, found ${signatureAlgorithm}`;
  }
  if (at < notBefore) return `validity: begins ${notBefore.toISOString()}, now is ${at.toISOString()}`;
  if (at > notAfter) return `validity: ended ${notAfter.toISOString()}, now is ${at.toISOString()}`;
  if (unevaluated.length > 0) return `extensions: the emulator does not evaluate ${unevaluated.join(', ')}`;
  return undefined;
}

/**
 * Why no path leads from the leaf to a trust anchor. The chain may come in any order and may hold the leaf and the
 * root: neither is needed, and neither does harm.
 */
export function checkPath(
  leaf: Certificate,
  chain: readonly Certificate[],
  anchors: readonly Certificate[],
  at: Date,
): string | undefined {
  const problems: string[] = [];
  let last = leaf;
  const climb = (subject: Certificate, candidates: readonly Certificate[], below: number): boolean => {
    last = subject;
    const issuers = [...anchors, ...candidates].filter(({ subject: name }) => name === subject.issuer);
    for (const issuer of issuers) {
      const problem = isSignedBy(subject, issuer)
        ? checkIssuer(issuer, at, below)
        : `has the name of the issuer, but its key did not sign "${subject.name}"`;
      if (problem !== undefined) problems.push(`"${issuer.name}": ${problem}`);
      else if (anchors.includes(issuer)) return true;
      // Self-issued certificates do not count against pathLenConstraint (RFC 5280 section 4.2.1.9).
      else if (climb(issuer, without(candidates, issuer), below + Number(issuer.subject !== issuer.issuer)))
        return true;
    }
    return false;
  };
  if (climb(leaf, without(chain, leaf), 0)) return undefined;
  const sent =
    chain.length === 0 ? 'no chain was sent' : `chain sent: ${chain.map(({ name }) => name).join(' | ')}`;
  const missing = `"${last.name}" was issued by "${formatName(last.x509.issuer)}", which is missing`;
  const trusted = `trust anchor: ${anchors.map(({ name }) => name).join(' | ')}`;
  return `path: ${problems[0] ?? missing}; ${sent}; ${trusted}`;
}

function without(certificates: readonly Certificate[], one: Certificate): Certificate[] {
  return certificates.filter(({ x509 }) => !x509.raw.equals(one.x509.raw));
}

function isSignedBy(subject: Certificate, { publicKey }: Certificate): boolean {
  return publicKey !== undefined && attempt(() => subject.x509.verify(publicKey)) === true;
}

/** What OpenSSL throws at, such as a key of another kind than the signature, is the same as a plain no. */
function attempt<T>(operation: () => T): T | undefined {
  try {
    return operation();
  } catch {
    return undefined;
  }
}

function readCommonName({ subject }: TBSCertificate): string | undefined {
  const attributes = subject.flatMap((relativeName) => [...relativeName]);
  return attributes.find(({ type }) => type === '2.5.4.3')?.value.toString();
}

/** Two's complement, as DER has it: a leading octet of 80 or more means a negative number. */
function readInteger(content: ArrayBuffer): bigint {
  const hex = Buffer.from(content).toString('hex');
  return BigInt.asIntN(hex.length * 4, BigInt(`0x${hex || '0'}`));
}

/** Name constraints restrict whether they are critical or not; anything else only where it is critical. */
function isUnevaluated({ extnID, critical }: Extension): boolean {
  return extnID === id_ce_nameConstraints || (critical && !UNDERSTOOD.has(extnID));
}

/** Node puts each attribute on a line of its own; it gives `undefined` for a name without any, whatever its types say. */
function formatName(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ');
}

function foldName(name: string | undefined): string {
  return (name ?? '').toLowerCase().replace(/ +/g, ' ').trim();
}
