/**
 * Keys on a token (SoftHSM), in a TPM (swtpm) and behind a program, through every command, against the
 * emulator.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator.js';
import { startEmulator } from '../../src/emulator.js';
import type { SoftHsm } from '../identity/pkcs11/softhsm.js';
import { MODULE, missingForSoftHsm, PIN, startSoftHsm } from '../identity/pkcs11/softhsm.js';
import type { Swtpm } from '../identity/tpm/swtpm.js';
import { missingForSwtpm, startSwtpm } from '../identity/tpm/swtpm.js';
import { runProgram } from '../program.js';

const PROGRAM = join(import.meta.dirname, '..', '..', 'dist', 'bin.cjs');

let folder: string;
let emulator: Emulator;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'external-'));
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-noenc',
    '-keyout',
    at('ca.key'),
    '-subj',
    '/CN=CA',
    '-addext',
    'keyUsage=critical,keyCertSign',
    '-out',
    at('ca.pem'),
  );
  writeFileSync(at('leaf.ext'), 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n');
  emulator = await startEmulator({ certificateAuthority: readFileSync(at('ca.pem'), 'utf8') });
});

afterAll(async () => {
  await emulator?.close();
  rmSync(folder, { recursive: true, force: true });
});

function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

/** A certificate for a public key whose private half never leaves its device. */
function issue(publicKeyPem: string, name: string): string {
  writeFileSync(at(`${name}.pub`), publicKeyPem);
  openssl(
    'req',
    '-new',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-noenc',
    '-keyout',
    at('other.key'),
    '-subj',
    `/CN=${name}`,
    '-out',
    at(`${name}.csr`),
  );
  openssl(
    'x509',
    '-req',
    '-in',
    at(`${name}.csr`),
    '-force_pubkey',
    at(`${name}.pub`),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-days',
    '10',
    '-extfile',
    at('leaf.ext'),
    '-out',
    at(`${name}.pem`),
  );
  return at(`${name}.pem`);
}

function sessionFlags(): string[] {
  const { trustAnchorArn, profileArn, roleArn, endpoint } = emulator;
  return [
    '--trust-anchor-arn',
    trustAnchorArn,
    '--profile-arn',
    profileArn,
    '--role-arn',
    roleArn,
    '--endpoint',
    endpoint,
  ];
}

async function credentials(args: readonly string[], env: Record<string, string> = {}): Promise<unknown> {
  const { stdout, stderr, status } = await runProgram(['credential-process', ...args, ...sessionFlags()], {
    env,
  });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return JSON.parse(stdout);
}

/** The lines of `doctor --json` by mark. */
async function doctor(args: readonly string[], env: Record<string, string> = {}) {
  const { stdout } = await runProgram(['doctor', '--offline', '--json', ...args, ...sessionFlags()], { env });
  const lines: Array<{ mark: string; what: string; found: string }> = JSON.parse(stdout).checks;
  return (mark: string) =>
    lines.filter((line) => line.mark === mark).map((line) => `${line.what}: ${line.found}`);
}

const SESSION = { Version: 1, AccessKeyId: expect.stringMatching(/^ASIA/) };

const noHsm = missingForSoftHsm();

