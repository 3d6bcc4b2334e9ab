/**
 * `rolesanywhere credential-process` prints credentials as JSON, for `credential_process` in `~/.aws/config`.
 *
 * Source: "Sourcing credentials with an external process" (AWS SDKs and Tools reference).
 */
import { formatProcessCredentials } from '../../credentials/process-json.js';
import { openSessionSource } from '../../credentials/session-source.js';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import { readSession } from '../options/read-session.js';
import { sessionGroups } from '../options/session-flags.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';

export const command: Command = {
  flags: sessionGroups(),
  example: `--certificate host.pem
  --private-key host.key
  --trust-anchor-arn "$ANCHOR" --profile-arn "$PROFILE" --role-arn "$ROLE"`,
  run,
};

async function run(args: Arguments, io: Io, now = () => new Date()): Promise<void> {
  const { settings, context } = await readSession(args, {}, io, { isQuiet: true });
  const session = await openSessionSource(settings, { ...context, now }).create();
  // Without a line end, as the Go helper prints it; on a terminal the prompt needs one.
  await print(io.stdout, formatProcessCredentials(session) + (io.stdout.isTTY === true ? '\n' : ''));
}
