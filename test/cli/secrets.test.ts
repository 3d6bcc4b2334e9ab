/**
 * Canaries: secrets with a mark on them go through every failure that we know, through the program and
 * through the library, and through --debug. None of them is printed, except on stdout by a successful run.
 */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ALL_SESSION_FLAGS } from '../../src/cli/options/session-flags.js';
import type { CreateSessionOptions } from '../../src/session/create-session.js';
import { createSession } from '../../src/session/create-session.js';
import type { Answer } from '../fake-service.js';
import {
  ARNS,
  CA_BUNDLE,
  cutShort,
  neverEnds,
  RSA,
  refusal,
  SESSION_ANSWER,
  startFakeService,
  status,
} from '../fake-service.js';
import { path, text } from '../fixtures.js';
import { credentialProcess, runMain, runProgram } from '../program.js';

const KEY = text('rsa-2048.key.pem');
const BODY = KEY.trim().split('\n').slice(1, -1);
const PASSPHRASE = 'canary-passphrase';
const PROXY = 'http://user:canary-proxy-password@127.0.0.1:1';
const CREDENTIALS = {
  ...SESSION_ANSWER.credentialSet[0]?.credentials,
  expiration: '2126-06-01T13:00:00Z',
  secretAccessKey: 'canary-secret-access-key',
  sessionToken: 'canary-session-token',
};
const ANSWER = { ...SESSION_ANSWER, credentialSet: [{ credentials: CREDENTIALS }] };

/** Marks; and pieces of the private key after its public part, which the certificate shows as well. */
const CANARIES = [
  'canary-',
  Buffer.from('user:canary-proxy-password').toString('base64'),
  ...BODY.slice(8, -1).flatMap((line) => [line.slice(0, 24), line.slice(40)]),
];

function found(output: string): string[] {
  return CANARIES.filter((canary) => output.includes(canary));
}

type Options = Omit<Partial<CreateSessionOptions>, 'env'> & { readonly env?: Record<string, string> };
type Row = [name: string, options: Options, answer?: Answer | 'tls'];

const PEM_ERRORS: Row[] = [
  ['a key for the certificate', { certificate: KEY }],
  ['a key for the intermediates', { intermediates: KEY }],
  ['a key cut short', { privateKey: KEY.slice(0, -30) }],
  ['a key with its END lost', { privateKey: KEY.replace(/-----END.*/, '') }],
  ['a key with a line lost', { privateKey: KEY.replace(`${BODY[10]}\n`, '') }],
  ['a key with an unknown label', { privateKey: KEY.replaceAll('PRIVATE KEY', 'SECRET KEY') }],
  ['a key of another certificate', { privateKey: KEY, certificate: path('ec-p256.pem') }],
  ['a key beside an expired certificate', { privateKey: KEY, certificate: path('bad-expired.pem') }],
  ['base64 DER for the path', { privateKey: BODY.join('') }],
  ['base64 DER in lines for the path', { privateKey: BODY.join('\n') }],
  ['base64 DER with blanks for the path', { privateKey: BODY.join(' ') }],
  ['a key with a dash lost for the path', { privateKey: KEY.slice(1) }],
];

/** A key as the value of another option, as after mixing up two shell variables. */
const MIXED_UP: Row[] = (['roleArn', 'region', 'endpoint', 'roleSessionName', 'caBundle'] as const).map(
  (name) => [`a key for ${name}`, { endpoint: 'https://127.0.0.1:1', [name]: KEY, timeoutMs: 1000 }],
);

const PASSPHRASE_ERRORS: Row[] = [
  'rsa-2048.scrypt.pem',
  'rsa-2048.pbkdf2-aes256.pem',
  'ec-p256.pbkdf2-aes256.der',
  'no-such-file',
  'not-truncated.key.pem',
].flatMap((file): Row[] => [
  [`a passphrase for ${file}`, { privateKey: path(file), passphrase: PASSPHRASE }],
  [
    `a passphrase in the environment for ${file}`,
    { privateKey: path(file), env: { ROLESANYWHERE_PKCS8_PASSWORD: PASSPHRASE } },
  ],
]);

const secretsIn = (code: number, body: unknown): Answer =>
  status(code, typeof body === 'string' ? body : JSON.stringify(body));

