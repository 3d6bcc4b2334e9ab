/**
 * Describes the process that holds a lock in one line, and tells from such a line whether that process still
 * runs. Process ids are reused: on Linux the line also has the start time of the process, the boot id of the
 * machine and the PID namespace.
 *
 * Source: proc(5), `/proc/<pid>/stat`, fields 3 (state) and 22 (start, in ticks since boot); kill(2), signal
 * 0.
 */

import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { codeOf } from '../errors.js';

const OWNER = /^(\d{1,10}):(\d*):([0-9a-f]+)@(.*)$/s;

/** @param nonce hexadecimal, so that two locks of one process differ */
export function describeOwner(nonce: string): string {
  return `${process.pid}:${processState(process.pid)?.start ?? ''}:${nonce}@${machine()}`;
}

export function nonceOf(owner: string): string | undefined {
  return OWNER.exec(owner)?.[3];
}

/** @returns true if the process runs, false if it has ended, undefined if neither is certain */
export function isRunning(owner: string): boolean | undefined {
  const [, pid = '', start = '', , where = ''] = OWNER.exec(owner) ?? [];
  // Process ids of another container or machine mean nothing here.
  if (pid === '' || where !== machine()) return undefined;
  if (!exists(Number(pid))) return false;
  const state = processState(Number(pid));
  if (state === undefined || start === '') return undefined;
  // A zombie has ended; its parent has not waited for it yet.
  return state.start === start && !/^[ZX]$/.test(state.letter);
}

/** The effective user id of this process; undefined on Windows, where files have no numeric owner. */
export function ownUserId(): number | undefined {
  return process.geteuid?.();
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: another user's.
    return codeOf(error) !== 'ESRCH';
  }
}

/** Undefined without /proc: on macOS and Windows. */
function processState(pid: number): { readonly letter: string; readonly start: string } | undefined {
  const text = readText(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  // Field 2, the name, may contain blanks and parentheses: fields are counted from the last parenthesis.
  const [letter, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const start = rest[18];
  return letter === undefined || start === undefined ? undefined : { letter, start };
}

/** The machine and PID namespace, within which a process id is unique. */
function machine(): string {
  const boot = readText(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim());
  const namespace = readText(() => readlinkSync('/proc/self/ns/pid'));
  return boot === '' ? hostname() : `${boot}/${namespace}`;
}

function readText(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
