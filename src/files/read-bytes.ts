/**
 * Reads a whole file into memory, bounded in size, and a pipe in time: a FIFO, a device or an endless file at
 * a path can neither hang the program nor fill its memory. Every file that the program reads goes through
 * `readBytes`.
 *
 * Source: fifo(7), open(2): a blocking open of a FIFO waits for a writer, cannot be cancelled, and keeps the
 * process from ending. With O_NONBLOCK it returns at once, and a read sees an end of file until there is a
 * writer.
 */
import type { Stats } from 'node:fs';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '../errors.js';
import { standardInput } from '../options/environment.js';
import { FileFault } from './file-fault.js';

/** Far above any chain with its key, any password and any configuration file. */
const MAX_INPUT_BYTES = 1024 * 1024;

/** A shell opens a FIFO for writing before it starts the program that writes: it is there at once. */
const FIRST_WRITER_MS = 5000;

/** For the whole content of a pipe. Long, since the program at its other end may ask a person for a PIN. */
const PIPE_MS = 30_000;

const [FIRST_PAUSE_MS, MAX_PAUSE_MS] = [2, 50];

const FIRST_CHUNK_BYTES = 16 * 1024;

// Zero on Windows, which has none of them.
const { O_RDONLY, O_NONBLOCK = 0, O_NOCTTY = 0, O_NOFOLLOW = 0 } = constants;

export interface ReadPolicy {
  /** Default 1 MiB. */
  readonly maxBytes?: number | undefined;
  /**
   * Whether the path may name a pipe or a device, as `<(…)` and `/dev/stdin` do. Default false: files that
   * the program has written itself, or that it shares with other programs, are regular.
   */
  readonly mayBePipe?: boolean | undefined;
}

export interface FileContent {
  readonly bytes: Buffer;
  readonly stats: Stats;
}

/**
 * Called if there is no data to read now. @returns whether the file has ended; else it has waited a little
 */
type Waiter = (state: 'end-of-file' | 'would-block', bytesRead: number) => Promise<boolean>;

/**
 * @throws the system's error, or FileFault `ERR_NOT_FILE` `ERR_TOO_LARGE` `ERR_PIPE_TIMEOUT`: see `reasonOf`
 */
export async function readBytes(
  path: string,
  { maxBytes = MAX_INPUT_BYTES, mayBePipe = false }: ReadPolicy = {},
): Promise<FileContent> {
  // Synchronous: with O_NONBLOCK nothing waits, and starting Node's threads takes longer than reading.
  let file: number;
  try {
    file = openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  } catch (error) {
    if (codeOf(error) === 'ENXIO') return readSocket(path, { maxBytes, mayBePipe });
    throw error;
  }
  try {
    const stats = fstatSync(file);
    assertKind(stats, mayBePipe);
    if (stats.size > maxBytes) throw tooLarge(maxBytes);
    const waiter: Waiter = stats.isFile() ? async () => true : pipeWaiter(await isNamedPipe(path, stats));
    return { bytes: await readToEnd(file, stats.size, maxBytes, waiter), stats };
  } finally {
    closeSync(file);
  }
}

/**
 * Reads a regular file that is no link. Synchronous, since it may run with the ids of another user.
 *
 * @returns undefined if there is no such file
 * @throws as `readBytes`
 */
export function readRegularFile(path: string, maxBytes: number): FileContent | undefined {
  const file = openIfThere(path);
  if (file === undefined) return undefined;
  try {
    const stats = fstatSync(file);
    assertKind(stats, false);
    if (stats.size > maxBytes) throw tooLarge(maxBytes);
    return { bytes: readRegular(file, stats.size), stats };
  } finally {
    closeSync(file);
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw codeOf(error) === 'ENXIO' || codeOf(error) === 'ELOOP' ? notRegular() : error;
  }
}

/** Bytes that are appended meanwhile are left for the next reader. */
function readRegular(file: number, size: number): Buffer {
  const buffer = Buffer.alloc(Math.max(size, 1));
  let length = 0;
  for (;;) {
    const bytesRead = readSync(file, buffer, length, buffer.length - length, null);
    length += bytesRead;
    if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length);
  }
}

/**
 * Reads a stream to its end. Without a limit of time: a person may be typing.
 *
 * @throws FileFault `ERR_TOO_LARGE`, and what the stream throws
 */
export async function readStream(
  stream: AsyncIterable<Uint8Array | string>,
  maxBytes: number = MAX_INPUT_BYTES,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    chunks.push(bytes);
    length += bytes.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
  }
  return Buffer.concat(chunks);
}

