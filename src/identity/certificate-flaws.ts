/**
 * Finds flaws of a certificate that OpenSSL ignores and a stricter reader may refuse. It is not documented
 * whether the service refuses them.
 */
import { isUtf8 } from 'node:buffer';
import type { Element } from '../measure/der.js';
import { findDerFlaw, readChildren, readOid, SEQUENCE, SET } from '../measure/der.js';
import type { Fields } from './certificate-fields.js';
import { ID } from './certificate-fields.js';

/** Extensions that may be critical: the service evaluates them, or they have no effect. */
const UNDERSTOOD: readonly string[] = [
  ...[ID.basicConstraints, ID.keyUsage, ID.subjectAltName, ID.nameConstraints],
  ...[ID.extKeyUsage, ID.certificatePolicies],
];

/** Extensions whose values are structures that the rules check. */
const STRUCTURED: readonly string[] = [
  ID.basicConstraints,
  ID.keyUsage,
  ID.subjectAltName,
  ID.nameConstraints,
];

/** They require a policy, critical or not. */
const POLICY_DEMANDS: readonly string[] = [ID.policyConstraints, ID.inhibitAnyPolicy];

/**
 * RSA with PKCS#1 v1.5 (RFC 4055), ECDSA (RFC 5758), and both with SHA-1 or MD5, which another rule refuses;
 * ML-DSA.
 */
const WIDESPREAD =
  /^1\.2\.840\.(113549\.1\.1\.([2-5]|1[1-4])|10045\.4\.(1|3\.[1-4]))$|^2\.16\.840\.1\.101\.3\.4\.3\.1[7-9]$/;

const RSASSA_PSS = '1.2.840.113549.1.1.10';

/** Octets of a character, by the tag of the string: UniversalString, BMPString. */
const WIDTHS: Readonly<Record<number, number>> = { 28: 4, 30: 2 };
const UTF8_STRING = 12;

/** @returns each flaw as the end of a sentence, such as `an RSASSA-PSS signature` */
export function flawsOf(der: Buffer, fields: Fields): string[] {
  const { version, algorithm, innerAlgorithm, names, extensions } = fields;
  const values = extensions.filter(({ oid }) => STRUCTURED.includes(oid)).map(({ value }) => value);
  const oids = extensions.map(({ oid }) => oid);
  const unknown = extensions.filter(
    ({ oid, isCritical }) => POLICY_DEMANDS.includes(oid) || (isCritical && !UNDERSTOOD.includes(oid)),
  );
  const signature = readOid(readChildren(algorithm, SEQUENCE)[0]);
  return [
    [der, ...values].map((bytes) => findDerFlaw(bytes)).find((flaw) => flaw !== undefined),
    names.map(flawOfName).find((flaw) => flaw !== undefined),
    algorithm.whole.equals(innerAlgorithm.whole) ? undefined : 'two signature algorithms that differ',
    version !== 3 && extensions.length > 0
      ? `extensions, which need version 3, in version ${version}`
      : undefined,
    new Set(oids).size < oids.length ? 'an extension twice' : undefined,
    ...unknown.map(({ oid }) => `the extension ${oid}, which may be unsupported`),
    WIDESPREAD.test(signature) ? undefined : describeSignature(signature),
  ].filter((flaw) => flaw !== undefined);
}

function describeSignature(oid: string): string {
  return oid === RSASSA_PSS ? 'an RSASSA-PSS signature' : `a signature with the algorithm ${oid}`;
}

/** RFC 5280 §4.1.2.4: a sequence of sets of attributes, none of them empty, each string whole. */
function flawOfName(name: Element): string | undefined {
  try {
    for (const rdn of readChildren(name, SEQUENCE)) {
      const attributes = readChildren(rdn, SET);
      if (attributes.length === 0 || !attributes.every(isAttribute)) return DAMAGED_NAME;
    }
    return undefined;
  } catch {
    return DAMAGED_NAME;
  }
}

const DAMAGED_NAME = 'a damaged name';

function isAttribute(attribute: Element): boolean {
  const [type, value] = readChildren(attribute, SEQUENCE);
  readOid(type);
  if (value === undefined) return false;
  if (value.tag === UTF8_STRING) return isUtf8(value.content);
  return value.content.length % (WIDTHS[value.tag] ?? 1) === 0;
}
