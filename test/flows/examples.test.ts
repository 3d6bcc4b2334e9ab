/** Runs every program of examples/ unchanged, and pastes the output of `rolesanywhere emulator`. */
import type { ChildProcessByStdio } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { transform } from 'esbuild';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startEmulator } from '../../src/emulator.js';
import { createSession } from '../../src/session/create-session.js';
import { VERSION } from '../../src/session/version.js';
import type { Machine } from './machine.js';
import { PROGRAM, ROOT, run, startMachine } from './machine.js';

const hasAws = spawnSync('aws', ['--version'], { stdio: 'ignore' }).status === 0;

const ARN = 'arn:aws:sts::123456789012:assumed-role/';

/** Expected output of each program. */
const EXAMPLES: Readonly<Record<string, string>> = {
  'demo.js': `"Arn": "${ARN}Demo/`,
  'sdk-provider.js': `${ARN}Demo/`,
  'own-http-client.js': `${ARN}Demo/`,
  'offline-test.js': 'pass 1',
  'faults-test.js': 'pass 4',
};

describe('examples', () => {
  it('are all run by this file', () => {
    const programs = readdirSync(join(ROOT, 'examples')).filter((file) => /\.[jt]s$/.test(file));
    const others = ['express-service.js', 'nightly-job.ts'];
    expect(programs.sort()).toEqual([...Object.keys(EXAMPLES), ...others].sort());
  });

  it.each(Object.entries(EXAMPLES))('%s', async (file, expected) => {
    const machine = await startMachine();
    // The default reporter of node:test differs between versions of Node.
    const args = file.endsWith('-test.js') ? ['--test', '--test-reporter=spec'] : [];
    const result = await run(machine, process.execPath, [...args, join('examples', file)]);
    expect(result.stderr).toBe('');
    expect(result.status).toBe(0);
    expect(result.stdout).toContain(expected);
  });

  it('show the credential_process line that the README shows', () => {
    const line = /^credential_process = .*$/m;
    const readme = line.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))?.[0];
    expect(readme).toMatch(/^credential_process = rolesanywhere credential-process --cache --certificate /);
    expect(line.exec(readFileSync(join(ROOT, 'examples', 'aws-config.ini'), 'utf8'))?.[0]).toBe(readme);
  });
});

