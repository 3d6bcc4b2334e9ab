/**
 * Writes credentials into a profile of the shared credentials file: under a lock and by replacing the whole
 * file. Other content, mode, owner and symbolic links stay.
 *
 * Source: "Shared config and credentials files" and "Location of the shared files" (AWS SDKs and Tools
 * reference).
 */
import { basename, dirname, join } from 'node:path';
import type { RolesAnywhereCredentials } from '../../credentials/from-roles-anywhere.js';
import { OutputError } from '../../errors.js';
import { acquireLock } from '../../files/lock.js';
import { readRegularFile } from '../../files/read-bytes.js';
import { MAX_AWS_FILE_BYTES } from '../../files/read-file.js';
import { removeLeftovers, writeError, writeFileWhole } from '../../files/write-file.js';
import type { WritePlace } from '../../files/write-place.js';
import { openPlace } from '../../files/write-place.js';
import type { EditedText, ProfileEdit } from './profile-text.js';
import { editProfile, isWritable } from './profile-text.js';

/** Long enough for any holder: the lock is held for one write. */
const LOCK_WAIT_MS = 10_000;

const MODE = 0o600;

export interface WrittenFile {
  /** The file's permissions: those it had before, 0600 for a new file. */
  readonly mode: number;
  readonly isChanged: boolean;
  /** The file had the profile's keys in several sections: they were merged into the first. */
  readonly isMerged: boolean;
}

/**
 * @param profile name without brackets and line ends
 * @throws OutputError `ERR_FILE_WRITE`: the file is unchanged
 */
export async function writeProfile(
  path: string,
  profile: string,
  credentials: RolesAnywhereCredentials,
): Promise<WrittenFile> {
  const edit = editFor(credentials);
  const subject = `credentials file ${path}`;
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
      return await replace(place, subject, (text) => editProfile(text, toLatin1(profile), edit));
    } finally {
      await lock.release();
    }
  } finally {
    place.close();
  }
}

/** Replaces the file. Its bytes are read as Latin-1, which keeps any encoding intact. */
async function replace(
  place: WritePlace,
  subject: string,
  change: (text: string) => EditedText,
): Promise<WrittenFile> {
  await removeLeftovers(place);
  const old = await onDisk(subject, () => place.run(() => readRegularFile(place.path, MAX_AWS_FILE_BYTES)));
  const text = old?.bytes.toString('latin1') ?? '';
  if (/^(\xFF\xFE|\xFE\xFF)/.test(text) || text.includes('\0')) {
    throw failure(subject, 'it is not UTF-8, the encoding that AWS programs read: save it as UTF-8');
  }
  const mode = old === undefined ? MODE : old.stats.mode & 0o777;
  const changed = await onDisk(subject, async () => change(text));
  const isChanged = changed.text !== text;
  if (isChanged) {
    const content = Buffer.from(changed.text, 'latin1');
    await writeFileWhole(place, content, { mode, owner: old?.stats, subject });
  }
  return { mode, isChanged, isMerged: changed.isMerged };
}

/**
 * `aws_account_id` is written because SDKs use it for account-based endpoints. `aws_security_token` is removed
 * because botocore reads that old name before `aws_session_token`.
 */
function editFor(credentials: RolesAnywhereCredentials): ProfileEdit {
  const values = {
    aws_access_key_id: credentials.accessKeyId,
    aws_secret_access_key: credentials.secretAccessKey,
    aws_session_token: credentials.sessionToken,
    ...(credentials.accountId !== '' && { aws_account_id: credentials.accountId }),
  };
  const [key] = Object.entries(values).find(([, value]) => !isWritable(value)) ?? [];
  if (key !== undefined) {
    throw failure('the credentials', `${key} has characters that a credentials file cannot hold`);
  }
  return { values, companion: 'aws_account_id', remove: ['aws_security_token'] };
}

function toLatin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
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
