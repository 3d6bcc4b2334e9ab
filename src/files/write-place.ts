/**
 * Opens the folder that a file is written in: pinned, and as the user that `writer.ts` names. Everything that
 * writes files (`update`, cache, tokens, locks, state) writes through a place.
 */
import { closeSync, constants, existsSync, fstatSync, openSync, statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { codeOf } from '../errors.js';
import type { UserIds } from './act-as.js';
import { actAs } from './act-as.js';
import { FileFault } from './file-fault.js';
import { makeFolder } from './make-folder.js';
import type { Step } from './walk-path.js';
import { walkPath } from './walk-path.js';
import { writerOf } from './writer.js';

export interface WritePlace {
  /** The path without links, for messages. */
  readonly target: string;
  /**
   * The path for operations. On Linux it leads to the folder that was judged, whatever its path leads to
   * meanwhile.
   */
  readonly path: string;
  /** Undefined if this process writes as itself. */
  readonly owner: UserIds | undefined;
  /** The path, for operations, of another file in the same folder. */
  sibling(name: string): string;
  /** @param work synchronous, since ids belong to the whole process */
  run<T>(work: () => T): Promise<T>;
  close(): void;
}

/** O_PATH, which Node does not name: a folder is pinned without the right to list it, a socket at all. */
export const O_PATH = 0x20_0000;

/**
 * @param makesFolder whether a missing folder is made
 * @throws the system's error, or FileFault `ERR_FOREIGN_PATH` `ERR_FOREIGN_LINK` `ERR_IDS` `ERR_CHANGED`
 */
export async function openPlace(path: string, { makesFolder = false } = {}): Promise<WritePlace> {
  if (sep !== '/') return openWindowsPlace(path, makesFolder);
  const first = walkPath(path);
  const owner = writerOf(first);
  const run = <T>(work: () => T): Promise<T> =>
    owner === undefined ? Promise.resolve().then(work) : actAs(owner, work);
  if (makesFolder && first.file === undefined) await run(() => makeFolder(dirname(first.target)));
  const { target, steps } = walkPath(path);
  const pin = await run(() =>
    pinFolder(
      dirname(target),
      steps.findLast(({ stats }) => stats.isDirectory()),
    ),
  );
  return {
    target,
    path: join(pin.path, basename(target)),
    owner,
    sibling: (name) => join(pin.path, name),
    run,
    close: pin.close,
  };
}

interface Pin {
  readonly path: string;
  close(): void;
}

/** @param judged the target of the path when it was judged */
function pinFolder(folder: string, judged: Step | undefined): Pin {
  const unpinned = { path: folder, close: () => {} };
  if (!existsSync('/proc/self/fd')) {
    assertSame(statSync(folder), judged);
    return unpinned;
  }
  const fd = openSync(folder, O_PATH | constants.O_DIRECTORY);
  try {
    assertSame(fstatSync(fd), judged);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { path: `/proc/self/fd/${fd}`, close: () => closeSync(fd) };
}

function assertSame({ dev, ino }: { readonly dev: number; readonly ino: number }, judged?: Step): void {
  if (judged?.stats.dev === dev && judged.stats.ino === ino) return;
  throw new FileFault('ERR_CHANGED', 'its folder was replaced meanwhile');
}

/** There modes and owners say nothing. */
async function openWindowsPlace(path: string, makesFolder: boolean): Promise<WritePlace> {
  if (makesFolder) makeFolder(dirname(path));
  const target = await realpath(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return path;
    throw error;
  });
  return {
    target,
    path: target,
    owner: undefined,
    sibling: (name) => join(dirname(target), name),
    run: async (work) => work(),
    close: () => {},
  };
}
