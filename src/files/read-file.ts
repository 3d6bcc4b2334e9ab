/**
 * Reads small text files (passwords, configuration, state) and describes errors in words. Certificates and
 * keys are read by `identity/load.ts`.
 */
import type { Stats } from 'node:fs';
import { stat as statWithCallback } from 'node:fs';
import { sep } from 'node:path';
import { promisify } from 'node:util';
import { codeOf, IdentityError } from '../errors.js';
import { withOwnIds } from './act-as.js';
import { FileFault } from './file-fault.js';
import type { ReadPolicy } from './read-bytes.js';
import { readBytes, readStream } from './read-bytes.js';

// Of `node:fs`: loading `node:fs/promises` takes longer than the calls.
const stat = promisify(statWithCallback);

/** Far above a file with a thousand profiles. */
export const MAX_AWS_FILE_BYTES = 4 * 1024 * 1024;

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

export interface TextFile {
  readonly text: string;
  /** Whether users beyond owner and group may read it. Unknown on Windows, whose modes say nothing. */
  readonly isPublic: boolean;
  /** Whether the file begins with a byte order mark, which the text is without. */
  readonly hasByteOrderMark: boolean;
}

/**
 * Reads a file that the user has named: it may be a pipe, and has at most 1 MiB.
 *
 * @param subject how messages name the file
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 */
export async function readTextFile(path: string, subject: string): Promise<TextFile> {
  try {
    return await readText(path, { mayBePipe: true });
  } catch (cause) {
    throw unreadable(subject, cause);
  }
}

/**
 * Reads a regular file.
 *
 * @param maxBytes default 1 MiB
 * @returns `undefined` if there is no such file
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 */
export async function readTextFileIfThere(
  path: string,
  subject: string,
  maxBytes?: number,
): Promise<string | undefined> {
  try {
    return (await readText(path, { maxBytes })).text;
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw unreadable(subject, cause);
  }
}

/**
 * Reads a config or credentials file of the AWS programs: regular, at most 4 MiB. `/dev/null` counts as
 * absent, since people name it to turn the file off.
 *
 * @returns `undefined` if there is no such file
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 */
export async function readAwsFile(path: string, subject: string): Promise<TextFile | undefined> {
  try {
    return await readText(path, { maxBytes: MAX_AWS_FILE_BYTES });
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'ENOENT' || (code === 'ERR_NOT_FILE' && (await isNullDevice(path)))) return undefined;
    throw unreadable(subject, cause);
  }
}

/** @throws IdentityError `ERR_FILE_UNREADABLE` */
export async function readTextStream(
  stream: AsyncIterable<Uint8Array | string>,
  subject: string,
): Promise<string> {
  try {
    return decode(await readStream(stream));
  } catch (cause) {
    throw unreadable(subject, cause);
  }
}

/** Whether users beyond owner and group may read the file at a path; false if there is none. */
export async function isPublicPath(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true && isPublicFile(found);
}

/** Whether users beyond owner and group may read the file. */
function isPublicFile({ mode }: Pick<Stats, 'mode'>): boolean {
  return sep === '/' && (mode & 0o004) !== 0;
}

/**
 * A stamp that changes when a file is replaced or written to; the system's error code if there is none. Links
 * are followed. The time of the last change of the inode cannot be set back, as that of the content can. The
 * stamp of a pipe never changes: its content cannot be read again.
 */
export async function stampOfFile(path: string): Promise<string> {
  try {
    const status = await withOwnIds(() => stat(path, { bigint: true }));
    const { dev, ino, size, mtimeNs, ctimeNs } = status;
    return status.isFile() ? [dev, ino, size, mtimeNs, ctimeNs].join(':') : 'not a file';
  } catch (error) {
    return codeOf(error) || 'unknown';
  }
}

/** The meaning of the system's error code, in a few words. */
export function reasonOf(error: unknown): string {
  if (error instanceof FileFault) return error.message;
  const code = codeOf(error);
  const known: Record<string, string> = {
    ENOENT: 'there is no such file',
    ENOTDIR: 'there is no such file',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EISDIR: 'it is a directory',
    ELOOP: 'its symbolic links form a loop',
    ENAMETOOLONG: 'there is no such file',
    ERR_INVALID_ARG_VALUE: 'there is no such file',
  };
  return known[code] ?? (code || (error instanceof Error ? error.message : String(error)));
}

async function readText(path: string, policy: ReadPolicy): Promise<TextFile> {
  const { bytes, stats } = await readBytes(path, policy);
  const hasByteOrderMark = BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte);
  return { text: decode(bytes), isPublic: isPublicFile(stats), hasByteOrderMark };
}

async function isNullDevice(path: string): Promise<boolean> {
  const [found, device] = await Promise.all(
    [path, '/dev/null'].map((one) => stat(one).catch(() => undefined)),
  );
  return found?.isCharacterDevice() === true && found.rdev === device?.rdev;
}

/** The error for a file that cannot be read, with the reason and what to do about it. */
export function unreadable(subject: string, cause: unknown): IdentityError {
  return new IdentityError('ERR_FILE_UNREADABLE', `${subject} cannot be read: ${reasonOf(cause)}`, {
    hint: hintOf(subject, codeOf(cause)),
  });
}

function hintOf(subject: string, code: string): string | undefined {
  if (code === 'ENOENT' && subject.includes(' ~')) {
    return 'only shells expand ~, and only at the beginning of a word: write the path in full';
  }
  if (code === 'EACCES') {
    return 'the user that runs this program must be allowed to read the file and to enter its folders';
  }
  if (code === 'ERR_ENCODING') return 'save the file as UTF-8 (in PowerShell: Out-File -Encoding utf8)';
  return undefined;
}

/** Wipes the bytes, which may be a password. */
function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new FileFault('ERR_ENCODING', 'it is not UTF-8');
  } finally {
    bytes.fill(0);
  }
}
