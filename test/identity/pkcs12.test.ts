/** PKCS#12 files of openssl, and damaged or hostile ones. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkIdentity } from '../../src/identity/check-identity.js';
import type { SigningIdentity } from '../../src/identity/identity.js';
import { loadIdentity } from '../../src/identity/load.js';
import { NOW, path, text } from '../fixtures.js';

const hasOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-p12-'));
afterAll(() => rmSync(folder, { recursive: true }));

let made = 0;

interface Made {
  readonly name?: string;
  readonly password?: string;
  readonly options?: readonly string[];
}

/** The path of a new file with a certificate, its chain and its key. */
function makeFile({ name = 'ec-p256', password = 'secret', options = [] }: Made = {}): string {
  const file = join(folder, `${made++}.p12`);
  execFileSync(
    'openssl',
    [
      ...['pkcs12', '-export', '-in', path(`${name}.pem`), '-inkey', path(`${name}.key.pem`)],
      ...['-passout', `pass:${password}`, '-out', file, ...options],
    ],
    { stdio: 'pipe' },
  );
  return file;
}

async function expectIdentity(
  { certificate, sign, publicKey }: SigningIdentity,
  name = 'ec-p256',
): Promise<void> {
  const key = createPublicKey(text(`${name}.pem`));
  const data = Buffer.from('data');
  expect(verify('sha256', data, key, await sign(data))).toBe(true);
  expect(publicKey?.keyObject?.equals(key)).toBe(true);
  expect(certificate.subject).toContain(`CN=${name}`);
}

async function failure(certificate: string | Uint8Array, passphrase?: string): Promise<unknown> {
  return loadIdentity({ certificate, passphrase }).catch((error: unknown) => error);
}

const wrong = (file: string): object => ({
  code: 'ERR_KEY_PASSPHRASE',
  message: `certificate ${file} cannot be decrypted: the passphrase is wrong`,
});

