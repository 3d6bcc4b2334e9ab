/**
 * `exec` as shells, supervisors and terminals see it: environment, exit statuses, signals, the private
 * endpoint.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Answer } from '../../fake-service.js';
import { CREDENTIALS, lastingSuccess, SESSION_ANSWER, startFakeService, status } from '../../fake-service.js';
import { credentialProcess, runMain, runProgram } from '../../program.js';
import { hasPython, inTerminal } from '../terminal.js';

const PROGRAM = join(import.meta.dirname, '..', '..', '..', 'dist', 'bin.cjs');

/** The arguments that run a command with credentials of a service that answers so. */
async function execArgs(
  answers: readonly Answer[] = [lastingSuccess],
  ...flags: string[]
): Promise<string[]> {
  const { endpoint } = await startFakeService(answers);
  return ['exec', ...credentialProcess({ endpoint }).slice(1), ...flags, '--'];
}

/** A program that prints its environment as JSON. */
const PRINT_ENV = [process.execPath, '-e', 'console.log(JSON.stringify(process.env))'];

describe('the environment of the command', () => {
  /** Variables that would give it other credentials, and secrets of this program. */
  const FOREIGN = {
    AWS_ACCESS_KEY_ID: 'foreign',
    AWS_SECRET_ACCESS_KEY: 'foreign',
    AWS_SESSION_TOKEN: 'foreign',
    AWS_SECURITY_TOKEN: 'foreign',
    AWS_CREDENTIAL_EXPIRATION: 'foreign',
    AWS_PROFILE: 'foreign',
    AWS_DEFAULT_PROFILE: 'foreign',
    AWS_ROLE_ARN: 'foreign',
    AWS_WEB_IDENTITY_TOKEN_FILE: 'foreign',
    AWS_CONTAINER_CREDENTIALS_FULL_URI: 'foreign',
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: 'foreign',
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'foreign',
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: 'foreign',
    AWS_ACCOUNT_ID: 'foreign',
    AWS_DEFAULT_REGION: 'foreign-1',
    ROLESANYWHERE_PKCS8_PASSWORD: 'canary-foreign',
    ROLESANYWHERE_PKCS12_PASSWORD: 'canary-foreign',
    ROLESANYWHERE_PKCS11_PIN: 'canary-foreign',
    ROLESANYWHERE_TPM_KEY_PASSWORD: 'canary-foreign',
  };
  const KEPT = { AWS_CONFIG_FILE: '/no/config', KEPT: 'a b\n$c', ROLESANYWHERE_CACHE: 'false' };

  it('has these credentials, and no others', async () => {
    const args = await execArgs();
    const outcome = await runProgram([...args, ...PRINT_ENV], { env: { ...FOREIGN, ...KEPT } });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    const env = JSON.parse(outcome.stdout);
    expect(env).toMatchObject({
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_SESSION_TOKEN: CREDENTIALS.sessionToken,
      AWS_CREDENTIAL_EXPIRATION: '2126-06-01T13:00:00Z',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_ACCOUNT_ID: '123456789012',
      ...KEPT,
    });
    expect(outcome.stdout).not.toContain('foreign');
  });

  it('with --server has an endpoint with a token in place of the credentials', async () => {
    const args = await execArgs([lastingSuccess], '--server');
    const outcome = await runProgram([...args, ...PRINT_ENV], { env: { ...FOREIGN, ...KEPT } });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/credentials$/),
      AWS_CONTAINER_AUTHORIZATION_TOKEN: expect.stringMatching(/^[\w-]{43}$/),
      AWS_REGION: 'us-east-1',
      ...KEPT,
    });
    expect(outcome.stdout).not.toContain('foreign');
    expect(outcome.stdout).not.toContain(CREDENTIALS.secretAccessKey);
  });
});

describe('standard streams and arguments', () => {
  it('are passed to the command unchanged', async () => {
    const args = await execArgs();
    const outcome = await runProgram(
      [
        ...args,
        'sh',
        '-c',
        'cat; printf "%s|" "$@"; echo oops >&2',
        'sh',
        '--',
        '--help',
        '',
        'a b',
        '--role-arn=x',
      ],
      {
        input: 'from outside\n',
      },
    );
    expect(outcome).toEqual({
      status: 0,
      stdout: 'from outside\n--|--help||a b|--role-arn=x|',
      stderr: 'oops\n',
    });
  });
});

