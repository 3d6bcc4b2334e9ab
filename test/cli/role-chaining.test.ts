/** The flags of role chaining, by the roles that the emulator's STS grants for them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSession } from '../../src/cli/options/read-session.js';
import { ALL_SESSION_FLAGS } from '../../src/cli/options/session-flags.js';
import type { Emulator } from '../../src/emulator.js';
import { createAuthority, startEmulator } from '../../src/emulator.js';
import type { RunOptions } from '../program.js';
import { fakeIo, runMain } from '../program.js';

const ROLE = 'arn:aws:iam::123456789012:role';
const ACTIONS = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'];

let emulator: Emulator;
let folder: string;
let flags: readonly string[];

beforeAll(async () => {
  const authority = await createAuthority();
  const host = await authority.issue({ commonName: 'host-1' });
  folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-chain-'));
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const trust = (role: string, externalId: string) => ({
    Version: '2012-10-17',
    Statement: [
      {
        ...{ Effect: 'Allow', Principal: { AWS: `${ROLE}/${role}` }, Action: ACTIONS },
        Condition: { StringEquals: { 'sts:ExternalId': externalId } },
      },
    ],
  });
  const seed = {
    roles: [
      { name: 'One', trustPolicy: trust('Demo', 'x-1') },
      { name: 'Two', trustPolicy: trust('One', 'x-2') },
    ],
  };
  emulator = await startEmulator({ certificateAuthority: authority.certificate, seed });
  flags = [
    ...[
      '--certificate',
      write('host.pem', host.certificate),
      '--private-key',
      write('host.key', host.privateKey),
    ],
    ...['--trust-anchor-arn', emulator.trustAnchorArn, '--profile-arn', emulator.profileArn],
    ...['--role-arn', emulator.roleArn],
  ];
  write('policy.json', '{"Version": "2012-10-17", "Statement": []}\n');
});

afterAll(async () => {
  await emulator.close();
  rmSync(folder, { recursive: true });
});

const ONE = ['--assume-role-arn', `${ROLE}/One`, '--external-id', 'x-1'];
const TWO = ['--assume-role-arn', `${ROLE}/Two`, '--external-id', 'x-2'];

function run(args: readonly string[], env: RunOptions['env'] = {}) {
  const [command = '', ...rest] = args;
  return runMain([command, ...flags, ...rest], {
    env: { AWS_ENDPOINT_URL: emulator.endpoint, XDG_CACHE_HOME: join(folder, 'cache'), ...env },
  });
}

async function arnOf(args: readonly string[], env: RunOptions['env'] = {}): Promise<string> {
  const { stdout, stderr } = await run(['whoami', '--json', ...args], env);
  return stderr || JSON.parse(stdout).arn.replace('arn:aws:sts::123456789012:assumed-role/', '');
}

/** The option of a flag, as arguments have it. */
const nameOf = (flag: string) =>
  Object.entries(ALL_SESSION_FLAGS).find(([, row]) => `--${row.flag}` === flag)?.[0];

const NAME = expect.stringMatching(/^One\/[0-9a-f]+$/);

