/**
 * A path or `-` in, the text of a small file out: passwords, configuration. What is read for signing is read by
 * `identity/load.ts`.
 */
import { open, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { codeOf, IdentityError } from '../errors.js';

/** Far above any password and any configuration file. */
const MAX_BYTES = 1024 * 1024;

export interface TextFile {
  readonly text: string;
  /** Whether users beyond owner and group may read it. Unknown on Windows, whose modes say nothing. */
  readonly isPublic: boolean;
}

/**
 * @param subject how messages name the file
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 */
export async function readTextFile(path: string, subject: string): Promise<TextFile> {
  try {
    return await read(path, MAX_BYTES);
  } catch (cause) {
    throw unreadable(subject, cause);
  }
}

/**
 * @param maxBytes default 1 MiB
 * @returns `undefined` where there is no such file
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 */
export async function readTextFileIfThere(
  path: string,
  subject: string,
  maxBytes: number = MAX_BYTES,
): Promise<string | undefined> {
  try {
    return (await read(path, maxBytes)).text;
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw unreadable(subject, cause);
  }
}

async function read(path: string, maxBytes: number): Promise<TextFile> {
  const file = await open(path, 'r');
  try {
    const { mode } = await file.stat();
    const chunks = file.createReadStream({ autoClose: false });
    return { text: await decode(chunks, maxBytes), isPublic: sep === '/' && (mode & 0o004) !== 0 };
  } finally {
    await file.close();
  }
}

function unreadable(subject: string, cause: unknown): IdentityError {
  return new IdentityError('ERR_FILE_UNREADABLE', `${subject} cannot be read: ${reasonOf(cause)}`);
}

/** @throws IdentityError `ERR_FILE_UNREADABLE` */
export async function readTextStream(
  stream: AsyncIterable<Uint8Array | string>,
  subject: string,
): Promise<string> {
  try {
    return await decode(stream);
  } catch (cause) {
    throw unreadable(subject, cause);
  }
}

async function decode(
  stream: AsyncIterable<Uint8Array | string>,
  maxBytes: number = MAX_BYTES,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    length += chunk.length;
    if (length > maxBytes) throw new Error(`larger than ${maxBytes / 1024 / 1024} MiB`);
  }
  const bytes = Buffer.concat(chunks);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error('not UTF-8');
  } finally {
    for (const chunk of [...chunks, bytes]) chunk.fill(0);
  }
}

/**
 * Differs where a file is another one or has been written to; the system's code where there is none. Links are followed.
 * The time of the last change of the inode cannot be set back, as that of the content can.
 */
export async function stampOfFile(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(':');
  } catch (error) {
    return codeOf(error) || 'unknown';
  }
}

/** What the system's code means, in a few words. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  const known: Record<string, string> = {
    ENOENT: 'there is no such file',
    ENOTDIR: 'there is no such file',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    EISDIR: 'it is a directory',
    ENAMETOOLONG: 'there is no such file',
    ERR_INVALID_ARG_VALUE: 'there is no such file',
  };
  return known[code] ?? (code || (error instanceof Error ? error.message : String(error)));
}
