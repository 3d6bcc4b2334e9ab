/**
 * `rolesanywhere exec -- COMMAND` runs a program with credentials in its environment, or, with `--server`,
 * with a container endpoint of its own whose credentials are refreshed for as long as the program runs.
 *
 * Source: env(1) for the exit statuses 126 and 127; "Container credential provider" (AWS SDKs and Tools
 * reference).
 */
import { assertRereadable, openSessionSource } from '../../credentials/session-source.js';
import { quote } from '../../errors.js';
import type { Arguments } from '../arguments.js';
import type { Command, Ending } from '../command.js';
import { runChild } from '../exec/child.js';
import { endpointVariables, environmentWith, sessionVariables } from '../exec/variables.js';
import type { Flags } from '../options/flags.js';
import type { SessionInputs } from '../options/read-session.js';
import { flagOf, readSession } from '../options/read-session.js';
import { sessionGroups } from '../options/session-flags.js';
import { programNameOf } from '../program-name.js';
import type { Io } from '../terminal/io.js';
import { say } from '../terminal/io.js';
import { formatNotice } from '../terminal/report.js';

const FLAGS = {
  server: {
    flag: 'server',
    kind: { type: 'boolean' },
    default: false,
    help: 'give the command an endpoint that refreshes the credentials while it runs, instead of credentials',
  },
} as const satisfies Flags;

export const command: Command = {
  flags: sessionGroups(FLAGS),
  operands: {
    usage: '-- COMMAND [ARGUMENT…]',
    ...{ min: 1, max: Number.POSITIVE_INFINITY, areBehindDashes: true },
  },
  example: '--config host.json -- aws s3 ls',
  run,
};

/** The variables of the child, and the cleanup when it ends. */
interface Handover {
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

async function run(args: Arguments, io: Io, now = () => new Date()): Promise<Ending> {
  // Standard error belongs to the child.
  const inputs = await readSession(args, FLAGS, io, { isQuiet: true });
  const { env, close } = await (inputs.options.server ? serverFor : variablesFor)(inputs, io, now);
  try {
    const child = await runChild(args.operands, env, io);
    if ('ending' in child) return child.ending;
    const message = `${quote(args.operands[0] ?? '')} cannot be run: ${child.problem}`;
    say(io.stderr, formatNotice(programNameOf(io), message));
    return child.status;
  } finally {
    await close();
  }
}

type Inputs = SessionInputs<typeof FLAGS>;

async function variablesFor({ settings, context }: Inputs, io: Io, now: () => Date): Promise<Handover> {
  const session = await openSessionSource(settings, { ...context, now }).create();
  const env = environmentWith(sessionVariables(session, settings.region), session.accountId, io.env);
  return { env, close: async () => {} };
}

async function serverFor({ settings, context }: Inputs, io: Io, now: () => Date): Promise<Handover> {
  assertRereadable(settings, flagOf, 'without --server it may be standard input');
  const [{ openPrivateEndpoint }, { findProfileCredentials }, { openLog, withoutRepeats }] =
    await Promise.all([
      import('../exec/private-endpoint.js'),
      import('../options/profile-credentials.js'),
      import('../terminal/log.js'),
    ]);
  const rival = await findProfileCredentials(io.env, 'default');
  if (rival !== undefined) {
    context.logger.alert(`programs use the profile "default" before the endpoint of --server: ${rival}`);
  }
  const { attempts } = context;
  const source = openSessionSource(settings, { ...context, rotates: true, now });
  const log = withoutRepeats(openLog(io.stderr, 'text', now), now);
  const endpoint = await openPrivateEndpoint(settings, source, { log, attempts, now });
  const variables = endpointVariables(endpoint.url, endpoint.token, settings.region);
  return { env: environmentWith(variables, endpoint.accountId, io.env), close: endpoint.close };
}
