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
  /** What is said beside the service in `systemctl status`. */
  status(text: string): void;
  /** The work has begun: `systemctl start` ends. Said once, whatever is called. */
  ready(): void;
  /** Resolves when it is said, or cannot be. */
  stopping(): Promise<void>;
}

/** Far above what it takes; no end must wait for it. */
const LIMIT_MS = 2000;

/** @param onFailed told once, where nothing can be said */
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

/** A sign of life at half the time after which systemd takes the program for hung. */
function startWatchdog(microseconds: string | undefined, beat: () => void): () => void {
  if (!/^\d+$/.test(microseconds ?? '')) return () => {};
  const timer = setInterval(beat, Math.max(Number(microseconds) / 2000, 100));
  timer.unref();
  return () => clearInterval(timer);
}

/** @returns why it could not be said */
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
