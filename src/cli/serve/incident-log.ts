/**
 * Logs requests that are refused and connections that are closed, at most one line a second for each reason:
 * a client that repeats its mistake, or an attacker, must not fill the disk.
 */
import type { Fields, Log } from '../terminal/log.js';

/** @param event `refused`, `closed` @param reason of a fixed set */
export type ReportIncident = (event: string, reason: string, fields?: Fields) => void;

const PAUSE_MS = 1_000;

export function createIncidentLog(log: Log, now: () => Date): ReportIncident {
  const logged = new Map<string, { readonly at: number; unsaid: number }>();
  return (event, reason, fields = {}) => {
    const key = `${event} ${reason}`;
    const at = now().getTime();
    const last = logged.get(key);
    if (last !== undefined && Math.abs(at - last.at) < PAUSE_MS) {
      last.unsaid += 1;
      return;
    }
    logged.set(key, { at, unsaid: 0 });
    // The number of suppressed lines since the last one.
    log.info(event, { reason, ...fields, ...(last?.unsaid && { unlogged: last.unsaid }) });
  };
}
