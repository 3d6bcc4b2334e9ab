/**
 * A path in, a lock across processes out: one holder at a time, and none that is dead. The lock is a symbolic link
 * whose target says who holds it, since making one is atomic, text included. Where links cannot be made (Windows
 * without the right to, FAT), it is a file.
 *
 * A lock whose holder has been killed is broken at once, by one process alone: the one that holds a further lock, named
 * after the dead one. It looks again before it removes anything, so that nobody removes a lock that is alive. This is
 * for local disks: on NFS and between containers a holder cannot be told dead, and is waited for.
 *
 * Source: symlink(2): EEXIST where the path exists; POSIX leaves no moment in between.
 */

import { randomBytes } from 'node:crypto';
import { readlink, symlink, unlink, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '../errors.js';
import { describeOwner, isRunning, nonceOf } from './owner.js';
import { readBytes } from './read-bytes.js';

export interface Lock {
  /** Does nothing where the lock has been broken meanwhile. Does not throw. */
  release(): Promise<void>;
}

export interface WaitOptions {
  /** The longest time to wait for a holder that runs. */
  readonly waitMs: number;
  /** Looked at before each attempt: whoever waits may have got from the holder what he wanted the lock for. */
  readonly isOver?: (() => Promise<boolean>) | undefined;
}

const FIRST_PAUSE_MS = 4;
const MAX_PAUSE_MS = 60;

/**
 * Waits for the lock, within bounds. A holder that cannot be told dead or alive, and that has held it for the whole
 * time, counts as dead.
 *
 * @returns undefined where `isOver` said so, or where somebody else holds it still
 * @throws the system's error where no lock can be made: no such folder, no permission, a full disk
 */
export async function acquireLock(path: string, { waitMs, isOver }: WaitOptions): Promise<Lock | undefined> {
  const limit = AbortSignal.timeout(waitMs);
  let first: string | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, MAX_PAUSE_MS)) {
    // Read before the attempts: the one after the end of time is the last.
    const isLast = limit.aborted;
    if (await isOver?.()) return undefined;
    const attempt = await tryLock(path);
    if (typeof attempt === 'object') return attempt;
    first ??= attempt;
    if (isLast) return attempt === first ? takeFromUnknown(path, attempt) : undefined;
    await sleep(pauseMs);
  }
}

/** Whether somebody holds it who is not known to be dead. @throws the system's error */
export async function isLocked(path: string): Promise<boolean> {
  const holder = await readHolder(path);
  return holder !== undefined && isRunning(holder) !== false;
}

async function takeFromUnknown(path: string, holder: string): Promise<Lock | undefined> {
  if (isRunning(holder) === true) return undefined;
  await breakLock(path, holder);
  const attempt = await tryLock(path);
  return typeof attempt === 'object' ? attempt : undefined;
}

/** @returns the lock, or who holds it */
async function tryLock(path: string): Promise<Lock | string> {
  const owner = describeOwner(randomBytes(4).toString('hex'));
  for (;;) {
    if (await create(path, owner)) return { release: () => release(path, owner) };
    const holder = await readHolder(path);
    // Released between the two.
    if (holder === undefined) continue;
    if (isRunning(holder) !== false || !(await breakLock(path, holder))) return holder;
  }
}

/** @returns whether the path is free of that holder; false where another process is about to break it */
async function breakLock(path: string, holder: string): Promise<boolean> {
  const breaker = await tryLock(`${path}.${nonceOf(holder) ?? 'unknown'}`);
  if (typeof breaker === 'string') return false;
  try {
    // The holder is dead, and we alone may break it: what is here now stays until we remove it.
    if ((await readHolder(path)) === holder) await remove(path);
  } finally {
    await breaker.release();
  }
  return true;
}

async function release(path: string, owner: string): Promise<void> {
  if ((await readHolder(path).catch(() => undefined)) === owner) await remove(path).catch(() => undefined);
}

/** @returns false where the path exists */
async function create(path: string, owner: string): Promise<boolean> {
  try {
    await symlink(owner, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (!/^(EPERM|ENOSYS|EOPNOTSUPP|ENOTSUP|EINVAL|UNKNOWN)$/.test(codeOf(error))) throw error;
  }
  // Killed between the two steps, it leaves an empty file, of which nobody can tell whose it is.
  return writeFile(path, owner, { flag: 'wx', mode: 0o600 }).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    },
  );
}

/** Undefined where there is no lock. */
async function readHolder(path: string): Promise<string | undefined> {
  try {
    return await readlink(path).catch((error: unknown) =>
      // Not a link: a file. Windows says UNKNOWN.
      /^(EINVAL|UNKNOWN)$/.test(codeOf(error)) ? readHolderFile(path) : Promise.reject(error),
    );
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function readHolderFile(path: string): Promise<string> {
  return (await readBytes(path, { maxBytes: 4096 })).bytes.toString('utf8');
}

async function remove(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
}
