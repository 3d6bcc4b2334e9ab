/** `env`: the variables in each format, their reverse, and bad input. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { CREDENTIALS, lastingSuccess, startFakeService } from '../../fake-service.js';
import { credentialProcess, runMain, runProgram } from '../../program.js';

const VARIABLES = {
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  AWS_SESSION_TOKEN: CREDENTIALS.sessionToken,
  AWS_CREDENTIAL_EXPIRATION: '2126-06-01T13:00:00Z',
  AWS_REGION: 'us-east-1',
  AWS_DEFAULT_REGION: 'us-east-1',
};

const FORMATS = ['posix', 'fish', 'powershell', 'cmd', 'dotenv', 'json', 'systemd', 'docker'];
const AWS_FORMATS = ['process', 'env', 'env-no-export', 'powershell', 'windows-cmd'];

async function print(format: string, env: Record<string, string> = {}): Promise<string> {
  const { endpoint } = await startFakeService([lastingSuccess]);
  const args = ['env', ...credentialProcess({ endpoint }).slice(1), '--format', format];
  const outcome = await runMain(args, { env });
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  return outcome.stdout;
}

/** The AWS variables that a shell has after it has run the text. */
function variablesOf(shell: string, text: string, env: Record<string, string> = {}): Record<string, string> {
  const { stdout, stderr } = spawnSync(shell, ['-c', `${text}env`], {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env },
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  const lines = stdout.split('\n').filter((line) => line.startsWith('AWS_'));
  return Object.fromEntries(lines.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]));
}

const isMissing = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status !== 0;

describe.each([
  ['dash', 'posix'],
  ['bash', 'env'],
  ['zsh', 'posix'],
  ['fish', 'fish'],
])('%s', (shell, format) => {
  const note = isMissing(shell) ? ` (left out: no ${shell})` : '';

  it.skipIf(note !== '')(
    `gets the credentials from --format ${format}, and loses its profile${note}`,
    async () => {
      const env = { AWS_PROFILE: 'other', AWS_SECURITY_TOKEN: 'old' };
      expect(variablesOf(shell, await print(format, env), env)).toEqual(VARIABLES);
    },
  );

  it.skipIf(note !== '')(`loses them by --unset${note}`, async () => {
    const { stdout, status, stderr } = await runMain(['env', '--unset', '--format', format]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(variablesOf(shell, stdout, VARIABLES)).toEqual({});
  });
});

describe('--format', () => {
  it.each([...new Set([...FORMATS, ...AWS_FORMATS])])('%s has every value', async (format) => {
    const text = await print(format);
    const values = format === 'process' ? Object.values(VARIABLES).slice(0, 4) : Object.values(VARIABLES);
    for (const value of values) expect(text).toContain(value);
    expect(text.endsWith('\n')).toBe(true);
  });

  it('json is one object', async () => {
    expect(JSON.parse(await print('json'))).toEqual(VARIABLES);
    const { stdout } = await runMain(['env', '--unset', '--format=json']);
    expect(JSON.parse(stdout)).toEqual(
      Object.fromEntries(Object.keys(VARIABLES).map((name) => [name, null])),
    );
  });

  it('process is the output of credential-process', async () => {
    expect(JSON.parse(await print('process'))).toMatchObject({
      Version: 1,
      AccessKeyId: CREDENTIALS.accessKeyId,
      Expiration: VARIABLES.AWS_CREDENTIAL_EXPIRATION,
    });
  });

  it.each(['dotenv', 'systemd', 'docker', 'env-no-export'])(
    '%s, for files, unsets nothing',
    async (format) => {
      const text = await print(format, { AWS_PROFILE: 'other' });
      expect(text.trimEnd().split('\n')).toHaveLength(Object.keys(VARIABLES).length);
    },
  );

  it('env-no-export is read by a shell', async () => {
    const { stdout } = spawnSync('sh', [
      '-c',
      `${await print('env-no-export')}echo "$AWS_SECRET_ACCESS_KEY"`,
    ]);
    expect(String(stdout)).toBe(`${CREDENTIALS.secretAccessKey}\n`);
  });
});

describe('bad input', () => {
  it.each<[string, readonly string[], number, RegExp]>([
    [
      'an unknown format',
      ['--unset', '--format', 'psix'],
      2,
      /--format must be one of posix, fish.*did you mean "posix"\?/,
    ],
    [
      'an unknown format before a session',
      [...credentialProcess().slice(1), '--format=no'],
      2,
      /--format must be one of/,
    ],
    [
      'no way to unset',
      ['--unset', '--format', 'process'],
      2,
      /--unset and --format process exclude each other/,
    ],
    ['an unknown flag', ['--formt', 'json'], 2, /unknown flag --formt, did you mean "format"\?/],
    ['an argument', ['posix'], 2, /unexpected argument "posix"/],
    ['missing options', [], 2, /missing --/],
    ['a missing config file', ['--config', '/no/config'], 3, /\/no\/config/],
  ])('%s: one clear line, and no output', async (_name, args, expected, words) => {
    const outcome = await runMain(['env', ...args]);
    expect(outcome).toMatchObject({ status: expected, stdout: '' });
    expect(outcome.stderr).toMatch(words);
    expect(outcome.stderr).toMatch(/^rolesanywhere: .*\n(hint: .*\n)?$/);
  });

  it('a closed output is an error', async () => {
    const outcome = await runProgram(['env', '--unset'], { closesStdout: true });
    expect(outcome.status).toBe(6);
  });
});
