/**
 * Repairs common damage of certificates and keys: UTF-16 by PowerShell, base64 around PEM by Kubernetes, line
 * ends written as the letters `\n` by JSON and environment files. For damage that it cannot repair, it names
 * the command that does.
 */
import { readElement, SEQUENCE } from '../measure/der.js';
import type { PemOrPath } from './identity-source.js';
import { isReference, mayBeContent } from './identity-source.js';
import { decodeBase64 } from './keys/pem.js';

export interface PlainForm {
  /** PEM or DER, in bytes of its own if it was converted. */
  readonly bytes: Buffer;
  /** The repaired damage, such as `base64 around PEM`. */
  readonly undone: readonly string[];
}

const QUOTED = 'text in quotes';
const BACKSLASH = 0x5c;
const BEGIN_MARK = '-----BEGIN ';
/** Base64 of PEM, as in Kubernetes secrets, and base64 of that, encoded again by mistake. */
const MAX_LAYERS = 3;

/** @param bytes may be changed, and are wiped if the result has bytes of its own */
export function toPlainForm(bytes: Buffer): PlainForm {
  if (bytes.indexOf(BEGIN_MARK) === 0 && !bytes.includes(BACKSLASH)) return { bytes, undone: [] };
  const undone: string[] = [];
  let plain = bytes;
  for (let layer = 0; layer < MAX_LAYERS; layer++) {
    const found = fromUtf16(plain) ?? fromBase64(plain);
    if (found === undefined) break;
    if (isQuote(firstOf(plain))) undone.push(QUOTED);
    if (plain !== found.bytes) plain.fill(0);
    plain = found.bytes;
    undone.push(found.form);
  }
  // Reading PEM passes over quotes, with the name of a variable before them.
  if (isQuote(plain[plain.indexOf(BEGIN_MARK) - 1])) undone.push(QUOTED);
  if (hasLetterNewlines(plain)) {
    undoLetterNewlines(plain);
    undone.push('line ends written as \\n');
  }
  return { bytes: plain, undone };
}

interface Layer {
  readonly bytes: Buffer;
  readonly form: string;
}

/** With a byte order mark or without. */
function fromUtf16(bytes: Buffer): Layer | undefined {
  const order = orderOf(bytes);
  if (order === undefined || bytes.length % 2 !== 0) return undefined;
  const text = Buffer.alloc(bytes.length / 2);
  for (let at = 0; at < text.length; at++) {
    const code = order === 'little' ? bytes.readUInt16LE(2 * at) : bytes.readUInt16BE(2 * at);
    // PEM is ASCII; other characters may stand around it.
    text[at] = code < 0x80 ? code : 0x20;
  }
  return { bytes: text, form: 'UTF-16' };
}

function orderOf([first, second]: Buffer): 'little' | 'big' | undefined {
  if ((first === 0xff && second === 0xfe) || (second === 0 && isPrintable(first))) return 'little';
  if ((first === 0xfe && second === 0xff) || (first === 0 && isPrintable(second))) return 'big';
  return undefined;
}

function isPrintable(octet: number | undefined): boolean {
  return octet !== undefined && (octet >= 0x20 || octet === 0x0a || octet === 0x0d) && octet < 0x7f;
}

/** Base64 of PEM, or of exactly one SEQUENCE of DER: nothing else passes for either. */
function fromBase64(bytes: Buffer): Layer | undefined {
  if (bytes[0] === SEQUENCE || bytes.includes(BEGIN_MARK)) return undefined;
  const decoded = decodeBase64(withoutQuotes(bytes));
  if (decoded === undefined) return undefined;
  if (decoded.includes(BEGIN_MARK)) return { bytes: decoded, form: 'base64 around PEM' };
  if (isWholeSequence(decoded)) return { bytes: decoded, form: 'base64 of DER' };
  if (decoded.includes(BASE64_OF_MARK)) return { bytes: decoded, form: 'base64 around base64' };
  decoded.fill(0);
  return undefined;
}

/** How base64 of `-----BEGIN ` begins. */
const BASE64_OF_MARK = 'LS0tLS1CRUdJTi';

function isWholeSequence(bytes: Buffer): boolean {
  try {
    const { tag, whole } = readElement(bytes);
    return tag === SEQUENCE && whole.length === bytes.length;
  } catch {
    return false;
  }
}

