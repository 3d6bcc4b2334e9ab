/**
 * Edits an AWS file of the user: under a lock and by replacing the whole file. Mode, owner and symbolic links
 * stay.
 */
import { basename, dirname, join } from 'node:path';
import { OutputError } from '../../errors.js';
import { acquireLock } from '../../files/lock.js';
import { readRegularFile } from '../../files/read-bytes.js';
import { MAX_AWS_FILE_BYTES } from '../../files/read-file.js';
import { removeLeftovers, writeError, writeFileWhole } from '../../files/write-file.js';
import type { WritePlace } from '../../files/write-place.js';
import { openPlace } from '../../files/write-place.js';
import type { EditedText } from './profile-text.js';

/** Long enough for any holder: the lock is held for one write. */
const LOCK_WAIT_MS = 10_000;

const MODE = 0o600;

export interface WrittenFile {
  /** The file's permissions: those it had before, 0600 for a new file. */
  readonly mode: number;
  readonly isChanged: boolean;
  /** The file had the profile's keys in several sections: they were merged into the first. */
  readonly isMerged: boolean;
  /** Path of the copy of the file as it was, if one was made: beside the file that a link leads to. */
  readonly backup: string | undefined;
}

export interface EditOptions {
  /** How messages name the file. */
  readonly subject: string;
  /** @param text bytes read as Latin-1, which keeps any encoding intact */
  readonly change: (text: string) => EditedText;
  /** Name of a copy, in the same folder, of a file that is changed. Default: none is kept. */
  readonly backup?: string;
}

/** @throws OutputError `ERR_FILE_WRITE`: the file is unchanged; what `change` throws */
export async function editAwsFile(path: string, options: EditOptions): Promise<WrittenFile> {
  const { subject } = options;
  const place = await onDisk(subject, () => openPlace(path, { makesFolder: true }));
  try {
    const lockName = `.${basename(place.target)}.lock`;
    const lock = await onDisk(subject, () =>
      acquireLock(place.sibling(lockName), { waitMs: LOCK_WAIT_MS, run: place.run }),
    );
    if (lock === undefined) {
      throw failure(subject, `another process holds ${join(dirname(place.target), lockName)}`);
    }
    try {
      return await replace(place, options);
    } finally {
      await lock.release();
    }
  } finally {
    place.close();
  }
}

/** Encodes a text for insertion into one whose bytes were read as Latin-1. */
export function toLatin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

async function replace(place: WritePlace, { subject, change, backup }: EditOptions): Promise<WrittenFile> {
  await removeLeftovers(place);
  const old = await onDisk(subject, () => place.run(() => readRegularFile(place.path, MAX_AWS_FILE_BYTES)));
  const text = old?.bytes.toString('latin1') ?? '';
  if (/^(\xFF\xFE|\xFE\xFF)/.test(text) || text.includes('\0')) {
    throw failure(subject, 'it is not UTF-8, the encoding that AWS programs read: save it as UTF-8');
  }
  const mode = old === undefined ? MODE : old.stats.mode & 0o777;
  const changed = await onDisk(subject, async () => change(text));
  const isChanged = changed.text !== text;
  let copied: string | undefined;
  if (isChanged) {
    if (old !== undefined && backup !== undefined) {
      copied = join(dirname(place.target), backup);
      const copy = { ...place, target: copied, path: place.sibling(backup) };
      await writeFileWhole(copy, old.bytes, { mode, owner: old.stats });
    }
    const content = Buffer.from(changed.text, 'latin1');
    await writeFileWhole(place, content, { mode, owner: old?.stats, subject });
  }
  return { mode, isChanged, isMerged: changed.isMerged, backup: copied };
}

async function onDisk<T>(subject: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw writeError(subject, cause);
  }
}

function failure(subject: string, reason: string): OutputError {
  return new OutputError('ERR_FILE_WRITE', `${subject} cannot be written: ${reason}`);
}
