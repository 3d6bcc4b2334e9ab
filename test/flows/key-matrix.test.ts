/**
 * The matrix: each kind of key, in each format and encryption that openssl writes, under a certificate of
 * each hash, signs a CreateSession that the emulator accepts.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator.js';
import { startEmulator } from '../../src/emulator.js';
import type { CreateSessionOptions } from '../../src/session/create-session.js';
import { createSession } from '../../src/session/create-session.js';
import { path, text } from '../fixtures.js';

const hasOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;
const PASSPHRASE = 'pässphräse 🔑';
const KINDS = ['rsa-2048', 'rsa-3072', 'ec-p256', 'ec-p384', 'ec-p521', 'ec-secp256k1'];
const HASHES = ['sha256', 'sha384', 'sha512'];

/** A key and its certificate, as options. */
type Format = (kind: string, certificate: string) => Partial<CreateSessionOptions>;

const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-matrix-'));
let emulator: Emulator;
const made = new Map<string, string>();

beforeAll(async () => {
  emulator = await startEmulator({ certificateAuthority: [text('root-ec.pem'), text('root-ml-dsa.pem')] });
});
afterAll(async () => {
  await emulator.close();
  rmSync(folder, { recursive: true });
});

/** The path of the output of openssl, which runs once for the same words. */
function openssl(...args: string[]): string {
  const known = made.get(args.join(' '));
  if (known !== undefined) return known;
  const file = join(folder, String(made.size));
  execFileSync('openssl', [...args, '-out', file], { stdio: 'pipe', env: { ...process.env, PASSPHRASE } });
  made.set(args.join(' '), file);
  return file;
}

