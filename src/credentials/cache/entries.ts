/** Lists and removes the files of a cache folder. */
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OutputError } from '../../errors.js';
import { isLocked } from '../../files/lock.js';
import { reasonOf } from '../../files/write-file.js';
import { dangerOf, readCacheFile, SUFFIX } from './folder.js';
import type { Label } from './sealed-session.js';
import { readLabel } from './sealed-session.js';

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
  if (!isOwnFolder(folder)) return [];
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

function isOwnFolder(folder: string): boolean {
  try {
    return dangerOf(folder) === undefined;
  } catch {
    return false;
  }
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
