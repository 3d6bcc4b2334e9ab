/** What a command is: the commands themselves stand in `table.ts`. */
import type { OptionRow } from '../options/option-row.js';
import type { RawValues } from '../options/values.js';
import type { Io } from '../terminal/io.js';

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, OptionRow>>;
  /** Loaded when it is run: a program that others start on every command must not load what it will not use. */
  readonly load: () => Promise<{ run(values: RawValues, io: Io): Promise<void> }>;
}
