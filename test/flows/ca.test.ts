/**
 * From no certificate to a session: `ca` makes the certificates, its `ca setup` the AWS side, by the AWS CLI
 * against the emulator; templates are checked as far as tools are installed.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runMain } from '../program.js';
import { KEY, PROGRAM, run, startMachine } from './machine.js';

const can = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const hasAws = can('aws', '--version');
const hasHcl = can('python3', '-c', 'import hcl2');
const hasLint = can('cfn-lint', '--version');

const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-ca-flow-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);

async function ca(...words: string[]): Promise<string> {
  const [name = '', ...others] = words;
  const { status, stdout, stderr } = await runMain(['ca', name, '--ca-folder', path('ca'), ...others]);
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

beforeAll(async () => {
  await ca('init', '--common-name', 'Example CA', '--organization', 'Bücher GmbH');
  const names = { host: ['Bücher GmbH', 'Ops'], other: ['Bücher GmbH', 'Dev'] };
  for (const [name, [organization = '', unit = '']] of Object.entries(names)) {
    const subject = ['--organization', organization, '--organizational-unit', unit];
    await ca('issue', '--common-name', name, ...subject, '--out', path(name));
  }
});

const POLICIES = [
  'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess',
  'arn:aws:iam::123456789012:policy/team/own',
];

describe('ca setup', () => {
  it.skipIf(!hasAws)(
    'prints commands that set up AWS for this subject of this CA only (left out without the aws command)',
    async () => {
      const machine = await startMachine();
      const lines = await ca(
        ...['setup', '--certificate', path('host.pem'), '--name', 'on_prem-1'],
        ...POLICIES.flatMap((arn) => ['--policy-arn', arn]),
      );
      const env = {
        ...machine.env,
        AWS_CONFIG_FILE: undefined,
        AWS_DEFAULT_REGION: machine.emulator.region,
        AWS_ACCESS_KEY_ID: KEY.accessKeyId,
        AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey,
      };
      const setup = await run({ env }, 'sh', ['-euc', lines], folder);
      expect(setup).toMatchObject({ status: 0, stderr: '' });
      expect(setup.stdout).toMatch(
        /^--trust-anchor-arn \S+ --profile-arn \S+ --role-arn \S+:role\/on_prem-1\n$/,
      );
      const attached = 'iam list-attached-role-policies --role-name on_prem-1 --output json'.split(' ');
      const { stdout: policies } = await run({ env }, 'aws', attached);
      expect(JSON.parse(policies)).toEqual({
        AttachedPolicies: [
          { PolicyName: 'own', PolicyArn: POLICIES[1] },
          { PolicyName: 'AmazonS3ReadOnlyAccess', PolicyArn: POLICIES[0] },
        ],
      });
      const ask = (name: string) => {
        const identity = ['--certificate', path(`${name}.pem`), '--private-key', path(`${name}.key`)];
        const arns = setup.stdout.trim().split(' ');
        const words = [PROGRAM, 'credential-process', ...identity, ...arns];
        return run(machine, process.execPath, [...words, '--endpoint', machine.emulator.endpoint]);
      };
      const [host, other] = [await ask('host'), await ask('other')];
      expect(host).toMatchObject({ status: 0, stdout: expect.stringContaining('"SessionToken"') });
      expect(other).toMatchObject({ status: 5, stdout: '' });
      // Of the machine's own CA.
      const [, anchor = ''] = setup.stdout.split(' ');
      expect(anchor).not.toBe(machine.emulator.trustAnchorArn);

      await ca('revoke', path('host.pem'), '--reason', 'superseded');
      await ca('crl');
      const words = 'rolesanywhere import-crl --name revoked --enabled --trust-anchor-arn'.split(' ');
      const list = ['--crl-data', `fileb://${path('ca/crl.pem')}`];
      expect(await run({ env }, 'aws', [...words, anchor, ...list])).toMatchObject({ status: 0 });
      expect(await ask('host')).toMatchObject({ status: 5, stdout: '' });
    },
    60_000,
  );

  it('prints a CloudFormation template', async () => {
    const text = await ca(
      ...['setup', '--format', 'cloudformation', '--certificate', path('host.pem'), '--role-name', 'Ops'],
      ...POLICIES.flatMap((arn) => ['--policy-arn', arn]),
    );
    const { Resources } = JSON.parse(text);
    expect(Resources.TrustAnchor.Properties.Source.SourceData.X509CertificateData).toBe(
      readFileSync(path('ca/ca.pem'), 'utf8'),
    );
    const { Condition } = Resources.Role.Properties.AssumeRolePolicyDocument.Statement[0];
    expect(Condition).toEqual({
      ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': ['TrustAnchor', 'TrustAnchorArn'] } },
      StringEquals: {
        'aws:PrincipalTag/x509Subject/O': 'Bücher GmbH',
        'aws:PrincipalTag/x509Subject/OU': 'Ops',
        'aws:PrincipalTag/x509Subject/CN': 'host',
      },
    });
    expect(Resources.Role.Properties.ManagedPolicyArns).toEqual(POLICIES);
    writeFileSync(path('template.json'), text);
  });

  it.skipIf(!hasLint)('cfn-lint accepts it (left out where it is not installed)', { timeout: 60_000 }, () => {
    const { status, stdout } = spawnSync('cfn-lint', [path('template.json')], { encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, '']);
  });

  const terraform = () =>
    ca(
      ...['setup', '--format', 'terraform', '--organization', 'Example', '--role-name', 'Ops'],
      ...POLICIES.flatMap((arn) => ['--policy-arn', arn]),
    );

  it.skipIf(!hasHcl)(
    'prints Terraform that parses (left out where hcl2 for python3 is missing)',
    async () => {
      writeFileSync(path('main.tf'), await terraform());
      const script = 'import hcl2, json, sys; print(json.dumps(hcl2.load(open(sys.argv[1]))["resource"]))';
      const words = ['-c', script, path('main.tf')];
      const { stdout } = spawnSync('python3', words, { encoding: 'utf8' });
      const text = JSON.stringify(JSON.parse(stdout));
      for (const type of [
        'rolesanywhere_trust_anchor',
        'rolesanywhere_profile',
        'iam_role_policy_attachment',
      ]) {
        expect(text).toContain(`aws_${type}`);
      }
      const [, body = ''] = readFileSync(path('ca/ca.pem'), 'utf8').split('\n');
      expect(text).toContain(body);
      expect(text).toContain(POLICIES[1]);
    },
  );
});
