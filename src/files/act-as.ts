/**
 * Runs file operations with the ids of another user, as `sudo -e` does, so that root has no more rights over
 * a path than its owner.
 *
 * The ids belong to the whole process: the C library sets those of all threads. So the operations are
 * synchronous, and wait until no file is being opened on Node's thread pool, where the open would fail
 * without permission.
 *
 * Source: seteuid(2), nptl(7) on the ids of threads.
 */
import { codeOf } from '../errors.js';
import { FileFault } from './file-fault.js';

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

let opening = 0;
const waiting: Array<() => void> = [];

/** Keeps the ids of this process until the operation has ended: for asynchronous opens. */
export async function withOwnIds<T>(open: () => Promise<T>): Promise<T> {
  opening++;
  try {
    return await open();
  } finally {
    opening--;
    if (opening === 0) for (const wake of waiting.splice(0)) wake();
  }
}

/**
 * @param work synchronous
 * @throws what `work` throws, and FileFault `ERR_IDS` where this process may not change its ids
 */
export async function actAs<T>({ uid, gid }: UserIds, work: () => T): Promise<T> {
  while (opening > 0) await new Promise<void>((resolve) => waiting.push(resolve));
  // From here on synchronous.
  const groups = process.getgroups?.() ?? [];
  const [ownGid, ownUid] = [process.getegid?.() ?? 0, process.geteuid?.() ?? 0];
  try {
    process.setgroups?.([gid]);
  } catch (error) {
    // Without CAP_SETGID, as in some containers.
    throw new FileFault('ERR_IDS', `this process may not act as user ${uid}: ${codeOf(error)}`);
  }
  try {
    process.setegid?.(gid);
    process.seteuid?.(uid);
    return work();
  } finally {
    process.seteuid?.(ownUid);
    process.setegid?.(ownGid);
    process.setgroups?.(groups);
  }
}
