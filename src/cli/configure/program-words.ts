/** The words that start this program from anywhere: Node and the script, by absolute paths. */
import { delimiter, isAbsolute, join } from 'node:path';
import { isSameFile } from '../../files/real-path.js';
import type { Environment } from '../../options/choose-values.js';

/**
 * Node knows its own path without links, such as `…/Cellar/node/22.1.0/bin/node`, which the next upgrade
 * removes. The `node` in `PATH` is a path that stays.
 *
 * @param program Node and the script, as the process knows them
 */
export function programWords([node = '', script = '']: readonly string[], env: Environment): string[] {
  const folders = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  const stable = folders.map((folder) => join(folder, 'node')).find((path) => isSameFile(path, node));
  return [stable ?? node, script];
}
