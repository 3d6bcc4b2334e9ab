/** A refresher over a source of sessions, which starts with the cached one. */
import type { Session } from '../session/response.js';
import type { RefresherOptions } from './refresher.js';
import { Refresher } from './refresher.js';
import type { CreateCall, SessionSource } from './session-source.js';

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