describe.skipIf(!hasOpenssl)('a PKCS#12 file alone is an identity', () => {
  const CIPHERS = ['AES-128-CBC', 'AES-192-CBC', 'AES-256-CBC'];
  const MACS = ['sha1', 'sha224', 'sha256', 'sha384', 'sha512'];

  it.each(CIPHERS.flatMap((cipher) => MACS.map((mac) => [cipher, mac] as const)))(
    '%s with a MAC of %s',
    async (cipher, mac) => {
      for (const name of ['rsa-2048', 'ec-p384']) {
        const file = makeFile({ name, options: ['-certpbe', cipher, '-keypbe', cipher, '-macalg', mac] });
        await expectIdentity(await loadIdentity({ certificate: file, passphrase: 'secret' }), name);
        expect(await failure(file, 'Secret')).toMatchObject(wrong(file));
        expect(await failure(file)).toMatchObject({
          code: 'ERR_KEY_PASSPHRASE',
          message: `certificate ${file} is encrypted and no passphrase was given`,
        });
      }
    },
  );

  const OLD = ['PBE-SHA1-3DES', 'PBE-SHA1-2DES', 'PBE-SHA1-RC2-128', 'PBE-SHA1-RC2-40'];
  const OLD_NAMES: Readonly<Record<string, string>> = {
    'PBE-SHA1-3DES': 'pbeWithSHA1And3-KeyTripleDES-CBC',
    'PBE-SHA1-2DES': 'pbeWithSHA1And2-KeyTripleDES-CBC',
    'PBE-SHA1-RC2-128': 'pbeWithSHA1And128BitRC2-CBC',
    'PBE-SHA1-RC2-40': 'pbeWithSHA1And40BitRC2-CBC',
  };

  it.each(OLD.flatMap((cert) => ['secret', '', 'pässwörd 🔑'].map((password) => [cert, password] as const)))(
    'in the format of Windows and Java: %s, with the password %j, and a warning',
    async (cipher, password) => {
      for (const name of ['rsa-2048', 'ec-p256']) {
        const options = [
          '-legacy',
          '-certpbe',
          cipher,
          '-keypbe',
          cipher,
          '-macalg',
          'sha1',
          '-iter',
          '2000',
        ];
        const file = makeFile({ name, password, options });
        const passphrase = password === '' ? undefined : password;
        const identity = await loadIdentity({ certificate: file, passphrase });
        await expectIdentity(identity, name);
        expect(checkIdentity(identity, { now: () => NOW })).toMatchObject([
          {
            severity: 'warning',
            code: 'WARN_KEY_ENCRYPTION',
            message: `certificate ${file} is encrypted with ${OLD_NAMES[cipher]}, which is weak`,
            hint: expect.stringContaining('openssl pkcs12 -legacy'),
          },
        ]);
        expect(await failure(file, 'wrong')).toMatchObject(wrong(file));
      }
    },
  );

  it.each(['pässwörd', 'Ω≈ç', 'emoji 🔑 and 👩‍👩‍👧', ' ', 'x'.repeat(100)])(
    'with the password %j',
    async (password) => {
      const file = makeFile({ password });
      await expectIdentity(await loadIdentity({ certificate: file, passphrase: password }));
      expect(await failure(file, `${password}x`)).toMatchObject(wrong(file));
      expect(await failure(file, '')).toMatchObject(wrong(file));
    },
  );

  it('with the empty password, given or not', async () => {
    const file = makeFile({ password: '' });
    await expectIdentity(await loadIdentity({ certificate: file }));
    await expectIdentity(await loadIdentity({ certificate: file, passphrase: '' }));
    expect(await failure(file, 'secret')).toMatchObject(wrong(file));
  });

  it.each<[string, string[]]>([
    ['without a MAC', ['-nomac']],
    ['without encryption', ['-certpbe', 'NONE', '-keypbe', 'NONE']],
    ['without encryption of the certificates', ['-certpbe', 'NONE']],
    ['without encryption of the key', ['-keypbe', 'NONE']],
    ['with a friendly name', ['-name', 'my näme: "x"', '-caname', 'ca']],
    ['with many iterations', ['-iter', '100000']],
    ['with one iteration of the MAC', ['-nomaciter']],
  ])('%s', async (_name, options) => {
    const file = makeFile({ options });
    await expectIdentity(await loadIdentity({ certificate: file, passphrase: 'secret' }));
    const keyIsOpen = options.includes('NONE') && options.includes('-nomac');
    if (!keyIsOpen) {
      expect(await failure(file, 'wrong')).toMatchObject({
        code: 'ERR_KEY_PASSPHRASE',
        message: expect.stringMatching(/the passphrase is wrong$/),
      });
    }
  });

  it('with any file name, as bytes, and as PEM', async () => {
    const file = makeFile();
    const renamed = join(folder, 'identity.crt');
    copyFileSync(file, renamed);
    await expectIdentity(await loadIdentity({ certificate: renamed, passphrase: 'secret' }));
    const bytes = readFileSync(file);
    await expectIdentity(await loadIdentity({ certificate: bytes, passphrase: 'secret' }));
    const pem = `-----BEGIN PKCS12-----\n${bytes.toString('base64')}\n-----END PKCS12-----\n`;
    await expectIdentity(await loadIdentity({ certificate: pem, passphrase: 'secret' }));
  });

  it('in BER with indefinite lengths', async () => {
    const bytes = toBer(readFileSync(makeFile()));
    await expectIdentity(await loadIdentity({ certificate: bytes, passphrase: 'secret' }));
    expect(await failure(bytes, 'wrong')).toMatchObject({ code: 'ERR_KEY_PASSPHRASE' });
  });

  it('with a chain in any order, which is sorted without the root', async () => {
    const blocks =
      text('chain-3.intermediates.pem').match(
        /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g,
      ) ?? [];
    const expected = await loadIdentity({
      certificate: path('chain-3.fullchain.pem'),
      privateKey: path('chain-3.key.pem'),
    });
    for (const order of [blocks, blocks.toReversed(), [text('root-ec.pem'), ...blocks, ...blocks]]) {
      const chain = join(folder, 'chain.pem');
      writeFileSync(chain, order.join(''));
      const file = makeFile({ name: 'chain-3', options: ['-certfile', chain] });
      const identity = await loadIdentity({ certificate: file, passphrase: 'secret' });
      await expectIdentity(identity, 'chain-3');
      expect(identity.chain.map(({ raw }) => raw)).toEqual(expected.chain.map(({ raw }) => raw));
    }
  });

  it('with separate intermediates, with a separate key, and as the key only', async () => {
    const file = makeFile({ name: 'chain-1' });
    const beside = {
      certificate: file,
      passphrase: 'secret',
      intermediates: path('chain-1.intermediates.pem'),
    };
    expect((await loadIdentity(beside)).chain).toHaveLength(1);
    await expectIdentity(await loadIdentity({ ...beside, privateKey: path('chain-1.key.pem') }), 'chain-1');
    const mine = { certificate: path('chain-1.pem'), privateKey: file, passphrase: 'secret' };
    await expectIdentity(await loadIdentity(mine), 'chain-1');
    await expect(loadIdentity({ ...beside, privateKey: path('ec-p256.key.pem') })).rejects.toMatchObject({
      code: 'ERR_KEY_MISMATCH',
    });
  });
});

