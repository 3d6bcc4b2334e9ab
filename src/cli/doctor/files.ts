/** The lines about the files of an identity: whether they can be read, and who else can read the key. */
import { IdentityError } from '../../errors.js';
import type { FileStatus } from '../../files/file-status.js';
import type { IdentitySource, InputName } from '../../identity/identity-source.js';
import { INPUT_NAMES, isReference } from '../../identity/identity-source.js';
import { describePath } from '../../identity/inputs.js';
import { isPath } from '../../identity/text-forms.js';
import type { Line } from './line.js';
import { failed, ok, warned } from './line.js';

/** The result of `fileStatus` for a path. */
export type Status = FileStatus | { readonly problem: string };

const LABELS: Readonly<Record<InputName, string>> = {
  certificate: 'certificate file',
  privateKey: 'private key file',
  intermediates: 'intermediates file',
};

/** The inputs that are paths, to be checked. */
export function pathsOf(source: IdentitySource): Array<readonly [InputName, string]> {
  return INPUT_NAMES.flatMap((name) => {
    const input = source[name];
    return isPath(input) ? [[name, input] as const] : [];
  });
}

export function fileLines(source: IdentitySource, statusOf: (path: string) => Status): Line[] {
  const files = pathsOf(source).map(([name, path]) => {
    const isKey = name === keyInput(source);
    return fileLine(LABELS[name], path, statusOf(path), isKey);
  });
  return [...files, ...elsewhere(source)];
}

/** The input that holds the private key; undefined if it is on a token, in a TPM or behind a program. */
function keyInput({ privateKey, certificate, signCommand }: IdentitySource): InputName | undefined {
  if (signCommand !== undefined || isReference(privateKey) || isReference(certificate)) return undefined;
  return privateKey === undefined ? 'certificate' : 'privateKey';
}

function fileLine(what: string, path: string, status: Status, isKey: boolean): Line {
  if ('problem' in status) {
    // Text that is not a path may be a key.
    const message = `${describePath(path, what)} cannot be read: ${status.problem}`;
    return failed(what, new IdentityError('ERR_FILE_UNREADABLE', message), [
      'give the full path of a file that the user who runs the program can read',
    ]);
  }
  if (status.kind === 'folder') {
    return failed(what, new IdentityError('ERR_FILE_UNREADABLE', `${path} is a directory`), [
      'give the path of the file in it',
    ]);
  }
  const mode = status.mode === undefined ? '' : `, mode ${status.mode}`;
  const found = `${path}${mode}`;
  if (isKey && status.kind === 'file' && status.isPublic) {
    return warned(what, `${found}: every user of this machine can read the private key`, `chmod 600 ${path}`);
  }
  if (status.kind === 'file' && status.isWritable) {
    return warned(what, `${found}: every user of this machine can change it`, `chmod o-w ${path}`);
  }
  const isShared = isKey && status.kind === 'file' && status.isGroupReadable;
  return ok(what, isShared ? `${found}: its group can read it too` : found);
}

/** Keys that are in no file. */
function elsewhere({ certificate, privateKey, signCommand }: IdentitySource): Line[] {
  if (signCommand !== undefined) return [ok('private key', 'behind a signing program (--sign-command)')];
  const lines: Line[] = [];
  const reference = isReference(privateKey) ? privateKey : isReference(certificate) ? certificate : undefined;
  if (reference !== undefined) {
    // The query of a PKCS#11 URI may hold the PIN.
    const [shown = ''] = reference.split('?');
    const where = /^handle:/i.test(reference) ? 'in a TPM' : 'on a PKCS#11 token';
    lines.push(ok('private key', `${where}: ${shown}`));
  }
  if (certificate === '-' || privateKey === '-') lines.push(ok('standard input', 'certificate or key'));
  return lines;
}
