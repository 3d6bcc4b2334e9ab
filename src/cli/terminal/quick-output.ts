/**
 * Writes to a file descriptor without Node's stream: opening the stream of a pipe loads 14 modules and takes
 * as long as reading the cache. The stream takes over for terminals and for data that cannot be written at
 * once.
 */
import { fstatSync, writeSync } from 'node:fs';
import type { Output } from './io.js';

type WriteSync = (fd: number, bytes: Uint8Array, offset: number) => number;

/**
 * @param open opens the stream of the file descriptor; called once, if at all
 * @param write default `writeSync` of `node:fs`
 */
export function quickOutput(fd: number, open: () => Output, write: WriteSync = writeSync): Output {
  let stream: Output | undefined;
  const opened = (): Output => {
    stream ??= open();
    return stream;
  };
  return {
    get isTTY() {
      return mayBeTerminal(fd) && opened().isTTY === true;
    },
    get columns() {
      return mayBeTerminal(fd) ? (opened().columns ?? 80) : 80;
    },
    write: (text, callback) => {
      const bytes = typeof text === 'string' ? Buffer.from(text) : text;
      const written = stream === undefined && !mayBeTerminal(fd) ? writeNow(fd, bytes, write) : 0;
      if (written < bytes.length) opened().write(bytes.subarray(written), callback);
      else callback?.();
    },
  };
}

function mayBeTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return true;
  }
}

/**
 * @returns how many bytes have been written. Fewer than all if the reader is slow, or after an error, which
 *   the stream will meet again and report.
 */
function writeNow(fd: number, bytes: Uint8Array, write: WriteSync): number {
  let written = 0;
  try {
    while (written < bytes.length) written += write(fd, bytes, written);
  } catch {
    // EAGAIN, EPIPE, ENOSPC.
  }
  return written;
}
