/**
 * Reads PEM (RFC 7468, lax): any text may stand before, between and after the blocks, lines may be indented,
 * quoted and end in CRLF, a whole file may stand in one line, and RFC 1421 headers may follow the first line.
 *
 * It works on bytes, not on text: a private key that became a JavaScript string could never be wiped.
 */
import { IdentityError } from '../../errors.js';

export interface PemBlock {
  /** The word after `BEGIN`, such as `CERTIFICATE`. */
  readonly label: string;
  /** The base64 between the first and the last line, without the headers: a view into the input. */
  readonly body: Buffer;
  /** `DEK-Info` of a block encrypted by the old scheme of RFC 1421, such as `AES-256-CBC,0011…`. */
  readonly dekInfo: string | undefined;
}

export interface PemBlocks {
  readonly blocks: readonly PemBlock[];
  /** The damage of the first unreadable block, such as `is cut short: BEGIN CERTIFICATE without its END`. */
  readonly damage: string | undefined;
}

const BEGIN_MARK = '-----BEGIN ';
const END_MARK = '-----END ';
const BEGIN_LINE = /^-----BEGIN ([A-Z0-9 #]+)-----$/;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** No chain with its keys has more blocks; Debian's bundle of authorities has 144. */
const MAX_BLOCKS = 256;
/**
 * The text allowed between the start of a line and a mark: spaces (also those of web pages in UTF-8: U+FEFF,
 * U+00A0, U+200B), quotes, the name of a variable.
 */
const MAX_PREFIX = 200;
const PREFIX = /^(?:[ \t]|\xef\xbb\xbf|\xc2\xa0|\xe2\x80\x8b)*(?:(?:export )?[A-Za-z_]\w*=)?["'`]?$/;
/** In JSON: the quote after a name, or after the text before it in an array. */
const JSON_PREFIX = /(?:":[ \t]?\[?[ \t]?|^[ \t]*",[ \t]?)"$/;
const MAX_JSON_PREFIX = 16;

/**
 * Whether these bytes are PEM. DER may contain such text: it begins with a SEQUENCE of a length that no text
 * has.
 */
export function isPem(bytes: Buffer): boolean {
  const [tag, length = 0] = bytes;
  const isDer = tag === 0x30 && length >= 0x80 && length <= 0x84;
  return !isDer && bytes.includes(BEGIN_MARK);
}

/**
 * @param subject how messages name the input, such as `certificate host.pem`
 * @param most how many blocks there may be
 * @throws IdentityError `ERR_PEM_INVALID`: more blocks
 */
export function parsePem(bytes: Buffer, subject: string, most = MAX_BLOCKS): PemBlocks {
  const blocks: PemBlock[] = [];
  let damage: string | undefined;
  let [at, last, end, count] = [findMark(bytes, 0, 0), 0, 0, 0];
  while (at !== -1) {
    count += 1;
    if (count > most) throw tooMany(subject, most);
    const next = findMark(bytes, at + 1, last);
    // Searched for once, however many blocks lack theirs.
    if (end !== -1 && end <= at) end = bytes.indexOf(END_MARK, at);
    const found = readBlock(bytes, at, next !== -1 && next < end ? -1 : end);
    if (typeof found === 'string') {
      damage ??= found;
      at = next;
    } else {
      blocks.push(found);
      last = bytes.indexOf('-----', end + END_MARK.length) + 5;
      at = findMark(bytes, last, last);
    }
  }
  return { blocks, damage };
}

function tooMany(subject: string, most: number): IdentityError {
  return new IdentityError('ERR_PEM_INVALID', `${subject} may hold at most ${most} PEM blocks`, {
    hint: 'give the certificates between this one and the trust anchor alone',
  });
}

/** @param end where the END mark is; -1 for none */
function readBlock(bytes: Buffer, at: number, end: number): PemBlock | string {
  // Only the line itself becomes a string: a key may begin after it.
  const stop = bytes.indexOf('-----', at + BEGIN_MARK.length) + 5;
  const label = BEGIN_LINE.exec(bytes.toString('latin1', at, Math.min(stop, at + 80)))?.[1];
  if (label === undefined) return 'has a damaged BEGIN line';
  const mark = `${END_MARK}${label}-----`;
  const isEnded = end !== -1 && bytes.toString('latin1', end, end + mark.length) === mark;
  if (!isEnded) return `is cut short: BEGIN ${label} without its END`;
  return { label, ...splitHeaders(bytes.subarray(stop, end)) };
}

/**
 * The next mark from an offset on. One counts at the start of a line, directly after the last block, or as the
 * start of a JSON text: prose may speak of `-----BEGIN`.
 */
function findMark(bytes: Buffer, from: number, last: number): number {
  for (let at = bytes.indexOf(BEGIN_MARK, from); at !== -1; at = bytes.indexOf(BEGIN_MARK, at + 1)) {
    if (isMark(bytes, at, last)) return at;
  }
  return -1;
}

function isMark(bytes: Buffer, at: number, last: number): boolean {
  if (JSON_PREFIX.test(bytes.toString('latin1', Math.max(last, at - MAX_JSON_PREFIX), at))) return true;
  const lowest = Math.max(last, at - MAX_PREFIX);
  let start = at;
  while (start > lowest && bytes[start - 1] !== LINE_FEED && bytes[start - 1] !== CARRIAGE_RETURN) start--;
  const isLineStart = start > lowest || start === last;
  return isLineStart && PREFIX.test(bytes.toString('latin1', start, at));
}

/** RFC 1421 §4.4: headers have a colon, base64 has none, and an empty line ends them. */
function splitHeaders(text: Buffer): Pick<PemBlock, 'body' | 'dekInfo'> {
  const colon = text.lastIndexOf(':');
  if (colon === -1) return { body: text, dekInfo: undefined };
  const lineEnd = text.indexOf(LINE_FEED, colon);
  const bodyAt = lineEnd === -1 ? text.length : lineEnd;
  const headers = new Map(text.toString('latin1', 0, bodyAt).split('\n').map(splitHeader));
  const [version, type] = (headers.get('proc-type') ?? '').split(',').map((part) => part.trim());
  const isEncrypted = version === '4' && type?.toUpperCase() === 'ENCRYPTED';
  const dekInfo = headers.get('dek-info') ?? '';
  return { body: text.subarray(bodyAt), dekInfo: isEncrypted ? dekInfo : undefined };
}

function splitHeader(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(':');
  return [line.slice(0, Math.max(colon, 0)).trim().toLowerCase(), line.slice(colon + 1).trim()];
}

/**
 * The DER inside a block, in bytes of its own.
 *
 * @throws IdentityError `ERR_PEM_INVALID`: not base64
 */
export function decodePem(block: PemBlock, subject: string): Buffer {
  const der = decodeBase64(block.body);
  if (der !== undefined) return der;
  throw new IdentityError('ERR_PEM_INVALID', `${subject} holds a ${block.label} block that is not base64`, {
    hint: block.body.includes(NO_BREAK_SPACE)
      ? 'it has non-breaking spaces: iconv -f UTF-8 -t ASCII//TRANSLIT OLD > NEW'
      : undefined,
  });
}

const NO_BREAK_SPACE = '\u00a0';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const [BLANK, PADDING, FOREIGN] = [64, 65, 66];

/** The value of each character of base64. */
const VALUES = new Uint8Array(256).fill(FOREIGN);
for (let value = 0; value < 64; value++) VALUES[ALPHABET.charCodeAt(value)] = value;
for (const blank of [' ', '\t', '\r', '\n']) VALUES[blank.charCodeAt(0)] = BLANK;
VALUES['='.charCodeAt(0)] = PADDING;

/** By hand, since Node decodes base64 from strings alone. Undefined if it is none; the caller wipes it. */
export function decodeBase64(text: Buffer): Buffer | undefined {
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
  // A single remaining character does not make an octet.
  return length === 0 || count === 6 || padding > 2 ? undefined : octets.subarray(0, length);
}
