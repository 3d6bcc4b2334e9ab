import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { COMMANDS } from '../../src/cli/commands/table.js';
import { ARNS, CA_BUNDLE, RSA, startFakeService, lastingSuccess as success } from '../fake-service.js';
import { manifest, path, text } from '../fixtures.js';
import { runMain, runProgram } from '../program.js';

const FLAGS = [
  ...['--trust-anchor-arn', ARNS.trustAnchorArn],
  ...['--profile-arn', ARNS.profileArn],
  ...['--role-arn', ARNS.roleArn],
];
const IDENTITY = ['--certificate', RSA.certificate, '--private-key', RSA.privateKey];

const JSON_TEXT =
  '{"Version":1,"AccessKeyId":"ASIAEXAMPLEACCESSKEY","SecretAccessKey":"example/secret+access=key",' +
  '"SessionToken":"example//session++token==","Expiration":"2126-06-01T13:00:00Z",' +
  '"AccountId":"123456789012"}';

const SHOWN =
  'rolesanywhere: warning: --pkcs8-password shows the passphrase to every user of this machine; ' +
  'ROLESANYWHERE_PKCS8_PASSWORD does not\n';
const ENCRYPTED = ['--certificate', RSA.certificate, '--private-key', path('rsa-2048.scrypt.pem')];