describe.skipIf(noHsm)(`a key on a token${noHsm === undefined ? '' : ` (left out: no ${noHsm})`}`, () => {
  let hsm: SoftHsm;
  let certificate: string;

  beforeAll(() => {
    hsm = startSoftHsm();
    hsm.addToken('host');
    hsm.addPair('host', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'host', '01', {
      hasCertificate: false,
    });
    certificate = issue(openssl('pkey', '-in', join(hsm.folder, 'key.pem'), '-pubout'), 'token');
    openssl('x509', '-in', certificate, '-outform', 'DER', '-out', join(hsm.folder, 'leaf.der'));
    const names = ['--label', 'host', '--id', '01'];
    hsm.run(
      'pkcs11-tool',
      '--module',
      MODULE,
      '--token-label',
      'host',
      '--login',
      '--pin',
      PIN,
      '--write-object',
      'leaf.der',
      '--type',
      'cert',
      ...names,
    );
  });
  afterAll(() => hsm?.stop());

  const config = () => ({ SOFTHSM2_CONF: hsm.env['SOFTHSM2_CONF'] ?? '' });
  const env = () => ({ ...config(), ROLESANYWHERE_PKCS11_PIN: PIN });
  const lib = ['--pkcs11-lib', MODULE];

  it('gets credentials with certificate and key on the token, or the certificate in a file', async () => {
    expect(await credentials(['--certificate', 'pkcs11:token=host', ...lib], env())).toMatchObject(SESSION);
    expect(
      await credentials(
        ['--certificate', certificate, '--private-key', 'pkcs11:token=host;id=%01', ...lib],
        env(),
      ),
    ).toMatchObject(SESSION);
  });

  it('is checked by doctor, which shows no PIN', async () => {
    const args = [
      '--certificate',
      certificate,
      '--private-key',
      `pkcs11:token=host?pin-value=${PIN}`,
      ...lib,
    ];
    const marked = await doctor(args, config());
    expect(marked('error')).toEqual([]);
    expect(marked('ok')).toContain('private key: on a PKCS#11 token: pkcs11:token=host');
    expect(marked('ok')).toContain('test signature: verifies');
    const wrong = await doctor(['--certificate', 'pkcs11:token=other', ...lib], env());
    expect(wrong('error')).toEqual([expect.stringMatching(/^private key: .*token/)]);
  });

  it('accepts the PIN in the URI, in a file that the URI names, and in a PIN file', async () => {
    writeFileSync(at('pin'), `${PIN}\n`);
    chmodSync(at('pin'), 0o600);
    for (const args of [
      ['--certificate', `pkcs11:token=host?pin-value=${PIN}`, ...lib],
      ['--certificate', `pkcs11:token=host?pin-source=file:${at('pin')}`, ...lib],
      ['--certificate', `pkcs11:token=host?module-path=${MODULE}`, '--pkcs11-pin-file', at('pin')],
    ]) {
      expect(await credentials(args, config())).toMatchObject(SESSION);
    }
  });

  it('signs the test string, and lists its objects', async () => {
    const signed = await runProgram(['sign-string', '--private-key', 'pkcs11:token=host', ...lib], {
      env: env(),
    });
    expect(JSON.parse(signed.stdout)).toMatch(/^30[0-9a-f]+$/);
    const data = await runProgram(['read-certificate-data', '--certificate', 'pkcs11:token=host', ...lib], {
      env: env(),
    });
    expect(data.stdout).toMatch(
      /^Matching identities\n1\) Hex Fingerprint: [0-9a-f]{40}\nSubject: CN=token\nIssuer: CN=CA\n/,
    );
    const list = await runProgram(['keys', 'list', ...lib], { env: env() });
    expect(list.stdout).toMatch(
      /token "host" .*\n {2}certificate CN=token, until .*\n {4}pkcs11:token=host;/,
    );
    expect(list.stdout).toMatch(/;type=cert\n {2}EC key "host"\n/);
  });

  it.each([
    [
      'a wrong PIN',
      ['--certificate', 'pkcs11:token=host?pin-value=0000'],
      /refused the PIN.*ERR_PKCS11_PIN/s,
    ],
    [
      'no PIN and no terminal',
      ['--certificate', 'pkcs11:token=host'],
      /requires a PIN, and none is given.*ERR_PKCS11_PIN/s,
    ],
    [
      'a missing token',
      ['--certificate', 'pkcs11:token=gone'],
      /found the tokens? .*host.*ERR_PKCS11_TOKEN/s,
    ],
    [
      'an attribute twice',
      ['--certificate', 'pkcs11:token=a;token=b'],
      /attribute token twice.*ERR_OPTION_INVALID/s,
    ],
  ])('reports the fault in one line: %s', async (_what, args, message) => {
    const { stdout, stderr, status } = await runProgram(
      ['credential-process', ...args, ...lib, ...sessionFlags()],
      { env: config() },
    );
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('0000');
    expect(status).toBe(/OPTION/.test(message.source) ? 2 : 3);
  });
});

const noTpm = missingForSwtpm();

