/**
 * Flags in, credentials served on this machine out, until it is interrupted. stdout says how programs find it; the log on
 * stderr has one line an event. SIGHUP refreshes now.
 */
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Fresh, SessionSource } from '../../credentials/session-source.js';
import {
  assertRereadable,
  identityProvider,
  keepFresh,
  openSessionSource,
} from '../../credentials/session-source.js';
import { OptionError, quote } from '../../errors.js';
import { parseArn } from '../../options/arn.js';
import { isLoopback } from '../../options/loopback.js';
import type { ValuesOf } from '../../options/option-row.js';
import type { RawValues } from '../../options/values.js';
import type { Settings } from '../../session/settings.js';
import { CACHE_OPTIONS, LOG_OPTIONS, SERVE_OPTIONS } from '../options/command-options.js';
import type { SessionInputs } from '../options/session-inputs.js';
import { flagOf, readSession } from '../options/session-inputs.js';
import type { Listener } from '../serve/listen.js';
import { listenOnSocket, listenOnTcp, reachOf } from '../serve/listen.js';
import type { Routes } from '../serve/routes.js';
import { CONTAINER_PATH, createRoutes } from '../serve/routes.js';
import type { ServedRole } from '../serve/served-role.js';
import { loadOrCreateToken } from '../serve/token-file.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';
import type { Log, LogFormat } from '../terminal/log.js';
import { openLog, refreshEvents } from '../terminal/log.js';

const OWN = { ...SERVE_OPTIONS, ...LOG_OPTIONS, ...CACHE_OPTIONS };

/** As IAM has them, so that each is a part of a path as it stands. */
const ROLE_NAME = /^[A-Za-z0-9_+=,.@-]{1,64}$/;

type ServeOptions = ValuesOf<typeof OWN>;

export async function run(values: RawValues, io: Io, now = () => new Date()): Promise<void> {
  const inputs = await readSession(values, OWN, io);
  const { options } = inputs;
  checkPlaces(options);
  assertRereadable(inputs.settings, flagOf);
  const roles = rolesOf(inputs);
  const log = openLog(io.stderr, options.logFormat as LogFormat, now);
  const containerToken = await containerTokenOf(options, log);
  const interrupted = io.interrupted();
  const logger = { ...inputs.context.logger, warn: (message: string) => log.warn('warning', { message }) };
  const context = { ...inputs.context, logger, cache: options.cache, rotates: true, now };
  // One identity for all roles: its files are read and its passphrase is asked for once.
  const identity = identityProvider(inputs.settings, context);
  const served = await Promise.all(
    roles.map(([name, settings]) =>
      serveRole(name, settings, openSessionSource(settings, { ...context, identity }), log),
    ),
  );
  try {
    io.onHangup(() => refreshAll(served));
    if (!options.wait) await Promise.race([firstCredentials(served), aborted(interrupted)]);
    for (const { refresher } of served) refresher.start(true);
    const [first, ...others] = served.map(({ role }) => role);
    if (interrupted.aborted || first === undefined) return;
    const listener = await listen(createRoutes({ roles: [first, ...others], containerToken, now }), options);
    announce(listener, served, options, log);
    try {
      await print(io.stdout, describe(listener, options));
      await aborted(interrupted);
    } finally {
      await listener.close();
    }
    log.info('stopped');
  } finally {
    for (const { refresher } of served) refresher.stop();
  }
}

async function containerTokenOf({ tokenFile: path }: ServeOptions, log: Log): Promise<string | undefined> {
  if (path === undefined) return undefined;
  return loadOrCreateToken(path, (mode) =>
    log.warn('file-mode', {
      path,
      mode: mode.toString(8).padStart(4, '0'),
      message: 'every user of this machine can read the token: chmod 600 it',
    }),
  );
}

type NamedSettings = readonly [name: string, settings: Settings];

/** The role of the flags first, under its own name. */
function rolesOf({ settings, settingsWith, options }: SessionInputs<typeof OWN>): NamedSettings[] {
  const others = Object.entries(options.roles ?? {}).map(([name, changes]): NamedSettings => {
    if (!ROLE_NAME.test(name)) {
      throw new OptionError(
        'ERR_OPTION_INVALID',
        `the name of a role must be 1 to 64 of A-Z a-z 0-9 _ + = , . @ -, found ${quote(name)}`,
      );
    }
    return [name, settingsWith(changes, `role "${name}"`)];
  });
  const own = settings.roleArn.split('/').at(-1) ?? '';
  if (others.some(([name]) => name === own)) {
    throw new OptionError('ERR_OPTION_CONFLICT', `role "${own}" is the name of the first role already`);
  }
  if (others.length > 0 && options.tokenFile === undefined && options.socket === undefined) {
    throw new OptionError(
      'ERR_OPTION_MISSING',
      'several roles need --token-file or --socket: all but the first are had from the container endpoint alone',
    );
  }
  return [[own, settings], ...others];
}

interface Served {
  readonly role: ServedRole;
  readonly refresher: Fresh['refresher'];
}

async function serveRole(name: string, settings: Settings, source: SessionSource, log: Log): Promise<Served> {
  const { accountId } = parseArn(settings.roleArn, 'role', 'role');
  const { region } = settings;
  const { refresher } = await keepFresh(source, refreshEvents(log, { role: name }));
  return {
    refresher,
    role: {
      ...{ name, region, accountId },
      current: () => refresher.current(),
      status: () => refresher.state(),
    },
  };
}

function refreshAll(served: readonly Served[]): void {
  for (const { refresher } of served) refresher.refreshNow().catch(() => undefined);
}

function announce(
  { addresses }: Listener,
  served: readonly Served[],
  { bind }: ServeOptions,
  log: Log,
): void {
  const roles = served.map(({ role }) => role.name).join(' ');
  log.info('listening', { on: addresses.join(' '), roles });
  if (bind !== undefined && reachOf(bind) === 'network') {
    const message = 'other hosts can reach this port: container endpoint with the token, no IMDS';
    log.warn('off-loopback', { bind, message });
  }
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
  if (socket !== undefined)
    return `curl --unix-socket ${shellPath(socket)} http://localhost${CONTAINER_PATH}\n`;
  const address = bound.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
  const lines = [];
  if (isLoopback(new URL(address).hostname)) {
    lines.push(`export AWS_EC2_METADATA_SERVICE_ENDPOINT=${address}/`);
  }
  if (tokenFile !== undefined) {
    lines.push(
      ...(lines.length > 0 ? ['# or, for programs that do not ask EC2:'] : []),
      `export AWS_CONTAINER_CREDENTIALS_FULL_URI=${address}${CONTAINER_PATH}`,
      `export AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=${shellPath(tokenFile)}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** In full, since programs run in other folders, and as a POSIX shell reads it. */
function shellPath(path: string): string {
  return `'${resolve(path).replaceAll("'", "'\\''")}'`;
}
