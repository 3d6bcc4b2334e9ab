/** Token files: the existing ones that are used, and the creation of new ones. */
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
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
import { createSecretFile, readSecretFile } from '../../src/files/secret-file.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'secret-file-'));
  path = join(folder, 'token');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ALICE = 23_456;
const isRoot = process.getuid?.() === 0;
const read = (file = path) => readSecretFile(file, 'token file');

function write(mode: number, file = path): void {
  writeFileSync(file, 'secret');
  chmodSync(file, mode);
}

async function expectRefusal(words: string): Promise<void> {
  await expect(read()).rejects.toMatchObject({
    code: 'ERR_FILE_UNREADABLE',
    message: expect.stringContaining(words),
  });
}

describe('readSecretFile', () => {
  it.each([0o600, 0o400, 0o644])("reads this user's own file (mode %o)", async (mode) => {
    write(mode);
    expect(await read()).toEqual({ text: 'secret', mode });
  });

  it('returns undefined without a file', async () => {
    expect(await read()).toBeUndefined();
    expect(await read(join(folder, 'sub', 'token'))).toBeUndefined();
  });

  it.each([0o620, 0o602, 0o666])('refuses a file that others can write to (mode %o)', async (mode) => {
    write(mode);
    await expectRefusal('other users can write to it');
    await expect(read()).rejects.toMatchObject({ hint: `chmod 600 ${path}` });
  });

  it('follows links of this user, such as ..data of Kubernetes; refuses a dangling one', async () => {
    mkdirSync(join(folder, '..2026'));
    write(0o600, join(folder, '..2026', 'token'));
    symlinkSync('..2026', join(folder, '..data'));
    symlinkSync('..data/token', path);
    expect((await read())?.text).toBe('secret');
    rmSync(join(folder, '..2026', 'token'));
    await expectRefusal('it is a symbolic link to a file that does not exist');
    await expect(createSecretFile(path, 'x', 'token file')).rejects.toMatchObject({ code: 'ERR_FILE_WRITE' });
    expect(readdirSync(join(folder, '..2026'))).toEqual([]);
  });

  it('refuses a link in a world-writable folder', async () => {
    write(0o600, join(folder, 'mine'));
    symlinkSync('mine', path);
    chmodSync(folder, 0o777);
    await expectRefusal('is a symbolic link, and every user can write to its folder');
  });

  it('refuses a folder, a device, and an oversized file', async () => {
    mkdirSync(path);
    await expectRefusal('it is a directory');
    rmSync(path, { recursive: true });
    symlinkSync('/dev/zero', path);
    await expectRefusal('it is not a regular file');
    rmSync(path);
    writeFileSync(path, 'x'.repeat(65_537));
    await expectRefusal('it is larger than');
  });

  describe.skipIf(!isRoot)('as root', () => {
    it("refuses another user's file, and a file in another user's folder", async () => {
      write(0o600);
      chownSync(path, ALICE, ALICE);
      await expectRefusal(`it belongs to user ${ALICE}`);
      chownSync(path, 0, 0);
      chownSync(folder, ALICE, ALICE);
      await expectRefusal(`${folder} belongs to user ${ALICE}`);
    });

    it("refuses another user's link to a good file", async () => {
      write(0o600, join(folder, 'mine'));
      symlinkSync('mine', path);
      lchownSync(path, ALICE, ALICE);
      await expectRefusal(`${path} belongs to user ${ALICE}`);
    });
  });
});

describe('createSecretFile', () => {
  it('creates a file that only this user can read, and keeps an existing one', async () => {
    const mask = process.umask(0);
    try {
      expect(await createSecretFile(path, 'first', 'token file')).toBe(true);
    } finally {
      process.umask(mask);
    }
    expect(statSync(path).mode & 0o7777).toBe(0o600);
    expect(await createSecretFile(path, 'second', 'token file')).toBe(false);
    expect(readFileSync(path, 'utf8')).toBe('first');
    expect(readdirSync(folder)).toEqual(['token']);
  });

  it.skipIf(!isRoot)("creates no file in another user's folder", async () => {
    chownSync(folder, ALICE, ALICE);
    await expect(createSecretFile(path, 'x', 'token file')).rejects.toMatchObject({
      code: 'ERR_FILE_WRITE',
      message: expect.stringContaining(`${folder} belongs to user ${ALICE}`),
      hint: expect.stringContaining('run it as that user'),
    });
    expect(existsSync(path)).toBe(false);
  });
});
