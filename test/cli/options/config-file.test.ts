/** Options from files: precedence, faults, and relative paths. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Arguments } from '../../../src/cli/arguments.js';
import type { Flags } from '../../../src/cli/options/flags.js';
import { readSession } from '../../../src/cli/options/read-session.js';
import { LOADED_COMMANDS } from '../../commands.js';
import { ARNS } from '../../fake-service.js';
import { fakeIo, report, runMain } from '../../program.js';

const home = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
mkdirSync(join(home, '.aws'));
const AWS_CONFIG = join(home, '.aws', 'config');
const JSON_CONFIG = join(home, 'options.json');
afterAll(() => rmSync(home, { recursive: true }));

const ARN_KEYS = {
  'trust-anchor-arn': ARNS.trustAnchorArn,
  'profile-arn': ARNS.profileArn,
  'role-arn': ARNS.roleArn,
};

function writeJson(options: object): void {
  writeFileSync(JSON_CONFIG, JSON.stringify({ ...ARN_KEYS, ...options }));
}

function writeProfile(options: Record<string, string>, name = 'profile onprem'): void {
  const lines = Object.entries({ ...ARN_KEYS, ...options }).map(
    ([flag, value]) => `rolesanywhere_${flag.replaceAll('-', '_')} = ${value}`,
  );
  writeFileSync(AWS_CONFIG, [`[${name}]`, 'region = eu-west-1', ...lines, '[profile other]', ''].join('\n'));
}

type Given = Arguments['given'];

/** The own flags of `update`. */
const { profile, once } = LOADED_COMMANDS.find(({ name }) => name === 'update')?.flags ?? {};
const UPDATE = { profile, once } as Flags;

/** The flags of the other commands, as `main` passes them. */
const otherFlags = async () =>
  new Set(LOADED_COMMANDS.flatMap(({ flags }) => Object.values(flags)).map(({ flag }) => flag));

async function read(given: Given, env: Record<string, string> = {}) {
  const { io, written } = fakeIo([], { env: { HOME: home, ...env } });
  const inputs = await readSession({ given, operands: [], otherFlags }, UPDATE, io);
  return { ...inputs, written };
}

const BOTH: ReadonlyArray<readonly [string, Given, (options: Record<string, string>) => void]> = [
  ['--config', { config: JSON_CONFIG }, writeJson],
  ['--config-profile', { configProfile: 'onprem' }, writeProfile],
];

