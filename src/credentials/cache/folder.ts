/**
 * Finds the folder for cache files, which must belong to this user alone, and lists, reads and removes the
 * files in it.
 *
 * Source: XDG Base Directory Specification (relative paths are to be ignored); Apple's and Microsoft's
 * folders for caches.
 */
import { lstat as lstatWithCallback } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { platform } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { codeOf, OutputError } from '../../errors.js';
import { homeFolder } from '../../files/home.js';
import { isLocked } from '../../files/lock.js';
import { makeFolder } from '../../files/make-folder.js';
import { ownUserId } from '../../files/owner.js';
import { readBytes } from '../../files/read-bytes.js';
import { walkPath } from '../../files/walk-path.js';
import { reasonOf } from '../../files/write-file.js';
import { writerOf } from '../../files/write-place.js';
import type { Environment } from '../../options/choose-values.js';
import type { Label } from './sealed-session.js';
import { readLabel } from './sealed-session.js';

// Of `node:fs`: every run looks at the folder, and loading `node:fs/promises` takes longer than that.
const lstat = promisify(lstatWithCallback);

/** A session token has some hundred bytes, up to a few thousand with tags. */
const MAX_BYTES = 256 * 1024;

const SUFFIX = '.session';

/**
 * The folders that may hold cache files. The first is used; the others are used by programs of this user with
 * another environment, such as those that cron starts.
 */
export function cacheFolders(env: Environment): string[] {
  const home = homeFolder(env);
  const own =
    platform() === 'darwin'
      ? join(home, 'Library', 'Caches')
      : platform() === 'win32'
        ? env['LOCALAPPDATA'] || join(home, 'AppData', 'Local')
        : join(home, '.cache');
  const bases = [env['XDG_RUNTIME_DIR'], env['XDG_CACHE_HOME'], own];
  const absolute = bases.filter((base) => base !== undefined && isAbsolute(base)) as string[];
  return [...new Set(absolute.map((base) => join(base, 'rolesanywhere')))];
}

/**
 * Creates the folder if it is missing.
 *
 * @returns the reason not to use the folder if another user can write to it: that user could replace new files
 *   by old ones
 * @throws the system's error, or FileFault
 */
export async function prepareFolder(folder: string): Promise<string | undefined> {
  // Windows: modes say nothing, and the folder is in the user's profile.
  if (ownUserId() !== undefined && writerOf(walkPath(folder)) !== undefined) {
    return 'its path belongs to another user';
  }
  makeFolder(folder);
  return dangerOf(folder);
}

async function dangerOf(folder: string): Promise<string | undefined> {
  // A link, even one to a folder, does not tell who may write to its target.
  const status = await lstat(folder);
  if (!status.isDirectory()) return 'it is not a folder';
  const user = ownUserId();
  if (user === undefined) return undefined;
  if (status.uid !== user) return 'it belongs to another user';
  return (status.mode & 0o022) === 0 ? undefined : 'other users can write to it';
}

export function pathFor(folder: string, name: string): string {
  return join(folder, `${name}${SUFFIX}`);
}

/** @returns undefined if there is no file. @throws the system's error, or FileFault */
export async function readCacheFile(path: string): Promise<string | undefined> {
  try {
    return (await readBytes(path, { maxBytes: MAX_BYTES })).bytes.toString('utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export interface CacheEntry {
  readonly name: string;
  readonly size: number;
  /** Undefined for other files: locks, half-written files, files of other versions. */
  readonly label: Label | undefined;
}

/** Names of sessions, their locks, and half-written files. */
const OURS = /^\.?[0-9a-f]{32}\.session/;

/** Empty if the folder is missing or another user can write to it. */
export async function listFolder(folder: string): Promise<CacheEntry[]> {
  if ((await dangerOf(folder).catch(() => 'missing')) !== undefined) return [];
  const names = await readdir(folder).catch(() => []);
  const entries = names
    .filter((name) => OURS.test(name))
    .map(async (name) => {
      const { size } = await lstat(join(folder, name)).catch(() => ({ size: 0 }));
      const text = name.endsWith(SUFFIX) ? await readCacheFile(join(folder, name)).catch(() => '') : '';
      return { name, size, label: readLabel(text ?? '') };
    });
  return (await Promise.all(entries)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Removes the sessions that have expired. */
export async function sweepFolder(folder: string, now: Date): Promise<void> {
  const ended = (await listFolder(folder)).filter(({ label }) => label && label.expiration <= now);
  await Promise.all(ended.map(({ name }) => rm(join(folder, name), { force: true })));
}

/**
 * Removes all files except the locks of running processes.
 *
 * @returns the number of removed files
 * @throws OutputError `ERR_FILE_WRITE`
 */
export async function clearFolder(folder: string): Promise<number> {
  let removed = 0;
  for (const { name } of await listFolder(folder)) {
    const path = join(folder, name);
    try {
      if (name.includes('.lock') && (await isLocked(path))) continue;
      await rm(path, { force: true });
      removed++;
    } catch (cause) {
      throw new OutputError('ERR_FILE_WRITE', `cache file ${path} cannot be removed: ${reasonOf(cause)}`, {
        cause,
      });
    }
  }
  return removed;
}
