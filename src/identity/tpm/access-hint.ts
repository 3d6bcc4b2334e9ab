/** Says how a user gets access to the device of a TPM. */
import { readTextFileIfThere } from '../../files/read-file.js';

const READ_AND_WRITE = 0o060;

/** @param status of the device or socket; undefined if its folder cannot be entered */
export async function accessHint(
  status: { readonly mode: number; readonly gid: number } | undefined,
): Promise<string> {
  if (status === undefined) return 'run as a user that may enter its folder';
  const { mode, gid } = status;
  if (gid === 0 || (mode & READ_AND_WRITE) !== READ_AND_WRITE) {
    return (
      'only its owner may use it: install the udev rules of the TPM (package tpm-udev), which give it to ' +
      'the group tss'
    );
  }
  const group = (await groupName(gid)) ?? String(gid);
  return `add this user to the group ${group} (sudo usermod -aG ${group} USER), and log in again`;
}

async function groupName(gid: number): Promise<string | undefined> {
  const groups = await readTextFileIfThere('/etc/group', '/etc/group').catch(() => undefined);
  const line = groups?.split('\n').find((each) => each.split(':')[2] === String(gid));
  return line?.split(':', 1)[0];
}
