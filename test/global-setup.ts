/** Builds the program and the library once, before all tests. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export function setup(): void {
  const root = join(import.meta.dirname, '..');
  execFileSync(process.execPath, ['esbuild.config.js'], { cwd: root, stdio: 'inherit' });
}