describe('exit statuses', () => {
  const folder = mkdtempSync(join(tmpdir(), 'exec-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'plain'), 'exit 9\n', { mode: 0o644 });
  writeFileSync(join(folder, 'script'), '#!/no/such/interpreter\n', { mode: 0o755 });

  it.each<[string, number, readonly string[]]>([
    ['0', 0, ['true']],
    ['1', 1, ['false']],
    ['37', 37, ['sh', '-c', 'exit 37']],
    ['2, which is not ours', 2, ['sh', '-c', 'exit 2']],
    ['255', 255, ['sh', '-c', 'exit 255']],
  ])('of the command: %s', async (_name, expected, words) => {
    const args = await execArgs();
    expect(await runProgram([...args, ...words])).toEqual({ status: expected, stdout: '', stderr: '' });
  });

  it.each<[string, number, string]>([
    ['a program that is not in PATH', 127, 'no-such-program'],
    ['a path that does not exist', 127, '/no/such/program'],
    ['an empty name', 127, ''],
    ['a script without its interpreter', 127, join(folder, 'script')],
    ['a file that is not executable', 126, join(folder, 'plain')],
    ['a folder', 126, folder],
    ['a file in place of a folder', 126, join(folder, 'plain', 'x')],
  ])('of env(1): %s is %i', async (_name, expected, word) => {
    // env(1) runs first: the status must be the same.
    if (word !== '') expect(spawnSync('env', [word]).status).toBe(expected);
    for (const flags of [[], ['--server']]) {
      const outcome = await runProgram([...(await execArgs([lastingSuccess], ...flags)), word]);
      expect(outcome).toMatchObject({ status: expected, stdout: '' });
      expect(outcome.stderr).toMatch(/^rolesanywhere: .* cannot be run: .*\n$/);
    }
  });

  it('of exec itself if the command is not started', async () => {
    const refused = status(403, '{"message":"no"}', { 'x-amzn-errortype': 'AccessDeniedException' });
    const args = await execArgs([refused]);
    const outcome = await runProgram([...args, 'echo', 'started']);
    expect(outcome).toMatchObject({ status: 5, stdout: '' });
    expect(await runProgram([...(await execArgs([refused], '--server')), 'echo', 'started'])).toMatchObject({
      status: 5,
      stdout: '',
      stderr: outcome.stderr,
    });
  });
});

describe('bad input', () => {
  const FLAGS = credentialProcess().slice(1);
  it.each<[string, readonly string[], number, RegExp]>([
    ['no command', FLAGS, 2, /missing -- COMMAND \[ARGUMENT…\] \(ERR_OPTION_MISSING\)/],
    ['nothing after the dashes', [...FLAGS, '--'], 2, /missing -- COMMAND/],
    [
      'a command without dashes',
      [...FLAGS, 'ls', '-l'],
      2,
      /unexpected argument "ls".*\nhint: it must follow two dashes/,
    ],
    [
      'an unknown flag',
      [...FLAGS, '--serve', '--', 'ls'],
      2,
      /unknown flag --serve, did you mean "server"\?/,
    ],
    [
      'a missing file',
      [...credentialProcess({ certificate: '/no/file' }).slice(1), '--', 'ls'],
      3,
      /\/no\/file/,
    ],
    [
      'a missing option',
      [...credentialProcess({ 'role-arn': undefined }).slice(1), '--', 'ls'],
      2,
      /missing --role-arn/,
    ],
    ['a missing config file', ['--config', '/no/config', '--', 'ls'], 3, /\/no\/config/],
    [
      'standard input for an endpoint that refreshes',
      [...credentialProcess({ certificate: '-' }).slice(1), '--server', '--', 'ls'],
      2,
      /--certificate must not be standard input/,
    ],
  ])('%s: one clear line, and no output', async (_name, args, expected, words) => {
    const outcome = await runMain(['exec', ...args]);
    expect(outcome).toMatchObject({ status: expected, stdout: '' });
    expect(outcome.stderr).toMatch(words);
    expect(outcome.stderr).toMatch(/^rolesanywhere: .*\n(hint: .*\n)?$/);
  });
});

/** Starts the program without a terminal, as a supervisor does. */
function start(args: readonly string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let printed = '';
  child.stdout.on('data', (chunk) => (printed += String(chunk)));
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const until = async (text: string): Promise<void> => {
    while (!printed.includes(text)) await once(child.stdout, 'data');
  };
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, printed }));
  return { child, until, ended };
}