/** Several files combined into one, without a MAC. */
function merge(...names: string[]): Buffer {
  const parts = names.flatMap((name) => {
    const [, safe] = childrenOf(readFileSync(makeFile({ name, options: ['-nomac'] })));
    const [, content] = childrenOf(safe ?? Buffer.alloc(0));
    const [octets] = childrenOf(content ?? Buffer.alloc(0));
    return childrenOf(contentOf(octets ?? Buffer.alloc(0)));
  });
  const data = Buffer.from('06092a864886f70d010701', 'hex');
  const authenticated = der(0x04, der(0x30, ...parts));
  return der(0x30, Buffer.from('020103', 'hex'), der(0x30, data, der(0xa0, authenticated)));
}

describe.skipIf(!hasOpenssl)('of several identities in one PKCS#12 file', () => {
  it.each([
    ['the one that is valid', ['bad-expired', 'ec-p256', 'bad-not-yet-valid'], 'ec-p256'],
    ['the one whose key can sign', ['bad-ed25519', 'ec-p384', 'bad-dsa'], 'ec-p384'],
  ])('%s is used', async (_name, names, expected) => {
    await expectIdentity(
      await loadIdentity({ certificate: merge(...names), passphrase: 'secret' }),
      expected,
    );
  });

  it('none is used if no key can sign', async () => {
    expect(await failure(merge('bad-ed25519', 'bad-dsa'), 'secret')).toMatchObject({
      code: 'ERR_KEY_UNSUPPORTED',
    });
  });
});

