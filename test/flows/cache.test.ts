/**
 * `credential-process --cache` as the AWS CLI starts it: many at once, killed at any moment, on a full disk.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { mountFullDisk } from './full-disk.js';
import type { Machine, Outcome } from './machine.js';
import { PROGRAM, run, startMachine } from './machine.js';

/** A machine with its own cache folder, and the arguments of a cached run. */
async function startCached(): Promise<{ machine: Machine; folder: string; args: string[] }> {
  const { env, ...rest } = await startMachine();
  const machine = { ...rest, env: { ...env, HOME: rest.folder, XDG_RUNTIME_DIR: rest.folder } };
  const args = [PROGRAM, 'credential-process', '--cache'];
  for (const name of ['certificate', 'private-key', 'trust-anchor-arn', 'profile-arn', 'role-arn']) {
    args.push(`--${name}=${env[name.replaceAll('-', '_').toUpperCase()]}`);
  }
  return { machine, folder: join(rest.folder, 'rolesanywhere'), args };
}

const ask = (machine: Pick<Machine, 'env'>, args: readonly string[]): Promise<Outcome> =>
  run(machine, process.execPath, args);

function keyIn({ status, stdout, stderr }: Outcome): string {
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout).AccessKeyId;
}

describe('credential-process --cache', () => {
  it('calls the service once; the second run loads no module for HTTP', async () => {
    const { machine, folder, args } = await startCached();
    const first = keyIn(await ask(machine, args));
    const spy = join(machine.folder, 'spy.mjs');
    const loaded = join(machine.folder, 'loaded.json');
    const list =
      `process.on('exit', () => require('fs').writeFileSync(${JSON.stringify(loaded)}, ` +
      'JSON.stringify(process.moduleLoadList)));';
    writeFileSync(
      spy,
      `import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\n${list}`,
    );
    const spied = { env: { ...machine.env, NODE_OPTIONS: `--import ${pathToFileURL(spy).href}` } };
    const loads = (): string[] => JSON.parse(readFileSync(loaded, 'utf8'));
    const network = 'NativeModule http';
    expect(keyIn(await ask(spied, args))).toBe(first);
    expect(loads()).not.toContain(network);
    expect(machine.emulator.sessionCount).toBe(1);
    // Control: a run without the cache does load them.
    await ask(
      spied,
      args.filter((arg) => arg !== '--cache'),
    );
    expect(loads()).toContain(network);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('list shows role and expiration without the key, clear removes the session', async () => {
    const { machine, folder, args } = await startCached();
    const { stdout, stderr } = await ask(machine, [...args, '--debug']);
    const { SecretAccessKey, SessionToken, Expiration } = JSON.parse(stdout);
    const hit = await ask(machine, [...args, '--debug']);
    expect(hit.stderr).toContain('.session is used');
    for (const said of [stderr, hit.stderr]) {
      expect(said).not.toContain(SecretAccessKey);
      expect(said).not.toContain(SessionToken.slice(0, 20));
    }
    const [name = ''] = readdirSync(folder);
    expect(readFileSync(join(folder, name), 'utf8')).not.toContain(SecretAccessKey);
    const list = await ask(machine, [PROGRAM, 'cache', 'list']);
    expect(list).toMatchObject({ status: 0, stderr: '' });
    expect(list.stdout).toContain(
      `${folder}\n  ${name}  ${statSync(join(folder, name)).size} bytes  0 min old  ends `,
    );
    expect(list.stdout).toContain(
      `ends ${Expiration.replace('Z', '.000Z')}, in 59 min  ${machine.env['ROLE_ARN']}\n`,
    );
    expect(list.stdout).not.toContain(SessionToken.slice(0, 20));
    writeFileSync(join(folder, 'not-ours'), 'x');
    expect((await ask(machine, [PROGRAM, 'cache', 'clear'])).stdout).toBe('1 removed\n');
    expect(readdirSync(folder)).toEqual(['not-ours']);
    expect((await ask(machine, [PROGRAM, 'cache', 'clear'])).stdout).toBe('nothing was cached\n');
    expect((await ask(machine, [PROGRAM, 'cache', 'list'])).stdout).toBe('nothing is cached\n');
  });

  it('makes one session for fifty processes at once', async () => {
    const { machine, folder, args } = await startCached();
    const all = await Promise.all(Array.from({ length: 50 }, () => ask(machine, args)));
    expect(new Set(all.map(keyIn)).size).toBe(1);
    expect(machine.emulator.sessionCount).toBe(1);
    expect(readdirSync(folder)).toHaveLength(1);
  }, 120_000);

  it('succeeds while other runs are killed, and never reads half a file', async () => {
    const { machine, folder, args } = await startCached();
    const rounds = Number(process.env['STORM_ROUNDS'] ?? 6);
    let kills = 0;
    for (let round = 0; round < rounds; round++) {
      // Another duration each time, so that each run creates and writes a session.
      const own = [...args, `--session-duration=${1300 + round}`];
      const victims = Array.from({ length: 4 }, () =>
        spawn(process.execPath, own, { env: machine.env, stdio: 'ignore' }),
      );
      const ends = victims.map((victim) => once(victim, 'exit'));
      const before = machine.emulator.sessionCount;
      // Kills happen while the file is read, created and written.
      while (machine.emulator.sessionCount === before) await sleep(1);
      for (const [index, victim] of victims.entries()) {
        await sleep((round * 7 + index * 3) % 12);
        kills += Number(victim.kill('SIGKILL'));
      }
      await Promise.all(ends);
      const survivor = await ask(machine, own);
      const key = keyIn(survivor);
      expect(keyIn(await ask(machine, own))).toBe(key);
      for (const name of readdirSync(folder).filter((file) => file.endsWith('.session'))) {
        expect(() => JSON.parse(readFileSync(join(folder, name), 'utf8')), name).not.toThrow();
      }
    }
    expect(kills).toBeGreaterThan(rounds);
    await ask(machine, [PROGRAM, 'cache', 'clear']);
    expect(readdirSync(folder)).toEqual([]);
  }, 3_600_000);
});

describe('on a full disk', () => {
  it('prints the credentials without caching them (left out if nothing can be mounted)', async ({ skip }) => {
    const { machine, args } = await startCached();
    const disk = join(machine.folder, 'disk');
    if (!mountFullDisk(disk, {})) return skip('mounting a small disk needs root');
    mkdirSync(join(disk, 'rolesanywhere'), { mode: 0o700 });
    const env = { ...machine.env, XDG_RUNTIME_DIR: disk };
    const [first, second] = [await ask({ env }, args), await ask({ env }, [...args, '--debug'])];
    expect(keyIn(first)).toMatch(/^ASIA/);
    expect(second.status).toBe(0);
    expect(second.stderr).toContain('cannot be written: the disk is full');
    expect(machine.emulator.sessionCount).toBe(2);
    expect(readdirSync(join(disk, 'rolesanywhere'))).toEqual([]);
  });
});
