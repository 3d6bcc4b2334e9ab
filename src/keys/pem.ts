/**
 * Bytes in, PEM blocks out (RFC 7468, lax: any text may stand before, between and after the blocks, lines may
 * end in CRLF, older RFC 1421 headers may follow the first line).
 *
 * It works on bytes, not on text: a private key that became a JavaScript string could never be wiped.
 */
import { IdentityError } from '../errors.js';

export interface PemBlock {
  /** What stands after `BEGIN`, such as `CERTIFICATE`. */
  readonly label: string;
  /** The whole block, a view into the input. */
  readonly text: Buffer;
  /** Encrypted by the old scheme of RFC 1421 (`Proc-Type: 4,ENCRYPTED`). */
  readonly isLegacyEncrypted: boolean;
}

const BEGIN_MARK = '-----BEGIN ';
const BEGIN_LINE = /^-----BEGIN ([A-Z0-9 #]+)-----$/;

/** Whether these bytes are PEM rather than DER: DER begins with the tag of a SEQUENCE. */
export function isPem(bytes: Buffer): boolean {
  return bytes.includes(BEGIN_MARK);
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
    const stop = bytes.indexOf('-----', at + BEGIN_MARK.length);
    const label = BEGIN_LINE.exec(bytes.toString('latin1', at, Math.min(stop + 5, at + 80)))?.[1];
    if (label === undefined)
      throw new IdentityError('ERR_PEM_INVALID', `${subject} has a damaged BEGIN line`);
    const endLine = `-----END ${label}-----`;
    const end = bytes.indexOf(endLine, at);
    const next = bytes.indexOf(BEGIN_MARK, at + 1);
    if (end === -1 || (next !== -1 && next < end)) {
      throw new IdentityError('ERR_PEM_INVALID', `${subject} is cut short: BEGIN ${label} without its END`);
    }
    const text = bytes.subarray(at, end + endLine.length);
    blocks.push({ label, text, isLegacyEncrypted: text.includes('Proc-Type: 4,ENCRYPTED') });
    at = next;
  }
  return blocks;
}

/**
 * The DER inside a block. Not for private keys: the base64 passes through a string.
 *
 * @throws IdentityError `ERR_PEM_INVALID`: not base64
 */
export function decodePem(block: PemBlock, subject: string): Buffer {
  const body = block.text
    .toString('latin1')
    .split(/\r?\n|\r/)
    .slice(1, -1)
    .join('')
    .replace(/\s+/g, '');
  if (body === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(body)) {
    throw new IdentityError('ERR_PEM_INVALID', `${subject} holds a ${block.label} block that is not base64`);
  }
  return Buffer.from(body, 'base64');
}
