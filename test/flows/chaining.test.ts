/** Role chaining with AWS's own clients: roles made with `aws iam`, sessions of sessions from STS. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import {
  AssumeRoleCommand,
  GetAccessKeyInfoCommand,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { fromRolesAnywhere } from '../../src/credentials/from-roles-anywhere.js';
import type { Machine } from './machine.js';
import { run, startMachine } from './machine.js';

const hasAws = spawnSync('aws', ['--version'], { stdio: 'ignore' }).status === 0;
const leftOut = hasAws ? '' : ' (left out: there is no aws command here, and it could not be installed)';

const ACCOUNT = '123456789012';
const TARGET = `arn:aws:iam::${ACCOUNT}:role/Target`;
const ACTIONS = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'];

const trust = (Action: readonly string[], Condition = {}) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:role/Demo` }, Action, Condition },
    ],
  });

/** Runs `aws` on that machine; returns its parsed output, or the last line of its error. */
async function aws(machine: Machine, profile: string | undefined, args: readonly string[]) {
  const administrator = { AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE', AWS_SECRET_ACCESS_KEY: 'x' };
  // The first version of the CLI has this name for the region, the second both.
  const region = { AWS_DEFAULT_REGION: machine.emulator.region };
  const env = {
    ...machine.env,
    ...region,
    // The CLI keeps sessions of chained roles in the home of its user.
    HOME: machine.folder,
    AWS_PROFILE: profile,
    ...(profile === undefined ? administrator : {}),
  };
  const { stdout, stderr } = await run({ env }, 'aws', [...args, '--output', 'json']);
  return stdout.trim() === '' ? stderr.trim() : JSON.parse(stdout);
}

const createRole = (machine: Machine, policy: string) =>
  aws(machine, undefined, [
    'iam',
    'create-role',
    '--role-name',
    'Target',
    '--assume-role-policy-document',
    policy,
  ]);

describe('AWS CLI', () => {
  it.skipIf(!hasAws)(
    'chains roles by its config: tags of the certificate, source identity and external id are what ' +
      `the trust policy asks for${leftOut}`,
    async () => {
      const machine = await startMachine();
      const condition = {
        StringEquals: {
          'sts:ExternalId': 'x-1',
          'aws:PrincipalTag/x509Subject/CN': 'host-1',
          'sts:SourceIdentity': 'CN=host-1',
        },
      };
      expect(await createRole(machine, trust(ACTIONS, condition))).toMatchObject({ Role: { Arn: TARGET } });
      const lines = [
        `role_arn = ${TARGET}`,
        'source_profile = onprem',
        'role_session_name = ci',
        'external_id = x-1',
      ];
      appendFileSync(machine.env['AWS_CONFIG_FILE'] ?? '', `[profile chained]\n${lines.join('\n')}\n`);
      const Arn = `arn:aws:sts::${ACCOUNT}:assumed-role/Target/ci`;
      expect(await aws(machine, 'chained', ['sts', 'get-caller-identity'])).toMatchObject({
        Account: ACCOUNT,
        Arn,
      });
      expect(machine.emulator.sessionCount).toBe(2);
    },
    60_000,
  );

  it.skipIf(!hasAws)(
    `gets a chained session from credential-process --assume-role-arn${leftOut}`,
    async () => {
      const machine = await startMachine();
      const condition = { StringEquals: { 'sts:ExternalId': 'x-1' } };
      await createRole(machine, trust(ACTIONS, condition));
      const path = machine.env['AWS_CONFIG_FILE'] ?? '';
      const line = readFileSync(path, 'utf8').trim().replace('[profile onprem]', '[profile chain]');
      const chain = `--assume-role-arn ${TARGET} --external-id x-1 --assume-role-session-name ci`;
      appendFileSync(path, `${line} ${chain}\n`);
      expect(await aws(machine, 'chain', ['sts', 'get-caller-identity'])).toMatchObject({
        Account: ACCOUNT,
        Arn: `arn:aws:sts::${ACCOUNT}:assumed-role/Target/ci`,
      });
    },
    60_000,
  );

  it.skipIf(!hasAws)(
    `chains a session, shows its account, and gets the reason of a refusal${leftOut}`,
    async () => {
      const machine = await startMachine();
      await createRole(machine, trust(ACTIONS));
      const assume = ['sts', 'assume-role', '--role-arn', TARGET, '--role-session-name', 'by-hand'];
      const answer = await aws(machine, 'onprem', [
        ...[...assume, '--duration-seconds', '900', '--tags', 'Key=team,Value=a b', 'Key=stage,Value='],
        ...['--transitive-tag-keys', 'team', '--policy', '{"Version":"2012-10-17","Statement":[]}'],
      ]);
      expect(answer).toMatchObject({
        AssumedRoleUser: { Arn: `arn:aws:sts::${ACCOUNT}:assumed-role/Target/by-hand` },
        SourceIdentity: 'CN=host-1',
        PackedPolicySize: 2,
        Credentials: { AccessKeyId: expect.stringMatching(/^ASIA/), Expiration: expect.any(String) },
      });
      const info = ['sts', 'get-access-key-info', '--access-key-id', answer.Credentials.AccessKeyId];
      expect(await aws(machine, 'onprem', info)).toEqual({ Account: ACCOUNT });

      const update = ['iam', 'update-assume-role-policy', '--role-name', 'Target', '--policy-document'];
      await aws(machine, undefined, [...update, trust(ACTIONS.slice(0, 2))]);
      const refusal = await aws(machine, 'onprem', assume);
      expect(refusal).toMatch(
        /\(AccessDenied\) .* User: arn:aws:sts::123456789012:assumed-role\/Demo\/[0-9a-f]+ is/,
      );
      expect(refusal).toMatch(
        / not authorized to perform: sts:SetSourceIdentity on resource: arn:aws:iam::\d{12}:role\/Target$/,
      );
    },
    120_000,
  );

  it.skipIf(!hasAws)(
    `makes a token for EKS, which is a presigned GetCallerIdentity${leftOut}`,
    async () => {
      const machine = await startMachine();
      const { status } = await aws(machine, 'onprem', ['eks', 'get-token', '--cluster-name', 'my-cluster']);
      const url = new URL(Buffer.from(status.token.replace(/^k8s-aws-v1\./, ''), 'base64url').toString());
      const ask = async (cluster: string) => {
        const headers = { 'x-k8s-aws-id': cluster };
        return (await fetch(url, { headers })).text();
      };
      expect(url.origin).toBe(machine.emulator.endpoint);
      expect(await ask('my-cluster')).toMatch(
        /<Arn>arn:aws:sts::123456789012:assumed-role\/Demo\/[0-9a-f]+<\/Arn>/,
      );
      expect(await ask('other')).toContain('<Code>SignatureDoesNotMatch</Code>');
    },
    60_000,
  );
});

describe('AWS SDK for JavaScript', () => {
  it.skipIf(!hasAws)(`chains roles${leftOut}`, async () => {
    const machine = await startMachine();
    await createRole(machine, trust(ACTIONS));
    const { endpoint, region, trustAnchorArn, profileArn, roleArn } = machine.emulator;
    const credentials = fromRolesAnywhere({
      certificate: machine.env['CERTIFICATE'],
      privateKey: machine.env['PRIVATE_KEY'],
      ...{ trustAnchorArn, profileArn, roleArn, endpoint, env: {} },
    });
    const client = new STSClient({ region, endpoint, credentials });
    const { Credentials: keys } = await client.send(
      new AssumeRoleCommand({ RoleArn: TARGET, RoleSessionName: 'sdk', Tags: [{ Key: 'a', Value: '1' }] }),
    );
    const {
      AccessKeyId: accessKeyId = '',
      SecretAccessKey: secretAccessKey = '',
      SessionToken: sessionToken = '',
    } = keys ?? {};
    const chained = new STSClient({
      region,
      endpoint,
      credentials: { accessKeyId, secretAccessKey, sessionToken },
    });
    const { Arn } = await chained.send(new GetCallerIdentityCommand({}));
    expect(Arn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/Target/sdk`);
    const { Account } = await chained.send(new GetAccessKeyInfoCommand({ AccessKeyId: accessKeyId }));
    expect(Account).toBe(ACCOUNT);
    const again = new AssumeRoleCommand({ RoleArn: TARGET, RoleSessionName: 'sdk' });
    await expect(chained.send(again)).rejects.toMatchObject({
      name: 'AccessDenied',
      $metadata: { httpStatusCode: 403 },
    });
    client.destroy();
    chained.destroy();
  });
});
