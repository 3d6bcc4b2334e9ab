/**
 * Root writes to paths that other users own parts of: with whose ids, what it refuses, and that a hostile
 * owner gains nothing by replacing folders during the write. Left out unless root runs the tests.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { writeProfile } from '../../src/cli/update/shared-credentials.js';
import { prepareFolder } from '../../src/credentials/cache/folder.js';
import { writeFileWhole } from '../../src/files/write-file.js';

const [ALICE, BOB] = [23_456, 23_457];

const CREDENTIALS = {
  accessKeyId: 'ASIAEXAMPLE',
  secretAccessKey: 'secret/example+key',
  sessionToken: 'token/example==',
  expiration: new Date('2030-01-01T00:00:00Z'),
  accountId: '123456789012',
};

let top: string;
let home: string;
let path: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'as-root-'));
  chmodSync(top, 0o755);
  if (process.getuid?.() !== 0) return;
  home = folderOf(ALICE, 'home');
  folderOf(ALICE, 'home', '.aws');
  path = join(home, '.aws', 'credentials');
});
afterEach(() => rmSync(top, { recursive: true, force: true, maxRetries: 5 }));

function folderOf(uid: number, ...names: string[]): string {
  const folder = join(top, ...names);
  mkdirSync(folder, { mode: 0o755 });
  chownSync(folder, uid, uid);
  return folder;
}

function fileOf(uid: number, file: string, text: string, mode = 0o600): string {
  writeFileSync(file, text, { mode });
  chownSync(file, uid, uid);
  return file;
}

function linkOf(uid: number, to: string, file: string): string {
  symlinkSync(to, file);
  lchownSync(file, uid, uid);
  return file;
}

const update = (file = path) => writeProfile(file, 'default', CREDENTIALS);
const ids = (file: string): number[] => [lstatSync(file).uid, lstatSync(file).gid];

describe.skipIf(process.getuid?.() !== 0)('root', () => {
  it('writes into the folder of a user as that user', async () => {
    await update();
    expect(ids(path)).toEqual([ALICE, ALICE]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toContain('[default]\naws_access_key_id = ASIAEXAMPLE\n');
    expect(readdirSync(join(home, '.aws'))).toEqual(['credentials']);
    expect([process.geteuid?.(), process.getegid?.()]).toEqual([0, 0]);
  });

  it('makes missing folders as that user', async () => {
    rmSync(join(home, '.aws'), { recursive: true });
    await update();
    expect(ids(join(home, '.aws'))).toEqual([ALICE, ALICE]);
    expect(ids(path)).toEqual([ALICE, ALICE]);
  });

  it("keeps owner and group of a user's file", async () => {
    fileOf(ALICE, path, '[other]\nregion = eu-west-1\n', 0o640);
    chownSync(path, ALICE, 4);
    await update();
    expect(ids(path)).toEqual([ALICE, 4]);
    expect(readFileSync(path, 'utf8')).toContain('[other]\nregion = eu-west-1\n');
  });

  it("keeps the owner of a user's file in a folder of root", async () => {
    const file = fileOf(ALICE, join(top, 'credentials'), '');
    await update(file);
    expect(ids(file)).toEqual([ALICE, ALICE]);
  });

  it("follows a user's own link to a file of the same user", async () => {
    const dotfiles = folderOf(ALICE, 'home', 'dotfiles');
    fileOf(ALICE, join(dotfiles, 'credentials'), '');
    linkOf(ALICE, '../dotfiles/credentials', path);
    await update();
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(dotfiles, 'credentials'), 'utf8')).toContain('[default]');
    expect(ids(join(dotfiles, 'credentials'))).toEqual([ALICE, ALICE]);
  });

  it('does not write through a link of a user to a file of root', async () => {
    const sudoers = fileOf(0, join(top, 'sudoers'), 'root\n', 0o644);
    linkOf(ALICE, sudoers, path);
    await expect(update()).rejects.toMatchObject({ code: 'ERR_FILE_WRITE' });
    expect(readFileSync(sudoers, 'utf8')).toBe('root\n');
    expect(readdirSync(top).sort()).toEqual(['home', 'sudoers']);
  });

  it('refuses a path with several owners, and names each owner and the fix', async () => {
    const other = folderOf(BOB, 'bob');
    linkOf(ALICE, join(other, 'credentials'), path);
    await expect(update()).rejects.toMatchObject({
      code: 'ERR_FILE_WRITE',
      message: expect.stringMatching(
        new RegExp(`${home} belongs to user ${ALICE}, ${other} belongs to user ${BOB}$`),
      ),
      hint: expect.stringContaining(`sudo -u '#${BOB}'`),
    });
    expect(readdirSync(other)).toEqual([]);
  });

  it('refuses a file of one user in the folder of another', async () => {
    fileOf(BOB, path, '');
    await expect(update()).rejects.toMatchObject({ code: 'ERR_FILE_WRITE', hint: expect.any(String) });
    expect(readFileSync(path, 'utf8')).toBe('');
  });

  describe('in a world-writable folder', () => {
    let shared: string;
    beforeEach(() => {
      shared = folderOf(0, 'shared');
      chmodSync(shared, 0o777);
    });

    it('writes its own file', async () => {
      await update(join(shared, 'credentials'));
      await update(join(shared, 'sub', 'credentials'));
      expect(ids(join(shared, 'credentials'))).toEqual([0, 0]);
      expect(ids(join(shared, 'sub', 'credentials'))).toEqual([0, 0]);
    });

    it.each([0, ALICE])('follows no link of user %i', async (uid) => {
      const target = fileOf(0, join(top, 'target'), 'untouched');
      linkOf(uid, target, join(shared, 'credentials'));
      linkOf(uid, top, join(shared, 'sub'));
      for (const name of ['credentials', 'sub/target']) {
        await expect(update(join(shared, name))).rejects.toMatchObject({
          code: 'ERR_FILE_WRITE',
          message: expect.stringContaining('is a symbolic link, and every user can write to its folder'),
        });
      }
      expect(readFileSync(target, 'utf8')).toBe('untouched');
    });

    it('follows a link of root in a sticky folder, as in volumes of Kubernetes', async () => {
      chmodSync(shared, 0o1777);
      mkdirSync(join(shared, '..2026'));
      fileOf(0, join(shared, '..2026', 'credentials'), '');
      linkOf(0, '..2026', join(shared, '..data'));
      linkOf(0, '..data/credentials', join(shared, 'credentials'));
      await update(join(shared, 'credentials'));
      expect(readFileSync(join(shared, '..2026', 'credentials'), 'utf8')).toContain('[default]');
    });

    it('refuses a file of another user', async () => {
      const file = fileOf(ALICE, join(shared, 'credentials'), '');
      await expect(update(file)).rejects.toMatchObject({ code: 'ERR_FILE_WRITE' });
      expect(readFileSync(file, 'utf8')).toBe('');
    });
  });

  it('leaves the cache off in the home of another user', async () => {
    expect(prepareFolder(join(home, '.cache', 'rolesanywhere'))).toContain('another user');
    expect(existsSync(join(home, '.cache'))).toBe(false);
  });

  it('writes its own files as itself', async () => {
    await writeFileWhole(join(top, 'own'), 'text');
    expect(ids(join(top, 'own'))).toEqual([0, 0]);
  });

  // While root writes, the owner replaces a folder by a link to a folder of root, as fast as possible.
  it('is not misled by an owner who replaces folders during the write', async () => {
    const victims = folderOf(0, 'victims');
    const victim = fileOf(0, join(victims, 'credentials'), 'root only\n', 0o644);
    renameSync(join(home, '.aws'), join(home, 'real'));
    const flip = `
      const { renameSync, symlinkSync } = require('node:fs');
      process.chdir(${JSON.stringify(home)});
      for (let n = 0; ; n++) {
        symlinkSync(n % 2 ? 'real' : ${JSON.stringify(victims)}, 'next');
        renameSync('next', '.aws');
        if (n === 10) console.log('started');
      }`;
    const hostile = spawn(process.execPath, ['-e', flip], { uid: ALICE, gid: ALICE, cwd: '/' });
    const exit = once(hostile, 'exit');
    onTestFinished(() => void hostile.kill('SIGKILL'));
    await once(hostile.stdout, 'data');
    const outcomes = { written: 0, refused: 0 };
    for (let round = 0; round < 300; round++) {
      await update().then(
        () => outcomes.written++,
        () => outcomes.refused++,
      );
      expect([readFileSync(victim, 'utf8'), ...ids(victim), ...readdirSync(victims)]).toEqual([
        'root only\n',
        0,
        0,
        'credentials',
      ]);
    }
    hostile.kill('SIGKILL');
    await exit;
    // The writes met both states, so there was a race.
    expect(outcomes.written).toBeGreaterThan(0);
    expect(outcomes.refused).toBeGreaterThan(0);
    expect(ids(join(home, 'real', 'credentials'))).toEqual([ALICE, ALICE]);
  });

  it('opens other files with its own ids meanwhile', async () => {
    const secret = fileOf(0, join(top, 'secret'), 'mine');
    const { readBytes } = await import('../../src/files/read-bytes.js');
    const writing = Array.from({ length: 20 }, () => update());
    const reading = Array.from({ length: 200 }, async () => {
      const { bytes } = await readBytes(secret);
      return bytes.toString();
    });
    expect(new Set(await Promise.all(reading))).toEqual(new Set(['mine']));
    await Promise.all(writing);
  });
});