const SERVICE_ERRORS: Row[] = [
  [
    'an expiration that is none',
    {},
    secretsIn(201, { credentialSet: [{ credentials: { ...CREDENTIALS, expiration: 'x' } }] }),
  ],
  ['an answer cut off', {}, secretsIn(201, JSON.stringify(ANSWER).slice(0, -5))],
  ['an answer that is no JSON', {}, secretsIn(201, `<p>${JSON.stringify(ANSWER)}</p>`)],
  ['credentials under another name', {}, secretsIn(201, { credentials: CREDENTIALS })],
  ['a refusal with credentials', {}, secretsIn(403, ANSWER)],
  ['a failure with credentials', {}, secretsIn(500, ANSWER)],
  ['a redirect with credentials', {}, secretsIn(302, ANSWER)],
  ['more than 1 MiB', {}, secretsIn(201, JSON.stringify(ANSWER).padEnd(1024 * 1024 + 1))],
  ['a connection cut', {}, cutShort],
  ['an answer that never ends', { timeoutMs: 300 }, neverEnds],
  ['a refusal', { passphrase: PASSPHRASE }, refusal(403, 'AccessDeniedException', 'no')],
];

const NETWORK_ERRORS: Row[] = [
  ['TLS with an untrusted certificate', { passphrase: PASSPHRASE }, 'tls'],
  ['a closed port', { endpoint: 'http://127.0.0.1:1', passphrase: PASSPHRASE }],
  ['an unreachable proxy', { endpoint: 'https://rolesanywhere.test', env: { HTTPS_PROXY: PROXY } }],
  [
    'a proxy that is no proxy',
    {
      endpoint: 'https://rolesanywhere.test',
      timeoutMs: 300,
      env: { HTTPS_PROXY: PROXY.replace(':1', ':x') },
    },
  ],
  [
    'a proxy of another kind',
    {
      endpoint: 'https://rolesanywhere.test',
      timeoutMs: 300,
      env: { HTTPS_PROXY: PROXY.replace('http', 'socks5') },
    },
  ],
  ['an endpoint with a password', { endpoint: 'https://user:canary-password@127.0.0.1:1' }],
  ['an endpoint with a password and a wrong port', { endpoint: 'https://user:canary-password@127.0.0.1:x' }],
  ['an endpoint with a password and a slash in it', { endpoint: 'https://user:x/canary-password@127.0.0.1' }],
];

const ROWS = [...PEM_ERRORS, ...MIXED_UP, ...PASSPHRASE_ERRORS, ...SERVICE_ERRORS, ...NETWORK_ERRORS];

async function prepare({ env = {}, ...options }: Options, answer: Row[2]) {
  const answers = answer === undefined || answer === 'tls' ? [] : [answer, answer, answer];
  const { endpoint } = await startFakeService(answers, { tls: answer === 'tls' });
  return { env, options: { ...ARNS, ...RSA, endpoint, ...options } };
}

function flagsOf(options: object): Record<string, string> {
  const rows = ALL_SESSION_FLAGS as Record<string, { readonly flag: string }>;
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [rows[name]?.flag ?? name, String(value)]),
  );
}

/** A row of each kind, for the program as it is built. */
const AS_BUILT = [PEM_ERRORS, MIXED_UP, PASSPHRASE_ERRORS, SERVICE_ERRORS, NETWORK_ERRORS].map(
  ([first]) => first as Row,
);

