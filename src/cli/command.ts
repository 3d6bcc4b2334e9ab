/** The types of commands: the export of a file in `commands/`, and its entry in the table of commands. */
import type { Arguments, Operands } from './arguments.js';
import type { FlagGroups, VariablePrefix } from './options/flags.js';
import type { Io } from './terminal/io.js';

/** The exit status of the program, or the signal to end with. */
export type Ending = number | NodeJS.Signals;

export interface Command {
  readonly flags: FlagGroups;
  /**
   * Arguments after the command's name in the example of `--help`; each line break is continued with a
   * backslash.
   */
  readonly example: string;
  /** Default: the command takes none. */
  readonly operands?: Operands;
  /** Prefix of the variables that give the flags. Default `ROLESANYWHERE`. */
  readonly variables?: VariablePrefix;
  /** @returns how the program ends. Default: with status 0 */
  run(args: Arguments, io: Io, now?: () => Date): Promise<void> | Promise<Ending>;
}

export interface CommandEntry {
  /** One word, or two: `cache list`. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Loaded when the command runs, because loading all of them would slow down every run. */
  readonly load: () => Promise<Command>;
}
