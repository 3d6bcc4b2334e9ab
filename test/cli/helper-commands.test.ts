/**
 * `sign-string`, `read-certificate-data` and `version`, compared with AWS's Go helper 1.4.0, built from
 * source: RSA signatures and certificate data byte for byte. Python's `cryptography` made the expected output
 * for other keys.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/session/version.js';
import { manifest, path, text } from '../fixtures.js';
import type { RunOptions } from '../program.js';
import { report, runMain, runProgram } from '../program.js';

interface Vectors {
  readonly signString: ReadonlyArray<{ name: string; digest: string; json: string }>;
  readonly messages: ReadonlyArray<{ name: string; hex: string }>;
  readonly certificateData: ReadonlyArray<{ file: string; sha256: string; length: number }>;
}

const VECTORS: Vectors = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'vectors', 'helper-outputs.json'), 'utf8'),
);
const HELP = 'see rolesanywhere sign-string --help';
const DATA_HELP = 'see rolesanywhere read-certificate-data --help';

function keyOf(name: string): string[] {
  return ['sign-string', '--private-key', path(`${name}.key.pem`)];
}

async function stdoutOf(args: readonly string[], options: Pick<RunOptions, 'env' | 'input'> = {}) {
  const { status, stdout, stderr } = await runMain(args, options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

describe('sign-string', () => {
  it.each(VECTORS.signString)(
    'prints what the helper prints: $name, $digest',
    async ({ name, digest, json }) => {
      const args = [...keyOf(name), '--digest', digest];
      expect(await stdoutOf(args)).toBe(json);
      expect(await stdoutOf([...args, '--format=json'])).toBe(json);
      expect(await stdoutOf([...args, '--format', 'text'])).toBe(json.replaceAll('"', ''));
      const { stdout } = await runMain([...args, '--format', 'bin']);
      expect(Buffer.from(stdout, 'latin1').toString('hex')).toBe(json.replaceAll('"', ''));
      if (digest === 'SHA256') expect(await stdoutOf(keyOf(name))).toBe(json);
    },
  );

  it.each(
    VECTORS.messages.flatMap(({ name, hex }) =>
      ['SHA256', 'SHA384', 'SHA512'].map((digest) => [name, digest, hex] as const),
    ),
  )('signs the fixed text: %s, %s', async (name, digest, hex) => {
    const signature = await stdoutOf([...keyOf(name), '--digest', digest, '--format', 'text']);
    const publicKey = createPublicKey(text(`${name}.pem`));
    const message = Buffer.from(hex, 'hex');
    expect(verify(digest.toLowerCase(), message, publicKey, Buffer.from(signature, 'hex'))).toBe(true);
    expect(verify('sha1', message, publicKey, Buffer.from(signature, 'hex'))).toBe(false);
  });

  const [{ json } = { json: '' }] = VECTORS.signString;
  const ENCRYPTED = ['sign-string', '--private-key', path('rsa-2048.scrypt.pem')];
  it.each<[string, readonly string[], Pick<RunOptions, 'env' | 'input'>]>([
    ['in the file of the certificate', ['sign-string', '--certificate', path('rsa-2048.combined.pem')], {}],
    ['with its certificate', [...keyOf('rsa-2048'), '--certificate', path('rsa-2048.pem')], {}],
    ['on standard input', ['sign-string', '--private-key=-'], { input: text('rsa-2048.key.pem') }],
    ['in DER', ['sign-string', '--private-key', path('rsa-2048.key.der')], {}],
    ['that is encrypted', ENCRYPTED, { env: { ROLESANYWHERE_PKCS8_PASSWORD: manifest.passphrase } }],
    [
      'that is encrypted, the passphrase on standard input',
      [...ENCRYPTED, '--pkcs8-password-file', '-'],
      { input: `${manifest.passphrase}\n` },
    ],
  ])('takes a key %s', async (_name, args, options) => {
    expect(await stdoutOf(args, options)).toBe(json);
  });

  it.each<[readonly string[], number, string, string, string]>([
    [['sign-string'], 2, 'missing --private-key', 'ERR_OPTION_MISSING', HELP],
    [
      [...keyOf('rsa-2048'), '--digest', 'SHA1'],
      2,
      '--digest must be SHA256, SHA384 or SHA512, found "SHA1"',
      'ERR_OPTION_INVALID',
      HELP,
    ],
    [
      [...keyOf('rsa-2048'), '--digest', 'sha256'],
      2,
      '--digest must be SHA256, SHA384 or SHA512, found "sha256"',
      'ERR_OPTION_INVALID',
      HELP,
    ],
    [
      [...keyOf('rsa-2048'), '--format', 'xml'],
      2,
      '--format must be json, text or bin, found "xml"',
      'ERR_OPTION_INVALID',
      HELP,
    ],
    [[...keyOf('rsa-2048'), '--role-arn', 'x'], 2, 'unknown flag --role-arn', 'ERR_OPTION_UNKNOWN', HELP],
    [
      [...keyOf('rsa-2048'), '--cert-selector', 'Key=x509Subject,Value=CN=a'],
      2,
      '--private-key and --cert-selector exclude each other',
      'ERR_OPTION_CONFLICT',
      HELP,
    ],
  ])('refuses %j', async (args, status, message, code, hint) => {
    expect(await runMain(args)).toEqual({ status, stdout: '', stderr: report(message, code, hint) });
  });
});

describe('read-certificate-data', () => {
  it.each(VECTORS.certificateData)(
    'prints what the helper prints: $file',
    async ({ file, sha256, length }) => {
      const stdout = await stdoutOf(['read-certificate-data', '--certificate', path(file)]);
      expect(stdout).toHaveLength(length);
      expect(createHash('sha256').update(stdout).digest('hex')).toBe(sha256);
    },
  );

  it('has its members in this order, and no line end', async () => {
    const stdout = await stdoutOf(['read-certificate-data', `--certificate=${path('ec-p256.pem')}`]);
    const base64 = text('ec-p256.pem').replace(/-----.*-----|\n/g, '');
    expect(stdout).toBe(
      `{"keyType":"EC","certificateData":"${base64}",` +
        '"serialNumber":"435030039123999091742756552451727367640336089683",' +
        '"supportedAlgorithms":["ECSHA256","ECSHA384","ECSHA512"]}',
    );
  });

  it.each<[readonly string[], number, string, string, string?]>([
    [[], 2, 'missing --certificate', 'ERR_OPTION_MISSING', DATA_HELP],
    [
      ['--certificate', '/no/such'],
      3,
      'certificate /no/such cannot be read: there is no such file',
      'ERR_FILE_UNREADABLE',
    ],
    [
      ['--certificate', 'x', '--cert-selector', 'y'],
      2,
      '--certificate and --cert-selector exclude each other',
      'ERR_OPTION_CONFLICT',
      DATA_HELP,
    ],
    [
      ['--certificate', 'x', '--private-key', 'y'],
      2,
      'unknown flag --private-key',
      'ERR_OPTION_UNKNOWN',
      DATA_HELP,
    ],
  ])('refuses %j', async (args, status, message, code, hint) => {
    const outcome = await runMain(['read-certificate-data', ...args]);
    expect(outcome).toEqual({ status, stdout: '', stderr: report(message, code, hint) });
  });
});

const hasOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;

describe.skipIf(!hasOpenssl)('of a PKCS#12 file (left out where openssl is not installed)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
  const [file, password] = [join(folder, 'host.p12'), join(folder, 'password')];
  beforeAll(() => {
    writeFileSync(password, 'pässwörd\n', { mode: 0o600 });
    const files = ['-in', path('rsa-2048.pem'), '-inkey', path('rsa-2048.key.pem'), '-out', file];
    execFileSync('openssl', ['pkcs12', '-export', ...files, '-passout', `file:${password}`]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(['--pkcs12-password-file', '--pkcs8-password-file'])('both are made with %s', async (flag) => {
    const flags = ['--certificate', file, flag, password];
    expect(await stdoutOf(['sign-string', ...flags])).toBe(VECTORS.signString[0]?.json);
    const data = await stdoutOf(['read-certificate-data', ...flags]);
    expect(createHash('sha256').update(data).digest('hex')).toBe(VECTORS.certificateData[0]?.sha256);
  });

  it.each(['sign-string', 'read-certificate-data'])('%s reports a wrong password', async (command) => {
    const env = { ROLESANYWHERE_PKCS12_PASSWORD: 'canary' };
    const { status, stdout, stderr } = await runMain([command, '--certificate', file], { env });
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(stderr).toMatch(
      /^rolesanywhere: certificate \S+host\.p12 cannot be decrypted: the passphrase is wrong/,
    );
    expect(stderr).not.toContain('canary');
  });
});

describe('the program as it is built', () => {
  it('signs', async () => {
    const { status, stdout } = await runProgram([...keyOf('ec-p256'), '--format', 'text']);
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^30[0-9a-f]+$/) });
  });

  it('prints its version and a line end', async () => {
    expect(await runProgram(['version'])).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
  });
});
