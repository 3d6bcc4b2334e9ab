/** The name under which the program was started, and the version that it reports under that name. */
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { isSameFile } from '../files/real-path.js';
import type { Environment } from '../options/choose-values.js';
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

/** The folder inside a program that bun has compiled, on Linux and macOS, and on Windows. */
const INSIDE_ONE_FILE = /^(\/\$bunfs|[A-Z]:[\\/]~BUN)[\\/]/;

interface Started {
  readonly argv: readonly string[];
  readonly argv0: string;
  readonly execPath: string;
  readonly env: Environment;
}

/**
 * The words that start this program: Node and the script. The one-file program starts by its own path; under
 * the name of the helper, by the link of that name.
 */
export function programWords({ argv, argv0, execPath, env }: Started): string[] {
  if (!INSIDE_ONE_FILE.test(argv[1] ?? '')) return argv.slice(0, 2);
  const name = basename(argv0);
  if (name !== 'aws_signing_helper') return [execPath];
  const paths =
    argv0 === name ? (env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name)) : [argv0];
  const link = paths.find((path) => isSameFile(path, execPath));
  return [link === undefined ? join(dirname(execPath), name) : resolve(link)];
}

export function versionOf(name: ProgramName): string {
  return name === 'aws_signing_helper' ? HELPER_VERSION : VERSION;
}
