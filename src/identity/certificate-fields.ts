/** Reads the parts of a certificate's DER (RFC 5280 §4.1 and §4.2) that the service has rules for. */
import type { Element } from '../measure/der.js';
import {
  BIT_STRING,
  BOOLEAN,
  CONTEXT,
  INTEGER,
  OCTET_STRING,
  readBits,
  readChildren,
  readContent,
  readCount,
  readElement,
  readOid,
  readTime,
  readWhole,
  SEQUENCE,
} from '../measure/der.js';

/** Extensions. */
export const ID = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extKeyUsage: '2.5.29.37',
  inhibitAnyPolicy: '2.5.29.54',
} as const;

/** RFC 5280 §4.2.1.3, in the order of the bits. */
const KEY_USAGES = [
  ...['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'dataEncipherment', 'keyAgreement'],
  ...['keyCertSign', 'cRLSign', 'encipherOnly', 'decipherOnly'],
];

/** `[0]` of AuthorityKeyIdentifier. */
const KEY_IDENTIFIER = 0x80;

export interface Extension {
  readonly oid: string;
  readonly isCritical: boolean;
  readonly value: Buffer;
}

export interface Fields {
  readonly version: number;
  readonly serialNumber: Buffer;
  /** The outer signature algorithm, which must equal the one in the signed part. */
  readonly algorithm: Element;
  readonly innerAlgorithm: Element;
  readonly names: readonly Element[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly key: Element;
  readonly extensions: readonly Extension[];
  valueOf(oid: string): Buffer | undefined;
}

/**
 * The parts of a certificate and of its TBSCertificate, in order.
 *
 * @throws Error where one is missing or damaged
 */
export function readFields(der: Buffer): Fields {
  const [tbs, algorithm, signature, ...rest] = readChildren(readWhole(der), SEQUENCE);
  readBits(signature);
  const parts = readChildren(tbs, SEQUENCE);
  const version = parts[0]?.tag === CONTEXT ? parts.shift() : undefined;
  const [serial, innerAlgorithm, issuer, validity, subject, key, ...options] = parts;
  const [notBefore, notAfter] = readChildren(validity, SEQUENCE).map(readTime);
  const isWhole = algorithm && innerAlgorithm && issuer && subject && key && notBefore && notAfter;
  if (!isWhole || rest.length > 0) throw new Error('parts of the certificate are missing');
  const extensions = readExtensions(options.find(({ tag }) => tag === CONTEXT + 3));
  return {
    version: version === undefined ? 1 : readCount(readElement(version.content)) + 1,
    serialNumber: readContent(serial, INTEGER),
    algorithm,
    innerAlgorithm,
    names: [issuer, subject],
    notBefore,
    notAfter,
    key,
    extensions,
    valueOf: (oid) => extensions.find((extension) => extension.oid === oid)?.value,
  };
}

function readExtensions(wrapped: Element | undefined): Extension[] {
  if (wrapped === undefined) return [];
  return readChildren(readWhole(wrapped.content), SEQUENCE).map((extension) => {
    const [oid, ...rest] = readChildren(extension, SEQUENCE);
    const critical = rest[0]?.tag === BOOLEAN ? rest.shift() : undefined;
    return {
      oid: readOid(oid),
      isCritical: critical !== undefined && critical.content[0] !== 0,
      value: readContent(rest[0], OCTET_STRING),
    };
  });
}

export function readBasicConstraints(
  value: Buffer | undefined,
): { readonly isCa: boolean; readonly pathLength: number | undefined } | undefined {
  if (value === undefined) return undefined;
  const parts = readChildren(readWhole(value), SEQUENCE);
  const flag = parts[0]?.tag === BOOLEAN ? parts.shift() : undefined;
  return {
    isCa: flag !== undefined && flag.content[0] !== 0,
    pathLength: parts[0] === undefined ? undefined : readCount(parts[0]),
  };
}

export function readKeyUsage(value: Buffer | undefined): string[] | undefined {
  if (value === undefined) return undefined;
  const octets = readContent(readWhole(value), BIT_STRING).subarray(1);
  return KEY_USAGES.filter((_name, bit) => ((octets[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
}

/**
 * An OCTET STRING, or the first member of AuthorityKeyIdentifier. Undefined if it is another form or
 * damaged.
 */
export function readKeyIdentifier(value: Buffer | undefined, tag: number): Buffer | undefined {
  if (value === undefined) return undefined;
  try {
    const element = readElement(value);
    if (tag === OCTET_STRING) return readContent(element, OCTET_STRING);
    return readChildren(element, SEQUENCE).find((member) => member.tag === KEY_IDENTIFIER)?.content;
  } catch {
    return undefined;
  }
}
