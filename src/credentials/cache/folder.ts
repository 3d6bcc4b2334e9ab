/**
 * Finds the folder for cache files, which must belong to this user alone, and reads the files in it.
 *
 * Source: XDG Base Directory Specification (relative paths are to be ignored); Apple's and Microsoft's
 * folders for caches.
 */
import { lstatSync } from 'node:fs';
import { platform } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { codeOf } from '../../errors.js';
import { homeFolder } from '../../files/home.js';
import { makeFolder } from '../../files/make-folder.js';
import { ownUserId } from '../../files/owner.js';
import { readBytes } from '../../files/read-bytes.js';
import { walkPath } from '../../files/walk-path.js';
import { writerOf } from '../../files/writer.js';
import type { Environment } from '../../options/choose-values.js';

/** A session token has some hundred bytes, up to a few thousand with tags. */
const MAX_BYTES = 256 * 1024;

/** Ends the names of sessions. */
export const SUFFIX = '.session';

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
export function prepareFolder(folder: string): string | undefined {
  // Windows: modes say nothing, and the folder is in the user's profile.
  const walked = ownUserId() === undefined ? undefined : walkPath(folder);
  if (walked !== undefined && writerOf(walked) !== undefined) return 'its path belongs to another user';
  if (walked?.file === undefined) makeFolder(folder);
  return dangerOf(folder);
}

/** Why another user can write to a folder; undefined if none can. @throws the system's error */
export function dangerOf(folder: string): string | undefined {
  // A link, even one to a folder, does not tell who may write to its target.
  const status = lstatSync(folder);
  if (!status.isDirectory()) return 'it is not a folder';
  const user = ownUserId();
  if (user === undefined) return undefined;
  if (status.uid !== user) return 'it belongs to another user';
  return (status.mode & 0o022) === 0 ? undefined : 'other users can write to it';
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
