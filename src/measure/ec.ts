/**
 * Checks elliptic curve keys: the values of scalars and points are checked before OpenSSL parses them. An
 * out-of-range scalar ends the process inside OpenSSL 3.0, where nothing can catch it.
 */
import { createECDH } from 'node:crypto';
import type { Curve } from './curves.js';
import { CURVES } from './curves.js';
import type { Element } from './der.js';
import {
  BIT_STRING,
  CONTEXT,
  encodeElement,
  INTEGER,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  readBits,
  readChildren,
  readContent,
  readCount,
  readElement,
  readOid,
  readUnsigned,
  SEQUENCE,
  withoutZeros,
} from './der.js';

/** id-ecPublicKey (RFC 5480 §2.1.1). */
export const EC = '1.2.840.10045.2.1';

export interface CurveParameters {
  readonly curve: Curve;
  /** Whether the curve is named, as RFC 5480 §2.1.1 demands, or written out. */
  readonly isNamed: boolean;
}

const PRIME_FIELD = '1.2.840.10045.1.1';

/** The error for a key whose curve is not in the table; the message describes the key. */
export class UnknownCurve extends Error {}

/**
 * @param parameters of the AlgorithmIdentifier, or `[0]` of SEC 1
 * @throws UnknownCurve
 * @throws Error if they are damaged or absent
 */
export function readCurve(parameters: Element | undefined): CurveParameters {
  if (parameters?.tag === OBJECT_IDENTIFIER) {
    const oid = readOid(parameters);
    const curve = CURVES.find((row) => row.oid === oid);
    if (curve === undefined) throw new UnknownCurve(`an EC key on the curve ${oid}`);
    return { curve, isNamed: true };
  }
  // SEC 1 §C.2: version, field, curve, base point, order.
  const [, field, , , order] = readChildren(parameters, SEQUENCE);
  const [kind, prime] = readChildren(field, SEQUENCE);
  const curve =
    readOid(kind) === PRIME_FIELD
      ? CURVES.find(
          (row) =>
            withoutZeros(row.prime).equals(readUnsigned(prime)) &&
            withoutZeros(row.order).equals(readUnsigned(order)),
        )
      : undefined;
  if (curve === undefined) throw new UnknownCurve('an EC key whose parameters are those of no known curve');
  return { curve, isNamed: false };
}

/**
 * A point in the forms of SEC 1 §2.3.3: compressed or not; neither the point at infinity nor the hybrid form,
 * which no certificate may have (RFC 5480 §2.2). That it is on the curve is left to OpenSSL.
 *
 * @throws Error
 */
export function measurePoint(point: Buffer, { length, prime }: Curve): void {
  const form = point[0];
  const coordinates = form === 4 ? 2 : form === 2 || form === 3 ? 1 : 0;
  const isWhole = coordinates > 0 && point.length === 1 + coordinates * length;
  const [x, y] = [point.subarray(1, 1 + length), point.subarray(1 + length)];
  const isInField = Buffer.compare(x, prime) < 0 && (y.length === 0 || Buffer.compare(y, prime) < 0);
  if (!isWhole || !isInField) throw new Error('not a point of the curve');
}

/**
 * The private scalar by its value, 1 ≤ d < n, in as many octets as the curve requires (RFC 5915 §3 leaves
 * zeros to writers, who disagree).
 *
 * @returns octets that the caller wipes
 * @throws Error
 */
function measureScalar(octets: Buffer, { length, order }: Curve): Buffer {
  const significant = withoutZeros(octets);
  if (significant.length > length) throw new Error('a private scalar that is longer than its curve');
  const scalar = Buffer.alloc(length);
  significant.copy(scalar, length - significant.length);
  if (significant.length > 0 && Buffer.compare(scalar, order) < 0) return scalar;
  scalar.fill(0);
  throw new Error('a private scalar that is not between 1 and the order of its curve');
}

export interface EcPrivateKey {
  readonly curve: Curve;
  /** SEC 1, with the public half that belongs to the scalar. The caller wipes it. */
  readonly der: Buffer;
}

/**
 * ECPrivateKey of RFC 5915, measured and written anew for OpenSSL, which takes a public half for granted: it
 * is computed from the scalar, and compared with the one given.
 *
 * @param outer the parameters of the PKCS#8 file around it
 * @throws UnknownCurve
 * @throws Error where the key is damaged
 */
export function measureEcPrivateKey(sec1: Buffer, outer: Element | undefined): EcPrivateKey {
  const [version, content, ...options] = readChildren(readElement(sec1), SEQUENCE);
  const inner = options.find(({ tag }) => tag === CONTEXT);
  const { curve } = readCurve(outer ?? (inner && readElement(inner.content)));
  const bits = options.find(({ tag }) => tag === CONTEXT + 1);
  const point = bits && readBits(readElement(bits.content));
  if (point !== undefined) measurePoint(point, curve);
  if (readCount(version) !== 1) throw new Error('not an ECPrivateKey');
  const scalar = measureScalar(readContent(content, OCTET_STRING), curve);
  try {
    const computed = pointOf(curve, scalar);
    if (point !== undefined && !isSamePoint(point, computed)) {
      throw new Error('its public half belongs to another key');
    }
    return { curve, der: encodeEcPrivateKey(curve, scalar, computed) };
  } finally {
    scalar.fill(0);
  }
}

/**
 * The point of a scalar, uncompressed. Not by importing a key without its public half, which BoringSSL (bun)
 * refuses.
 *
 * @throws UnknownCurve
 */
function pointOf(curve: Curve, scalar: Buffer): Buffer {
  try {
    const exchange = createECDH(curve.name);
    exchange.setPrivateKey(scalar);
    return exchange.getPublicKey();
  } catch (cause) {
    throw new UnknownCurve(`an EC key on ${curve.name}, which this runtime does not have`, { cause });
  }
}

/** @param given compressed or not */
function isSamePoint(given: Buffer, whole: Buffer): boolean {
  if (given[0] === 4) return given.equals(whole);
  const x = whole.subarray(1, 1 + (whole.length - 1) / 2);
  return given.equals(Buffer.concat([Buffer.from([2 + ((whole.at(-1) ?? 0) & 1)]), x]));
}

/**
 * A checked key as SEC 1 DER, with the public half if it is given.
 *
 * @returns octets that the caller wipes
 */
function encodeEcPrivateKey(curve: Curve, scalar: Buffer, point?: Buffer): Buffer {
  const inside = encodeElement(OCTET_STRING, scalar);
  const named = encodeElement(CONTEXT, encodeElement(OBJECT_IDENTIFIER, encodeOid(curve.oid)));
  const bits = point && encodeElement(CONTEXT + 1, encodeElement(BIT_STRING, Buffer.alloc(1), point));
  try {
    return encodeElement(SEQUENCE, Buffer.from([INTEGER, 1, 1]), inside, named, ...(bits ? [bits] : []));
  } finally {
    inside.fill(0);
  }
}

function encodeOid(oid: string): Buffer {
  const [first = 0, second = 0, ...rest] = oid.split('.').map(Number);
  const octets = [40 * first + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 0x80); left > 0; left = Math.floor(left / 0x80)) {
      groups.unshift(0x80 | (left & 0x7f));
    }
    return groups;
  });
  return Buffer.from(octets);
}
