/**
 * The source of sessions: loads the identity (again when its files change), looks into the cache, and creates
 * a session if the cache has none. The SDK provider and every command that needs credentials use it.
 */
import { OptionError } from '../errors.js';
import type { SigningIdentity } from '../identity/identity.js';
import type { InputName } from '../identity/identity-source.js';
import { INPUT_NAMES } from '../identity/identity-source.js';
import type { LoadContext } from '../identity/load.js';
import { loadIdentity } from '../identity/load.js';
import type { Environment } from '../options/choose-values.js';
import type { Logger } from '../session/call-service.js';
import type { HttpDispatcher } from '../session/dispatched.js';
import { endedBy } from '../session/limit.js';
import type { Session } from '../session/response.js';
import type { Settings } from '../session/settings.js';
import type { KeptSession } from './cache/sealed-session.js';
import type { SessionCache } from './cache/session-cache.js';
import type { RefresherOptions, Replaced } from './refresher.js';
import { Refresher } from './refresher.js';

/** Gives the identity to sign with. Called once for each session, so that it can follow a renewal. */
export type IdentityProvider = (logger?: Logger) => Promise<SigningIdentity>;

export interface SourceContext extends Pick<LoadContext, 'stdin' | 'askPassphrase' | 'notify' | 'unbroken'> {
  /** Default: the identity that `settings.source` names. */
  readonly identity?: IdentityProvider | undefined;
  /**
   * For a process that creates sessions repeatedly: certificate and key are read again only when their files
   * change, and if the service would refuse a new pair, the previous one stays in use. Default false: they
   * are read for each session.
   */
  readonly rotates?: boolean | undefined;
  /** Whether sessions are shared with other processes through encrypted files. Default false. */
  readonly cache?: boolean | undefined;
  /** Attempts for temporary failures, unless a call gives another number. Default 3. */
  readonly attempts?: number | undefined;
  /** Names the folder of the cache. */
  readonly env: Environment;
  readonly now: () => Date;
  readonly dispatcher?: HttpDispatcher | undefined;
  /** Jitter, in [0, 1). Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  readonly logger?: Logger | undefined;
}

/** The arguments of one call of `create`. */
export interface CreateCall {
  readonly signal?: AbortSignal | undefined;
  /** Default: the source's. */
  readonly logger?: Logger | undefined;
  /**
   * Attempts for temporary failures. Default: the source's; a refresher, which has its own pauses, passes 1.
   */
  readonly attempts?: number | undefined;
  /** Take a cached session only if it expires later than this one. */
  readonly replaced?: Replaced | undefined;
}

export interface SessionSource {
  /** The cached session if it has not expired, for a refresher to start with. */
  cached(): Promise<KeptSession | undefined>;
  /**
   * A session: the cached one if at least 20 minutes of it are left, else a new one.
   *
   * @throws as `createSession`
   */
  create(call?: CreateCall): Promise<Session>;
}

export function openSessionSource(settings: Settings, context: SourceContext): SessionSource {
  const { now, env, random, dispatcher } = context;
  const identityNow = context.identity ?? identityProvider(settings, context);
  /** Loggers that have already been warned that the key cannot derive a secret for the cache. */
  const informed = new WeakSet<Logger>();
  const openCache = async (
    identity: SigningIdentity,
    logger: Logger | undefined,
    signal?: AbortSignal,
  ): Promise<SessionCache | undefined> => {
    if (context.cache !== true) return undefined;
    // A long-running program creates a session at each refresh, and is warned once.
    if (identity.deriveKey === undefined && logger !== undefined) {
      if (informed.has(logger)) return undefined;
      informed.add(logger);
    }
    const { openCache } = await import('./cache/session-cache.js');
    return openCache(settings, identity, { env, now, logger, signal });
  };
  return {
    cached: async () => {
      if (context.cache !== true) return undefined;
      const cache = await openCache(await identityNow(context.logger), context.logger);
      return cache?.read(0);
    },
    create: async ({ signal, logger = context.logger, attempts = context.attempts, replaced } = {}) => {
      const identity = await endedBy(signal, identityNow(logger));
      const createNew = async (): Promise<Session> => {
        // Loaded late: it is most of the program, and a cached session needs none of it.
        const { createSessionFrom } = await import('../session/create-session.js');
        return createSessionFrom(settings, identity, {
          ...{ signal, logger, attempts },
          ...{ now, random, dispatcher },
        });
      };
      const cache = await openCache(identity, logger, signal);
      return cache === undefined ? createNew() : cache.share(createNew, replaced);
    },
  };
}

/** The identity that the settings name, loaded for each session or, with `rotates`, when its files change. */
export function identityProvider(
  { source }: Pick<Settings, 'source'>,
  context: Pick<
    SourceContext,
    'stdin' | 'askPassphrase' | 'notify' | 'unbroken' | 'rotates' | 'now' | 'env' | 'logger'
  >,
): IdentityProvider {
  const { stdin, askPassphrase, notify, unbroken, env, now, logger } = context;
  const load = (): Promise<SigningIdentity> =>
    loadIdentity(source, { now, stdin, askPassphrase, notify, unbroken, env, logger });
  if (context.rotates !== true) return load;
  // Loaded late: a process that asks once does not need it.
  const openRotation = async (): Promise<IdentityProvider> => {
    const [{ rotatingIdentity }, { assertUsableIdentity }] = await Promise.all([
      import('../identity/rotation.js'),
      import('../identity/check-identity.js'),
    ]);
    const rotating = rotatingIdentity(source, {
      ...{ load, now },
      assertUsableIdentity: (identity) => assertUsableIdentity(identity, now()),
    });
    return (logger) => rotating((message) => logger?.warn?.(message));
  };
  let rotation: Promise<IdentityProvider> | undefined;
  const rotate: IdentityProvider = async (logger) => {
    rotation ??= openRotation();
    return (await rotation)(logger);
  };
  // Roles of one process share the files: concurrent calls load them, and ask for a passphrase, once.
  let loading: Promise<SigningIdentity> | undefined;
  return (logger) => {
    loading ??= rotate(logger).finally(() => {
      loading = undefined;
    });
    return loading;
  };
}

/** The arguments that a call adds to the attempt that it starts. */
export type RefreshCall = Pick<CreateCall, 'logger' | 'attempts'>;

export interface Fresh {
  readonly refresher: Refresher<Session, RefreshCall>;
  /** The cached session that the refresher starts with: `onRefreshed` is not called for it. */
  readonly initial: Session | undefined;
}

/** A refresher over a source, started with the cached session if there is one. The caller starts the loop. */
export async function keepFresh(
  source: SessionSource,
  options: Omit<RefresherOptions<Session, RefreshCall>, 'create' | 'initial'> = {},
): Promise<Fresh> {
  // If the identity cannot be loaded, the first refresh reports it.
  const initial = await source.cached().catch(() => undefined);
  const refresher = new Refresher<Session, RefreshCall>({
    ...options,
    initial,
    // The refresher has pauses of its own: attempts are repeated only if a call asks for it.
    create: ({ signal, replaced, call }) => source.create({ attempts: 1, ...call, signal, replaced }),
  });
  return { refresher, initial: initial?.value };
}

/**
 * Refuses `-`: a refresher reads its sources again, and standard input can be read once.
 *
 * @param label how messages name the option: `certificate` or `--certificate`
 * @throws OptionError `ERR_OPTION_INVALID`
 */
export function assertRereadable(
  { source }: Pick<Settings, 'source'>,
  label: (name: InputName) => string,
  hint?: string,
): void {
  const name = INPUT_NAMES.find((input) => source[input] === '-');
  if (name === undefined) return;
  throw new OptionError(
    'ERR_OPTION_INVALID',
    `${label(name)} must not be standard input: it is read again at each refresh`,
    { hint },
  );
}