describe('no secret is printed', () => {
  it.each([
    ...ROWS.map((row) => ['here', row[0], runMain, row[1], row[2]] as const),
    ...AS_BUILT.map((row) => ['as it is built', row[0], runProgram, row[1], row[2]] as const),
  ])('of the program, run %s, for %s', async (_how, _name, run, given, answer) => {
    const { env, options } = await prepare(given, answer);
    const args = [...credentialProcess(flagsOf(options)), '--debug'];
    const { status: exitStatus, stdout, stderr } = await run(args, { env });
    expect(exitStatus).toBeGreaterThanOrEqual(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('rolesanywhere: ');
    expect(found(stderr)).toEqual([]);
  });

  it.each(ROWS)('of doctor, for %s', async (_name, given, answer) => {
    const { env, options } = await prepare(given, answer);
    const [, ...args] = credentialProcess({ 'connect-timeout-ms': '500', ...flagsOf(options) });
    for (const form of ['--json', '--debug']) {
      const { status: exitStatus, stdout, stderr } = await runMain(['doctor', ...args, form], { env });
      expect(exitStatus).toBeGreaterThanOrEqual(2);
      expect(found(stdout + stderr)).toEqual([]);
    }
  });

  it.each(ROWS)('of an error, for %s', async (_name, given, answer) => {
    const { env, options } = await prepare(given, answer);
    const logged: string[] = [];
    const log = (message: string): void => void logged.push(message);
    const logger = { debug: log, warn: log };
    const error: unknown = await createSession({ ...options, env, logger, random: () => 0 }).then(
      () => expect.fail('it was taken'),
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_(?!UNEXPECTED)/) });
    const { message, stack } = error as Error;
    const shown = inspect(error, { depth: null, showHidden: true, maxStringLength: null });
    expect(found([message, stack, JSON.stringify(error), shown, ...logged].join('\n'))).toEqual([]);
  });
});

describe('no secret is printed after a mistake in the arguments', () => {
  const GOOD = credentialProcess();
  it.each<[string, readonly string[]]>([
    ['key text behind a flag', [...credentialProcess({ 'private-key': undefined }), '--private-key', KEY]],
    ['key text behind another flag', [...GOOD, '--region', KEY]],
    ['key text behind a switch', [...GOOD, '--debug', KEY]],
    ['key text for a command', [KEY]],
    ['a line of a key', [...GOOD, BODY[9] ?? '']],
    [
      'the lines of a key',
      [...credentialProcess({ 'private-key': BODY[0] }), ...BODY.slice(1, 12).reverse()],
    ],
    ['a passphrase behind an unknown flag', [...GOOD, '--pkcs8-pasword', PASSPHRASE]],
    ['a passphrase in an unknown flag', [...GOOD, `--pkcs8-pasword=${PASSPHRASE}`]],
    ['a passphrase behind one dash', [...GOOD, `-pkcs8-password=${PASSPHRASE}`]],
    ['a passphrase without a dash', [...GOOD, `pkcs8-password=${PASSPHRASE}`]],
    ['a passphrase before the command', [`--pkcs8-password=${PASSPHRASE}`, ...GOOD]],
    ['a passphrase that begins with dashes', [...GOOD, '--pkcs8-password', `--${PASSPHRASE}`]],
    [
      'a passphrase given twice',
      [...GOOD, `--pkcs8-password=${PASSPHRASE}`, `--pkcs8-password=${PASSPHRASE}`],
    ],
    ['a passphrase in two words', [...GOOD, '--pkcs8-password', 'two', PASSPHRASE]],
    ['a passphrase for version', ['version', `--pkcs8-password=${PASSPHRASE}`]],
  ])('%s', async (_name, args) => {
    const { status: exitStatus, stdout, stderr } = await runMain(args);
    expect({ exitStatus, stdout }).toEqual({ exitStatus: 2, stdout: '' });
    expect(stderr).toMatch(/^rolesanywhere: .+ \(ERR_OPTION_[A-Z]+\)\n(hint: .+\n)?$/);
    expect(found(stderr)).toEqual([]);
  });
});

describe('a run that succeeds', () => {
  it.each<[string, boolean]>([
    ['over http', false],
    ['over TLS', true],
  ])('%s prints its secrets only on stdout, even with --debug', async (_name, tls) => {
    const { endpoint } = await startFakeService([status(503), secretsIn(201, ANSWER)], { tls });
    const args = credentialProcess({ endpoint, 'private-key': KEY, 'ca-bundle': CA_BUNDLE });
    const env = { ROLESANYWHERE_PKCS8_PASSWORD: PASSPHRASE, HTTPS_PROXY: PROXY };
    const { status: exitStatus, stdout, stderr } = await runProgram([...args, '--debug'], { env });
    expect(exitStatus).toBe(0);
    expect(stdout).toContain('canary-secret-access-key');
    expect(stdout).toContain('canary-session-token');
    expect(stderr).toContain('rolesanywhere: debug: string to sign:');
    expect(found(stderr)).toEqual([]);
    expect(found(stdout)).toEqual(['canary-']);
  });
});
