/** Where sessions come from in, one that is kept fresh out: what `serve` and `update` hand on. */

import type { Session } from '../session/response.js';
import type { RefresherOptions } from './attempt.js';
import type { Refresher } from './refresh.js';
import { createRefresher } from './refresh.js';
import type { SessionSource } from './session-source.js';

/**
 * Begins with what the cache has, if anything; the loop is the caller's to start.
 *
 * @returns the session from the cache beside it, since nothing was refreshed and no event tells of it
 */
export async function keepSession(
  source: SessionSource,
  events: Pick<RefresherOptions<Session>, 'onRefreshed' | 'onFailed'>,
): Promise<{ readonly refresher: Refresher<Session>; readonly initial: Session | undefined }> {
  // Where it cannot be read, the first refresh will say so.
  const initial = await source.initial().catch(() => undefined);
  const refresher: Refresher<Session> = createRefresher({
    ...events,
    initial,
    create: (signal) => source.create(signal, refresher.state()),
  });
  return { refresher, initial: initial?.value };
}
