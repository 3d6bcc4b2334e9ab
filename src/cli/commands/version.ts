/**
 * `rolesanywhere version` prints the version; as `aws_signing_helper`, the version of the helper that it
 * replaces.
 */
import type { Command } from '../command.js';
import { HELP_FLAGS } from '../options/flags.js';
import { programNameOf, versionOf } from '../program-name.js';
import { print } from '../terminal/io.js';

export const command: Command = {
  flags: { Output: HELP_FLAGS },
  example: '',
  run: (_args, io) => print(io.stdout, `${versionOf(programNameOf(io))}\n`),
};
