/**
 * Serves credentials on this machine until it is interrupted. stdout has the variables for programs; the log
 * on stderr has one line for each event. SIGHUP refreshes now.
 */
import { once } from 'node:events';
import { hostname, networkInterfaces } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import type { Fresh } from '../../credentials/keep-fresh.js';
import { keepFresh } from '../../credentials/keep-fresh.js';
import type { SessionSource } from '../../credentials/session-source.js';
import { assertRereadable, identityProvider, openSessionSource } from '../../credentials/session-source.js';
import { OptionError, quote } from '../../errors.js';
import { parseArn } from '../../options/arn.js';
import { HOST_NAMES_KIND, PORT_KIND } from '../../options/kinds.js';
import type { ValuesOf } from '../../options/option-spec.js';
import type { Settings } from '../../session/settings.js';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import type { Flags } from '../options/flags.js';
import { LOG_FLAGS } from '../options/flags.js';
import type { SessionInputs } from '../options/read-session.js';
import { flagOf, readSession } from '../options/read-session.js';
import { sessionGroups } from '../options/session-flags.js';
import type { ReportIncident } from '../serve/incident-log.js';
import { createIncidentLog } from '../serve/incident-log.js';
import { formatInstructions } from '../serve/instructions.js';
import type { Listener } from '../serve/listen.js';
import { listenOnSocket, listenOnTcp } from '../serve/listen.js';
import { describeMachine } from '../serve/machine-facts.js';
import type { Neighbourhood } from '../serve/peer.js';
import { createNeighbourhood } from '../serve/peer.js';
import { checkPlaces, hasImds, readersOf } from '../serve/places.js';
import type { Routes } from '../serve/routes.js';
import { createRoutes, startingRoutes } from '../serve/routes.js';
import type { ServedRole } from '../serve/served-role.js';
import { loadOrCreateToken, writeTokenHeader } from '../serve/token-file.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';
import type { Log, LogFormat } from '../terminal/log.js';
import { openLog, refreshEvents, withoutRepeats } from '../terminal/log.js';

const FLAGS = {
  port: {
    flag: 'port',
    kind: PORT_KIND,
    placeholder: 'PORT',
    default: 9911,
    help: 'port to listen on; 0 for any free port',
  },
  hopLimit: {
    flag: 'hop-limit',
    kind: { type: 'integer', min: 1, max: 255 },
    placeholder: 'HOPS',
    default: 64,
    help: 'IP TTL of responses, 1 to 255; no effect on loopback, and only 64 elsewhere',
  },
  bind: {
    flag: 'bind',
    kind: { type: 'text' },
    placeholder: 'ADDRESS',
    help: 'address to listen on in place of 127.0.0.1 and ::1; needs --token-file if other hosts can reach it',
  },
  socket: {
    flag: 'socket',
    kind: { type: 'path' },
    placeholder: 'PATH',
    help: 'Unix socket to listen on in place of a port',
  },
  socketMode: {
    flag: 'socket-mode',
    kind: { type: 'pattern', pattern: /^0?6[06]0$/, rule: '0600 or 0660' },
    placeholder: 'MODE',
    default: '0600',
    help: 'permissions of the socket: 0600 for this user only, 0660 for the group of the process too',
  },
  tokenFile: {
    flag: 'token-file',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'file of the container token: read if it exists, else created for this user only; turns IMDS off',
  },
  tokenHeaderFile: {
    flag: 'token-header-file',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'file for the token of --token-file as a header, for curl -H @FILE; readable by this user only',
  },
  metricsTokenFile: {
    flag: 'metrics-token-file',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'file of the token for /metrics, created like the container token; gives no access to credentials',
  },
  imds: {
    flag: 'imds',
    kind: { type: 'boolean' },
    default: false,
    help: 'serve IMDS besides --token-file: all users and containers on loopback can read the first role',
  },
  allowHost: {
    flag: 'allow-host',
    kind: HOST_NAMES_KIND,
    placeholder: 'NAME',
    help: 'additional host name to accept in requests, such as host.docker.internal; may be repeated',
  },
  wait: {
    flag: 'wait',
    kind: { type: 'boolean' },
    default: false,
    help: 'if the first session cannot be created, keep running and keep trying',
  },
  roles: {
    flag: 'roles',
    kind: { type: 'object' },
    placeholder: 'JSON',
    help: 'additional roles, at /role/NAME: {"backup": {"role-arn": "arn:…"}}; other options as for the first',
  },
} as const satisfies Flags;

