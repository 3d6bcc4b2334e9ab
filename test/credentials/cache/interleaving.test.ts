/** Two processes use one cache file: the other one acts between two steps of this one. */
import { describe, expect, it, vi } from 'vitest';
import { openCache } from '../../../src/credentials/cache/session-cache.js';
import { acquireLock } from '../../../src/files/lock.js';
import type { Session } from '../../../src/session/response.js';
import { NOW } from '../../fixtures.js';
import { sealingKey, session, settings, temporaryFolder } from './kept.js';

/** Runs right before this process gets the lock. */
let beforeLock = async (): Promise<void> => {};

vi.mock('../../../src/files/lock.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../../src/files/lock.js')>();
  const acquire: typeof original.acquireLock = async (path, { waitMs }) => {
    await beforeLock();
    // No polling: the other process acts after the last poll.
    return original.acquireLock(path, { waitMs });
  };
  return { ...original, acquireLock: vi.fn(acquire) };
});

async function open() {
  const env = { XDG_RUNTIME_DIR: temporaryFolder() };
  const cache = await openCache(settings(), await sealingKey(), { env, now: () => NOW });
  if (cache === undefined) throw new Error('no cache');
  return cache;
}

const neverCreates = async (): Promise<Session> => {
  throw new Error('created a second session');
};

describe('a session that another process writes', () => {
  it('after the first look is used, so that one session is created', async () => {
    const cache = await open();
    beforeLock = async () => {
      beforeLock = async () => {};
      await cache.share(async () => session('ASIAOTHER'));
    };
    expect((await cache.share(neverCreates)).accessKeyId).toBe('ASIAOTHER');
  });

  it('before the first look is used without the lock', async () => {
    const cache = await open();
    await cache.share(async () => session('ASIAOTHER'));
    vi.mocked(acquireLock).mockClear();
    expect((await cache.share(neverCreates)).accessKeyId).toBe('ASIAOTHER');
    expect(acquireLock).not.toHaveBeenCalled();
  });

  it('after the first look is used only if it expires later than the one to replace', async () => {
    const cache = await open();
    const old = session('ASIAOLD');
    beforeLock = async () => {
      beforeLock = async () => {};
      await cache.share(async () => old);
    };
    const replaced = { expiration: old.expiration, leadLimitMs: Number.POSITIVE_INFINITY };
    const own = await cache.share(async () => session('ASIAOWN', 61), replaced);
    expect(own.accessKeyId).toBe('ASIAOWN');
  });
});
