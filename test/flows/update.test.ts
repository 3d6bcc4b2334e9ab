/** `update` as a service: running on, killed at any moment, several at once, on a full disk. */
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { mountFullDisk } from './full-disk.js';
import type { Machine } from './machine.js';
import { PROGRAM, ROOT, run, startMachine } from './machine.js';

const OTHERS = '# mine\n[keep]\nregion = eu-west-1\ns3 =\n  max_concurrent_requests = 20\n\n';

interface Updating {
  readonly machine: Machine;
  /** The credentials file. */
  readonly path: string;
  readonly args: (...more: string[]) => string[];
  start(...more: string[]): { child: ChildProcess; log: () => string };
}

async function startUpdating(): Promise<Updating> {
  const { env, ...rest } = await startMachine();
  const folder = join(rest.folder, 'aws');
  mkdirSync(folder);
  const path = join(folder, 'credentials');
  const machine = {
    ...rest,
    env: { ...env, HOME: rest.folder, XDG_RUNTIME_DIR: rest.folder, AWS_SHARED_CREDENTIALS_FILE: path },
  };
  const flags = ['certificate', 'private-key', 'trust-anchor-arn', 'profile-arn', 'role-arn'].map(
    (name) => `--${name}=${env[name.replaceAll('-', '_').toUpperCase()]}`,
  );
  const args = (...more: string[]): string[] => [PROGRAM, 'update', ...flags, ...more];
  return {
    machine,
    path,
    args,
    start(...more) {
      const child = spawn(process.execPath, args(...more), {
        env: machine.env,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      let log = '';
      child.stderr.on('data', (chunk) => {
        log += chunk;
      });
      return { child, log: () => log };
    },
  };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(5);
}

const count = (text: string, part: string): number => text.split(part).length - 1;

function keyOf(text: string, profile: string): string | undefined {
  const section = text.split(/^(?=\[)/m).find((part) => part.startsWith(`[${profile}]\n`));
  return /^aws_access_key_id = (.*)$/m.exec(section ?? '')?.[1];
}

describe('update', () => {
  it('keeps a profile up to date until SIGTERM; SIGHUP refreshes at once', async () => {
    const { machine, path, start } = await startUpdating();
    writeFileSync(path, OTHERS, { mode: 0o600 });
    const { child, log } = start('--profile=work', '--log-format=json');
    await until(() => log().includes('"written"'));
    const first = keyOf(readFileSync(path, 'utf8'), 'work');
    expect(readFileSync(path, 'utf8').startsWith(OTHERS)).toBe(true);
    child.kill('SIGHUP');
    await until(() => count(log(), '"written"') === 2);
    expect(keyOf(readFileSync(path, 'utf8'), 'work')).not.toBe(first);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(machine.emulator.sessionCount).toBe(2);
    const events = log()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ event }) => event)).toEqual([
      'refreshed',
      'written',
      'refreshed',
      'written',
      'stopped',
    ]);
    expect(events[1]).toMatchObject({ path, profile: 'work', expiration: expect.stringMatching(/Z$/) });
    expect(readdirSync(join(machine.folder, 'aws'))).toEqual(['credentials']);
  });

  it('keeps the old certificate and key while new ones are half-written, and warns once', async () => {
    const { machine, start } = await startUpdating();
    const key = machine.env['PRIVATE_KEY'] ?? '';
    const { child, log } = start('--log-format=json');
    await until(() => count(log(), '"written"') === 1);
    writeFileSync(key, readFileSync(key, 'utf8').slice(0, 100));
    child.kill('SIGHUP');
    await until(() => count(log(), '"written"') === 2);
    child.kill('SIGHUP');
    await until(() => count(log(), '"written"') === 3);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    const lines = log().trimEnd().split('\n');
    const warnings = lines.map((line) => JSON.parse(line)).filter(({ level }) => level !== 'info');
    expect(warnings).toEqual([
      {
        time: expect.stringMatching(/Z$/),
        level: 'warn',
        event: 'warning',
        message: expect.stringMatching(/^the changed certificate and key are not used: .*host\.key/),
      },
    ]);
    expect(machine.emulator.sessionCount).toBe(3);
  });

  it('writes credentials that the AWS SDK for JavaScript and the AWS CLI use', async ({ annotate }) => {
    const { machine, args } = await startUpdating();
    const { status, stdout, stderr } = await run(
      machine,
      process.execPath,
      args('--once', '--profile', 'work'),
    );
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    const script = `
      import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
      console.log((await new STSClient({ profile: 'work' }).send(new GetCallerIdentityCommand({}))).Arn);`;
    const sdk = await run(machine, process.execPath, ['--input-type=module', '-e', script], ROOT);
    expect(sdk).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringContaining(':assumed-role/Demo/'),
    });
    if (spawnSync('aws', ['--version']).status !== 0) return void annotate('left out: no aws command');
    const { endpoint, region } = machine.emulator;
    const flags = ['--profile', 'work', '--region', region, '--endpoint-url', endpoint];
    const cli = await run(machine, 'aws', ['sts', 'get-caller-identity', ...flags]);
    expect(JSON.parse(cli.stdout).Arn).toContain(':assumed-role/Demo/');
  }, 60_000);

  it('retries and logs a failure of the service, the key or the file', async () => {
    const { machine, path, start } = await startUpdating();
    const key = machine.env['PRIVATE_KEY'] ?? '';
    const text = readFileSync(key);
    writeFileSync(key, 'half a key');
    mkdirSync(path);
    const { child, log } = start();
    await until(() => log().includes('refresh-failed'));
    expect(log()).toMatch(/error refresh-failed profile=default code=ERR_\w+ message=/);
    writeFileSync(key, text);
    child.kill('SIGHUP');
    await until(() => log().includes('write-failed'));
    rmSync(path, { recursive: true });
    await until(() => log().includes(' info written '));
    expect(keyOf(readFileSync(path, 'utf8'), 'default')).toMatch(/^ASIA/);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    // The failed write did not request a second session.
    expect(machine.emulator.sessionCount).toBe(1);
  });

  it('shows no secret, even with --debug, and warns if other users can read the file', async () => {
    const { machine, path, args } = await startUpdating();
    writeFileSync(path, '', { mode: 0o644 });
    const { stderr } = await run(machine, process.execPath, args('--once', '--debug'));
    const text = readFileSync(path, 'utf8');
    const secrets = [...text.matchAll(/^aws_se\w+ = (.*)$/gm)].map(([, value = '']) => value);
    expect(secrets).toHaveLength(2);
    for (const secret of secrets) expect(stderr).not.toContain(secret.slice(0, 20));
    expect(stderr).toContain('debug: string to sign');
    expect(stderr).toContain(`warn file-mode path=${path} mode=0644 message="other users may read`);
  });

  it('--once exits with an error and leaves the file unchanged', async () => {
    const { machine, path, args } = await startUpdating();
    writeFileSync(path, OTHERS);
    const missing = await run(machine, process.execPath, args('--once', '--endpoint=http://127.0.0.1:9'));
    expect(missing).toMatchObject({ status: 4, stdout: '' });
    expect(missing.stderr).toMatch(/\(ERR_NETWORK\)\n/);
    expect(readFileSync(path, 'utf8')).toBe(OTHERS);
    rmSync(path);
    mkdirSync(path);
    const unwritable = await run(machine, process.execPath, args('--once'));
    expect(unwritable).toMatchObject({ status: 6, stdout: '' });
    expect(unwritable.stderr).toBe(
      `rolesanywhere: credentials file ${path} cannot be written: it is a folder (ERR_FILE_WRITE)\n`,
    );
  });

  it('--once merges two sections of the profile, and says so with --debug alone', async () => {
    const { machine, path, args } = await startUpdating();
    const section = '[default]\naws_access_key_id = A\naws_secret_access_key = S\n';
    writeFileSync(path, `${section}[b]\nx = 1\n${section}`, { mode: 0o600 });
    const quiet = await run(machine, process.execPath, args('--once'));
    expect(quiet).toMatchObject({ status: 0, stderr: '' });
    expect(count(readFileSync(path, 'utf8'), '[default]')).toBe(1);
    writeFileSync(path, `${section}[b]\nx = 1\n${section}`, { mode: 0o600 });
    const shown = await run(machine, process.execPath, args('--once', '--debug'));
    expect(shown.stderr).toMatch(
      /^\S+ warn merged path=\S+ profile=default message="the file had several .*"$/m,
    );
    const second = await run(machine, process.execPath, args('--once'));
    expect(second).toMatchObject({ status: 0, stderr: '' });
  });

  it.each([['DEFAULT'], ['a]\n[b'], ['__proto__'], [' x']])(
    'refuses %j as the name of a profile',
    async (profile) => {
      const { machine, path, args } = await startUpdating();
      const { status, stderr } = await run(machine, process.execPath, args('--once', `--profile=${profile}`));
      expect(status).toBe(2);
      expect(stderr).toContain('--profile must be the name of a profile');
      expect(readdirSync(join(path, '..'))).toEqual([]);
    },
  );

  it('refuses standard input, which cannot be read again', async () => {
    const { machine, args } = await startUpdating();
    const twice = args().map((arg) => arg.replace(/--certificate=.*/, '--certificate=-'));
    const { status, stderr } = await run(machine, process.execPath, twice);
    expect(status).toBe(2);
    expect(stderr).toContain('--certificate must not be standard input: it is read again at each refresh');
  });

  it('starts from a cached session without a request', async () => {
    const { machine, path, args, start } = await startUpdating();
    await run(machine, process.execPath, args('--once', '--cache'));
    const text = readFileSync(path, 'utf8');
    rmSync(path);
    const { child, log } = start('--cache');
    await until(() => log().includes(' written '));
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(machine.emulator.sessionCount).toBe(1);
    child.kill('SIGHUP');
    await until(() => count(log(), ' written ') === 2);
    expect(machine.emulator.sessionCount).toBe(2);
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
});

