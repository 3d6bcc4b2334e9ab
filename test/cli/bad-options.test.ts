import { describe, expect, it } from 'vitest';
import { ARNS, startFakeService } from '../fake-service.js';
import { credentialProcess, report, runMain, runProgram } from '../program.js';

const { trustAnchorArn, profileArn, roleArn } = ARNS;
const HELP = 'see rolesanywhere credential-process --help';
const OVERVIEW = 'see rolesanywhere --help';
const ONE_LINE =
  'a value follows its flag; in ~/.aws/config the whole credential_process value must be one line, a ' +
  'backslash does not continue it';
const ANCHOR =
  '--trust-anchor-arn must look like arn:aws:rolesanywhere:<region>:<account>:trust-anchor/<id>, found';
const PROFILE = '--profile-arn must look like arn:aws:rolesanywhere:<region>:<account>:profile/<id>, found';
const ROLE = '--role-arn must look like arn:aws:iam::<account>:role/<name>, found';
const DURATION = '--session-duration must be a whole number of seconds from 900 to 43200, found';
const INVALID = 'ERR_OPTION_INVALID';
const UNKNOWN = 'ERR_OPTION_UNKNOWN';

type Row = [name: string, args: readonly string[], message: string, code: string, hint: string];

/** Valid flags with one changed. */
function flag(name: string, value: string | undefined, message: string, code = INVALID): Row {
  return [`--${name} ${value ?? 'left out'}`, credentialProcess({ [name]: value }), message, code, HELP];
}

/** Valid flags with further arguments after them. */
function behind(args: readonly string[], message: string, code: string, hint: string): Row {
  return [args.join(' ') || '(nothing)', [...credentialProcess(), ...args], message, code, hint];
}

function needsValue(name: string): string {
  return `write a value that begins with -- as --${name}=VALUE`;
}

