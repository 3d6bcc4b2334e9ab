/** AWS's own clients set up an account, from nothing to a session and back. Each CLI call takes a second. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CreateProfileCommand,
  CreateTrustAnchorCommand,
  DeleteProfileCommand,
  DeleteTrustAnchorCommand,
  DisableTrustAnchorCommand,
  EnableProfileCommand,
  GetProfileCommand,
  GetSubjectCommand,
  ImportCrlCommand,
  ListTagsForResourceCommand,
  paginateListProfiles,
  paginateListSubjects,
  RolesAnywhereClient,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateProfileCommand,
} from '@aws-sdk/client-rolesanywhere';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSession } from '../../src/session/create-session.js';
import type { Machine } from './machine.js';
import { administrate, KEY, TRUST_POLICY as POLICY, run, startMachine } from './machine.js';

const hasAws = spawnSync('aws', ['--version'], { stdio: 'ignore' }).status === 0;
const leftOut = hasAws ? '' : ' (left out: there is no aws command here, and it could not be installed)';

describe('AWS CLI', () => {
  it.skipIf(!hasAws)(
    `creates anchor, profile and role, lists in pages, updates, disables, deletes${leftOut}`,
    async () => {
      const machine = await startMachine();
      const aws = administrate(machine);
      writeFileSync(join(machine.folder, 'trust.json'), JSON.stringify(POLICY));
      const policy = 'file://trust.json';
      const { answer: created } = await aws(
        'iam create-role --role-name Ops --max-session-duration 7200 --assume-role-policy-document',
        policy,
      );
      expect(created.Role).toMatchObject({
        Arn: 'arn:aws:iam::123456789012:role/Ops',
        MaxSessionDuration: 7200,
        AssumeRolePolicyDocument: POLICY,
      });
      // As in the README.
      const bundle = await cat(machine, 'ca.pem');
      const pem = `sourceType=CERTIFICATE_BUNDLE,sourceData={x509CertificateData=${bundle}}`;
      const [{ answer: anchor }, { answer: profile }] = await Promise.all([
        aws(
          'rolesanywhere create-trust-anchor --name onprem --enabled --tags key=team,value=a --source',
          pem,
        ),
        aws('rolesanywhere create-profile --name onprem --enabled --role-arns', created.Role.Arn),
      ]);
      const { trustAnchorArn, trustAnchorId } = anchor.trustAnchor;
      const { profileArn, profileId } = profile.profile;
      const ask = () =>
        createSession({
          certificate: machine.env['CERTIFICATE'],
          privateKey: machine.env['PRIVATE_KEY'],
          roleArn: created.Role.Arn,
          endpoint: machine.emulator.endpoint,
          trustAnchorArn,
          profileArn,
          env: {},
        });
      expect((await ask()).assumedRole.arn).toContain('assumed-role/Ops/');

      const [{ answer: pages }, { answer: updated }] = await Promise.all([
        // The CLI asks again for each page.
        aws('rolesanywhere list-trust-anchors --page-size 1'),
        aws('rolesanywhere update-profile --duration-seconds 900 --profile-id', profileId),
      ]);
      expect(pages.trustAnchors.map(({ name }: { name: string }) => name).sort()).toEqual([
        'emulator',
        'onprem',
      ]);
      expect(updated.profile).toMatchObject({ durationSeconds: 900, enabled: true });

      const { answer: disabled } = await aws(
        'rolesanywhere disable-trust-anchor --trust-anchor-id',
        trustAnchorId,
      );
      expect(disabled.trustAnchor.enabled).toBe(false);
      await expect(ask()).rejects.toMatchObject({ code: 'ERR_SERVICE_DENIED' });

      const [gone, role] = await Promise.all([
        aws('rolesanywhere delete-trust-anchor --trust-anchor-id', trustAnchorId),
        aws('iam delete-role --role-name Ops'),
      ]);
      expect(gone.answer.trustAnchor.trustAnchorId).toBe(trustAnchorId);
      expect(role).toMatchObject({ status: 0, stderr: '' });
      await expect(ask()).rejects.toMatchObject({ code: 'ERR_SERVICE_DENIED', status: 404 });
    },
    60_000,
  );

  it.skipIf(!hasAws)(
    `is refused with the credentials of a session${leftOut}`,
    async () => {
      const machine = await startMachine();
      const words = [
        'rolesanywhere',
        'list-crls',
        '--profile',
        'onprem',
        '--region',
        machine.emulator.region,
      ];
      const { stderr } = await run(machine, 'aws', [...words, '--endpoint-url', machine.emulator.endpoint]);
      expect(stderr).toContain(
        'An error occurred (AccessDeniedException) when calling the ListCrls operation: User:',
      );
    },
    60_000,
  );
});

async function cat(machine: Machine, name: string): Promise<string> {
  return (await run(machine, 'cat', [name], machine.folder)).stdout.trim();
}

/** Operations that this test's SDK for JavaScript is too old for, with Python's names. */
const SCRIPT = `
import botocore.session, json, sys
endpoint, = sys.argv[1:]
session = botocore.session.get_session()
session.set_credentials('${KEY.accessKeyId}', '${KEY.secretAccessKey}')
client = session.create_client('rolesanywhere', region_name='us-east-1', endpoint_url=endpoint)
anchor = client.list_trust_anchors()['trustAnchors'][0]['trustAnchorId']
profile = client.list_profiles()['profiles'][0]['profileId']
out = {}
event = {'event': 'CA_CERTIFICATE_EXPIRY'}
setting = [{**event, 'enabled': True, 'threshold': 30}]
put = client.put_notification_settings(trustAnchorId=anchor, notificationSettings=setting)
out['put'] = put['trustAnchor']['notificationSettings'][0]
reset = client.reset_notification_settings(trustAnchorId=anchor, notificationSettingKeys=[event])
out['reset'] = reset['trustAnchor']['notificationSettings'][0]
rules = [{'specifier': 'CN'}, {'specifier': '2.5.4.5'}]
subject = {'profileId': profile, 'certificateField': 'x509Subject'}
client.put_attribute_mapping(**subject, mappingRules=rules)
out['mappings'] = client.delete_attribute_mapping(**subject, specifiers=['CN'])['profile']['attributeMappings']
updated = client.update_profile(profileId=profile, acceptRoleSessionName=True)
out['name'] = updated['profile']['acceptRoleSessionName']
try: client.put_notification_settings(trustAnchorId=anchor, notificationSettings=[{**event, 'enabled': True}])
except client.exceptions.ValidationException as error: out['invalid'] = str(error)
arn = client.get_profile(profileId=profile)['profile']['profileArn']
many = [{'key': 'k%d' % n, 'value': 'v'} for n in range(50)]
client.tag_resource(resourceArn=arn, tags=many)
try: client.tag_resource(resourceArn=arn, tags=[{'key': 'more', 'value': ''}])
except client.exceptions.TooManyTagsException as error: out['tags'] = str(error)
iam = session.create_client('iam', region_name='us-east-1', endpoint_url=endpoint)
policy = '${JSON.stringify(POLICY)}'
for name in ['Ops', 'Dev']: iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)
pages = iam.get_paginator('list_roles').paginate(PaginationConfig={'PageSize': 1})
out['roles'] = [[role['RoleName'] for role in page['Roles']] for page in pages]
out['policy'] = iam.get_role(RoleName='Ops')['Role']['AssumeRolePolicyDocument']
try: iam.get_role(RoleName='None')
except iam.exceptions.NoSuchEntityException as error: out['absent'] = str(error)
print(json.dumps(out))
`;
const hasBotocore = spawnSync('python3', ['-c', 'import botocore'], { stdio: 'ignore' }).status === 0;

