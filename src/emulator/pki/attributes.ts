/**
 * Maps attributes of a certificate to session tags, by the attribute mappings of a profile.
 *
 * Unknown, and decided here: attributes beyond the common ones have the names of OpenSSL and RFC 4514; an
 * attribute without a name needs a rule with its OID; the tags after the fiftieth are dropped.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/attribute-mapping.html and
 * …/trust-model.html; STS AssumeRole for the values of tags
 */
import type { Certificate } from './certificate.js';
import type { Attribute, DistinguishedName } from './names.js';
import { isCalled, isNamedAttribute } from './names.js';

/** An entry of a profile's `attributeMappings`. */
export type Mapping = {
  readonly certificateField: 'x509Subject' | 'x509Issuer' | 'x509SAN';
  readonly mappingRules: ReadonlyArray<{ readonly specifier: string }>;
};

/** An attribute that a rule asks for and that did not become a tag. */
export interface Unmapped {
  readonly field: Mapping['certificateField'];
  /** `OU`, `Name/CN`, `DNS/2`. */
  readonly key: string;
  readonly value: string;
  /** Undefined for names after the first of their kind: AWS documents that it does not map them. */
  readonly problem: string | undefined;
}

export interface SessionTags {
  /** `x509Subject/CN` → `host-1` */
  readonly tags: ReadonlyMap<string, string>;
  readonly unmapped: readonly Unmapped[];
}

/** An attribute: the tag's key without the field, and the value. */
type Mapped = readonly [key: string, value: string];

interface FieldAttributes {
  readonly mapped: readonly Mapped[];
  /** Names after the first of their kind, which are never mapped. */
  readonly surplus: readonly Mapped[];
}

const MAX_TAGS = 50;
/** The characters of a tag's value, and its length, in the user guide and STS. */
const VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@*]*$/u;
const FORBIDDEN = /[^\p{L}\p{Z}\p{N}_.:/=+\-@*]/u;
const MAX_VALUE_LENGTH = 256;

export function mapAttributes(certificate: Certificate, mappings: readonly Mapping[]): SessionTags {
  const tags = new Map<string, string>();
  const unmapped: Unmapped[] = [];
  for (const { certificateField: field, mappingRules } of mappings) {
    const specifiers = mappingRules.map(({ specifier }) => specifier);
    const { mapped, surplus } = readField(certificate, field, specifiers);
    for (const [key, value] of joinValues(mapped)) {
      const problem = findProblem(value, tags.size);
      if (problem === undefined) tags.set(`${field}/${key}`, value);
      else unmapped.push({ field, key, value, problem });
    }
    for (const [key, value] of surplus) {
      unmapped.push({ field, key, value, problem: undefined });
    }
  }
  return { tags, unmapped };
}

function findProblem(value: string, tagCount: number): string | undefined {
  if (!VALUE.test(value)) return `${JSON.stringify(FORBIDDEN.exec(value)?.[0])} is not allowed in a tag`;
  if (value.length > MAX_VALUE_LENGTH) return `at most ${MAX_VALUE_LENGTH} characters, found ${value.length}`;
  return tagCount < MAX_TAGS ? undefined : `at most ${MAX_TAGS} tags`;
}

function readField(
  certificate: Certificate,
  field: Mapping['certificateField'],
  specifiers: readonly string[],
): FieldAttributes {
  if (field === 'x509SAN') return readAlternativeNames(certificate, specifiers);
  const name = field === 'x509Subject' ? certificate.subject : certificate.issuer;
  return { mapped: readDistinguishedName(name, specifiers), surplus: [] };
}

/** `*` matches every attribute that has a short name. */
function readDistinguishedName({ rdns }: DistinguishedName, specifiers: readonly string[]): Mapped[] {
  const matches = (attribute: Attribute, specifier: string) =>
    specifier === '*' ? isNamedAttribute(attribute) : isCalled(attribute, specifier);
  return rdns.flat().flatMap((attribute) => {
    const isWanted = specifiers.some((specifier) => matches(attribute, specifier));
    return isWanted ? [[attribute.label, attribute.value] as const] : [];
  });
}

/**
 * Maps the first name of each kind: AWS was seen to report a second DNS name as `DNS/2`. `*` matches nothing
 * here, and `Name` means `Name/*`.
 */
function readAlternativeNames(certificate: Certificate, specifiers: readonly string[]): FieldAttributes {
  const wanted = specifiers.map((specifier) => specifier.toLowerCase());
  const fields = [
    ...(['DNS', 'URI'] as const)
      .filter((kind) => wanted.includes(kind.toLowerCase()))
      .map((kind) => readTextNames(certificate, kind)),
    readDirectoryNames(certificate, specifiers),
  ];
  return {
    mapped: fields.flatMap(({ mapped }) => mapped),
    surplus: fields.flatMap(({ surplus }) => surplus),
  };
}

function readTextNames({ alternativeNames }: Certificate, kind: 'DNS' | 'URI'): FieldAttributes {
  const names = alternativeNames.flatMap((name) =>
    name.kind === kind.toLowerCase() && 'text' in name ? [name.text] : [],
  );
  return {
    mapped: names.slice(0, 1).map((text) => [kind, text]),
    surplus: names.slice(1).map((text, index) => [`${kind}/${index + 2}`, text]),
  };
}

function readDirectoryNames(
  { alternativeNames }: Certificate,
  specifiers: readonly string[],
): FieldAttributes {
  const inName = specifiers.flatMap(
    (specifier) => /^name(?:\/(.*))?$/i.exec(specifier)?.map((part) => part ?? '*')[1] ?? [],
  );
  const names = alternativeNames.flatMap((name) => (name.kind === 'directory' ? [name.name] : []));
  const [first, ...others] = names;
  if (inName.length === 0 || first === undefined) return { mapped: [], surplus: [] };
  return {
    mapped: readDistinguishedName(first, inName).map(([key, value]) => [`Name/${key}`, value]),
    surplus: others.map(({ text }, index) => [`Name/${index + 2}`, text]),
  };
}

/** Several values of one attribute become one tag, joined with `/`. */
function joinValues(mapped: readonly Mapped[]): Map<string, string> {
  const joined = new Map<string, string>();
  for (const [key, value] of mapped) {
    const before = joined.get(key);
    joined.set(key, before === undefined ? value : `${before}/${value}`);
  }
  return joined;
}

/** The sentence that AWS adds to a refusal; undefined if every attribute was mapped. */
export function formatUnmapped({ unmapped }: SessionTags): string | undefined {
  if (unmapped.length === 0) return undefined;
  // AWS writes these spaces. The separator between two attributes is unknown.
  const list = (field: Mapping['certificateField']) =>
    `[ ${unmapped
      .filter((one) => one.field === field)
      .map(({ key }) => key)
      .join(', ')} ]`;
  return (
    'Some attributes failed to be mapped into session tags. ' +
    `Issuer: ${list('x509Issuer')}; Subject: ${list('x509Subject')}; SAN: ${list('x509SAN')}`
  );
}

/** For the log: each attribute with its value and the reason. */
export function explainUnmapped({ unmapped }: SessionTags): string | undefined {
  const items = unmapped.flatMap(({ field, key, value, problem }) =>
    problem === undefined ? [] : [`${field}/${key} ${JSON.stringify(value)}: ${problem}`],
  );
  if (items.length === 0) return undefined;
  return `attributes not mapped to session tags: ${items.join('; ')}`;
}
