/**
 * Finds the user's home folder where AWS's programs look for it: in `HOME`, on Windows in `USERPROFILE`, else
 * as the system knows it.
 */
import { homedir, platform } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

export function homeFolder(env: Environment): string {
  return (platform() === 'win32' ? env['USERPROFILE'] : env['HOME']) || homedir();
}

/** Expands `~` and a leading `~/`, as every SDK does; only some SDKs expand `~user` and `$HOME`. */
export function expandHome(path: string, env: Environment): string {
  return /^~($|[/\\])/.test(path) ? join(homeFolder(env), path.slice(1)) : path;
}
