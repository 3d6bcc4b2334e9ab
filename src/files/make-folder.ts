/**
 * Makes a folder for this user alone, with the folders above it.
 *
 * Node's own `recursive` retries for ever, at full load, if a file system answers ENOENT for a folder that it
 * lets nobody make, as `/proc` does, and automounters may.
 */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from '../errors.js';

/** Synchronous, since it may run with the ids of another user. @throws the system's error */
export function makeFolder(path: string, isSecondTry = false): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (isFolder(path)) return;
    const isMissing = codeOf(error) === 'ENOENT';
    if (isSecondTry || !isMissing || dirname(path) === path) throw error;
    makeFolder(dirname(path));
    makeFolder(path, true);
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
