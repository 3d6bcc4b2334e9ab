/** Writing the credentials file: path, mode, owner, links, encoding. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
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
import { sharedCredentialsPath } from '../../../src/cli/options/aws-paths.js';
import { writeProfile } from '../../../src/cli/update/shared-credentials.js';

const CREDENTIALS = {
  accessKeyId: 'ASIA1',
  secretAccessKey: 'se/cret+',
  sessionToken: 'token==',
  expiration: new Date('2030-01-01T00:00:00Z'),
  accountId: '111122223333',
};
const KEYS =
  'aws_access_key_id = ASIA1\naws_secret_access_key = se/cret+\naws_session_token = token==\n' +
  'aws_account_id = 111122223333\n';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shared-credentials-'));
  path = join(folder, 'credentials');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8);

describe('writeProfile', () => {
  it('creates a file and a folder that only their owner can use, even with umask 0', async () => {
    const old = process.umask(0);
    const file = join(folder, 'home', '.aws', 'credentials');
    try {
      expect(await writeProfile(file, 'a', CREDENTIALS)).toEqual({
        mode: 0o600,
        isChanged: true,
        isMerged: false,
      });
    } finally {
      process.umask(old);
    }
    expect(readFileSync(file, 'utf8')).toBe(`[a]\n${KEYS}\n`);
    expect(modeOf(file)).toBe('600');
    expect(modeOf(join(folder, 'home', '.aws'))).toBe('700');
    expect(readdirSync(join(folder, 'home', '.aws'))).toEqual(['credentials']);
  });

  it.each([0o644, 0o400, 0o660])('keeps mode %o and returns it', async (mode) => {
    writeFileSync(path, '[b]\n');
    chmodSync(path, mode);
    expect((await writeProfile(path, 'a', CREDENTIALS)).mode).toBe(mode);
    expect(modeOf(path)).toBe(mode.toString(8));
    expect(readFileSync(path, 'utf8')).toBe(`[b]\n[a]\n${KEYS}\n`);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'leaves the file its owner (left out where not run by root)',
    async () => {
      writeFileSync(path, '');
      chownSync(path, 1234, 5678);
      await writeProfile(path, 'a', CREDENTIALS);
      expect(statSync(path)).toMatchObject({ uid: 1234, gid: 5678 });
    },
  );

  it.each([['that exists'], ['that does not exist yet']])('follows a link to a file %s', async (state) => {
    mkdirSync(join(folder, 'elsewhere'));
    const target = join(folder, 'elsewhere', 'file');
    if (state === 'that exists') writeFileSync(target, '[b]\n');
    symlinkSync('elsewhere/file', path);
    await writeProfile(path, 'a', CREDENTIALS);
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, 'utf8')).toContain(`[a]\n${KEYS}\n`);
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual(['file']);
  });

  it('keeps bytes that are not UTF-8, and finds a profile with a non-ASCII name', async () => {
    const before = Buffer.concat([Buffer.from('# caf\xe9\n[', 'latin1'), Buffer.from('café]\nx = \xff\n')]);
    writeFileSync(path, before);
    await writeProfile(path, 'café', CREDENTIALS);
    expect(readFileSync(path)).toEqual(Buffer.concat([before, Buffer.from(KEYS)]));
  });

  it('does not write the file if nothing changes', async () => {
    await writeProfile(path, 'a', CREDENTIALS);
    const { ino } = statSync(path);
    expect((await writeProfile(path, 'a', CREDENTIALS)).isChanged).toBe(false);
    expect(statSync(path).ino).toBe(ino);
  });

  it('removes leftover temporary files of its own and nothing else', async () => {
    const uuid = '00000000-0000-0000-0000-000000000000';
    writeFileSync(join(folder, `.credentials.${uuid}.tmp`), 'half');
    writeFileSync(join(folder, `.other.${uuid}.tmp`), 'half');
    writeFileSync(join(folder, '.credentials.mine.tmp'), 'mine');
    await writeProfile(path, 'a', CREDENTIALS);
    expect(readdirSync(folder).sort()).toEqual([
      '.credentials.mine.tmp',
      `.other.${uuid}.tmp`,
      'credentials',
    ]);
  });

  it.each<[string, () => void, string]>([
    ['a folder', () => mkdirSync(path), 'it is a folder'],
    [
      'UTF-16',
      () => writeFileSync(path, '\uFEFF[b]\r\n', 'utf16le'),
      'it is not UTF-8, the encoding that AWS programs read: save it as UTF-8',
    ],
    ['a pipe', () => spawnSync('mkfifo', [path]), 'it is not a regular file'],
    ['a device', () => symlinkSync('/dev/null', path), 'it is not a regular file'],
    ['a link to itself', () => symlinkSync('credentials', path), 'its symbolic links form a loop'],
  ])('refuses %s', async (_name, make, reason) => {
    make();
    const before = lstatSync(path).isFile() ? readFileSync(path) : undefined;
    await expect(writeProfile(path, 'a', CREDENTIALS)).rejects.toMatchObject({
      code: 'ERR_FILE_WRITE',
      message: `credentials file ${path} cannot be written: ${reason}`,
    });
    if (before) expect(readFileSync(path)).toEqual(before);
    expect(readdirSync(folder)).toEqual(['credentials']);
  });

  it.each([
    ['sessionToken', 'x\n[evil]\ncredential_process = sh', 'aws_session_token'],
    ['secretAccessKey', '', 'aws_secret_access_key'],
    ['accessKeyId', '#x', 'aws_access_key_id'],
  ])('refuses %s with characters that end a value', async (name, value, key) => {
    await expect(writeProfile(path, 'a', { ...CREDENTIALS, [name]: value })).rejects.toMatchObject({
      message: `the credentials cannot be written: ${key} has characters that a credentials file cannot hold`,
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('loses no write of concurrent writers', async () => {
    writeFileSync(path, '[z]\nx = 1\n');
    const names = Array.from({ length: 12 }, (_, index) => `p${index}`);
    await Promise.all(names.map((name) => writeProfile(path, name, CREDENTIALS)));
    const text = readFileSync(path, 'utf8');
    for (const name of [...names]) expect(text).toContain(`[${name}]\n${KEYS}`);
    expect(text.startsWith('[z]\nx = 1\n')).toBe(true);
    expect(readdirSync(folder)).toEqual(['credentials']);
  });
});

describe('sharedCredentialsPath', () => {
  it.each([
    [{ HOME: '/h' }, '/h/.aws/credentials'],
    [{ HOME: '/h', AWS_SHARED_CREDENTIALS_FILE: '' }, '/h/.aws/credentials'],
    [{ HOME: '/h', AWS_SHARED_CREDENTIALS_FILE: '/x/y' }, '/x/y'],
    [{ HOME: '/h', AWS_SHARED_CREDENTIALS_FILE: '~/y' }, '/h/y'],
    [{ HOME: '/h', AWS_SHARED_CREDENTIALS_FILE: '~other/y' }, '~other/y'],
    [{ HOME: '/h', AWS_SHARED_CREDENTIALS_FILE: 'y~' }, 'y~'],
  ])('%j: %s', (env, expected) => expect(sharedCredentialsPath(env)).toBe(expected));
});
