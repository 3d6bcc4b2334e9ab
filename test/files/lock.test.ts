/** Locks between real processes, many of which are killed. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { acquireLock } from '../../src/files/lock.js';
import { describeOwner, isRunning } from '../../src/files/owner.js';

const built = mkdtempSync(join(tmpdir(), 'lock-holder-'));
const HOLDER = join(built, 'holder.mjs');
beforeAll(async () => {
  const entry = join(import.meta.dirname, 'lock-holder.ts');
  await build({ entryPoints: [entry], outfile: HOLDER, bundle: true, platform: 'node', format: 'esm' });
  return () => rmSync(built, { recursive: true });
});

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [HOLDER, folder, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function startHolding(): Promise<ChildProcess> {
  const child = start('hold');
  for await (const chunk of child.stdout ?? []) if (String(chunk).includes('held')) break;
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

describe('acquireLock', () => {
  it('gives the lock to one holder, and to the next after the release', async () => {
    const first = await acquireLock(path, { waitMs: 0 });
    expect(await acquireLock(path, { waitMs: 30 })).toBeUndefined();
    const waiting = acquireLock(path, { waitMs: 10_000 });
    await first?.release();
    const second = await waiting;
    expect(second).toBeDefined();
    // A second release does nothing: the lock of the second holder stays.
    await first?.release();
    expect(await acquireLock(path, { waitMs: 0 })).toBeUndefined();
    await second?.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('stops waiting as soon as the lock is not needed', async () => {
    const lock = await acquireLock(path, { waitMs: 0 });
    let looks = 0;
    const isOver = async (): Promise<boolean> => ++looks > 2;
    expect(await acquireLock(path, { waitMs: 60_000, isOver })).toBeUndefined();
    expect(looks).toBe(3);
    await lock?.release();
  });

  it('breaks the lock of a holder that was killed', async () => {
    await kill(await startHolding());
    expect(isRunning(readlinkSync(path))).toBe(false);
    const lock = await acquireLock(path, { waitMs: 0 });
    expect(lock).toBeDefined();
    await lock?.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('waits for a running holder up to the limit', async () => {
    const child = await startHolding();
    expect(await acquireLock(path, { waitMs: 100 })).toBeUndefined();
    expect(isRunning(readlinkSync(path))).toBe(true);
    await kill(child);
  });

  it.each([
    ['has a number that another process has now', (own: string) => own.replace(/:\d+:/, ':1:')],
    ['has ended long ago', (own: string) => own.replace(/^\d+:/, '4194304:')],
  ])('breaks the lock of a process that %s', async (_name, change) => {
    symlinkSync(change(describeOwner('abcd')), path);
    const lock = await acquireLock(path, { waitMs: 0 });
    expect(lock).toBeDefined();
    await lock?.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['another machine', `${describeOwner('abcd').replace(/@.*/s, '@elsewhere')}`],
    ['who knows whom', 'nothing that we wrote'],
  ])('waits for a lock of %s, then breaks it', async (_name, owner) => {
    symlinkSync(owner, path);
    const start = performance.now();
    const lock = await acquireLock(path, { waitMs: 200 });
    expect(performance.now() - start).toBeGreaterThan(190);
    expect(lock).toBeDefined();
    await lock?.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('uses a file as lock if links cannot be created', async () => {
    writeFileSync(path, describeOwner('abcd'));
    expect(await acquireLock(path, { waitMs: 0 })).toBeUndefined();
    writeFileSync(path, describeOwner('abcd').replace(/^\d+:/, '4194304:'));
    const lock = await acquireLock(path, { waitMs: 0 });
    expect(lock).toBeDefined();
    await lock?.release();
  });

  it('breaks a lock whose breaker was killed', async () => {
    const dead = describeOwner('aaaa').replace(/^\d+:/, '4194304:');
    symlinkSync(dead, path);
    symlinkSync(dead.replace(':aaaa@', ':bbbb@'), `${path}.aaaa`);
    symlinkSync(dead.replace(':aaaa@', ':cccc@'), `${path}.aaaa.bbbb`);
    const lock = await acquireLock(path, { waitMs: 0 });
    expect(lock).toBeDefined();
    await lock?.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('reports why no lock can be created', async () => {
    await expect(acquireLock(join(folder, 'nowhere', 'lock'), { waitMs: 0 })).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});

describe('between processes', () => {
  it('at most one holds the lock, of many', async () => {
    writeFileSync(join(folder, 'number'), '0');
    const children = Array.from({ length: 8 }, () => start('count', '15'));
    const ends = await Promise.all(children.map((child) => once(child, 'exit')));
    expect(ends).toEqual(Array(8).fill([0, null]));
    expect(readFileSync(join(folder, 'number'), 'utf8')).toBe('120');
    expect(readdirSync(folder).sort()).toEqual(['inside', 'number']);
  });

  it('at most one holds the lock, while others are killed at any moment', async () => {
    writeFileSync(join(folder, 'number'), '0');
    const killed = new Set<number | undefined>();
    const inside = join(folder, 'inside');
    writeFileSync(inside, '');
    const grown = async (bytes: number): Promise<void> => {
      const { size } = statSync(inside);
      while (statSync(inside).size < size + 20 * bytes) await sleep(2);
    };
    const rounds = Number(process.env['STORM_ROUNDS'] ?? 12);
    for (let round = 0; round < rounds; round++) {
      const victims = Array.from({ length: 3 }, () => start('count', '1000'));
      await grown(1 + ((round * 5) % 7));
      await sleep((round * 37) % 11);
      for (const victim of victims) {
        await kill(victim);
        killed.add(victim.pid);
      }
    }
    const last = start('count', '1');
    expect(await once(last, 'exit')).toEqual([0, null]);
    // Each entry follows an exit, except after a holder that was killed.
    const lines = readFileSync(inside, 'utf8').trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(rounds);
    for (const [index, line] of lines.entries()) {
      if (line.startsWith('out')) expect(lines[index - 1]).toBe(line.replace('out', 'in'));
      else if (lines[index - 1]?.startsWith('in')) {
        expect(killed).toContain(Number(lines[index - 1]?.slice(3)));
      }
    }
    expect(readdirSync(folder)).not.toContain('lock');
  }, 120_000);
});
