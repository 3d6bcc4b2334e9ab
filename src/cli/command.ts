/** What a file in `commands/` exports, and how the table of commands refers to it. */
import type { Arguments, Operands } from './arguments.js';
import type { FlagGroups, VariablePrefix } from './options/flags.js';
import type { Io } from './terminal/io.js';

export interface Command {
  readonly flags: FlagGroups;
  /** Arguments behind the command's name for the example of `--help`; each line break is continued with a backslash. */
  readonly example: string;
  /** Default: the command takes none. */
  readonly operands?: Operands;
  /** Prefix of the variables that give the flags. Default `ROLESANYWHERE`. */
  readonly variables?: VariablePrefix;
  /** @returns an exit status of its own; nothing for 0 */
  run(args: Arguments, io: Io, now?: () => Date): Promise<number> | Promise<void>;
}

export interface CommandEntry {
  /** One word, or two: `cache list`. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Loaded when the command runs, because loading all of them would slow down every run. */
  readonly load: () => Promise<Command>;
}
