/**
 * Caches sessions in encrypted files that are of no use without the private key, one file for each set of
 * inputs. A process that finds no session takes a lock, so that many processes create one session.
 *
 * It never fails: a file that cannot be read counts as absent, and a session that cannot be written is not
 * cached. The debug log says so.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { reasonOf } from '../../files/read-file.js';
import type { SealingKey } from '../../identity/sealing-key.js';
import type { Session } from '../../session/response.js';
import type { Settings } from '../../session/settings.js';
import type { Replaced } from '../refresher.js';
import { cacheFolders, prepareFolder, readCacheFile, SUFFIX } from './folder.js';
import type { CacheContext, Place } from './place.js';
import { LEAST_LEFT_MS, withKey } from './place.js';
import type { KeptSession } from './sealed-session.js';
import { openSession } from './sealed-session.js';

/** Difference between clocks that is tolerated in the times of a session. */
const TOLERANCE_MS = 5 * 60 * 1000;

/** Undefined if nothing can be cached; the reason is logged. */
export async function openCache(
  settings: Settings,
  key: SealingKey,
  context: CacheContext,
): Promise<SessionCache | undefined> {
  const { logger } = context;
  const lifetimeSeconds = lifetimeOf(settings);
  if (lifetimeSeconds * 1000 <= LEAST_LEFT_MS) {
    logger?.debug?.(`sessions of ${lifetimeSeconds} seconds are too short to be cached`);
    return undefined;
  }
  const folder = await openFolder(context);
  if (folder === undefined) return undefined;
  const inputs = inputsOf(settings, key);
  const name = createHash('sha256').update(inputs).digest('hex').slice(0, 32);
  const path = join(folder, `${name}${SUFFIX}`);
  return new SessionCache({ ...context, folder, path, inputs, settings, key });
}

async function openFolder({ env, logger }: CacheContext): Promise<string | undefined> {
  const [folder] = cacheFolders(env);
  if (folder === undefined) return undefined;
  try {
    const danger = prepareFolder(folder);
    if (danger === undefined) return folder;
    logger?.debug?.(`nothing is cached: folder ${folder} is not used, since ${danger}`);
  } catch (error) {
    const { reasonOf } = await import('../../files/write-file.js');
    logger?.debug?.(`nothing is cached: folder ${folder} cannot be used: ${reasonOf(error)}`);
  }
  return undefined;
}

/** The requested duration in seconds: that of the last role in a chain. */
function lifetimeOf({ assumeRoles, durationSeconds }: Settings): number {
  return assumeRoles.at(-1)?.durationSeconds ?? durationSeconds;
}

/** All inputs that change the response or the responding server; future options are included by default. */
function inputsOf({ source: _, connection, sts, ...asked }: Settings, { id }: SealingKey): string {
  const { verifyTls, caBundle } = connection;
  const all = {
    ...{ ...asked, verifyTls, caBundle, identity: id },
    // Without a chain STS is not called.
    sts: asked.assumeRoles.length > 0 ? sts : undefined,
  };
  return JSON.stringify(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The cached session of one set of inputs. */
export class SessionCache {
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  /** The cached session. @param leastLeftMs minimum lifetime; default 20 minutes */
  read(leastLeftMs = LEAST_LEFT_MS): Promise<KeptSession | undefined> {
    return read(this.#place, leastLeftMs);
  }

  /**
   * Gives concurrent processes one session: that of another process, or one from `create`, which is cached.
   *
   * @param replaced use another process's session only if it ends later than this one
   * @throws what `create` throws
   */
  async share(create: () => Promise<Session>, replaced?: Replaced): Promise<Session> {
    const place = this.#place;
    const cached = await readLater(place, replaced);
    if (cached !== undefined) return cached;
    // Loaded late: a run that finds a session writes none.
    const { keep, lockUnless } = await import('./write-session.js');
    // Only the first look is logged: while waiting, the file is read every few milliseconds.
    const silent = { ...place, logger: undefined };
    const lock = await lockUnless(place, async () => (await readLater(silent, replaced)) !== undefined);
    try {
      // Another process may have written it between the last look and the lock.
      const meanwhile = await readLater(silent, replaced);
      if (meanwhile !== undefined) return meanwhile;
      const value = await create();
      const kept = { value, createdAt: place.now(), leadLimitMs: replaced?.leadLimitMs };
      await keep(place, kept, lock !== undefined);
      return value;
    } finally {
      await lock?.release();
    }
  }
}

/** The cached session, unless it ends before the one that it would replace. */
async function readLater(place: Place, replaced: Replaced | undefined): Promise<Session | undefined> {
  const session = (await read(place, LEAST_LEFT_MS))?.value;
  const newerThan = replaced?.expiration ?? new Date(0);
  return session !== undefined && session.expiration > newerThan ? session : undefined;
}

async function read(place: Place, leastLeftMs: number): Promise<KeptSession | undefined> {
  const { path, inputs, logger } = place;
  try {
    const text = await readCacheFile(path);
    const kept =
      text === undefined ? undefined : await withKey(place, (key) => openSession(text, key, inputs));
    const state = text === undefined ? 'does not exist' : stateOf(place, kept, leastLeftMs);
    logger?.debug?.(`cache file ${path} ${state ?? 'is used'}`);
    return state === undefined ? kept : undefined;
  } catch (error) {
    logger?.debug?.(`cache file ${path} cannot be read: ${reasonOf(error)}`);
    return undefined;
  }
}

/** The reason not to use a cached session; undefined if it is usable. */
function stateOf(
  { settings, now }: Place,
  kept: KeptSession | undefined,
  leastLeftMs: number,
): string | undefined {
  if (kept === undefined) return 'is damaged, or was written with another key or version';
  const leftMs = kept.value.expiration.getTime() - now().getTime();
  if (leftMs <= leastLeftMs) return `has ${leastLeftMs / 60_000} minutes or less left`;
  // The clock was set back since: the session may actually have expired.
  return leftMs > lifetimeOf(settings) * 1000 + TOLERANCE_MS ? 'was written in the future' : undefined;
}
