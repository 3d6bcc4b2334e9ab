/** Real clients, against the emulator. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { fromRolesAnywhere } from '../../src/credentials/from-roles-anywhere.js';
import { PROGRAM, ROOT, run, startMachine } from './machine.js';

const hasAws = spawnSync('aws', ['--version'], { stdio: 'ignore' }).status === 0;
const leftOut = hasAws ? '' : ' (left out: there is no aws command here, and it could not be installed)';

const ARN = /^arn:aws:sts::123456789012:assumed-role\/Demo\/[0-9a-f]{34}$/;

describe('AWS CLI', () => {
  it.skipIf(!hasAws)(
    `gets its credentials from a profile whose only line is ours${leftOut}`,
    async () => {
      const machine = await startMachine();
      const { emulator } = machine;
      const args = ['sts', 'get-caller-identity', '--profile', 'onprem', '--region', emulator.region];
      const result = await run(machine, 'aws', [...args, '--endpoint-url', emulator.endpoint]);
      expect(result.stderr).toBe('');
      expect(JSON.parse(result.stdout)).toMatchObject({
        Account: '123456789012',
        Arn: expect.stringMatching(ARN),
      });
      expect(emulator.sessionCount).toBe(1);
    },
    60_000,
  );

  it.skipIf(!hasAws)(
    `gets its credentials from a profile that also holds our options${leftOut}`,
    async () => {
      const machine = await startMachine();
      const { trustAnchorArn, profileArn, roleArn, endpoint, region, sessionCount } = machine.emulator;
      expect(sessionCount).toBe(0);
      const config = [
        '[profile onprem]',
        `region = ${region}`,
        `credential_process = "${process.execPath}" "${PROGRAM}" credential-process --config-profile onprem`,
        // Beside the file, whatever folder the program is started in.
        'rolesanywhere_certificate = host.pem',
        'rolesanywhere_private_key = host.key',
        `rolesanywhere_trust_anchor_arn = ${trustAnchorArn}`,
        `rolesanywhere_profile_arn = ${profileArn}`,
        `rolesanywhere_role_arn = ${roleArn}`,
        `rolesanywhere_endpoint = ${endpoint}`,
        's3 =',
        '  max_concurrent_requests = 10',
      ].join('\n');
      writeFileSync(join(machine.folder, 'config'), config);
      const args = ['sts', 'get-caller-identity', '--profile', 'onprem', '--endpoint-url', endpoint];
      const result = await run(machine, 'aws', args);
      expect(result.stderr).toBe('');
      expect(JSON.parse(result.stdout)).toMatchObject({ Arn: expect.stringMatching(ARN) });
      expect(machine.emulator.sessionCount).toBe(1);
    },
    60_000,
  );

  it.skipIf(!hasAws)(
    `shows our message if the certificate is refused${leftOut}`,
    async () => {
      const machine = await startMachine();
      const { emulator } = machine;
      const broken = { env: { ...machine.env, AWS_CONFIG_FILE: `${machine.folder}/broken` } };
      await run(machine, 'sh', ['-c', 'sed "s/host.key/missing.key/" config > broken'], machine.folder);
      const args = ['sts', 'get-caller-identity', '--profile', 'onprem', '--region', emulator.region];
      const result = await run(broken, 'aws', [...args, '--endpoint-url', emulator.endpoint]);
      expect(result.status).not.toBe(0);
      expect(result.stderr).toContain(
        'missing.key cannot be read: there is no such file (ERR_FILE_UNREADABLE)',
      );
      expect(emulator.sessionCount).toBe(0);
    },
    60_000,
  );
});

describe('AWS SDK for JavaScript', () => {
  it('accepts fromRolesAnywhere() as credentials, and calls it once for many requests', async () => {
    const { emulator, env } = await startMachine();
    const { endpoint, region, trustAnchorArn, profileArn, roleArn } = emulator;
    const credentials = fromRolesAnywhere({
      certificate: env['CERTIFICATE'],
      privateKey: env['PRIVATE_KEY'],
      trustAnchorArn,
      profileArn,
      roleArn,
      endpoint,
      env: {},
    });
    const client = new STSClient({ region, endpoint, credentials });
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await client.send(new GetCallerIdentityCommand({})));
    client.destroy();
    expect(answers.map(({ Arn }) => Arn)).toEqual(Array(3).fill(expect.stringMatching(ARN)));
    expect(emulator.sessionCount).toBe(1);
  });

  it('runs our program from a profile', async () => {
    const machine = await startMachine();
    const script = `
      import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
      const client = new STSClient({ profile: 'onprem' });
      console.log((await client.send(new GetCallerIdentityCommand({}))).Arn);`;
    const result = await run(machine, process.execPath, ['--input-type=module', '-e', script], ROOT);
    expect(result.stderr).toBe('');
    expect(result.stdout.trim()).toMatch(ARN);
  });
});
