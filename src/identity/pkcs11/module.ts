/**
 * A PKCS#11 module in a process of its own (`worker.ts`): asks it, and turns a crash, a hang or a refusal
 * into an IdentityError. The process ends after a while without requests, and the next request starts it
 * again.
 */
import type { ChildProcess } from 'node:child_process';
import { IdentityError } from '../../errors.js';
import { explainPkcs11Failure } from './failure.js';
import type { OperationName, Operations, Reply, Request } from './messages.js';

export interface AskLimits {
  /** Milliseconds until the module counts as hung. Default 20,000. */
  readonly timeoutMs?: number;
  /** Called once if the response takes longer than two seconds: a person may have to touch the token. */
  readonly onWaiting?: (() => void) | undefined;
}

export interface ModuleOptions {
  /** Path or name of the shared library. */
  readonly path: string;
  /** Starts `worker.ts` with pipes on standard input and descriptor 3. */
  readonly start: () => ChildProcess;
  /** Milliseconds until a module that is being loaded counts as hung. Default 20,000. */
  readonly openMs?: number;
  /** Milliseconds without a request after which the process ends. Default 5000. */
  readonly idleMs?: number;
}

const TIMEOUT_MS = 20_000;
const WAITING_MS = 2000;
const IDLE_MS = 5000;

export class Pkcs11Module {
  readonly #options: ModuleOptions;
  #process: ModuleProcess | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: ModuleOptions) {
    this.#options = options;
  }

  /** @throws IdentityError */
  async ask<Name extends OperationName>(
    name: Name,
    argument: Parameters<Operations[Name]>[0],
    limits: AskLimits = {},
  ): Promise<ReturnType<Operations[Name]>> {
    const { path, start, openMs = TIMEOUT_MS, idleMs = IDLE_MS } = this.#options;
    clearTimeout(this.#idle);
    if (this.#process?.isRunning !== true) this.#process = new ModuleProcess(path, start(), openMs);
    const asked = this.#process;
    try {
      await asked.opened;
      return await asked.ask(name, argument, limits);
    } finally {
      clearTimeout(this.#idle);
      // Neither the process nor the clock keeps a program alive that has nothing else to do.
      this.#idle = setTimeout(() => asked.stop(), idleMs).unref();
    }
  }

  /** Ends the process. */
  close(): void {
    clearTimeout(this.#idle);
    this.#process?.stop();
  }
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: IdentityError) => void;
}

/** One child, from its start to its end. */
class ModuleProcess {
  /** Whether the module has been loaded: every request waits for it. */
  readonly opened: Promise<unknown>;
  isRunning = true;
  readonly #path: string;
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #text = '';

  constructor(path: string, child: ChildProcess, openMs: number) {
    this.#path = path;
    this.#child = child;
    child.stdio[3]?.on('data', (chunk: Buffer) => this.#read(chunk));
    child.stdin?.on('error', () => undefined);
    child.on('error', (error) => this.stop(`could not be started: ${error.message}`));
    child.on('exit', (status, signal) => {
      this.stop(`ended ${signal === null ? `with status ${status}` : `by ${signal}`}`);
    });
    this.opened = this.ask('open', { module: path }, { timeoutMs: openMs });
    // Each request that waits for it gets the error.
    this.opened.catch(() => undefined);
  }

  ask<Name extends OperationName>(
    name: Name,
    argument: Parameters<Operations[Name]>[0],
    { timeoutMs = TIMEOUT_MS, onWaiting }: AskLimits,
  ): Promise<ReturnType<Operations[Name]>> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const hung = setTimeout(() => this.stop(`did not answer within ${timeoutMs / 1000} s`), timeoutMs);
      const waiting = setTimeout(() => onWaiting?.(), WAITING_MS);
      const settle = (): void => {
        clearTimeout(hung);
        clearTimeout(waiting);
        this.#pending.delete(id);
      };
      this.#pending.set(id, {
        resolve: (result) => {
          settle();
          resolve(result as ReturnType<Operations[Name]>);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      const request: Request = { id, name, argument };
      this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    });
  }

  /** Ends the process; requests without an answer fail for this reason. */
  stop(reason = 'was stopped'): void {
    this.isRunning = false;
    this.#child.kill('SIGKILL');
    const error = new IdentityError('ERR_PKCS11_MODULE', `PKCS#11 module ${this.#path} ${reason}`, {
      hint: 'try the module with `pkcs11-tool --module PATH --list-objects`, and update it',
    });
    for (const { reject } of [...this.#pending.values()]) reject(error);
  }

  #read(chunk: Buffer): void {
    const lines = (this.#text + chunk.toString()).split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) {
      const reply = parseReply(line);
      if (reply === undefined) {
        this.stop('wrote to the pipe of its responses');
        return;
      }
      const { id, result, failure } = reply;
      if (failure === undefined) this.#pending.get(id)?.resolve(result);
      else this.#pending.get(id)?.reject(explainPkcs11Failure(failure, this.#path));
    }
  }
}

/** Undefined for a line that a module has written itself. */
function parseReply(line: string): Reply | undefined {
  try {
    return JSON.parse(line) as Reply;
  } catch {
    return undefined;
  }
}
