/** Two processes break the same dead lock: the other one acts between two steps of this one. */
import { mkdtempSync, readlinkSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { acquireLock } from '../../src/files/lock.js';
import { describeOwner, nonceOf } from '../../src/files/owner.js';

/** Called before each symbolic link is made. */
let beforeLink = (_path: string): void => {};

vi.mock('node:fs', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:fs')>();
  const symlinkSync: typeof original.symlinkSync = (target, path, ...rest) => {
    beforeLink(String(path));
    original.symlinkSync(target, path, ...rest);
  };
  return { ...original, symlinkSync };
});

it('keeps a lock that another process took after breaking the dead one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-lock-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'lock');
  const live = describeOwner('aaaaaaaa');
  // Above the largest process id of Linux.
  const dead = describeOwner('dddddddd').replace(String(process.pid), '4999999');
  symlinkSync(dead, path);
  let hasActed = false;
  beforeLink = (link) => {
    if (hasActed || link !== `${path}.${nonceOf(dead)}`) return;
    hasActed = true;
    // After this process read the dead holder, the other process removed it and took the lock.
    unlinkSync(path);
    symlinkSync(live, path);
  };
  onTestFinished(() => {
    beforeLink = () => {};
  });
  expect(await acquireLock(path, { waitMs: 30 })).toBeUndefined();
  expect(hasActed).toBe(true);
  expect(readlinkSync(path)).toBe(live);
});
