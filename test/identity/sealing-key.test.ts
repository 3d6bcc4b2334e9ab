/** Keys for the cache: from the content of files before they are parsed, or from the private key. */
import { createHash, createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { IdentitySource } from '../../src/identity/identity-source.js';
import { readInputs } from '../../src/identity/inputs.js';
import type { SealingKey } from '../../src/identity/sealing-key.js';
import { contentKeyOf, sealingKeyOf } from '../../src/identity/sealing-key.js';
import { identity, path, text } from '../fixtures.js';

async function contentKey(source: IdentitySource): Promise<SealingKey | undefined> {
  return contentKeyOf(source, await readInputs(source, {}));
}

function written(content: string | Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-sealing-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'file'), content);
  return join(folder, 'file');
}

/** RFC 5869, sections 2.2 and 2.3, for 32 bytes. */
function hkdf(secret: Buffer, info: string): Buffer {
  const key = createHmac('sha256', Buffer.alloc(32)).update(secret).digest();
  return createHmac('sha256', key).update(info).update(Buffer.of(1)).digest();
}

const CHAIN = {
  certificate: path('chain-1.pem'),
  privateKey: path('chain-1.key.pem'),
  intermediates: path('chain-1.intermediates.pem'),
};
const [CERTIFICATE, KEY] = [text('ec-p256.pem'), text('ec-p256.key.pem')];