describe.each(BOTH)('%s', (_flag, values, write) => {
  it('gives the values that neither flags nor the environment give', async () => {
    write({ certificate: '/pki/host.pem', 'session-duration': '900', region: 'eu-west-1' });
    const { settings } = await read(values);
    expect(settings).toMatchObject({ ...ARNS, durationSeconds: 900, region: 'eu-west-1' });
    expect(settings.source.certificate).toBe('/pki/host.pem');
  });

  it('is weaker than the environment, and both are weaker than a flag', async () => {
    write({ certificate: '/pki/file.pem', region: 'eu-west-1', 'role-session-name': 'file' });
    const env = { ROLESANYWHERE_REGION: 'eu-west-2', ROLESANYWHERE_ROLE_SESSION_NAME: 'environment' };
    const { settings } = await read({ ...values, roleSessionName: 'flag' }, env);
    expect(settings).toMatchObject({ region: 'eu-west-2', roleSessionName: 'flag' });
    expect(settings.source.certificate).toBe('/pki/file.pem');
  });

  it('resolves paths from the folder of the file and ~ from home, but not -', async () => {
    write({ certificate: 'pki/host.pem', 'private-key': '-', intermediates: '~/chain.pem' });
    const { settings } = await read(values);
    const folder = values['config'] === undefined ? join(home, '.aws') : home;
    expect(settings.source).toMatchObject({
      certificate: join(folder, 'pki/host.pem'),
      privateKey: '-',
      intermediates: join(home, 'chain.pem'),
    });
  });

  it('gives the options of commands too, and may have those of others', async () => {
    write({ certificate: 'a.pem', profile: 'onprem', once: 'true', port: '80' });
    expect((await read(values)).options).toEqual({ profile: 'onprem', once: true });
  });

  it('warns of a passphrase that every user can read, and of nothing else', async () => {
    write({ certificate: 'a.pem', 'pkcs8-password': 'canary' });
    chmodSync(values['config'] === undefined ? AWS_CONFIG : JSON_CONFIG, 0o644);
    const { settings, written } = await read(values);
    expect(settings.source.passphrase).toBe('canary');
    const path = values['config'] === undefined ? AWS_CONFIG : JSON_CONFIG;
    expect(written.stderr).toBe(
      `rolesanywhere: warning: ${path} holds a passphrase, and every user of this machine can read ` +
        'it: chmod 600 it\n',
    );
    chmodSync(path, 0o600);
    expect((await read(values)).written.stderr).toBe('');
    write({ certificate: 'a.pem' });
    chmodSync(path, 0o644);
    expect((await read(values)).written.stderr).toBe('');
  });

  it.each([
    [{ 'role-arm': 'x' }, 'ERR_OPTION_UNKNOWN', /^unknown option .*role.arm.*, did you mean "role-arn"\?$/],
    [
      { certificate: 'a', 'session-duration': '1' },
      'ERR_OPTION_INVALID',
      /session.duration.* must be a whole number of seconds from 900 to 43200, found "1"$/,
    ],
    [{ certificate: 'a', 'role-arn': 'x' }, 'ERR_OPTION_INVALID', /role.arn.* must look like/],
    [
      { certificate: 'a', 'no-verify-ssl': 'yes' },
      'ERR_OPTION_INVALID',
      /no.verify.ssl.* must be true or false/,
    ],
    [
      { 'cert-selector': 'Key=x509Subject,Value=CN=a' },
      'ERR_OPTION_INVALID',
      /cert.selector.* names a certificate in the store/,
    ],
    [
      { certificate: 'a', endpoint: 'https://a.test', 'use-fips-endpoint': 'true' },
      'ERR_OPTION_CONFLICT',
      /endpoint.* and .*use.fips.endpoint.* exclude each other$/,
    ],
  ])('refuses %j', async (options, code, message) => {
    write(options as unknown as Record<string, string>);
    await expect(read(values)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('--config', () => {
  it('accepts numbers and booleans of JSON, and null as not given', async () => {
    writeJson({ certificate: 'a.pem', 'session-duration': 900, 'no-verify-ssl': true, region: null });
    const { settings } = await read({ config: JSON_CONFIG });
    expect(settings).toMatchObject({
      durationSeconds: 900,
      region: 'us-east-1',
      connection: { verifyTls: false },
    });
  });

  it.each([
    ['', 'must be JSON'],
    ['{"role-arn": "canary', 'must be JSON'],
    ['[]', 'must be one JSON object of flags and values'],
    ['"role-arn"', 'must be one JSON object of flags and values'],
  ])('%s is refused', async (text, message) => {
    writeFileSync(JSON_CONFIG, text);
    await expect(read({ config: JSON_CONFIG })).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: `config file ${JSON_CONFIG} ${message}`,
    });
  });

  it('names an unknown option, but no text that may be a secret', async () => {
    const refused = { role_arn: `"role_arn" in config file ${JSON_CONFIG}, did you mean "role-arn"?` };
    for (const [key, message] of Object.entries({ ...refused, 'canary key': `in ${JSON_CONFIG}` })) {
      writeJson({ [key]: 'x' });
      await expect(read({ config: JSON_CONFIG })).rejects.toMatchObject({
        code: 'ERR_OPTION_UNKNOWN',
        message: `unknown option ${message}`,
      });
    }
  });

  it.each<[object, string]>([
    [
      { region: 5 },
      `"region" in config file ${JSON_CONFIG} must be a region such as us-east-1 (FIPS and dual-stack ` +
        'are options of their own), found a value of type number',
    ],
    [{ endpoint: ['x'] }, `"endpoint" in config file ${JSON_CONFIG} must be text, found a list`],
    [
      { certificate: {} },
      `"certificate" in config file ${JSON_CONFIG} must be a path, PEM text or bytes, found a value ` +
        'of type object',
    ],
  ])('%j is refused', async (options, message) => {
    writeJson(options);
    await expect(read({ config: JSON_CONFIG })).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message,
    });
  });
});

describe('--config-profile', () => {
  it('reads the file that AWS_CONFIG_FILE names, and a default profile', async () => {
    writeProfile({ certificate: 'a.pem' }, 'default');
    const env = { AWS_CONFIG_FILE: '~/.aws/config' };
    expect((await read({ configProfile: 'default' }, env)).settings).toMatchObject(ARNS);
  });

  it('names a missing profile', async () => {
    writeProfile({});
    await expect(read({ configProfile: 'onprm' })).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: `profile "onprm" is not in AWS config file ${AWS_CONFIG}, did you mean "onprem"?`,
    });
  });

  it('reports the fault of a file that is requested', async () => {
    writeFileSync(AWS_CONFIG, 'canary');
    await expect(read({ configProfile: 'onprem' })).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: `AWS config file ${AWS_CONFIG} is broken in line 1: a [section] must come first`,
    });
    const env = { AWS_CONFIG_FILE: join(home, 'none') };
    await expect(read({ configProfile: 'onprem' }, env)).rejects.toMatchObject({
      code: 'ERR_FILE_UNREADABLE',
      message: `AWS config file ${join(home, 'none')} cannot be read: there is no such file`,
    });
    // Not requested, so not read.
    const flags = { certificate: 'a.pem', ...ARNS };
    expect((await read(flags, { AWS_PROFILE: 'onprem' })).settings).toMatchObject(ARNS);
  });

  it('and --config exclude each other, and the flag counts before the variable', async () => {
    writeJson({ certificate: 'json.pem' });
    writeProfile({ certificate: 'profile.pem' });
    const both = { config: JSON_CONFIG, configProfile: 'onprem' };
    await expect(read(both)).rejects.toMatchObject({
      code: 'ERR_OPTION_CONFLICT',
      message: '--config and --config-profile exclude each other',
    });
    const { settings } = await read({ config: JSON_CONFIG }, { ROLESANYWHERE_CONFIG_PROFILE: 'onprem' });
    expect(settings.source.certificate).toBe(join(home, 'json.pem'));
  });
});

