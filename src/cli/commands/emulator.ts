/**
 * Flags in, a running emulator out, until it is interrupted. Prints on stdout what a person pastes to use it; one line
 * for each request goes to stderr.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Emulator } from '../../emulator.js';
import { codeOf, OutputError } from '../../errors.js';
import { loadTrustBundle } from '../../identity/load.js';
import { chooseValues } from '../../options/choose-values.js';
import { isLoopbackAddress } from '../../options/loopback.js';
import type { ValuesOf } from '../../options/option-row.js';
import type { RawValues } from '../../options/values.js';
import { EMULATOR_OPTIONS } from '../options/command-options.js';
import type { Io } from '../terminal/io.js';
import { print, say } from '../terminal/io.js';
import { formatWarning } from '../terminal/report.js';

export async function run(values: RawValues, io: Io): Promise<void> {
  const { certificateAuthority: caFile, allowHosts, ...options } = readOptions(values, io);
  const { startEmulator } = await import('../../emulator.js');
  const interrupted = io.interrupted();
  const emulator = await startEmulator({
    ...options,
    allowHosts: allowHosts?.split(','),
    certificateAuthority: caFile && (await loadTrustBundle(caFile, 'CA')),
    log: (line) => say(io.stderr, `${line}\n`),
  });
  const { host = EMULATOR_OPTIONS.host.default } = options;
  // The zone of an IPv6 address is no part of it.
  if (!isLoopbackAddress(host.split('%')[0] ?? host)) {
    say(io.stderr, formatWarning(`anyone who reaches ${host} can use and change the emulated account`));
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

/** What is given and no defaults: the emulator has its own, and a seed excludes some of these options. */
function readOptions(given: RawValues, { env }: Io): Partial<ValuesOf<typeof EMULATOR_OPTIONS>> {
  const sources = { given, env, naming: 'flag', prefix: 'ROLESANYWHERE_EMULATOR' } as const;
  const chosen = Object.entries(chooseValues(EMULATOR_OPTIONS, sources));
  return Object.fromEntries(
    chosen.filter(([, { origin }]) => origin !== 'default').map(([name, { value }]) => [name, value]),
  );
}

const CA_BUNDLE = 'tls-ca.pem';

/** A certificate to try the emulator with, where nobody brought a CA; with TLS, whom to trust. */
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
