/**
 * Writes credentials into a profile of the shared credentials file. Other content stays.
 *
 * Source: "Shared config and credentials files" and "Location of the shared files" (AWS SDKs and Tools
 * reference).
 */
import type { RolesAnywhereCredentials } from '../../credentials/from-roles-anywhere.js';
import { OutputError } from '../../errors.js';
import type { WrittenFile } from './edit-aws-file.js';
import { editAwsFile, toLatin1 } from './edit-aws-file.js';
import type { ProfileEdit } from './profile-text.js';
import { editProfile, isWritable } from './profile-text.js';

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
  return editAwsFile(path, {
    subject: `credentials file ${path}`,
    change: (text) => editProfile(text, toLatin1(profile), edit),
  });
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
    const reason = `${key} has characters that a credentials file cannot hold`;
    throw new OutputError('ERR_FILE_WRITE', `the credentials cannot be written: ${reason}`);
  }
  return { values, companion: 'aws_account_id', remove: ['aws_security_token'] };
}