describe('signals', () => {
  it.each<NodeJS.Signals>([
    ...(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGKILL', 'SIGPIPE', 'SIGALRM'] as const),
    ...(['SIGUSR1', 'SIGUSR2', 'SIGABRT', 'SIGSEGV'] as const),
  ])('that end the command also end this program: %s', async (signal) => {
    // No core files.
    const script = `ulimit -c 0; kill -${signal.slice(3)} $$`;
    const { ended } = start([...(await execArgs()), 'sh', '-c', script]);
    expect(await ended).toMatchObject({ code: null, signal });
  });

  it('are passed on, once each, without a terminal', async () => {
    const names = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const;
    const script = `
      trap 'exit 7' TERM
      for name in INT HUP QUIT USR1 USR2 ALRM; do trap "echo SIG$name" $name; done
      echo ready
      while :; do sleep 0.05; done`;
    const { child, until, ended } = start([...(await execArgs()), 'bash', '-c', script]);
    await until('ready');
    for (const name of names.slice(1)) {
      child.kill(name);
      await until(name);
    }
    child.kill('SIGTERM');
    const lines = ['ready', ...names.slice(1), ''];
    expect(await ended).toEqual({ code: 7, signal: null, printed: lines.join('\n') });
  });

  it('before the command starts end this program', async () => {
    const { endpoint, requests } = await startFakeService([() => {}]);
    const { child, ended } = start([
      'exec',
      ...credentialProcess({ endpoint }).slice(1),
      '--',
      'echo',
      'started',
    ]);
    while (requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGTERM');
    expect(await ended).toEqual({ code: null, signal: 'SIGTERM', printed: '' });
  });
});

describe.skipIf(!hasPython)(`in a terminal${hasPython ? '' : ' (left out: no python3)'}`, () => {
  it('the command has the terminal', async () => {
    const script =
      'test -t 0 && test -t 1 && test -t 2 && tty < /dev/tty && read -p "name? " name && echo "hello $name"';
    const { shown, status: code } = await inTerminal(
      [...(await execArgs()), 'bash', '-c', script],
      [['name? ', ['you\r']]],
    );
    expect(shown).toContain('hello you');
    expect(code).toBe(0);
  });

  it('Ctrl-C reaches the command once', async () => {
    // Not a shell: while bash starts a program, Ctrl-C may miss that program.
    const script = `
      process.on('SIGINT', () => { console.log('[int]'); setTimeout(() => process.exit(5), 300); });
      setTimeout(() => {}, 10_000);
      console.log('ready');`;
    const { shown, status: code } = await inTerminal(
      [...(await execArgs()), process.execPath, '-e', script],
      [['ready', ['\u0003']]],
    );
    expect(shown.match(/\[int\]/g)).toHaveLength(1);
    expect(code).toBe(5);
  });

  it('Ctrl-C ends a command that does not expect it, and this program as well', async () => {
    const { status: code } = await inTerminal(
      [...(await execArgs()), 'sh', '-c', 'echo ready; exec sleep 20'],
      [['ready', ['\u0003']]],
    );
    expect(code).toBe(-2);
  });
});

/** A session of so many seconds from now. It is refreshed before the second half of them. */
function sessionOf(accessKeyId: string, seconds: number): Answer {
  return (response, request) => {
    const expiration = new Date(Date.now() + seconds * 1000).toISOString();
    const body = JSON.stringify(SESSION_ANSWER)
      .replace(CREDENTIALS.expiration, expiration)
      .replace(CREDENTIALS.accessKeyId, accessKeyId);
    status(201, body, { 'content-type': 'application/json' })(response, request);
  };
}

describe('--server', () => {
  const FETCH = `
    const url = process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
    const Authorization = process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
    const ask = (headers) => fetch(url, { headers });`;

  it('answers only requests with the token, and is closed when the command has ended', async () => {
    const args = await execArgs([lastingSuccess], '--server');
    const script = `${FETCH}
      const answers = [await ask({ Authorization }), await ask({}), await ask({ Authorization: 'other' })];
      const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': '60' };
      const imds = await fetch(new URL('/latest/api/token', url), { method: 'PUT', headers });
      const statuses = [...answers, imds].map(({ status }) => status);
      console.log(JSON.stringify([...statuses, await answers[0].json(), url]));`;
    const {
      status: code,
      stdout,
      stderr,
    } = await runProgram([...args, process.execPath, '--input-type=module', '-e', script]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [right, without, wrong, imds, credentials, url] = JSON.parse(stdout);
    expect([right, without, wrong, imds]).toEqual([200, 401, 401, 404]);
    expect(credentials).toMatchObject({ AccessKeyId: CREDENTIALS.accessKeyId, AccountId: '123456789012' });
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });

  it('refreshes the credentials for a command that outlives them', async () => {
    const args = await execArgs([sessionOf('ASIAFIRST', 8), lastingSuccess], '--server');
    const script = `${FETCH}
      const seen = [];
      const end = Date.now() + 14_000;
      while (Date.now() < end && !seen.includes('${CREDENTIALS.accessKeyId}')) {
        const { AccessKeyId } = await (await ask({ Authorization })).json();
        if (!seen.includes(AccessKeyId)) seen.push(AccessKeyId);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      console.log(seen.join(' '));`;
    const outcome = await runProgram([...args, process.execPath, '--input-type=module', '-e', script]);
    expect(outcome).toEqual({ status: 0, stdout: `ASIAFIRST ${CREDENTIALS.accessKeyId}\n`, stderr: '' });
  }, 30_000);

  it('says on stderr why a refresh fails', async () => {
    const refused = status(403, '{"message":"no"}', { 'x-amzn-errortype': 'AccessDeniedException' });
    const args = await execArgs([sessionOf('ASIAFIRST', 4), refused], '--server');
    const { status: code, stderr } = await runProgram([...args, 'sleep', '3']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^\S+ warn refresh-failed code=ERR_\S+ .*\n$/);
  }, 30_000);
});