describe('credential-process prints the JSON and nothing else', () => {
  it.each<[string, readonly string[], { env?: Record<string, string>; input?: string }, string]>([
    ['with two files', IDENTITY, {}, ''],
    ['with --flag=value', [`--certificate=${RSA.certificate}`, `--private-key=${RSA.privateKey}`], {}, ''],
    ['with one file', ['--certificate', path('rsa-2048.combined.pem')], {}, ''],
    ['with standard input', ['--certificate', '-'], { input: text('rsa-2048.combined.pem') }, ''],
    [
      'with the key on standard input',
      ['--certificate', RSA.certificate, '--private-key', '-'],
      { input: text('rsa-2048.key.pem') },
      '',
    ],
    ['with the certificate as text', [`--certificate=${text('rsa-2048.combined.pem')}`], {}, ''],
    ['with --debug=false', [...IDENTITY, '--debug=false', '--no-verify-ssl=false'], {}, ''],
    ['with an empty flag, which is none', [...IDENTITY, '--region', '', '--role-session-name='], {}, ''],
    ['with --with-proxy', [...IDENTITY, '--with-proxy'], {}, ''],
    ['with --pkcs8-password, warning', [...ENCRYPTED, '--pkcs8-password', manifest.passphrase], {}, SHOWN],
    [
      'with ROLESANYWHERE_PKCS8_PASSWORD',
      ENCRYPTED,
      { env: { ROLESANYWHERE_PKCS8_PASSWORD: manifest.passphrase } },
      '',
    ],
    ['with --no-verify-ssl', [...IDENTITY, '--no-verify-ssl'], {}, ''],
    [
      'with a short key',
      ['--certificate', path('warn-rsa-1024.pem'), '--private-key', path('warn-rsa-1024.key.pem')],
      {},
      '',
    ],
  ])('%s', async (_name, flags, options, stderr) => {
    const { endpoint, requests } = await startFakeService([success]);
    // A child has a standard input of its own.
    const run = options.input === undefined ? runMain : runProgram;
    const outcome = await run(['credential-process', ...FLAGS, ...flags, '--endpoint', endpoint], options);
    expect(outcome).toEqual({ status: 0, stdout: JSON_TEXT, stderr });
    expect(requests).toHaveLength(1);
  });

  // Cron mails every line, and every program that uses the profile would show them.
  it.each([
    ['--no-verify-ssl', [...IDENTITY, '--no-verify-ssl'], "the service's TLS certificate is not verified"],
    [
      'a short key',
      ['--certificate', path('warn-rsa-1024.pem'), '--private-key', path('warn-rsa-1024.key.pem')],
      'should have an RSA key of at least 2048 bits, found 1024: make a new key of 2048 bits or more',
    ],
  ])('and with --debug the warning about %s', async (_name, flags, words) => {
    const { endpoint } = await startFakeService([success]);
    const args = ['credential-process', ...FLAGS, ...flags, '--endpoint', endpoint, '--debug'];
    const { status, stderr } = await runMain(args);
    expect(status).toBe(0);
    expect(stderr).toMatch(new RegExp(`^rolesanywhere: warning: .*${words}`, 'm'));
  });

  it.skipIf(process.platform === 'win32')(
    'and with --debug the warning that every user can read the key',
    async () => {
      const { endpoint } = await startFakeService([success, success, success]);
      const folder = mkdtempSync(join(tmpdir(), 'public-key-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const key = join(folder, 'host.key');
      writeFileSync(key, text('rsa-2048.key.pem'));
      const flags = ['--certificate', RSA.certificate, '--private-key', key, '--endpoint', endpoint];
      const run = async (mode: number, ...more: string[]): Promise<string> => {
        chmodSync(key, mode);
        const { stderr } = await runMain(['credential-process', ...FLAGS, ...flags, ...more]);
        return stderr;
      };
      const warning = `warning: private key ${key} can be read by every user of this machine: chmod 600 it`;
      expect(await run(0o644, '--debug')).toContain(warning);
      expect(await run(0o640, '--debug')).not.toContain('every user');
      expect(await run(0o644)).toBe('');
    },
  );

  it.each<[string, readonly string[], Record<string, string>, string]>([
    ['--ca-bundle', ['--ca-bundle', CA_BUNDLE], {}, ''],
    ['AWS_CA_BUNDLE', [], { AWS_CA_BUNDLE: CA_BUNDLE }, ''],
    ['--no-verify-ssl', ['--no-verify-ssl'], {}, ''],
  ])('over TLS with %s', async (_name, flags, env, stderr) => {
    const { endpoint } = await startFakeService([success], { tls: true });
    const args = ['credential-process', ...FLAGS, ...IDENTITY, ...flags, '--endpoint', endpoint];
    expect(await runMain(args, { env })).toEqual({ status: 0, stdout: JSON_TEXT, stderr });
  });

  it('with the values of the flags in the request', async () => {
    const { endpoint, requests } = await startFakeService([success]);
    const further = ['--session-duration=900', '--role-session-name', 'build', '--region', 'eu-west-1'];
    await runMain([
      'credential-process',
      ...FLAGS,
      ...IDENTITY,
      ...further,
      '--endpoint',
      `${endpoint}/base/`,
    ]);
    expect(requests).toHaveLength(1);
    const [request] = requests;
    expect(request).toMatchObject({
      method: 'POST',
      body: '{"durationSeconds":900,"roleSessionName":"build"}',
    });
    const { pathname, searchParams } = new URL(request?.url ?? '', 'http://x');
    expect(pathname).toBe('/base/sessions');
    expect(Object.fromEntries(searchParams)).toEqual(ARNS);
    expect(request?.headers['authorization']).toMatch(/\/eu-west-1\/rolesanywhere\/aws4_request, /);
  });

  it('without reading files of other AWS programs', async () => {
    const { endpoint } = await startFakeService([success]);
    const env = { AWS_PROFILE: 'no-such-profile', AWS_CONFIG_FILE: '/no/config', AWS_REGION: 'mars-1' };
    const outcome = await runMain(['credential-process', ...FLAGS, ...IDENTITY, '--endpoint', endpoint], {
      env,
    });
    expect(outcome).toEqual({ status: 0, stdout: JSON_TEXT, stderr: '' });
  });
});

describe('--debug', () => {
  it('shows requests and signatures on stderr, and nothing more on stdout', async () => {
    const { endpoint, port, requests } = await startFakeService([success]);
    const { status, stdout, stderr } = await runMain([
      'credential-process',
      ...FLAGS,
      ...IDENTITY,
      '--endpoint',
      endpoint,
      '--debug',
    ]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: JSON_TEXT });
    const lines = stderr.split('\n');
    expect(lines.pop()).toBe('');
    // Fixtures are as open as the umask of the checkout made them.
    const others = lines.filter((line) => !line.startsWith('rolesanywhere: debug: '));
    expect(others.filter((line) => !line.includes('every user of this machine'))).toEqual([]);
    const shown = lines.map((line) => line.slice('rolesanywhere: debug: '.length)).join('\n');
    const date = requests[0]?.headers['x-amz-date'] as string;
    expect(shown).toContain(`canonical request:\nPOST\n/sessions\nprofileArn=arn%3Aaws%3Arolesanywhere`);
    expect(shown).toContain(`\nhost:127.0.0.1:${port}\n`);
    expect(shown).toContain(
      `string to sign:\nAWS4-X509-RSA-SHA256\n${date}\n` +
        `${date.slice(0, 8)}/us-east-1/rolesanywhere/aws4_request\n`,
    );
    expect(shown).toContain('the service answered 201, request id 11111111-2222-3333-4444-555555555555');
    expect(stderr).not.toContain('ASIAEXAMPLEACCESSKEY');
  });
});

describe('version and help', () => {
  it.each([[['version']], [['--version']]])('%j prints the version', async (args) => {
    const { VERSION } = await import('../../src/session/version.js');
    expect(await runMain(args)).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  it.each([40, 60, 80, 120])('keeps to %i columns, for every command', async (columns) => {
    const names = COMMANDS.map(({ name }) => name.split(' '));
    for (const words of [[], ...names]) {
      const env = { COLUMNS: String(columns) };
      const { status, stdout } = await runMain([...words, '--help'], { env });
      expect(status).toBe(0);
      const [text = '', example = ''] = stdout.split('Example:\n');
      const [usage = '', ...lines] = text.split('\n');
      expect(usage).toMatch(/^(Usage: |Temporary)/);
      // A flag and its placeholder stay together.
      const long = lines.filter((line) => line.length > columns && !/^ {2}--\S+ \S+$/.test(line));
      expect([words, long]).toEqual([words, []]);
      const command = example.split('\n\n')[0] ?? '';
      expect(Math.max(...command.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    }
  });

  it.each([[['--help']], [['-h']], [['help']]])('%j names every command', async (args) => {
    const { status, stdout, stderr } = await runMain(args);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^ {2}credential-process +Print credentials/m);
    expect(stdout).toMatch(/^ {2}version /m);
  });

  it('credential-process --help shows the flags in groups, wrapped, with an example', async () => {
    const { status, stdout, stderr } = await runMain(['credential-process', '--help', '--no-such-flag']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const headings = [...stdout.matchAll(/^(\w.*):$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(['Identity', 'Session', 'Role chaining', 'Network', 'Output', 'Example']);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/^ {2}--role-arn ARN +role to assume \(required\)$/m);
    expect(stdout).not.toContain('--cert-selector');
    const all = await runMain(['help', 'credential-process', '--all']);
    expect(all.stdout).toMatch(/^ {2}--cert-selector SELECTOR /m);
  });

  it.each([
    [
      ['help', 'serve'],
      ['serve', '--help'],
    ],
    [
      ['help', 'cache', 'list'],
      ['cache', 'list', '--help'],
    ],
    [['help'], ['--help']],
    [[], ['--help']],
  ])('%j shows what %j shows', async (args, same) => {
    const shown = await runMain(args);
    expect(shown).toMatchObject({ status: 0, stderr: '' });
    expect(shown).toEqual(await runMain(same));
  });
});
