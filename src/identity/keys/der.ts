/**
 * Bytes in, the elements of their ASN.1 encoding out (X.690, tag and length only): enough to find the parts of a key
 * file. It hands out views and copies nothing, so that whoever owns the bytes can wipe them.
 *
 * The indefinite lengths of BER are read too: PKCS#7 and PKCS#12 files may have them.
 */

export interface Element {
  /** The identifier octet: class, constructed bit and number. */
  readonly tag: number;
  /** A view of the value. */
  readonly content: Buffer;
  /** A view of tag, length and value. */
  readonly whole: Buffer;
}

export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OBJECT_IDENTIFIER = 0x06;
export const SEQUENCE = 0x30;

/** Deeper than any file of ours nests, and shallow enough for the stack. */
const MAX_DEPTH = 32;

/**
 * The element that begins at an offset; what stands behind it is left alone.
 *
 * @throws Error where the bytes are no such encoding, or are cut short
 */
export function readElement(bytes: Buffer, at = 0, depth = 0): Element {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  // Tags of more than one octet occur in none of the structures that are read here.
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
  if ((tag & 0x20) === 0) throw malformed();
  let end = at + 2;
  while (bytes[end] !== 0 || bytes[end + 1] !== 0) end += readElement(bytes, end, depth + 1).whole.length;
  return { tag, content: bytes.subarray(at + 2, end), whole: bytes.subarray(at, end + 2) };
}

/**
 * @param tag what the element must be
 * @throws Error where the bytes are no such encoding, or the element is another
 */
export function readChildren(element: Element | undefined, tag: number): Element[] {
  if (element?.tag !== tag) throw malformed();
  const children: Element[] = [];
  for (let at = 0; at < element.content.length; ) {
    const child = readElement(element.content, at);
    children.push(child);
    at += child.whole.length;
  }
  return children;
}

/** The value of an element that must be of a kind. */
export function readContent(element: Element | undefined, tag: number): Buffer {
  if (element?.tag !== tag) throw malformed();
  return element.content;
}

/** An object identifier in dotted decimals. */
export function readOid(element: Element | undefined): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of readContent(element, OBJECT_IDENTIFIER)) {
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

/** A count: what is beyond a safe integer comes out as infinity, what is negative as less than zero. */
export function readCount(element: Element | undefined): number {
  const octets = readContent(element, INTEGER);
  const [first] = octets;
  if (first === undefined) throw malformed();
  if (first >= 0x80) return -1;
  const significant = octets.subarray(octets.findIndex((octet) => octet !== 0));
  if (significant.length > 6) return Number.POSITIVE_INFINITY;
  return first === 0 && octets.every((octet) => octet === 0)
    ? 0
    : significant.readUIntBE(0, significant.length);
}

function malformed(): Error {
  return new Error('not the ASN.1 encoding that was expected');
}
