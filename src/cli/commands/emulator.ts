/**
 * Runs the emulator until it is interrupted. Prints on stdout what a user pastes to use it; stderr has one
 * line for each request.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Emulator } from '../../emulator.js';
import { codeOf, OutputError } from '../../errors.js';
import { loadTrustBundle } from '../../identity/load.js';
import {
  ACCOUNT_ID_KIND,
  HOST_KIND,
  HOST_NAMES_KIND,
  PORT_KIND,
  REGION_KIND,
  ROLE_NAME_KIND,
  SEED_KIND,
} from '../../options/kinds.js';
import { isLoopbackAddress } from '../../options/loopback.js';
import type { ValuesOf } from '../../options/option-spec.js';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import type { Flags } from '../options/flags.js';
import { HELP_FLAGS } from '../options/flags.js';
import { readFlags } from '../options/read-flags.js';
import { programNameOf } from '../program-name.js';
import type { Io } from '../terminal/io.js';
import { print, say } from '../terminal/io.js';
import { formatWarning } from '../terminal/report.js';

/** The flags have the names of `startEmulator`'s options. */
export const EMULATOR_FLAGS = {
  host: {
    flag: 'host',
    kind: HOST_KIND,
    placeholder: 'ADDRESS',
    default: '127.0.0.1',
    help: 'address to listen on; other than loopback, anyone who can reach it can use it (warns)',
  },
  allowHosts: {
    flag: 'allow-host',
    kind: HOST_NAMES_KIND,
    placeholder: 'NAME',
    help: 'additional host name to accept on loopback, such as host.docker.internal; may be repeated',
  },
  port: {
    flag: 'port',
    kind: PORT_KIND,
    placeholder: 'PORT',
    default: 0,
    help: 'port to listen on; 0 for any free port',
  },
  region: {
    flag: 'region',
    kind: REGION_KIND,
    placeholder: 'REGION',
    default: 'us-east-1',
    help: 'region of the account; requests must be signed for it',
  },
  accountId: {
    flag: 'account-id',
    kind: ACCOUNT_ID_KIND,
    placeholder: 'NUMBER',
    default: '123456789012',
    help: 'account ID, twelve digits',
  },
  certificateAuthority: {
    flag: 'ca',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'PEM file of a CA for the trust anchor; default: a new CA and a certificate, removed at the end',
  },
  roleName: {
    flag: 'role',
    kind: ROLE_NAME_KIND,
    placeholder: 'NAME',
    default: 'Demo',
    help: 'name of the role that sessions assume',
  },
  tls: {
    flag: 'tls',
    kind: { type: 'boolean' },
    default: false,
    help: 'serve https with a new certificate, and print the path of its CA bundle',
  },
  state: {
    flag: 'state',
    kind: { type: 'text' },
    placeholder: 'FILE',
    help: 'file that keeps trust anchors, profiles, CRLs and roles across restarts',
  },
  seed: {
    flag: 'seed',
    kind: { type: 'text' },
    placeholder: 'FILE',
    help: 'JSON file of trust anchors, profiles and roles for a new account',
  },
  faults: {
    flag: 'fault',
    kind: { type: 'list', separator: ';' },
    placeholder: 'FAULT',
    help:
      'fault to inject, for testing clients; may be repeated: latency=50 (ms), throttle (=10 CreateSession ' +
      'per second), error=503, reset, stall, truncate, content-type=text/html or date-skew=600 (s), ' +
      'each with ' +
      'rate=0.1, count=3, operation=CreateSession, retry-after=5 after commas',
  },
  faultSeed: {
    flag: 'fault-seed',
    kind: SEED_KIND,
    placeholder: 'NUMBER',
    default: 1,
    help: 'seed of the random numbers of faults with a rate',
  },
  strictAttributes: {
    flag: 'strict-attributes',
    kind: { type: 'boolean' },
    default: false,
    help: 'refuse a session if an attribute of the certificate cannot be a session tag; default: log it',
  },
  verbose: {
    flag: 'verbose',
    kind: { type: 'boolean' },
    default: false,
    help: 'log reasons in full, and for a wrong signature what both sides signed; never a secret',
  },
} as const satisfies Flags;

export const command: Command = {
  flags: { 'This command': EMULATOR_FLAGS, Output: HELP_FLAGS },
  example: '--port 8080 --state account.json',
  variables: 'ROLESANYWHERE_EMULATOR',
  run,
};

