/**
 * `rolesanywhere cache list` and `cache clear` show and remove the cached sessions of this user. Neither
 * needs a key: role and times are readable in each file, and neither is a secret.
 */
import type { CacheEntry } from '../../credentials/cache/entries.js';
import { clearFolder, listFolder } from '../../credentials/cache/entries.js';
import { cacheFolders } from '../../credentials/cache/folder.js';
import { oneLine } from '../../errors.js';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import { HELP_FLAGS } from '../options/flags.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';

export const listCommand: Command = { flags: { Output: HELP_FLAGS }, example: '', run: list };

export const clearCommand: Command = { flags: { Output: HELP_FLAGS }, example: '', run: clear };

async function list(_args: Arguments, io: Io, now = () => new Date()): Promise<void> {
  const folders = cacheFolders(io.env).map(async (folder) => {
    const entries = await listFolder(folder);
    return entries.length === 0
      ? ''
      : `${oneLine(folder)}\n${entries.map((entry) => describe(entry, now())).join('')}`;
  });
  const text = (await Promise.all(folders)).join('');
  await print(io.stdout, text === '' ? 'nothing is cached\n' : text);
}

async function clear(_args: Arguments, io: Io): Promise<void> {
  let removed = 0;
  for (const folder of cacheFolders(io.env)) removed += await clearFolder(folder);
  await print(io.stdout, removed === 0 ? 'nothing was cached\n' : `${removed} removed\n`);
}

function describe({ name, size, label }: CacheEntry, now: Date): string {
  const shown = oneLine(name);
  if (label === undefined) return `  ${shown}  ${size} bytes\n`;
  const { roleArn, createdAt, expiration } = label;
  const minutes = (from: Date, to: Date): number => Math.floor((to.getTime() - from.getTime()) / 60_000);
  const end =
    expiration > now
      ? `ends ${expiration.toISOString()}, in ${minutes(now, expiration)} min`
      : `ended ${expiration.toISOString()}`;
  return `  ${shown}  ${size} bytes  ${minutes(createdAt, now)} min old  ${end}  ${oneLine(roleArn, 1011)}\n`;
}
