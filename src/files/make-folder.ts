/**
 * A path in, a folder of this user alone out, with the folders above it.
 *
 * Node's own `recursive` tries for ever, at full load, where a file system says that there is no such folder for one that it
 * does not let anybody make, as `/proc` does, and automounters may.
 */

import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from '../errors.js';

/** @throws the system's error */
export function makeFolder(path: string): Promise<void> {
  return make(path, false);
}

async function make(path: string, isSecondTry: boolean): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if ((await stat(path).catch(() => undefined))?.isDirectory() === true) return;
    const isMissing = codeOf(error) === 'ENOENT';
    if (isSecondTry || !isMissing || dirname(path) === path) throw error;
    await make(dirname(path), false);
    await make(path, true);
  }
}
