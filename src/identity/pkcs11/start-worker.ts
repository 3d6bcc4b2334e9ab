/** Starts the process that runs a PKCS#11 module. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { childEnvironment } from '../../options/child-environment.js';

/**
 * @param command program and arguments that run `worker.ts`
 * @param env of this process
 */
export function startWorker(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ChildProcess {
  // Modules of some vendors write to standard output; what they write to standard error is for the user.
  const child = spawn(program, args, {
    // In lists of processes: the program may be /proc/self/exe.
    argv0: 'rolesanywhere',
    stdio: ['pipe', 'ignore', 'inherit', 'pipe'],
    env: childEnvironment(env),
    windowsHide: true,
  });
  // It ends when its standard input does: it must not keep this process alive.
  child.unref();
  for (const pipe of [child.stdin, child.stdio[3]]) {
    if (pipe && 'unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
  }
  return child;
}
