/**
 * Private keys in files of openssl: each form and encryption, wrong passphrases, damage, and bombs.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openContents } from '../../../src/identity/contents.js';
import { decodePem, parsePem } from '../../../src/identity/keys/pem.js';
import { findDerKey } from '../../../src/identity/keys/private-key.js';
import type { SigningKey } from '../../../src/identity/keys/signing-key.js';
import { path } from '../../fixtures.js';

const hasOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SUBJECT = 'private key of the test';
const WRONG = `${SUBJECT} cannot be decrypted: the passphrase is wrong`;
const DAMAGED = /^private key of the test is damaged/;

let made = 0;

/** Runs an openssl command; returns the content of the file named by its last argument. */
function openssl(...args: string[]): Buffer {
  const file = join(folder, String(made++));
  execFileSync('openssl', [...args, '-out', file], { stdio: 'pipe' });
  return readFileSync(file);
}

async function read(bytes: Buffer, passphrase?: string): Promise<SigningKey> {
  const material = { bytes: Buffer.from(bytes), subject: SUBJECT };
  const { keys } = await openContents(material, passphrase).keys();
  const [key] = keys;
  if (key === undefined) throw new Error('no key');
  return key;
}

/** Signs with a key and verifies with its certificate. */
async function expectKey(key: SigningKey, certificate: string): Promise<void> {
  const data = Buffer.from('data');
  const publicKey = createPublicKey(readFileSync(path(`${certificate}.pem`)));
  expect(verify('sha256', data, publicKey, key.sign(data))).toBe(true);
}

const KEYS = ['rsa-2048', 'ec-p256', 'ec-p521'] as const;
const PASSPHRASES = ['secret', '', 'pässwörd', 'pass 🔑 word', ' \t', 'x'.repeat(200)];

