/**
 * Reads a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7). A key is checked before OpenSSL parses it, and types that
 * cannot sign for the service never reach OpenSSL.
 */
import { createPublicKey } from 'node:crypto';
import type { Element } from '../../measure/der.js';
import {
  bitLength,
  readBits,
  readChildren,
  readOid,
  readUnsigned,
  readWhole,
  SEQUENCE,
} from '../../measure/der.js';
import { EC, measurePoint, readCurve, UnknownCurve } from '../../measure/ec.js';
import { measureRsaPublicKey, RSA, RsaSizeError } from '../../measure/rsa.js';
import type { PublicKey } from './public-key.js';
import { DSA, ML_DSA_TYPES, OTHER_TYPES, RSA_PSS } from './public-key.js';

/**
 * Never fails on a key that is damaged or of another kind: the certificate around it may be one that nobody
 * needs.
 *
 * @param spki DER, a copy that belongs to the result
 * @throws Error if it is no SubjectPublicKeyInfo
 */
export async function readPublicKey(spki: Buffer): Promise<PublicKey> {
  const [algorithm, bits] = readChildren(readWhole(spki), SEQUENCE);
  const [kind, parameters] = readChildren(algorithm, SEQUENCE);
  const oid = readOid(kind);
  const octets = readBits(bits);
  if (oid === RSA) return readMeasured(spki, 'rsa', () => measureRsa(octets));
  if (oid === EC) return readMeasured(spki, 'ec', () => measureEc(octets, parameters));
  const mlDsa = ML_DSA_TYPES[oid];
  if (mlDsa !== undefined) return readMlDsa(spki, mlDsa);
  const detail = measureOther(oid, octets, parameters);
  return Object.freeze({ spki, type: OTHER_TYPES[oid], keyObject: undefined, detail });
}

type Measures = Pick<PublicKey, 'detail' | 'hasExplicitCurve'>;

function measureRsa(octets: Buffer): Measures {
  return { detail: `${measureRsaPublicKey(readWhole(octets))} bits` };
}

function measureEc(octets: Buffer, parameters: Element | undefined): Measures {
  const { curve, isNamed } = readCurve(parameters);
  measurePoint(octets, curve);
  return { detail: curve.name, hasExplicitCurve: !isNamed };
}

function readMeasured(spki: Buffer, type: string, measure: () => Measures): PublicKey {
  const key = { spki, type, keyObject: undefined };
  try {
    const measures = measure();
    const keyObject = createPublicKey({ key: spki, type: 'spki', format: 'der' });
    return Object.freeze({ ...key, keyObject, ...measures });
  } catch (error) {
    const isNamed = error instanceof UnknownCurve || error instanceof RsaSizeError;
    const flaw = isNamed ? error.message : `a damaged ${type.toUpperCase()} key`;
    return Object.freeze({ ...key, flaw });
  }
}

async function readMlDsa(spki: Buffer, type: string): Promise<PublicKey> {
  const { readMlDsaPublicKey } = await import('./ml-dsa.js');
  return readMlDsaPublicKey(spki, type);
}

/** The size of unsupported keys, for messages. */
function measureOther(oid: string, octets: Buffer, parameters: Element | undefined): string | undefined {
  try {
    if (oid === RSA_PSS) return measureRsa(octets).detail;
    if (oid === DSA) return `${bitLength(readUnsigned(readChildren(parameters, SEQUENCE)[0]))} bits`;
  } catch {
    // Damaged: its kind alone is named.
  }
  return undefined;
}
