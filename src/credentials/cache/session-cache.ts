/**
 * Caches sessions in encrypted files that are of no use without the private key, one file for each set of
 * inputs. A process that finds no session takes a lock, so that many processes create one session.
 *
 * It never fails: a file that cannot be read counts as absent, and a session that cannot be written is not
 * cached. The debug log says so.
 */
import { createHash } from 'node:crypto';
import type { Lock } from '../../files/lock.js';
import { acquireLock } from '../../files/lock.js';
import { reasonOf, removeLeftovers, writeError, writeFileWhole } from '../../files/write-file.js';
import { openPlace } from '../../files/write-place.js';
import type { SigningIdentity } from '../../identity/identity.js';
import type { Environment } from '../../options/choose-values.js';
import type { Logger } from '../../session/call-service.js';
import type { Session } from '../../session/response.js';
import type { Settings } from '../../session/settings.js';
import type { Replaced } from '../refresher.js';
import { cacheFolders, pathFor, prepareFolder, readCacheFile, sweepFolder } from './folder.js';
import type { KeptSession } from './sealed-session.js';
import { openSession, PURPOSE, sealSession } from './sealed-session.js';

/**
 * Minimum lifetime of a session from the cache: botocore runs a credential process on every use once 15
 * minutes or less are left.
 */
const LEAST_LEFT_MS = 20 * 60 * 1000;

/** Difference between clocks that is tolerated in the times of a session. */
const TOLERANCE_MS = 5 * 60 * 1000;

export interface CacheContext {
  readonly env: Environment;
  readonly now: () => Date;
  readonly logger?: Logger | undefined;
  /** Ends waiting for other processes: `create` is then called at once, with the same signal. */
  readonly signal?: AbortSignal | undefined;
}

export interface SessionCache {
  /** The cached session. @param leastLeftMs minimum lifetime; default 20 minutes */
  read(leastLeftMs?: number): Promise<KeptSession | undefined>;
  /**
   * Gives concurrent processes one session: that of another process, or one from `create`, which is cached.
   *
   * @param replaced use another process's session only if it ends later than this one
   * @throws what `create` throws
   */
  share(create: () => Promise<Session>, replaced?: Replaced): Promise<Session>;
}

interface Place extends CacheContext {
  readonly folder: string;
  readonly path: string;
  readonly inputs: string;
  readonly settings: Settings;
  readonly deriveKey: (purpose: string) => Uint8Array | Promise<Uint8Array>;
}

/** Undefined if nothing can be cached; the reason is logged. */
export async function openCache(
  settings: Settings,
  identity: SigningIdentity,
  context: CacheContext,
): Promise<SessionCache | undefined> {
  const { logger } = context;
  if (identity.deriveKey === undefined) {
    logger?.warn?.('nothing is cached: this private key cannot derive a key for the cache');
    return undefined;
  }
  const lifetimeSeconds = lifetimeOf(settings);
  if (lifetimeSeconds * 1000 <= LEAST_LEFT_MS) {
    logger?.debug?.(`sessions of ${lifetimeSeconds} seconds are too short to be cached`);
    return undefined;
  }
  const folder = await openFolder(context);
  if (folder === undefined) return undefined;
  const inputs = inputsOf(settings, identity);
  const path = pathFor(folder, createHash('sha256').update(inputs).digest('hex').slice(0, 32));
  const deriveKey = identity.deriveKey.bind(identity);
  const place = { ...context, folder, path, inputs, settings, deriveKey };
  return {
    read: (leastLeftMs) => read(place, leastLeftMs),
    share: (create, replaced) => share(place, create, replaced),
  };
}

async function openFolder({ env, logger }: CacheContext): Promise<string | undefined> {
  const [folder] = cacheFolders(env);
  if (folder === undefined) return undefined;
  try {
    const danger = await prepareFolder(folder);
    if (danger === undefined) return folder;
    logger?.debug?.(`nothing is cached: folder ${folder} is not used, since ${danger}`);
  } catch (error) {
    logger?.debug?.(`nothing is cached: folder ${folder} cannot be used: ${reasonOf(error)}`);
  }
  return undefined;
}

/** The requested duration in seconds: that of the last role in a chain. */
function lifetimeOf({ assumeRoles, durationSeconds }: Settings): number {
  return assumeRoles.at(-1)?.durationSeconds ?? durationSeconds;
}

/** All inputs that change the response or the responding server; future options are included by default. */
function inputsOf({ source: _, connection, sts, ...asked }: Settings, identity: SigningIdentity): string {
  const { verifyTls, caBundle } = connection;
  const certificate = createHash('sha256').update(identity.certificate.raw).digest('hex');
  const all = {
    ...{ ...asked, verifyTls, caBundle, certificate },
    // Without a chain STS is not called.
    sts: asked.assumeRoles.length > 0 ? sts : undefined,
  };
  return JSON.stringify(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function read(place: Place, leastLeftMs = LEAST_LEFT_MS): Promise<KeptSession | undefined> {
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

async function share(
  place: Place,
  create: () => Promise<Session>,
  { expiration: newerThan = new Date(0), leadLimitMs }: Partial<Replaced> = {},
): Promise<Session> {
  const look = async (from: Place): Promise<Session | undefined> => {
    const kept = await read(from);
    return kept !== undefined && kept.value.expiration > newerThan ? kept.value : undefined;
  };
  const cached = await look(place);
  if (cached !== undefined) return cached;
  // Only the first look is logged: while waiting, the file is read every few milliseconds.
  const silent = { ...place, logger: undefined };
  const lock = await lockUnless(place, async () => (await look(silent)) !== undefined);
  try {
    // Another process may have written it between the last look and the lock.
    const meanwhile = await look(silent);
    if (meanwhile !== undefined) return meanwhile;
    const session = await create();
    await keep(place, { value: session, createdAt: place.now(), leadLimitMs }, lock !== undefined);
    return session;
  } finally {
    await lock?.release();
  }
}

/**
 * Waits for the lock, at most as long as another process may take to create a session.
 *
 * @param isCached ends the waiting
 * @returns undefined without the lock: the session may be cached, the wait or the call may be over, or no
 *   lock can be made
 */
async function lockUnless(
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

async function keep(place: Place, kept: KeptSession, isLocked: boolean): Promise<void> {
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

async function withKey<T>({ deriveKey }: Place, use: (key: Uint8Array) => T): Promise<T> {
  const key = await deriveKey(PURPOSE);
  try {
    return use(key);
  } finally {
    key.fill(0);
  }
}
