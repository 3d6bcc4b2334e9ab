/** A small disk without a free byte. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/**
 * @param files existing files by name
 * @returns false if nothing can be mounted: that needs root, and the right to
 */
export function mountFullDisk(folder: string, files: Readonly<Record<string, string>>): boolean {
  mkdirSync(folder);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'none', folder]);
  if (mounted.status !== 0) return false;
  onTestFinished(() => void spawnSync('umount', ['-l', folder]));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  try {
    writeFileSync(join(folder, 'filler'), Buffer.alloc(100_000));
  } catch {
    return true;
  }
  throw new Error(`${folder} is not full`);
}
