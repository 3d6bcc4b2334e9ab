/**
 * Resolves a path step by step, and tells who owns each folder, link and file on the way: the owner of one of
 * them can lead the path elsewhere.
 *
 * Source: path_resolution(7); proc_sys_fs(5) on protected_symlinks, whose rule for sticky folders is applied
 * here too.
 */
import type { Stats } from 'node:fs';
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { FileFault } from './file-fault.js';
import { ownUserId } from './owner.js';

export interface Step {
  readonly path: string;
  readonly stats: Stats;
}

export interface WalkedPath {
  /** The target of the path, without links. */
  readonly target: string;
  /** Folders and links, in the order in which they were met. */
  readonly steps: readonly Step[];
  /** Status of the target; undefined if it does not exist. */
  readonly file: Step | undefined;
  /** Whether the last part of the path is a link. */
  readonly isLink: boolean;
}

/** As many as Linux follows. */
const MAX_LINKS = 40;

const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;

/** The folder that is reached, and the parts of the path that are left to resolve. */
interface Walk {
  folder: Step;
  pending: string[];
  links: number;
  readonly steps: Step[];
}

/**
 * @throws the system's error, FileFault `ELOOP` `ENOTDIR`, or `ERR_FOREIGN_LINK`: a link that another user
 *   may have put there
 */
export function walkPath(path: string): WalkedPath {
  const root: Step = { path: '/', stats: lstatSync('/') };
  const pending = partsOf(isAbsolute(path) ? path : `${resolve('.')}/${path}`);
  const walk: Walk = { folder: root, pending, links: 0, steps: [root] };
  let isLink = false;
  for (;;) {
    const { folder, steps } = walk;
    const name = walk.pending.shift();
    if (name === undefined) return { target: folder.path, steps, file: folder, isLink };
    const next = join(folder.path, name);
    const stats = lstatSync(next, { throwIfNoEntry: false });
    if (stats === undefined) return { target: join(next, ...walk.pending), steps, file: undefined, isLink };
    const step = { path: next, stats };
    if (stats.isSymbolicLink()) {
      isLink ||= walk.pending.length === 0;
      followLink(step, walk);
    } else if (walk.pending.length === 0) {
      return { target: next, steps, file: step, isLink };
    } else {
      enterFolder(step, walk);
    }
  }
}

function followLink(link: Step, walk: Walk): void {
  if (++walk.links > MAX_LINKS) throw new FileFault('ELOOP', 'its symbolic links form a loop');
  assertOwnLink(link, walk.folder);
  walk.steps.push(link);
  const to = readlinkSync(link.path);
  walk.pending = [...partsOf(to), ...walk.pending];
  if (isAbsolute(to)) walk.folder = { path: '/', stats: lstatSync('/') };
}

/** `..` too: no link is left in the path of a folder, so its parent is the one above it in the path. */
function enterFolder(step: Step, walk: Walk): void {
  if (!step.stats.isDirectory()) throw new FileFault('ENOTDIR', 'part of its path is not a folder');
  walk.folder = step;
  walk.steps.push(step);
}

/** Whether every user of the machine, or of the pod, can make files in a folder. */
export function isOpenToAll({ mode }: Pick<Stats, 'mode'>): boolean {
  return (mode & OTHERS_WRITE) !== 0;
}

let isMapped: boolean | undefined;

/** Whether an owner does not count: root is trusted, and ids from outside of a user namespace say nothing. */
export function isNeutral(uid: number): boolean {
  if (uid !== OVERFLOW_UID) return uid === 0;
  isMapped ??= hasAllIds();
  return !isMapped;
}

/** The id that the kernel shows for ids that a user namespace does not map. */
const OVERFLOW_UID = 65_534;

function hasAllIds(): boolean {
  try {
    return readFileSync('/proc/self/uid_map', 'latin1').trim().split(/\s+/).join(' ') === '0 0 4294967295';
  } catch {
    return true;
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/**
 * In a folder that everybody can write to, such as an `emptyDir`, a link is anybody's; in a sticky one, such
 * as `/tmp`, its owner's. A link anywhere else is judged with the folders that it leads through.
 */
function assertOwnLink(link: Step, folder: Step): void {
  if (!isOpenToAll(folder.stats)) return;
  const isSticky = (folder.stats.mode & STICKY) !== 0;
  const { uid } = link.stats;
  if (isSticky && (isNeutral(uid) || uid === ownUserId() || uid === folder.stats.uid)) return;
  throw new FileFault(
    'ERR_FOREIGN_LINK',
    `${link.path} is a symbolic link, and every user can write to its folder`,
  );
}
