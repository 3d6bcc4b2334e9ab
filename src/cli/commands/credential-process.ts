/**
 * Flags in, the JSON of `credential_process` on stdout out.
 *
 * Source: "Sourcing credentials with an external process" (AWS SDKs and Tools reference).
 */

import { formatProcessCredentials } from '../../credentials/process-json.js';
import { openSessionSource } from '../../credentials/session-source.js';
import type { RawValues } from '../../options/values.js';
import { CACHE_OPTIONS } from '../options/command-options.js';
import { readSession } from '../options/session-inputs.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';

export async function run(values: RawValues, io: Io, now = () => new Date()): Promise<void> {
  const { settings, context, options } = await readSession(values, CACHE_OPTIONS, io);
  const session = await openSessionSource(settings, { ...context, cache: options.cache, now }).create();
  // Without a line end, as the Go helper prints it; on a terminal the prompt wants one.
  await print(io.stdout, formatProcessCredentials(session) + (io.stdout.isTTY === true ? '\n' : ''));
}
