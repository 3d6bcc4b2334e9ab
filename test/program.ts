/** Runs the built program as a child process, or its `main` in this process. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { main } from '../src/cli/main.js';
import type { Io, Output } from '../src/cli/terminal/io.js';
import { ARNS, RSA } from './fake-service.js';

export interface Outcome {
  /** Undefined if the program did not end within the limit. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Text for standard input. */
  readonly input?: string | Uint8Array;
  /** The user id to run as; needs root. */
  readonly uid?: number;
  /** Close the reading end of stdout at once. */
  readonly closesStdout?: boolean;
}

const PROGRAM = join(import.meta.dirname, '..', 'dist', 'bin.cjs');
/** `EXE=FILE` tests the one file without Node.js that `npm run build:exe` has made. */
const EXE = process.env['EXE'];
const [STARTER, ...FIRST] = EXE === undefined ? [process.execPath, PROGRAM] : [EXE];
const NO_NETWORK = `--require ${JSON.stringify(join(import.meta.dirname, 'no-network.cjs'))}`;

/** Limit for one run: below vitest's own, so that the test reports the output so far. */
const LIMIT_MS = 15_000;

/**
 * The program gets only the given environment: no AWS_* variable and no proxy of the machine.
 *
 * @param args without the names of Node and of the script
 */
export async function runProgram(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const home = mkdtempSync(join(tmpdir(), 'rolesanywhere-home-'));
  const child = spawn(STARTER ?? '', [...FIRST, ...args], {
    cwd: tmpdir(),
    // A session of its own has no controlling terminal, so the program cannot ask for a passphrase.
    detached: true,
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      NODE_OPTIONS: NO_NETWORK,
      ...options.env,
    },
    ...(options.uid !== undefined && { uid: options.uid }),
  });
  // EPIPE: the program ended without reading its input.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const { closesStdout = false } = options;
  if (closesStdout) child.stdout.destroy();
  const [stdout, stderr] = [closesStdout ? '' : collect(child.stdout), collect(child.stderr)];
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  try {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? undefined));
    });
    return { status, stdout: await stdout, stderr: await stderr };
  } finally {
    clearTimeout(limit);
    rmSync(home, { recursive: true });
  }
}

interface MainOptions extends Pick<RunOptions, 'env' | 'input'> {
  /** The path that the program was started by. */
  readonly program?: string;
}

/** An `Io` for a command in this process, and the text that it wrote. */
export function fakeIo(args: readonly string[], options: MainOptions = {}) {
  const written = { stdout: '', stderr: '' };
  const output = (name: keyof typeof written): Output => ({
    write: (text, callback) => {
      written[name] += typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
      callback?.();
    },
  });
  const io: Io = {
    argv: args,
    program: ['node', options.program ?? PROGRAM],
    // The AWS config of the developer must not count.
    env: { HOME: '/nonexistent', ...options.env },
    stdin: () => Readable.from([Buffer.from(options.input ?? '')]),
    stdout: output('stdout'),
    stderr: output('stderr'),
    interrupted: () => new AbortController().signal,
    showCommand: () => {},
    onSignal: () => () => {},
    onHangup: () => {},
    unbroken: (work) => work(),
  };
  return { io, written };
}

/** As `runProgram`, but in this process, which is a hundred times as fast. */
export async function runMain(args: readonly string[], options: MainOptions = {}): Promise<Outcome> {
  const { io, written } = fakeIo(args, options);
  const status = await main(io);
  if (typeof status !== 'number') throw new Error(`ended by ${status}`);
  return { status, ...written };
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Valid flags with the given changes; `undefined` leaves a flag out. */
export function credentialProcess(flags: Readonly<Record<string, string | undefined>> = {}): string[] {
  const all = {
    'trust-anchor-arn': ARNS.trustAnchorArn,
    'profile-arn': ARNS.profileArn,
    'role-arn': ARNS.roleArn,
    certificate: RSA.certificate,
    'private-key': RSA.privateKey,
    ...flags,
  };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  return ['credential-process', ...given.map(([flag, value]) => `--${flag}=${value}`)];
}

/** The complete stderr of a failing run. */
export function report(message: string, code: string, hint?: string): string {
  return `rolesanywhere: ${message} (${code})\n${hint === undefined ? '' : `hint: ${hint}\n`}`;
}
