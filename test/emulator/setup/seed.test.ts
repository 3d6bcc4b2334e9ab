/** Accounts from seeds, and the errors of invalid seeds. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Seed } from '../../../src/emulator.js';
import { createEmulator } from '../../../src/emulator.js';
import { makeAdministrator, OTHER_ROOT, ROOT } from '../control/administrator.js';
import { makeCertificate, NOW } from '../pki/certificates.js';
import { formatQuery } from '../sessions/fixture.js';
import { signX509 } from '../sessions/sign.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-seed-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'pki'));
  write('pki/ca.pem', ROOT.pem);
});

function write(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const POLICY = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: 'rolesanywhere.amazonaws.com' },
      Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
    },
  ],
};

const SEED = {
  trustAnchors: [
    { name: 'onprem', certificates: ['pki/ca.pem', OTHER_ROOT.pem], tags: { team: 'a', crls: 'b' } },
    { name: 'lab', certificates: ROOT.pem, enabled: false },
  ],
  roles: [
    {
      name: 'Ops',
      trustPolicy: POLICY,
      path: '/x/',
      description: 'd',
      maxSessionDuration: 7200,
      tags: { a: 'b' },
    },
    { name: 'Dev', trustPolicy: JSON.stringify(POLICY) },
    { name: 'Test', trustPolicy: 'trust.json' },
    { name: 'Plain' },
  ],
  profiles: [
    {
      name: 'hosts',
      roles: ['Ops', 'Plain', 'arn:aws:iam::111122223333:role/Else'],
      durationSeconds: 900,
      acceptRoleSessionName: true,
      sessionPolicy: { Statement: [] },
      managedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
      attributeMappings: { x509Subject: ['CN'], x509SAN: [] },
      tags: { team: 'b' },
    },
    { name: 'off', roles: [], enabled: false },
  ],
} satisfies Seed;

describe('a seed', () => {
  it('fills a new account', async () => {
    write('trust.json', POLICY);
    const admin = await makeAdministrator({
      seed: write('seed.json', SEED),
      certificateAuthority: undefined,
    });
    const { service } = admin;
    expect(service.authority).toBeUndefined();
    const anchors = (await admin.call('GET /trustanchors')).body['trustAnchors'];
    expect(anchors).toHaveLength(2);
    expect(anchors).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          trustAnchorArn: service.trustAnchorArn,
          name: 'onprem',
          enabled: true,
          source: {
            sourceType: 'CERTIFICATE_BUNDLE',
            sourceData: { x509CertificateData: `${ROOT.pem}\n${OTHER_ROOT.pem}` },
          },
        }),
        expect.objectContaining({ name: 'lab', enabled: false }),
      ]),
    );
    const profileId = service.profileArn.split('/')[1];
    expect((await admin.call(`GET /profile/${profileId}`)).body).toMatchObject({
      profile: {
        name: 'hosts',
        enabled: true,
        roleArns: [
          'arn:aws:iam::123456789012:role/x/Ops',
          'arn:aws:iam::123456789012:role/Plain',
          'arn:aws:iam::111122223333:role/Else',
        ],
        durationSeconds: 900,
        acceptRoleSessionName: true,
        sessionPolicy: '{"Statement":[]}',
        attributeMappings: [
          { certificateField: 'x509Issuer' },
          { certificateField: 'x509SAN', mappingRules: [] },
          { certificateField: 'x509Subject', mappingRules: [{ specifier: 'CN' }] },
        ],
      },
    });
    const tags = `GET /ListTagsForResource?resourceArn=${encodeURIComponent(service.trustAnchorArn)}`;
    expect((await admin.call(tags)).body).toEqual({
      tags: [
        { key: 'team', value: 'a' },
        { key: 'crls', value: 'b' },
      ],
    });
    for (const name of ['Ops', 'Dev', 'Test']) {
      const [, xml] = await admin.callIam({ Action: 'GetRole', RoleName: name });
      const [, policy = ''] = /<AssumeRolePolicyDocument>(.*?)</.exec(xml) ?? [];
      expect(JSON.parse(decodeURIComponent(policy))).toEqual(POLICY);
    }
  });

  it('allows sessions at once, with the same ARNs each time', async () => {
    const seed = {
      trustAnchors: [{ name: 'onprem', certificates: ROOT.pem }],
      roles: [{ name: 'Ops' }],
      profiles: [{ name: 'hosts', roles: ['Ops'] }],
    };
    const service = await createEmulator({ seed, now: () => NOW });
    const leaf = makeCertificate({ issuer: ROOT });
    const request = signX509(leaf, { query: formatQuery(service), body: '' });
    expect((await service.handle(request)).status).toBe(201);
    const again = await createEmulator({ seed: write('seed.json', seed) });
    const arns = ({ trustAnchorArn, profileArn, roleArn }: typeof again) => [
      trustAnchorArn,
      profileArn,
      roleArn,
    ];
    expect(arns(again)).toEqual(arns(service));
    const elsewhere = await createEmulator({ seed, accountId: '111122223333' });
    expect(elsewhere.trustAnchorArn.split('/')[1]).not.toBe(service.trustAnchorArn.split('/')[1]);
  });

  it('is completed by the quick start if it is incomplete', async () => {
    const service = await createEmulator({ seed: { roles: [{ name: 'Ops' }] }, roleName: 'Ops' });
    expect(service.authority?.certificate).toContain('BEGIN CERTIFICATE');
    expect(service.roleArn).toBe('arn:aws:iam::123456789012:role/Ops');
    const both = await makeAdministrator({ seed: { trustAnchors: [{ name: 'a', certificates: ROOT.pem }] } });
    expect(both.service.roleArn).toBe('arn:aws:iam::123456789012:role/Demo');
    expect((await both.call('GET /trustanchors')).body['trustAnchors']).toHaveLength(2);
  });

  it('does not undo later changes', async () => {
    const state = join(folder, 'state.json');
    const seed = write('seed.json', {
      trustAnchors: [{ name: 'onprem', certificates: 'pki/ca.pem' }],
      roles: [{ name: 'Ops' }],
      profiles: [{ name: 'hosts', roles: ['Ops'] }],
    });
    const options = { state, seed, certificateAuthority: undefined };
    const first = await makeAdministrator(options);
    const id = first.service.profileArn.split('/')[1];
    await first.call(`PATCH /profile/${id}`, { durationSeconds: 900 });
    await first.call(`POST /trustanchor/${first.service.trustAnchorArn.split('/')[1]}/disable`);
    const second = await makeAdministrator(options);
    expect((await second.call('GET /profiles')).body['profiles']).toMatchObject([
      { profileId: id, durationSeconds: 900 },
    ]);
    expect((await second.call('GET /trustanchors')).body['trustAnchors']).toMatchObject([
      { trustAnchorArn: second.service.trustAnchorArn, enabled: false },
    ]);
  });

  it.each(['roleName', 'maxDurationSeconds', 'acceptRoleSessionName'] as const)(
    'has its own roles and profiles: no %s',
    async (name) => {
      const value = { roleName: 'Dev', maxDurationSeconds: 900, acceptRoleSessionName: true }[name];
      const seed = { ...SEED, roles: SEED.roles.filter((role) => role.name !== 'Test') };
      const path = write('seed.json', seed);
      await expect(createEmulator({ seed: path, [name]: value })).rejects.toMatchObject({
        code: 'ERR_OPTION_CONFLICT',
        message:
          `${name}${name === 'roleName' ? ' (--role)' : ''} has no effect: the account already ` +
          `has a role and a profile`,
      });
    },
  );
});

describe('an invalid seed', () => {
  const anchor = { name: 'a', certificates: 'pki/ca.pem' };
  const leaf = makeCertificate({ issuer: ROOT });
  const rows: Array<[seed: unknown, code: string, message: string]> = [
    ['{', 'ERR_OPTION_INVALID', 'SEED is not JSON'],
    [
      [],
      'ERR_OPTION_INVALID',
      "SEED: Value '[]' at '' failed to satisfy constraint: Member must be a structure",
    ],
    [{ profile: [] }, 'ERR_OPTION_UNKNOWN', 'SEED has an unknown member "profile", did you mean "profiles"?'],
    [
      { trustAnchors: [{ ...anchor, certificate: 'x' }] },
      'ERR_OPTION_UNKNOWN',
      'SEED, trustAnchors[0] has an unknown member "certificate", did you mean "certificates"?',
    ],
    [
      { profiles: [{ name: 'a', roles: [], attributeMappings: { subject: [] } }] },
      'ERR_OPTION_UNKNOWN',
      'SEED, profiles[0], attributeMappings has an unknown member "subject"',
    ],
    [
      { trustAnchors: [{ name: 'a' }] },
      'ERR_OPTION_INVALID',
      "SEED: Value null at 'trustAnchors.1.member.certificates' failed to satisfy constraint: Member " +
        'must not be null',
    ],
    [
      { roles: [{ name: 1 }] },
      'ERR_OPTION_INVALID',
      "SEED: Value '1' at 'roles.1.member.name' failed to satisfy constraint: Member must be a string",
    ],
    [
      { trustAnchors: [{ name: 'a', certificates: 'pki/none.pem' }] },
      'ERR_FILE_UNREADABLE',
      'file FOLDER/pki/none.pem of the seed cannot be read: there is no such file',
    ],
    [
      { trustAnchors: [{ name: 'a', certificates: leaf.pem }] },
      'ERR_OPTION_INVALID',
      'SEED: trust anchor "a": Invalid certificate bundle: "CN=host-1" cannot be a trust anchor: ' +
        'basicConstraints: an issuer has CA:TRUE',
    ],
    [
      { trustAnchors: [anchor, anchor] },
      'ERR_OPTION_INVALID',
      'SEED: trust anchor "a": Name is taken (names in a seed must be unique, found "a" twice)',
    ],
    [
      { profiles: [{ name: 'p', roles: [], sessionPolicy: '{' }] },
      'ERR_OPTION_INVALID',
      'SEED: profile "p": sessionPolicy must be a policy document (session policy: expected JSON with ' +
        'a Statement)',
    ],
    [
      { trustAnchors: [{ ...anchor, crls: ROOT.pem }] },
      'ERR_OPTION_INVALID',
      'SEED: trust anchor "a": The CRL must be in PEM format (CRL: expected an X509 CRL block)',
    ],
    [
      { roles: [{ name: 'Ops', trustPolicy: { Statement: [] } }] },
      'ERR_OPTION_INVALID',
      'SEED: role "Ops": Could not parse the policy: Statement is empty! (Statement: must hold one at least)',
    ],
    [
      { roles: [{ name: 'Ops' }, { name: 'ops' }] },
      'ERR_OPTION_INVALID',
      'SEED: role "ops": Role with name ops already exists.',
    ],
    [
      { roles: [{ name: 'Ops' }], profiles: [{ name: 'p', roles: ['Op'] }] },
      'ERR_OPTION_INVALID',
      'SEED: profile "p": Role not found (the seed has no role "Op", did you mean "Ops"?)',
    ],
    [
      { profiles: [{ name: 'p', roles: [], durationSeconds: 60 }] },
      'ERR_OPTION_INVALID',
      `SEED: profile "p": Value '60' at 'durationSeconds' failed to satisfy constraint: Member must ` +
        `have value greater than or equal to 900`,
    ],
  ];
  it.each(rows)('%j', async (seed, code, message) => {
    const path = write('seed.json', seed);
    const expected = message.replace('SEED', `seed file ${path}`).replace('FOLDER', folder);
    const failure = await createEmulator({ seed: path }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, message: expected });
  });

  it('that does not exist', async () => {
    const path = join(folder, 'none.json');
    await expect(createEmulator({ seed: path })).rejects.toMatchObject({
      code: 'ERR_FILE_UNREADABLE',
      message: `seed file ${path} cannot be read: there is no such file`,
    });
  });

  it('leaves no rejection unhandled if several of its files are missing', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    onTestFinished(() => void process.off('unhandledRejection', note));
    const missing = (name: string) => join(folder, name);
    const seed = {
      trustAnchors: [
        { name: 'a', certificates: [missing('a.pem'), missing('b.pem')], crls: missing('c.pem') },
        { name: 'b', certificates: missing('d.pem') },
      ],
      roles: [{ name: 'Ops', trustPolicy: missing('e.json') }],
      profiles: [],
    };
    await expect(createEmulator({ seed })).rejects.toMatchObject({ code: 'ERR_FILE_UNREADABLE' });
    await expect(createEmulator({ seed: { ...seed, trustAnchors: [] } })).rejects.toMatchObject({
      code: 'ERR_FILE_UNREADABLE',
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(unhandled).toEqual([]);
  });
});
