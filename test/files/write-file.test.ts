import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileWhole } from '../../src/files/write-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'write-file-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('writeFileWhole', () => {
  it('creates a file with mode 0600', async () => {
    const path = join(folder, 'new');
    await writeFileWhole(path, 'text');
    expect(readFileSync(path, 'utf8')).toBe('text');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['new']);
  });

  it('replaces the target of a link, not the link', async () => {
    const path = join(folder, 'target');
    writeFileSync(path, 'old');
    symlinkSync(path, join(folder, 'link'));
    await writeFileWhole(join(folder, 'link'), 'new', { mode: 0o640 });
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(readdirSync(folder).sort()).toEqual(['link', 'target']);
  });

  it('names file and reason, and leaves no temporary file', async () => {
    const path = join(folder, 'nowhere', 'file');
    await expect(writeFileWhole(path, 'text', { subject: 'state file' })).rejects.toMatchObject({
      code: 'ERR_FILE_WRITE',
      message: 'state file cannot be written: there is no such folder',
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});
