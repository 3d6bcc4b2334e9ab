/** What a command is: the commands themselves stand in the table of `main.ts`. */
import type { OptionRow } from '../settings/options.js';
import type { RawValues } from './arguments.js';
import type { Io } from './io.js';

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, OptionRow>>;
  /** Loaded when it is run: a program that others start on every command must not load what it will not use. */
  readonly load: () => Promise<{ run(values: RawValues, io: Io): Promise<void> }>;
}