describe('--debug', () => {
  it('shows the origin of each value, but no value', async () => {
    writeFileSync(AWS_CONFIG, 'canary');
    writeJson({ certificate: 'a.pem', 'pkcs8-password': 'canary-file' });
    const env = { HOME: home, ROLESANYWHERE_REGION: 'eu-west-1', AWS_ENDPOINT_URL: 'https://canary.test' };
    const args = ['update', '--debug', '--config', JSON_CONFIG, '--role-arn', 'canary'];
    const { stderr } = await runMain(args, { env });
    expect(stderr).toBe(
      [
        `rolesanywhere: debug: no settings from the AWS config: AWS config file ${AWS_CONFIG} is ` +
          'broken in line 1: a [section] must come first',
        `rolesanywhere: debug: --certificate is from "certificate" in config file ${JSON_CONFIG}`,
        `rolesanywhere: debug: --pkcs8-password is from "pkcs8-password" in config file ${JSON_CONFIG}`,
        `rolesanywhere: debug: --trust-anchor-arn is from "trust-anchor-arn" in config file ${JSON_CONFIG}`,
        `rolesanywhere: debug: --profile-arn is from "profile-arn" in config file ${JSON_CONFIG}`,
        'rolesanywhere: debug: --role-arn is from the command line',
        'rolesanywhere: debug: --region is from ROLESANYWHERE_REGION',
        'rolesanywhere: debug: --config is from the command line',
        'rolesanywhere: debug: --sts-endpoint is from AWS_ENDPOINT_URL',
        'rolesanywhere: debug: --endpoint is from AWS_ENDPOINT_URL',
        'rolesanywhere: debug: --debug is from the command line',
        `rolesanywhere: warning: ${JSON_CONFIG} holds a passphrase, and every user of this machine ` +
          'can read it: chmod 600 it',
        report(
          '--role-arn must look like arn:aws:iam::<account>:role/<name>, found "canary"',
          'ERR_OPTION_INVALID',
          'see rolesanywhere update --help',
        ),
      ].join('\n'),
    );
  });
});