describe('role chaining', () => {
  it('flags of a role follow its --assume-role-arn', async () => {
    const policy = ['--session-policy', `file://${join(folder, 'policy.json')}`];
    const named = ['--assume-role-session-name', 'two', '--assume-role-duration=900'];
    expect(await arnOf([...ONE, ...TWO, ...named, ...policy])).toBe('Two/two');
    expect(await arnOf(ONE)).toEqual(NAME);
  });

  it('variables and files give a chain too', async () => {
    const config = (value: object) => {
      const path = join(folder, 'chain.json');
      writeFileSync(path, JSON.stringify(value));
      return ['--config', path];
    };
    const single = { ROLESANYWHERE_ASSUME_ROLE_ARN: `${ROLE}/One`, ROLESANYWHERE_EXTERNAL_ID: 'x-1' };
    expect(await arnOf([], single)).toEqual(NAME);
    expect(await arnOf(config({ 'assume-role-arn': `${ROLE}/One`, 'external-id': 'x-1' }))).toEqual(NAME);
    const list = [
      { 'assume-role-arn': `${ROLE}/One`, 'external-id': 'x-1' },
      { 'assume-role-arn': `${ROLE}/Two`, 'external-id': 'x-2', 'assume-role-session-name': 'two' },
    ];
    expect(await arnOf(config({ 'assume-role-arn': list }))).toBe('Two/two');
    expect(await arnOf([], { ROLESANYWHERE_ASSUME_ROLE_ARN: JSON.stringify(list) })).toBe('Two/two');
    // The command line's chain replaces that of the file.
    expect(await arnOf([...config({ 'assume-role-arn': list }), ...ONE])).toEqual(NAME);
  });

  it('the cache keeps the last session, under all inputs of the chain', async () => {
    const cached = async (args: readonly string[]) => {
      const { stdout, stderr } = await run(['credential-process', '--cache', ...args]);
      expect(stderr).toBe('');
      return JSON.parse(stdout).AccessKeyId;
    };
    const [plain, one, again] = [await cached([]), await cached(ONE), await cached(ONE)];
    expect(again).toBe(one);
    expect(one).not.toBe(plain);
    expect(await cached([...ONE, '--assume-role-session-name', 'else'])).not.toBe(one);
    expect(await cached([...ONE, '--assume-role-duration', '3000'])).not.toBe(one);
    expect(await cached([])).toBe(plain);
  });

  it('--debug shows the requests and no secret', async () => {
    const { stderr, stdout } = await run(['credential-process', '--debug', ...ONE]);
    const { SecretAccessKey, SessionToken } = JSON.parse(stdout);
    expect(stderr).toMatch(/sending AssumeRole to http:\/\/127\.0\.0\.1:\d+\/, signed for us-east-1/);
    expect(stderr).not.toContain(SecretAccessKey);
    expect(stderr).not.toContain(SessionToken);
  });

  it('whoami shows account, expiry and the source of the session tags', async () => {
    const { stdout, stderr, status } = await run(['whoami', ...ONE]);
    expect([stderr, status]).toEqual(['', 0]);
    expect(stdout).toMatch(/^ARN: +arn:aws:sts::123456789012:assumed-role\/One\/[0-9a-f]+$/m);
    expect(stdout).toMatch(/^account: +123456789012$/m);
    expect(stdout).toMatch(/^expires: +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, in (59|60) min$/m);
    expect(stdout).toMatch(/^source identity: CN=host-1$/m);
    expect(stdout).toMatch(/^session tags: +from the certificate of CN=host-1, issued by CN=/m);
  });

  it('serve reads the chain of a further role', async () => {
    const roles = JSON.stringify({ bad: { 'assume-role-arn': 'One' } });
    const { stderr, status } = await run(['serve', '--port=0', '--roles', roles]);
    expect([stderr, status]).toEqual([expect.stringMatching(/"assume-role-arn" in role "?bad/), 2]);
  });

  it('a further role of serve can drop the chain or have another', async () => {
    const { io } = fakeIo(['serve'], {});
    const given = Object.fromEntries(
      flags.map((flag, index) => [nameOf(flag), flags[index + 1]]).filter(([name]) => name !== undefined),
    );
    const chained = { ...given, assumeRoles: [{ 'assume-role-arn': `${ROLE}/One` }] };
    const { settings, settingsWith } = await readSession({ given: chained, operands: [] }, {}, io);
    expect(settings.assumeRoles).toHaveLength(1);
    expect(settingsWith({ 'role-arn': `${ROLE}/Else` }, 'role x').assumeRoles).toEqual(settings.assumeRoles);
    expect(settingsWith({ 'assume-role-arn': [] }, 'role x').assumeRoles).toEqual([]);
    const other = [{ 'assume-role-arn': `${ROLE}/Two`, 'external-id': 'x-2' }];
    expect(settingsWith({ 'assume-role-arn': other }, 'role x').assumeRoles).toMatchObject([
      { roleArn: `${ROLE}/Two`, externalId: 'x-2', durationSeconds: 3600 },
    ]);
  });
});

describe('mistakes', () => {
  const rows: ReadonlyArray<
    [args: readonly string[], message: RegExp, status: number, env?: RunOptions['env']]
  > = [
    [['--assume-role-arnn', 'x'], /unknown flag --assume-role-arnn, did you mean "assume-role-arn"/, 2],
    [['--assume-role-arn'], /--assume-role-arn needs a value/, 2],
    [['--assume-role-arn', 'One'], /--assume-role-arn must look like arn:aws:iam::<account>:role\/<name>/, 2],
    [['--external-id', 'x', ...ONE], /--external-id must follow the --assume-role-arn that it belongs to/, 2],
    [[...ONE, '--external-id', 'y'], /--external-id is given twice for one --assume-role-arn/, 2],
    [
      [...ONE, '--assume-role-duration', '3601'],
      /assume-role-duration of --assume-role-arn must be .* 900 to 3600/,
      2,
    ],
    [
      [...ONE, ...TWO, '--assume-role-session-name', 'a b'],
      /assume-role-session-name of item 2 of --assume-role-arn/,
      2,
    ],
    [[...ONE, '--session-policy', 'policy.json'], /must be a JSON object or file:\/\/PATH/, 2],
    [[...ONE, '--session-policy', '{broken'], /session-policy of --assume-role-arn must be a JSON object/, 2],
    [[...ONE, '--session-policy', 'file:///nonexistent'], /session policy \/nonexistent cannot be read/, 3],
    [['--sts-endpoint', 'http://192.0.2.1'], /--sts-endpoint must use https/, 2],
    [['--sts-endpoint', 'sts'], /--sts-endpoint must be an https:\/\/ URL/, 2],
    [[], /ROLESANYWHERE_EXTERNAL_ID needs --assume-role-arn/, 2, { ROLESANYWHERE_EXTERNAL_ID: 'x-1' }],
    [
      [],
      /ROLESANYWHERE_EXTERNAL_ID may belong to any of 2 roles/,
      2,
      { ROLESANYWHERE_EXTERNAL_ID: 'x-1', ROLESANYWHERE_ASSUME_ROLE_ARN: `${ROLE}/One,${ROLE}/Two` },
    ],
    [[], /ROLESANYWHERE_ASSUME_ROLE_ARN must be a list/, 2, { ROLESANYWHERE_ASSUME_ROLE_ARN: '[broken' }],
    [['--config', '/nonexistent'], /config file \/nonexistent cannot be read/, 3],
    [
      ONE.slice(0, 2),
      /STS AssumeRole answered 403 AccessDenied.*\nhint: the trust policy of .*One must allow/,
      5,
    ],
    [['extra'], /unexpected argument "extra"/, 2],
  ];

  it.each(rows)('%j', async (args, message, status, env = {}) => {
    const outcome = await run(['whoami', ...args], env);
    expect(outcome.stderr).toMatch(message);
    expect([outcome.stdout, outcome.status]).toEqual(['', status]);
    expect(outcome.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
  });

  it('a session without STS: the error is that of the network', async () => {
    const { stderr, stdout, status } = await run(['whoami', '--sts-endpoint', 'http://127.0.0.1:1']);
    expect([stderr, stdout, status]).toEqual([expect.stringContaining('127.0.0.1:1'), '', 4]);
  });
});
