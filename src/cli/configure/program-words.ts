/** The words that start this program, by absolute paths: Node and the script, or the one file. */
import { basename, delimiter, isAbsolute, join } from 'node:path';
import { isSameFile } from '../../files/real-path.js';
import type { Environment } from '../../options/choose-values.js';

/**
 * A process knows its own path without links, such as `…/Cellar/node/22.1.0/bin/node`, which the next
 * upgrade removes. The `node` or `rolesanywhere` in `PATH` is a path that stays.
 *
 * @param program Node and the script, or the one file, as the process knows them
 */
export function programWords([program = '', ...script]: readonly string[], env: Environment): string[] {
  const names = script.length > 0 ? ['node'] : [...new Set([basename(program), 'rolesanywhere'])];
  const folders = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [paths.find((path) => isSameFile(path, program)) ?? program, ...script];
}
