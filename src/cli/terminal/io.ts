/** The interface between a command and `process`: arguments, environment, streams and signals. */
import { codeOf, OutputError, printable } from '../../errors.js';

export interface Io {
  /** Without the names of Node and of the script. */
  readonly argv: readonly string[];
  /** The words that start this program: Node and the script. */
  readonly program: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Opens standard input. A function, so that runs that do not read it do not open it. */
  stdin(): AsyncIterable<Uint8Array | string>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** A signal that SIGINT, SIGTERM and SIGHUP abort. The caller must end when it aborts. */
  interrupted(): AbortSignal;
  /** Sets the process title to the program's name and the command. */
  showCommand(name: string): void;
  /** Calls the listener for these signals instead of ending the process. @returns an undo function */
  onSignal(names: readonly NodeJS.Signals[], listener: (name: NodeJS.Signals) => void): () => void;
  /**
   * Runs work that SIGINT, SIGTERM and SIGHUP do not interrupt: the process ends when the work is done, or at
   * the second signal. No effect if a command has listeners for them.
   */
  unbroken<T>(work: () => Promise<T>): Promise<T>;
  /** Calls the listener for SIGHUP, by which services reload, instead of ending the process. */
  onHangup(listener: () => void): void;
}

export interface Output {
  readonly isTTY?: boolean;
  /** Width of the terminal. */
  readonly columns?: number;
  /** Only the callback gets the error: nobody needs to listen for `error` events. */
  write(text: string | Uint8Array, callback?: (error?: Error | null) => void): unknown;
}

/**
 * Resolves when the text has left this process, so that an exit cannot cut it short.
 *
 * @throws OutputError `ERR_FILE_WRITE`: the reader has gone, or the disk is full
 */
export function print(output: Output, text: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(text, (cause) => {
      if (!cause) return resolve();
      const reason = codeOf(cause) || cause.name;
      return reject(new OutputError('ERR_FILE_WRITE', `the output cannot be written: ${reason}`, { cause }));
    });
  });
}

/** Writes a text for people, without control characters. Ignores errors, such as a closed pipe. */
export function say(output: Output, text: string): void {
  output.write(printable(text));
}