describe('express-service.js', () => {
  it('answers with one session for all requests, and ends at SIGTERM', async () => {
    const machine = await startMachine();
    const child = spawn(process.execPath, [join('examples', 'express-service.js')], {
      cwd: ROOT,
      env: { ...machine.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [line] = await once(child.stdout, 'data');
    const [, port] = /^listening on (\d+)\n$/.exec(String(line)) ?? [];
    const ask = async (path: string): Promise<Record<string, string>> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return response.json() as Promise<Record<string, string>>;
    };
    expect(await ask('/identity')).toEqual({ arn: expect.stringContaining(`${ARN}Demo/`) });
    const ready = await ask('/ready');
    expect(Date.parse(ready['expiration'] ?? '')).toBeGreaterThan(Date.now());
    expect(await ask('/ready')).toEqual(ready);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

describe('nightly-job.ts', () => {
  it('runs, on this Node or compiled', async () => {
    const machine = await startMachine();
    const path = join(ROOT, 'examples', 'nightly-job.ts');
    const { code } = await transform(readFileSync(path, 'utf8'), { loader: 'ts', format: 'esm' });
    const env = { ...machine.env, XDG_RUNTIME_DIR: undefined, XDG_CACHE_HOME: machine.folder };
    const runsTypes = 'typescript' in process.features && process.features.typescript !== false;
    const args = runsTypes ? [path] : ['--input-type=module', '-e', code];
    const first = await run({ env }, process.execPath, args);
    expect(first).toMatchObject({ status: 0, stdout: expect.stringContaining(`working as ${ARN}Demo/`) });
    expect(readdirSync(join(machine.folder, 'rolesanywhere'))).not.toEqual([]);
    const wrong = { ...env, TRUST_ANCHOR_ARN: undefined };
    const failed = await run({ env: wrong }, process.execPath, args);
    expect(failed).toMatchObject({ status: 1, stdout: '' });
    expect(failed.stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('the seed', () => {
  const path = join(ROOT, 'examples', 'emulator-seed.json');

  it('creates an account that issues sessions', async () => {
    const text = readFileSync(path, 'utf8');
    const machine = await startMachine();
    writeFileSync(join(machine.folder, 'seed.json'), text);
    const emulator = await startEmulator({ seed: join(machine.folder, 'seed.json') });
    onTestFinished(() => emulator.close());
    const { trustAnchorArn, profileArn, roleArn, endpoint } = emulator;
    const session = await createSession({
      certificate: machine.env['CERTIFICATE'],
      privateKey: machine.env['PRIVATE_KEY'],
      roleSessionName: 'nightly',
      ...{ trustAnchorArn, profileArn, roleArn, endpoint, env: {} },
    });
    expect(session.assumedRole.arn).toBe(`${ARN}Backup/nightly`);
  });
});

describe('the unit for systemd', () => {
  const path = join(ROOT, 'examples', 'rolesanywhere-update.service');
  const unit = readFileSync(path, 'utf8');

  it('starts a command that writes the credentials file', async () => {
    const { env, folder } = await startMachine();
    const line = /^ExecStart=\S+ ((?:.*\\\n)*.*)$/m.exec(unit)?.[1] ?? '';
    const args = line.replaceAll('\\\n', ' ').split(/\s+/);
    const real: Record<string, string | undefined> = {
      '/etc/pki/rolesanywhere/host.pem': env['CERTIFICATE'],
      '/etc/pki/rolesanywhere/host.key': env['PRIVATE_KEY'],
      'arn:aws:rolesanywhere:us-east-1:111122223333:trust-anchor/TA_ID': env['TRUST_ANCHOR_ARN'],
      'arn:aws:rolesanywhere:us-east-1:111122223333:profile/PROFILE_ID': env['PROFILE_ARN'],
      'arn:aws:iam::111122223333:role/ROLE_NAME': env['ROLE_ARN'],
    };
    const words = [PROGRAM, ...args.map((arg) => real[arg] ?? arg), '--once'];
    const machine = { env: { ...env, AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials') } };
    expect(await run(machine, process.execPath, words)).toMatchObject({ status: 0, stdout: '' });
    expect(readFileSync(join(folder, 'credentials'), 'utf8')).toMatch(
      /^\[default\]\naws_access_key_id = ASIA/,
    );
  });

  const hasSystemd = spawnSync('systemd-analyze', ['--version'], { stdio: 'ignore' }).status === 0;
  it.skipIf(!hasSystemd)(
    'passes systemd-analyze verify (left out where there is no systemd-analyze)',
    async () => {
      const { env, folder } = await startMachine();
      const copy = join(folder, 'rolesanywhere-update.service');
      // systemd-analyze checks that the program exists.
      writeFileSync(copy, unit.replace('/usr/local/bin/rolesanywhere', process.execPath));
      const result = await run({ env }, 'systemd-analyze', ['verify', '--man=no', copy]);
      expect(result).toEqual({ status: 0, stdout: '', stderr: '' });
    },
  );
});

/** Starts `rolesanywhere emulator`, and reads its output until it waits for requests. */
async function startCommand(
  machine: Pick<Machine, 'env'>,
  ...flags: string[]
): Promise<{ child: ChildProcessByStdio<null, Readable, Readable>; printed: string }> {
  const child = spawn(process.execPath, [PROGRAM, 'emulator', ...flags], {
    env: machine.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let printed = '';
  for await (const chunk of child.stdout) {
    printed += String(chunk);
    if (printed.includes('Then: ')) break;
  }
  return { child, printed };
}

describe('rolesanywhere emulator', () => {
  it.each([['SIGTERM'], ['SIGHUP']] as const)(
    'prints a working profile, and removes its files at %s',
    async (signal) => {
      const machine = await startMachine();
      const env = { ...machine.env, ROLESANYWHERE_EMULATOR_ROLE: 'Backup' };
      const { child, printed } = await startCommand({ env });
      expect(printed).toMatch(/^role +arn:aws:iam::123456789012:role\/Backup$/m);
      const line = /^credential_process = (.*)$/m.exec(printed)?.[1] ?? '';
      const words = (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''));
      const folder = dirname(words[words.indexOf('--certificate') + 1] ?? '');
      const result = await run(machine, words[0] ?? '', words.slice(1));
      expect(result.stderr).toBe('');
      expect(JSON.parse(result.stdout)).toMatchObject({ Version: 1, AccountId: '123456789012' });
      expect(existsSync(folder)).toBe(true);

      child.kill(signal);
      expect(await once(child, 'exit')).toEqual([0, null]);
      expect(existsSync(folder)).toBe(false);
    },
  );

  it.each([[[]], [['--tls']]])(
    'with %j prints exports and a profile that work when pasted',
    async (flags) => {
      const machine = await startMachine();
      const { child, printed } = await startCommand(machine, '--role=Ops', ...flags);
      const config = /^\[profile emulator\]\n[\s\S]*?\n\n/m.exec(printed)?.[0] ?? '';
      const exports = printed.split('\n').filter((line) => line.startsWith('export '));
      const names = ['ROLESANYWHERE', 'STS', 'IAM'].map((name) => `AWS_ENDPOINT_URL_${name}`);
      const bundle = flags.length === 0 ? [] : ['AWS_CA_BUNDLE'];
      expect(exports.map((line) => /^export (\w+)=\S+$/.exec(line)?.[1])).toEqual([...names, ...bundle]);
      writeFileSync(join(machine.folder, 'pasted'), config);
      const command =
        /^Then: (aws sts get-caller-identity --profile emulator)$/m.exec(printed)?.[1] ?? 'exit 1';
      const env = {
        ...machine.env,
        AWS_CONFIG_FILE: join(machine.folder, 'pasted'),
        AWS_ENDPOINT_URL: undefined,
      };
      const script = `${exports.join('\n')}\n${hasAws ? command : 'exit 0'}\n`;
      const result = await run({ env }, 'sh', ['-ec', script]);
      expect(result.stderr).toBe('');
      expect(result.status).toBe(0);
      if (hasAws) expect(result.stdout).toContain(`${ARN}Ops/`);
      for (const kind of ['trust anchor', 'profile', 'role'])
        expect(printed).toContain(`\n${kind.padEnd(14)}arn:aws:`);
      child.kill('SIGINT');
      expect(await once(child, 'exit')).toEqual([0, null]);
    },
  );

  it('injects the faults of its flags', async () => {
    const machine = await startMachine();
    const { child, printed } = await startCommand(
      machine,
      '--fault',
      'error=503,count=1',
      '--fault=latency=5',
    );
    const endpoint = /--endpoint (\S+)/.exec(printed)?.[1] ?? '';
    expect((await fetch(endpoint)).status).toBe(503);
    expect((await fetch(endpoint)).status).toBe(400);
    const { faults } = (await (await fetch(`${endpoint}/_emulator/faults`)).json()) as { faults: unknown };
    expect(faults).toEqual([
      { error: 503, count: 1, struck: 1 },
      { latency: 5, struck: 2 },
    ]);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('logs one line per request, and more with --verbose', async () => {
    const machine = await startMachine();
    for (const flags of [[], ['--verbose']]) {
      const { child, printed } = await startCommand(machine, ...flags);
      let logged = '';
      child.stderr.on('data', (chunk) => (logged += String(chunk)));
      const endpoint = /--endpoint (\S+)/.exec(printed)?.[1] ?? '';
      expect((await fetch(`${endpoint}/sessions`, { method: 'POST' })).status).toBe(400);
      await expect.poll(() => logged).toMatch(/ POST \/sessions 400 ValidationException: [\s\S]*\n$/);
      const [first = '', ...rest] = logged.trimEnd().split('\n');
      expect(first.endsWith(']')).toBe(flags.length === 0);
      expect(rest).toEqual(flags.length === 0 ? [] : ['  request: query has nothing, body has nothing']);
      child.kill('SIGINT');
      expect(await once(child, 'exit')).toEqual([0, null]);
    }
  });

  it('warns if it listens beyond loopback', async () => {
    const machine = await startMachine();
    const { child, printed } = await startCommand(machine, '--host=0.0.0.0');
    expect(String(await once(child.stderr, 'data'))).toBe(
      'rolesanywhere: warning: anyone who reaches 0.0.0.0 can use and change the emulated account\n',
    );
    expect(printed).toContain('emulated at http://127.0.0.1:');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('accepts a CA, and prints placeholders for certificate and key', async () => {
    const machine = await startMachine();
    const { child, printed } = await startCommand(machine, `--ca=${join(machine.folder, 'ca.pem')}`);
    expect(printed).toContain('--certificate "CERTIFICATE" --private-key "KEY"');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('keeps running when its stderr is closed', async () => {
    const machine = await startMachine();
    const { child, printed } = await startCommand(machine, '--verbose');
    child.stderr.destroy();
    const endpoint = /--endpoint (\S+)/.exec(printed)?.[1] ?? '';
    for (let count = 0; count < 20; count++) {
      // Several lines each.
      expect((await fetch(`${endpoint}/sessions`, { method: 'POST' })).status).toBe(400);
    }
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('fails if it cannot write its certificate', async () => {
    const machine = await startMachine();
    const nowhere = join(machine.folder, 'nowhere');
    const env = { ...machine.env, TMPDIR: nowhere, TEMP: nowhere };
    const result = await run({ env }, process.execPath, [PROGRAM, 'emulator']);
    expect(result).toMatchObject({ status: 6, stdout: '' });
    expect(result.stderr).toMatch(
      /^rolesanywhere: folder \S+nowhere\S+ cannot be written: ENOENT \(ERR_FILE_WRITE\)\n$/,
    );
  });

  it('removes its files when its stdout is closed', async () => {
    const machine = await startMachine();
    const folder = join(machine.folder, 'temporary');
    mkdirSync(folder);
    const child = spawn(process.execPath, [PROGRAM, 'emulator'], { env: { ...machine.env, TMPDIR: folder } });
    onTestFinished(() => void child.kill('SIGKILL'));
    child.stdout.destroy();
    expect(await once(child, 'exit')).toEqual([6, null]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    [
      ['--ca', 'missing.pem'],
      3,
      'CA missing.pem cannot be read: there is no such file (ERR_FILE_UNREADABLE)',
    ],
    [['--ca', 'host.key'], 3, 'CA host.key must hold PEM certificates, found none (ERR_PEM_INVALID)'],
    [
      ['--port', '70000'],
      2,
      '--port must be a whole number from 0 to 65535, found "70000" (ERR_OPTION_INVALID)',
    ],
    [['--role', 'a b'], 2, '--role must be a role name'],
    [['--fault', 'eror=503'], 2, 'unknown fault "eror", did you mean "error"? (ERR_OPTION_UNKNOWN)'],
    [['--fault', 'reset', '--fault', 'error=9'], 2, 'fault error must be a whole number from 400 to 599'],
    [
      ['--host', '192.0.2.1'],
      6,
      'cannot listen on 192.0.2.1 port 0: this machine does not have that address',
    ],
  ])('refuses %j', async (flags, status, message) => {
    const machine = await startMachine();
    const result = await run(machine, process.execPath, [PROGRAM, 'emulator', ...flags], machine.folder);
    expect(result).toMatchObject({ status, stdout: '' });
    expect(result.stderr).toContain(`rolesanywhere: ${message}`);
  });

  it('names the port that is in use', async () => {
    const machine = await startMachine();
    const { port } = new URL(machine.emulator.endpoint);
    const result = await run(machine, process.execPath, [PROGRAM, 'emulator', '--port', port]);
    expect(result).toMatchObject({ status: 6, stdout: '' });
    expect(result.stderr).toBe(
      `rolesanywhere: cannot listen on 127.0.0.1 port ${port}: another program listens there (ERR_LISTEN)\n`,
    );
  });
});

describe('rolesanywhere', () => {
  it.each([['version'], ['--version']])('%s prints the version', async (word) => {
    const machine = await startMachine();
    const result = await run(machine, process.execPath, [PROGRAM, word]);
    expect(result).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
  });
});
