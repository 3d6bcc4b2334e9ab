/** Runs the program in a real pseudo-terminal, which Python makes, and types. */
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const hasPython = spawnSync('python3', ['--version'], { stdio: 'ignore' }).status === 0;

const PROGRAM = join(import.meta.dirname, '..', '..', 'dist', 'bin.cjs');

interface Shown {
  readonly shown: string;
  readonly status: number;
  readonly echoed: readonly boolean[];
  readonly echoesAtEnd: boolean;
}

/** @param steps what to wait for, and the keys to press then, each as bytes in Latin-1 */
export function inTerminal(
  args: readonly string[],
  steps: ReadonlyArray<[string, string[]]>,
): Promise<Shown> {
  const argv = [process.execPath, PROGRAM, ...args];
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };
  return new Promise((resolve, reject) => {
    const child = execFile('python3', [join(import.meta.dirname, 'pseudo-terminal.py')], (error, stdout) =>
      error ? reject(error) : resolve(JSON.parse(stdout)),
    );
    child.stdin?.end(JSON.stringify({ argv, env, steps }));
  });
}
