/**
 * Flags in, the JSON of `credential_process` on stdout out.
 *
 * Source: "Sourcing credentials with an external process" (AWS SDKs and Tools reference).
 */

import { formatProcessCredentials } from '../../credentials/process-json.js';
import type { RawValues } from '../../options/values.js';
import { CACHE_OPTIONS } from '../options/command-options.js';
import { openSource } from '../options/open-source.js';
import { readSession } from '../options/session-inputs.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';

export async function run(values: RawValues, io: Io, now = () => new Date()): Promise<void> {
  const inputs = await readSession(values, CACHE_OPTIONS, io);
  const source = openSource(inputs.settings, inputs, io, now);
  const session = await source.create();
  // Without a line end, as the Go helper prints it; on a terminal the prompt wants one.
  await print(io.stdout, formatProcessCredentials(session) + (io.stdout.isTTY === true ? '\n' : ''));
}