describe('a key from the content', () => {
  it('is HKDF over the SHA-256 of all inputs, each behind its length', async () => {
    const parts = [CERTIFICATE, KEY, '', 'CN=x', '7'];
    const secret = createHash('sha256').update(parts.map((part) => `${part.length} ${part}`).join(''));
    const derived = hkdf(secret.digest(), 'a purpose');
    const source = { certificate: path('ec-p256.pem'), privateKey: path('ec-p256.key.pem') };
    const key = await contentKey({ ...source, certificateSubject: 'CN=x', certificateSerial: '7' });
    expect(key?.deriveKey('a purpose')).toEqual(derived);
  });

  it('is the same for the same content, wherever it was read', async () => {
    const [fromFiles, fromText] = [
      await contentKey({ certificate: path('ec-p256.pem'), privateKey: path('ec-p256.key.pem') }),
      await contentKey({ certificate: CERTIFICATE, privateKey: Buffer.from(KEY) }),
    ];
    expect(fromText?.id).toBe(fromFiles?.id);
    expect(fromText?.deriveKey('a')).toEqual(fromFiles?.deriveKey('a'));
    expect(fromText?.deriveKey('a')).not.toEqual(fromFiles?.deriveKey('b'));
  });

  it('differs where an input, the choice of a certificate, or their border differs', async () => {
    const keys = await Promise.all([
      contentKey(CHAIN),
      contentKey({ ...CHAIN, intermediates: undefined }),
      contentKey({ ...CHAIN, intermediates: path('chain-2.intermediates.pem') }),
      contentKey({ ...CHAIN, certificateSubject: '7' }),
      contentKey({ ...CHAIN, certificateSerial: '7' }),
      contentKey({ ...CHAIN, certificate: `${text('chain-1.pem')}\n` }),
      contentKey({ certificate: text('chain-1.pem') + text('chain-1.key.pem') }),
      contentKey({
        certificate: text('chain-1.pem'),
        privateKey: text('chain-1.key.pem') + text('chain-2.pem'),
      }),
      contentKey({
        certificate: text('chain-1.pem') + text('chain-1.key.pem'),
        privateKey: text('chain-2.key.pem'),
      }),
    ]);
    const all = keys.flatMap((key) => (key === undefined ? [] : [key]));
    expect(all).toHaveLength(9);
    expect(new Set(all.map(({ id }) => id)).size).toBe(9);
    expect(new Set(all.map((key) => Buffer.from(key.deriveKey('a') as Buffer).toString('hex'))).size).toBe(9);
  });

  it.each<[string, IdentitySource]>([
    ['PKCS#1', { certificate: text('rsa-2048.pem'), privateKey: text('rsa-2048.pkcs1.pem') }],
    ['SEC1', { certificate: CERTIFICATE, privateKey: text('ec-p256.sec1.pem') }],
    ['a key beside its certificate', { certificate: CERTIFICATE + KEY }],
  ])('is derived from %s', async (_title, source) => {
    expect(await contentKey(source)).toBeDefined();
  });

  it.each<[string, () => IdentitySource]>([
    ['no private key', () => ({ certificate: CERTIFICATE })],
    ['no certificate', () => ({ privateKey: KEY })],
    ['a passphrase', () => ({ certificate: CERTIFICATE, privateKey: KEY, passphrase: '' })],
    ['encrypted PKCS#8', () => ({ certificate: CERTIFICATE, privateKey: path('ec-p256.pbkdf2-aes256.pem') })],
    [
      'encrypted PKCS#8 beside a plain key',
      () => ({ certificate: CERTIFICATE, privateKey: written(KEY + text('ec-p256.scrypt.pem')) }),
    ],
    [
      'a key encrypted by the scheme of RFC 1421',
      () => ({
        certificate: CERTIFICATE,
        privateKey: KEY.replace('-----\n', '-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n'),
      }),
    ],
    ['DER', () => ({ certificate: path('rsa-2048.pem'), privateKey: path('rsa-2048.key.der') })],
    ['PKCS#12', () => ({ certificate: path('chain-3.p12') })],
    ['PKCS#12 beside a plain key', () => ({ certificate: path('chain-3.p12'), privateKey: KEY })],
    [
      'DER that holds the text of PEM',
      () => ({
        certificate: Buffer.concat([Buffer.of(0x30, 0x82, 1, 0), Buffer.from(CERTIFICATE)]),
        privateKey: KEY,
      }),
    ],
    ['PKCS#7', () => ({ certificate: path('chain-3.p7b'), privateKey: path('chain-3.key.pem') })],
    ['base64 of PEM', () => ({ certificate: CERTIFICATE, privateKey: written(btoa(KEY)) })],
    ['a key on a token', () => ({ certificate: CERTIFICATE + KEY, privateKey: 'pkcs11:object=key' })],
    ['a key in a TPM', () => ({ certificate: CERTIFICATE + KEY, privateKey: 'handle:0x81000001' })],
    [
      'a key that a TPM has wrapped',
      () => ({ certificate: CERTIFICATE, privateKey: KEY.replaceAll('PRIVATE KEY', 'TSS2 PRIVATE KEY') }),
    ],
    ['a program that signs', () => ({ certificate: CERTIFICATE + KEY, signCommand: 'sign' })],
    [
      'a mark without its end',
      () => ({ certificate: CERTIFICATE, privateKey: `${KEY}-----BEGIN PRIVATE KEY` }),
    ],
  ])('is not derived from %s', async (_title, source) => {
    expect(await contentKey(source())).toBeUndefined();
  });

  it('shows nothing of the private key', async () => {
    const key = await contentKey({ certificate: CERTIFICATE, privateKey: KEY });
    const shown = inspect(key, { depth: 9, showHidden: true });
    expect(shown).toContain(`id: '${key?.id}'`);
    expect(shown).not.toMatch(/private|Buffer/i);
  });
});

describe('a key from the private key', () => {
  it('is its derived key, under the hash of the certificate', async () => {
    const loaded = await identity('ec-p256');
    const key = sealingKeyOf(loaded);
    expect(key?.id).toBe(createHash('sha256').update(loaded.certificate.raw).digest('hex'));
    expect(key?.deriveKey('a')).toEqual(loaded.deriveKey?.('a'));
  });

  it('is undefined where the private key derives none', async () => {
    const { deriveKey, ...onToken } = await identity('ec-p256');
    expect(deriveKey).toBeDefined();
    expect(sealingKeyOf(onToken)).toBeUndefined();
  });
});
