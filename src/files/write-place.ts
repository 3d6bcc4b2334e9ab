/**
 * Decides with whose ids this process writes at a path, or why it must not write there, and pins the folder.
 * Everything that writes files (`update`, cache, tokens, locks, state) writes through a place.
 *
 * Root has more rights than the owner of a path: an owner who replaces a folder by a link, before or during
 * the write, could have root write anywhere. So if the whole path to the file belongs to root and one user,
 * root writes with that user's ids, and can do nothing that the user could not do alone. If it belongs to
 * several users, any of them could direct the write at the others' files: it is refused.
 */
import { closeSync, constants, existsSync, fstatSync, openSync, statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { codeOf } from '../errors.js';
import type { UserIds } from './act-as.js';
import { actAs } from './act-as.js';
import { FileFault } from './file-fault.js';
import { makeFolder } from './make-folder.js';
import { ownUserId } from './owner.js';
import type { Step, WalkedPath } from './walk-path.js';
import { isNeutral, isOpenToAll, walkPath } from './walk-path.js';

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

/**
 * The ids that this process writes with.
 *
 * @returns undefined: as itself
 * @throws FileFault `ERR_FOREIGN_PATH`
 */
export function writerOf({ steps, file }: WalkedPath): UserIds | undefined {
  const me = ownUserId();
  if (me !== 0) {
    const link = steps.find(
      ({ stats }) => stats.isSymbolicLink() && !isNeutral(stats.uid) && stats.uid !== me,
    );
    if (link === undefined) return undefined;
    const reason = `${link.path} is a symbolic link of user ${link.stats.uid}`;
    throw new FileFault('ERR_FOREIGN_PATH', reason, 'name the file by a path without links of other users');
  }
  const foreign = steps.filter(({ stats }) => !isNeutral(stats.uid));
  const [first] = foreign;
  if (first === undefined) return refusePlanted(steps, file);
  const others = file !== undefined && !isNeutral(file.stats.uid) ? [...foreign, file] : foreign;
  if (others.some(({ stats }) => stats.uid !== first.stats.uid)) throw ofSeveral(others);
  // Group 0 would be more than the user has.
  const { uid } = first.stats;
  return { uid, gid: foreign.find(({ stats }) => stats.gid !== 0)?.stats.gid ?? uid };
}

/** Root's own folders. What another user has put into one that is open to all is not written for that user. */
function refusePlanted(steps: readonly Step[], file: Step | undefined): undefined {
  const folder = steps.at(-1);
  if (file === undefined || folder === undefined || isNeutral(file.stats.uid)) return undefined;
  if (!isOpenToAll(folder.stats)) return undefined;
  throw ofSeveral([file]);
}

function ofSeveral(steps: readonly Step[]): FileFault {
  const first = steps.filter(
    ({ stats }, at) => steps.findIndex((step) => step.stats.uid === stats.uid) === at,
  );
  const owners = first.map(({ path, stats }) => `${path} belongs to user ${stats.uid}`).join(', ');
  const uid = steps.at(-1)?.stats.uid;
  return new FileFault(
    'ERR_FOREIGN_PATH',
    `root does not write to a path that other users control: ${owners}`,
    `run it as the user whose file it is: sudo -u '#${uid}' …, or User=${uid} in the unit`,
  );
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