/** A certificate for the key of a fixture, which root-ec signs with a hash. */
function issue(kind: string, hash: string): string {
  const extensions = join(folder, 'leaf.ext');
  writeFileSync(extensions, 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n');
  const request = openssl('req', '-new', '-key', path(`${kind}.key.pem`), '-subj', `/O=Matrix/CN=${kind}`);
  return openssl(
    ...['x509', '-req', '-in', request, '-CA', path('root-ec.pem'), '-CAkey', path('root-ec.key.pem')],
    ...['-set_serial', String(1 + made.size), '-days', '30', `-${hash}`, '-extfile', extensions],
  );
}

function key(...options: string[]): Format {
  return (kind, certificate) => ({
    certificate,
    privateKey: openssl(...options, '-in', path(`${kind}.key.pem`)),
    passphrase: options.includes('env:PASSPHRASE') ? PASSPHRASE : undefined,
  });
}

function pkcs12(...options: string[]): Format {
  return (kind, certificate) => ({
    certificate: openssl(
      ...['pkcs12', '-export', '-in', certificate, '-inkey', path(`${kind}.key.pem`)],
      ...['-passout', 'env:PASSPHRASE', ...options],
    ),
    passphrase: PASSPHRASE,
  });
}

const encrypted = (...options: string[]): Format =>
  key('pkcs8', '-topk8', '-passout', 'env:PASSPHRASE', ...options);
const traditional = (...options: string[]): Format =>
  key(
    'pkey',
    '-traditional',
    '-passout',
    'env:PASSPHRASE',
    '-provider',
    'default',
    '-provider',
    'legacy',
    ...options,
  );

const FORMATS: Readonly<Record<string, Format>> = {
  'PKCS#8, PEM': key('pkcs8', '-topk8', '-nocrypt'),
  'PKCS#8, DER': key('pkcs8', '-topk8', '-nocrypt', '-outform', 'DER'),
  'PKCS#1 or SEC 1, PEM': key('pkey', '-traditional'),
  'PKCS#1 or SEC 1, DER': key('pkey', '-traditional', '-outform', 'DER'),
  'one file, PEM': (kind, certificate) => ({
    certificate: `${readFileSync(certificate, 'utf8')}${text(`${kind}.key.pem`)}`,
  }),
  'PKCS#7 and a key': (kind, certificate) => ({
    certificate: openssl('crl2pkcs7', '-nocrl', '-certfile', certificate, '-outform', 'DER'),
    privateKey: path(`${kind}.key.pem`),
  }),
  'PBES2, AES-128, HMAC-SHA-1': encrypted('-v2', 'aes-128-cbc', '-v2prf', 'hmacWithSHA1'),
  'PBES2, AES-192, HMAC-SHA-384, DER': encrypted(
    ...['-v2', 'aes-192-cbc', '-v2prf', 'hmacWithSHA384', '-outform', 'DER'],
  ),
  'PBES2, AES-256, HMAC-SHA-256': encrypted('-v2', 'aes-256-cbc', '-v2prf', 'hmacWithSHA256'),
  'PBES2, AES-256, HMAC-SHA-512': encrypted('-v2', 'aes-256-cbc', '-v2prf', 'hmacWithSHA512'),
  'PBES2, scrypt': encrypted('-scrypt'),
  'old PEM, AES-256': traditional('-aes256'),
  'old PEM, 3DES': traditional('-des3'),
  'old PEM, DES': traditional('-des'),
  'PKCS#12, AES-256, SHA-256': pkcs12(),
  'PKCS#12, AES-128, SHA-1': pkcs12('-certpbe', 'AES-128-CBC', '-keypbe', 'AES-128-CBC', '-macalg', 'sha1'),
  'PKCS#12, AES-192, SHA-512': pkcs12(
    '-certpbe',
    'AES-192-CBC',
    '-keypbe',
    'AES-192-CBC',
    '-macalg',
    'sha512',
  ),
  'PKCS#12, no MAC': pkcs12('-nomac'),
};

async function expectSession(options: Partial<CreateSessionOptions>): Promise<void> {
  const { trustAnchorArn, profileArn, roleArn, endpoint } = emulator;
  const session = await createSession({
    ...{ trustAnchorArn, profileArn, roleArn, endpoint, certificate: undefined, env: {} },
    ...options,
  });
  expect(session.accessKeyId).toMatch(/^ASIA/);
  expect(session.assumedRole.arn).toContain(':assumed-role/');
}

describe.skipIf(!hasOpenssl).each(KINDS)('a key %s', (kind) => {
  const certificates = new Map<string, string>();
  beforeAll(() => {
    for (const hash of HASHES) certificates.set(hash, issue(kind, hash));
  });

  it.each(Object.keys(FORMATS))('as %s, under certificates of each hash', async (name) => {
    for (const hash of HASHES) {
      const options = FORMATS[name]?.(kind, certificates.get(hash) ?? '');
      await expectSession(options ?? {});
    }
  });
});

describe('an ML-DSA key', () => {
  const passphrase = 'correct horse battery staple';

  it.each(
    ['44', '65', '87'].flatMap((level) =>
      ['key', 'expanded', 'both', 'encrypted'].map((form) => [level, form]),
    ),
  )('ML-DSA-%s as %s', async (level, form) => {
    const privateKey = path(`ml-dsa-${level}.${form}.pem`);
    await expectSession({ certificate: path(`ml-dsa-${level}.pem`), privateKey, passphrase });
  });

  it('under an authority with an EC key, and below an intermediate with an ML-DSA key', async () => {
    const privateKey = path('ml-dsa-65.key.pem');
    await expectSession({ certificate: path('ml-dsa-65-by-ec.pem'), privateKey });
    const intermediates = path('ml-dsa-chain.intermediates.pem');
    await expectSession({ certificate: path('ml-dsa-chain.pem'), privateKey, intermediates });
  });
});

it.each(['chain-3.p12', 'ec-p256.pbmac1.p12'])('PKCS#12 of the fixtures: %s', async (file) => {
  await expectSession({ certificate: path(file), passphrase: 'correct horse battery staple' });
});
