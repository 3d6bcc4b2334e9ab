/**
 * Reads ASN.1 encodings (X.690): elements and their values, without a schema. It returns views and copies
 * nothing, so that the owner of the bytes can wipe them.
 *
 * It accepts BER, indefinite lengths included, because PKCS#7 and PKCS#12 files contain it and certification
 * authorities have issued certificates that are not quite DER. `findDerFlaw` names the first departure from
 * DER.
 */

export interface Element {
  /** The identifier octet: class, constructed bit and number. */
  readonly tag: number;
  /** A view of the value. */
  readonly content: Buffer;
  /** A view of tag, length and value. */
  readonly whole: Buffer;
}

export const BOOLEAN = 0x01;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OBJECT_IDENTIFIER = 0x06;
const ENUMERATED = 0x0a;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
export const SEQUENCE = 0x30;
export const SET = 0x31;
/** A context-specific constructed tag, such as `[0]`. */
export const CONTEXT = 0xa0;

const CONSTRUCTED = 0x20;
/** Deeper than any file that is read here nests, and shallow enough for the stack. */
const MAX_DEPTH = 32;

/** Octets of an object identifier: those in use have fewer than twenty. */
const MAX_IDENTIFIER = 64;
/**
 * Limit of the members of one element: no structure that is read here has more, and more would be an attack
 * on memory.
 */
const MAX_CHILDREN = 4096;

/**
 * The element that begins at an offset. What follows it is ignored.
 *
 * @throws Error where the bytes are no such encoding, or are cut short
 */
export function readElement(bytes: Buffer, at = 0, depth = 0): Element {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  // None of the structures that are read here has tags of more than one octet.
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f || depth > MAX_DEPTH)
    throw malformed();
  if (first === 0x80) return readIndefinite(bytes, at, depth);
  const lengthOctets = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + lengthOctets;
  if (lengthOctets > 4 || start > bytes.length) throw malformed();
  const end = start + (lengthOctets === 0 ? first : bytes.readUIntBE(at + 2, lengthOctets));
  if (end > bytes.length) throw malformed();
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) };
}

/** Elements until two zero octets (X.690 §8.1.3.6). */
function readIndefinite(bytes: Buffer, at: number, depth: number): Element {
  const tag = bytes[at] ?? 0;
  if ((tag & CONSTRUCTED) === 0) throw malformed();
  let end = at + 2;
  while (bytes[end] !== 0 || bytes[end + 1] !== 0) end += readElement(bytes, end, depth + 1).whole.length;
  return { tag, content: bytes.subarray(at + 2, end), whole: bytes.subarray(at, end + 2) };
}

/**
 * The one element that fills the bytes.
 *
 * @throws Error where something follows it
 */
export function readWhole(bytes: Buffer): Element {
  const element = readElement(bytes);
  if (element.whole.length !== bytes.length) throw malformed();
  return element;
}

/**
 * @param tag the expected tag of the element
 * @throws Error where the bytes are no such encoding, or the element has another tag
 */
export function readChildren(element: Element | undefined, tag: number): Element[] {
  const children: Element[] = [];
  const content = readContent(element, tag);
  for (let at = 0; at < content.length; ) {
    const child = readElement(content, at);
    children.push(child);
    if (children.length > MAX_CHILDREN) throw malformed();
    at += child.whole.length;
  }
  return children;
}

/**
 * How many elements an encoding has, down to its leaves and into its octet strings, without keeping any of
 * them.
 *
 * @returns at most `limit`, where counting ends; an identifier longer than any counts as that
 * @throws Error where the bytes are no such encoding
 */
export function countElements(bytes: Buffer, limit: number, depth = 0): number {
  let count = 0;
  for (let at = 0; at < bytes.length && count < limit; ) {
    const { tag, content, whole } = readElement(bytes, at, depth);
    if (tag === OBJECT_IDENTIFIER && content.length > MAX_IDENTIFIER) return limit;
    count += 1;
    if ((tag & CONSTRUCTED) !== 0) count += countElements(content, limit - count, depth + 1);
    else if (tag === OCTET_STRING && content[0] === SEQUENCE)
      count += countInside(content, limit - count, depth);
    at += whole.length;
  }
  return count;
}

