/** PKCS#7 bundles of openssl. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadIdentity } from '../../src/identity/load.js';
import { path, text } from '../fixtures.js';

const hasOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-p7-'));
afterAll(() => rmSync(folder, { recursive: true }));

let made = 0;

function openssl(...args: string[]): string {
  const file = join(folder, `${made++}.p7b`);
  execFileSync('openssl', [...args, '-out', file], { stdio: 'pipe' });
  return file;
}

/** A bundle of the certificates in files. */
function bundle(form: 'PEM' | 'DER', ...files: string[]): string {
  const certificates = files.flatMap((file) => ['-certfile', path(file)]);
  return openssl('crl2pkcs7', '-nocrl', ...certificates, '-outform', form);
}

const LEAF = { certificate: path('chain-3.pem'), privateKey: path('chain-3.key.pem') };

describe.skipIf(!hasOpenssl)('a PKCS#7 bundle', () => {
  const expected = async (): Promise<Buffer[]> =>
    (await loadIdentity({ ...LEAF, intermediates: path('chain-3.intermediates.pem') })).chain.map(
      ({ raw }) => raw,
    );

  it.each(['PEM', 'DER'] as const)('as %s gives the intermediates', async (form) => {
    const file = bundle(form, 'root-ec.pem', 'chain-3.intermediates.pem');
    for (const intermediates of [file, readFileSync(file)]) {
      const { chain } = await loadIdentity({ ...LEAF, intermediates });
      expect(chain.map(({ raw }) => raw)).toEqual(await expected());
    }
  });

  it.each(['PEM', 'DER'] as const)('as %s with a separate key gives leaf and chain', async (form) => {
    const certificate = bundle(form, 'chain-3.intermediates.pem', 'chain-3.pem');
    const identity = await loadIdentity({ ...LEAF, certificate });
    expect(identity.certificate.subject).toContain('CN=chain-3');
    expect(identity.chain.map(({ raw }) => raw)).toEqual(await expected());
    await expect(loadIdentity({ certificate })).rejects.toMatchObject({
      code: 'ERR_OPTION_MISSING',
      message: `missing privateKey (--private-key), and certificate ${certificate} holds none`,
    });
    await expect(loadIdentity({ ...LEAF, privateKey: certificate })).rejects.toMatchObject({
      code: 'ERR_PEM_INVALID',
      message: expect.stringMatching(/^private key .* must hold a private key, found only a PKCS#7 bundle/),
    });
  });

  it('under the old label, and with a key in one file', async () => {
    const pem = readFileSync(bundle('PEM', 'chain-3.pem', 'chain-3.intermediates.pem'), 'utf8');
    const old = pem.replaceAll('PKCS7', 'PKCS #7 SIGNED DATA');
    for (const certificate of [old, `${text('chain-3.key.pem')}${pem}`]) {
      const identity = await loadIdentity({ certificate, privateKey: path('chain-3.key.pem') });
      expect(identity.chain).toHaveLength(3);
    }
    expect((await loadIdentity({ certificate: `${text('chain-3.key.pem')}${pem}` })).chain).toHaveLength(3);
  });

  it('with a signature, in BER with indefinite lengths', async () => {
    const file = openssl(
      ...['cms', '-sign', '-in', path('root-ec.pem'), '-nodetach', '-stream', '-outform', 'DER'],
      ...['-signer', path('chain-3.pem'), '-inkey', path('chain-3.key.pem')],
      ...['-certfile', path('chain-3.intermediates.pem')],
    );
    const bytes = readFileSync(file);
    expect(bytes[1]).toBe(0x80);
    const identity = await loadIdentity({ ...LEAF, certificate: bytes });
    expect(identity.chain.map(({ raw }) => raw)).toEqual(await expected());
  });

  it('without certificates is refused', async () => {
    const empty = openssl(
      'cms',
      '-sign',
      '-nocerts',
      '-in',
      path('root-ec.pem'),
      '-outform',
      'DER',
      ...['-signer', path('chain-3.pem'), '-inkey', path('chain-3.key.pem')],
    );
    for (const intermediates of [empty, readFileSync(empty)]) {
      await expect(loadIdentity({ ...LEAF, intermediates })).rejects.toMatchObject({
        code: 'ERR_PEM_INVALID',
        message: expect.stringMatching(
          /^intermediates.* must hold a certificate, found only a PKCS#7 bundle without certificates$/,
        ),
      });
    }
  });

  it('of another content type is refused', async () => {
    const sealed = join(folder, 'sealed.p7b');
    const args = ['-in', path('root-ec.pem'), '-outform', 'DER', '-out', sealed, path('rsa-2048.pem')];
    execFileSync('openssl', ['cms', '-encrypt', ...args], { stdio: 'pipe' });
    await expect(loadIdentity({ ...LEAF, intermediates: sealed })).rejects.toMatchObject({
      code: 'ERR_CERTIFICATE_INVALID',
      message:
        `intermediates ${sealed} must be a PKCS#7 bundle of certificates, ` +
        'found PKCS#7 of type 1.2.840.113549.1.7.3',
    });
  });

  it('that is damaged or cut short is refused', async () => {
    const bytes = readFileSync(bundle('DER', 'chain-3.intermediates.pem'));
    for (const length of [20, 60, bytes.length >> 1, bytes.length - 1]) {
      await expect(loadIdentity({ ...LEAF, intermediates: bytes.subarray(0, length) })).rejects.toMatchObject(
        {
          code: 'ERR_CERTIFICATE_INVALID',
        },
      );
    }
    const nested = Buffer.from('30800609'.padEnd(24, '0') + '3080'.repeat(200), 'hex');
    await expect(loadIdentity({ ...LEAF, intermediates: nested })).rejects.toMatchObject({
      code: 'ERR_CERTIFICATE_INVALID',
    });
  });
});
