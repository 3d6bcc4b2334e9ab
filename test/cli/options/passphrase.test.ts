/** Sources of a passphrase. `cli/prompt.test.ts` tests the question at the terminal. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Arguments } from '../../../src/cli/arguments.js';
import { readSession } from '../../../src/cli/options/read-session.js';
import { ARNS } from '../../fake-service.js';
import { fakeIo } from '../../program.js';

const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
const file = join(folder, 'password');
afterAll(() => rmSync(folder, { recursive: true }));

function write(content: string | Uint8Array, mode = 0o600): void {
  writeFileSync(file, content);
  chmodSync(file, mode);
}

async function read(
  values: Arguments['given'],
  input?: string | Uint8Array,
  env: Record<string, string> = {},
) {
  const { io, written } = fakeIo([], { env, ...(input !== undefined && { input }) });
  const { settings } = await readSession(
    { given: { ...ARNS, certificate: 'a.pem', ...values }, operands: [] },
    {},
    io,
  );
  return { passphrase: settings.source.passphrase, stderr: written.stderr };
}

describe.each(['passphraseFile', 'pkcs12PasswordFile'])('a file (%s)', (name) => {
  it.each<[string, string | Uint8Array, string]>([
    ['a line', 'secret\n', 'secret'],
    ['no line end', 'secret', 'secret'],
    ['a line of Windows', 'secret\r\n', 'secret'],
    ['two line ends, of which one belongs to it', 'secret\n\n', 'secret\n'],
    ['blanks, which belong to it', ' se cret \n', ' se cret '],
    ['letters beyond ASCII', 'pässwörd €😀\n', 'pässwörd €😀'],
    ['nothing: the empty passphrase', '', ''],
    ['a line end alone: the empty passphrase', '\n', ''],
  ])('with %s', async (_name, content, passphrase) => {
    write(content);
    expect(await read({ [name]: file })).toEqual({ passphrase, stderr: '' });
  });

  it.each<[string, Uint8Array | number, string]>([
    ['that is not UTF-8', Uint8Array.of(0x70, 0xe4), 'it is not UTF-8'],
    ['that is larger than any password', 1024 * 1024 + 1, 'it is larger than 1 MiB'],
  ])('%s is refused', async (_name, content, reason) => {
    write(typeof content === 'number' ? new Uint8Array(content) : content);
    await expect(read({ [name]: file })).rejects.toMatchObject({
      code: 'ERR_FILE_UNREADABLE',
      message: `password file ${file} cannot be read: ${reason}`,
    });
  });

  it.each([
    ['/no/such', 'there is no such file'],
    [folder, 'it is a directory'],
  ])('%s is refused', async (path, reason) => {
    await expect(read({ [name]: path })).rejects.toMatchObject({
      code: 'ERR_FILE_UNREADABLE',
      message: `password file ${path} cannot be read: ${reason}`,
    });
  });

  it.each([
    [0o600, false],
    [0o640, false],
    [0o604, true],
    [0o644, true],
  ])('with mode %o', async (mode, warns) => {
    write('secret\n', mode);
    const warning =
      `rolesanywhere: warning: password file ${file} can be read by every user of this machine: chmod ` +
      '600 it\n';
    expect(await read({ [name]: file })).toEqual({ passphrase: 'secret', stderr: warns ? warning : '' });
  });

  it('may be standard input, which no other option can read then', async () => {
    expect(await read({ [name]: '-' }, 'secret\n')).toEqual({ passphrase: 'secret', stderr: '' });
    const flag = name === 'passphraseFile' ? '--pkcs8-password-file' : '--pkcs12-password-file';
    await expect(read({ [name]: '-', certificate: '-' }, 'secret\n')).rejects.toMatchObject({
      code: 'ERR_OPTION_CONFLICT',
      message: `${flag} and --certificate both read standard input, which can be read once`,
    });
  });
});

describe('the environment', () => {
  it.each(['ROLESANYWHERE_PKCS8_PASSWORD', 'ROLESANYWHERE_PKCS12_PASSWORD'])('%s', async (name) => {
    expect(await read({}, undefined, { [name]: 'secret' })).toEqual({ passphrase: 'secret', stderr: '' });
  });

  it('may name a file', async () => {
    write('secret\n');
    const env = { ROLESANYWHERE_PKCS8_PASSWORD_FILE: file };
    expect(await read({}, undefined, env)).toEqual({ passphrase: 'secret', stderr: '' });
  });
});
