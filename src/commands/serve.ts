/**
 * Flags in, credentials served on this machine out, until it is interrupted. stdout says how programs find it; the log on
 * stderr has one line an event. SIGHUP refreshes now.
 */
import { once } from 'node:events';
import type { AwsCredentialIdentity } from '../credentials/from-roles-anywhere.js';
import type { Refresher } from '../credentials/refresh.js';
import { createRefresher } from '../credentials/refresh.js';
import { OptionError } from '../errors.js';
import { readSession } from '../inputs/session.js';
import { parseArn } from '../options/arn.js';
import { CACHE_OPTIONS, LOG_OPTIONS, SERVE_OPTIONS } from '../options/command-options.js';
import type { ValuesOf } from '../options/option-row.js';
import type { RawValues } from '../options/values.js';
import type { Listener } from '../server/listen.js';
import { listenOnSocket, listenOnTcp, reachOf } from '../server/listen.js';
import type { Routes } from '../server/routes.js';
import { CONTAINER_PATH, createRoutes } from '../server/routes.js';
import type { ServedRole } from '../server/served-role.js';
import { loadOrCreateToken } from '../server/token-file.js';
import type { SessionContext } from '../session/create-session.js';
import { createSessionFrom } from '../session/create-session.js';
import { isLoopback } from '../settings/endpoint.js';
import type { Settings } from '../settings/settings.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';
import type { Log, LogFormat } from '../terminal/log.js';
import { openLog, refreshEvents } from '../terminal/log.js';

const OWN = { ...SERVE_OPTIONS, ...LOG_OPTIONS, ...CACHE_OPTIONS };

type ServeOptions = ValuesOf<typeof OWN>;

export async function run(values: RawValues, io: Io, now = () => new Date()): Promise<void> {
  const { settings, context, options } = await readSession(values, OWN, io);
  checkPlaces(options);
  const log = openLog(io.stderr, options.logFormat as LogFormat, now);
  const token = options.tokenFile === undefined ? undefined : await loadOrCreateToken(options.tokenFile);
  const interrupted = io.interrupted();
  const served = [serveRole(settings, context, log)] as const;
  io.onHangup(() => {
    for (const { refresher } of served) refresher.refreshNow().catch(() => undefined);
  });
  if (!options.wait) await Promise.race([firstCredentials(served), aborted(interrupted)]);
  for (const { refresher } of served) refresher.start(true);
  try {
    if (interrupted.aborted) return;
    const routes = createRoutes({ roles: [served[0].role], containerToken: token, now });
    const listener = await listen(routes, options);
    log.info('listening', { on: listener.addresses.join(' '), role: served[0].role.name });
    if (options.bind !== undefined && reachOf(options.bind) === 'network') {
      const message = 'other hosts can reach this port: container endpoint with the token, no IMDS';
      log.warn('off-loopback', { bind: options.bind, message });
    }
    await print(io.stdout, describe(listener, options));
    await aborted(interrupted);
    await listener.close();
    log.info('stopped');
  } finally {
    for (const { refresher } of served) refresher.stop();
  }
}

interface Served {
  readonly role: ServedRole;
  readonly refresher: Refresher<AwsCredentialIdentity>;
}

function serveRole(settings: Settings, context: SessionContext, log: Log): Served {
  const { accountId } = parseArn(settings.roleArn, 'role', 'role');
  const name = settings.roleArn.split('/').at(-1) ?? '';
  const refresher = createRefresher<AwsCredentialIdentity>({
    create: (signal) => createSessionFrom(settings, { ...context, signal }),
    ...refreshEvents(log, { role: name }),
  });
  const { region } = settings;
  return {
    refresher,
    role: { name, region, accountId, current: refresher.current, status: refresher.state },
  };
}

/** @throws what creating a session throws: nothing is served without credentials in hand */
async function firstCredentials(served: readonly Served[]): Promise<void> {
  await Promise.all(served.map(({ refresher }) => refresher.get()));
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** @throws OptionError `ERR_OPTION_INVALID` `ERR_OPTION_MISSING` `ERR_OPTION_CONFLICT` */
function checkPlaces({ bind, socket, tokenFile, hopLimit }: ServeOptions): void {
  if (bind === undefined) return;
  if (socket !== undefined) {
    throw new OptionError('ERR_OPTION_CONFLICT', '--bind and --socket exclude each other');
  }
  const reach = reachOf(bind);
  if (reach === undefined) {
    throw new OptionError('ERR_OPTION_INVALID', '--bind must be an IP address, such as 127.0.0.1 or 0.0.0.0');
  }
  if (reach === 'loopback') return;
  if (tokenFile === undefined) {
    throw new OptionError(
      'ERR_OPTION_MISSING',
      `--bind ${bind} needs --token-file: other hosts can reach that address, and must show the token`,
    );
  }
  if (hopLimit !== SERVE_OPTIONS.hopLimit.default) {
    throw new OptionError(
      'ERR_OPTION_INVALID',
      `--hop-limit must be 64 off loopback, found ${hopLimit}: Node.js cannot set the IP TTL of TCP answers`,
    );
  }
}

function listen(routes: Routes, { bind, socket, port }: ServeOptions): Promise<Listener> {
  if (socket !== undefined) return listenOnSocket(routes, socket);
  return listenOnTcp(routes, { hosts: bind === undefined ? ['127.0.0.1', '::1'] : [bind], port });
}

/** What a person pastes, so that programs find it. */
function describe({ addresses: [bound = ''] }: Listener, { socket, tokenFile }: ServeOptions): string {
  if (socket !== undefined) return `curl --unix-socket '${socket}' http://localhost${CONTAINER_PATH}\n`;
  const address = bound.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
  const lines = [];
  if (isLoopback(new URL(address).hostname)) {
    lines.push(`export AWS_EC2_METADATA_SERVICE_ENDPOINT=${address}/`);
  }
  if (tokenFile !== undefined) {
    lines.push(
      ...(lines.length > 0 ? ['# or, for programs that do not ask EC2:'] : []),
      `export AWS_CONTAINER_CREDENTIALS_FULL_URI=${address}${CONTAINER_PATH}`,
      `export AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE='${tokenFile}'`,
    );
  }
  return `${lines.join('\n')}\n`;
}