/** Octet strings hold structures, or anything at all. */
function countInside(content: Buffer, limit: number, depth: number): number {
  try {
    return countElements(content, limit, depth + 1);
  } catch {
    return 0;
  }
}

/** The value of an element that must have a tag. */
export function readContent(element: Element | undefined, tag: number): Buffer {
  if (element?.tag !== tag) throw malformed();
  return element.content;
}

/** The octets of a BIT STRING of whole octets. */
export function readBits(element: Element | undefined): Buffer {
  const content = readContent(element, BIT_STRING);
  // X.690 §8.6.2: the first octet counts the unused bits of the last.
  if (content[0] !== 0) throw malformed();
  return content.subarray(1);
}

/** An object identifier in dotted decimals. */
export function readOid(element: Element | undefined): string {
  const arcs: number[] = [];
  let arc = 0;
  const octets = readContent(element, OBJECT_IDENTIFIER);
  if (octets.length > MAX_IDENTIFIER) throw malformed();
  for (const octet of octets) {
    arc = arc * 0x80 + (octet & 0x7f);
    if (octet < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  // X.690 §8.19.4: the first two arcs share a number.
  const [both = 0, ...rest] = arcs;
  const first = Math.min(Math.floor(both / 40), 2);
  return [first, both - 40 * first, ...rest].join('.');
}

/** A count: infinity beyond a safe integer, less than zero if it is negative. */
export function readCount(element: Element | undefined): number {
  const octets = readContent(element, INTEGER);
  const [first] = octets;
  if (first === undefined) throw malformed();
  if (first >= 0x80) return -1;
  const significant = withoutZeros(octets);
  if (significant.length > 6) return Number.POSITIVE_INFINITY;
  return significant.length === 0 ? 0 : significant.readUIntBE(0, significant.length);
}

/**
 * The octets of an INTEGER that must not be negative, without leading zeros: empty for zero.
 *
 * @throws Error if it is negative or has no octets
 */
export function readUnsigned(element: Element | undefined): Buffer {
  const octets = readContent(element, INTEGER);
  if ((octets[0] ?? 0x80) >= 0x80) throw malformed();
  return withoutZeros(octets);
}

export function withoutZeros(octets: Buffer): Buffer {
  const at = octets.findIndex((octet) => octet !== 0);
  return at === -1 ? octets.subarray(octets.length) : octets.subarray(at);
}

/** The number of bits of a number without leading zeros. */
export function bitLength(octets: Buffer): number {
  return octets.length === 0 ? 0 : octets.length * 8 - Math.clz32(octets[0] ?? 0) + 24;
}

/** Century and year of UTCTime's two digits (RFC 5280 §4.1.2.5.1). */
const UTC_FORM = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(Z|[+-]\d{4})$/;
const GENERALIZED_FORM = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:[.,]\d{1,9})?(Z|[+-]\d{4})$/;

/**
 * A UTCTime or GeneralizedTime, in any form of X.680 that names its zone; fractions of a second are dropped.
 *
 * @throws Error if it is neither, or is no date
 */
export function readTime({ tag, content }: Element): Date {
  const form = { [UTC_TIME]: UTC_FORM, [GENERALIZED_TIME]: GENERALIZED_FORM }[tag];
  const parts = form?.exec(content.toString('latin1', 0, 40));
  if (!parts) throw malformed();
  const [, years = '', month, day, hour, minute, second = '00', zone = 'Z'] = parts;
  const year = years.length === 4 ? years : `${Number(years) < 50 ? '20' : '19'}${years}`;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const local = new Date(iso);
  if (Number.isNaN(local.getTime()) || local.toISOString() !== iso) throw malformed();
  return new Date(local.getTime() - offsetOf(zone));
}

/** `+0130` in milliseconds. */
function offsetOf(zone: string): number {
  if (zone === 'Z') return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3))];
  if (hours > 23 || minutes > 59) throw malformed();
  return (zone.startsWith('-') ? -60_000 : 60_000) * (hours * 60 + minutes);
}