describe.skipIf(noTpm)(`a key in a TPM${noTpm === undefined ? '' : ` (left out: no ${noTpm})`}`, () => {
  let tpm: Swtpm;
  beforeAll(async () => {
    tpm = await startSwtpm();
  });
  afterAll(() => tpm?.stop());

  /** A key of tpm2-openssl with its certificate. */
  function pair(name: string, ...args: string[]): string[] {
    tpm.opensslKey(`${name}.tss`, '-algorithm', ...args);
    const publicKey = tpm.run(
      'openssl',
      'pkey',
      '-provider',
      'tpm2',
      '-provider',
      'default',
      '-in',
      `${name}.tss`,
      ...['-pubout', '-passin', 'pass:canary'],
    );
    tpm.flush();
    return [
      '--certificate',
      issue(publicKey, name),
      '--private-key',
      join(tpm.folder, `${name}.tss`),
      '--tpm-device',
      tpm.address,
    ];
  }

  it(
    'gets credentials with an RSA and an EC key file, and keeps them in the cache where RSA derives its ' +
      'key',
    async () => {
      const ec = pair('tpm-ec', 'EC', '-pkeyopt', 'group:P-256');
      expect(await credentials(ec)).toMatchObject(SESSION);
      expect((await doctor(ec))('ok')).toContain('test signature: verifies');
      const rsa = [...pair('tpm-rsa', 'RSA', '-pkeyopt', 'bits:2048'), '--cache'];
      const env = { XDG_RUNTIME_DIR: folder };
      const first = await credentials(rsa, env);
      expect(first).toMatchObject(SESSION);
      expect(await credentials(rsa, env)).toEqual(first);
    },
  );

  it.each(['SIGTERM', 'SIGINT'] as const)('leaves nothing in the TPM when %s ends it', async (signal) => {
    const keyFile = join(tpm.folder, 'ended.tss');
    tpm.opensslKey('ended.tss', '-algorithm', 'EC', '-pkeyopt', 'group:P-256');
    const relay = await startRelay(tpm.port);
    const args = ['sign-string', '--private-key', keyFile, '--tpm-device', `swtpm:port=${relay.port}`];
    const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    // The parent of the key has been created, and stays in the TPM until it is flushed.
    void relay.answered.then(() => child.kill(signal));
    expect(await once(child, 'exit')).toEqual([null, signal]);
    await relay.close();
    expect(tpm.run('tpm2_getcap', 'handles-transient')).toBe('');
  });

  it('accepts the password from the environment and from a file; a wrong one is an error', async () => {
    const args = pair('tpm-password', 'EC', '-pkeyopt', 'group:P-256', '-pkeyopt', 'user-auth:canary');
    expect(await credentials(args, { ROLESANYWHERE_TPM_KEY_PASSWORD: 'canary' })).toMatchObject(SESSION);
    writeFileSync(at('tpm-password'), 'canary\n', { mode: 0o600 });
    expect(await credentials([...args, '--tpm-key-password-file', at('tpm-password')])).toMatchObject(
      SESSION,
    );
    const env = { ROLESANYWHERE_TPM_KEY_PASSWORD: 'wrong canary' };
    const { stdout, stderr, status } = await runProgram(['credential-process', ...args, ...sessionFlags()], {
      env,
    });
    expect({ stdout, status }).toEqual({ stdout: '', status: 3 });
    expect(stderr).toMatch(/refused the password of the key.*ERR_TPM_PASSWORD/);
    expect(stderr).not.toContain('canary');
    // tpm2_encodeobject of several versions writes the opposite of what its flag -p means.
    const made = ['-G', 'ecc256', '-p', 'canary', '-u', 'made.pub', '-r', 'made.priv'];
    tpm.run('tpm2_createprimary', '-Q', '-C', 'o', '-G', 'ecc', '-c', 'primary.ctx');
    tpm.run('tpm2_evictcontrol', '-Q', '-C', 'o', '-c', 'primary.ctx', '0x81000200');
    tpm.flush();
    tpm.run('tpm2_create', '-Q', '-C', '0x81000200', ...made);
    tpm.flush();
    for (const flags of [['-p'], []]) {
      const names = ['-u', 'made.pub', '-r', 'made.priv', '-o', 'made.tss'];
      tpm.run('tpm2_encodeobject', '-Q', '-C', '0x81000200', ...names, ...flags);
      tpm.flush();
      const key = ['--private-key', join(tpm.folder, 'made.tss'), '--tpm-device', tpm.address];
      const signed = await runProgram(['sign-string', ...key], {
        env: { ROLESANYWHERE_TPM_KEY_PASSWORD: 'canary' },
      });
      expect(signed).toMatchObject({ status: 0, stderr: '' });
    }
    const without = await runProgram(['credential-process', ...args, ...sessionFlags()], {});
    expect(without.stderr).toMatch(/has a password in the TPM, and none is given.*ERR_TPM_PASSWORD/);
  });
});

/** Passes the commands and, a moment later, the responses of a TPM on. */
async function startRelay(tpmPort: number) {
  let tell = (): void => undefined;
  const answered = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const server = createServer((client) => {
    const upstream = connect(tpmPort, '127.0.0.1');
    client.pipe(upstream);
    upstream.on('data', (response) => {
      tell();
      setTimeout(() => client.write(response), 200);
    });
    client.on('error', () => undefined).on('close', () => upstream.destroy());
    upstream.on('error', () => undefined).on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, answered, close: () => new Promise((resolve) => server.close(resolve)) };
}

describe('a key behind a program', () => {
  it('gets credentials by --sign-command, without a shell', async () => {
    openssl(
      'genpkey',
      '-algorithm',
      'EC',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-out',
      at('remote key.pem'),
    );
    const certificate = issue(openssl('pkey', '-in', at('remote key.pem'), '-pubout'), 'remote');
    const signer = join(import.meta.dirname, '..', '..', 'examples', 'signers', 'openssl.sh');
    const args = ['--certificate', certificate, '--sign-command', `'${signer}' '${at('remote key.pem')}'`];
    expect(await credentials(args)).toMatchObject(SESSION);
    expect((await doctor(args))('ok')).toContain('test signature: verifies');
    const wrong = ['--certificate', certificate, '--sign-command', `'${signer}' '${at('ca.key')}'`];
    const { stdout, stderr, status } = await runProgram(
      ['credential-process', ...wrong, ...sessionFlags()],
      {},
    );
    expect({ stdout, status }).toEqual({ stdout: '', status: 3 });
    expect((await doctor(wrong))('error')).toEqual([
      expect.stringMatching(/^test signature: signing program/),
    ]);
    expect(stderr).toMatch(
      /signing program .*openssl\.sh must print a signature by the key of the certificate.*ERR_KEY_SIGN/,
    );
  });
});
