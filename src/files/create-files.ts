/**
 * Writes several files that belong together, such as a key and its certificate: all of them or none. Each is
 * staged beside its target first, so that a full disk or a missing permission shows before any target is
 * touched.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { codeOf } from '../errors.js';
import { FileFault } from './file-fault.js';
import { writeError } from './write-file.js';
import type { WritePlace } from './write-place.js';
import { openPlace } from './write-place.js';

export interface NewFile {
  readonly path: string;
  readonly content: string;
  /** Permissions: 0600 for secrets. */
  readonly mode: number;
}

export interface CreateOptions {
  /** Whether existing files are replaced. Default: they are an error. */
  readonly replaces?: boolean | undefined;
  /** The hint of the error if a file exists. */
  readonly hint?: string | undefined;
  /** Runs when all files are staged, before the first appears; if it fails, none does. */
  readonly beforeCommit?: (() => Promise<void>) | undefined;
}

interface StagedFile {
  readonly path: string;
  readonly place: WritePlace;
  readonly temporary: string;
}

/**
 * A path that exists is never written to, unless `replaces` is true.
 *
 * @throws OutputError `ERR_FILE_WRITE`; then no file has been created
 */
export async function createFiles(files: readonly NewFile[], options: CreateOptions = {}): Promise<void> {
  const { replaces = false } = options;
  if (!replaces) assertAbsent(files, options);
  const staged: StagedFile[] = [];
  const created: StagedFile[] = [];
  try {
    for (const file of files) staged.push(await at(file, () => stage(file)));
    await options.beforeCommit?.();
    for (const file of staged) {
      await at(file, () => commit(file, replaces), options);
      created.push(file);
    }
  } catch (error) {
    // A file that has replaced an older one stays: the older file is gone.
    if (!replaces) for (const { place } of created) await place.run(() => rmSync(place.path));
    throw error;
  } finally {
    for (const file of staged) await discard(file);
  }
}

/**
 * For a check before the content is made.
 *
 * @throws OutputError `ERR_FILE_WRITE`: one of them exists
 */
export function assertAbsent(files: ReadonlyArray<Pick<NewFile, 'path'>>, options: CreateOptions = {}): void {
  const existing = files.find(({ path }) => existsSync(path));
  if (existing !== undefined) throw exists(existing.path, options);
}

async function at<T>(
  { path }: Pick<NewFile, 'path'>,
  work: () => Promise<T>,
  options: CreateOptions = {},
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') throw exists(path, options);
    throw writeError(`file ${path}`, cause);
  }
}

function exists(path: string, { hint = 'name another file' }: CreateOptions) {
  return writeError(`file ${path}`, new FileFault('ERR_EXISTS', 'it exists', hint));
}

async function stage({ path, content, mode }: NewFile): Promise<StagedFile> {
  const place = await openPlace(path);
  const temporary = place.sibling(`.${basename(place.target)}.${randomUUID()}.tmp`);
  const file = { path, place, temporary };
  try {
    await place.run(() => writeNew(temporary, content, mode));
  } catch (error) {
    await discard(file);
    throw error;
  }
  return file;
}

function writeNew(path: string, content: string, mode: number): void {
  const file = openSync(path, 'wx', mode);
  try {
    writeFileSync(file, content);
    // The umask may have taken bits from the mode.
    fchmodSync(file, mode);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

async function commit({ place, temporary }: StagedFile, replaces: boolean): Promise<void> {
  await place.run(() =>
    replaces ? renameSync(temporary, place.path) : linkExclusively(temporary, place.path),
  );
}

/** Linking fails if the target exists. File systems without links have no such guarantee. */
function linkExclusively(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!/^(EPERM|ENOSYS|EOPNOTSUPP|ENOTSUP|EMLINK)$/.test(codeOf(error))) throw error;
    if (existsSync(to)) throw Object.assign(new Error('exists'), { code: 'EEXIST' });
    renameSync(from, to);
  }
}

async function discard({ place, temporary }: StagedFile): Promise<void> {
  await place.run(() => rmSync(temporary, { force: true })).catch(() => undefined);
  place.close();
}
