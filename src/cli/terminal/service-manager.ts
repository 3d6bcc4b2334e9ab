/**
 * Tells systemd the state of a service that has `Type=notify`.
 *
 * systemd listens on a datagram socket of AF_UNIX, which Node.js cannot open. `systemd-notify`, which comes
 * with systemd, sends the message; since it is a process of its own, the unit needs `NotifyAccess=all`.
 *
 * Source: sd_notify(3), systemd-notify(1), systemd.service(5) on WatchdogSec.
 */

import { spawn } from 'node:child_process';
import { codeOf } from '../../errors.js';

export interface ServiceManager {
  /** Sets the status text in `systemctl status`. */
  status(text: string): void;
  /** Reports once that the service has started: `systemctl start` returns. */
  ready(): void;
  /** Reports that the service stops. Resolves when the message is sent or has failed. */
  stopping(): Promise<void>;
}

/** Limit for one message, so that a hanging systemd-notify does not delay the end. */
const LIMIT_MS = 2000;

/** @param onFailed called once, for the first message that cannot be sent */
export function openServiceManager(
  env: Readonly<Record<string, string | undefined>>,
  onFailed: (reason: string) => void,
): ServiceManager {
  if (!env['NOTIFY_SOCKET']) return { status: () => {}, ready: () => {}, stopping: async () => {} };
  let hasFailed = false;
  let isReady = false;
  const tell = async (...variables: string[]): Promise<void> => {
    const reason = await notify(env, variables);
    if (reason !== undefined && !hasFailed) onFailed(reason);
    hasFailed ||= reason !== undefined;
  };
  const stopWatch = startWatchdog(env['WATCHDOG_USEC'], () => void tell('WATCHDOG=1'));
  return {
    status: (text) => void tell(`STATUS=${text.replaceAll('\n', ' ')}`),
    ready: () => {
      if (!isReady) void tell('READY=1');
      isReady = true;
    },
    stopping: () => {
      stopWatch();
      return tell('STOPPING=1');
    },
  };
}

/** Sends a watchdog message twice in each interval after which systemd would kill the service. */
function startWatchdog(microseconds: string | undefined, beat: () => void): () => void {
  if (!/^\d+$/.test(microseconds ?? '')) return () => {};
  const timer = setInterval(beat, Math.max(Number(microseconds) / 2000, 100));
  timer.unref();
  return () => clearInterval(timer);
}

/** @returns the reason if the message could not be sent */
function notify(
  env: Readonly<Record<string, string | undefined>>,
  variables: readonly string[],
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn('systemd-notify', variables, {
      env: { PATH: env['PATH'], NOTIFY_SOCKET: env['NOTIFY_SOCKET'] },
      stdio: 'ignore',
      timeout: LIMIT_MS,
    });
    child.once('error', (error) => resolve(codeOf(error) || error.name));
    child.once('exit', (status) => resolve(status === 0 ? undefined : `it ended with status ${status}`));
  });
}
