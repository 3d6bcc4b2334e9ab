/**
 * Which of the two in, what is in the caches of this user out, shown or removed. Nothing here needs a key, and nothing
 * shown is a secret: role and times stand readable on each file.
 */
import type { CacheEntry } from '../../credentials/cache/folder.js';
import { cacheFolders, clearFolder, listFolder } from '../../credentials/cache/folder.js';
import { oneLine } from '../../errors.js';
import type { RawValues } from '../../options/values.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';

export async function list(_values: RawValues, io: Io, now = () => new Date()): Promise<void> {
  const folders = cacheFolders(io.env).map(async (folder) => {
    const entries = await listFolder(folder);
    return entries.length === 0
      ? ''
      : `${folder}\n${entries.map((entry) => describe(entry, now())).join('')}`;
  });
  const text = (await Promise.all(folders)).join('');
  await print(io.stdout, text === '' ? 'nothing is cached\n' : text);
}

export async function clear(_values: RawValues, io: Io): Promise<void> {
  let removed = 0;
  for (const folder of cacheFolders(io.env)) removed += await clearFolder(folder);
  await print(io.stdout, removed === 0 ? 'nothing was cached\n' : `${removed} removed\n`);
}

function describe({ name, size, label }: CacheEntry, now: Date): string {
  if (label === undefined) return `  ${name}  ${size} bytes\n`;
  const { roleArn, createdAt, expiration } = label;
  const minutes = (from: Date, to: Date): number => Math.floor((to.getTime() - from.getTime()) / 60_000);
  const end =
    expiration > now
      ? `ends ${expiration.toISOString()}, in ${minutes(now, expiration)} min`
      : `ended ${expiration.toISOString()}`;
  return `  ${name}  ${size} bytes  ${minutes(createdAt, now)} min old  ${end}  ${oneLine(roleArn, 1011)}\n`;
}
