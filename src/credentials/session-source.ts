/**
 * Settings in, what makes their sessions out, with the cache between where it is asked for: for `credential-process`, and
 * for the refreshers of `serve` and `update`.
 */
import type { SigningIdentity } from '../identity/identity.js';
import { loadIdentity } from '../identity/load.js';
import type { SessionContext } from '../session/create-session.js';
import type { Session } from '../session/response.js';
import type { Settings } from '../session/settings.js';
import type { KeptSession, Replaced } from './cache/sealed-session.js';
import type { CacheContext, SessionCache } from './cache/session-cache.js';

export interface SourceContext extends CacheContext {
  readonly isCached: boolean;
  /** What `-` reads. */
  readonly stdin?: SessionContext['stdin'];
  readonly askPassphrase?: SessionContext['askPassphrase'];
  /**
   * For a refresher, which asks again and again: a certificate and key that cannot be used leave those from before in use, and
   * attempts are not repeated, since the refresher has pauses of its own.
   */
  readonly isKept?: boolean | undefined;
}

export interface SessionSource {
  /** What is kept from before and has not ended, for a refresher to start with. */
  initial(): Promise<KeptSession | undefined>;
  /** @throws as `createSession` */
  create(signal?: AbortSignal, replaced?: Replaced): Promise<Session>;
}

export function sessionSource(settings: Settings, context: SourceContext): SessionSource {
  const { logger, now, isCached, isKept = false } = context;
  const load = identityLoader(settings, context);
  const open = async (identity: SigningIdentity, signal?: AbortSignal): Promise<SessionCache | undefined> => {
    if (!isCached) return undefined;
    const { openCache } = await import('./cache/session-cache.js');
    return openCache(settings, identity, { env: context.env, now, logger, signal });
  };
  return {
    initial: async () => {
      const cache = isCached ? await open(await load()) : undefined;
      return cache?.read(0);
    },
    create: async (signal, replaced) => {
      const identity = await load();
      const cache = await open(identity, signal);
      const make = async (): Promise<Session> => {
        // The better part of the program, of which a session out of the cache needs nothing.
        const { createSessionFrom } = await import('../session/create-session.js');
        return createSessionFrom(settings, {
          identity,
          signal,
          logger,
          now,
          attempts: isKept ? 1 : undefined,
        });
      };
      return cache === undefined ? make() : cache.share(make, replaced);
    },
  };
}

function identityLoader(settings: Settings, context: SourceContext): () => Promise<SigningIdentity> {
  const loadAnew = (): Promise<SigningIdentity> =>
    loadIdentity(settings.source, {
      now: context.now(),
      askPassphrase: context.askPassphrase,
      // Not copied: standard input opens when it is looked at.
      get stdin() {
        return context.stdin;
      },
    });
  if (context.isKept !== true) return loadAnew;
  let rotation: Promise<() => Promise<SigningIdentity>> | undefined;
  return async () => {
    rotation ??= openRotation(settings, context, loadAnew);
    return (await rotation)();
  };
}

/** Late: whoever asks once has no use for it. */
async function openRotation(
  { source }: Settings,
  { now, logger }: SourceContext,
  load: () => Promise<SigningIdentity>,
): Promise<() => Promise<SigningIdentity>> {
  const { rotatingIdentity } = await import('../identity/rotation.js');
  const { assertUsableIdentity } = await import('../identity/check-identity.js');
  return rotatingIdentity(source, {
    load,
    assertUsableIdentity: (identity) => assertUsableIdentity(identity, now()),
    warn: (message) => logger?.warn?.(message),
  });
}