export const command: Command = {
  flags: sessionGroups(FLAGS, LOG_FLAGS),
  example: '--config /etc/rolesanywhere/host.json --port 9911',
  run,
};

const OWN = { ...FLAGS, ...LOG_FLAGS };

/** The names that IAM allows: each is one segment of a path. */
const ROLE_NAME = /^[A-Za-z0-9_+=,.@-]{1,64}$/;

type ServeOptions = ValuesOf<typeof OWN>;

/** The dependencies of all parts of a running server. */
interface Context {
  readonly inputs: SessionInputs<typeof OWN>;
  readonly io: Io;
  readonly log: Log;
  readonly now: () => Date;
  readonly report: ReportIncident;
  readonly neighbourhood: Neighbourhood;
  readonly interrupted: AbortSignal;
}

async function run(args: Arguments, io: Io, now = () => new Date()): Promise<void> {
  // Under load V8 doubles the young generation up to 32 MiB twice, for no more requests a second.
  setFlagsFromString('--semi-space-growth-factor=1');
  const inputs = await readSession(args, OWN, io, { now });
  const neighbourhood = createNeighbourhood(networkInterfaces, now);
  checkPlaces(inputs.options, neighbourhood);
  assertRereadable(inputs.settings, flagOf);
  const roles = rolesOf(inputs);
  const log = withoutRepeats(openLog(io.stderr, inputs.options.logFormat as LogFormat, now), now);
  if (inputs.options.socket !== undefined && !['0', undefined].includes(args.given['port'] as string)) {
    log.warn('ignored', { flag: '--port', reason: '--socket is given: run serve twice to have both' });
  }
  const report = createIncidentLog(log, now);
  const context = { inputs, io, log, now, report, neighbourhood, interrupted: io.interrupted() };
  // The port first: if it is in use, neither a token file nor a session is made.
  let routes: Routes = startingRoutes;
  const listener = await listen((request) => routes(request), context);
  try {
    const tokens = await readTokens(inputs.options, log);
    const served = await serveRoles(roles, context);
    try {
      routes = routesFor(served, tokens, context);
      await keepServing(served, listener, context);
    } finally {
      for (const { refresher } of served) refresher.stop();
    }
  } finally {
    await listener.close();
  }
  log.info('stopped');
}

/** @throws as `createSession`, unless `--wait` is given */
async function keepServing(served: readonly Served[], listener: Listener, context: Context): Promise<void> {
  const { inputs, io, interrupted, neighbourhood } = context;
  const { options, settings } = inputs;
  io.onHangup(() => refreshAll(served));
  announce(listener, served, context);
  if (!options.wait) await Promise.race([firstCredentials(served), aborted(interrupted)]);
  for (const { refresher } of served) refresher.start(true);
  if (interrupted.aborted) return;
  const isLocal = options.bind === undefined || neighbourhood.reachOf(options.bind) === 'local';
  await print(io.stdout, formatInstructions(listener, options, { region: settings.region, isLocal }));
  await aborted(interrupted);
}

interface Tokens {
  readonly containerToken: string | undefined;
  readonly metricsToken: string | undefined;
}

