import { createPrivateKey, createPublicKey, sign as signData, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { IdentitySource } from '../../src/identity/identity-source.js';
import { loadIdentity, loadTrustBundle } from '../../src/identity/load.js';
import { path, text } from '../fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
afterAll(() => rmSync(folder, { recursive: true }));

const RSA = { certificate: path('rsa-2048.pem'), privateKey: path('rsa-2048.key.pem') };
const NO_SUCH_FILE = 'there is no such file';

function bytes(file: string): Buffer {
  return readFileSync(path(file));
}

function big(name: string): string {
  writeFileSync(join(folder, name), Buffer.alloc(1024 * 1024 + 1, '-'));
  return join(folder, name);
}

async function* failing(code: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from('-----BEGIN ');
  throw Object.assign(new Error(`${code}: secret-detail`), { code });
}

describe('an identity is read', () => {
  it.each<[string, IdentitySource, (string | Uint8Array)[]?]>([
    ['from paths', RSA],
    ['from PEM text', { certificate: text('rsa-2048.pem'), privateKey: text('rsa-2048.key.pem') }],
    ['from the bytes of PEM', { certificate: bytes('rsa-2048.pem'), privateKey: bytes('rsa-2048.key.pem') }],
    ['from the bytes of DER', { certificate: bytes('rsa-2048.der'), privateKey: bytes('rsa-2048.key.der') }],
    [
      'from bytes that are no Buffer',
      {
        certificate: new Uint8Array(bytes('rsa-2048.der')),
        privateKey: new Uint8Array(bytes('rsa-2048.key.der')),
      },
    ],
    ['from a mixture', { certificate: bytes('rsa-2048.der'), privateKey: path('rsa-2048.pkcs1.pem') }],
    ['from one file for both', { certificate: path('rsa-2048.combined.pem') }],
    ['from one text for both', { certificate: text('rsa-2048.combined.pem') }],
    ['from standard input, the key', { ...RSA, privateKey: '-' }, [text('rsa-2048.key.pem')]],
    ['from standard input, the certificate as DER', { ...RSA, certificate: '-' }, [bytes('rsa-2048.der')]],
    [
      'from standard input, both, named once',
      { certificate: '-' },
      [text('rsa-2048.key.pem'), text('rsa-2048.pem')],
    ],
    [
      'from standard input, both, named twice',
      { certificate: '-', privateKey: '-' },
      [text('rsa-2048.combined.pem')],
    ],
    [
      'from standard input in small pieces',
      { certificate: '-' },
      text('rsa-2048.combined.pem').match(/.{1,7}/gs) ?? [],
    ],
  ])('%s', async (_name, source, piped) => {
    const stdin = piped && (() => Readable.from(piped, { objectMode: true }));
    const identity = await loadIdentity(source, { stdin });
    expect(identity.certificate.raw).toEqual(bytes('rsa-2048.der'));
    expect(identity.chain).toEqual([]);
    expect(identity.algorithm).toBe('AWS4-X509-RSA-SHA256');
    expect(await identity.sign(Buffer.from('x'))).toHaveLength(256);
  });

  it('without the bytes after the DER of a certificate', async () => {
    const certificate = Buffer.concat([bytes('rsa-2048.der'), Buffer.from('\n')]);
    const outcome = await loadIdentity({ ...RSA, certificate }).catch((error: Error) => error);
    // Refused or cut off, but never sent along: the service would get other bytes than the CA signed.
    if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'ERR_CERTIFICATE_INVALID' });
    else expect(outcome.certificate.raw).toEqual(bytes('rsa-2048.der'));
  });

  it.each([
    ['rsa-2048.der', 'rsa-2048.key.der'],
    ['rsa-2048.pem', 'rsa-2048.key.pem'],
  ])("without a change to the caller's bytes (%s, %s)", async (certificateFile, keyFile) => {
    const [certificate, privateKey] = [bytes(certificateFile), bytes(keyFile)];
    await loadIdentity({ certificate, privateKey });
    expect(certificate).toEqual(bytes(certificateFile));
    expect(privateKey).toEqual(bytes(keyFile));
  });

  it("without a change to the bytes of the caller's standard input", async () => {
    const chunk = bytes('rsa-2048.combined.pem');
    await loadIdentity({ certificate: '-' }, { stdin: () => Readable.from([chunk], { objectMode: true }) });
    expect(chunk).toEqual(bytes('rsa-2048.combined.pem'));
  });

  it('into an object that shows no key when it is printed', async () => {
    const { inspect } = await import('node:util');
    const identity = await loadIdentity(RSA);
    const shown = `${inspect(identity, { depth: 9, showHidden: true })}${JSON.stringify(identity)}`;
    expect(shown).not.toContain('PRIVATE');
    expect(Object.isFrozen(identity)).toBe(true);
    expect(Object.isFrozen(identity.chain)).toBe(true);
  });
});