describe('the file', () => {
  it('loses no profile of concurrent writers', async () => {
    const { machine, path, args } = await startUpdating();
    writeFileSync(path, OTHERS);
    const names = Array.from({ length: 8 }, (_, index) => `p${index}`);
    const all = names.map((name) => run(machine, process.execPath, args('--once', `--profile=${name}`)));
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual(names.map(() => 0));
    const text = readFileSync(path, 'utf8');
    expect(text.startsWith(OTHERS)).toBe(true);
    expect(new Set(names.map((name) => keyOf(text, name))).size).toBe(8);
    expect(readdirSync(join(path, '..'))).toEqual(['credentials']);
  }, 60_000);

  it('is complete at any moment while writers are killed', async () => {
    const { machine, path, args } = await startUpdating();
    writeFileSync(path, OTHERS);
    const rounds = Number(process.env['STORM_ROUNDS'] ?? 6);
    const seen = new Set<string>();
    for (let round = 0; round < rounds; round++) {
      const victims = ['a', 'b', 'c', `p${round % 20}`].map((name) =>
        spawn(process.execPath, args('--once', `--profile=${name}`), { env: machine.env, stdio: 'ignore' }),
      );
      const ends = victims.map((victim) => once(victim, 'exit'));
      const before = machine.emulator.sessionCount;
      await until(() => machine.emulator.sessionCount > before);
      for (const [index, victim] of victims.entries()) {
        await sleep((round * 7 + index * 3) % 14);
        victim.kill('SIGKILL');
      }
      await Promise.all(ends);
      const text = readFileSync(path, 'utf8');
      expect(text.startsWith(OTHERS)).toBe(true);
      const sections = text
        .slice(OTHERS.length)
        .split(/^(?=\[)/m)
        .filter(Boolean);
      for (const section of sections) {
        expect(section).toMatch(/^\[\w+\]\naws_access_key_id = ASIA\w{16}\naws_secret_access_key = \S{40}\n/);
        expect(section).toMatch(/^(.*\n){3}aws_session_token = \S+\naws_account_id = \d{12}\n+$/);
      }
      const names = sections.map((section) => /\w+/.exec(section)?.[0] ?? '');
      expect(new Set(names).size).toBe(names.length);
      expect(names).toEqual(expect.arrayContaining([...seen]));
      for (const name of names) seen.add(name);
    }
    const last = await run(machine, process.execPath, args('--once', '--profile=last'));
    expect(last.status).toBe(0);
    expect(readdirSync(join(path, '..')).filter((name) => !/^\.credentials\.lock\./.test(name))).toEqual([
      'credentials',
    ]);
  }, 3_600_000);

  it('stays the old one on a full disk (left out if nothing can be mounted)', async ({ skip }) => {
    const { machine, args } = await startUpdating();
    const disk = join(machine.folder, 'disk');
    const path = join(disk, 'credentials');
    if (!mountFullDisk(disk, { credentials: OTHERS })) return skip('mounting a small disk needs root');
    const full = { env: { ...machine.env, AWS_SHARED_CREDENTIALS_FILE: path } };
    const { status, stdout, stderr } = await run(full, process.execPath, args('--once'));
    expect({ status, stdout }).toEqual({ status: 6, stdout: '' });
    expect(stderr).toBe(
      `rolesanywhere: credentials file ${path} cannot be written: the disk is full (ERR_FILE_WRITE)\n`,
    );
    expect(readFileSync(path, 'utf8')).toBe(OTHERS);
    expect(readdirSync(disk).sort()).toEqual(['credentials', 'filler']);
    rmSync(join(disk, 'filler'));
    expect((await run(full, process.execPath, args('--once'))).status).toBe(0);
    expect(readFileSync(path, 'utf8').startsWith(OTHERS)).toBe(true);
  });
});
