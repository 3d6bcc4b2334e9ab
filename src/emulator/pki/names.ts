/**
 * Reads the names in certificates: distinguished names, comparable, and general names.
 *
 * Rules: RFC 5280 sections 4.1.2.4 (Name), 4.2.1.6 (GeneralName) and 7.1 (comparison); short names of
 * attributes are those of RFC 4514 and OpenSSL
 */
import type { Element } from './der.js';
import { expectTag, readElement, readOid, readString, TAG } from './der.js';

export interface Attribute {
  readonly oid: string;
  /** `CN`; the OID of an attribute without a short name. */
  readonly label: string;
  /** The text; for other values `#` and the DER in hexadecimal. */
  readonly value: string;
}

export interface DistinguishedName {
  /** In the order of the certificate, nearly always one attribute each. */
  readonly rdns: ReadonlyArray<readonly Attribute[]>;
  /** A comparable text for each RDN: case and runs of spaces folded, compatibility forms unified. */
  readonly keys: readonly string[];
  /** All keys: two names are equal if these are. */
  readonly key: string;
  /** `C=DE, O=Example, CN=host-1`, in the order of the certificate. Empty for an empty name. */
  readonly text: string;
}

export type GeneralName =
  | { readonly kind: 'dns' | 'uri' | 'email'; readonly text: string }
  | { readonly kind: 'directory'; readonly name: DistinguishedName }
  /** 4 or 16 octets; in name constraints twice as many, address and mask. */
  | { readonly kind: 'ip'; readonly octets: Buffer }
  /** otherName, x400Address, ediPartyName, registeredID: by tag. */
  | { readonly kind: 'unsupported'; readonly tag: number };

export const COMMON_NAME = '2.5.4.3';
export const EMAIL_ADDRESS = '1.2.840.113549.1.9.1';

/** The short name first, then the other common names. */
const LABELS: Readonly<Record<string, readonly string[]>> = {
  [COMMON_NAME]: ['CN', 'commonName'],
  '2.5.4.4': ['SN', 'surname'],
  '2.5.4.5': ['serialNumber'],
  '2.5.4.6': ['C', 'countryName'],
  '2.5.4.7': ['L', 'localityName'],
  '2.5.4.8': ['ST', 'S', 'stateOrProvinceName'],
  '2.5.4.9': ['street', 'streetAddress'],
  '2.5.4.10': ['O', 'organizationName'],
  '2.5.4.11': ['OU', 'organizationalUnitName'],
  '2.5.4.12': ['title', 'T'],
  '2.5.4.42': ['GN', 'givenName'],
  '2.5.4.43': ['initials'],
  '2.5.4.44': ['generationQualifier', 'generation'],
  '2.5.4.46': ['dnQualifier', 'DNQ'],
  '2.5.4.65': ['pseudonym'],
  '2.5.4.97': ['organizationIdentifier'],
  [EMAIL_ADDRESS]: ['emailAddress', 'E', 'email'],
  '0.9.2342.19200300.100.1.1': ['UID', 'userId'],
  '0.9.2342.19200300.100.1.25': ['DC', 'domainComponent'],
};

export function isNamedAttribute({ oid }: Attribute): boolean {
  return oid in LABELS;
}

/** Whether a specifier, a short name or an OID, means this attribute. */
export function isCalled({ oid }: Attribute, specifier: string): boolean {
  const wanted = specifier.toLowerCase();
  return oid === wanted || LABELS[oid]?.some((label) => label.toLowerCase() === wanted) === true;
}

export function readName(element: Element | undefined, what: string): DistinguishedName {
  const rdns = expectTag(element, TAG.sequence, what).children.map((rdn) => {
    const attributes = expectTag(rdn, TAG.set, what).children.map((pair) => readAttribute(pair, what));
    if (attributes.length === 0) throw new Error(`${what}: an empty relative distinguished name`);
    return attributes;
  });
  const keys = rdns.map((rdn) =>
    JSON.stringify(rdn.map(({ oid, value }) => [oid, fold(value)].join('=')).sort()),
  );
  const text = rdns
    .map((rdn) => rdn.map(({ label, value }) => `${label}=${value.replace(/[\\,+]/g, '\\$&')}`).join('+'))
    .join(', ');
  return { rdns, keys, key: keys.join(), text };
}

function readAttribute(pair: Element, what: string): Attribute {
  const [type, value] = expectTag(pair, TAG.sequence, what).children;
  const oid = readOid(type, what);
  if (value === undefined) throw new Error(`${what}: an attribute without a value`);
  const text = readString(value) ?? `#${value.whole.toString('hex')}`;
  return { oid, label: LABELS[oid]?.[0] ?? oid, value: text };
}

/** The part of RFC 4518 (section 7.1) that matters here. */
function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}

/** The values of one attribute, in the order of the certificate. */
export function valuesOf({ rdns }: DistinguishedName, oid: string): string[] {
  return rdns.flat().flatMap((attribute) => (attribute.oid === oid ? [attribute.value] : []));
}

export function readGeneralNames(der: Buffer): GeneralName[] {
  return expectTag(readElement(der), TAG.sequence, 'subjectAltName').children.map(readGeneralName);
}

export function readGeneralName(element: Element): GeneralName {
  const { tag, content, children } = element;
  const text = content.toString('latin1');
  if (tag === 0x81) return { kind: 'email', text };
  if (tag === 0x82) return { kind: 'dns', text };
  if (tag === 0x86) return { kind: 'uri', text };
  if (tag === 0x87) return { kind: 'ip', octets: content };
  if (tag === 0xa4) return { kind: 'directory', name: readName(children[0], 'directoryName') };
  if (tag >= 0x80 && (tag & 0x1f) <= 8) return { kind: 'unsupported', tag };
  throw new Error(`general name: unknown form, tag ${tag.toString(16)}`);
}

export function formatGeneralName(name: GeneralName): string {
  if (name.kind === 'directory') return `directory ${name.name.text}`;
  if (name.kind === 'ip') return `ip ${name.octets.toString('hex')}`;
  return name.kind === 'unsupported' ? `form ${name.tag & 0x1f}` : `${name.kind} ${name.text}`;
}
