/**
 * A strict DER reader: it accepts one encoding of each value, and throws an `Error` that names the rule for
 * every other, so that two readers cannot read a certificate in two ways.
 *
 * Not enforced, because CAs in use break them and nothing depends on them: the order of a SET OF, and the
 * omission of default values.
 * Rules: X.690 (BER and DER) sections 8, 10 and 11; RFC 5280 sections 4.1.2.4 (strings) and 4.1.2.5 (times)
 */

export interface Element {
  /** The first octet: class, constructed or not, number. */
  readonly tag: number;
  /** Without tag and length. */
  readonly content: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
  /** Empty for a primitive element. */
  readonly children: readonly Element[];
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

const CONSTRUCTED = 0x20;
const UNIVERSAL_LIMIT = 0x40;
/** Certificates have fewer than ten levels. */
const MAX_DEPTH = 32;

/** Reads one element with nothing after it. */
export function readElement(bytes: Uint8Array): Element {
  const octets = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { element, end } = readAt(octets, 0, 0);
  if (end !== octets.length) throw new Error(`DER: ${octets.length - end} octets after the end`);
  return element;
}

function readAt(octets: Buffer, start: number, depth: number): { element: Element; end: number } {
  const tag = octets[start];
  if (tag === undefined || depth > MAX_DEPTH) throw new Error('DER: ends too early, or is nested too deeply');
  if ((tag & 0x1f) === 0x1f) throw new Error('DER: a tag of several octets');
  const { length, begin } = readLength(octets, start + 1);
  const end = begin + length;
  if (end > octets.length) throw new Error('DER: an element is longer than what holds it');
  const content = octets.subarray(begin, end);
  const children: Element[] = [];
  if ((tag & CONSTRUCTED) !== 0) {
    for (let at = 0; at < content.length; ) {
      const child = readAt(content, at, depth + 1);
      children.push(child.element);
      at = child.end;
    }
  }
  const element = { tag, content, whole: octets.subarray(start, end), children };
  if (tag < UNIVERSAL_LIMIT) checkUniversal(element);
  return { element, end };
}

/** A definite length in the fewest octets, at most four. */
function readLength(octets: Buffer, at: number): { length: number; begin: number } {
  const first = octets[at];
  if (first === undefined) throw new Error('DER: ends too early, or is nested too deeply');
  if (first < 0x80) return { length: first, begin: at + 1 };
  const count = first & 0x7f;
  if (count === 0) throw new Error('DER: an indefinite length, which is BER');
  const begin = at + 1 + count;
  if (count > 4 || begin > octets.length) throw new Error('DER: an impossible length');
  const length = octets.readUIntBE(at + 1, count);
  const isShortest = length >= 0x80 && octets[at + 1] !== 0;
  if (!isShortest) throw new Error('DER: a length in more octets than it needs, which is BER');
  return { length, begin };
}

/** The rules for content, by universal tag. */
const RULES: Readonly<Record<number, readonly [isRight: (content: Buffer) => boolean, problem: string]>> = {
  [TAG.boolean]: [
    (content) => content.length === 1 && (content[0] === 0 || content[0] === 0xff),
    'a BOOLEAN that is neither 00 nor FF',
  ],
  [TAG.integer]: [isShortestInteger, 'an INTEGER in more octets than it needs, or in none'],
  [TAG.enumerated]: [isShortestInteger, 'an ENUMERATED in more octets than it needs, or in none'],
  [TAG.bitString]: [
    ({ length, 0: unused = 8 }) => unused < 8 && (unused === 0 || length > 1),
    'a BIT STRING of impossible length',
  ],
  [TAG.sequence & ~CONSTRUCTED]: [() => false, 'a primitive SEQUENCE'],
  [TAG.set & ~CONSTRUCTED]: [() => false, 'a primitive SET'],
};

function isShortestInteger({ length, 0: first = 0, 1: second = 0 }: Buffer): boolean {
  const isPadded = length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second > 0x7f));
  return length > 0 && !isPadded;
}

function checkUniversal({ tag, content }: Element): void {
  if ((tag & CONSTRUCTED) !== 0) {
    if (tag !== TAG.sequence && tag !== TAG.set) throw new Error('DER: a constructed string, which is BER');
    return;
  }
  const [isRight, problem] = RULES[tag] ?? [];
  if (isRight?.(content) === false) throw new Error(`DER: ${problem}`);
}

/** Returns the element if it has the tag, else throws. */
export function expectTag(element: Element | undefined, tag: number, what: string): Element {
  if (element?.tag === tag) return element;
  throw new Error(
    `${what}: expected tag ${tag.toString(16)}, found ${element?.tag.toString(16) ?? 'nothing'}`,
  );
}

/** Reads a two's complement number. */
export function readInteger(element: Element | undefined, what: string): bigint {
  const { content } = expectTag(element, TAG.integer, what);
  const hex = content.toString('hex');
  return BigInt.asIntN(hex.length * 4, BigInt(`0x${hex}`));
}

export function readOid(element: Element | undefined, what: string): string {
  const { content } = expectTag(element, TAG.oid, what);
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const octet of content) {
    if (arc === 0n && octet === 0x80) throw new Error(`${what}: an OBJECT IDENTIFIER with padding`);
    arc = (arc << 7n) | BigInt(octet & 0x7f);
    if (octet >= 0x80) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [head = 0n, ...rest] = arcs;
  if (arcs.length === 0 || (content.at(-1) ?? 0x80) >= 0x80) throw new Error(`${what}: no OBJECT IDENTIFIER`);
  const first = head < 80n ? head / 40n : 2n;
  return [first, head - first * 40n, ...rest].join('.');
}

/**
 * Reads UTCTime and GeneralizedTime in the form of RFC 5280: with seconds, in UTC, two-digit years from 1950
 * on.
 */
export function readTime(element: Element | undefined, what: string): Date {
  const text = element?.content.toString('latin1') ?? '';
  const isShort = element?.tag === TAG.utcTime;
  const century = Number(text.slice(0, 2)) < 50 ? '20' : '19';
  const full = isShort ? `${century}${text}` : text;
  const iso = full.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6.000Z');
  const date = new Date(iso);
  const isTime = isShort || element?.tag === TAG.generalizedTime;
  if (isTime && !Number.isNaN(date.getTime()) && date.toISOString() === iso) return date;
  throw new Error(`${what}: expected a time such as 20260131235959Z, found ${JSON.stringify(text)}`);
}

/** By tag. */
const STRINGS: Readonly<Record<number, (content: Buffer) => string>> = {
  12: (content) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content),
  18: decodeLatin1,
  19: decodeLatin1,
  // By the standard TeletexString has its own encoding; certificates use Latin-1.
  20: decodeLatin1,
  22: decodeLatin1,
  26: decodeLatin1,
  28: (content) => decodeFixed(content, 4),
  30: (content) => decodeFixed(content, 2),
};

function decodeLatin1(content: Buffer): string {
  return content.toString('latin1');
}

/** UniversalString and BMPString: code points of four or two octets. */
function decodeFixed(content: Buffer, width: number): string {
  if (content.length % width !== 0) throw new Error('DER: a string that ends in the middle of a character');
  const codes = Array.from({ length: content.length / width }, (_, index) =>
    content.readUIntBE(index * width, width),
  );
  return width === 2 ? String.fromCharCode(...codes) : String.fromCodePoint(...codes);
}

/** Undefined if the element is no string. */
export function readString({ tag, content }: Element): string | undefined {
  return STRINGS[tag]?.(content);
}