describe.skipIf(!hasOpenssl)('PBES2', () => {
  const CIPHERS = ['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc', 'des3'];
  const PRFS = ['hmacWithSHA1', 'hmacWithSHA224', 'hmacWithSHA256', 'hmacWithSHA384', 'hmacWithSHA512'];

  const encrypt = (name: string, passphrase: string, ...options: string[]): Buffer =>
    openssl(
      ...['pkcs8', '-topk8', '-in', path(`${name}.key.pem`), '-passout', `pass:${passphrase}`],
      ...options,
    );

  it.each(CIPHERS.flatMap((cipher) => PRFS.map((prf) => [cipher, prf] as const)))(
    '%s with %s, PEM and DER',
    async (cipher, prf) => {
      for (const [index, name] of KEYS.entries()) {
        const form = index === 0 ? 'DER' : 'PEM';
        const options = ['-v2', cipher, '-v2prf', prf, '-outform', form];
        await expectKey(await read(encrypt(name, 'secret', ...options), 'secret'), name);
      }
    },
  );

  it.each(PASSPHRASES)('with the passphrase %j', async (passphrase) => {
    for (const options of [['-v2', 'aes-256-cbc'], ['-scrypt']]) {
      const bytes = encrypt('ec-p256', passphrase, ...options);
      await expectKey(await read(bytes, passphrase), 'ec-p256');
      await expect(read(bytes, `${passphrase}x`)).rejects.toMatchObject({ message: WRONG });
      await expect(read(bytes)).rejects.toMatchObject({
        code: 'ERR_KEY_PASSPHRASE',
        message: `${SUBJECT} is encrypted and no passphrase was given`,
      });
    }
  });

  it.each([
    ['16384', '8', '1'],
    ['1024', '1', '16'],
  ])('scrypt with N=%s, r=%s, p=%s', async (n, r, p) => {
    const bytes = encrypt('ec-p256', 'secret', '-scrypt', '-scrypt_N', n, '-scrypt_r', r, '-scrypt_p', p);
    await expectKey(await read(bytes, 'secret'), 'ec-p256');
    await expect(read(bytes, 'Secret')).rejects.toMatchObject({ message: WRONG });
  });

  it('a wrong passphrase is distinguished from a damaged file', async () => {
    const bytes = encrypt('ec-p256', 'secret', '-v2', 'aes-256-cbc', '-outform', 'DER');
    // The ciphertext is the last element, in whole blocks of 16.
    const start = bytes.length - 16 * Math.floor((bytes.length - 60) / 16);
    const outcomes = new Set<string>();
    for (let at = start + 16; at < bytes.length; at++) {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ 0x11;
      const error = await read(altered, 'secret').catch((reason: unknown) => reason);
      if (error instanceof Error) outcomes.add(error.message.replace(/(is damaged).*/, '$1'));
    }
    // A flipped bit may also leave a valid key, or an unknown type; the error is never a wrong passphrase.
    expect([...outcomes].map((line) => line.replace(/(must be RSA).*/, '$1')).sort()).toContain(
      `${SUBJECT} is damaged`,
    );
    expect([...outcomes].join()).not.toContain('passphrase');
    for (const end of [bytes.length - 1, bytes.length - 16, 40, 3]) {
      const cut = bytes.subarray(0, end);
      await expect(read(cut, 'secret')).rejects.toMatchObject({ code: 'ERR_KEY_INVALID' });
      await expect(read(cut, 'wrong')).rejects.toMatchObject({ code: 'ERR_KEY_INVALID' });
    }
  });

  it('a wrong passphrase is never reported as damage (one hundred)', async () => {
    const bytes = encrypt('ec-p256', 'secret', '-v2', 'aes-128-cbc', '-iter', '1');
    for (let attempt = 0; attempt < 100; attempt++) {
      await expect(read(bytes, `wrong ${attempt}`)).rejects.toMatchObject({ message: WRONG });
    }
  });

  it.each([
    ['PBE-MD5-DES', 'pbeWithMD5AndDES-CBC'],
    ['PBE-SHA1-DES', 'pbeWithSHA1AndDES-CBC'],
    ['PBE-MD5-RC2-64', 'pbeWithMD5AndRC2-CBC'],
    ['PBE-SHA1-RC2-64', 'pbeWithSHA1AndRC2-CBC'],
    ['PBE-SHA1-RC2-40', 'pbeWithSHA1And40BitRC2-CBC'],
    ['PBE-SHA1-RC2-128', 'pbeWithSHA1And128BitRC2-CBC'],
    ['PBE-SHA1-2DES', 'pbeWithSHA1And2-KeyTripleDES-CBC'],
    ['PBE-SHA1-3DES', 'pbeWithSHA1And3-KeyTripleDES-CBC'],
  ])('the old encryption %s is read with a warning', async (name, encryption) => {
    for (const [key, passphrase] of [
      ['ec-p256', 'secret'],
      ['rsa-2048', 'pässwörd'],
      ['ec-p521', ''],
    ] as const) {
      const options = ['-provider', 'default', '-provider', 'legacy', '-v1', name];
      const bytes = encrypt(key, passphrase, ...options);
      const contents = openContents({ bytes: Buffer.from(bytes), subject: SUBJECT }, passphrase);
      const { keys } = await contents.keys();
      expect(keys).toHaveLength(1);
      for (const found of keys) await expectKey(found, key);
      expect(contents.notes).toMatchObject([
        { code: 'WARN_KEY_ENCRYPTION', message: `${SUBJECT} is encrypted with ${encryption}, which is weak` },
      ]);
      await expect(read(bytes, `${passphrase}x`)).rejects.toMatchObject({ message: WRONG });
    }
  });

  it.each([
    ['-v1', 'PBE-SHA1-RC4-128', 'pbeWithSHA1And128BitRC4'],
    ['-v2', 'camellia-256-cbc', '1.2.392.200011.61.1.1.1.4'],
  ])('%s %s is refused, with a command that converts it', async (flag, name, found) => {
    const bytes = encrypt(
      'ec-p256',
      'secret',
      ...['-provider', 'default', '-provider', 'legacy'],
      flag,
      name,
    );
    const error = await read(bytes, 'secret').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'ERR_KEY_UNSUPPORTED',
      message: `${SUBJECT} is encrypted with ${found}, which is not supported`,
      hint: 'convert a copy: openssl pkey -provider default -provider legacy -in KEY -aes256 -out NEW',
    });
    const [old, converted] = [join(folder, `old-${name}`), join(folder, `new-${name}`)];
    writeFileSync(old, bytes);
    const line = (error as { hint: string }).hint.replace('convert a copy: ', '');
    const openssl = line.replace('KEY', old).replace('NEW', converted);
    const command = `${openssl} -passin pass:secret -passout pass:fresh`;
    execFileSync('sh', ['-c', command], { stdio: 'pipe' });
    await expectKey(await read(readFileSync(converted), 'fresh'), 'ec-p256');
  });

  describe('is refused if it asks for excessive key derivation', () => {
    const ITERATIONS = Buffer.from('02020800', 'hex');

    it.each(['7fffffff', '00ffffffff', '7fffffffffffffff'])('iterations %s', async (count) => {
      const der = encrypt('ec-p256', 'secret', '-v2', 'aes-256-cbc', '-outform', 'DER');
      await expect(read(withInteger(der, ITERATIONS, count), 'secret')).rejects.toMatchObject({
        code: 'ERR_KEY_UNSUPPORTED',
        message: expect.stringMatching(/may ask for at most 5000000 iterations of PBKDF2, found \S/),
      });
    });

    it('iterations 0', async () => {
      const der = encrypt('ec-p256', 'secret', '-v2', 'aes-256-cbc', '-outform', 'DER');
      await expect(read(withInteger(der, ITERATIONS, '00'), 'secret')).rejects.toMatchObject({
        code: 'ERR_KEY_INVALID',
      });
    });

    it.each(['40000000', '00800000000000'])('scrypt N %s', async (n) => {
      const der = encrypt('ec-p256', 'secret', '-scrypt', '-outform', 'DER');
      await expect(read(withInteger(der, Buffer.from('02024000', 'hex'), n), 'secret')).rejects.toMatchObject(
        {
          code: 'ERR_KEY_UNSUPPORTED',
          message: expect.stringMatching(/may ask for at most 256 MiB of scrypt, found N=\d+, r=8, p=1$/),
        },
      );
    });
  });
});

