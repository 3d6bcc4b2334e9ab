/** Once, before all tests: builds what they run, and installs the real client where it is missing and may be. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export function setup(): void {
  const root = join(import.meta.dirname, '..');
  execFileSync(process.execPath, ['esbuild.config.js'], { cwd: root, stdio: 'inherit' });
  installAwsCli();
}

/** Only as root on Debian; elsewhere, and where it fails, the tests that need it say that they were left out. */
function installAwsCli(): void {
  const isInstalled = spawnSync('aws', ['--version'], { stdio: 'ignore' }).status === 0;
  if (isInstalled || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args: string[]): boolean =>
    spawnSync('apt-get', ['-qq', ...args], { env, stdio: 'ignore', timeout: 120_000 }).status === 0;
  if (apt('update')) apt('install', '-y', '--no-install-recommends', 'awscli');
}
