/** `doctor --profile NAME` alone checks the flags of that profile's `credential_process` line. */
import { isRolesAnywhereError } from '../../errors.js';
import { readAwsFile } from '../../files/read-file.js';
import type { Arguments } from '../arguments.js';
import { awsConfigPath } from '../options/aws-paths.js';
import type { Flags } from '../options/flags.js';
import { readFlags } from '../options/read-flags.js';
import type { Io } from '../terminal/io.js';
import { flagsOfProfile } from './process-line.js';

/** Options that name an identity: with one of them, the report is about that. */
const SOURCES = {
  certificate: { flag: 'certificate', kind: { type: 'text' }, help: '' },
  config: { flag: 'config', kind: { type: 'text' }, help: '' },
  configProfile: { flag: 'config-profile', kind: { type: 'text' }, help: '' },
} as const satisfies Flags;

/**
 * @param profile the profile that the user or the environment names
 * @returns the arguments, after those of the line, if there is one that can be read; else as they are: the
 *   report says what is wrong with the line
 */
export async function withProfileLine(
  args: Arguments,
  profile: string | undefined,
  io: Pick<Io, 'env'>,
): Promise<Arguments> {
  const sources = readFlags({ ...args, given: pick(args.given) }, SOURCES, io.env);
  if (profile === undefined || Object.values(sources).some(({ value }) => value !== undefined)) return args;
  try {
    const path = awsConfigPath(io.env);
    const file = await readAwsFile(path, `AWS config file ${path}`);
    const flags = flagsOfProfile(file?.text ?? '', path, profile);
    return { ...args, given: { ...flags, ...args.given } };
  } catch (error) {
    if (isRolesAnywhereError(error)) return args;
    throw error;
  }
}

function pick(given: Arguments['given']): Arguments['given'] {
  return Object.fromEntries(Object.entries(given).filter(([name]) => name in SOURCES));
}
