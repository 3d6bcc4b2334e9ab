/**
 * Parses a DER certificate into the parts that the service's rules look at.
 *
 * Two readers must accept it, OpenSSL and a strict one; otherwise it throws an `Error` that names the rule.
 * Rules: RFC 5280 sections 4.1 and 4.2
 */
import { X509Certificate } from 'node:crypto';
import type { Element } from './der.js';
import { expectTag, readElement, readInteger, readOid, readTime, TAG } from './der.js';
import type { DistinguishedName, GeneralName } from './names.js';
import { readGeneralName, readGeneralNames, readName } from './names.js';
import type { PublicKey, Signed } from './public-key.js';
import { readPublicKey } from './public-key.js';

export interface Certificate extends Signed {
  /** The subject on one line, for messages. */
  readonly name: string;
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  /** 3 for a v3 certificate. */
  readonly version: number;
  readonly serialNumber: bigint;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly basicConstraints: BasicConstraints | undefined;
  /** Undefined if the extension is absent. */
  readonly keyUsage: readonly string[] | undefined;
  readonly alternativeNames: readonly GeneralName[];
  readonly nameConstraints: NameConstraints | undefined;
  /** OIDs of extensions that restrict the certificate in ways that the emulator does not evaluate. */
  readonly unevaluated: readonly string[];
  readonly publicKey: PublicKey;
  readonly x509: X509Certificate;
}

export interface BasicConstraints {
  readonly isAuthority: boolean;
  /** Undefined for no limit. */
  readonly pathLength: number | undefined;
}

export interface NameConstraints {
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

export interface Extension {
  readonly oid: string;
  readonly isCritical: boolean;
  readonly value: Buffer;
}

const ID = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  policyConstraints: '2.5.29.36',
  extKeyUsage: '2.5.29.37',
  inhibitAnyPolicy: '2.5.29.54',
} as const;

/** Extensions that may be critical: evaluated here, or irrelevant to CreateSession. */
const UNDERSTOOD = new Set<string>([
  ...[ID.basicConstraints, ID.keyUsage, ID.subjectAltName, ID.nameConstraints],
  ...[ID.extKeyUsage, ID.certificatePolicies],
]);

/**
 * They require a policy, critical or not. Policies are not evaluated; whether AWS evaluates them is unknown.
 */
const POLICY_DEMANDS = new Set<string>([ID.policyConstraints, ID.inhibitAnyPolicy]);