/**
 * The first departure from DER (X.690 §10 and §11), and from the times of RFC 5280 §4.1.2.5, as the end of a
 * sentence. It looks into constructed elements, not into octet strings.
 */
export function findDerFlaw(bytes: Buffer, depth = 0): string | undefined {
  for (let at = 0; at < bytes.length; ) {
    const { tag, content, whole } = readElement(bytes, at, depth);
    const header = whole.length - content.length;
    const flaw = flawOfLength(whole, header, content.length) ?? flawOfValue(tag, content, depth);
    if (flaw !== undefined) return flaw;
    at += whole.length;
  }
  return undefined;
}

function flawOfLength(whole: Buffer, header: number, length: number): string | undefined {
  if (whole[1] === 0x80) return 'an indefinite length';
  const shortest = length < 0x80 ? 2 : 2 + Math.ceil(bitLength(Buffer.from(uint32(length))) / 8);
  return header > shortest ? 'a length in more octets than it needs' : undefined;
}

function flawOfValue(tag: number, content: Buffer, depth: number): string | undefined {
  if ((tag & CONSTRUCTED) === 0) return PRIMITIVE_FLAWS[tag]?.(content);
  const isString = tag < 0x40 && tag !== SEQUENCE && tag !== SET;
  return isString ? 'a value in pieces' : findDerFlaw(content, depth + 1);
}

const PRIMITIVE_FLAWS: Readonly<Record<number, (content: Buffer) => string | undefined>> = {
  [BOOLEAN]: (content) =>
    content.length === 1 && (content[0] === 0 || content[0] === 0xff)
      ? undefined
      : 'a BOOLEAN that is neither 00 nor FF',
  [INTEGER]: flawOfInteger,
  [ENUMERATED]: flawOfInteger,
  [BIT_STRING]: ({ length, 0: unused = 8 }) =>
    unused < 8 && (unused === 0 || length > 1) ? undefined : 'a BIT STRING of impossible length',
  [OBJECT_IDENTIFIER]: flawOfIdentifier,
  // RFC 5280 §4.1.2.5.
  [UTC_TIME]: (content) => flawOfTime(content, /^\d{12}Z$/),
  [GENERALIZED_TIME]: (content) => flawOfTime(content, /^\d{14}Z$/),
};

function flawOfInteger({ length, 0: first = 0, 1: second = 0 }: Buffer): string | undefined {
  const isPadded = length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second > 0x7f));
  return isPadded || length === 0 ? 'an INTEGER in more octets than it needs, or in none' : undefined;
}

function flawOfIdentifier(content: Buffer): string | undefined {
  const isPadded = content.some((octet, at) => octet === 0x80 && (at === 0 || (content[at - 1] ?? 0) < 0x80));
  const isWhole = (content.at(-1) ?? 0x80) < 0x80;
  return isPadded || !isWhole ? 'a damaged OBJECT IDENTIFIER' : undefined;
}

function flawOfTime(content: Buffer, form: RegExp): string | undefined {
  return form.test(content.toString('latin1', 0, 20)) ? undefined : 'a time that is not in UTC to the second';
}

function uint32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return withoutZeros(octets);
}

/** DER of an element. The caller wipes it if it holds a key. */
export function encodeElement(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const octets = uint32(length);
  const header = length < 0x80 ? [tag, length] : [tag, 0x80 | octets.length, ...octets];
  return Buffer.concat([Buffer.from(header), ...parts]);
}

function malformed(): Error {
  return new Error('not the ASN.1 encoding that was expected');
}
