/**
 * Locks a path across processes: one holder at a time. The lock is a symbolic link whose target names the
 * holder, since making a link is atomic, text included. Where links cannot be made (Windows without the right
 * to, FAT), it is a file.
 *
 * The lock of a killed process is broken at once, by one process alone: the one that holds a further lock,
 * named after the dead holder. It reads the lock again before it removes it, so that a live lock is never
 * removed. On NFS and between containers a holder cannot be proved dead: the lock is waited for.
 *
 * Source: symlink(2): EEXIST where the path exists; POSIX leaves no moment in between.
 */

import { randomBytes } from 'node:crypto';
import { readlinkSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '../errors.js';
import { describeOwner, isRunning, nonceOf } from './owner.js';
import { readRegularFile } from './read-bytes.js';

export interface Lock {
  /** Does nothing if another process has broken the lock. Does not throw. */
  release(): Promise<void>;
}

export interface WaitOptions {
  /** The longest time to wait for a holder that runs. */
  readonly waitMs: number;
  /** Polled before each attempt; return true to stop waiting. */
  readonly isOver?: (() => Promise<boolean>) | undefined;
  /** Runs each file operation, such as `WritePlace.run`. Default: as this process. */
  readonly run?: Run | undefined;
}

type Run = <T>(work: () => T) => Promise<T>;

interface Site {
  readonly path: string;
  readonly run: Run;
}

/** Far above the line of a holder. */
const MAX_HOLDER_BYTES = 4096;

const FIRST_PAUSE_MS = 4;
const MAX_PAUSE_MS = 60;

/**
 * Waits for the lock, within bounds. A holder that cannot be proved dead or alive counts as dead once it has
 * held the lock for the whole time.
 *
 * @returns undefined if `isOver` returned true, or if another process still holds the lock
 * @throws the system's error if no lock can be made (no such folder, no permission, a full disk), and
 *   FileFault `ERR_NOT_FILE` if something else is at the path, such as a FIFO
 */
export async function acquireLock(
  path: string,
  { waitMs, isOver, run = directly }: WaitOptions,
): Promise<Lock | undefined> {
  const site = { path, run };
  const limit = AbortSignal.timeout(waitMs);
  let first: string | undefined;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, MAX_PAUSE_MS)) {
    // Read before the attempt: the attempt after the limit is the last.
    const isLast = limit.aborted;
    if (await isOver?.()) return undefined;
    const attempt = await tryLock(site);
    if (typeof attempt === 'object') return attempt;
    first ??= attempt;
    if (isLast) return attempt === first ? takeFromUnknown(site, attempt) : undefined;
    await sleep(pauseMs);
  }
}

/** Whether a process that is not known to be dead holds the lock. @throws the system's error */
export async function isLocked(path: string): Promise<boolean> {
  const holder = readHolder(path);
  return holder !== undefined && isRunning(holder) !== false;
}

async function takeFromUnknown(site: Site, holder: string): Promise<Lock | undefined> {
  if (isRunning(holder) === true) return undefined;
  await breakLock(site, holder);
  const attempt = await tryLock(site);
  return typeof attempt === 'object' ? attempt : undefined;
}

/** @returns the lock, or its holder */
async function tryLock({ path, run }: Site): Promise<Lock | string> {
  const owner = describeOwner(randomBytes(4).toString('hex'));
  for (;;) {
    if (await run(() => create(path, owner))) return { release: () => release({ path, run }, owner) };
    const holder = await run(() => readHolder(path));
    // Released between the two.
    if (holder === undefined) continue;
    if (isRunning(holder) !== false || !(await breakLock({ path, run }, holder))) return holder;
  }
}

/** @returns whether the path is free of that holder; false if another process is about to break it */
async function breakLock({ path, run }: Site, holder: string): Promise<boolean> {
  const breaker = await tryLock({ path: `${path}.${nonceOf(holder) ?? 'unknown'}`, run });
  if (typeof breaker === 'string') return false;
  try {
    // The holder is dead, and this process alone may break its lock: what is here now stays until it is
    // removed here.
    await run(() => removeOf(path, holder));
  } finally {
    await breaker.release();
  }
  return true;
}

async function release({ path, run }: Site, owner: string): Promise<void> {
  await run(() => removeOf(path, owner)).catch(() => undefined);
}

async function directly<T>(work: () => T): Promise<T> {
  return work();
}

/** @returns false if the path exists */
function create(path: string, owner: string): boolean {
  try {
    symlinkSync(owner, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (!/^(EPERM|ENOSYS|EOPNOTSUPP|ENOTSUP|EINVAL|UNKNOWN)$/.test(codeOf(error))) throw error;
  }
  try {
    // A process that is killed between open and write leaves an empty file, whose holder is unknown.
    writeFileSync(path, owner, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined if there is no lock. */
function readHolder(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    // Not a link: a file. Windows says UNKNOWN.
    if (!/^(EINVAL|UNKNOWN)$/.test(codeOf(error))) throw error;
  }
  return readRegularFile(path, MAX_HOLDER_BYTES)?.bytes.toString('utf8');
}

function removeOf(path: string, holder: string): void {
  if (readHolder(path) !== holder) return;
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
