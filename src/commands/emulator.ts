/**
 * Flags in, a running emulator out, until it is interrupted. Prints on stdout what a person pastes to use it; one line
 * for each request goes to stderr.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Authority, Emulator } from '../emulator/server.js';
import { OutputError } from '../errors.js';
import { loadTrustBundle } from '../identity/load.js';
import { EMULATOR_OPTIONS } from '../options/command-options.js';
import type { RawValues } from '../options/values.js';
import { readValue } from '../options/values.js';
import type { Io } from '../terminal/io.js';
import { print, say } from '../terminal/io.js';

export async function run(values: RawValues, io: Io): Promise<void> {
  const read = (name: keyof typeof EMULATOR_OPTIONS) =>
    readValue(values[name], EMULATOR_OPTIONS[name], `--${EMULATOR_OPTIONS[name].flag}`);
  const caFile = read('certificateAuthority') as string | undefined;
  const options = {
    port: read('port') as number | undefined,
    roleName: read('roleName') as string | undefined,
    certificateAuthority: caFile && (await loadTrustBundle(caFile, 'CA')),
    faults: read('faults') as string | undefined,
    faultSeed: read('faultSeed') as number | undefined,
    log: (line: string) => say(io.stderr, `${line}\n`),
  };
  const { startEmulator } = await import('../emulator/server.js');
  const interrupted = io.interrupted();
  const emulator = await startEmulator(options);
  const folder = join(tmpdir(), `rolesanywhere-emulator-${randomUUID()}`);
  try {
    if (emulator.authority) await onDisk(folder, writeIdentity(folder, emulator.authority));
    await print(io.stdout, describe(emulator, folder, io.program));
    if (!interrupted.aborted) await once(interrupted, 'abort');
  } finally {
    await emulator.close();
    await onDisk(folder, rm(folder, { recursive: true, force: true }));
  }
}

/** A certificate to try the emulator with, where nobody brought a CA. */
async function writeIdentity(folder: string, authority: Authority): Promise<void> {
  const issued = await authority.issue({ commonName: 'demo-workload' });
  await mkdir(folder, { mode: 0o700 });
  await writeFile(join(folder, 'host.pem'), issued.certificate);
  await writeFile(join(folder, 'host.key'), issued.privateKey, { mode: 0o600 });
}

async function onDisk(folder: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new OutputError('ERR_FILE_WRITE', `folder ${folder} cannot be written: ${reason}`, { cause });
  }
}

function describe(emulator: Emulator, folder: string, program: readonly string[]): string {
  const { endpoint, region, trustAnchorArn, profileArn, roleArn } = emulator;
  const [certificate, key] =
    emulator.authority === undefined
      ? ['CERTIFICATE', 'KEY']
      : [join(folder, 'host.pem'), join(folder, 'host.key')];
  const line = [
    ...program.map((word) => `"${word}"`),
    'credential-process',
    ...['--certificate', `"${certificate}"`, '--private-key', `"${key}"`],
    ...['--trust-anchor-arn', trustAnchorArn, '--profile-arn', profileArn, '--role-arn', roleArn],
    ...['--endpoint', endpoint],
  ].join(' ');
  return [
    `IAM Roles Anywhere and STS, emulated at ${endpoint} (Ctrl-C ends it)`,
    '',
    'In ~/.aws/config:',
    '',
    '[profile emulator]',
    `region = ${region}`,
    `credential_process = ${line}`,
    '',
    `Then: aws sts get-caller-identity --profile emulator --endpoint-url ${endpoint}`,
    '',
    '',
  ].join('\n');
}
