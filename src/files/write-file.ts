/**
 * Replaces a file whole: at any moment, also after a crash or on a full disk, the path holds either the old
 * content or the new one.
 *
 * Source: rename(2), "atomically replaced"; fsync(2) on why the folder is synchronized too.
 */
import { randomUUID } from 'node:crypto';
import {
  close,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { codeOf, OutputError } from '../errors.js';
import { FileFault, hintOf } from './file-fault.js';
import type { WritePlace } from './write-place.js';
import { openPlace } from './write-place.js';

const closeFile = promisify(close);
const syncFile = promisify(fsync);

export interface WriteOptions {
  /** Permissions of the file. Default 0600. */
  readonly mode?: number | undefined;
  /** The owner of the file. Default: the owner of the place. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** How messages name the file. Default: `file <path>`. */
  readonly subject?: string | undefined;
}

/**
 * A symbolic link is followed: what it points to is replaced, not the link.
 *
 * @param where a path, or a place that is open; the place stays open
 * @throws OutputError `ERR_FILE_WRITE`; the old file is untouched then, and nothing is left beside it
 */
export async function writeFileWhole(
  where: string | WritePlace,
  content: string | Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  const { subject = `file ${typeof where === 'string' ? where : where.target}` } = options;
  let place: WritePlace | undefined;
  try {
    place = typeof where === 'string' ? await openPlace(where) : where;
    await replaceFile(place, content, options);
  } catch (cause) {
    throw writeError(subject, cause);
  } finally {
    if (typeof where === 'string') place?.close();
  }
}

/** @returns OutputError `ERR_FILE_WRITE` with the reason, and the hint if there is one */
export function writeError(subject: string, cause: unknown): OutputError {
  const details = { hint: hintOf(cause), cause };
  return new OutputError('ERR_FILE_WRITE', `${subject} cannot be written: ${reasonOf(cause)}`, details);
}

async function replaceFile(
  place: WritePlace,
  content: string | Uint8Array,
  { mode = 0o600, owner }: WriteOptions,
): Promise<void> {
  await place.run(() => refuseDevice(place.path));
  const temporary = place.sibling(temporaryName(place));
  try {
    const file = await place.run(() => createFile(temporary, content, mode));
    try {
      setOwner(file, place, owner);
      // The umask may have taken bits from the mode.
      fchmodSync(file, mode);
      await syncFile(file);
    } finally {
      await closeFile(file);
    }
    await place.run(() => renameSync(temporary, place.path));
  } catch (error) {
    await place.run(() => rmSync(temporary, { force: true })).catch(() => undefined);
    throw error;
  }
  await syncFolder(place);
}

function temporaryName({ target }: WritePlace): string {
  return `.${basename(target)}.${randomUUID()}.tmp`;
}

/**
 * Removes what `writeFileWhole` has left at this place when it was killed. For callers who hold the lock of
 * the file. Does not throw.
 */
export async function removeLeftovers(place: WritePlace): Promise<void> {
  const prefix = `.${basename(place.target)}.`;
  const isLeftover = (name: string): boolean =>
    name.startsWith(prefix) && /^[0-9a-f-]{36}\.tmp$/.test(name.slice(prefix.length));
  const remove = (): void => {
    for (const name of readdirSync(place.sibling('.')).filter(isLeftover)) {
      rmSync(place.sibling(name), { force: true });
    }
  };
  await place.run(remove).catch(() => undefined);
}

/** Never an existing file, and never through a link that another user made. */
function createFile(path: string, content: string | Uint8Array, mode: number): number {
  const file = openSync(path, 'wx', mode);
  writeFileSync(file, content);
  return file;
}

/** The file is open: whatever its path leads to now, it is the one that was made. */
function setOwner(file: number, place: WritePlace, owner: WriteOptions['owner']): void {
  const { uid, gid } = fstatSync(file);
  const isWanted = owner === undefined || (owner.uid === uid && owner.gid === gid);
  // Written as its owner, it is the owner's; the group may be one that root has given it.
  if (isWanted || (place.owner !== undefined && owner.uid !== uid)) return;
  try {
    fchownSync(file, owner.uid, owner.gid);
  } catch {
    // Only root may give files away.
    throw new FileFault('ERR_OWNER', 'it belongs to another user, or to a group that is not yours');
  }
}

/** Root could put a file in place of /dev/null, for everybody. */
function refuseDevice(path: string): void {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status && !status.isFile() && !status.isDirectory()) {
    throw new FileFault('ERR_NOT_FILE', 'it is not a regular file');
  }
}

/**
 * Windows cannot open folders, and some file systems cannot synchronize them: the rename has happened all the
 * same.
 */
async function syncFolder(place: WritePlace): Promise<void> {
  try {
    const { O_RDONLY, O_DIRECTORY } = constants;
    const folder = await place.run(() => openSync(place.sibling('.'), O_RDONLY | O_DIRECTORY));
    await syncFile(folder).finally(() => closeFile(folder));
  } catch {
    // Nothing is lost but the guarantee against a power cut.
  }
}

/** The meaning of the system's error code, in a few words. */
export function reasonOf(error: unknown): string {
  if (error instanceof FileFault) return error.message;
  const code = codeOf(error);
  const known: Record<string, string> = {
    ENOENT: 'there is no such folder',
    ENOTDIR: 'part of its path is not a folder',
    EEXIST: 'part of its path is not a folder',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EISDIR: 'it is a folder',
    ENOSPC: 'the disk is full',
    EDQUOT: 'the quota is used up',
    ELOOP: 'its symbolic links form a loop',
    EROFS: 'the file system is read-only',
  };
  return known[code] ?? (code || 'unknown');
}
