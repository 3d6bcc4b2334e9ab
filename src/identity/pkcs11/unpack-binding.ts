/**
 * Loads the binding of pkcs11js in the program as one file, where it is inside as data: build-exe.js puts this
 * in place of the file that the package requires.
 *
 * bun would write a binding to a predictable name in the folder for temporary files, and load a file of the
 * same owner and size that it finds there unread. This one is written to a fresh folder that is this user's
 * alone, and read back. On Linux it has no name any more when it is loaded: nothing can take its place.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';

const { O_CREAT, O_EXCL, O_RDWR, O_NOFOLLOW } = constants;
/** Windows has no O_NOFOLLOW. O_EXCL alone follows no link where the file would be. */
const NEW_FILE = O_CREAT | O_EXCL | O_RDWR | (O_NOFOLLOW ?? 0);

const HINT = 'set TMPDIR to a folder that this user can write to, and that is not mounted noexec';

/** Its message continues "the binding of pkcs11js …". */
class UnpackError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/**
 * @param bytes the binding, compiled for this system
 * @param sha256 of the bytes when the file was built, in hex
 * @returns its exports
 * @throws UnpackError
 */
export function unpackBinding(bytes: Uint8Array, sha256: string): unknown {
  const parent = tmpdir();
  const folder = attempt(parent, () => mkdtempSync(join(parent, 'rolesanywhere-')));
  try {
    const path = join(folder, 'pkcs11.node');
    const file = attempt(parent, () => openSync(path, NEW_FILE, 0o600));
    try {
      attempt(parent, () => writeAll(file, bytes));
      if (createHash('sha256').update(readAll(file, bytes.length)).digest('hex') !== sha256) {
        throw new UnpackError(`cannot be unpacked: data written to ${parent} reads back differently`);
      }
      return load(file, path, parent);
    } finally {
      closeSync(file);
    }
  } finally {
    remove(folder);
  }
}

function load(file: number, path: string, parent: string): unknown {
  const hasDescriptors = platform() === 'linux';
  if (hasDescriptors) remove(join(path, '..'));
  const module = { exports: {} };
  try {
    process.dlopen(module, hasDescriptors ? `/proc/self/fd/${file}` : path);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // glibc; musl and macOS, by the text of the system's error.
    if (/failed to map segment|operation not permitted|permission denied/i.test(message)) {
      throw new UnpackError(`cannot be loaded: no code may be loaded from ${parent} (mounted noexec?)`, HINT);
    }
    throw new UnpackError(`cannot be loaded: ${message}`);
  }
  return module.exports;
}

/** Windows keeps the file of a library that is loaded. */
function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {}
}

function attempt<T>(parent: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const what = code === 'ENOENT' ? 'does not exist' : `cannot be written to (${code})`;
    throw new UnpackError(`cannot be unpacked: the folder ${parent} ${what}`, HINT);
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, done);
}

function readAll(file: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let done = 0;
  for (let count = 1; count > 0; done += count) count = readSync(file, bytes, done, length - done, done);
  return bytes.subarray(0, done);
}
