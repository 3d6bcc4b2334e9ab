/**
 * A software TPM (swtpm) for tests, with keys that other programs make: tpm2-tools and OpenSSL's provider
 * tpm2.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const PROGRAMS = ['swtpm', 'tpm2_create', 'openssl'] as const;

/** Programs that are missing; undefined if tests with swtpm can run. */
export function missingForSwtpm(): string | undefined {
  const program = PROGRAMS.find(
    (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).error !== undefined,
  );
  if (program !== undefined) return program;
  const provider = spawnSync('openssl', ['list', '-providers', '-provider', 'tpm2'], {
    encoding: 'utf8',
    // Without a TPM the provider loads and fails; without the file it is not there.
    env: { ...process.env, TPM2OPENSSL_TCTI: 'swtpm:port=1' },
  });
  return /DSO|could not load the shared library/.test(provider.stderr) ? 'tpm2-openssl' : undefined;
}

export interface Swtpm {
  readonly port: number;
  /** The folder that commands run in. */
  readonly folder: string;
  /** `swtpm:host=127.0.0.1,port=…`, as TPM tools and `--tpm-device` take it. */
  readonly address: string;
  /** Flushes what the programs of tpm2-tools leave in the TPM: objects and sessions. */
  flush(): void;
  /** Runs a program of tpm2-tools or openssl against this TPM. */
  run(program: string, ...args: string[]): string;
  /** Makes a `TSS2 PRIVATE KEY` file with OpenSSL. @returns its PEM text */
  opensslKey(name: string, ...args: string[]): string;
  stop(): Promise<void>;
}

/** @param flags of `--server` beside the port, such as `disconnect` */
export async function startSwtpm(flags = ''): Promise<Swtpm> {
  const folder = mkdtempSync(join(tmpdir(), 'swtpm-'));
  mkdirSync(join(folder, 'state'));
  const port = await freePort();
  const address = `swtpm:host=127.0.0.1,port=${port}`;
  const child = spawn(
    'swtpm',
    [
      ...['socket', '--tpm2', '--tpmstate', `dir=${join(folder, 'state')}`],
      ...['--server', `type=tcp,port=${port}${flags}`, '--ctrl', `type=tcp,port=${port + 1}`],
      ...['--flags', 'not-need-init,startup-clear'],
    ],
    { stdio: 'ignore' },
  );
  await untilListening(port);
  // The messages of another program are not part of a test's output.
  const env = { ...process.env, TPM2TOOLS_TCTI: address, TPM2OPENSSL_TCTI: address, TSS2_LOG: 'all+none' };
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return {
    ...{ port, folder, address, run },
    flush: () => {
      run('tpm2_flushcontext', '-t');
      run('tpm2_flushcontext', '-l');
    },
    opensslKey: (name, ...args) => {
      run('openssl', 'genpkey', '-provider', 'tpm2', '-provider', 'default', ...args, '-out', name);
      return readFileSync(join(folder, name), 'utf8');
    },
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A free port whose successor is free too: the TPM tools find swtpm's control channel there. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = await listenOn(0);
    const { port } = server.address() as AddressInfo;
    const next = await listenOn(port + 1).catch(() => undefined);
    for (const each of [server, next])
      await new Promise((resolve) => (each ? each.close(resolve) : resolve(0)));
    if (next !== undefined) return port;
  }
}

function listenOn(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(port, '127.0.0.1', () => resolve(server));
  });
}

async function untilListening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const isListening = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isListening) return;
    await wait(25);
  }
  throw new Error('swtpm does not listen');
}