describe('botocore', () => {
  it.skipIf(!hasBotocore)(
    'drives mappings, notification settings and roles',
    async () => {
      const machine = await startMachine();
      const { stdout, stderr } = await run(machine, 'python3', ['-c', SCRIPT, machine.emulator.endpoint]);
      expect(stderr).toBe('');
      const event = 'CA_CERTIFICATE_EXPIRY';
      const setting = { enabled: true, event, channel: 'ALL' };
      const mappings = [
        { certificateField: 'x509Issuer' },
        { certificateField: 'x509SAN' },
        { certificateField: 'x509Subject', mappingRules: [{ specifier: '2.5.4.5' }] },
      ];
      expect(JSON.parse(stdout)).toMatchObject({
        put: { ...setting, threshold: 30, configuredBy: '123456789012' },
        reset: { ...setting, threshold: 45, configuredBy: 'rolesanywhere.amazonaws.com' },
        mappings,
        name: true,
        invalid: expect.stringContaining('CA_CERTIFICATE_EXPIRY needs a threshold'),
        tags: expect.stringContaining('Too many tags'),
        roles: [['Demo'], ['Dev'], ['Ops']],
        policy: POLICY,
        absent: expect.stringContaining('The role with name None cannot be found.'),
      });
    },
    60_000,
  );
});

