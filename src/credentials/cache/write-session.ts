/** Locks the file of a session, and writes it. */
import type { Lock } from '../../files/lock.js';
import { acquireLock } from '../../files/lock.js';
import { reasonOf, removeLeftovers, writeError, writeFileWhole } from '../../files/write-file.js';
import { openPlace } from '../../files/write-place.js';
import { sweepFolder } from './entries.js';
import type { Place } from './place.js';
import { LEAST_LEFT_MS, withKey } from './place.js';
import type { KeptSession } from './sealed-session.js';
import { sealSession } from './sealed-session.js';

/**
 * Waits for the lock, at most as long as another process may take to create a session.
 *
 * @param isCached ends the waiting
 * @returns undefined without the lock: the session may be cached, the wait or the call may be over, or no
 *   lock can be made
 */
export async function lockUnless(
  { path, settings, logger, signal }: Place,
  isCached: () => Promise<boolean>,
): Promise<Lock | undefined> {
  const isOver = async (): Promise<boolean> => signal?.aborted === true || (await isCached());
  try {
    return await acquireLock(`${path}.lock`, { waitMs: settings.connection.timeoutMs, isOver });
  } catch (error) {
    logger?.debug?.(`cache file ${path} cannot be locked: ${reasonOf(error)}`);
    return undefined;
  }
}

/** Never fails: the debug log says why nothing was kept. */
export async function keep(place: Place, kept: KeptSession, isLocked: boolean): Promise<void> {
  const { folder, path, inputs, logger } = place;
  const { value, createdAt } = kept;
  if (value.expiration.getTime() - createdAt.getTime() <= LEAST_LEFT_MS) {
    logger?.debug?.('the session is too short to be cached');
    return;
  }
  try {
    const text = await withKey(place, (key) => sealSession(kept, key, inputs));
    await writeCacheFile(path, text, isLocked);
    await sweepFolder(folder, createdAt);
  } catch (error) {
    logger?.debug?.(error instanceof Error ? error.message : `cache file ${path} cannot be written`);
  }
}

async function writeCacheFile(path: string, text: string, isLocked: boolean): Promise<void> {
  const subject = `cache file ${path}`;
  const place = await openPlace(path).catch((cause: unknown) => {
    throw writeError(subject, cause);
  });
  try {
    if (isLocked) await removeLeftovers(place);
    await writeFileWhole(place, text, { subject });
  } finally {
    place.close();
  }
}
