/**
 * Loads the token of the container endpoint from its file, so that clients keep working after a restart;
 * without a file, makes a token and writes it there.
 *
 * Source: `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` (AWS SDKs and Tools reference): clients read the file
 * again for each request, and botocore refuses a line end in it.
 */
import { sep } from 'node:path';
import { OptionError } from '../../errors.js';
import { createSecretFile, readSecretFile } from '../../files/secret-file.js';
import { writeFileWhole } from '../../files/write-file.js';
import { randomToken } from './tokens.js';

/**
 * A token that `Authorization` can carry and nobody can guess: 32 characters are 128 bits even in
 * hexadecimal.
 */
const TOKEN = /^[\x21-\x7e]{32,4096}$/;

/**
 * @param onPublic called with the mode of a file that every user can read; never on Windows, which has no
 * modes
 * @param subject how messages name the file
 * @throws OptionError `ERR_OPTION_INVALID`: the content of the file is not a token
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 * @throws OutputError `ERR_FILE_WRITE`
 */
export async function loadOrCreateToken(
  path: string,
  onPublic?: (mode: number) => void,
  subject = `token file ${path}`,
): Promise<string> {
  const found = await readSecretFile(path, subject);
  if (found !== undefined && found.text !== '') {
    if (sep === '/' && (found.mode & 0o004) !== 0) onPublic?.(found.mode);
    return parseToken(found.text, subject);
  }
  const token = randomToken();
  if (found !== undefined) {
    // Empty, as `touch` makes it.
    await writeFileWhole(path, token, { mode: 0o600, subject });
  } else if (!(await createSecretFile(path, token, subject))) {
    // Another process has created it first: its token counts.
    return loadOrCreateToken(path, onPublic, subject);
  }
  return token;
}

/**
 * Writes the header that `curl -H @FILE` sends, for this user alone.
 *
 * @throws OutputError `ERR_FILE_WRITE`
 */
export async function writeTokenHeader(path: string, token: string): Promise<void> {
  await writeFileWhole(path, `Authorization: ${token}\n`, {
    mode: 0o600,
    subject: `token header file ${path}`,
  });
}

/** @throws OptionError `ERR_OPTION_INVALID`, without the text */
function parseToken(text: string, subject: string): string {
  if (TOKEN.test(text)) return text;
  throw new OptionError(
    'ERR_OPTION_INVALID',
    `${subject} must hold a token of 32 to 4096 visible ASCII characters without a line end, ` +
      `found ${text.length} characters that are not one`,
  );
}