async function readTokens(
  { tokenFile, tokenHeaderFile, metricsTokenFile }: ServeOptions,
  log: Log,
): Promise<Tokens> {
  const load = async (path: string | undefined, subject: string): Promise<string | undefined> => {
    if (path === undefined) return undefined;
    const warn = (mode: number): void =>
      log.warn('file-mode', {
        path,
        mode: mode.toString(8).padStart(4, '0'),
        message: 'every user of this machine can read the token: chmod 600 it',
      });
    return loadOrCreateToken(path, warn, `${subject} ${path}`);
  };
  const containerToken = await load(tokenFile, 'token file');
  const metricsToken = await load(metricsTokenFile, 'metrics token file');
  if (metricsToken !== undefined && metricsToken === containerToken) {
    const message =
      '--metrics-token-file and --token-file hold the same token: monitoring could read credentials';
    throw new OptionError('ERR_OPTION_CONFLICT', message);
  }
  if (tokenHeaderFile !== undefined && containerToken !== undefined) {
    await writeTokenHeader(tokenHeaderFile, containerToken);
  }
  return { containerToken, metricsToken };
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
      'several roles need --token-file or --socket: IMDS serves the first one alone',
    );
  }
  return [[own, settings], ...others];
}

interface Served {
  readonly role: ServedRole;
  readonly refresher: Fresh['refresher'];
}

function serveRoles(roles: readonly NamedSettings[], { inputs, now, log }: Context): Promise<Served[]> {
  const logger = { ...inputs.context.logger, warn: (message: string) => log.warn('warning', { message }) };
  const context = { ...inputs.context, logger, rotates: true, now };
  // One identity for all roles: its files are read and its passphrase is asked for once.
  const identity = identityProvider(inputs.settings, context);
  return Promise.all(
    roles.map(([name, settings]) =>
      serveRole(name, settings, openSessionSource(settings, { ...context, identity }), log),
    ),
  );
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

function routesFor(served: readonly Served[], tokens: Tokens, context: Context): Routes {
  const { inputs, now, report } = context;
  const [first, ...others] = served.map(({ role }) => role);
  if (first === undefined) return startingRoutes;
  return createRoutes({
    ...tokens,
    roles: [first, ...others],
    hasImds: hasImds(inputs.options),
    allowedHosts: new Set(inputs.options.allowHost?.map((name) => name.toLowerCase())),
    machine: describeMachine(hostname(), networkInterfaces),
    now,
    onRefused: (route, reason) => report('refused', reason, { route }),
  });
}

function refreshAll(served: readonly Served[]): void {
  for (const { refresher } of served) refresher.refreshNow().catch(() => undefined);
}

function announce({ addresses }: Listener, served: readonly Served[], context: Context): void {
  const { inputs, log, neighbourhood } = context;
  const { bind } = inputs.options;
  const roles = served.map(({ role }) => role.name).join(' ');
  log.info('listening', { on: addresses.join(' '), roles, ...readersOf(inputs.options) });
  if (bind !== undefined && neighbourhood.reachOf(bind) === 'network') {
    const message =
      'other hosts can reach this port: they get the container endpoint with the token, never IMDS';
    log.warn('off-loopback', { bind, message });
  }
}

/** @throws as `createSession`: nothing is announced without credentials */
async function firstCredentials(served: readonly Served[]): Promise<void> {
  await Promise.all(served.map(({ refresher }) => refresher.get()));
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

function listen(routes: Routes, { inputs, report, neighbourhood }: Context): Promise<Listener> {
  const { bind, socket, socketMode, port } = inputs.options;
  const onClosed = (reason: string): void => report('closed', reason);
  if (socket !== undefined) {
    return listenOnSocket(
      { routes, peerOf: () => 'socket', onClosed },
      socket,
      Number.parseInt(socketMode, 8),
    );
  }
  const { peerOf } = neighbourhood;
  const hosts = bind === undefined ? ['127.0.0.1', '::1'] : [bind];
  return listenOnTcp({ routes, peerOf, onClosed }, { hosts, port });
}
