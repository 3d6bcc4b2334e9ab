/**
 * A path and its new content in, the file replaced whole out: at any moment, also after a crash or on a full disk, the
 * path holds either the old content or the new one.
 *
 * Source: rename(2), "atomically replaced"; fsync(2) on why the folder is synchronized too.
 */
import { randomUUID } from 'node:crypto';
import { lstat, open, readdir, readlink, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { codeOf, OutputError } from '../errors.js';
import { FileFault } from './file-fault.js';

export interface WriteOptions {
  /** Permissions of the file. Default 0600. */
  readonly mode?: number | undefined;
  /** Whose the file is to be. Default: this process's user and group. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** How messages name the file. Default: `file <path>`. */
  readonly subject?: string | undefined;
}

/**
 * A symbolic link is followed: what it points to is replaced, not the link.
 *
 * @throws OutputError `ERR_FILE_WRITE`; the old file is untouched then, and nothing is left beside it
 */
export async function writeFileWhole(
  path: string,
  content: string | Uint8Array,
  { mode = 0o600, owner, subject = `file ${path}` }: WriteOptions = {},
): Promise<void> {
  let temporary: string | undefined;
  try {
    const target = await targetOf(path);
    await refuseDevice(target);
    temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`);
    await writeSynced(temporary, content, { mode, owner });
    await rename(temporary, target);
    await syncFolder(dirname(target));
  } catch (cause) {
    if (temporary !== undefined) await rm(temporary, { force: true }).catch(() => undefined);
    throw new OutputError('ERR_FILE_WRITE', `${subject} cannot be written: ${reasonOf(cause)}`, { cause });
  }
}

/** Where links lead, also to a file that is not there yet. @throws the system's error */
export async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    const link = await readlink(path).catch(() => undefined);
    return link === undefined ? path : targetOf(resolve(await realpath(dirname(path)), link));
  }
}

/**
 * What `writeFileWhole` of this path has left beside it when it was killed. For those who know that nobody else is writing
 * it now. Does not throw.
 */
export async function removeLeftovers(path: string): Promise<void> {
  const target = await targetOf(path).catch(() => path);
  const [folder, prefix] = [dirname(target), `.${basename(target)}.`];
  const names = await readdir(folder).catch(() => []);
  const isLeftover = (name: string): boolean =>
    name.startsWith(prefix) && /^[0-9a-f-]{36}\.tmp$/.test(name.slice(prefix.length));
  for (const name of names.filter(isLeftover)) await rm(join(folder, name)).catch(() => undefined);
}

async function writeSynced(
  path: string,
  content: string | Uint8Array,
  { mode, owner }: { readonly mode: number; readonly owner: WriteOptions['owner'] },
): Promise<void> {
  // Never an existing file, and never through a link that somebody else has put there.
  const file = await open(path, 'wx', mode);
  try {
    const { uid, gid } = await file.stat();
    const isOwners = owner === undefined || (owner.uid === uid && owner.gid === gid);
    if (!isOwners) await file.chown(owner.uid, owner.gid).catch(refuseOwner);
    // The umask may have taken bits from the mode.
    await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Root could put a file in place of /dev/null, for everybody. */
async function refuseDevice(path: string): Promise<void> {
  const status = await lstat(path).catch(() => undefined);
  if (status && !status.isFile() && !status.isDirectory()) throw failure('ERR_NOT_FILE');
}

/** Only root may give files away. */
function refuseOwner(cause: unknown): never {
  throw failure('ERR_OWNER', cause);
}

/** In the form of the system's errors. */
function failure(code: string, cause?: unknown): Error {
  return Object.assign(new Error(code, { cause }), { code });
}

/** Windows cannot open folders, and some file systems cannot synchronize them: the rename has happened all the same. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    await folder.sync().finally(() => folder.close());
  } catch {
    // Nothing is lost but the guarantee against a power cut.
  }
}

/** What the system's code means, in a few words. */
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
    ERR_NOT_FILE: 'it is not a regular file',
    ERR_OWNER: 'it belongs to another user, or to a group that is not yours',
    EROFS: 'the file system is read-only',
  };
  return known[code] ?? (code || 'unknown');
}