function isQuote(octet: number | undefined): boolean {
  return octet === 0x22 || octet === 0x27;
}

function isBlank(octet: number | undefined): boolean {
  return octet === 0x20 || octet === 0x0a || octet === 0x0d;
}

function firstOf(bytes: Buffer): number | undefined {
  return bytes.find((octet) => !isBlank(octet));
}

function withoutQuotes(bytes: Buffer): Buffer {
  let [start, end] = [0, bytes.length];
  while (start < end && (isBlank(bytes[start]) || isQuote(bytes[start]))) start++;
  while (end > start && (isBlank(bytes[end - 1]) || isQuote(bytes[end - 1]))) end--;
  return bytes.subarray(start, end);
}

/** Base64 and PEM have no backslash. */
function hasLetterNewlines(bytes: Buffer): boolean {
  return (
    bytes.includes(BEGIN_MARK) &&
    (bytes.includes('-\\n') || bytes.includes('-\\\\n') || bytes.includes('-\\r'))
  );
}

/** In place: each backslash, and the `n` or `r` behind it, becomes a line feed. */
function undoLetterNewlines(bytes: Buffer): void {
  for (let at = bytes.indexOf(BACKSLASH); at !== -1; at = bytes.indexOf(BACKSLASH, at + 1)) {
    let end = at;
    while (bytes[end] === BACKSLASH) end++;
    const isNewline = bytes[end] === 0x6e || bytes[end] === 0x72;
    bytes.fill(0x0a, at, isNewline ? end + 1 : at);
    at = end;
  }
}

/**
 * Whether the text of an option is the content itself and not a path: PEM, or base64 of PEM or DER. No path
 * is a hundred letters of base64 that decode to either.
 */
export function isContent(text: string): boolean {
  if (text.includes(BEGIN_MARK)) return true;
  if (!mayBeContent(text)) return false;
  const bytes = Buffer.from(text);
  const found = fromBase64(bytes);
  found?.bytes.fill(0);
  bytes.fill(0);
  return found !== undefined;
}

/** Whether an input is the path of a file: not bytes, PEM text, standard input or an object in a device. */
export function isPath(input: PemOrPath | undefined): input is string {
  return typeof input === 'string' && input !== '-' && !isContent(input) && !isReference(input);
}

export interface Unreadable {
  /** A description, as the end of a sentence. */
  readonly found: string;
  /** The command that repairs it. */
  readonly command: string;
}

const DASHES = "sed -E 's/[-–—]+(BEGIN|END) ([A-Z0-9 ]+[A-Z0-9])[-–—]+/-----\\1 \\2-----/' OLD > NEW";
const KEYTOOL = 'keytool -importkeystore -srckeystore OLD -destkeystore NEW.p12 -deststoretype PKCS12';

/** The octets before and after `BEGIN` that are checked: no part of a key is among them. */
const [BEFORE, BEHIND] = [24, 6];

/** Recognises common mistakes among files that are neither PEM nor DER. */
export function explainUnreadable(bytes: Buffer): Unreadable | undefined {
  const magic = bytes.toString('hex', 0, 4);
  if (magic === 'feedfeed') return { found: 'a Java keystore (JKS)', command: KEYTOOL };
  if (magic === 'cececece') {
    return { found: 'a Java keystore (JCEKS)', command: `${KEYTOOL} -srcstoretype JCEKS` };
  }
  const at = bytes.indexOf('BEGIN');
  if (at === -1) return undefined;
  const before = bytes.toString('utf8', Math.max(0, at - BEFORE), at);
  const behind = bytes.toString('utf8', at + 5, at + 5 + BEHIND);
  if (behind.startsWith('\u00a0') || /[\u00a0\u202f]/.test(before)) {
    const command = 'iconv -f UTF-8 -t ASCII//TRANSLIT OLD > NEW';
    return { found: 'PEM with non-breaking spaces', command };
  }
  if (/[\u2010-\u2015\u2212]\s*$/.test(before))
    return { found: 'PEM with typographic dashes', command: DASHES };
  if (/(^|[^-])-----$/.test(before)) {
    return {
      found: 'PEM that begins in the middle of a line',
      command: "sed 's/-----BEGIN/\\n&/' OLD > NEW",
    };
  }
  if (/-\s*$/.test(before)) return { found: 'PEM without five dashes before BEGIN', command: DASHES };
  return undefined;
}
