/**
 * Judges the path of a Unix socket, and sets the socket's mode. Root binds, changes modes and removes with
 * more rights than a user whose folder leads to the socket: that user could direct each of these at any file.
 */
import { chmodSync, closeSync, constants, existsSync, fstatSync, openSync, statSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { FileFault } from './file-fault.js';
import { walkPath } from './walk-path.js';
import { O_PATH } from './write-place.js';
import { writerOf } from './writer.js';

/** Linux has it, macOS does not. */
const DESCRIPTORS = '/proc/self/fd';

/** The bytes of `sun_path` without the final NUL. Node 20 binds what is left of a longer path. */
const MAX_PATH_BYTES = { linux: 107, macos: 103 };

/** @throws the system's error, FileFault `ERR_PATH_TOO_LONG` `ERR_FOREIGN_PATH` `ERR_FOREIGN_LINK` */
export function assertSocketPlace(path: string): void {
  // Windows' named pipes are in no folder.
  if (sep !== '/') return;
  const length = Buffer.byteLength(path);
  const limit = existsSync(DESCRIPTORS) ? MAX_PATH_BYTES.linux : MAX_PATH_BYTES.macos;
  if (length > limit) {
    const reason = `its path has ${length} bytes, the limit for sockets is ${limit}`;
    throw new FileFault('ERR_PATH_TOO_LONG', reason);
  }
  // For a folder that does not exist, Node's listen() reports that permission is denied.
  statSync(dirname(resolve(path)));
  const owner = writerOf(walkPath(path));
  if (owner === undefined) return;
  throw new FileFault(
    'ERR_FOREIGN_PATH',
    `a folder of user ${owner.uid} leads to it, and this process runs as root`,
    `run it as that user, or name a socket in a folder of root, such as /run/rolesanywhere`,
  );
}

/**
 * A default ACL of the folder counts in place of the umask, so the mode is set once more.
 *
 * @throws the system's error, FileFault `ERR_SOCKET_MODE`
 */
export function restrictSocket(path: string, mode: number): void {
  if (sep !== '/') return;
  const [found, close] = pin(path);
  try {
    chmodSync(found, mode);
    const stats = statSync(found);
    if (stats.isSocket() && (stats.mode & 0o777) === mode) return;
    throw new FileFault('ERR_SOCKET_MODE', 'its folder does not allow setting its mode');
  } finally {
    close();
  }
}

/** On Linux the mode is set of the socket itself, not of what a link in its place leads to. */
function pin(path: string): [path: string, close: () => void] {
  if (!existsSync(DESCRIPTORS)) return [path, () => {}];
  const file = openSync(path, O_PATH | constants.O_NOFOLLOW);
  const close = () => closeSync(file);
  if (fstatSync(file).isSocket()) return [`${DESCRIPTORS}/${file}`, close];
  close();
  throw new FileFault('ERR_CHANGED', 'it was replaced meanwhile');
}
