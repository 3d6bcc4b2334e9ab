/**
 * Writes each new session into a profile of the credentials file. A failed write (full disk, held lock) is
 * retried until it succeeds or a newer session replaces it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Session } from '../../session/response.js';
import type { Log } from '../terminal/log.js';
import { errorFields } from '../terminal/log.js';
import { writeProfile } from '../update/shared-credentials.js';

/** A profile in a file. */
export interface ProfilePlace {
  readonly path: string;
  readonly profile: string;
}

export interface ProfileWriter {
  put(session: Session): void;
  /** Stops retrying; resolves when the current write is done. */
  end(): Promise<void>;
}

const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 60_000;

/** @throws OutputError `ERR_FILE_WRITE` */
export async function writeSession(place: ProfilePlace, session: Session, log: Log): Promise<void> {
  const { path, profile } = place;
  const { mode, isMerged } = await writeProfile(path, profile, session);
  log.info('written', { path, profile, expiration: session.expiration });
  if (isMerged) {
    const message = `the file had several sections [${profile}]: their credentials are merged into the first`;
    log.warn('merged', { path, profile, message });
  }
  if (mode === 0o600) return;
  const isOpen = (mode & 0o077) !== 0;
  log[isOpen ? 'warn' : 'info']('file-mode', {
    path,
    mode: mode.toString(8).padStart(4, '0'),
    message: isOpen ? 'other users may read the credentials: chmod 600 the file' : 'mode kept',
  });
}

export function createProfileWriter(
  place: ProfilePlace,
  log: Log,
  onWritten: (session: Session) => void,
): ProfileWriter {
  const ended = new AbortController();
  let wanted: Session | undefined;
  let working: Promise<void> | undefined;
  const work = async (): Promise<void> => {
    let pauseMs = FIRST_PAUSE_MS;
    while (wanted !== undefined) {
      const session = wanted;
      try {
        await writeSession(place, session, log);
        onWritten(session);
        if (wanted === session) wanted = undefined;
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        log.error('write-failed', { ...errorFields(error), retryInSeconds: pauseMs / 1000 });
        await sleep(pauseMs, undefined, { signal: ended.signal }).catch(() => undefined);
        if (ended.signal.aborted) return;
        pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
      }
    }
    working = undefined;
  };
  return {
    put(session) {
      wanted = session;
      working ??= work();
    },
    async end() {
      ended.abort();
      await working;
    },
  };
}