/** Replaces an INTEGER in a DER file, with the lengths of all elements around it. */
function withInteger(der: Buffer, old: Buffer, hex: string): Buffer {
  const at = der.indexOf(old);
  if (at === -1) throw new Error('no such integer');
  const integer = Buffer.concat([Buffer.from([2, hex.length / 2]), Buffer.from(hex, 'hex')]);
  return replaceIn(der, at, old.length, integer);
}

function replaceIn(der: Buffer, at: number, length: number, replacement: Buffer): Buffer {
  if (at === 0) return Buffer.concat([replacement, der.subarray(length)]);
  const first = der[1] ?? 0;
  const header = 2 + (first < 0x80 ? 0 : first & 0x7f);
  const children: Buffer[] = [];
  for (let offset = header; offset < der.length; ) {
    const size = sizeOf(der.subarray(offset));
    const child = der.subarray(offset, offset + size);
    const isAround = at >= offset && at < offset + size;
    children.push(isAround ? replaceIn(child, at - offset, length, replacement) : child);
    offset += size;
  }
  const content = Buffer.concat(children);
  return Buffer.concat([
    Buffer.from([der[0] ?? 0, 0x82, content.length >> 8, content.length & 0xff]),
    content,
  ]);
}

function sizeOf(der: Buffer): number {
  const first = der[1] ?? 0;
  return first < 0x80 ? 2 + first : 2 + (first & 0x7f) + der.readUIntBE(2, first & 0x7f);
}

describe.skipIf(!hasOpenssl)('Proc-Type: 4,ENCRYPTED', () => {
  const CIPHERS = ['-aes128', '-aes192', '-aes256', '-des3'];
  const encrypt = (command: string, name: string, cipher: string, passphrase: string): Buffer =>
    openssl(
      ...[command, '-traditional', '-in', path(`${name}.key.pem`), cipher, '-passout', `pass:${passphrase}`],
      ...['-provider', 'default', '-provider', 'legacy'],
    );

  it.each([...CIPHERS, '-des'])('%s', async (cipher) => {
    for (const [command, name] of [
      ['rsa', 'rsa-2048'],
      ['pkey', 'ec-p256'],
      ['pkey', 'ec-p521'],
    ] as const) {
      const bytes = encrypt(command, name, cipher, 'secret');
      expect(bytes.toString()).toContain('Proc-Type: 4,ENCRYPTED');
      await expectKey(await read(bytes, 'secret'), name);
      await expect(read(bytes, 'Secret')).rejects.toMatchObject({
        code: 'ERR_KEY_PASSPHRASE',
        message: WRONG,
      });
      await expect(read(bytes)).rejects.toMatchObject({
        code: 'ERR_KEY_PASSPHRASE',
        message: `${SUBJECT} is encrypted and no passphrase was given`,
      });
    }
  });

  it.each(['pässwörd', 'pass 🔑 word'])('with the passphrase %j', async (passphrase) => {
    await expectKey(await read(encrypt('pkey', 'ec-p256', '-aes256', passphrase), passphrase), 'ec-p256');
  });

  it('of another cipher is refused, with a command that converts it', async () => {
    const bytes = encrypt('pkey', 'ec-p256', '-camellia256', 'secret');
    await expect(read(bytes, 'secret')).rejects.toMatchObject({
      code: 'ERR_KEY_UNSUPPORTED',
      message: `${SUBJECT} is encrypted with CAMELLIA-256-CBC, which is not supported`,
    });
  });

  it('damage is distinguished from a wrong passphrase', async () => {
    const text = encrypt('pkey', 'ec-p256', '-aes256', 'secret').toString();
    const cut = text.replace(/[^\n]{4}(\n-----END)/, '$1');
    await expect(read(Buffer.from(cut), 'secret')).rejects.toMatchObject({
      message: expect.stringMatching(DAMAGED),
    });
    for (const header of ['DEK-Info: AES-256-CBC', 'DEK-Info: AES-256-CBC,00', 'X-Other: 1']) {
      const altered = text.replace(/DEK-Info.*/, header);
      await expect(read(Buffer.from(altered), 'secret')).rejects.toMatchObject({ name: 'IdentityError' });
    }
  });
});

