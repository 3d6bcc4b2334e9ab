/** The state file across restarts, and the errors of damaged files. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createAccount } from '../../../src/emulator/account/account.js';
import { createSaver } from '../../../src/emulator/setup/state-file.js';
import { createEmulator } from '../../../src/emulator.js';
import { makeAdministrator, OTHER_ROOT, ROOT } from '../control/administrator.js';
import { makeCertificate, NOW } from '../pki/certificates.js';
import { formatQuery } from '../sessions/fixture.js';
import { signX509 } from '../sessions/sign.js';

let folder: string;
let state: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-state-'));
  state = join(folder, 'state.json');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
});

const ANCHOR = {
  name: 'onprem',
  source: { sourceType: 'CERTIFICATE_BUNDLE', sourceData: { x509CertificateData: ROOT.pem } },
  tags: [{ key: 'team', value: 'a' }],
};
const POLICY =
  '{"Version":"2012-10-17","Statement":{"Effect":"Allow",' +
  '"Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}}';

/** Everything that can be read of an account. */
async function readAll(admin: Awaited<ReturnType<typeof makeAdministrator>>) {
  const lists = ['trustanchors', 'profiles', 'crls', 'subjects'];
  const found = await Promise.all(lists.map((list) => admin.call(`GET /${list}`)));
  const [, roles] = await admin.callIam({ Action: 'ListRoles' });
  const [, policies] = await admin.callIam({ Action: 'ListAttachedRolePolicies', RoleName: 'Ops' });
  const xml = [roles, policies].map((text) => text.replace(/<RequestId>.*/s, ''));
  return { lists: found.map(({ body }) => body), xml };
}

