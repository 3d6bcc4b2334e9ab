/** Prints the version. */
import { VERSION } from '../settings/version.js';
import type { RawValues } from './arguments.js';
import type { Io } from './io.js';
import { print } from './io.js';

export function run(_values: RawValues, { stdout }: Io): Promise<void> {
  return print(stdout, `${VERSION}\n`);
}
