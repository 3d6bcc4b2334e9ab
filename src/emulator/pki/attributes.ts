/**
 * What of a certificate becomes session tags. In: the certificate, and the attribute mappings of a profile. Out: tags,
 * and the attributes that could not become one.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/attribute-mapping.html and …/trust-model.html; STS
 * AssumeRole for what a tag's value may be. Unknown: how the service names attributes beyond the common ones (here as
 * OpenSSL and RFC 4514 do; an OID that has no name needs a rule of its own), and which tags it drops beyond fifty.
 */
import type { Certificate } from './certificate.js';
import type { Attribute, DistinguishedName } from './names.js';
import { isCalled, isNamedAttribute } from './names.js';

/** The shape of a profile's `attributeMappings`. */
export type Mapping = {
  readonly certificateField: 'x509Subject' | 'x509Issuer' | 'x509SAN';
  readonly mappingRules: ReadonlyArray<{ readonly specifier: string }>;
};

export interface SessionTags {
  /** `x509Subject/CN` → `host-1` */
  readonly tags: ReadonlyMap<string, string>;
  /** By field: attributes whose value no tag may have, and names after the first: `CN`, `DNS/2`. */
  readonly unmapped: Readonly<Record<Mapping['certificateField'], readonly string[]>>;
}

/** An attribute that a rule names: the rest of the tag's key, and the value. */
type Mapped = readonly [key: string, value: string];

const MAX_TAGS = 50;
/** Characters and length of a tag's value, as the user guide and STS have them. */
const VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@*]*$/u;
const MAX_VALUE_LENGTH = 256;

export function mapAttributes(certificate: Certificate, mappings: readonly Mapping[]): SessionTags {
  const tags = new Map<string, string>();
  const unmapped = { x509Subject: [] as string[], x509Issuer: [] as string[], x509SAN: [] as string[] };
  for (const { certificateField: field, mappingRules } of mappings) {
    const specifiers = mappingRules.map(({ specifier }) => specifier);
    const { mapped, surplus } = readField(certificate, field, specifiers);
    for (const [key, value] of joinValues(mapped)) {
      const isTag = VALUE.test(value) && value.length <= MAX_VALUE_LENGTH && tags.size < MAX_TAGS;
      if (isTag) tags.set(`${field}/${key}`, value);
      else unmapped[field].push(key);
    }
    unmapped[field].push(...surplus);
  }
  return { tags, unmapped };
}

function readField(
  certificate: Certificate,
  field: Mapping['certificateField'],
  specifiers: readonly string[],
) {
  if (field === 'x509SAN') return readAlternativeNames(certificate, specifiers);
  const name = field === 'x509Subject' ? certificate.subject : certificate.issuer;
  return { mapped: readDistinguishedName(name, specifiers), surplus: [] };
}

/** `*` stands for every attribute that has a short name. */
function readDistinguishedName({ rdns }: DistinguishedName, specifiers: readonly string[]): Mapped[] {
  const matches = (attribute: Attribute, specifier: string) =>
    specifier === '*' ? isNamedAttribute(attribute) : isCalled(attribute, specifier);
  return rdns.flat().flatMap((attribute) => {
    const isWanted = specifiers.some((specifier) => matches(attribute, specifier));
    return isWanted ? [[attribute.label, attribute.value] as const] : [];
  });
}

/**
 * Only the first name of each kind is mapped; the service was seen to report a second DNS name as `DNS/2`. `*` means
 * nothing here, and `Name` the same as `Name/*`.
 */
function readAlternativeNames({ alternativeNames }: Certificate, specifiers: readonly string[]) {
  const mapped: Mapped[] = [];
  const surplus: string[] = [];
  const addFirst = (key: string, count: number, first: readonly Mapped[]) => {
    mapped.push(...first);
    for (let index = 2; index <= count; index++) surplus.push(`${key}/${index}`);
  };
  const wanted = specifiers.map((specifier) => specifier.toLowerCase());
  for (const key of ['DNS', 'URI'] as const) {
    const names = alternativeNames.flatMap((name) =>
      name.kind === key.toLowerCase() && 'text' in name ? [name.text] : [],
    );
    if (wanted.includes(key.toLowerCase()))
      addFirst(
        key,
        names.length,
        names.slice(0, 1).map((text) => [key, text]),
      );
  }
  const inName = specifiers.flatMap(
    (specifier) => /^name(?:\/(.*))?$/i.exec(specifier)?.map((part) => part ?? '*')[1] ?? [],
  );
  const directories = alternativeNames.flatMap((name) => (name.kind === 'directory' ? [name.name] : []));
  const [first] = directories;
  if (inName.length > 0 && first !== undefined) {
    const attributes = readDistinguishedName(first, inName);
    addFirst(
      'Name',
      directories.length,
      attributes.map(([key, value]) => [`Name/${key}`, value]),
    );
  }
  return { mapped, surplus };
}

/** Several values of one attribute are one tag. */
function joinValues(mapped: readonly Mapped[]): Map<string, string> {
  const joined = new Map<string, string>();
  for (const [key, value] of mapped) {
    const before = joined.get(key);
    joined.set(key, before === undefined ? value : `${before}/${value}`);
  }
  return joined;
}

/** The sentence that the service adds to a refusal; `undefined` where every attribute was mapped. */
export function formatUnmapped({ unmapped }: SessionTags): string | undefined {
  const { x509Issuer, x509Subject, x509SAN } = unmapped;
  if (x509Issuer.length + x509Subject.length + x509SAN.length === 0) return undefined;
  // The blanks are the service's; what stands between two attributes is unknown.
  const list = (names: readonly string[]) => `[ ${names.join(', ')} ]`;
  return (
    'Some attributes failed to be mapped into session tags. ' +
    `Issuer: ${list(x509Issuer)}; Subject: ${list(x509Subject)}; SAN: ${list(x509SAN)}`
  );
}
