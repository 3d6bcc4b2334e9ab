/** Sets `credential_process` of one profile in the text of an AWS config. */
import { FileFault } from '../../files/file-fault.js';
import { parseAwsConfig, parseSections, sectionsOf } from '../options/aws-config.js';
import { toLatin1 } from '../update/edit-aws-file.js';
import type { EditedText } from '../update/profile-text.js';
import { editProfile } from '../update/profile-text.js';

export const PROCESS_KEY = 'credential_process';

/** @throws OptionError `ERR_OPTION_INVALID`: the file is broken, with the line */
export function currentProcess(text: string, profile: string, subject: string): string | undefined {
  return parseAwsConfig(text, subject).get(profile)?.get(PROCESS_KEY);
}

/** The header of a profile as the file has it, or else as the AWS CLI writes it. */
export function sectionTitle(text: string, profile: string, subject: string): string {
  const titles = [...parseSections(text, subject).keys()];
  const isIt = (title: string): boolean => sectionsOf(new Map([[title, new Map()]]), 'profile').has(profile);
  return titles.findLast(isIt) ?? (profile === 'default' ? profile : `profile ${profile}`);
}

interface ProcessEdit {
  readonly profile: string;
  readonly line: string;
  /** The value that may be replaced. */
  readonly expected: string | undefined;
  readonly subject: string;
}

/**
 * @param latin1 the text, its bytes read as Latin-1
 * @throws FileFault if the value is not the expected one, or the result would not be read back correctly
 */
export function editProcess(latin1: string, { profile, line, expected, subject }: ProcessEdit): EditedText {
  const text = Buffer.from(latin1, 'latin1').toString();
  if (currentProcess(text, profile, subject) !== expected) {
    throw new FileFault('ERR_CHANGED', 'it was changed meanwhile', 'run the command again');
  }
  const title = toLatin1(sectionTitle(text, profile, subject));
  // A companion is written below the header, not after the blank lines at the end of the section.
  const edit = { values: { [PROCESS_KEY]: toLatin1(line) }, companion: PROCESS_KEY, remove: [] };
  const edited = editProfile(latin1, title, edit);
  const read = currentProcess(Buffer.from(edited.text, 'latin1').toString(), profile, subject);
  if (read !== line) {
    throw new FileFault(
      'ERR_CHANGED',
      `profile ${profile} could not be read back`,
      'use --print, and paste it',
    );
  }
  return edited;
}