/**
 * Sockets cannot be opened by name. One that was inherited is read as a pipe is: Node.js and other programs
 * give their children sockets as standard input.
 */
async function readSocket(path: string, { maxBytes, mayBePipe }: Required<ReadPolicy>): Promise<FileContent> {
  const name = /^\/(?:dev|proc\/self)\/(stdin|fd\/\d+)$/.exec(path)?.[1] ?? '';
  if (name === '' || !mayBePipe) throw notRegular();
  const fd = name === 'stdin' ? 0 : Number(name.slice('fd/'.length));
  const stats = fstatSync(fd);
  const socket = await openSocket(fd);
  const timer = setTimeout(
    () => socket.destroy(pipeTimeout('its writer did not close it', PIPE_MS)),
    PIPE_MS,
  );
  try {
    return { bytes: await readStream(socket, maxBytes), stats };
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/** bun's Socket reads no descriptor; its standard input does. */
async function openSocket(fd: number): Promise<Readable> {
  if (fd === 0) return standardInput();
  const { Socket } = await import('node:net');
  return new Socket({ fd, readable: true, writable: false });
}

function assertKind(stats: Stats, mayBePipe: boolean): void {
  // Reading a directory fails with the system's own error.
  if (stats.isDirectory()) return;
  if (stats.isFile() || (mayBePipe && (stats.isFIFO() || stats.isCharacterDevice()))) return;
  throw notRegular();
}

/** A file may grow while it is read, and generated files (`/proc`) have no size: the end of file decides. */
async function readToEnd(file: number, size: number, maxBytes: number, wait: Waiter): Promise<Buffer> {
  // One octet more than the file has, so that one read sees all of it and the next one its end.
  let buffer: Buffer = Buffer.alloc(Math.max(size, FIRST_CHUNK_BYTES) + 1);
  let length = 0;
  try {
    for (;;) {
      const state = readSome(file, buffer, length);
      if (typeof state !== 'number') {
        if (await wait(state, length)) return Buffer.from(buffer.subarray(0, length));
        continue;
      }
      length += state;
      if (length > maxBytes) throw tooLarge(maxBytes);
      if (length === buffer.length) buffer = grow(buffer);
    }
  } finally {
    // It may have held a key.
    buffer.fill(0);
  }
}

function grow(buffer: Buffer): Buffer {
  const larger = Buffer.alloc(buffer.length * 2);
  buffer.copy(larger);
  buffer.fill(0);
  return larger;
}

function readSome(file: number, buffer: Buffer, offset: number): number | 'end-of-file' | 'would-block' {
  try {
    return readSync(file, buffer, offset, buffer.length - offset, null) || 'end-of-file';
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return 'would-block';
    throw error;
  }
}

/**
 * A FIFO without a writer reads as ended; the pipe of `<(…)`, which has no name, has its writer from the
 * start.
 */
function pipeWaiter(isNamed: boolean): Waiter {
  const limit = AbortSignal.timeout(PIPE_MS);
  const writerLimit = AbortSignal.timeout(FIRST_WRITER_MS);
  let pauseMs = FIRST_PAUSE_MS;
  return async (state, bytesRead) => {
    const isUnwritten = state === 'end-of-file' && bytesRead === 0;
    if (state === 'end-of-file' && !(isNamed && isUnwritten)) return true;
    if (isUnwritten && writerLimit.aborted) throw pipeTimeout('nothing was written to it', FIRST_WRITER_MS);
    if (limit.aborted) throw pipeTimeout('its writer did not close it', PIPE_MS);
    await sleep(pauseMs);
    pauseMs = Math.min(pauseMs * 1.5, MAX_PAUSE_MS);
    return false;
  };
}

/** The pipe behind `/dev/fd/63` has no path of its own. */
async function isNamedPipe(path: string, stats: Stats): Promise<boolean> {
  return stats.isFIFO() && (await realpath(path).catch(() => undefined)) !== undefined;
}

function notRegular(): FileFault {
  return new FileFault('ERR_NOT_FILE', 'it is not a regular file');
}

function tooLarge(maxBytes: number): FileFault {
  return new FileFault('ERR_TOO_LARGE', `it is larger than ${maxBytes / 1024 / 1024} MiB`);
}

function pipeTimeout(what: string, limitMs: number): FileFault {
  return new FileFault('ERR_PIPE_TIMEOUT', `it is a pipe, and ${what} within ${limitMs / 1000} seconds`);
}
