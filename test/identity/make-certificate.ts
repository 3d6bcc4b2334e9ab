/** Makes certificates that no tool would make: every part can be replaced by DER of the test's own. */
import type { KeyObject } from 'node:crypto';
import { createPrivateKey, createPublicKey, sign, X509Certificate } from 'node:crypto';
import { text } from '../fixtures.js';
import { bits, der, integer, octets, oid, sequence } from './keys/der.js';

export interface Parts {
  readonly version?: number;
  /** INTEGER, DER. */
  readonly serial?: Buffer;
  readonly subject?: Buffer;
  readonly issuer?: Buffer;
  readonly notBefore?: Buffer;
  readonly notAfter?: Buffer;
  readonly spki?: Buffer;
  readonly extensions?: readonly Buffer[];
  readonly signer?: KeyObject;
  /** AlgorithmIdentifier, DER. */
  readonly algorithm?: Buffer;
  readonly innerAlgorithm?: Buffer;
}

export const ROOT_KEY = createPrivateKey(text('root-rsa.key.pem'));
export const SHA256_RSA = sequence(oid('1.2.840.113549.1.1.11'), der(0x05));

export function name(common: string): Buffer {
  const attribute = (type: string, tag: number, value: string): Buffer =>
    der(0x31, sequence(oid(type), der(tag, Buffer.from(value))));
  return sequence(
    attribute('2.5.4.6', 0x13, 'DE'),
    attribute('2.5.4.10', 0x0c, 'Example'),
    attribute('2.5.4.11', 0x0c, 'Fixtures'),
    attribute('2.5.4.3', 0x0c, common),
  );
}

export function extension(id: string, value: Buffer, critical?: number): Buffer {
  return sequence(oid(id), ...(critical === undefined ? [] : [der(0x01, [critical])]), octets(value));
}

export const BASIC_CONSTRAINTS = '2.5.29.19';
export const KEY_USAGE = '2.5.29.15';
export const LEAF_EXTENSIONS = [
  extension(BASIC_CONSTRAINTS, sequence(), 0xff),
  extension(KEY_USAGE, der(0x03, [7, 0x80]), 0xff),
];
export const CA_EXTENSIONS = [
  extension(BASIC_CONSTRAINTS, sequence(der(0x01, [0xff])), 0xff),
  extension(KEY_USAGE, der(0x03, [1, 0x06]), 0xff),
];

export function utc(time: string): Buffer {
  return der(0x17, Buffer.from(time));
}

export function generalized(time: string): Buffer {
  return der(0x18, Buffer.from(time));
}

export function spkiOf(pem: string): Buffer {
  return createPublicKey(pem).export({ type: 'spki', format: 'der' });
}

/** The key of the fixture rsa-2048, for identities with these certificates. */
export const LEAF_KEY = text('rsa-2048.key.pem');

/** A good leaf below root-rsa, but for the parts given. */
export function makeCertificate(parts: Parts = {}): Buffer {
  const { version = 3, signer = ROOT_KEY, algorithm = SHA256_RSA, extensions = LEAF_EXTENSIONS } = parts;
  const tbs = sequence(
    ...(version === 1 ? [] : [der(0xa0, integer(version - 1))]),
    parts.serial ?? integer(4711),
    parts.innerAlgorithm ?? algorithm,
    parts.issuer ?? name('root-rsa'),
    sequence(parts.notBefore ?? utc('240101000000Z'), parts.notAfter ?? generalized('21240101000000Z')),
    parts.subject ?? name('made'),
    parts.spki ?? spkiOf(LEAF_KEY),
    ...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
  );
  return sequence(tbs, algorithm, bits(sign('sha256', tbs, signer)));
}

/** RFC 5280 §4.1.2.5 requires seconds. OpenSSL 3.0 accepts a certificate without them, 3.5.8 refuses it. */
export const READS_TIMES_WITHOUT_SECONDS = (() => {
  try {
    return new X509Certificate(makeCertificate({ notAfter: utc('3001020304Z') })) !== undefined;
  } catch {
    return false;
  }
})();
