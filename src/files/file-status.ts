/** Determines the type of a path and who may read it, without opening it. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { reasonOf } from './read-file.js';

export interface FileStatus {
  /** `file`, `folder`, or `other`: a pipe, a device. */
  readonly kind: 'file' | 'folder' | 'other';
  /** As `0600`; undefined on Windows, whose modes say nothing. */
  readonly mode: string | undefined;
  /** Whether the group, and whether every user may read it. */
  readonly isGroupReadable: boolean;
  readonly isPublic: boolean;
  /** Whether every user may write to it. */
  readonly isWritable: boolean;
  readonly isExecutable: boolean;
}

/** The status of a path, or the reason why it cannot be read. Links are followed. */
export async function fileStatus(path: string): Promise<FileStatus | { readonly problem: string }> {
  try {
    const found = await stat(path);
    await access(path, constants.R_OK);
    const { mode } = found;
    const has = (bits: number): boolean => sep === '/' && (mode & bits) !== 0;
    return {
      kind: found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other',
      mode: sep === '/' ? (mode & 0o7777).toString(8).padStart(4, '0') : undefined,
      isGroupReadable: has(0o040),
      isPublic: has(0o004),
      isWritable: has(0o002),
      isExecutable: await access(path, constants.X_OK).then(
        () => true,
        () => false,
      ),
    };
  } catch (error) {
    return { problem: reasonOf(error) };
  }
}
