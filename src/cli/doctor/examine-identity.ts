/**
 * Examines files, certificate, key and chain: loads them as every command does, and examines each input if
 * that fails.
 */
import type { RolesAnywhereError } from '../../errors.js';
import { asRolesAnywhereError, IdentityError, OptionError } from '../../errors.js';
import { fileStatus } from '../../files/file-status.js';
import type { Certificate } from '../../identity/certificate.js';
import type { SigningIdentity } from '../../identity/identity.js';
import type { AskPassphrase, IdentitySource } from '../../identity/identity-source.js';
import { loadCertificates, loadIdentity } from '../../identity/load.js';
import { isSignatureOf } from '../../identity/remote-signer.js';
import { isPath } from '../../identity/text-forms.js';
import { certificateLines, KEY_BELONGS, placeOf, withoutKey } from './certificate.js';
import type { KnownChain } from './chain.js';
import { anchorLines, drawChain } from './chain.js';
import type { Examination } from './examination.js';
import type { Status } from './files.js';
import { fileLines, pathsOf } from './files.js';
import type { Group, Line } from './line.js';
import { failed, ok, skipped } from './line.js';

export async function examineFiles(examination: Examination): Promise<Group> {
  const { source } = examination;
  const paths = [...new Set(pathsOf(source).map(([, path]) => path))];
  const statuses = new Map<string, Status>();
  for (const path of paths) statuses.set(path, await fileStatus(path));
  const statusOfPath = (path: string): Status => statuses.get(path) ?? { problem: 'unknown' };
  const lines = fileLines(source, statusOfPath);
  examination.hasUnreadableFile = lines.some(({ code }) => code === 'ERR_FILE_UNREADABLE');
  return { title: 'Files', lines };
}

export async function examineCertificate(examination: Examination): Promise<Group> {
  const lines = await certificateAndKeyLines(examination);
  examination.isBlocked =
    examination.hasUnreadableFile === true || lines.some(({ mark }) => mark === 'error');
  return { title: 'Certificate and key', lines };
}

async function certificateAndKeyLines(examination: Examination): Promise<Line[]> {
  const { source, choices, context, now } = examination;
  if (source.certificate === undefined) {
    return [failed('options', new OptionError('ERR_OPTION_MISSING', `missing ${choices.certificate.label}`))];
  }
  const { askPassphrase: askAtTerminal = async () => undefined } = context;
  let interruption: unknown;
  const askPassphrase: AskPassphrase = (subject, attempt) =>
    askAtTerminal(subject, attempt).catch((error: unknown) => {
      interruption = error;
      throw error;
    });
  try {
    const identity = await loadIdentity(source, { ...context, askPassphrase, now });
    examination.identity = identity;
    examination.checked = identity;
    return [...certificateLines(identity, now()), await signatureLine(identity)];
  } catch (error) {
    // Ctrl-C at the question ends the command.
    if (interruption !== undefined) throw error;
    const cause = asRolesAnywhereError(error);
    const place = placeOf(cause);
    const checked = withoutKey(await certificatesOf(source));
    if (checked !== undefined) examination.checked = checked;
    const others = checked === undefined ? [] : certificateLines(checked, now(), [place, KEY_BELONGS]);
    // The line about the file has the error.
    const isKnown = cause.code === 'ERR_FILE_UNREADABLE' && examination.hasUnreadableFile === true;
    return [isKnown ? skipped(place, 'one cannot be read, see above') : failed(place, cause), ...others];
  }
}

/** Those in files, as far as they can be read. */
async function certificatesOf({ certificate, intermediates }: IdentitySource): Promise<Certificate[]> {
  const lists = [certificate, intermediates].filter(isPath).map(async (path) => {
    try {
      return [...(await loadCertificates({ certificate: path }))];
    } catch {
      return [];
    }
  });
  return (await Promise.all(lists)).flat();
}

/** A key on a token, in a TPM or behind a program may be present but unable to sign. */
async function signatureLine(identity: SigningIdentity): Promise<Line> {
  const what = 'test signature';
  const data = Buffer.from('rolesanywhere doctor');
  try {
    const signature = await identity.sign(data);
    if (isSignatureOf(identity.certificate.publicKey, data, signature)) return ok(what, 'verifies');
    throw new IdentityError('ERR_KEY_SIGN', 'the signature does not verify with the key of the certificate');
  } catch (error) {
    return failed(what, asRolesAnywhereError(error));
  }
}

export async function examineChain(examination: Examination): Promise<Group | undefined> {
  const { options, checked, now } = examination;
  const lines: Line[] = [];
  const { anchors, error } = await loadAnchors(options.ca);
  if (error !== undefined) lines.push(failed('trust anchor', error));
  const known: KnownChain | undefined = checked && {
    leaf: checked.certificate,
    chain: checked.chain,
    anchors,
  };
  if (anchors !== undefined) lines.push(...anchorLines(known, anchors, now()));
  if (known === undefined && lines.length === 0) return undefined;
  return { title: 'Chain', lines, ...(known && { drawing: drawChain(known) }) };
}

async function loadAnchors(
  path: string | undefined,
): Promise<{ anchors?: readonly Certificate[]; error?: RolesAnywhereError }> {
  if (path === undefined) return {};
  try {
    return { anchors: await loadCertificates({ certificate: path }) };
  } catch (error) {
    return { error: asRolesAnywhereError(error) };
  }
}