describe.skipIf(!hasOpenssl)('a PKCS#12 file is refused', () => {
  it('without a certificate', async () => {
    const file = makeFile({ options: ['-nocerts'] });
    expect(await failure(file, 'secret')).toMatchObject({
      code: 'ERR_PEM_INVALID',
      message: `certificate ${file} must hold a certificate, found a PKCS#12 file without one`,
    });
  });

  it('without a key', async () => {
    const file = makeFile({ options: ['-nokeys'] });
    expect(await failure(file, 'secret')).toMatchObject({
      code: 'ERR_OPTION_MISSING',
      message: `missing privateKey (--private-key), and certificate ${file} holds none`,
    });
    const privateKey = path('ec-p256.key.pem');
    await expectIdentity(await loadIdentity({ certificate: file, privateKey, passphrase: 'secret' }));
    await expect(
      loadIdentity({ certificate: path('ec-p256.pem'), privateKey: file, passphrase: 'secret' }),
    ).rejects.toMatchObject({
      code: 'ERR_PEM_INVALID',
      message: `private key ${file} must hold a private key, found a PKCS#12 file without one`,
    });
  });

  it('with a key that belongs to none of its certificates', async () => {
    const file = makeFile({ options: ['-nokeys'] });
    const keys = makeFile({ name: 'rsa-2048', options: ['-nocerts'] });
    await expect(
      loadIdentity({ certificate: file, privateKey: keys, passphrase: 'secret' }),
    ).rejects.toMatchObject({ code: 'ERR_KEY_MISMATCH' });
  });

  it('with a key that cannot sign', async () => {
    const file = makeFile({ name: 'bad-ed25519' });
    expect(await failure(file, 'secret')).toMatchObject({
      code: 'ERR_KEY_UNSUPPORTED',
      message: expect.stringContaining(`certificate ${file} must be RSA, EC,`),
    });
  });

  it('in an unsupported encryption, with a command that converts it', async () => {
    const file = makeFile({ options: ['-legacy', '-keypbe', 'PBE-SHA1-RC4-128', '-macalg', 'sha1'] });
    const error = await failure(file, 'secret');
    expect(error).toMatchObject({
      name: 'IdentityError',
      code: 'ERR_KEY_UNSUPPORTED',
      message: `certificate ${file} is encrypted with pbeWithSHA1And128BitRC4, which is not supported`,
      hint: expect.stringMatching(/^convert a copy: openssl pkcs12 -legacy -in OLD -aes256 -out NEW \(then /),
    });
    const line = (error as { hint: string }).hint.replace('convert a copy: ', '').replace(/ \(.*/, '');
    const converted = join(folder, `${made++}.pem`);
    const command = line.replace('OLD', file).replace('NEW', converted);
    execFileSync('sh', ['-c', `${command} -passin pass:secret -passout pass:fresh`], { stdio: 'pipe' });
    await expectIdentity(await loadIdentity({ certificate: converted, passphrase: 'fresh' }));
  });

  it('damaged anywhere: it is never accepted, and rarely reported as a wrong passphrase', async () => {
    const bytes = readFileSync(makeFile());
    const codes = new Map<string, number>();
    for (let at = 4; at < bytes.length; at += 7) {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ 0x10;
      const error = await failure(altered, 'secret');
      if (!(error instanceof Error)) {
        // A tag that pkijs ignores: the content of the file is the same.
        await expectIdentity(error as SigningIdentity);
        continue;
      }
      const { code, message } = error as Error & { code: string };
      expect(message).not.toMatch(/secret/);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    const all = [...codes.values()].reduce((sum, count) => sum + count, 0);
    expect([...codes.keys()].filter((code) => !/^ERR_(CERTIFICATE_INVALID|KEY_\w+)$/.test(code))).toEqual([]);
    // The rest is damage to salts and to the MAC's own fields, which looks as a wrong passphrase looks like.
    expect((codes.get('ERR_KEY_PASSPHRASE') ?? 0) / all).toBeLessThan(0.2);
  });

  it('cut short', async () => {
    const bytes = readFileSync(makeFile());
    for (const length of [8, 40, bytes.length >> 1, bytes.length - 1]) {
      expect(await failure(bytes.subarray(0, length), 'secret')).toMatchObject({
        code: 'ERR_CERTIFICATE_INVALID',
        message: 'certificate is damaged, or not a PKCS#12 file',
      });
    }
  });

  it.each(['7fffffff', '00f4240f', '7fffffffffffffff'])(
    'that asks for %s iterations of its MAC',
    async (count) => {
      // The MAC's iterations are the last element of the file.
      const [version, authSafe, macData] = childrenOf(readFileSync(makeFile()));
      const [mac, salt] = childrenOf(macData ?? Buffer.alloc(0));
      const iterations = der(0x02, Buffer.from(count, 'hex'));
      const parts = [version, authSafe, der(0x30, mac, salt, iterations)];
      expect(await failure(der(0x30, ...parts), 'secret')).toMatchObject({
        code: 'ERR_KEY_UNSUPPORTED',
        message: expect.stringMatching(
          /^certificate may ask for at most 1000000 iterations of the key derivation of PKCS#12, found \S/,
        ),
      });
    },
  );
});

function der(tag: number, ...parts: Array<Buffer | undefined>): Buffer {
  const content = Buffer.concat(parts.flatMap((part) => part ?? []));
  const { length } = content;
  const octets = length < 0x80 ? [length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...octets]), content]);
}

/** Encodes the outermost elements and their OCTET STRING with indefinite lengths, in pieces. */
function toBer(der: Buffer): Buffer {
  const [version, authSafe, macData] = childrenOf(der);
  const [type, content] = childrenOf(authSafe ?? der);
  const [octets] = childrenOf(content ?? der);
  const value = contentOf(octets ?? der);
  const pieces = [value.subarray(0, 100), value.subarray(100)].map((piece) =>
    Buffer.concat([Buffer.from([0x04, 0x82, piece.length >> 8, piece.length & 0xff]), piece]),
  );
  const indefinite = (tag: number, ...parts: Array<Buffer | undefined>): Buffer =>
    Buffer.concat([Buffer.from([tag, 0x80]), ...parts.flatMap((part) => part ?? []), Buffer.alloc(2)]);
  const contentInfo = indefinite(0x30, type, indefinite(0xa0, indefinite(0x24, ...pieces)));
  return indefinite(0x30, version, contentInfo, macData);
}

function headerOf(der: Buffer): { start: number; end: number } {
  const first = der[1] ?? 0;
  const octets = first < 0x80 ? 0 : first & 0x7f;
  const start = 2 + octets;
  return { start, end: start + (octets === 0 ? first : der.readUIntBE(2, octets)) };
}

function contentOf(der: Buffer): Buffer {
  const { start, end } = headerOf(der);
  return der.subarray(start, end);
}

function childrenOf(der: Buffer): Buffer[] {
  const children: Buffer[] = [];
  for (let rest = contentOf(der); rest.length > 0; rest = rest.subarray(headerOf(rest).end)) {
    children.push(rest.subarray(0, headerOf(rest).end));
  }
  return children;
}
