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

/**
 * @param steps the output to wait for, and the keys to press then, each as bytes in Latin-1
 * @param place its home and working folder; default: a home that does not exist
 */
export function inTerminal(
  args: readonly string[],
  steps: ReadonlyArray<readonly [string, string[]]>,
  { home = '/nonexistent', cwd = process.cwd() }: { home?: string; cwd?: string } = {},
): Promise<Shown> {
  const argv = [process.execPath, PROGRAM, ...args];
  const env = { PATH: process.env['PATH'], HOME: home };
  return new Promise((resolve, reject) => {
    const script = join(import.meta.dirname, 'pseudo-terminal.py');
    const child = execFile('python3', [script], { cwd }, (error, stdout) =>
      error ? reject(error) : resolve(JSON.parse(stdout)),
    );
    child.stdin?.end(JSON.stringify({ argv, env, steps }));
  });
}
