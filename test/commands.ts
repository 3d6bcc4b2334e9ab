/** Every command of the program with its flags, loaded. */
import type { Command, CommandEntry } from '../src/cli/command.js';
import { COMMANDS } from '../src/cli/commands/table.js';
import type { Flags } from '../src/cli/options/flags.js';
import { flatten } from '../src/cli/options/flags.js';

export interface LoadedCommand {
  readonly entry: CommandEntry;
  readonly name: string;
  readonly command: Command;
  readonly flags: Flags;
}

export const LOADED_COMMANDS: readonly LoadedCommand[] = await Promise.all(
  COMMANDS.map(async (entry) => {
    const command = await entry.load();
    return { entry, name: entry.name, command, flags: flatten(command.flags) };
  }),
);
