/** Signatures and derived keys, compared with OpenSSL's command line. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { algorithmForKey } from '../../../src/identity/keys/algorithms.js';
import { isSameKey, publicKeyOf } from '../../../src/identity/keys/public-key.js';
import type { SigningKey } from '../../../src/identity/keys/signing-key.js';
import { signingKeyOf } from '../../../src/identity/keys/signing-key.js';
import { identity, path, text } from '../../fixtures.js';

const hasOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;
const PURPOSE = 'a purpose of the tests';

function signingKey(name: string): SigningKey {
  const key = createPrivateKey(text(`${name}.key.pem`));
  const algorithm = algorithmForKey(publicKeyOf(key));
  if (algorithm === undefined) throw new Error(`no algorithm for ${name}`);
  return signingKeyOf(key, algorithm);
}

describe.each(['rsa-2048', 'ec-p256', 'ec-p384', 'ec-p521'])('the signing key %s', (name) => {
  it('signatures verify with its public key', () => {
    const { sign, publicKey } = signingKey(name);
    const key = createPublicKey({ key: Buffer.from(publicKey.spki), type: 'spki', format: 'der' });
    expect(verify('sha256', Buffer.from('data'), key, sign(Buffer.from('data')))).toBe(true);
    expect(verify('sha256', Buffer.from('date'), key, sign(Buffer.from('data')))).toBe(false);
  });

  it.skipIf(!hasOpenssl)('derives the same key as openssl from its PKCS#8 DER', async () => {
    const pkcs8 = execFileSync('openssl', [
      ...['pkcs8', '-topk8', '-nocrypt', '-outform', 'DER', '-in', path(`${name}.key.pem`)],
    ]);
    const derived = execFileSync('openssl', [
      ...['kdf', '-binary', '-keylen', '32', '-kdfopt', 'digest:SHA256', '-kdfopt', `info:${PURPOSE}`],
      ...['-kdfopt', `hexkey:${pkcs8.toString('hex')}`, 'HKDF'],
    ]);
    expect(signingKey(name).deriveKey(PURPOSE)).toEqual(derived);
    expect((await identity(name)).deriveKey?.(PURPOSE)).toEqual(derived);
  });

  it('derives a different key for each purpose, in new bytes for each caller', () => {
    const key = signingKey(name);
    expect(key.deriveKey('other')).not.toEqual(key.deriveKey(PURPOSE));
    key.deriveKey(PURPOSE).fill(0);
    expect(key.deriveKey(PURPOSE)).not.toEqual(Buffer.alloc(32));
  });

  it('shows nothing of the private key', () => {
    const shown = inspect(signingKey(name), { depth: 9, showHidden: true });
    expect(shown).not.toMatch(/private/i);
  });
});

describe('public keys', () => {
  const p256 = publicKeyOf(createPublicKey(text('ec-p256.pem')));

  it.skipIf(!hasOpenssl)(
    'are compared by OpenSSL if it supports them, since a point has two encodings',
    () => {
      const der = execFileSync('openssl', [
        ...['pkey', '-in', path('ec-p256.key.pem'), '-pubout', '-outform', 'DER'],
        ...['-ec_conv_form', 'compressed'],
      ]);
      const compressed = publicKeyOf(createPublicKey({ key: der, type: 'spki', format: 'der' }));
      expect(Buffer.compare(compressed.spki, p256.spki)).not.toBe(0);
      expect(isSameKey(compressed, p256)).toBe(true);
    },
  );

  it('are compared by their bytes if it does not', () => {
    const unknown = { spki: Buffer.from([1, 2]), type: undefined, keyObject: undefined };
    expect(isSameKey(unknown, { ...unknown, spki: Buffer.from([1, 2]) })).toBe(true);
    expect(isSameKey(unknown, { ...unknown, spki: Buffer.from([1, 3]) })).toBe(false);
    expect(isSameKey(unknown, p256)).toBe(false);
  });

  it('of two types are compared without leaving an error in OpenSSL for the next key', () => {
    expect(isSameKey(p256, signingKey('rsa-2048').publicKey)).toBe(false);
    expect(isSameKey(p256, signingKey('ec-p384').publicKey)).toBe(false);
    expect(() => signingKey('ec-p256')).not.toThrow();
  });

  it('differ', () => {
    expect(isSameKey(p256, signingKey('ec-p256').publicKey)).toBe(true);
    expect(isSameKey(p256, signingKey('ec-p384').publicKey)).toBe(false);
    expect(isSameKey(p256, signingKey('rsa-2048').publicKey)).toBe(false);
  });
});
