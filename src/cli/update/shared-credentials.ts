/**
 * Credentials in, a profile of the shared credentials file written out, as a careful person would: under a lock, the file
 * replaced whole, all else in it as it was, its mode, its owner and links to it too.
 *
 * Source: "Shared config and credentials files" and "Location of the shared files" (AWS SDKs and Tools reference).
 */
import { basename, dirname, join } from 'node:path';
import type { AwsCredentialIdentity } from '../../credentials/from-roles-anywhere.js';
import { codeOf, OutputError } from '../../errors.js';
import { expandHome } from '../../files/home.js';
import { acquireLock } from '../../files/lock.js';
import { makeFolder } from '../../files/make-folder.js';
import { readBytes } from '../../files/read-bytes.js';
import { MAX_AWS_FILE_BYTES } from '../../files/read-file.js';
import { reasonOf, removeLeftovers, targetOf, writeFileWhole } from '../../files/write-file.js';
import type { Environment } from '../../options/choose-values.js';
import type { ProfileEdit } from './profile-text.js';
import { editProfile, isWritable } from './profile-text.js';

/** A holder has the lock for milliseconds: a write, and the disk's own time. */
const LOCK_WAIT_MS = 10_000;

const MODE = 0o600;

export interface WrittenFile {
  /** Permissions that the file had before, where there was one. */
  readonly mode: number;
  /** Whether it is other than before. */
  readonly isChanged: boolean;
}

/** `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws/credentials`. */
export function sharedCredentialsPath(env: Environment): string {
  return expandHome(env['AWS_SHARED_CREDENTIALS_FILE'] || join('~', '.aws', 'credentials'), env);
}

/**
 * @param profile its name, without brackets and line ends
 * @throws OutputError `ERR_FILE_WRITE`: the file is as it was
 */
export async function writeProfile(
  path: string,
  profile: string,
  credentials: AwsCredentialIdentity,
): Promise<WrittenFile> {
  const edit = editFor(credentials);
  const subject = `credentials file ${path}`;
  const target = await onDisk(subject, async () => {
    await makeFolder(dirname(path));
    return targetOf(path);
  });
  const lockPath = join(dirname(target), `.${basename(target)}.lock`);
  const lock = await onDisk(subject, () => acquireLock(lockPath, { waitMs: LOCK_WAIT_MS }));
  if (lock === undefined) throw failure(subject, `another process holds ${lockPath}`);
  try {
    return await replace(target, subject, (text) => editProfile(text, toLatin1(profile), edit));
  } finally {
    await lock.release();
  }
}

/** The file is read as Latin-1: whatever its encoding, its bytes stay what they are. */
async function replace(
  target: string,
  subject: string,
  change: (text: string) => string,
): Promise<WrittenFile> {
  await removeLeftovers(target);
  const old = await onDisk(subject, () => read(target));
  if (old !== undefined && (/^(\xFF\xFE|\xFE\xFF)/.test(old.text) || old.text.includes('\0'))) {
    throw failure(subject, 'it is not UTF-8, in which AWS programs read it: save it anew as UTF-8');
  }
  const { text = '', mode = MODE, owner } = old ?? {};
  const changed = change(text);
  const isChanged = changed !== text;
  if (isChanged) await writeFileWhole(target, Buffer.from(changed, 'latin1'), { mode, owner, subject });
  return { mode, isChanged };
}

interface OldFile {
  readonly text: string;
  readonly mode: number;
  readonly owner: { readonly uid: number; readonly gid: number };
}

async function read(path: string): Promise<OldFile | undefined> {
  try {
    const { bytes, stats } = await readBytes(path, { maxBytes: MAX_AWS_FILE_BYTES });
    const { mode, uid, gid } = stats;
    return { text: bytes.toString('latin1'), mode: mode & 0o777, owner: { uid, gid } };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The account too, which SDKs read for endpoints of accounts. botocore takes `aws_security_token`, of old, before the new
 * name: it would shadow the token.
 */
function editFor(credentials: AwsCredentialIdentity): ProfileEdit {
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
  return { values, remove: ['aws_security_token'] };
}

function toLatin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

async function onDisk<T>(subject: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw failure(subject, reasonOf(cause), cause);
  }
}

function failure(subject: string, reason: string, cause?: unknown): OutputError {
  return new OutputError('ERR_FILE_WRITE', `${subject} cannot be written: ${reason}`, { cause });
}
