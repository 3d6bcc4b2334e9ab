/**
 * Bytes in, PEM blocks out (RFC 7468, lax: any text may stand before, between and after the blocks, lines may be
 * indented and end in CRLF, RFC 1421 headers may follow the first line).
 *
 * It works on bytes, not on text: a private key that became a JavaScript string could never be wiped.
 */
import { IdentityError } from '../../errors.js';

export interface PemBlock {
  /** What stands after `BEGIN`, such as `CERTIFICATE`. */
  readonly label: string;
  /** The base64 between the first and the last line, without the headers: a view into the input. */
  readonly body: Buffer;
  /** `DEK-Info` of a block encrypted by the old scheme of RFC 1421, such as `AES-256-CBC,0011…`. */
  readonly dekInfo: string | undefined;
}

const BEGIN_MARK = '-----BEGIN ';
const BEGIN_LINE = /^-----BEGIN ([A-Z0-9 #]+)-----$/;
const LINE_FEED = 0x0a;

/** Whether these bytes are PEM. DER may have such text in it: it begins with a SEQUENCE of a length that no text has. */
export function isPem(bytes: Buffer): boolean {
  const [tag, length = 0] = bytes;
  const isDer = tag === 0x30 && length >= 0x80 && length <= 0x84;
  return !isDer && bytes.includes(BEGIN_MARK);
}

/**
 * @param subject how messages name the input, such as `certificate host.pem`
 * @throws IdentityError `ERR_PEM_INVALID`: a block without its end
 */
export function parsePem(bytes: Buffer, subject: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let at = bytes.indexOf(BEGIN_MARK);
  while (at !== -1) {
    // Only the line itself becomes a string: behind it a key may begin.
    const stop = bytes.indexOf('-----', at + BEGIN_MARK.length) + 5;
    const label = BEGIN_LINE.exec(bytes.toString('latin1', at, Math.min(stop, at + 80)))?.[1];
    if (label === undefined)
      throw new IdentityError('ERR_PEM_INVALID', `${subject} has a damaged BEGIN line`);
    const end = bytes.indexOf(`-----END ${label}-----`, at);
    const next = bytes.indexOf(BEGIN_MARK, at + 1);
    if (end === -1 || (next !== -1 && next < end)) {
      throw new IdentityError('ERR_PEM_INVALID', `${subject} is cut short: BEGIN ${label} without its END`);
    }
    blocks.push({ label, ...splitHeaders(bytes.subarray(stop, end)) });
    at = next;
  }
  return blocks;
}

/** RFC 1421 §4.4: headers have a colon, base64 has none, and an empty line ends them. */
function splitHeaders(text: Buffer): Pick<PemBlock, 'body' | 'dekInfo'> {
  const colon = text.lastIndexOf(':');
  if (colon === -1) return { body: text, dekInfo: undefined };
  const lineEnd = text.indexOf(LINE_FEED, colon);
  const bodyAt = lineEnd === -1 ? text.length : lineEnd;
  const headers = text.toString('latin1', 0, bodyAt);
  const isEncrypted = /^\s*Proc-Type:\s*4\s*,\s*ENCRYPTED/im.test(headers);
  const dekInfo = /^\s*DEK-Info:\s*(\S+)/im.exec(headers)?.[1];
  return { body: text.subarray(bodyAt), dekInfo: isEncrypted ? (dekInfo ?? '') : undefined };
}

/**
 * The DER inside a block, in bytes of its own.
 *
 * @throws IdentityError `ERR_PEM_INVALID`: not base64
 */
export function decodePem(block: PemBlock, subject: string): Buffer {
  const der = decodeBase64(block.body);
  if (der === undefined) {
    throw new IdentityError('ERR_PEM_INVALID', `${subject} holds a ${block.label} block that is not base64`);
  }
  return der;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const [BLANK, PADDING, FOREIGN] = [64, 65, 66];

/** What each octet of base64 stands for. */
const VALUES = new Uint8Array(256).fill(FOREIGN);
for (let value = 0; value < 64; value++) VALUES[ALPHABET.charCodeAt(value)] = value;
for (const blank of [' ', '\t', '\r', '\n']) VALUES[blank.charCodeAt(0)] = BLANK;
VALUES['='.charCodeAt(0)] = PADDING;

/** By hand, since Node decodes base64 from strings alone. Undefined where it is none. */
function decodeBase64(text: Buffer): Buffer | undefined {
  const octets = Buffer.alloc(Math.floor((text.length * 3) / 4));
  let [length, bits, count, padding] = [0, 0, 0, 0];
  for (const letter of text) {
    const value = VALUES[letter] ?? FOREIGN;
    if (value === BLANK) continue;
    if (value === PADDING) padding++;
    else if (value === FOREIGN || padding > 0) return undefined;
    else {
      bits = ((bits << 6) | value) & 0xffff;
      count += 6;
      if (count >= 8) {
        count -= 8;
        octets[length++] = bits >> count;
      }
    }
  }
  // A single letter over says nothing about an octet.
  return length === 0 || count === 6 || padding > 2 ? undefined : octets.subarray(0, length);
}
