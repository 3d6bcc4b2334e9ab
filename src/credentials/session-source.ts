/**
 * The source of sessions: loads the identity (again when its files change), looks into the cache, and creates
 * a session if the cache has none. The SDK provider and every command that needs credentials use it.
 */
import { OptionError } from '../errors.js';
import type { SigningIdentity } from '../identity/identity.js';
import type { IdentitySource, InputName } from '../identity/identity-source.js';
import { INPUT_NAMES } from '../identity/identity-source.js';
import type { Inputs } from '../identity/inputs.js';
import { readInputs, wipeInputs } from '../identity/inputs.js';
import type { LoadContext } from '../identity/load.js';
import type { SealingKey } from '../identity/sealing-key.js';
import type { Environment } from '../options/choose-values.js';
import type { Logger } from '../session/call-service.js';
import type { HttpDispatcher } from '../session/dispatched.js';
import { endedBy } from '../session/limit.js';
import type { Session } from '../session/response.js';
import type { Settings } from '../session/settings.js';
import type { KeptSession } from './cache/sealed-session.js';
import type { SessionCache } from './cache/session-cache.js';
import type { Replaced } from './refresher.js';

/** An identity, and the key that its files give if they alone are enough for one. */
interface CachedIdentity extends SigningIdentity {
  readonly contentKey?: SealingKey | undefined;
}

/** Gives the identity to sign with. Called once for each session, so that it can follow a renewal. */
export type IdentityProvider = (logger?: Logger) => Promise<CachedIdentity>;

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
  const { source } = settings;
  const provider = context.identity ?? identityProvider(settings, context);
  const isReadEachTime = context.identity === undefined && context.rotates !== true;
  const open = async (logger: Logger | undefined): Promise<OpenIdentity> => {
    // Without a cache the identity is needed only when the connection is being established.
    if (context.cache !== true) return { sealingKey: undefined, load: () => provider(logger) };
    const files = isReadEachTime ? await readFiles(source, context) : undefined;
    if (files?.sealingKey !== undefined) return files;
    return openLoaded(await (files === undefined ? provider(logger) : files.load()));
  };
  /** Loggers that have already been warned that the key cannot derive a secret for the cache. */
  const informed = new WeakSet<Logger>();
  const openCache = async (
    { sealingKey }: OpenIdentity,
    logger: Logger | undefined,
    signal?: AbortSignal,
  ): Promise<SessionCache | undefined> => {
    if (context.cache !== true) return undefined;
    if (sealingKey !== undefined) {
      const { openCache } = await import('./cache/session-cache.js');
      return openCache(settings, sealingKey, { env, now, logger, signal });
    }
    // A long-running program creates a session at each refresh, and is warned once.
    if (logger === undefined || informed.has(logger)) return undefined;
    informed.add(logger);
    logger.warn?.('nothing is cached: this private key cannot derive a key for the cache');
    return undefined;
  };
  return {
    cached: async () => {
      if (context.cache !== true) return undefined;
      const identity = await open(context.logger);
      if (identity.inputs !== undefined) wipeInputs(identity.inputs);
      return (await openCache(identity, context.logger))?.read(0);
    },
    create: async ({ signal, logger = context.logger, attempts = context.attempts, replaced } = {}) => {
      const identity = await endedBy(signal, open(logger));
      const createNew = async (): Promise<Session> => {
        // Loaded late: it is most of the program, and a cached session needs none of it.
        const { createSessionFrom } = await import('../session/create-session.js');
        return createSessionFrom(settings, () => endedBy(signal, identity.load()), {
          ...{ signal, logger, attempts },
          ...{ now, random, dispatcher },
        });
      };
      try {
        const cache = await openCache(identity, logger, signal);
        return cache === undefined ? await createNew() : await cache.share(createNew, replaced);
      } finally {
        if (identity.inputs !== undefined) wipeInputs(identity.inputs);
      }
    },
  };
}

/** An identity, read from its files and not parsed before a session is to be signed. */
interface OpenIdentity {
  /** For the cache; undefined without one, and if no key can be derived. */
  readonly sealingKey: SealingKey | undefined;
  /** Called at most once. */
  load(): Promise<CachedIdentity>;
  /** The bytes that were read: the caller wipes them. */
  readonly inputs?: Inputs;
}

async function readFiles(source: IdentitySource, context: IdentityContext): Promise<OpenIdentity> {
  const inputs = await readInputs(source, context);
  // Loaded late, with `node:crypto`: only the cache needs it.
  const sealing = context.cache === true ? await import('../identity/sealing-key.js') : undefined;
  const contentKey = sealing?.contentKeyOf(source, inputs);
  // Without a question: what a key from the content seals must not need a passphrase.
  const unasked = contentKey === undefined ? context : { ...context, askPassphrase: undefined };
  return {
    sealingKey: contentKey,
    load: async () => {
      const { parseInputs } = await import('../identity/load.js');
      return Object.freeze({ ...(await parseInputs(source, inputs, unasked)), contentKey });
    },
    inputs,
  };
}

async function openLoaded(identity: CachedIdentity): Promise<OpenIdentity> {
  const load = async (): Promise<CachedIdentity> => identity;
  if (identity.contentKey !== undefined) return { load, sealingKey: identity.contentKey };
  const { sealingKeyOf } = await import('../identity/sealing-key.js');
  return { load, sealingKey: sealingKeyOf(identity) };
}

type IdentityContext = Pick<
  SourceContext,
  'stdin' | 'askPassphrase' | 'notify' | 'unbroken' | 'rotates' | 'cache' | 'now' | 'env' | 'logger'
>;

/** The identity that the settings name, loaded for each session or, with `rotates`, when its files change. */
export function identityProvider(
  { source }: Pick<Settings, 'source'>,
  context: IdentityContext,
): IdentityProvider {
  const { now } = context;
  const load = async (): Promise<CachedIdentity> => (await readFiles(source, context)).load();
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
