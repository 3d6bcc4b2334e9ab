/** Writes DER for tests, good and bad: independent of the reader under test. */

export function der(tag: number, ...parts: readonly (Uint8Array | number[])[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const { length } = content;
  const octets =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...octets]), content]);
}

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(0x30, ...parts);
}

export function octets(content: Uint8Array): Buffer {
  return der(0x04, content);
}

export function bits(content: Uint8Array): Buffer {
  return der(0x03, [0], content);
}

/** A number of zero or more, in the fewest octets. */
export function integer(value: bigint | number): Buffer {
  const hex = BigInt(value).toString(16);
  const content = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return der(0x02, (content[0] ?? 0) >= 0x80 ? [0] : [], content);
}

export function oid(dotted: string): Buffer {
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt);
  const groups = [first * 40n + second, ...rest].map((arc) => {
    const found = [Number(arc & 0x7fn)];
    for (let left = arc >> 7n; left > 0n; left >>= 7n) found.unshift(Number(left & 0x7fn) | 0x80);
    return found;
  });
  return der(0x06, groups.flat());
}

/** A number in a fixed count of octets. */
export function fixed(value: bigint, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex');
}
