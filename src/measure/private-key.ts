/** Recognises the form of a private key, and measures it before OpenSSL sees it. */
import type { Curve } from './curves.js';
import type { Element } from './der.js';
import { INTEGER, OCTET_STRING, readChildren, readContent, readOid, readWhole, SEQUENCE } from './der.js';
import { EC, measureEcPrivateKey } from './ec.js';
import { measureRsaPrivateKey, RSA } from './rsa.js';

export type MeasuredPrivateKey =
  | { readonly kind: 'rsa'; readonly pkcs1: Buffer }
  /** The caller wipes `sec1`, a copy. */
  | { readonly kind: 'ec'; readonly sec1: Buffer; readonly curve: Curve }
  /** PKCS#8 with a key of another kind, which is not measured. */
  | {
      readonly kind: 'other';
      readonly oid: string;
      readonly inner: Buffer;
      readonly parameters: Element | undefined;
    };

/**
 * Each form begins with a version; the next element differs (RFC 5208 §5, RFC 8017 §A.1.2, RFC 5915 §3).
 *
 * @param key PKCS#8, PKCS#1 or SEC 1, not encrypted
 * @throws Error, UnknownCurve, RsaSizeError
 */
export function measurePrivateKey(key: Element): MeasuredPrivateKey {
  const [version, second, third] = readChildren(key, SEQUENCE);
  if (version?.tag !== INTEGER) throw new Error('not a private key');
  if (second?.tag === INTEGER) return measureRsa(key);
  if (second?.tag === OCTET_STRING) return measureEc(key.whole, undefined);
  const [algorithm, parameters] = readChildren(second, SEQUENCE);
  const oid = readOid(algorithm);
  const inner = readContent(third, OCTET_STRING);
  if (oid === RSA) return measureRsa(readWhole(inner));
  if (oid === EC) return measureEc(inner, parameters);
  return { kind: 'other', oid, inner, parameters };
}

function measureRsa(key: Element): MeasuredPrivateKey {
  measureRsaPrivateKey(key);
  return { kind: 'rsa', pkcs1: key.whole };
}

function measureEc(octets: Buffer, parameters: Element | undefined): MeasuredPrivateKey {
  const { der, curve } = measureEcPrivateKey(octets, parameters);
  return { kind: 'ec', sec1: der, curve };
}
