/**
 * Encodes r and s, as TPMs and PKCS#11 tokens give them, as the ECDSA-Sig-Value that the service wants.
 *
 * Source: RFC 3279 §2.2.3; DER integers: X.690 §8.3.
 */

/** @param parts r and s, big-endian, with or without zeros in front */
export function encodeEcdsaSignature(parts: readonly Buffer[]): Buffer {
  const integers = parts.map(encodeInteger);
  return encode(0x30, Buffer.concat(integers));
}

function encodeInteger(value: Buffer): Buffer {
  const start = value.findIndex((octet) => octet !== 0);
  const significant = start === -1 ? Buffer.of(0) : value.subarray(start);
  const isNegative = (significant[0] ?? 0) >= 0x80;
  return encode(0x02, isNegative ? Buffer.concat([Buffer.of(0), significant]) : significant);
}

/** Lengths of up to 255 octets: two numbers of 66 octets have 139. */
function encode(tag: number, content: Buffer): Buffer {
  const length = content.length < 0x80 ? Buffer.of(content.length) : Buffer.of(0x81, content.length);
  return Buffer.concat([Buffer.of(tag), length, content]);
}
