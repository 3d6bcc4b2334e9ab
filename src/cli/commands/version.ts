/**
 * `rolesanywhere version` prints the version; as `aws_signing_helper`, that of the helper it stands in for.
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
