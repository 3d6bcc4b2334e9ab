/** Flags of `update` in, checked; what it is to do is not written yet, and it says so. */
import { OptionError } from '../errors.js';
import { readSession } from '../inputs/session.js';
import { CACHE_OPTIONS, LOG_OPTIONS, UPDATE_OPTIONS } from '../options/command-options.js';
import type { RawValues } from '../options/values.js';
import type { Io } from '../terminal/io.js';

export async function run(values: RawValues, io: Io): Promise<void> {
  await readSession(values, { ...UPDATE_OPTIONS, ...LOG_OPTIONS, ...CACHE_OPTIONS }, io);
  throw new OptionError('ERR_OPTION_INVALID', 'the command update is not in this version yet');
}
