/**
 * Tells whether a CIDR block contains an address, IPv4 (RFC 791) or IPv6 (RFC 4291 section 2.2).
 *
 * Rules:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 * ("IP address condition operators")
 */
import type { Outcome } from './outcome.js';

interface Address {
  readonly bits: bigint;
  readonly length: 32 | 128;
}

/** A block without a prefix length is one address. Bits after the prefix are ignored. */
export function isInRange(address: string, block: string): Outcome {
  const [network = '', prefix, ...rest] = block.split('/');
  const found = parseAddress(address);
  const wanted = parseAddress(network);
  if (found === undefined || wanted === undefined || rest.length > 0) return 'unknown';
  const size = prefix === undefined ? wanted.length : Number(/^\d{1,3}$/.exec(prefix)?.[0] ?? Number.NaN);
  if (Number.isNaN(size) || size > wanted.length) return 'unknown';
  if (found.length !== wanted.length) return false;
  const shift = BigInt(wanted.length - size);
  return found.bits >> shift === wanted.bits >> shift;
}

function parseAddress(text: string): Address | undefined {
  const v4 = parseV4(text);
  return v4 === undefined ? parseV6(text) : { bits: v4, length: 32 };
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  const isAddress =
    parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && +part < 256);
  return isAddress ? parts.reduce((bits, part) => bits * 256n + BigInt(part), 0n) : undefined;
}

function parseV6(text: string): Address | undefined {
  const cut = text.indexOf('::');
  const [head, tail] = cut === -1 ? [text] : [text.slice(0, cut), text.slice(cut + 2)];
  const left = parseGroups(head ?? '');
  const right = tail === undefined ? [] : parseGroups(tail);
  if (left === undefined || right === undefined) return undefined;
  const missing = 8 - left.length - right.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...left, ...Array<bigint>(missing).fill(0n), ...right];
  const bits = groups.reduce((sum, group) => sum * 0x10000n + group, 0n);
  // A dual-stack socket reports the client 192.0.2.1 as `::ffff:192.0.2.1`.
  return bits >> 32n === 0xffffn ? { bits: bits & 0xffffffffn, length: 32 } : { bits, length: 128 };
}

/** Groups of hexadecimal digits; the last two may be an IPv4 address. */
function parseGroups(text: string): bigint[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const v4 = parseV4(parts.at(-1) ?? '');
  const words = v4 === undefined ? parts : parts.slice(0, -1);
  if (!words.every((word) => /^[0-9a-f]{1,4}$/i.test(word))) return undefined;
  const groups = words.map((word) => BigInt(`0x${word}`));
  return v4 === undefined ? groups : [...groups, v4 >> 16n, v4 & 0xffffn];
}
