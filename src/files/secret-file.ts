/**
 * Reads and creates files with a secret for other programs, such as the token of `serve`. A file that another
 * user created or can change is refused, since that user may know the secret.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, sep } from 'node:path';
import { codeOf, IdentityError } from '../errors.js';
import { FileFault, hintOf } from './file-fault.js';
import { ownUserId } from './owner.js';
import type { FileContent } from './read-bytes.js';
import { readRegularFile } from './read-bytes.js';
import { reasonOf } from './read-file.js';
import type { Step, WalkedPath } from './walk-path.js';
import { isNeutral, walkPath } from './walk-path.js';
import { writeError } from './write-file.js';
import type { WritePlace } from './write-place.js';
import { openPlace } from './write-place.js';

/** Far above any token. */
const MAX_BYTES = 64 * 1024;

const OTHERS_WRITE = 0o022;

/**
 * Reads a secret that this user or root has put there: a regular file that others cannot write to, on a path
 * whose links and folders are this user's or root's.
 *
 * @param subject how messages name the file
 * @returns the text, its bytes read as Latin-1, and the mode; undefined if there is no such file
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 */
export async function readSecretFile(
  path: string,
  subject: string,
): Promise<{ readonly text: string; readonly mode: number } | undefined> {
  try {
    const found = sep === '/' ? readOwnFile(path) : readRegularFile(await realpath(path), MAX_BYTES);
    return found && { text: found.bytes.toString('latin1'), mode: found.stats.mode & 0o7777 };
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    const message = `${subject} cannot be read: ${reasonOf(cause)}`;
    throw new IdentityError('ERR_FILE_UNREADABLE', message, { hint: hintOf(cause), cause });
  }
}

/**
 * Makes a file that this user alone can read; it appears with its whole content, or not at all.
 *
 * @returns false if the file exists: another process was faster
 * @throws OutputError `ERR_FILE_WRITE`
 */
export async function createSecretFile(path: string, content: string, subject: string): Promise<boolean> {
  let place: WritePlace | undefined;
  try {
    if (sep === '/') assertOwnPath(walkPath(path));
    place = await openPlace(path);
    const { target, sibling } = place;
    const temporary = sibling(`.${basename(target)}.${randomUUID()}.tmp`);
    try {
      writeFileSync(temporary, content, { flag: 'wx', mode: 0o600 });
      return linkExclusively(temporary, place.path);
    } finally {
      rmSync(temporary, { force: true });
    }
  } catch (cause) {
    throw writeError(subject, cause);
  } finally {
    place?.close();
  }
}

function readOwnFile(path: string): FileContent | undefined {
  const walked = walkPath(path);
  assertOwnPath(walked);
  if (walked.file === undefined) return undefined;
  const found = readRegularFile(walked.target, MAX_BYTES);
  // Judged by the file that was opened, which cannot be replaced any more.
  if (found !== undefined) assertOwnFile({ path, stats: found.stats });
  return found;
}

/** @throws FileFault `ERR_FOREIGN_PATH` `ERR_FOREIGN_LINK` */
function assertOwnPath({ steps, file, isLink }: WalkedPath): void {
  const foreign = steps.find((step) => !isOwn(step));
  if (foreign !== undefined) {
    throw new FileFault(
      'ERR_FOREIGN_PATH',
      `${foreign.path} belongs to user ${foreign.stats.uid}, who could replace the file`,
      'keep the file in a folder of the user who runs this program, or run it as that user',
    );
  }
  if (isLink && file === undefined) {
    throw new FileFault('ERR_FOREIGN_LINK', 'it is a symbolic link to a file that does not exist');
  }
}

function assertOwnFile({ path, stats }: Step): void {
  if (!isOwn({ path, stats })) {
    const reason = `it belongs to user ${stats.uid}, who knows its content`;
    throw new FileFault('ERR_FOREIGN_FILE', reason, 'remove the file: it is then created again');
  }
  if ((stats.mode & OTHERS_WRITE) !== 0) {
    const mode = (stats.mode & 0o7777).toString(8).padStart(4, '0');
    throw new FileFault(
      'ERR_FOREIGN_FILE',
      `other users can write to it (mode ${mode})`,
      `chmod 600 ${path}`,
    );
  }
}

function isOwn({ stats }: Step): boolean {
  return isNeutral(stats.uid) || stats.uid === ownUserId();
}

/** A hard link fails if the path exists; a rename would replace the file. */
function linkExclusively(temporary: string, path: string): boolean {
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    // File systems without hard links.
    if (!/^(EPERM|ENOTSUP|EOPNOTSUPP|ENOSYS|EMLINK)$/.test(codeOf(error))) throw error;
    renameSync(temporary, path);
    return true;
  }
}
