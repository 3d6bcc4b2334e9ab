/**
 * `configure`: the questions in a real terminal, the line that it writes, and the content that it does not
 * change.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
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
import { describe, expect, it, onTestFinished } from 'vitest';
import { formatProcessLine } from '../../../src/cli/configure/process-line.js';
import { splitCommand } from '../../../src/options/split-command.js';
import { ARNS } from '../../fake-service.js';
import { path as fixture, manifest, text } from '../../fixtures.js';
import { credentialProcess, runMain, runProgram } from '../../program.js';
import { hasPython, inTerminal } from '../terminal.js';

const PROGRAM = join(import.meta.dirname, '..', '..', '..', 'dist', 'bin.cjs');
const note = hasPython ? '' : ' (left out: no python3)';
const FLAGS = credentialProcess().slice(1);

interface Home {
  readonly folder: string;
  readonly config: string;
  readonly env: Readonly<Record<string, string>>;
  /** The names of the files in `~/.aws`. */
  files(): string[];
}

/** A home with a key that only its owner can read. @param content of `~/.aws/config`; undefined for none */
function makeHome(content?: string | Uint8Array): Home {
  const folder = mkdtempSync(join(tmpdir(), 'configure-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'host.pem'), text('rsa-2048.pem'));
  writeFileSync(join(folder, 'host.key'), text('rsa-2048.key.pem'), { mode: 0o600 });
  const config = join(folder, '.aws', 'config');
  if (content !== undefined) {
    mkdirSync(join(folder, '.aws'));
    writeFileSync(config, content, { mode: 0o640 });
  }
  const files = (): string[] =>
    existsSync(join(folder, '.aws')) ? readdirSync(join(folder, '.aws')).sort() : [];
  return { folder, config, env: { HOME: folder, PATH: process.env['PATH'] ?? '' }, files };
}

function identityOf({ folder }: Home): string[] {
  return credentialProcess({
    certificate: join(folder, 'host.pem'),
    'private-key': join(folder, 'host.key'),
  }).slice(1);
}

/** The words of a profile's line, split by Python as botocore does. */
function wordsIn(config: string, profile: string): string[] {
  const script =
    'import configparser, json, shlex, sys\n' +
    'c = configparser.RawConfigParser(); c.read(sys.argv[1], encoding="utf-8-sig")\n' +
    'print(json.dumps(shlex.split(c.get(sys.argv[2], "credential_process"))))';
  return JSON.parse(execFileSync('python3', ['-c', script, config, profile], { encoding: 'utf8' }));
}

/** Flags with their values, in any order, but for those of an assumed role. */
function pairsOf(words: readonly string[]): string[] {
  return words
    .join(' ')
    .split(/ (?=--(?!external))/)
    .sort();
}

function configure(home: Home, args: readonly string[], steps: ReadonlyArray<[string, string[]]>) {
  return inTerminal(['configure', ...args], steps, { home: home.folder, cwd: home.folder });
}

const QUESTIONS: ReadonlyArray<[string, string[]]> = [
  ['Certificate file: ', ['host.pem\r']],
  ['Private key file (empty: it is in the file of the certificate): ', ['~/host.key\r']],
  ['ARN of the trust anchor: ', [`${ARNS.trustAnchorArn}\r`]],
  ['ARN of the Roles Anywhere profile: ', [`${ARNS.profileArn}\r`]],
  ['ARN of the role: ', [`${ARNS.roleArn}\r`]],
];

/** Content that an editor that rewrites files would lose. */
const OTHERS =
  '\uFEFF# mine\r\n[profile other]\r\n  region=eu-west-1\r\n' +
  '\ts3 =\r\n\t  max_concurrent_requests = 20\r\n; end';

describe.skipIf(!hasPython)(`configure in a terminal${note}`, () => {
  it('asks, writes the line, keeps the rest of the file, and makes a backup', async () => {
    const home = makeHome(OTHERS);
    const { shown, status } = await configure(home, ['--profile', 'onprem'], QUESTIONS);
    expect(shown).toContain(`written to ${home.config}: profile onprem`);
    expect(shown).toContain('try it: aws sts get-caller-identity --profile onprem --region us-east-1');
    expect(status).toBe(0);
    const written = readFileSync(home.config, 'utf8');
    expect(written.startsWith(OTHERS)).toBe(true);
    const [node, program, ...words] = wordsIn(home.config, 'profile onprem');
    expect([existsSync(String(node)), program]).toEqual([true, PROGRAM]);
    expect(words).toEqual([
      'credential-process',
      ...['--certificate', join(home.folder, 'host.pem'), '--private-key', join(home.folder, 'host.key')],
      ...[
        '--trust-anchor-arn',
        ARNS.trustAnchorArn,
        '--profile-arn',
        ARNS.profileArn,
        '--role-arn',
        ARNS.roleArn,
      ],
    ]);
    const [config, backup] = home.files();
    expect(config).toBe('config');
    expect(backup).toMatch(/^config\.backup-\d{8}T\d{9}Z$/);
    expect(readFileSync(join(home.folder, '.aws', String(backup)), 'utf8')).toBe(OTHERS);
    expect(statSync(home.config).mode & 0o777).toBe(0o640);
  });

  it('asks again after an answer that is wrong', async () => {
    const home = makeHome();
    const [certificate, key, anchor, profile, role] = QUESTIONS;
    const steps = [
      ...[[certificate?.[0], ['no-such-file\r']], certificate, key],
      ...[[anchor?.[0], [`${ARNS.profileArn}\r`]], anchor, profile, role],
    ] as Array<[string, string[]]>;
    const { shown, status } = await configure(home, [], steps);
    expect(shown).toMatch(/no-such-file: .*\r\nCertificate file: /);
    expect(shown).toMatch(/must look like .*, found the ARN of a profile.*\r\nARN of the trust anchor: /);
    expect(status).toBe(0);
    expect(wordsIn(home.config, 'default')).toContain(ARNS.trustAnchorArn);
    expect(statSync(home.config).mode & 0o777).toBe(0o600);
  });

  it('asks only for what is missing', async () => {
    const home = makeHome();
    const args = identityOf(home).filter((flag) => !flag.startsWith('--role-arn'));
    const { shown, status } = await configure(home, args, QUESTIONS.slice(4));
    expect(shown).toMatch(/^ARN of the role: /);
    expect(status).toBe(0);
  });

  it.each(QUESTIONS.map(([question], index) => [question, index] as const))(
    'Ctrl-C at "%s" leaves the file unchanged',
    async (question, index) => {
      const home = makeHome(OTHERS);
      const steps: Array<[string, string[]]> = [...QUESTIONS.slice(0, index), [question, ['\u0003']]];
      const { status, echoesAtEnd } = await configure(home, ['--profile', 'onprem'], steps);
      expect({ status, echoesAtEnd }).toEqual({ status: -2, echoesAtEnd: true });
      expect(home.files()).toEqual(['config']);
      expect(readFileSync(home.config, 'utf8')).toBe(OTHERS);
    },
  );

  it('Ctrl-D ends it as well', async () => {
    const home = makeHome(OTHERS);
    const { shown, status } = await configure(home, [], [['Certificate file: ', ['\u0004']]]);
    expect(shown).toContain('missing answer');
    expect(status).toBe(2);
    expect(readFileSync(home.config, 'utf8')).toBe(OTHERS);
  });

  const REPLACE = 'Replace it? [y/N] ';
  const OLD = '[profile onprem]\nregion = us-east-1\ncredential_process = old --secret canary\n# end\n';

  it.each([
    ['n', '\r', 1],
    ['nothing', '\r', 1],
    ['Ctrl-C', '\u0003', -2],
  ])('does not replace a line without confirmation: %s', async (answer, end, expected) => {
    const home = makeHome(OLD);
    const typed = answer === 'n' ? `n${end}` : end;
    const { shown, status } = await configure(
      home,
      ['--profile=onprem', ...identityOf(home)],
      [[REPLACE, [typed]]],
    );
    expect(shown).toContain(`profile "onprem" of ${home.config} has another credential_process. ${REPLACE}`);
    expect(shown).not.toContain('canary');
    expect(status).toBe(expected);
    expect(home.files()).toEqual(['config']);
    expect(readFileSync(home.config, 'utf8')).toBe(OLD);
  });

  it('replaces the line in its place after confirmation, and keeps a backup of the file', async () => {
    const home = makeHome(OLD);
    const args = ['--profile=onprem', ...identityOf(home)];
    const { status } = await configure(home, args, [[REPLACE, ['y\r']]]);
    expect(status).toBe(0);
    const written = readFileSync(home.config, 'utf8');
    expect(written).toMatch(/^\[profile onprem\]\nregion = us-east-1\ncredential_process = \/.*\n# end\n$/);
    expect(readFileSync(join(home.folder, '.aws', String(home.files()[1])), 'utf8')).toBe(OLD);
    // Again: nothing to ask, nothing to write.
    const again = await configure(home, args, []);
    expect(again).toMatchObject({ status: 0, shown: expect.stringContaining('is already in') });
    expect(home.files()).toHaveLength(2);
  });

  it('asks for the passphrase of a key, and says that programs cannot', async () => {
    const home = makeHome();
    writeFileSync(join(home.folder, 'host.key'), text('rsa-2048.scrypt.pem'));
    const steps: Array<[string, string[]]> = [['Passphrase of', [`${manifest.passphrase}\r`]]];
    const { shown, status } = await configure(home, identityOf(home), steps);
    expect(shown).toContain('the line has no passphrase or PIN');
    expect(status).toBe(0);
    expect(readFileSync(home.config, 'utf8')).not.toContain(manifest.passphrase);
  });
});

describe('configure with flags', () => {
  it('writes the values of the flags, with absolute paths and without passwords', async () => {
    const home = makeHome();
    writeFileSync(join(home.folder, 'password'), 'x', { mode: 0o600 });
    const further = ['--cache', '--session-duration', '900', '--no-verify-ssl=false', '--region=eu-west-1'];
    const chain = [
      '--assume-role-arn',
      'arn:aws:iam::111122223333:role/Next',
      '--external-id',
      'a=b',
      '--instance-property=a=b c',
    ];
    const args = ['configure', '--profile', 'x', ...identityOf(home), ...further, ...chain];
    const relative = args.map((arg) => arg.replace(`${tmpdir()}/`, ''));
    const outcome = await runProgram(relative, { env: { ...home.env, ROLESANYWHERE_TIMEOUT_MS: '5000' } });
    expect(outcome).toMatchObject({ status: 0 });
    expect(pairsOf(wordsIn(home.config, 'profile x').slice(3))).toEqual(
      pairsOf([
        ...['--certificate', join(home.folder, 'host.pem'), '--private-key', join(home.folder, 'host.key')],
        ...['--trust-anchor-arn', ARNS.trustAnchorArn, '--profile-arn', ARNS.profileArn],
        ...['--role-arn', ARNS.roleArn, '--region', 'eu-west-1', '--session-duration', '900', '--cache'],
        ...['--instance-property', 'a=b c', '--no-verify-ssl=false', '--timeout-ms', '5000'],
        ...['--assume-role-arn', 'arn:aws:iam::111122223333:role/Next --external-id a=b'],
      ]),
    );
  });

  it('--print shows the lines and changes nothing', async () => {
    const home = makeHome('[broken\n');
    const outcome = await runMain(['configure', '--print', '--profile=x', ...identityOf(home)], {
      env: home.env,
    });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(outcome.stdout).toMatch(/^\[profile x\]\ncredential_process = \S.* credential-process .*\n$/);
    expect(home.files()).toEqual(['config']);
  });

  it('edits the section that the profile has, however its header is written', async () => {
    const home = makeHome('[profile  x]\nregion = a\n\n[default]\noutput = json\n');
    const outcome = await runMain(['configure', '--profile=x', ...identityOf(home)], { env: home.env });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(home.config, 'utf8')).toMatch(
      /^\[profile {2}x\]\ncredential_process = .*\nregion = a\n\n\[default\]\noutput = json\n$/,
    );
  });

  it('follows a link to the file', async () => {
    const home = makeHome('[other]\n');
    const target = join(home.folder, 'elsewhere');
    renameSync(home.config, target);
    symlinkSync(target, home.config);
    const outcome = await runMain(['configure', ...identityOf(home)], { env: home.env });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(lstatSync(home.config).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, 'utf8')).toMatch(/^\[other\]\n\[default\]\ncredential_process = /);
    // The copy is beside the file itself.
    const [, copy = ''] = /^the file as it was: (.*)$/m.exec(outcome.stdout) ?? [];
    expect(copy.startsWith(join(home.folder, 'config.backup-'))).toBe(true);
    expect(readFileSync(copy, 'utf8')).toBe('[other]\n');
  });

  it('warns of a byte order mark, which the AWS CLI does not read', async () => {
    const home = makeHome('\uFEFF[other]\n');
    const { stdout, status } = await runMain(['configure', ...identityOf(home)], { env: home.env });
    expect(status).toBe(0);
    expect(stdout).toContain(
      `AWS config file ${home.config} begins with a byte order mark: the AWS CLI and boto3 refuse the whole ` +
        'file: save the file as UTF-8 without one\n',
    );
  });

  it('warns that other credentials of the profile take precedence', async () => {
    const home = makeHome('[default]\nregion = us-east-1\n');
    const credentials = join(home.folder, '.aws', 'credentials');
    writeFileSync(credentials, '[default]\naws_access_key_id = AKIA\naws_secret_access_key = canary\n');
    const { stdout, status } = await runMain(['configure', ...identityOf(home)], { env: home.env });
    expect(status).toBe(0);
    expect(stdout).toContain(
      `programs may use other credentials of this profile first: aws_access_key_id in ${credentials}`,
    );
  });

  it('warns as doctor does', async () => {
    const home = makeHome();
    chmodSync(join(home.folder, 'host.key'), 0o644);
    const { stderr, status } = await runMain(['configure', ...identityOf(home)], { env: home.env });
    expect(status).toBe(0);
    expect(stderr).toMatch(/^rolesanywhere: warning: .*host\.key.*chmod 600/m);
  });
});

describe('bad input', () => {
  const missingKey = credentialProcess({ 'private-key': '/no/key' }).slice(1);
  const expired = credentialProcess({ certificate: fixture('ec-p256.pem') }).slice(1);
  it.each<[string, readonly string[], number, RegExp]>([
    ['an unknown flag', ['--profil', 'x'], 2, /unknown flag --profil, did you mean "profile"\?/],
    ['an argument', ['x'], 2, /unexpected argument "x"/],
    ['nothing, without a terminal', [], 2, /missing --certificate, --trust-anchor-arn/],
    ['a name with a bracket', ['--profile', 'a]b', ...FLAGS], 2, /--profile must be the name of a profile/],
    ['the name DEFAULT', ['--profile', 'DEFAULT', ...FLAGS], 2, /--profile must be the name of a profile/],
    ['a missing key', missingKey, 3, /\/no\/key/],
    ['a key of another certificate', expired, 3, /does not belong/],
    ['an ARN of another kind', credentialProcess({ 'role-arn': ARNS.profileArn }).slice(1), 2, /role/],
    [
      'standard input',
      credentialProcess({ certificate: '-' }).slice(1),
      2,
      /--certificate must be a file .* found standard input/,
    ],
    [
      'a passphrase',
      [...FLAGS, '--pkcs8-password', 'canary'],
      2,
      /--pkcs8-password is a secret, which the AWS config must not hold/,
    ],
    ['a missing config file', ['--config', '/no/config'], 3, /\/no\/config/],
  ])('%s: one clear line, no output, no file', async (_name, args, expected, words) => {
    const home = makeHome(OTHERS);
    const outcome = await runProgram(['configure', ...args], { env: home.env });
    expect(outcome).toMatchObject({ status: expected, stdout: '' });
    expect(outcome.stderr).toMatch(words);
    expect(outcome.stderr).toMatch(/^(rolesanywhere: warning: .*\n)*rolesanywhere: .*\n(hint: .*\n)?$/);
    expect(outcome.stderr).not.toContain('canary');
    expect(home.files()).toEqual(['config']);
    expect(readFileSync(home.config, 'utf8')).toBe(OTHERS);
  });

  it.each<[string, string, number, RegExp]>([
    ['a broken file', '[profile x\n', 2, /is broken in line 1/],

    [
      'another line, without a terminal',
      '[default]\ncredential_process = other\n',
      2,
      /profile "default" of .* has another credential_process/,
    ],
  ])('%s stays as it is', async (_name, content, expected, words) => {
    const home = makeHome(content);
    const outcome = await runProgram(['configure', ...identityOf(home)], { env: home.env });
    expect(outcome).toMatchObject({ status: expected, stdout: '' });
    expect(outcome.stderr).toMatch(words);
    expect(home.files()).toEqual(['config']);
    expect(readFileSync(home.config, 'utf8')).toBe(content);
  });

  it('a file that is not UTF-8 stays as it is', async () => {
    const content = Buffer.from('[profile \xe4]\n', 'latin1');
    const home = makeHome(content);
    const outcome = await runMain(['configure', ...identityOf(home)], { env: home.env });
    expect(outcome).toMatchObject({ status: 3, stdout: '' });
    expect(outcome.stderr).toContain('it is not UTF-8');
    expect(readFileSync(home.config)).toEqual(content);
  });

  it('a folder that cannot be created is an error of this machine (status 6)', async () => {
    const home = makeHome();
    writeFileSync(join(home.folder, '.aws'), 'a file');
    const outcome = await runProgram(['configure', ...identityOf(home)], { env: home.env });
    expect(outcome.stdout).toBe('');
    expect([3, 6]).toContain(outcome.status);
  });
});

describe('the line', () => {
  const WORDS = [
    [
      '/usr/bin/node',
      '/home/a b/x',
      "it's",
      'a"b',
      '$HOME',
      '`id`',
      'a\\b',
      '!!',
      '*',
      '~',
      'ä',
      '',
      'a&b',
      'a|b',
      '(x)',
      '#a'.slice(1),
    ],
    ["'", '"', 'a\'b"c', '--flag=a b', '%PATH%', 'a;b', 'a#b', '{a,b}', '[x]', '<', '>'],
  ];

  it.each(WORDS.map((words) => [words] as const))(
    'means the same to botocore, to a shell and to us: %j',
    (words) => {
      const line = formatProcessLine(words);
      expect(splitCommand(line, 'line')).toEqual(words);
      const printed = execFileSync('sh', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' });
      expect(printed.split('\n').slice(0, -1)).toEqual(words);
      if (!hasPython) return;
      const script = 'import json, shlex, sys; print(json.dumps(shlex.split(sys.argv[1])))';
      expect(JSON.parse(execFileSync('python3', ['-c', script, line], { encoding: 'utf8' }))).toEqual(words);
    },
  );

  it.each(['a\nb', 'a #b', '#a', ';a', 'a\t;b', 'a\0'])('holds no %j', (word) => {
    expect(() => formatProcessLine([word])).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
  });
});