describe('state', () => {
  it('is the same account after a restart, subjects and tags included', async () => {
    const admin = await makeAdministrator({ state });
    const { service } = admin;
    const leaf = makeCertificate({ issuer: ROOT });
    const body = '{"durationSeconds":900,"instanceProperties":{"a":"b"}}';
    const session = await service.handle(signX509(leaf, { query: formatQuery(service), body }));
    expect(session.status).toBe(201);
    const { body: created } = await admin.call('POST /trustanchors', ANCHOR);
    const { trustAnchorId, trustAnchorArn } = created['trustAnchor'] as Record<string, string>;
    const off = [{ enabled: false, event: 'CA_CERTIFICATE_EXPIRY' }];
    await admin.call('PATCH /put-notifications-settings', { trustAnchorId, notificationSettings: off });
    const profile = { name: 'p', roleArns: [service.roleArn], sessionPolicy: '{"Statement":[]}' };
    await admin.call('POST /profiles', profile);
    const role = { RoleName: 'Ops', Description: 'd', AssumeRolePolicyDocument: POLICY };
    expect((await admin.callIam({ Action: 'CreateRole', ...role }))[0]).toBe(200);
    const policy = { RoleName: 'Ops', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' };
    expect((await admin.callIam({ Action: 'AttachRolePolicy', ...policy }))[0]).toBe(200);
    const before = await readAll(admin);

    const again = await makeAdministrator({ state });
    expect(await readAll(again)).toEqual(before);
    const { trustAnchorArn: sameArn, profileArn, roleArn } = again.service;
    expect([sameArn, profileArn, roleArn]).toEqual([
      service.trustAnchorArn,
      service.profileArn,
      service.roleArn,
    ]);
    const tags = await again.call(
      `GET /ListTagsForResource?resourceArn=${encodeURIComponent(trustAnchorArn ?? '')}`,
    );
    expect(tags.body).toEqual({ tags: ANCHOR.tags });
    const { body: subjects } = await again.call('GET /subjects');
    const [subject] = subjects['subjects'] as Array<Record<string, string>>;
    const detail = await again.call(`GET /subject/${subject?.['subjectId']}`);
    expect(detail.body).toMatchObject({
      subject: {
        x509Subject: expect.stringContaining('host-1'),
        credentials: [{ serialNumber: leaf.serial, failed: false }],
        instanceProperties: [{ properties: { a: 'b' } }],
      },
    });
  });

  it('is used unchanged if it is complete', async () => {
    const seed = {
      trustAnchors: [{ name: 'onprem', certificates: ROOT.pem }],
      roles: [{ name: 'Ops' }],
      profiles: [{ name: 'hosts', roles: ['Ops'] }],
    };
    for (const beginning of [{ seed }, { certificateAuthority: ROOT.pem, roleName: 'Ops' }]) {
      rmSync(state, { force: true });
      const { trustAnchorArn, profileArn, roleArn } = await createEmulator({ state, ...beginning });
      const before = JSON.parse(readFileSync(state, 'utf8'));
      const again = await createEmulator({ state, roleName: 'Ops', now: () => NOW });
      expect(again).toMatchObject({ trustAnchorArn, profileArn, roleArn, authority: undefined });
      expect(JSON.parse(readFileSync(state, 'utf8'))).toEqual(before);
      const request = signX509(makeCertificate({ issuer: ROOT }), { query: formatQuery(again), body: '' });
      expect((await again.handle(request)).status).toBe(201);
    }
  });

  it('gets a new authority if the emulator had made the old one', async () => {
    const first = await createEmulator({ state });
    const second = await createEmulator({ state });
    expect(second.trustAnchorArn).toBe(first.trustAnchorArn);
    const kept = JSON.parse(readFileSync(state, 'utf8')).trustAnchors;
    expect(kept).toMatchObject([
      { source: { sourceData: { x509CertificateData: second.authority?.certificate } } },
    ]);
  });

  it('keeps changes to the quick start, but trusts the CA of this start', async () => {
    const first = await makeAdministrator({ state, roleName: 'Ops' });
    const id = first.service.trustAnchorArn.split('/')[1];
    await first.call(`POST /trustanchor/${id}/disable`);
    const second = await makeAdministrator({ state, roleName: 'Dev', certificateAuthority: OTHER_ROOT.pem });
    expect(second.service.trustAnchorArn).toBe(first.service.trustAnchorArn);
    const { body } = await second.call('GET /trustanchors');
    expect(body['trustAnchors']).toMatchObject([
      { enabled: false, source: { sourceData: { x509CertificateData: OTHER_ROOT.pem } } },
    ]);
    expect((await second.call('GET /profiles')).body['profiles']).toMatchObject([
      { roleArns: ['arn:aws:iam::123456789012:role/Ops', 'arn:aws:iam::123456789012:role/Dev'] },
    ]);
  });

  it('is on disk before the response, readable by its owner only, without temporary files', async () => {
    const admin = await makeAdministrator({ state });
    expect(statSync(state).mode & 0o777).toBe(0o600);
    const names = Array.from({ length: 20 }, (_, index) => `a${index}`);
    await Promise.all(
      names.map(async (name) => {
        await admin.call('POST /trustanchors', { ...ANCHOR, name });
        expect(readFileSync(state, 'utf8')).toContain(`"name": "${name}"`);
      }),
    );
    expect(readdirSync(folder)).toEqual(['state.json']);
  });

  it('needs few writes for a burst, and none without a change', async () => {
    const account = createAccount('us-east-1', '123456789012');
    const save = createSaver(state, account);
    await save();
    const { ino } = statSync(state);
    await save();
    expect(statSync(state).ino).toBe(ino);
    const writes = Array.from({ length: 100 }, (_, index) => {
      account.tags.set(`arn${index}`, new Map([['a', 'b']]));
      return save();
    });
    expect(new Set(writes).size).toBeLessThanOrEqual(2);
    await Promise.all(writes);
    expect(JSON.parse(readFileSync(state, 'utf8')).tags).toHaveLength(100);
  });

  it('that cannot be written is answered 500', async () => {
    const admin = await makeAdministrator({ state });
    rmSync(folder, { recursive: true });
    const { status, type } = await admin.call('POST /trustanchors', ANCHOR);
    expect([status, type]).toEqual([500, 'InternalFailure']);
    expect(admin.lines.at(-1)).toBe(
      `state file ${state} cannot be written: there is no such folder; the client was told 500 ` +
        `InternalFailure`,
    );
    mkdirSync(folder);
    expect((await admin.call('POST /trustanchors', ANCHOR)).status).toBe(201);
    expect(JSON.parse(readFileSync(state, 'utf8')).trustAnchors).toHaveLength(2);
  });

  it('undoes the changes that it could not save, of all waiting requests', async () => {
    const admin = await makeAdministrator({ state });
    const names = async () => {
      const { body } = await admin.call('GET /trustanchors');
      return (body['trustAnchors'] as Array<{ name: string }>).map(({ name }) => name).sort();
    };
    const create = (name: string) => admin.call('POST /trustanchors', { ...ANCHOR, name });
    expect((await create('kept')).status).toBe(201);
    const before = await names();
    rmSync(folder, { recursive: true });
    const rename = admin.call(`PATCH /trustanchor/${admin.service.trustAnchorArn.split('/')[1]}`, {
      name: 'renamed',
    });
    const statuses = (await Promise.all([create('a'), create('b'), rename])).map(({ status }) => status);
    expect(statuses).toEqual([500, 500, 500]);
    expect(await names()).toEqual(before);
    mkdirSync(folder);
    expect((await create('next')).status).toBe(201);
    expect(await names()).toEqual([...before, 'next'].sort());
    expect(JSON.parse(readFileSync(state, 'utf8')).trustAnchors).toHaveLength(before.length + 1);
  });

  it('is not shared: an emulator does not overwrite the changes of another', async () => {
    const options = { state, certificateAuthority: ROOT.pem };
    const [first, second] = [await makeAdministrator(options), await makeAdministrator(options)];
    expect((await second.call('POST /trustanchors', { ...ANCHOR, name: 'kept' })).status).toBe(201);
    expect((await first.call('POST /trustanchors', { ...ANCHOR, name: 'refused' })).status).toBe(500);
    expect(first.lines.at(-1)).toContain(`state file ${state} has been changed by another program`);
    expect(readFileSync(state, 'utf8')).toContain('"name": "kept"');
  });

  it('may be touched, copied back or removed', async () => {
    const admin = await makeAdministrator({ state });
    writeFileSync(state, readFileSync(state));
    expect((await admin.call('POST /trustanchors', ANCHOR)).status).toBe(201);
    rmSync(state);
    expect((await admin.call('POST /trustanchors', ANCHOR)).status).toBe(201);
    expect(JSON.parse(readFileSync(state, 'utf8')).trustAnchors).toHaveLength(3);
  });

  it('belongs to one region and one account', async () => {
    await makeAdministrator({ state, region: 'eu-west-1', accountId: '111122223333' });
    expect((await createEmulator({ state })).roleArn).toContain('111122223333');
    await expect(createEmulator({ state, region: 'us-east-1' })).rejects.toMatchObject({
      code: 'ERR_OPTION_CONFLICT',
      message: `region is us-east-1, but the state file ${state} is of eu-west-1`,
    });
  });

  const damage: Array<[name: string, change: (text: string) => string, message: string | RegExp]> = [
    ['cut', (text) => text.slice(0, text.length / 2), 'it is not JSON, or it is incomplete'],
    ['empty', () => '', 'it is not JSON, or it is incomplete'],
    [
      'of another version',
      (text) => text.replace('"version": 1', '"version": 2'),
      'version: expected 1, found 2',
    ],
    ['something else', () => '[]', 'version: expected 1, found "none"'],
    [
      'without a member',
      (text) => text.replace(/"roles": \[.*?\n {2}\],/s, ''),
      "Value null at 'roles' failed to satisfy constraint: Member must not be null",
    ],
    [
      'with a member of another kind',
      (text) => text.replace('"durationSeconds": 3600', '"durationSeconds": "1 h"'),
      "Value '1 h' at 'profiles.1.member.durationSeconds' failed to satisfy constraint: Member must be " +
        'an integer',
    ],
    [
      'with a damaged certificate',
      (text) => text.replace('BEGIN CERTIFICATE-----\\nMII', 'BEGIN CERTIFICATE-----\\nAAA'),
      'a certificate of the authority cannot be read',
    ],
  ];
  it.each(damage)('that is %s is refused in one line and stays unchanged', async (_name, change, message) => {
    await makeAdministrator({ state });
    const damaged = change(readFileSync(state, 'utf8'));
    writeFileSync(state, damaged);
    await expect(createEmulator({ state, now: () => NOW })).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: `state file ${state} is damaged: ${message}`,
    });
    expect(readFileSync(state, 'utf8')).toBe(damaged);
    expect(readdirSync(folder)).toEqual(['state.json']);
  });

  it('that is not a regular file is refused', async () => {
    await expect(createEmulator({ state: folder })).rejects.toMatchObject({
      code: 'ERR_FILE_UNREADABLE',
      message: `state file ${folder} cannot be read: it is a directory`,
    });
    const nowhere = join(folder, 'none', 'state.json');
    await expect(createEmulator({ state: nowhere })).rejects.toMatchObject({
      code: 'ERR_FILE_WRITE',
      message: `state file ${nowhere} cannot be written: there is no such folder`,
    });
  });
});
