/**
 * Reads keys from outside, each measured before OpenSSL sees it: an impossible scalar or point ends the
 * process inside OpenSSL 3.0, where nothing can catch it.
 */
import type { KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readBits, readChildren, readElement, readOid, readWhole, SEQUENCE } from '../measure/der.js';
import { EC, measurePoint, readCurve } from '../measure/ec.js';
import type { MeasuredPrivateKey } from '../measure/private-key.js';
import { measurePrivateKey } from '../measure/private-key.js';
import { measureRsaPublicKey, RSA } from '../measure/rsa.js';

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
    return importPrivateKey(measurePrivateKey(readElement(der)), pem);
  } finally {
    der.fill(0);
  }
}

function importPrivateKey(key: MeasuredPrivateKey, pem: string): KeyObject {
  if (key.kind === 'rsa') return createPrivateKey({ key: key.pkcs1, format: 'der', type: 'pkcs1' });
  // For its kind, which the message names.
  if (key.kind === 'other') return createPrivateKey(pem);
  try {
    return createPrivateKey({ key: key.sec1, format: 'der', type: 'sec1' });
  } finally {
    key.sec1.fill(0);
  }
}
