/** Encodes an ECDSA signature of r and s side by side, as tokens and key services give it, in DER. */
import { encodeElement, INTEGER, SEQUENCE, withoutZeros } from '../../measure/der.js';

/**
 * ECDSA-Sig-Value (RFC 3279 §2.2.3).
 *
 * @param pair r and s, big-endian, of the same length
 */
export function encodeEcdsaSignature(pair: Uint8Array): Buffer {
  const octets = Buffer.from(pair);
  const half = octets.length / 2;
  return encodeElement(SEQUENCE, ...[octets.subarray(0, half), octets.subarray(half)].map(encodeNumber));
}

function encodeNumber(octets: Buffer): Buffer {
  const significant = withoutZeros(octets);
  const sign = (significant[0] ?? 0x80) >= 0x80 ? [0] : [];
  return encodeElement(INTEGER, Buffer.from(sign), significant);
}
