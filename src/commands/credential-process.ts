/**
 * Flags in, the JSON of `credential_process` on stdout out.
 *
 * Source: "Sourcing credentials with an external process" (AWS SDKs and Tools reference).
 */
import { OptionError } from '../errors.js';
import { readSession } from '../inputs/session.js';
import { CACHE_OPTIONS } from '../options/command-options.js';
import type { RawValues } from '../options/values.js';
import { formatProcessCredentials } from '../outputs/process-json.js';
import { createSessionFrom } from '../session/create-session.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';

export async function run(values: RawValues, io: Io): Promise<void> {
  const { settings, context, options } = await readSession(values, CACHE_OPTIONS, io);
  if (options.cache) throw new OptionError('ERR_OPTION_INVALID', '--cache is not in this version yet');
  const session = await createSessionFrom(settings, context);
  // Without a line end, as the Go helper prints it; on a terminal the prompt wants one.
  await print(io.stdout, formatProcessCredentials(session) + (io.stdout.isTTY === true ? '\n' : ''));
}