describe('PEM is read', () => {
  const pem = readFileSync(path('ec-p256.key.pem'), 'utf8');
  const [begin = '', ...rest] = pem.trimEnd().split('\n');
  const body = rest.slice(0, -1).join('');
  const end = rest.at(-1) ?? '';

  it.each<[string, string]>([
    ['with CRLF', pem.replaceAll('\n', '\r\n')],
    ['with CR alone', pem.replaceAll('\n', '\r')],
    ['with a byte order mark', `\uFEFF${pem}`],
    ['indented, as in YAML', pem.replaceAll(/^/gm, '    ')],
    ['with blanks at the ends of lines', pem.replaceAll('\n', ' \t\n')],
    ['with empty lines', pem.replaceAll('\n', '\n\n')],
    ['with text before and after', `Bag Attributes\n    friendlyName: x: y\n${pem}\nthe end\n`],
    ['in one line of base64', `${begin}\n${body}\n${end}`],
    ['in one line altogether', `${begin} ${body} ${end}`],
    ['without a line feed at the end', pem.trimEnd()],
    ['with the padding on a line of its own', pem.replace(/(=+)\n/, '\n$1\n')],
  ])('%s', async (_name, text) => {
    await expectKey(await read(Buffer.from(text)), 'ec-p256');
  });

  it.each([
    ['a letter that is none of base64', body.replace(/.$/, '*')],
    ['more after the padding', `${body}=AAAA`],
    ['three characters of padding', `${body}===`],
    ['nothing', ''],
    ['a letter over', 'AAAAA'],
  ])('is refused with %s', async (_name, text) => {
    await expect(read(Buffer.from(`${begin}\n${text}\n${end}\n`))).rejects.toMatchObject({
      code: 'ERR_PEM_INVALID',
      message: `${SUBJECT} holds a PRIVATE KEY block that is not base64`,
    });
  });

  it('gives the same bytes as Node, at any length', () => {
    for (let length = 1; length < 70; length++) {
      const octets = Buffer.from(Array.from({ length }, (_, index) => (index * 89 + length) & 0xff));
      const text = `-----BEGIN X-----\n${octets.toString('base64')}\n-----END X-----`;
      const [block] = parsePem(Buffer.from(text), SUBJECT).blocks;
      if (block === undefined) throw new Error('no block');
      expect(decodePem(block, SUBJECT)).toEqual(octets);
    }
  });
});

describe('input that is no private key', () => {
  it.each([
    ['nothing', ''],
    ['a tag', '30'],
    ['a length', '3003'],
    ['an empty sequence', '3000'],
    ['an integer', '020101'],
    ['an endless nesting', '3080'.repeat(500)],
    ['a length of five octets', '308500000000ff'],
    ['PKCS#8 without an algorithm', '3009020100300004020500'],
    ['an encrypted key of nothing', '300430000400'],
    ['an encrypted key without parameters', `300f300b06092a864886f70d01050d0400`],
  ])('%s', async (_name, hex) => {
    const reading = async (): Promise<SigningKey> =>
      findDerKey(Buffer.from(hex, 'hex'), { passphrase: 'secret', subject: SUBJECT }).read();
    await expect(reading()).rejects.toMatchObject({ code: 'ERR_KEY_INVALID' });
  });

  it('PKCS#8 with an unknown algorithm is named', async () => {
    await expect(read(Buffer.from('300f020100300506032b66760403020100', 'hex'))).rejects.toMatchObject({
      code: 'ERR_KEY_UNSUPPORTED',
      message:
        `${SUBJECT} must be RSA, EC, ML-DSA-44, ML-DSA-65 or ML-DSA-87 to sign for IAM Roles ` +
        `Anywhere, found the kind 1.3.102.118`,
    });
  });
});
