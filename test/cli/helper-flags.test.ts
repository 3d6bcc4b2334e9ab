/**
 * Flags of AWS's Go helper: those that are accepted, those that exclude each other, and those that are
 * refused here.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LOADED_COMMANDS } from '../commands.js';
import { report, runMain } from '../program.js';

const helpOf = (command: string): string => `see rolesanywhere ${command} --help`;
const HELP = helpOf('credential-process');
const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Written out from the helper's own `--help`, with its defaults: those that are neither empty nor false. */
const COMMON = [
  ...['certificate', 'private-key', 'intermediates', 'role-arn', 'profile-arn', 'trust-anchor-arn'],
  ...['session-duration=3600', 'region', 'endpoint', 'role-session-name', 'no-verify-ssl', 'with-proxy'],
  ...['debug', 'pkcs8-password', 'cert-selector', 'system-store-name', 'use-latest-expiring-certificate'],
  ...['pkcs11-lib', 'reuse-pin', 'tpm-key-password', 'no-tpm-key-password'],
];
const HELPER: Readonly<Record<string, readonly string[]>> = {
  'credential-process': COMMON,
  serve: [...COMMON, 'port=9911', 'hop-limit=64'],
  update: [...COMMON, 'profile=default', 'once'],
  'sign-string': [
    ...[
      'certificate',
      'private-key',
      'debug',
      'cert-selector',
      'system-store-name',
      'pkcs11-lib',
      'reuse-pin',
    ],
    ...['use-latest-expiring-certificate', 'tpm-key-password', 'no-tpm-key-password', 'pkcs8-password'],
    ...['digest=SHA256', 'format=json'],
  ],
  'read-certificate-data': ['certificate', 'cert-selector', 'system-store-name', 'pkcs11-lib', 'debug'],
  version: [],
};

describe('the flags of the helper are known, with its defaults', () => {
  it.each(Object.entries(HELPER))('%s', (name, flags) => {
    const rows = Object.values(LOADED_COMMANDS.find((command) => command.name === name)?.flags ?? {});
    const known = rows.flatMap((row) => (row.default ? [`${row.flag}=${row.default}`] : row.flag));
    expect(flags.filter((flag) => !known.includes(flag))).toEqual([]);
  });
});

const THREE = ['credential-process', 'serve', 'update'];
/** The names of the commands in examples/helper.md. */
const COMMAND_SETS: Readonly<Record<string, readonly string[]>> = {
  'the three': THREE,
  'the three, `sign-string`': [...THREE, 'sign-string'],
  'all five': [...THREE, 'sign-string', 'read-certificate-data'],
  '`serve`': ['serve'],
  '`update`': ['update'],
  '`sign-string`': ['sign-string'],
};

describe('examples/helper.md', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'examples', 'helper.md'), 'utf8');
  const table = /<!-- helper -->([\s\S]*)<!-- \/helper -->/.exec(page)?.[1] ?? '';
  const rows = [...table.matchAll(/^\| `--(\S+)` \| (.*?) \| (.*?) \| (.*?) \|$/gm)];
  const shown = rows.flatMap(([, flag, commands = '', standard]) =>
    (COMMAND_SETS[commands] ?? []).map((name) => `${name} ${flag}${standard && `=${standard}`}`),
  );

  it('has every flag of the helper, its commands and its default', () => {
    // The flag for a Windows store is refused here, and has no row in our tables.
    const expected = Object.entries(HELPER).flatMap(([name, flags]) =>
      flags.map((flag) => `${name} ${flag === 'system-store-name' ? `${flag}=MY` : flag}`),
    );
    expect(shown.sort()).toEqual(expected.sort());
  });

  it('marks the refused flags as refused, and no others', () => {
    const ours = LOADED_COMMANDS.flatMap(({ flags }) => Object.values(flags));
    const refused = ours.filter((row) => row.refused !== undefined).map(({ flag }) => flag);
    const said = rows.filter(([, , , , here]) => here?.startsWith('refused')).map(([, flag = '']) => flag);
    expect(said.sort()).toEqual([...new Set(refused)].sort());
  });
});

const STORE =
  'names a certificate in the store of Windows or macOS, which a Node.js program cannot use: export ' +
  'certificate and key to files, or sign with a program that reaches the store (--sign-command; ' +
  'examples/signers has one for each system)';
