/**
 * Runs a program in place of this one, as far as a parent can: it has this process's terminal, gets its
 * signals, and decides how this process ends.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { codeOf } from '../../errors.js';
import type { Ending } from '../command.js';
import type { Io } from '../terminal/io.js';
import { isInForeground } from './foreground.js';

/** Signals that end or instruct programs. Those of job control reach the child from the terminal. */
const PASSED_ON = [
  ...(['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const),
  ...(['SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGWINCH'] as const),
];

/** The terminal sends these to all processes in its foreground. */
const FROM_TERMINAL: ReadonlySet<string> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH']);

/** The end of the child, or the reason why it did not start. */
export type ChildEnding =
  | { readonly ending: Ending }
  | { readonly problem: string; readonly status: 126 | 127 };

/**
 * @param words the program, looked up in `PATH`, and its arguments
 * @returns the exit status of the child, or the signal that ended it; 127 for a program that does not exist
 *   and 126 for one that cannot be started, as `env(1)` has them
 */
export async function runChild(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  io: Pick<Io, 'onSignal'>,
): Promise<ChildEnding> {
  let child: ChildProcess | undefined;
  // Before the start: a signal that arrives during it is passed on when the child runs.
  const stopListening = io.onSignal(PASSED_ON, (signal) => {
    if (FROM_TERMINAL.has(signal) && isInForeground()) return;
    child?.kill(signal);
  });
  try {
    child = start(words, env);
    return await ended(child);
  } catch (error) {
    return problemOf(error);
  } finally {
    stopListening();
  }
}

function start(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): ChildProcess {
  // Node has an error of its own for this.
  if (program === '') throw Object.assign(new Error('no name'), { code: 'ENOENT' });
  return spawn(program, args, { env, stdio: 'inherit' });
}

function ended(child: ChildProcess): Promise<ChildEnding> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      // A signal that cannot be sent is also an error event of the child, which keeps running.
      if (child.pid === undefined) reject(error);
    });
    child.once('exit', (code, signal) => resolve({ ending: signal ?? code ?? 1 }));
  });
}

function problemOf(error: unknown): ChildEnding {
  const code = codeOf(error);
  if (code === 'ENOENT')
    return { problem: 'there is no such program, or no interpreter for it', status: 127 };
  const problem = code === 'EACCES' ? 'permission denied' : code;
  return { problem, status: 126 };
}
