/**
 * A machine outside AWS, for flows with real clients: a folder with a CA, a certificate and its key, an AWS
 * config with one `credential_process` line, and the emulator in place of AWS.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Emulator } from '../../src/emulator.js';
import { createAuthority, startEmulator } from '../../src/emulator.js';

export const ROOT = join(import.meta.dirname, '..', '..');
export const PROGRAM = join(ROOT, 'dist', 'bin.cjs');

/** NODE_OPTIONS under which Node reaches loopback alone. */
export const NO_NETWORK = `--require ${JSON.stringify(join(ROOT, 'test', 'no-network.cjs'))}`;

export interface Machine {
  readonly folder: string;
  readonly emulator: Emulator;
  /** The environment of a shell on this machine: its AWS config, and no AWS settings of the real machine. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export async function startMachine(): Promise<Machine> {
  const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-flow-'));
  const authority = await createAuthority();
  const host = await authority.issue({ commonName: 'host-1' });
  const emulator = await startEmulator({ certificateAuthority: authority.certificate });
  onTestFinished(async () => {
    await emulator.close();
    rmSync(folder, { recursive: true });
  });
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  write('ca.pem', authority.certificate);
  const { trustAnchorArn, profileArn, roleArn, endpoint, region } = emulator;
  const line = [
    `"${process.execPath}" "${PROGRAM}" credential-process`,
    `--certificate "${write('host.pem', host.certificate)}" --private-key ` +
      `"${write('host.key', host.privateKey)}"`,
    `--trust-anchor-arn ${trustAnchorArn} --profile-arn ${profileArn} --role-arn ${roleArn} ` +
      `--endpoint ${endpoint}`,
  ].join(' ');
  const config = write('config', `[profile onprem]\ncredential_process = ${line}\n`);
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    NODE_OPTIONS: NO_NETWORK,
    AWS_CONFIG_FILE: config,
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'no-credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    AWS_REGION: region,
    AWS_ENDPOINT_URL: endpoint,
    CERTIFICATE: join(folder, 'host.pem'),
    PRIVATE_KEY: join(folder, 'host.key'),
    TRUST_ANCHOR_ARN: trustAnchorArn,
    PROFILE_ARN: profileArn,
    ROLE_ARN: roleArn,
  };
  return { folder, emulator, env };
}

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command on that machine. */
export function run(
  machine: Pick<Machine, 'env'>,
  command: string,
  args: readonly string[],
  cwd: string = ROOT,
): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env: machine.env, timeout: 60_000 }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ status, stdout, stderr });
    });
  });
}

export const KEY = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'not known to the emulator' };

/** One call of the AWS CLI by an administrator, who has keys that the emulator has never seen. */
export function administrate(machine: Machine) {
  const { AWS_CONFIG_FILE: _config, ...env } = machine.env;
  const administrator = {
    env: {
      ...env,
      AWS_DEFAULT_REGION: machine.emulator.region,
      AWS_ACCESS_KEY_ID: KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey,
    },
  };
  return async (command: string, ...args: string[]) => {
    const words = [...command.split(' '), ...args, '--endpoint-url', machine.emulator.endpoint];
    const { stdout, stderr, status } = await run(administrator, 'aws', words, machine.folder);
    return { status, stderr, answer: stdout.trim() === '' ? undefined : JSON.parse(stdout) };
  };
}

export const TRUST_POLICY = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: 'rolesanywhere.amazonaws.com' },
      Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
    },
  ],
};