describe('unreadable input is refused with its own code', () => {
  const unreadable = (subject: string, reason: string): string => `${subject} cannot be read: ${reason}`;
  it.each<[string, IdentitySource, string, AsyncIterable<Uint8Array>?]>([
    [
      'a missing file',
      { ...RSA, certificate: '/no/x.pem' },
      unreadable('certificate /no/x.pem', NO_SUCH_FILE),
    ],
    ['a missing key', { ...RSA, privateKey: '/no/x.key' }, unreadable('private key /no/x.key', NO_SUCH_FILE)],
    [
      'missing intermediates',
      { ...RSA, intermediates: '/no/ca.pem' },
      unreadable('intermediates /no/ca.pem', NO_SUCH_FILE),
    ],
    [
      'a file where a folder should be',
      { ...RSA, privateKey: `${RSA.certificate}/x` },
      unreadable(`private key ${RSA.certificate}/x`, NO_SUCH_FILE),
    ],
    ['a directory', { ...RSA, privateKey: folder }, unreadable(`private key ${folder}`, 'it is a directory')],
    [
      'a file of more than 1 MiB',
      { ...RSA, certificate: big('big.pem') },
      unreadable(`certificate ${join(folder, 'big.pem')}`, 'it is larger than 1 MiB'),
    ],
    [
      'a file without end',
      { ...RSA, privateKey: '/dev/zero' },
      unreadable('private key /dev/zero', 'it is larger than 1 MiB'),
    ],
    [
      'standard input of more than 1 MiB',
      { ...RSA, privateKey: '-' },
      unreadable('private key from standard input', 'it is larger than 1 MiB'),
      Readable.from([Buffer.alloc(1024 * 1024), Buffer.alloc(1)], { objectMode: true }),
    ],
    // Root may read everything: the refusal itself is tried in test/cli, as another user.
    [
      'permission',
      { ...RSA, certificate: '-' },
      unreadable('certificate from standard input', 'permission denied'),
      failing('EACCES'),
    ],
    [
      'any other failure, by its code',
      { ...RSA, certificate: '-' },
      unreadable('certificate from standard input', 'EIO'),
      failing('EIO'),
    ],
    ['a path with a NUL', { ...RSA, privateKey: 'a\0b' }, unreadable('private key a b', NO_SUCH_FILE)],
  ])('%s', async (_name, source, message, stdin) => {
    await expect(loadIdentity(source, { stdin: stdin && (() => stdin) })).rejects.toMatchObject({
      name: 'IdentityError',
      code: 'ERR_FILE_UNREADABLE',
      message,
    });
  });
});

const KEY_LINES = text('rsa-2048.key.pem').trim().split('\n');
const BODY = KEY_LINES.slice(1, -1);

describe('key text in place of a path is never shown', () => {
  it.each([
    ['base64 DER cut short', BODY.join('').slice(0, -20)],
    ['base64 DER in lines, one of them lost', BODY.toSpliced(3, 1).join('\n')],
    ['base64 DER in lines, cut short and joined by blanks', BODY.slice(0, -1).join(' ')],
    ['base64 DER, its lines joined by the letters \\n, as JSON has them', BODY.join('\\n')],
    ['base64url DER', BODY.join('').replaceAll('+', '-').replaceAll('/', '_')],
    ['PEM with a dash too few', KEY_LINES.join('\n').slice(1)],
    ['PEM in one line with a dash too few', KEY_LINES.join(' ').slice(1)],
  ])('%s', async (_name, privateKey) => {
    const error: Error = await loadIdentity({ ...RSA, privateKey }).then(
      () => expect.fail('it was taken'),
      (reason) => reason,
    );
    expect(error).toMatchObject({ code: 'ERR_FILE_UNREADABLE' });
    for (let at = 0; at + 24 <= privateKey.length; at += 24) {
      expect(error.stack).not.toContain(privateKey.slice(at, at + 24));
    }
  });
});

describe('a key in a file', () => {
  it.each(['ec-p256.sec1.pem', 'ec-p256.key.pem', 'rsa-2048.pkcs1.pem'])(
    'never becomes a string: %s',
    async (file) => {
      const seen: string[] = [];
      const original = Buffer.prototype.toString;
      const spy = vi.spyOn(Buffer.prototype, 'toString').mockImplementation(function (this: Buffer, ...args) {
        const result = original.apply(this, args);
        seen.push(result);
        return result;
      });
      try {
        const name = file.slice(0, file.indexOf('.'));
        await loadIdentity({ certificate: path(`${name}.pem`), privateKey: path(file) });
      } finally {
        spy.mockRestore();
      }
      const [, block = ''] = /PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/.exec(text(file)) ?? [];
      // The public half stands in the certificate too, which may be a string.
      const shared = text(`${file.slice(0, file.indexOf('.'))}.pem`).replaceAll('\n', '');
      const pieces = (block.replaceAll('\n', '').match(/.{8}/g) ?? []).filter(
        (piece) => !shared.includes(piece),
      );
      expect(pieces.length).toBeGreaterThan(5);
      expect(seen.some((string) => string.includes('BEGIN'))).toBe(true);
      expect(pieces.filter((piece) => seen.some((string) => string.includes(piece)))).toEqual([]);
    },
  );
});

