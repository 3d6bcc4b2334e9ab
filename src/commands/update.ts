/**
 * Flags in, a profile of the shared credentials file kept up to date out, until it is interrupted: for programs that read
 * nothing else. Whatever fails is tried again. SIGHUP refreshes now.
 */
import { once } from 'node:events';
import type { SessionSource } from '../cache/session-source.js';
import { sessionSource } from '../cache/session-source.js';
import type { Refresher } from '../credentials/refresh.js';
import { createRefresher } from '../credentials/refresh.js';
import { OptionError } from '../errors.js';
import { readSession } from '../inputs/session.js';
import { CACHE_OPTIONS, LOG_OPTIONS, UPDATE_OPTIONS } from '../options/command-options.js';
import { SESSION_OPTIONS } from '../options/session-options.js';
import type { RawValues } from '../options/values.js';
import { sharedCredentialsPath } from '../outputs/shared-credentials.js';
import type { Session } from '../session/response.js';
import type { Settings } from '../settings/settings.js';
import type { Io } from '../terminal/io.js';
import type { Log, LogFormat } from '../terminal/log.js';
import { errorFields, openLog, refreshEvents } from '../terminal/log.js';
import { openServiceManager } from '../terminal/service-manager.js';
import type { ProfilePlace } from './profile-writer.js';
import { createProfileWriter, writeSession } from './profile-writer.js';

const OWN = { ...UPDATE_OPTIONS, ...LOG_OPTIONS, ...CACHE_OPTIONS };

export async function run(values: RawValues, io: Io, now = () => new Date()): Promise<void> {
  const { settings, context, options } = await readSession(values, OWN, io);
  const { logger, askPassphrase } = context;
  const source = sessionSource(settings, {
    ...{ env: io.env, now, logger, askPassphrase, isCached: options.cache },
    get stdin() {
      return io.stdin;
    },
  });
  const log = openLog(io.stderr, options.logFormat as LogFormat, now);
  const place = { path: sharedCredentialsPath(io.env), profile: options.profile };
  if (options.once) {
    await writeSession(place, await source.create(), log);
    return;
  }
  refuseStandardInput(settings);
  await keepWriting(source, place, { log, io });
}

/** It would work once, and fail an hour later, at the first refresh. */
function refuseStandardInput({ source }: Settings): void {
  const name = (['certificate', 'privateKey', 'intermediates'] as const).find((key) => source[key] === '-');
  if (name === undefined) return;
  throw new OptionError(
    'ERR_OPTION_INVALID',
    `--${SESSION_OPTIONS[name].flag} must be a file: update reads it again, and standard input only once`,
    { hint: 'with --once it may be standard input' },
  );
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
  // Where it cannot be read, the first refresh will say so.
  const initial = await source.initial().catch(() => undefined);
  const refresher: Refresher<Session> = createRefresher({
    initial,
    create: (signal) => source.create(signal, refresher.state().expiration),
    onRefreshed: (session) => {
      events.onRefreshed(session);
      writer.put(session);
    },
    onFailed: (report) => {
      events.onFailed(report);
      manager.status(`refresh failed: ${errorFields(report.error).code}`);
    },
  });
  io.onHangup(() => refresher.refreshNow().catch(() => undefined));
  if (initial !== undefined) writer.put(initial.value);
  refresher.start(true);
  if (!interrupted.aborted) await once(interrupted, 'abort');
  refresher.stop();
  await Promise.all([writer.end(), manager.stopping()]);
  log.info('stopped');
}
