#!/usr/bin/env node
/**
 * The program `rolesanywhere`, also installed as `aws_signing_helper`. Besides the default of
 * `options/environment.ts`, the only file that touches `process`.
 */
import { constants } from 'node:os';
import { main } from './cli/main.js';
import { programWords } from './cli/program-name.js';
import { quickOutput } from './cli/terminal/quick-output.js';

// A passphrase given as an argument would stay in the process list for as long as this runs.
process.title = 'rolesanywhere';

let isHangupTaken = false;

/** Whether a stream of Node has been opened, in which output may be pending. */
let hasStream = false;

main({
  argv: process.argv.slice(2),
  program: programWords(process),
  env: process.env,
  // Node opens each stream at its first use: streams that a run does not use take no time.
  stdin: () => process.stdin,
  stdout: quickOutput(1, () => opened(process.stdout)),
  get stderr() {
    return opened(process.stderr);
  },
  showCommand(name) {
    process.title = `rolesanywhere ${name}`;
  },
  interrupted() {
    const controller = new AbortController();
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
    process.on('SIGHUP', () => isHangupTaken || controller.abort());
    return controller.signal;
  },
  onSignal(names, listener) {
    for (const name of names) process.on(name, listener);
    return () => {
      for (const name of names) process.off(name, listener);
    };
  },
  async unbroken(work) {
    const names = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).filter(
      (name) => process.listenerCount(name) === 0,
    );
    let received: NodeJS.Signals | undefined;
    const listener = (name: NodeJS.Signals): void => {
      if (received !== undefined) endBy(name);
      received = name;
    };
    for (const name of names) process.on(name, listener);
    try {
      return await work();
    } finally {
      for (const name of names) process.off(name, listener);
      if (received !== undefined) endBy(received);
    }
  },
  onHangup(listener) {
    isHangupTaken = true;
    process.on('SIGHUP', listener);
  },
}).then((ending) => {
  if (typeof ending !== 'number') endBy(ending);
  // Pending output must be written first. Without any, only connections may still be closing.
  else if (hasStream) process.exitCode = ending;
  else process.exit(ending);
});

/** The callback of a write hears of its failure. The event would end the process. */
function opened(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  hasStream = true;
  if (stream.listenerCount('error') === 0) stream.on('error', () => undefined);
  return stream;
}

/**
 * Ends this process with the signal that ended its child, so that the parent process sees the same status.
 */
function endBy(signal: NodeJS.Signals): void {
  // Reached if the signal does not end this process, as for the first process of a container.
  process.exitCode = 128 + constants.signals[signal];
  if (signal !== 'SIGKILL') {
    // Node ignores SIGPIPE until a listener comes and goes.
    process.once(signal, () => {});
    process.removeAllListeners(signal);
  }
  process.kill(process.pid, signal);
}