async function run(args: Arguments, io: Io): Promise<void> {
  const { certificateAuthority: caFile, ...options } = readOptions(args, io);
  const { startEmulator } = await import('../../emulator.js');
  const interrupted = io.interrupted();
  const emulator = await startEmulator({
    ...options,
    certificateAuthority: caFile && (await loadTrustBundle(caFile, 'CA')),
    log: (line) => say(io.stderr, `${line}\n`),
  });
  const { host = EMULATOR_FLAGS.host.default } = options;
  // The zone is not part of an IPv6 address.
  if (!isLoopbackAddress(host.split('%')[0] ?? host)) {
    const warning = `anyone who reaches ${host} can use and change the emulated account`;
    say(io.stderr, formatWarning(programNameOf(io), warning));
  }
  const folder = join(tmpdir(), `rolesanywhere-emulator-${randomUUID()}`);
  try {
    await onDisk(folder, writeFiles(folder, emulator));
    await print(io.stdout, describe(emulator, folder, io.program));
    if (!interrupted.aborted) await once(interrupted, 'abort');
  } finally {
    await emulator.close();
    await onDisk(folder, rm(folder, { recursive: true, force: true }));
  }
}

/** The given options without defaults: the emulator has its own, and a seed excludes some options. */
function readOptions(args: Arguments, { env }: Io): Partial<ValuesOf<typeof EMULATOR_FLAGS>> {
  const chosen = Object.entries(readFlags(args, EMULATOR_FLAGS, env, 'ROLESANYWHERE_EMULATOR'));
  return Object.fromEntries(
    chosen.filter(([, { origin }]) => origin !== 'default').map(([name, { value }]) => [name, value]),
  );
}

const CA_BUNDLE = 'tls-ca.pem';

/**
 * Writes a certificate to try the emulator with, unless the user brought a CA; with TLS, also the CA bundle.
 */
async function writeFiles(folder: string, { authority, caBundle }: Emulator): Promise<void> {
  if ((authority ?? caBundle) === undefined) return;
  await mkdir(folder, { mode: 0o700 });
  if (caBundle !== undefined) await writeFile(join(folder, CA_BUNDLE), caBundle);
  if (authority === undefined) return;
  const issued = await authority.issue({ commonName: 'demo-workload' });
  await writeFile(join(folder, 'host.pem'), issued.certificate);
  await writeFile(join(folder, 'host.key'), issued.privateKey, { mode: 0o600 });
}

async function onDisk(folder: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (cause) {
    const reason = codeOf(cause) || 'unknown';
    throw new OutputError('ERR_FILE_WRITE', `folder ${folder} cannot be written: ${reason}`, { cause });
  }
}

function describe(emulator: Emulator, folder: string, program: readonly string[]): string {
  const { endpoint, region, trustAnchorArn, profileArn, roleArn, caBundle } = emulator;
  const isOurs = emulator.authority !== undefined;
  const [certificate, key] = isOurs
    ? [join(folder, 'host.pem'), join(folder, 'host.key')]
    : ['CERTIFICATE', 'KEY'];
  const bundle = caBundle === undefined ? undefined : join(folder, CA_BUNDLE);
  const line = [
    ...program.map((word) => `"${word}"`),
    'credential-process',
    ...['--certificate', `"${certificate}"`, '--private-key', `"${key}"`],
    ...['--trust-anchor-arn', trustAnchorArn, '--profile-arn', profileArn, '--role-arn', roleArn],
    ...['--endpoint', endpoint],
    ...(bundle === undefined ? [] : ['--ca-bundle', `"${bundle}"`]),
  ].join(' ');
  return [
    `IAM Roles Anywhere, STS and IAM, emulated at ${endpoint} (Ctrl-C ends it)`,
    '',
    `trust anchor  ${trustAnchorArn}`,
    `profile       ${profileArn}`,
    `role          ${roleArn}`,
    '',
    isOurs
      ? 'In ~/.aws/config:'
      : 'In ~/.aws/config, with your certificate and its key for CERTIFICATE and KEY:',
    '',
    '[profile emulator]',
    `region = ${region}`,
    `credential_process = ${line}`,
    '',
    'In the shell:',
    '',
    ...['ROLESANYWHERE', 'STS', 'IAM'].map((service) => `export AWS_ENDPOINT_URL_${service}=${endpoint}`),
    ...(bundle === undefined ? [] : [`export AWS_CA_BUNDLE=${quoteForShell(bundle)}`]),
    '',
    'Then: aws sts get-caller-identity --profile emulator',
    ...hintForOldCli(endpoint),
    '',
    '',
  ].join('\n');
}

/** AWS_ENDPOINT_URL_STS is read from AWS CLI 2.13.0 and 1.29.0 on; Debian 12 has 2.9.19. */
function hintForOldCli(endpoint: string): string[] {
  return [
    '',
    'AWS CLI before 2.13 (1.29) does not read these variables: add the address to each command:',
    `aws sts get-caller-identity --profile emulator --endpoint-url ${endpoint}`,
  ];
}

/** For POSIX shells; PowerShell has `$env:NAME = …` for `export`. */
function quoteForShell(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
