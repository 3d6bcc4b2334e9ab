/**
 * Decides with whose ids this process writes at a path, or why it must not write there.
 *
 * Root has more rights than the owner of a path: an owner who replaces a folder by a link, before or during
 * the write, could have root write anywhere. So if the whole path to the file belongs to root and one user,
 * root writes with that user's ids, and can do nothing that the user could not do alone. If it belongs to
 * several users, any of them could direct the write at the others' files: it is refused.
 */
import type { UserIds } from './act-as.js';
import { FileFault } from './file-fault.js';
import { ownUserId } from './owner.js';
import type { Step, WalkedPath } from './walk-path.js';
import { isNeutral, isOpenToAll } from './walk-path.js';

/**
 * The ids that this process writes with.
 *
 * @returns undefined: as itself
 * @throws FileFault `ERR_FOREIGN_PATH`
 */
export function writerOf({ steps, file }: WalkedPath): UserIds | undefined {
  const me = ownUserId();
  if (me !== 0) {
    const link = steps.find(
      ({ stats }) => stats.isSymbolicLink() && !isNeutral(stats.uid) && stats.uid !== me,
    );
    if (link === undefined) return undefined;
    const reason = `${link.path} is a symbolic link of user ${link.stats.uid}`;
    throw new FileFault('ERR_FOREIGN_PATH', reason, 'name the file by a path without links of other users');
  }
  const foreign = steps.filter(({ stats }) => !isNeutral(stats.uid));
  const [first] = foreign;
  if (first === undefined) return refusePlanted(steps, file);
  const others = file !== undefined && !isNeutral(file.stats.uid) ? [...foreign, file] : foreign;
  if (others.some(({ stats }) => stats.uid !== first.stats.uid)) throw ofSeveral(others);
  // Group 0 would be more than the user has.
  const { uid } = first.stats;
  return { uid, gid: foreign.find(({ stats }) => stats.gid !== 0)?.stats.gid ?? uid };
}

/** Root's own folders. What another user has put into one that is open to all is not written for that user. */
function refusePlanted(steps: readonly Step[], file: Step | undefined): undefined {
  const folder = steps.at(-1);
  if (file === undefined || folder === undefined || isNeutral(file.stats.uid)) return undefined;
  if (!isOpenToAll(folder.stats)) return undefined;
  throw ofSeveral([file]);
}

function ofSeveral(steps: readonly Step[]): FileFault {
  const first = steps.filter(
    ({ stats }, at) => steps.findIndex((step) => step.stats.uid === stats.uid) === at,
  );
  const owners = first.map(({ path, stats }) => `${path} belongs to user ${stats.uid}`).join(', ');
  const uid = steps.at(-1)?.stats.uid;
  return new FileFault(
    'ERR_FOREIGN_PATH',
    `root does not write to a path that other users control: ${owners}`,
    `run it as the user whose file it is: sudo -u '#${uid}' …, or User=${uid} in the unit`,
  );
}
