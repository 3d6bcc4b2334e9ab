/**
 * A path and its new content in, the file replaced whole out: at any moment, also after a crash or on a full disk, the
 * path holds either the old content or the new one.
 *
 * Source: rename(2), "atomically replaced"; fsync(2) on why the folder is synchronized too.
 */
import { randomUUID } from 'node:crypto';
import { open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { OutputError } from '../errors.js';

export interface WriteOptions {
  /** Permissions of the file. Default 0600. */
  readonly mode?: number | undefined;
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
  { mode = 0o600, subject = `file ${path}` }: WriteOptions = {},
): Promise<void> {
  let temporary: string | undefined;
  try {
    const target = await realpath(path).catch(() => path);
    temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`);
    await writeSynced(temporary, content, mode);
    await rename(temporary, target);
    await syncFolder(dirname(target));
  } catch (cause) {
    if (temporary !== undefined) await rm(temporary, { force: true }).catch(() => undefined);
    throw new OutputError('ERR_FILE_WRITE', `${subject} cannot be written: ${reasonOf(cause)}`, { cause });
  }
}

async function writeSynced(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  // Never an existing file, and never through a link that somebody else has put there.
  const file = await open(path, 'wx', mode);
  try {
    // The umask may have taken bits from the mode.
    await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
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
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known: Record<string, string> = {
    ENOENT: 'there is no such folder',
    ENOTDIR: 'part of its path is not a folder',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EISDIR: 'it is a folder',
    ENOSPC: 'the disk is full',
    EDQUOT: 'the quota is used up',
    EROFS: 'the file system is read-only',
  };
  return known[code] ?? (code || 'unknown');
}
