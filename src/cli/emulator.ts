/**
 * Flags in, a running emulator out, until SIGINT or SIGTERM. Prints on stdout what a person pastes to use it; one
 * line for each request goes to stderr.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Emulator } from '../emulator/server.js';
import { IdentityError } from '../errors.js';
import { EMULATOR_OPTIONS } from '../settings/options.js';
import { readValue } from '../settings/values.js';
import type { RawValues } from './arguments.js';
import type { Io } from './io.js';
import { print } from './io.js';

export async function run(values: RawValues, io: Io): Promise<void> {
  const { port, ca, role } = EMULATOR_OPTIONS;
  const caFile = readValue(values['ca'], ca, '--ca') as string | undefined;
  const options = {
    port: (readValue(values['port'], port, '--port') ?? port.default) as number,
    roleName: (readValue(values['role'], role, '--role') ?? role.default) as string,
    certificateAuthority: caFile && (await readCa(caFile)),
    log: (line: string) => io.stderr.write(`${line}\n`),
  };
  const { startEmulator } = await import('../emulator/server.js');
  const stopped = untilAborted(io.signal);
  const emulator = await startEmulator(options);
  const folder = emulator.authority && (await mkdtemp(join(tmpdir(), 'rolesanywhere-emulator-')));
  try {
    if (folder !== undefined) await writeIdentity(emulator, folder);
    await print(io.stdout, describe(emulator, folder, io.program));
    await stopped;
  } finally {
    await emulator.close();
    if (folder !== undefined) await rm(folder, { recursive: true });
  }
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new IdentityError('ERR_FILE_UNREADABLE', `CA ${path} cannot be read: ${reason}`, { cause });
  }
}

/** A certificate to try the emulator with, where nobody brought a CA. */
async function writeIdentity({ authority }: Emulator, folder: string): Promise<void> {
  const issued = await authority?.issue({ commonName: 'demo-workload' });
  if (issued === undefined) return;
  await writeFile(join(folder, 'host.pem'), issued.certificate);
  await writeFile(join(folder, 'host.key'), issued.privateKey, { mode: 0o600 });
}

function describe(emulator: Emulator, folder: string | undefined, program: readonly string[]): string {
  const { endpoint, region, trustAnchorArn, profileArn, roleArn } = emulator;
  const [certificate, key] =
    folder === undefined ? ['CERTIFICATE', 'KEY'] : [join(folder, 'host.pem'), join(folder, 'host.key')];
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

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
