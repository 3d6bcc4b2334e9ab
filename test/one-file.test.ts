/**
 * The program as one file (`npm run build:exe`), away from its sources and packages: the file that the
 * variable ONE_FILE names.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, verify, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Emulator } from '../src/emulator.js';
import { createAuthority, startEmulator } from '../src/emulator.js';
import { lastingSuccess, startFakeService } from './fake-service.js';
import { manifest, path } from './fixtures.js';
import { HOST, SERVICE_CA, SERVICE_TLS, startProxy } from './forward-proxy.js';
import type { SoftHsm } from './identity/pkcs11/softhsm.js';
import { MODULE, missingForSoftHsm, PIN, startSoftHsm } from './identity/pkcs11/softhsm.js';
import { credentialProcess, runMain } from './program.js';

const given = process.env['ONE_FILE'] ?? '';
const leftOut = given === '' ? ' (left out: no ONE_FILE)' : '';

const noHsm = missingForSoftHsm();

describe.skipIf(given === '')(`the one-file program${leftOut}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'one-file-'));
  const program = join(folder, 'rolesanywhere');
  let emulator: Emulator;
  let flags: string[];

  /** In its folder, without this machine's environment. */
  async function run(args: readonly string[], env: Record<string, string> = {}, command = program) {
    const child = spawn(command, args, { cwd: folder, env: { HOME: folder, PATH: '/usr/bin:/bin', ...env } });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.stdin.end();
    const [status] = await once(child, 'close');
    return { status, stdout, stderr };
  }

  beforeAll(async () => {
    copyFileSync(given, program);
    symlinkSync(program, join(folder, 'aws_signing_helper'));
    const authority = await createAuthority();
    emulator = await startEmulator({ certificateAuthority: authority.certificate, tls: true });
    const issued = await authority.issue({ commonName: 'host' });
    writeFileSync(join(folder, 'host.pem'), issued.certificate);
    writeFileSync(join(folder, 'host.key'), issued.privateKey, { mode: 0o600 });
    writeFileSync(join(folder, 'tls.pem'), emulator.caBundle ?? '');
    const { trustAnchorArn, profileArn, roleArn, endpoint } = emulator;
    flags = ['--certificate', 'host.pem', '--private-key', 'host.key', '--ca-bundle', 'tls.pem'];
    flags.push('--trust-anchor-arn', trustAnchorArn, '--profile-arn', profileArn, '--role-arn', roleArn);
    flags.push('--endpoint', endpoint);
  });

  afterAll(async () => {
    await emulator?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('gets credentials over TLS, with and without the cache', async () => {
    const cold = await run(['credential-process', '--cache', ...flags]);
    expect({ ...cold, stdout: '' }).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(JSON.parse(cold.stdout)).toMatchObject({
      Version: 1,
      AccessKeyId: expect.stringMatching(/^ASIA/),
    });
    expect((await run(['credential-process', '--cache', ...flags])).stdout).toBe(cold.stdout);
  });

  it('goes through a proxy', async () => {
    const service = await startFakeService([lastingSuccess], { tls: SERVICE_TLS });
    const proxy = await startProxy(service, 'secret');
    writeFileSync(join(folder, 'service.pem'), SERVICE_CA);
    const args = credentialProcess({ endpoint: `https://${HOST}` });
    const env = {
      AWS_CA_BUNDLE: join(folder, 'service.pem'),
      HTTPS_PROXY: `http://user:secret@127.0.0.1:${proxy.port}`,
    };
    const { status, stdout, stderr } = await run(args, env);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ Version: 1 });
    expect(proxy.asked).toEqual([`${HOST}:443`]);
  });

  it.each(
    manifest.fixtures
      .filter(({ expect: outcome, files }) => outcome === 'ok' && files.privateKey !== undefined)
      .map((fixture) => [fixture.name, fixture] as const),
  )('signs with %s as the program on Node does', async (_name, { files, passphrase }) => {
    const args = [
      'sign-string',
      '--certificate',
      path(files.certificate),
      '--private-key',
      path(files.privateKey ?? ''),
    ];
    const env: Record<string, string> = passphrase
      ? { ROLESANYWHERE_PKCS8_PASSWORD: manifest.passphrase }
      : {};
    const onNode = await runMain(args, { env });
    const { status, stdout, stderr } = await run(args, env);
    // BoringSSL has fewer curves than OpenSSL, and the error names the curve.
    if (/secp256k1|brainpool|secp224|secp192|prime192|P-224|P-192/.test(stderr)) {
      expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
      return;
    }
    expect({ status, stderr }).toEqual({ status: onNode.status, stderr: onNode.stderr });
    // RSA signatures of one text are always equal.
    if (/^rsa/.test(_name)) expect(stdout).toBe(onNode.stdout);
    expect(stdout).toMatch(/^"[0-9a-f]+"$/);
  });

  it('reads PKCS#12 with its worker and its packages inside', async () => {
    const env = { ROLESANYWHERE_PKCS12_PASSWORD: manifest.passphrase };
    const { status, stdout, stderr } = await run(['sign-string', '--certificate', path('chain-3.p12')], env);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^"[0-9a-f]+"$/);
  });

  it('runs the emulator, which prints the path of the file', async () => {
    const child = spawn(program, ['emulator', '--port', '0'], { cwd: folder, env: { HOME: folder } });
    let printed = '';
    for await (const chunk of child.stdout) {
      printed += chunk;
      if (printed.includes('credential_process = ')) break;
    }
    child.kill();
    expect(printed).toContain(`credential_process = "${program}" credential-process `);
  });

  it('serves several requests on one connection', async () => {
    const socket = join(folder, 'socket');
    const child = spawn(program, ['serve', '--socket', socket, ...flags], { cwd: folder, env: {} });
    const log = text(child.stderr);
    for await (const chunk of child.stdout) if (String(chunk).includes('curl')) break;
    const url = 'http://localhost/credential-process';
    const args = ['-sf', '--unix-socket', socket, '-w', '%{num_connects}\n', '-o', '/dev/null', url];
    const { status, stdout } = await run([...args, '-o', '/dev/null', url], {}, 'curl');
    child.kill();
    // A connection for the first request, and none for the second.
    expect({ status, stdout, log: await log }).toEqual({
      status: 0,
      stdout: '1\n0\n',
      log: expect.not.stringMatching(/closed/),
    });
  });

  it('writes the path of the file into the AWS config', async () => {
    const config = join(folder, 'config');
    const env = { AWS_CONFIG_FILE: config, PATH: `${folder}:/usr/bin:/bin` };
    const absolute = flags.map((word) => (/\.(pem|key)$/.test(word) ? join(folder, word) : word));
    const args = ['configure', '--profile', 'onprem', ...absolute];
    expect(await run(args, env)).toMatchObject({ status: 0, stderr: '' });
    const [, line = ''] = /^credential_process = (.*)$/m.exec(readFileSync(config, 'utf8')) ?? [];
    expect(line).toMatch(new RegExp(`^${program} credential-process `));
    const { status, stdout } = await run(['-c', line], {}, '/bin/sh');
    expect({ status, session: JSON.parse(stdout) }).toMatchObject({ status: 0, session: { Version: 1 } });
  });

  it('reads nothing from the working folder', async () => {
    writeFileSync(join(folder, '.env'), 'AWS_CA_BUNDLE=/nowhere\nROLESANYWHERE_REGION=nowhere\n');
    writeFileSync(join(folder, 'bunfig.toml'), 'preload = ["./preload.js"]\n');
    const preload = `require('node:fs').writeFileSync(${JSON.stringify(join(folder, 'preloaded'))}, '');`;
    writeFileSync(join(folder, 'preload.js'), preload);
    for (const name of ['pkcs11js', 'undici', 'pkijs']) {
      mkdirSync(join(folder, 'node_modules', name), { recursive: true });
      writeFileSync(join(folder, 'node_modules', name, 'index.js'), preload);
    }
    const { status, stderr } = await run(['credential-process', ...flags]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    await run(['keys', 'list', '--pkcs11-lib', '/nowhere.so']);
    await run(['credential-process', ...flags], { HTTPS_PROXY: 'http://127.0.0.1:1' });
    await run(['sign-string', '--certificate', path('chain-3.p12')], {
      ROLESANYWHERE_PKCS12_PASSWORD: manifest.passphrase,
    });
    expect(existsSync(join(folder, 'preloaded'))).toBe(false);
  });

  it('acts as aws_signing_helper under that name', async () => {
    expect((await run(['version'], {}, join(folder, 'aws_signing_helper'))).stdout).toBe('1.8.0\n');
  });

  it('has a checksum, and the list of its packages', () => {
    const dist = join(given, '..');
    const check = spawnSync('sha256sum', ['--check', 'SHA256SUMS'], { cwd: dist, encoding: 'utf8' });
    expect(check.stdout).toMatch(/: OK\n$/);
    const { components } = JSON.parse(readFileSync(join(dist, 'rolesanywhere.cdx.json'), 'utf8'));
    expect(components.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['pkijs', 'undici', 'bun', 'pkcs11js']),
    );
    expect(readFileSync(join(dist, 'rolesanywhere-LICENSES.txt'), 'utf8')).toMatch(/^pkcs11js .*\(MIT\)$/m);
  });

  describe.skipIf(noHsm)(`with a token${noHsm === undefined ? '' : ` (left out: no ${noHsm})`}`, () => {
    const temporary = join(folder, 'temporary');
    let hsm: SoftHsm;
    let certificate: X509Certificate;
    let env: Record<string, string>;

    beforeAll(() => {
      mkdirSync(temporary);
      hsm = startSoftHsm();
      hsm.addToken('host');
      certificate = new X509Certificate(
        hsm.addPair('host', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], 'host', '01'),
      );
      env = { SOFTHSM2_CONF: hsm.env['SOFTHSM2_CONF'] ?? '', TMPDIR: temporary };
    });
    afterAll(() => hsm?.stop());

    const sign = (pin: string, module = MODULE) => {
      const uri = `pkcs11:token=host?pin-value=${pin}`;
      return ['sign-string', '--certificate', uri, '--private-key', uri, '--pkcs11-lib', module];
    };

    it('signs, and leaves nothing in the folder for temporary files', async () => {
      const { status, stdout, stderr } = await run(sign(PIN), env);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(readdirSync(temporary)).toEqual([]);
      const key = certificate.publicKey.export({ type: 'pkcs1', format: 'der' });
      const data = Buffer.concat([
        Buffer.from('AWS Roles Anywhere Credential Helper Signing Test1'),
        createHash('sha256').update('IAM RA').update(key).digest(),
      ]);
      const signature = Buffer.from(JSON.parse(stdout), 'hex');
      expect(verify('sha256', data, certificate.publicKey, signature)).toBe(true);
    });

    it('reports a wrong PIN', async () => {
      const { status, stdout, stderr } = await run(sign('00000000'), env);
      expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
      expect(stderr).toMatch(/refused the PIN \(CKR_PIN_INCORRECT\) \(ERR_PKCS11_PIN\)/);
    });

    it.each([
      ['crashes', '__builtin_trap();', /ended by SIG(ILL|TRAP) \(ERR_PKCS11_MODULE\)/],
      ['ends the process', '_exit(7);', /ended with status 7 \(ERR_PKCS11_MODULE\)/],
    ])('survives a module that %s', async (_what, code, message) => {
      const [source, module] = [join(folder, 'module.c'), join(folder, 'module.so')];
      writeFileSync(source, `#include <unistd.h>\nunsigned long C_GetFunctionList(void *list) { ${code} }\n`);
      execFileSync('cc', ['-shared', '-fPIC', '-o', module, source]);
      const { status, stdout, stderr } = await run(sign(PIN, module), env);
      expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
      expect(stderr).toMatch(message);
      expect(readdirSync(temporary)).toEqual([]);
    });

    it('names a module for another processor', async () => {
      const module = join(folder, 'other.so');
      const bytes = readFileSync(MODULE);
      // e_machine of the ELF header: AArch64.
      bytes.writeUInt16LE(bytes.readUInt16LE(18) === 0xb7 ? 0x3e : 0xb7, 18);
      writeFileSync(module, bytes);
      const { status, stderr } = await run(sign(PIN, module), env);
      expect(status).toBe(3);
      expect(stderr).toMatch(
        /module .*other\.so cannot be loaded: .*\(ERR_PKCS11_MODULE\)\nhint: .*architecture/,
      );
    });

    it.for([
      ['is missing', '', 'cannot be unpacked: the folder FOLDER does not exist'],
      ['is read-only', 'ro', 'cannot be unpacked: the folder FOLDER cannot be written to (EROFS)'],
      ['is full', 'size=4k', 'cannot be unpacked: the folder FOLDER cannot be written to (ENOSPC)'],
      ['is noexec', 'noexec', 'cannot be loaded: no code may be loaded from FOLDER (mounted noexec?)'],
    ])(
      'names a folder for temporary files that %s',
      async ([_what, options = '', message = ''], { skip }) => {
        const mounted = mkdtempSync(join(folder, 'mounted-'));
        onTestFinished(() => void spawnSync('umount', ['-l', mounted]));
        if (options === '') rmSync(mounted, { recursive: true });
        else if (spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'none', mounted]).status !== 0) {
          return skip('mounting needs root');
        }
        const { status, stdout, stderr } = await run(sign(PIN), { ...env, TMPDIR: mounted });
        expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
        const found = `the binding of pkcs11js ${message.replace('FOLDER', mounted)} (ERR_PKCS11_UNAVAILABLE)`;
        const hint = 'set TMPDIR to a folder that this user can write to, and that is not mounted noexec';
        expect(stderr).toBe(`rolesanywhere: ${found}\nhint: ${hint}\n`);
        if (options !== '') expect(readdirSync(mounted)).toEqual([]);
      },
    );

    it('reaches the token after an update has replaced the file', async () => {
      const old = join(folder, 'old');
      copyFileSync(program, old);
      const key = `pkcs11:token=host?pin-value=${PIN}`;
      const args = [
        'sign-string',
        '--certificate',
        '/dev/stdin',
        '--private-key',
        key,
        '--pkcs11-lib',
        MODULE,
      ];
      const child = spawn(old, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
      await once(child, 'spawn');
      rmSync(old);
      writeFileSync(old, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
      child.stdin.end(certificate.toString());
      expect(await text(child.stdout)).toMatch(/^"[0-9a-f]{512}"$/);
    });
  });
});