const ROWS: readonly Row[] = [
  flag('trust-anchor-arn', 'anchor', `${ANCHOR} "anchor"`),
  flag('trust-anchor-arn', profileArn, `${ANCHOR} the ARN of a profile, "${profileArn}"`),
  flag('profile-arn', trustAnchorArn, `${PROFILE} the ARN of a trust anchor, "${trustAnchorArn}"`),
  flag(
    'profile-arn',
    'arn:aws:rolesanywhere:us-east-1:1:profile/x',
    `${PROFILE} "arn:aws:rolesanywhere:us-east-1:1:profile/x"`,
  ),
  flag('role-arn', 'Demo', `${ROLE} "Demo"`),
  flag('role-arn', 'arn:aws:iam::123456789012:user/Demo', `${ROLE} "arn:aws:iam::123456789012:user/Demo"`),
  flag('role-arn', profileArn, `${ROLE} the ARN of a profile, "${profileArn}"`),
  flag(
    'profile-arn',
    profileArn.replace('us-east-1', 'eu-west-1'),
    '--trust-anchor-arn and --profile-arn must be in one region, found us-east-1 and eu-west-1',
    'ERR_OPTION_CONFLICT',
  ),
  flag('trust-anchor-arn', undefined, 'missing --trust-anchor-arn', 'ERR_OPTION_MISSING'),
  flag('certificate', '', 'missing --certificate', 'ERR_OPTION_MISSING'),
  flag('session-duration', '899', `${DURATION} "899"`),
  flag('session-duration', '43201', `${DURATION} "43201"`),
  flag('session-duration', '1h', `${DURATION} "1h"`),
  flag('session-duration', '-900', `${DURATION} "-900"`),
  flag(
    'role-session-name',
    'a b',
    '--role-session-name must be 2 to 64 of A-Z a-z 0-9 _ + = , . @ -, found "a b"',
  ),
  flag(
    'region',
    'us-east-1-fips',
    '--region must be a region such as us-east-1 (FIPS and dual-stack are options of their own), ' +
      'found "us-east-1-fips"',
  ),
  flag('endpoint', 'example.test', '--endpoint must be an https:// URL, found "example.test"'),
  flag(
    'endpoint',
    'http://example.test',
    '--endpoint must use https, except to this machine: credentials would travel in the clear to example.test',
  ),
  flag('timeout-ms', '0', '--timeout-ms must be a whole number of milliseconds from 1 to 600000, found "0"'),
  flag('debug', 'maybe', '--debug must be true or false, found "maybe"'),
  behind(['--rol-arn', 'x'], 'unknown flag --rol-arn, did you mean "role-arn"?', UNKNOWN, HELP),
  behind(
    ['--region a --debug'],
    'unknown flag "--region a --debug"',
    UNKNOWN,
    'several arguments arrived as one word: leave out the quotes; zsh splits a variable that is written ' +
      '$' +
      '{=NAME}',
  ),
  behind(['--colour=blue'], 'unknown flag --colour', UNKNOWN, HELP),
  behind(['--role-arn', roleArn], '--role-arn is given twice', 'ERR_OPTION_CONFLICT', HELP),
  behind(['--debug', '--debug'], '--debug is given twice', 'ERR_OPTION_CONFLICT', HELP),
  behind(['--region'], '--region needs a value, found nothing', 'ERR_OPTION_MISSING', needsValue('region')),
  behind(
    ['--region', '--debug'],
    '--region needs a value, found --debug',
    'ERR_OPTION_MISSING',
    needsValue('region'),
  ),
  behind(['x'], 'unexpected argument "x"', UNKNOWN, ONE_LINE),
  behind(['\\'], 'unexpected argument "\\"', UNKNOWN, ONE_LINE),
  behind(['\\', '--debug'], 'unexpected argument "\\"', UNKNOWN, ONE_LINE),
  behind([''], 'unexpected argument ""', UNKNOWN, ONE_LINE),
  behind(['-'], 'unexpected argument "-"', UNKNOWN, ONE_LINE),
  behind(['--'], 'unexpected argument "--"', UNKNOWN, ONE_LINE),
  // As botocore hands over the lines of a multi-line value.
  behind(['\n--private-key'], 'unexpected argument --private-key', UNKNOWN, ONE_LINE),
  behind(['-region'], 'unexpected argument "-region"', UNKNOWN, 'flags begin with two dashes'),
  behind(['--debug', 'true'], 'unexpected argument "true"', UNKNOWN, ONE_LINE),
  [
    'an unknown command',
    ['credentials-process'],
    'unknown command "credentials-process", did you mean "credential-process"?',
    UNKNOWN,
    OVERVIEW,
  ],
  ['a command that is like no other', ['frobnicate'], 'unknown command "frobnicate"', UNKNOWN, OVERVIEW],
  ['help of an unknown command', ['help', 'frobnicate'], 'unknown command "frobnicate"', UNKNOWN, OVERVIEW],
  [
    'a subcommand that is missing',
    ['cache'],
    'missing subcommand: cache list or cache clear',
    'ERR_OPTION_MISSING',
    OVERVIEW,
  ],
  [
    'a flag that version does not have',
    ['version', '--debug'],
    'unknown flag --debug',
    UNKNOWN,
    'see rolesanywhere version --help',
  ],
  [
    'swapped ARNs',
    credentialProcess({ 'role-arn': profileArn, 'profile-arn': roleArn }),
    '--profile-arn and --role-arn are swapped',
    INVALID,
    'the value of --profile-arn belongs to --role-arn; the value of --role-arn belongs to --profile-arn',
  ],
  [
    'swapped ARNs of three',
    credentialProcess({
      'trust-anchor-arn': profileArn,
      'profile-arn': roleArn,
      'role-arn': trustAnchorArn,
    }),
    '--trust-anchor-arn and --profile-arn and --role-arn are swapped',
    INVALID,
    'the value of --trust-anchor-arn belongs to --profile-arn; the value of --profile-arn belongs to ' +
      '--role-arn; the value of --role-arn belongs to --trust-anchor-arn',
  ],
];

describe('refused with status 2, and nothing on stdout', () => {
  it.each(ROWS)('%s', async (_name, args, message, code, hint) => {
    expect(await runMain(args)).toEqual({ status: 2, stdout: '', stderr: report(message, code, hint) });
  });

  it('by the program as it is built', async () => {
    const [, args = [], message = '', code = '', hint] = ROWS[0] ?? [];
    expect(await runProgram(args)).toEqual({ status: 2, stdout: '', stderr: report(message, code, hint) });
  });

  it.each(['use-fips-endpoint', 'use-dualstack-endpoint'])(
    'an endpoint and --%s, nothing sent',
    async (name) => {
      const { endpoint, requests } = await startFakeService([]);
      expect(await runMain([...credentialProcess({ endpoint }), `--${name}`])).toEqual({
        status: 2,
        stdout: '',
        stderr: report(`--endpoint and --${name} exclude each other`, 'ERR_OPTION_CONFLICT', HELP),
      });
      expect(requests).toHaveLength(0);
    },
  );

  it('a stray word after a passphrase, which may be part of it', async () => {
    const args = credentialProcess();
    const { status, stdout, stderr } = await runMain([...args, '--pkcs8-password', 'two', 'words']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(
      report('unexpected argument after a passphrase', UNKNOWN, 'quote a passphrase that contains spaces'),
    );
  });
});