/** RFC 5280 section 4.2.1.3, in the order of the bits. */
const KEY_USAGES = [
  ...['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'dataEncipherment', 'keyAgreement'],
  ...['keyCertSign', 'cRLSign', 'encipherOnly', 'decipherOnly'],
];

/** Reads one DER certificate with nothing after it. Throws an `Error` that names the rule. */
export function parseCertificate(der: Uint8Array): Certificate {
  const [tbs, algorithm, signature, ...rest] = expectTag(
    readElement(der),
    TAG.sequence,
    'certificate',
  ).children;
  if (tbs === undefined || signature?.tag !== TAG.bitString || rest.length > 0) {
    throw new Error('certificate: expected content, algorithm and signature');
  }
  const fields = readFields(tbs);
  if (!fields.algorithm.equals(algorithm?.whole ?? Buffer.alloc(0))) {
    throw new Error('certificate: its two signature algorithms differ (RFC 5280 section 4.1.1.2)');
  }
  const x509 = new X509Certificate(der);
  const value = (oid: string) => fields.extensions.find((extension) => extension.oid === oid)?.value;
  const { algorithm: _algorithm, extensions, ...kept } = fields;
  return {
    ...kept,
    name: kept.subject.text || `serial ${x509.serialNumber}`,
    signedData: tbs.whole,
    signature: signature.content.subarray(1),
    signatureAlgorithm: readOid(algorithm?.children[0], 'signature algorithm'),
    basicConstraints: map(value(ID.basicConstraints), readBasicConstraints),
    keyUsage: map(value(ID.keyUsage), readKeyUsage),
    alternativeNames: map(value(ID.subjectAltName), readGeneralNames) ?? [],
    nameConstraints: map(value(ID.nameConstraints), readNameConstraints),
    unevaluated: extensions.filter(isUnevaluated).map(({ oid }) => oid),
    x509,
  };
}

/** The parts of TBSCertificate, in order. */
function readFields(tbs: Element) {
  const parts = [...expectTag(tbs, TAG.sequence, 'certificate').children];
  const version = parts[0]?.tag === 0xa0 ? readInteger(parts.shift()?.children[0], 'version') : 0n;
  const [serial, algorithm, issuer, validity, subject, key, ...optional] = parts;
  const [notBefore, notAfter] = validity?.children ?? [];
  const extensions = optional.find(({ tag }) => tag === 0xa3);
  if (extensions !== undefined && version !== 2n) throw new Error('certificate: extensions need X.509 v3');
  return {
    version: Number(version) + 1,
    serialNumber: readInteger(serial, 'serial number'),
    algorithm: expectTag(algorithm, TAG.sequence, 'signature algorithm').whole,
    issuer: readName(issuer, 'issuer'),
    notBefore: readTime(notBefore, 'validity'),
    notAfter: readTime(notAfter, 'validity'),
    subject: readName(subject, 'subject'),
    publicKey: readPublicKey(key),
    extensions: readExtensions(extensions?.children[0], 'certificate'),
  };
}

/** Reads the extensions of a certificate, of a revocation list, or of an entry in one. */
export function readExtensions(element: Element | undefined, what: string): Extension[] {
  const extensions = (element?.children ?? []).map((extension) => {
    const [oid, ...rest] = extension.children;
    const critical = rest.length > 1 ? expectTag(rest.shift(), TAG.boolean, `${what}: critical`) : undefined;
    const { content: value } = expectTag(rest[0], TAG.octetString, `${what}: extension`);
    return { oid: readOid(oid, `${what}: extension`), isCritical: critical?.content[0] === 0xff, value };
  });
  if (new Set(extensions.map(({ oid }) => oid)).size < extensions.length) {
    throw new Error(`the ${what} has an extension twice (RFC 5280 section 4.2)`);
  }
  return extensions;
}

function readBasicConstraints(der: Buffer): BasicConstraints {
  const parts = [...expectTag(readElement(der), TAG.sequence, 'basicConstraints').children];
  const flag = parts[0]?.tag === TAG.boolean ? parts.shift() : undefined;
  const length = parts[0] && Number(readInteger(parts.shift(), 'pathLenConstraint'));
  if (parts.length > 0 || (length ?? 0) < 0)
    throw new Error('basicConstraints: expected CA flag and path length');
  return { isAuthority: flag?.content[0] === 0xff, pathLength: length };
}

function readKeyUsage(der: Buffer): string[] {
  const { content } = expectTag(readElement(der), TAG.bitString, 'keyUsage');
  return KEY_USAGES.filter((_, bit) => (((content[1 + (bit >> 3)] ?? 0) >> (7 - (bit & 7))) & 1) === 1);
}

function readNameConstraints(der: Buffer): NameConstraints {
  const lists = expectTag(readElement(der), TAG.sequence, 'nameConstraints').children;
  const read = (tag: number) =>
    (lists.find((list) => list.tag === tag)?.children ?? []).map(({ children: [base, ...distances] }) => {
      // The minimum is 0, which DER omits, and the maximum is absent (RFC 5280 section 4.2.1.10).
      if (base === undefined || distances.length > 0) throw new Error('nameConstraints: minimum and maximum');
      return readGeneralName(base);
    });
  const tags = lists.map(({ tag }) => tag.toString(16)).join();
  if (!/^(a0|a1|a0,a1)$/.test(tags))
    throw new Error('nameConstraints: expected permitted and excluded names');
  return { permitted: read(0xa0), excluded: read(0xa1) };
}

function isUnevaluated({ oid, isCritical }: Extension): boolean {
  return POLICY_DEMANDS.has(oid) || (isCritical && !UNDERSTOOD.has(oid));
}

function map<A, B>(value: A | undefined, read: (value: A) => B): B | undefined {
  return value === undefined ? undefined : read(value);
}
