/**
 * Derives keys that only the holder of the private key can derive, for files that others must not read: the
 * cache.
 *
 * Source: RFC 5869 (HKDF).
 */
import { createHash, hkdfSync } from 'node:crypto';
import type { SigningIdentity } from './identity.js';
import type { IdentitySource } from './identity-source.js';
import type { Inputs } from './inputs.js';
import { hasExternalKey } from './inputs.js';

export interface SealingKey {
  /** Differs from that of other identities, and tells nothing else about them. */
  readonly id: string;
  /** 32 bytes. The caller wipes them. */
  deriveKey(purpose: string): Uint8Array | Promise<Uint8Array>;
}

/** From the private key itself; undefined if it is somewhere that derives nothing. */
export function sealingKeyOf(identity: SigningIdentity): SealingKey | undefined {
  const { certificate, deriveKey } = identity;
  if (deriveKey === undefined) return undefined;
  const id = createHash('sha256').update(certificate.raw).digest('hex');
  return { id, deriveKey: deriveKey.bind(identity) };
}

/** The blocks of PEM in which nothing is encrypted, and no key is wrapped for a device. */
const PLAIN_LABEL = /^(?:(?:X509 |TRUSTED )?CERTIFICATE|(?:RSA |EC )?PRIVATE KEY|EC PARAMETERS)$/;
const BEGIN_MARK = '-----BEGIN ';
const MAX_LABEL = 40;
/** Begins DER, which may hold the text of PEM. */
const SEQUENCE = 0x30;

/**
 * From all inputs of an identity, before any of them is parsed: another content has another key.
 *
 * @returns undefined unless the content alone is the identity: PEM with a private key that is not encrypted. A
 *   sealed file must not open without the passphrase, the device or the program that an identity needs, and
 *   must not be a faster way to try passphrases.
 */
export function contentKeyOf(source: IdentitySource, inputs: Inputs): SealingKey | undefined {
  const { certificate, privateKey, intermediates } = inputs;
  if (source.passphrase !== undefined || hasExternalKey(source, inputs)) return undefined;
  if (!certificate || !(privateKey ?? certificate).bytes.includes('PRIVATE KEY-----')) return undefined;
  const read = [certificate, privateKey, intermediates].map((input) => input?.bytes ?? Buffer.alloc(0));
  if (!read.every(isPlainPem)) return undefined;
  const hash = createHash('sha256');
  for (const part of [...read, source.certificateSubject ?? '', source.certificateSerial ?? '']) {
    hash.update(`${Buffer.byteLength(part)} `).update(part);
  }
  const secret = hash.digest();
  const deriveKey = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', purpose, 32));
  return Object.freeze({ id: deriveKey('id').toString('hex'), deriveKey });
}

/** True for no bytes. No text is made of what may be a key. */
function isPlainPem(bytes: Buffer): boolean {
  if (bytes.length > 0 && (bytes[0] === SEQUENCE || !bytes.includes(BEGIN_MARK))) return false;
  // The headers of a block that is encrypted by the scheme of RFC 1421.
  if (bytes.includes('Proc-Type') || bytes.includes('DEK-Info')) return false;
  for (let at = bytes.indexOf(BEGIN_MARK); at !== -1; at = bytes.indexOf(BEGIN_MARK, at + 1)) {
    const start = at + BEGIN_MARK.length;
    const label = bytes.toString('latin1', start, Math.min(bytes.indexOf('-----', start), start + MAX_LABEL));
    if (!PLAIN_LABEL.test(label)) return false;
  }
  return true;
}
