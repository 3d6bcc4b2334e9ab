/**
 * Reads keys from outside, each measured before OpenSSL sees it: an impossible scalar or point ends the
 * process inside OpenSSL 3.0, where nothing can catch it.
 */
import type { KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { Element } from '../measure/der.js';
import {
  INTEGER,
  OCTET_STRING,
  readBits,
  readChildren,
  readContent,
  readElement,
  readOid,
  readWhole,
  SEQUENCE,
} from '../measure/der.js';
import { measureEcPrivateKey, measurePoint, readCurve } from '../measure/ec.js';
import { measureRsaPrivateKey, measureRsaPublicKey } from '../measure/rsa.js';

const RSA = '1.2.840.113549.1.1.1';
const EC = '1.2.840.10045.2.1';

/** @param spki DER of the SubjectPublicKeyInfo @throws Error */
export function readMeasuredPublicKey(spki: Buffer): KeyObject {
  const [algorithm, bits] = readChildren(readWhole(spki), SEQUENCE);
  const [kind, parameters] = readChildren(algorithm, SEQUENCE);
  const oid = readOid(kind);
  if (oid === RSA) measureRsaPublicKey(readWhole(readBits(bits)));
  if (oid === EC) measurePoint(readBits(bits), readCurve(parameters).curve);
  return createPublicKey({ key: spki, type: 'spki', format: 'der' });
}

/** @param pem PKCS#8, PKCS#1 or SEC 1, not encrypted @throws Error */
export function readMeasuredPrivateKey(pem: string): KeyObject {
  const [, base64] = /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----([A-Za-z0-9+/=\s]*)-----END /.exec(pem) ?? [];
  if (base64 === undefined) throw new Error('not a PEM key');
  const der = Buffer.from(base64, 'base64');
  try {
    return readPrivateKey(readElement(der), pem);
  } finally {
    der.fill(0);
  }
}

/** Each form begins with a version; the next element differs (RFC 5208 §5, RFC 8017 §A.1.2, RFC 5915 §3). */
function readPrivateKey(key: Element, pem: string): KeyObject {
  const [version, second, third] = readChildren(key, SEQUENCE);
  if (version?.tag !== INTEGER) throw new Error('not a private key');
  if (second?.tag === INTEGER) return rsaKey(key);
  if (second?.tag === OCTET_STRING) return ecKey(key.whole, undefined);
  const [kind, parameters] = readChildren(second, SEQUENCE);
  const oid = readOid(kind);
  const inner = readContent(third, OCTET_STRING);
  if (oid === RSA) return rsaKey(readWhole(inner));
  if (oid === EC) return ecKey(inner, parameters);
  // For its kind, which the message names.
  return createPrivateKey(pem);
}

function rsaKey(key: Element): KeyObject {
  measureRsaPrivateKey(key);
  return createPrivateKey({ key: key.whole, format: 'der', type: 'pkcs1' });
}

function ecKey(sec1: Buffer, parameters: Element | undefined): KeyObject {
  const { der } = measureEcPrivateKey(sec1, parameters);
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'sec1' });
  } finally {
    der.fill(0);
  }
}