describe('AWS SDK for JavaScript', () => {
  it('drives the control plane', async () => {
    const machine = await startMachine();
    const { endpoint, region, roleArn } = machine.emulator;
    const client = new RolesAnywhereClient({ region, endpoint, credentials: KEY });
    onTestFinished(() => client.destroy());
    const x509CertificateData = await cat(machine, 'ca.pem');
    const { trustAnchor } = await client.send(
      new CreateTrustAnchorCommand({
        name: 'onprem',
        enabled: true,
        source: { sourceType: 'CERTIFICATE_BUNDLE', sourceData: { x509CertificateData } },
      }),
    );
    const { trustAnchorId, trustAnchorArn } = trustAnchor ?? expect.fail();
    expect(trustAnchor?.createdAt).toBeInstanceOf(Date);

    const names = ['p0', 'p1', 'p2', 'p3', 'p4'];
    for (const name of names) await client.send(new CreateProfileCommand({ name, roleArns: [roleArn] }));
    const listed: Array<{ name?: string | undefined; profileId?: string | undefined }> = [];
    let pages = 0;
    for await (const { profiles = [] } of paginateListProfiles({ client }, { pageSize: 2 })) {
      pages += 1;
      listed.push(...profiles);
    }
    expect([pages, listed.map(({ name }) => name).sort()]).toEqual([3, ['emulator', ...names]]);

    const { profileId } = listed.find(({ name }) => name === 'p0') ?? expect.fail();
    await client.send(new EnableProfileCommand({ profileId }));
    await client.send(new UpdateProfileCommand({ profileId, name: 'new', durationSeconds: 900 }));
    const { profile } = await client.send(new GetProfileCommand({ profileId }));
    expect(profile).toMatchObject({ name: 'new', enabled: true, durationSeconds: 900 });
    await client.send(new DeleteProfileCommand({ profileId }));
    await expect(client.send(new GetProfileCommand({ profileId }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      $metadata: { httpStatusCode: 404 },
    });

    const resourceArn = trustAnchorArn ?? '';
    await client.send(
      new TagResourceCommand({
        resourceArn,
        tags: [
          { key: 'a', value: 'b' },
          { key: 'c', value: '' },
        ],
      }),
    );
    await client.send(new UntagResourceCommand({ resourceArn, tagKeys: ['c'] }));
    expect((await client.send(new ListTagsForResourceCommand({ resourceArn }))).tags).toEqual([
      { key: 'a', value: 'b' },
    ]);

    const crl = { name: 'x', crlData: Buffer.from('no list'), trustAnchorArn: resourceArn };
    await expect(client.send(new ImportCrlCommand(crl))).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'The CRL must be in PEM format',
    });
    await client.send(new DisableTrustAnchorCommand({ trustAnchorId }));
    await client.send(new DeleteTrustAnchorCommand({ trustAnchorId }));
  });

  it('lists the subjects that created sessions', async () => {
    const machine = await startMachine();
    const { endpoint, region, trustAnchorArn, profileArn, roleArn } = machine.emulator;
    await createSession({
      certificate: machine.env['CERTIFICATE'],
      privateKey: machine.env['PRIVATE_KEY'],
      ...{ trustAnchorArn, profileArn, roleArn, endpoint, env: {} },
    });
    const client = new RolesAnywhereClient({ region, endpoint, credentials: KEY });
    onTestFinished(() => client.destroy());
    for await (const { subjects = [] } of paginateListSubjects({ client }, {})) {
      expect(subjects).toMatchObject([{ enabled: true, x509Subject: expect.stringContaining('host-1') }]);
      const { subject } = await client.send(new GetSubjectCommand({ subjectId: subjects[0]?.subjectId }));
      expect(subject?.credentials).toMatchObject([{ failed: false, enabled: true }]);
      expect(subject?.credentials?.[0]?.seenAt).toBeInstanceOf(Date);
    }
  });
});
