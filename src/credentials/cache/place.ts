/** The state that the steps of the cache share: the file of one set of inputs, and its key. */
import type { SealingKey } from '../../identity/sealing-key.js';
import type { Environment } from '../../options/choose-values.js';
import type { Logger } from '../../session/call-service.js';
import type { Settings } from '../../session/settings.js';
import { PURPOSE } from './sealed-session.js';

/**
 * Minimum lifetime of a session from the cache: botocore runs a credential process on every use once 15
 * minutes or less are left.
 */
export const LEAST_LEFT_MS = 20 * 60 * 1000;

export interface CacheContext {
  readonly env: Environment;
  readonly now: () => Date;
  readonly logger?: Logger | undefined;
  /** Ends waiting for other processes: `create` is then called at once, with the same signal. */
  readonly signal?: AbortSignal | undefined;
}

export interface Place extends CacheContext {
  readonly folder: string;
  readonly path: string;
  readonly inputs: string;
  readonly settings: Settings;
  readonly key: SealingKey;
}

export async function withKey<T>(place: Place, use: (key: Uint8Array) => T): Promise<T> {
  const key = await place.key.deriveKey(PURPOSE);
  try {
    return use(key);
  } finally {
    key.fill(0);
  }
}
