/** `exec`, `env` and `configure` with the real AWS CLI. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Machine } from './machine.js';
import { PROGRAM, run, startMachine } from './machine.js';

const hasAws = spawnSync('aws', ['--version'], { stdio: 'ignore' }).status === 0;
const note = hasAws ? '' : ' (left out: no aws command)';

const IDENTITY = ['aws', 'sts', 'get-caller-identity'];

/** A machine with a profile that names no credentials of ours, and the flags that do. */
async function machineWithFlags(): Promise<{ machine: Machine; flags: readonly string[] }> {
  const machine = await startMachine();
  const { CERTIFICATE, PRIVATE_KEY, TRUST_ANCHOR_ARN, PROFILE_ARN, ROLE_ARN } = machine.env;
  const flags = [
    ...[
      `--certificate=${CERTIFICATE}`,
      `--private-key=${PRIVATE_KEY}`,
      `--trust-anchor-arn=${TRUST_ANCHOR_ARN}`,
    ],
    ...[`--profile-arn=${PROFILE_ARN}`, `--role-arn=${ROLE_ARN}`],
  ];
  const env = {
    ...machine.env,
    AWS_CONFIG_FILE: join(machine.folder, 'no-config'),
    AWS_PROFILE: 'no-such-profile',
  };
  return { machine: { ...machine, env }, flags };
}

describe.skipIf(!hasAws)(`the AWS CLI${note}`, () => {
  it.each([
    ['credentials in its environment', []],
    ['an endpoint of its own', ['--server']],
  ])('gets %s from exec', async (_name, more) => {
    const { machine, flags } = await machineWithFlags();
    const words = ['exec', ...flags, ...more, '--', ...IDENTITY];
    const { status, stdout, stderr } = await run(machine, process.execPath, [PROGRAM, ...words]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(':assumed-role/Demo/');
  });

  it('fails in exec with its own status and message', async () => {
    const { machine, flags } = await machineWithFlags();
    const failing = ['aws', 'sts', 'get-caller-identity', '--no-such-option'];
    const { PATH } = machine.env;
    const alone = spawnSync('aws', failing.slice(1), { env: { PATH }, encoding: 'utf8' });
    const { status, stderr } = await run(machine, process.execPath, [
      PROGRAM,
      'exec',
      ...flags,
      '--',
      ...failing,
    ]);
    expect({ status, stderr }).toEqual({ status: alone.status, stderr: alone.stderr });
  });

  it('works in a shell that has evaluated env, and no longer after --unset', async () => {
    const { machine, flags } = await machineWithFlags();
    const program = `"${process.execPath}" "${PROGRAM}"`;
    const ask = IDENTITY.join(' ');
    const steps = [`eval "$(${program} env ${flags.join(' ')})"`, ask, `eval "$(${program} env --unset)"`];
    const { status, stdout } = await run(machine, 'sh', ['-c', `${steps.join(' && ')} && ! ${ask}`]);
    expect(status).toBe(0);
    expect(stdout).toContain(':assumed-role/Demo/');
  });

  it('uses the profile that configure has written', async () => {
    const { machine, flags } = await machineWithFlags();
    const endpoint = `--endpoint=${machine.emulator.endpoint}`;
    const words = ['configure', '--profile', 'onprem', '--cache=false', ...flags, endpoint];
    const written = await run(machine, process.execPath, [PROGRAM, ...words]);
    expect(written).toMatchObject({ status: 0, stderr: '' });
    const [, command = ''] = /^try it: (aws .*)$/m.exec(written.stdout) ?? [];
    const { AWS_REGION: _region, AWS_PROFILE: _profile, ...env } = machine.env;
    const { status, stdout, stderr } = await run({ env }, 'sh', ['-c', command]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(':assumed-role/Demo/');
  });

  it('causes a warning if it reads the profile default before the endpoint', async () => {
    const { machine, flags } = await machineWithFlags();
    const path = String(machine.env['AWS_CONFIG_FILE']);
    writeFileSync(path, '[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n');
    const args = [PROGRAM, 'exec', ...flags, '--server', '--', 'true'];
    const { status, stderr } = await run(machine, process.execPath, args);
    expect(status).toBe(0);
    expect(stderr).toBe(
      'rolesanywhere: warning: programs use the profile "default" before the endpoint of --server: ' +
        `aws_access_key_id in ${path}\n`,
    );
  });
});
