/** The name under which the program was started, and the version that it reports under that name. */
import { basename } from 'node:path';
import { VERSION } from '../session/version.js';
import type { Io } from './terminal/io.js';

export type ProgramName = 'rolesanywhere' | 'aws_signing_helper';

/** The release of AWS's Go helper whose command line is implemented. Scripts ask `version` for a minimum. */
const HELPER_VERSION = '1.8.0';

/**
 * `aws_signing_helper` through the link of that name. Windows starts the script by its own path:
 * `rolesanywhere`.
 */
export function programNameOf({ program }: Pick<Io, 'program'>): ProgramName {
  const name = basename(program.at(-1) ?? '');
  return name === 'aws_signing_helper' ? name : 'rolesanywhere';
}

export function versionOf(name: ProgramName): string {
  return name === 'aws_signing_helper' ? HELPER_VERSION : VERSION;
}
