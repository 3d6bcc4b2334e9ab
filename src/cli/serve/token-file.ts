/**
 * The path of a token file in, the container endpoint's token out: the one that the file holds, so that clients outlive
 * a restart, else a new one, which is written there for them.
 *
 * Source: `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` (AWS SDKs and Tools reference): clients read it again for each
 * request, and botocore refuses a line end in it.
 */
import { stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { codeOf, IdentityError, OptionError } from '../../errors.js';
import { readBytes } from '../../files/read-bytes.js';
import { reasonOf } from '../../files/read-file.js';
import { writeFileWhole } from '../../files/write-file.js';
import { randomToken } from './tokens.js';

/** Above the longest token. */
const MAX_BYTES = 64 * 1024;

/** What `Authorization` can carry, and nobody can guess: 32 letters are 128 bits even in hexadecimal. */
const TOKEN = /^[\x21-\x7e]{32,4096}$/;

/**
 * @param onPublic told the mode of a file that every user may read; nothing on Windows, whose modes say nothing
 * @throws OptionError `ERR_OPTION_INVALID`: what the file holds is no token
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 * @throws OutputError `ERR_FILE_WRITE`
 */
export async function loadOrCreateToken(path: string, onPublic?: (mode: number) => void): Promise<string> {
  const found = await readToken(path);
  if (found !== undefined && found !== '') {
    const { mode } = await stat(path);
    if (sep === '/' && (mode & 0o004) !== 0) onPublic?.(mode & 0o7777);
    return requireToken(found, `token file ${path}`);
  }
  const token = randomToken();
  await writeFileWhole(path, token, { mode: 0o600, subject: `token file ${path}` });
  return token;
}

async function readToken(path: string): Promise<string | undefined> {
  try {
    return (await readBytes(path, { maxBytes: MAX_BYTES })).bytes.toString('latin1');
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'ENOENT') return undefined;
    const message = `token file ${path} cannot be read: ${reasonOf(cause)}`;
    throw new IdentityError('ERR_FILE_UNREADABLE', message, { cause });
  }
}

/** @throws OptionError `ERR_OPTION_INVALID`, without the text */
function requireToken(text: string, subject: string): string {
  if (TOKEN.test(text)) return text;
  throw new OptionError(
    'ERR_OPTION_INVALID',
    `${subject} must hold a token of 32 to 4096 visible ASCII characters and no line end, found ${text.length} characters that are not one`,
  );
}