describe.each(['credential-process', 'serve', 'update'])('%s', (command) => {
  it.each<[readonly string[], string]>([
    [['--cert-selector', 'Key=x509Subject,Value=CN=a'], `--cert-selector ${STORE}`],
    [['--system-store-name=MY'], `--system-store-name ${STORE}`],
    [['--use-latest-expiring-certificate'], `--use-latest-expiring-certificate ${STORE}`],
    [
      ['--cert-selector', 'nonsense'],
      '--cert-selector must be pairs such as Key=x509Subject,Value=CN=host, separated by a space',
    ],
    [
      ['--cert-selector', 'Key=a,Value=b', '--system-store-name', 'MY'],
      'a Key in --cert-selector must be one of x509Subject, x509Issuer, x509Serial',
    ],
  ])('refuses %j with the reason', async (args, message) => {
    expect(await runMain([command, ...args])).toEqual({
      status: 2,
      stdout: '',
      stderr: report(message, 'ERR_OPTION_INVALID', helpOf(command)),
    });
  });
});

describe('credential-process', () => {
  it.each([
    ['[{"Key":"x509Serial","Value":"15D1"}]', `--cert-selector ${STORE}`],
    ['{}', 'selector file FILE must be a list of {"Key": …, "Value": …}'],
  ])('reads the selector file %s', async (json, message) => {
    const file = join(folder, 'selector.json');
    writeFileSync(file, json);
    const { stdout, stderr } = await runMain(['credential-process', '--cert-selector', `file://${file}`]);
    expect(stdout).toBe('');
    expect(stderr).toBe(report(message.replace('FILE', file), 'ERR_OPTION_INVALID', HELP));
  });

  it('reports a missing selector file', async () => {
    expect(await runMain(['credential-process', '--cert-selector', 'file:///no/such.json'])).toEqual({
      status: 3,
      stdout: '',
      stderr: report(
        'selector file /no/such.json cannot be read: there is no such file',
        'ERR_FILE_UNREADABLE',
      ),
    });
  });

  it.each([
    ['certificate', 'cert-selector'],
    ['certificate', 'system-store-name'],
    ['private-key', 'cert-selector'],
    ['private-key', 'system-store-name'],
    ['private-key', 'use-latest-expiring-certificate'],
    ['use-latest-expiring-certificate', 'intermediates'],
    ['use-latest-expiring-certificate', 'reuse-pin'],
    ['cert-selector', 'intermediates'],
    ['cert-selector', 'reuse-pin'],
    ['cert-selector', 'tpm-key-password'],
    ['cert-selector', 'no-tpm-key-password'],
    ['system-store-name', 'reuse-pin'],
    ['tpm-key-password', 'reuse-pin'],
    ['tpm-key-password', 'no-tpm-key-password'],
    ['tpm-key-password', 'pkcs8-password'],
  ])('refuses --%s and --%s together', async (first, second) => {
    const flags = [second, first].map((flag) => `--${flag}=${/^(use|reuse|no)-/.test(flag) ? 'true' : 'x'}`);
    expect(await runMain(['credential-process', ...flags])).toEqual({
      status: 2,
      stdout: '',
      stderr: report(`--${first} and --${second} exclude each other`, 'ERR_OPTION_CONFLICT', HELP),
    });
  });
});

describe('serve and update', () => {
  it.each([
    [['serve', '--port', '65536'], '--port must be a whole number from 0 to 65535, found "65536"'],
    [['serve', '--hop-limit', '0'], '--hop-limit must be a whole number from 1 to 255, found "0"'],
    [['serve', '--hop-limit=256'], '--hop-limit must be a whole number from 1 to 255, found "256"'],
    [['serve', '--wait=perhaps'], '--wait must be true or false, found "perhaps"'],
    [['serve', '--log-format', 'xml'], '--log-format must be text or json, found "xml"'],
    [
      ['update', '--profile', 'a]\n[b'],
      '--profile must be the name of a profile other than DEFAULT, without brackets, line ends or ' +
        'surrounding spaces, found [redacted: may be a key]',
    ],
    [['update', '--once=2'], '--once must be true or false, found "2"'],
  ])('check %j', async (args, message) => {
    expect(await runMain(args)).toEqual({
      status: 2,
      stdout: '',
      stderr: report(message, 'ERR_OPTION_INVALID', helpOf(args[0] ?? '')),
    });
  });
});
