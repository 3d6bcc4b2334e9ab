/**
 * The one place of the library that uses `process`: the environment, which is the default where a caller
 * passes none (AWS users expect `AWS_CA_BUNDLE` and `HTTPS_PROXY` to count in programs too), standard input,
 * Node's own modules, its warnings, and a stopwatch.
 */
import type { Readable } from 'node:stream';
import type { Environment } from './choose-values.js';

export function ambientEnvironment(): Environment {
  return process.env;
}

/** A file may be named /dev/stdin. */
export function standardInput(): Readable {
  return process.stdin;
}

interface Builtins {
  'node:crypto': typeof import('node:crypto');
  'node:http': typeof import('node:http');
  'node:net': typeof import('node:net');
  'node:tls': typeof import('node:tls');
}

/**
 * A module of Node, when it is needed. On Node 24 `import('node:http')` takes 20 ms longer, since it also
 * loads undici for the names of its namespace; and no bundler resolves, hoists or replaces this.
 */
export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] {
  return process.getBuiltinModule(name);
}

/**
 * Runs a function, during which no ExperimentalWarning is printed. Other warnings are.
 *
 * @param run ends before anything else can run: it is not async
 */
export function withoutExperimentalWarning<Result>(run: () => Result): Result {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...details: never[]): void => {
    if (details[0] !== 'ExperimentalWarning') emitWarning.call(process, warning, ...details);
  };
  try {
    return run();
  } finally {
    process.emitWarning = emitWarning;
  }
}

declare const ROLESANYWHERE_EXE: boolean | undefined;

/** Whether this is the program as one file (`npm run build:exe`), which has no packages beside it. */
export function isSingleFile(): boolean {
  return typeof ROLESANYWHERE_EXE !== 'undefined';
}

/**
 * Measures time that no change of the system's clock affects. `performance` would do, but the first use of
 * it loads ten modules of Node.
 *
 * @returns milliseconds since the call
 */
export function stopwatch(): () => number {
  const startedAt = process.hrtime();
  return () => {
    const [seconds, nanoseconds] = process.hrtime(startedAt);
    return seconds * 1000 + nanoseconds / 1e6;
  };
}
