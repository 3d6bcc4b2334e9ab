/**
 * The command `update`: keeps a profile of the shared credentials file up to date until it is interrupted.
 * Failed refreshes and writes are retried; SIGHUP refreshes at once.
 */
import { once } from 'node:events';
import { keepFresh } from '../../credentials/keep-fresh.js';
import type { SessionSource } from '../../credentials/session-source.js';
import { assertRereadable, openSessionSource } from '../../credentials/session-source.js';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import { sharedCredentialsPath } from '../options/aws-paths.js';
import type { Flags } from '../options/flags.js';
import { LOG_FLAGS } from '../options/flags.js';
import { flagOf, readSession } from '../options/read-session.js';
import { sessionGroups } from '../options/session-flags.js';
import type { Io } from '../terminal/io.js';
import type { Log, LogFormat } from '../terminal/log.js';
import { errorFields, openLog, refreshEvents, withoutRepeats } from '../terminal/log.js';
import { openServiceManager } from '../terminal/service-manager.js';
import type { ProfilePlace } from './profile-writer.js';
import { createProfileWriter, writeSession } from './profile-writer.js';

const FLAGS = {
  profile: {
    flag: 'profile',
    kind: {
      type: 'pattern',
      // A line end or a bracket would end the name and let the rest inject lines. Python copies the keys of
      // [DEFAULT] into every profile; the SDK for JavaScript refuses a file with a profile __proto__.
      pattern: /^(?!\s|DEFAULT$|(profile )?__proto__$)[^[\]\p{Cc}]{1,128}(?<!\s)$/u,
      rule: 'the name of a profile other than DEFAULT, without brackets, line ends or surrounding spaces',
    },
    placeholder: 'NAME',
    default: 'default',
    help: 'profile of the shared credentials file to write',
  },
  once: {
    flag: 'once',
    kind: { type: 'boolean' },
    default: false,
    help: 'write the profile once and exit',
  },
} as const satisfies Flags;

export const command: Command = {
  flags: sessionGroups(FLAGS, LOG_FLAGS),
  example: '--config host.json --profile onprem --once',
  run,
};

const OWN = { ...FLAGS, ...LOG_FLAGS };

async function run(args: Arguments, io: Io, now = () => new Date()): Promise<void> {
  const inputs = await readSession(args, OWN, io, { now });
  const { settings, options } = inputs;
  const context = { ...inputs.context, now };
  const log = withoutRepeats(openLog(io.stderr, options.logFormat as LogFormat, now), now);
  const place = { path: sharedCredentialsPath(io.env), profile: options.profile };
  if (options.once) {
    const source = openSessionSource(settings, context);
    await writeSession(place, await source.create(), quietLog(log, context.logger.debug !== undefined));
    return;
  }
  assertRereadable(settings, flagOf, 'with --once it may be standard input');
  const logger = { ...context.logger, warn: (message: string) => log.warn('warning', { message }) };
  await keepWriting(openSessionSource(settings, { ...context, logger, rotates: true }), place, { log, io });
}

/** Cron mails every line: `--once` logs failures, and warnings with --debug. */
function quietLog(log: Log, isDebug: boolean): Log {
  return { ...log, info: () => {}, warn: isDebug ? log.warn : () => {} };
}

async function keepWriting(
  source: SessionSource,
  place: ProfilePlace,
  { log, io }: { readonly log: Log; readonly io: Io },
): Promise<void> {
  const interrupted = io.interrupted();
  const manager = openServiceManager(io.env, (reason) => log.warn('notify-failed', { reason }));
  const writer = createProfileWriter(place, log, ({ expiration }) => {
    manager.ready();
    manager.status(`profile ${place.profile} has credentials until ${expiration.toISOString()}`);
  });
  const events = refreshEvents(log, { profile: place.profile });
  const kept = keepFresh(source, {
    onRefreshed: (session) => {
      events.onRefreshed(session);
      writer.put(session);
    },
    onFailed: (report) => {
      events.onFailed(report);
      manager.status(`refresh failed: ${errorFields(report.error).code}`);
    },
  });
  // Before the first session: the default action of SIGHUP ends the process.
  io.onHangup(() => kept.then(({ refresher }) => refresher.refreshNow()).catch(() => undefined));
  const { refresher, initial } = await kept;
  if (initial !== undefined) writer.put(initial);
  refresher.start(true);
  if (!interrupted.aborted) await once(interrupted, 'abort');
  refresher.stop();
  await Promise.all([writer.end(), manager.stopping()]);
  log.info('stopped');
}
