/**
 * Flags in, the JSON of `credential_process` on stdout out.
 *
 * Source: "Sourcing credentials with an external process" (AWS SDKs and Tools reference).
 */

import { COMMAND_LINE_OPTIONS } from '../options/command-options.js';
import { SESSION_OPTIONS } from '../options/session-options.js';
import type { RawValues } from '../options/values.js';
import { readValue } from '../options/values.js';
import { formatProcessCredentials } from '../outputs/process-json.js';
import type { Logger } from '../session/create-session.js';
import { createSessionFrom } from '../session/create-session.js';
import { parseSettings } from '../settings/settings.js';
import type { Io } from '../terminal/io.js';
import { print, say } from '../terminal/io.js';
import { formatDebug, formatWarning } from '../terminal/report.js';

export async function run({ debug, ...values }: RawValues, io: Io): Promise<void> {
  const isDebug = readValue(debug, COMMAND_LINE_OPTIONS.debug, '--debug') === true;
  const logger: Logger = {
    warn: (message) => say(io.stderr, formatWarning(message)),
    ...(isDebug && { debug: (message: string) => say(io.stderr, formatDebug(message)) }),
  };
  const settings = parseSettings(values, { env: io.env, naming: 'flag' });
  if (values['passphrase'] !== undefined) {
    const { flag, env: variables } = SESSION_OPTIONS.passphrase;
    logger.warn?.(`--${flag} shows the passphrase to every user of this machine; ${variables[0]} does not`);
  }
  const session = await createSessionFrom(settings, {
    logger,
    get stdin() {
      return io.stdin;
    },
  });
  // Without a line end, as the Go helper prints it; on a terminal the prompt wants one.
  await print(io.stdout, formatProcessCredentials(session) + (io.stdout.isTTY === true ? '\n' : ''));
}
