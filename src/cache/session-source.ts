/**
 * Settings in, what makes their sessions out, with the cache between where it is asked for: for `credential-process`, and
 * for the refreshers of `serve` and `update`.
 */
import type { Identity } from '../identity/identity.js';
import { loadIdentity } from '../identity/load.js';
import type { SessionContext } from '../session/create-session.js';
import type { Session } from '../session/response.js';
import type { Settings } from '../settings/settings.js';
import type { KeptSession } from './sealed-session.js';
import type { CacheContext, SessionCache } from './session-cache.js';

export interface SourceContext extends CacheContext {
  readonly isCached: boolean;
  /** What `-` reads. */
  readonly stdin?: SessionContext['stdin'];
  readonly askPassphrase?: SessionContext['askPassphrase'];
}

export interface SessionSource {
  /** What is kept from before, with more than 20 minutes left. */
  initial(): Promise<KeptSession | undefined>;
  /**
   * Certificate and key are read anew each time.
   *
   * @param newerThan one from the cache must end later than this
   * @throws as `createSession`
   */
  create(signal?: AbortSignal, newerThan?: Date): Promise<Session>;
}

export function sessionSource(settings: Settings, context: SourceContext): SessionSource {
  const { logger, now, isCached } = context;
  const load = (): Promise<Identity> =>
    loadIdentity(settings.source, {
      now: now(),
      askPassphrase: context.askPassphrase,
      // Not copied: standard input opens when it is looked at.
      get stdin() {
        return context.stdin;
      },
    });
  const open = async (identity: Identity): Promise<SessionCache | undefined> => {
    if (!isCached) return undefined;
    const { openCache } = await import('./session-cache.js');
    return openCache(settings, identity, { env: context.env, now, logger });
  };
  return {
    initial: async () => {
      const cache = isCached ? await open(await load()) : undefined;
      return cache?.read();
    },
    create: async (signal, newerThan) => {
      const identity = await load();
      const cache = await open(identity);
      const make = async (): Promise<Session> => {
        // The better part of the program, of which a session out of the cache needs nothing.
        const { createSessionFrom } = await import('../session/create-session.js');
        return createSessionFrom(settings, { identity, signal, logger, now });
      };
      return cache === undefined ? make() : cache.share(make, newerThan);
    },
  };
}