describe('loadTrustBundle', () => {
  it('reads authorities', async () => {
    expect(await loadTrustBundle(path('tls-root.pem'))).toBe(text('tls-root.pem'));
  });

  it.each([
    ['/no/ca.pem', 'ERR_FILE_UNREADABLE', `CA bundle /no/ca.pem cannot be read: ${NO_SUCH_FILE}`],
    [
      path('rsa-2048.der'),
      'ERR_PEM_INVALID',
      `CA bundle ${path('rsa-2048.der')} must hold PEM certificates, found none`,
    ],
    [
      path('rsa-2048.key.pem'),
      'ERR_PEM_INVALID',
      `CA bundle ${path('rsa-2048.key.pem')} must hold PEM certificates, found none`,
    ],
    [
      path('not-base64.pem'),
      'ERR_PEM_INVALID',
      `CA bundle ${path('not-base64.pem')} holds a CERTIFICATE block that is not base64`,
    ],
    [
      path('not-der.pem'),
      'ERR_CERTIFICATE_INVALID',
      `CA bundle ${path('not-der.pem')} holds a damaged certificate`,
    ],
    [
      path('not-truncated.pem'),
      'ERR_PEM_INVALID',
      `CA bundle ${path('not-truncated.pem')} is cut short: BEGIN CERTIFICATE without its END`,
    ],
  ])('refuses %s', async (file, code, message) => {
    await expect(loadTrustBundle(file)).rejects.toMatchObject({ name: 'IdentityError', code, message });
  });
});

describe('an identity with an external signer', () => {
  const certificate = text('chain-3.fullchain.pem');

  it('has the first certificate, its chain and algorithm, and calls the signer', async () => {
    const asked: Uint8Array[] = [];
    const key = createPrivateKey(text('chain-3.key.pem'));
    const sign = async (data: Uint8Array): Promise<Uint8Array> => {
      asked.push(data);
      return signData('sha256', data, key);
    };
    const identity = await loadIdentity({ certificate }, { sign });
    const whole = await loadIdentity({ certificate, privateKey: path('chain-3.key.pem') });
    expect(identity.certificate.raw).toEqual(whole.certificate.raw);
    expect(identity.chain.map(({ raw }) => raw)).toEqual(whole.chain.map(({ raw }) => raw));
    expect(identity.algorithm).toBe('AWS4-X509-ECDSA-SHA256');
    expect(identity.deriveKey).toBeUndefined();
    const signature = await identity.sign(Buffer.from('data'));
    expect(verify('sha256', Buffer.from('data'), createPublicKey(key), signature)).toBe(true);
    expect(asked).toEqual([Buffer.from('data')]);
  });

  it('converts r‖s, the form of tokens', async () => {
    const key = { key: createPrivateKey(text('chain-3.key.pem')), dsaEncoding: 'ieee-p1363' as const };
    const identity = await loadIdentity(
      { certificate },
      { sign: async (data) => signData('sha256', data, key) },
    );
    for (let round = 0; round < 20; round++) {
      const data = Buffer.from(`data ${round}`);
      expect(verify('sha256', data, createPublicKey(text('chain-3.pem')), await identity.sign(data))).toBe(
        true,
      );
    }
  });

  it.each<[string, (data: Uint8Array) => Promise<Uint8Array>, RegExp]>([
    ['nothing', async () => Buffer.alloc(0), /must verify with the key of certificate .*CN=chain-3/],
    ['a text', async () => 'signature' as never, /must verify with the key/],
    [
      'the signature of another key',
      async (data) => signData('sha256', data, createPrivateKey(text('ec-p256.key.pem'))),
      /must verify with the key/,
    ],
    [
      'a signature over the hash',
      async (data) => signData('sha512', data, createPrivateKey(text('chain-3.key.pem'))),
      /must verify with the key/,
    ],
    ['no answer', () => new Promise(() => {}), /must answer within 0\.05 seconds/],
  ])('refuses %s', async (_name, sign, message) => {
    const identity = await loadIdentity({ certificate }, { sign, signTimeoutMs: 50 });
    await expect(identity.sign(Buffer.from('data'))).rejects.toMatchObject({
      name: 'IdentityError',
      code: 'ERR_KEY_SIGN',
      message: expect.stringMatching(message),
    });
  });

  it("passes on the signer's own error", async () => {
    const failure = new Error('the token was removed');
    const identity = await loadIdentity({ certificate }, { sign: () => Promise.reject(failure) });
    await expect(identity.sign(Buffer.from('data'))).rejects.toBe(failure);
  });

  it('refuses a private key besides it, and a certificate that cannot sign', async () => {
    const sign = async (data: Uint8Array): Promise<Uint8Array> => data;
    await expect(
      loadIdentity({ certificate, privateKey: path('chain-3.key.pem') }, { sign }),
    ).rejects.toMatchObject({
      code: 'ERR_OPTION_CONFLICT',
      message: 'privateKey and sign exclude each other',
    });
    await expect(loadIdentity({ certificate: path('bad-ed25519.pem') }, { sign })).rejects.toMatchObject({
      code: 'ERR_KEY_UNSUPPORTED',
      message: expect.stringMatching(
        /^certificate C=DE, .*CN=bad-ed25519 must have a key of kind RSA, .*found ed25519$/,
      ),
    });
  });
});
