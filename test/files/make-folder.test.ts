import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeFolder } from '../../src/files/make-folder.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'make-folder-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('creates missing parents that only their owner can use, also concurrently', async () => {
  const path = join(folder, 'a', 'b', 'c');
  await Promise.all(Array.from({ length: 20 }, async () => makeFolder(path)));
  makeFolder(path);
  for (const made of [path, join(folder, 'a')]) expect(statSync(made).mode & 0o777).toBe(0o700);
});

it('fails if a file has the path or a link dangles', () => {
  writeFileSync(join(folder, 'file'), '');
  symlinkSync(join(folder, 'gone'), join(folder, 'link'));
  expect(() => makeFolder(join(folder, 'file'))).toThrow('EEXIST');
  expect(() => makeFolder(join(folder, 'file', 'a', 'b'))).toThrow('ENOTDIR');
  expect(() => makeFolder(join(folder, 'link', 'a', 'b'))).toThrow('EEXIST');
});

it.runIf(process.platform === 'linux')('fails in /proc, where no folder can be created', () => {
  expect(() => makeFolder('/proc/rolesanywhere/a')).toThrow('ENOENT');
});
