/**
 * Who holds a lock: this process described in one line out, and for such a line whether that process still
 * runs. A number alone does not tell, since numbers are given again: on Linux the moment of its start and the
 * machine's boot and PID namespace stand beside it.
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

/** @returns false where the process is gone for certain, true where it runs for certain, else undefined */
export function isRunning(owner: string): boolean | undefined {
  const [, pid = '', start = '', , where = ''] = OWNER.exec(owner) ?? [];
  // Numbers of another container or machine mean nothing here.
  if (pid === '' || where !== machine()) return undefined;
  if (!exists(Number(pid))) return false;
  const state = processState(Number(pid));
  if (state === undefined || start === '') return undefined;
  // A zombie has ended; only its parent has not asked yet.
  return state.start === start && !/^[ZX]$/.test(state.letter);
}

/** The user that this process acts as; undefined on Windows, where files tell nothing about it. */
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

/** Undefined where there is no /proc: on macOS and Windows. */
function processState(pid: number): { readonly letter: string; readonly start: string } | undefined {
  const text = readText(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  // The name in field 2 may hold anything, blanks and parentheses too: what follows its last one counts.
  const [letter, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const start = rest[18];
  return letter === undefined || start === undefined ? undefined : { letter, start };
}

/** Within this, a process has one number. */
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
