/** Every operation of the control plane, every limit of the model, and authentication. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../../src/emulator/control/model.js';
import { makeCertificate, NOW } from '../pki/certificates.js';
import { makeFixture } from '../sessions/fixture.js';
import type { Administrator, Outcome } from './administrator.js';
import { makeAdministrator, OTHER_ROOT, ROOT } from './administrator.js';

const ACCOUNT = '123456789012';
const TIME = NOW.toISOString();
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NOWHERE = '00000000-0000-0000-0000-000000000000';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/Demo`;
const arn = (resource: string) => `arn:aws:rolesanywhere:us-east-1:${ACCOUNT}:${resource}`;
const bundle = (pem: string) => ({
  sourceType: 'CERTIFICATE_BUNDLE',
  sourceData: { x509CertificateData: pem },
});

/** A CRL made by openssl. */
function makeCrl(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-crl-'));
  const run = (...args: string[]) => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  };
  try {
    writeFileSync(join(folder, 'index.txt'), '');
    writeFileSync(
      join(folder, 'ca.cnf'),
      '[ca]\ndefault_ca=a\n[a]\ndatabase=index.txt\ndefault_md=sha256\ndefault_crl_days=30\n',
    );
    run(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-noenc',
      '-subj',
      '/CN=Root',
      ...['-keyout', 'ca.key', '-out', 'ca.pem'],
    );
    run('ca', '-config', 'ca.cnf', '-gencrl', '-keyfile', 'ca.key', '-cert', 'ca.pem', '-out', 'crl.pem');
    return readFileSync(join(folder, 'crl.pem'), 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const CRL = Buffer.from(makeCrl()).toString('base64');

let admin: Administrator;
beforeEach(async () => {
  admin = await makeAdministrator();
});

/** The only member of a successful answer. */
async function made(name: string, outcome: Promise<Outcome>): Promise<Record<string, unknown>> {
  const { status, body } = await outcome;
  expect([status, Object.keys(body)]).toEqual([expect.toBeOneOf([200, 201]), [name]]);
  return body[name] as Record<string, unknown>;
}

const createAnchor = (body: object = {}) =>
  made(
    'trustAnchor',
    admin.call('POST /trustanchors', { name: 'onprem', source: bundle(ROOT.pem), ...body }),
  );
const createProfile = (body: object = {}) =>
  made('profile', admin.call('POST /profiles', { name: 'hosts', roleArns: [ROLE], ...body }));
const importCrl = (trustAnchorArn: unknown, body: object = {}) =>
  made('crl', admin.call('POST /crls', { name: 'revoked', crlData: CRL, trustAnchorArn, ...body }));

describe('trust anchors', () => {
  const DEFAULTS = ['CA_CERTIFICATE_EXPIRY', 'END_ENTITY_CERTIFICATE_EXPIRY'].map((event) => ({
    enabled: true,
    event,
    threshold: 45,
    channel: 'ALL',
    configuredBy: 'rolesanywhere.amazonaws.com',
  }));

  it('are created, read, changed, enabled, disabled and deleted', async () => {
    const created = await createAnchor();
    expect(created).toEqual({
      trustAnchorId: expect.stringMatching(UUID),
      trustAnchorArn: arn(`trust-anchor/${created['trustAnchorId']}`),
      name: 'onprem',
      enabled: false,
      source: bundle(ROOT.pem),
      notificationSettings: DEFAULTS,
      createdAt: TIME,
      updatedAt: TIME,
    });
    const path = `/trustanchor/${created['trustAnchorId']}`;
    expect(await made('trustAnchor', admin.call(`GET ${path}`))).toEqual(created);
    const enabled = { ...created, enabled: true };
    expect(await made('trustAnchor', admin.call(`POST ${path}/enable`))).toEqual(enabled);
    const renamed = { ...enabled, name: 'new name', source: bundle(OTHER_ROOT.pem) };
    const change = { name: 'new name', source: bundle(OTHER_ROOT.pem) };
    expect(await made('trustAnchor', admin.call(`PATCH ${path}`, change))).toEqual(renamed);
    expect(await made('trustAnchor', admin.call(`PATCH ${path}`, {}))).toEqual(renamed);
    const disabled = { ...renamed, enabled: false };
    expect(await made('trustAnchor', admin.call(`POST ${path}/disable`))).toEqual(disabled);
    expect(await made('trustAnchor', admin.call(`DELETE ${path}`))).toEqual(disabled);
    expect((await admin.call(`GET ${path}`)).type).toBe('ResourceNotFoundException');
  });

  it('have notification settings, put and reset', async () => {
    const { trustAnchorId } = await createAnchor({
      notificationSettings: [{ enabled: false, event: 'CA_CERTIFICATE_EXPIRY' }],
    });
    const off = { enabled: false, event: 'CA_CERTIFICATE_EXPIRY', channel: 'ALL', configuredBy: ACCOUNT };
    const settings = async () =>
      (await made('trustAnchor', admin.call(`GET /trustanchor/${trustAnchorId}`)))['notificationSettings'];
    expect(await settings()).toEqual([off, DEFAULTS[1]]);
    const put = { enabled: true, event: 'END_ENTITY_CERTIFICATE_EXPIRY', threshold: 360 };
    const body = { trustAnchorId, notificationSettings: [put] };
    await made('trustAnchor', admin.call('PATCH /put-notifications-settings', body));
    expect(await settings()).toEqual([off, { ...put, channel: 'ALL', configuredBy: ACCOUNT }]);
    const reset = {
      trustAnchorId,
      notificationSettingKeys: [{ event: 'CA_CERTIFICATE_EXPIRY', channel: 'ALL' }],
    };
    await made('trustAnchor', admin.call('PATCH /reset-notifications-settings', reset));
    expect(await settings()).toEqual([DEFAULTS[0], { ...put, channel: 'ALL', configuredBy: ACCOUNT }]);
  });

  it('are deleted with their CRLs and tags', async () => {
    const { trustAnchorArn, trustAnchorId } = await createAnchor({ tags: [{ key: 'a', value: 'b' }] });
    const { crlId } = await importCrl(trustAnchorArn);
    await made('trustAnchor', admin.call(`DELETE /trustanchor/${trustAnchorId}`));
    expect((await admin.call(`GET /crl/${crlId}`)).type).toBe('ResourceNotFoundException');
    const tags = `/ListTagsForResource?resourceArn=${encodeURIComponent(String(trustAnchorArn))}`;
    expect((await admin.call(`GET ${tags}`)).type).toBe('ResourceNotFoundException');
  });

  const leaf = makeCertificate({ issuer: ROOT });
  const sha1 = makeCertificate({ commonName: 'Old', isAuthority: true, hash: 'sha1' });
  it.each([
    ['an end-entity certificate', bundle(leaf.pem), /^Invalid certificate bundle: "CN=host-1" cannot be/],
    ['a SHA-1 signature', bundle(sha1.pem), /signature algorithm/],
    ['no PEM', bundle('x'), /PEM text with CERTIFICATE blocks/],
    ['base64 of PEM', bundle(Buffer.from(ROOT.pem).toString('base64')), /PEM text with CERTIFICATE blocks/],
    ['a damaged certificate', bundle(ROOT.pem.replace('MII', 'AAA')), /cannot be read/],
    ['three certificates', bundle(ROOT.pem.repeat(3)), /^A trust anchor has at most 2 certificates$/],
    [
      'a private key',
      bundle(`${ROOT.pem}${ROOT.key.export({ type: 'pkcs8', format: 'pem' })}`),
      /^A certificate bundle must not hold a private key$/,
    ],
    ['no data', { sourceType: 'CERTIFICATE_BUNDLE' }, /must have x509CertificateData$/],
    ['no type', { sourceData: { x509CertificateData: ROOT.pem } }, /found none$/],
    ['a private CA', { sourceType: 'AWS_ACM_PCA', sourceData: { acmPcaArn: 'arn' } }, /found AWS_ACM_PCA$/],
  ])('are neither created nor updated with %s', async (_name, source, message) => {
    const { trustAnchorId } = await createAnchor();
    for (const route of ['POST /trustanchors', `PATCH /trustanchor/${trustAnchorId}`]) {
      const { status, type, body } = await admin.call(route, { name: 'onprem', source });
      expect([status, type]).toEqual([400, 'ValidationException']);
      expect(body['message']).toMatch(message);
    }
    const anchors = (await admin.call('GET /trustanchors')).body['trustAnchors'];
    expect(anchors).toHaveLength(2);
    expect(admin.lines.join()).not.toContain('PRIVATE KEY-');
  });

  it('have at most two certificates; an account has at most 50', async () => {
    await createAnchor({ source: bundle(ROOT.pem + OTHER_ROOT.pem) });
    for (let count = 2; count < 50; count++) await createAnchor();
    const { type, body } = await admin.call('POST /trustanchors', { name: 'x', source: bundle(ROOT.pem) });
    expect([type, body]).toEqual([
      'ValidationException',
      { message: 'The limit of 50 trust anchors has been reached' },
    ]);
  });
});

describe('profiles', () => {
  const DEFAULT_MAPPINGS = [
    { certificateField: 'x509Subject', mappingRules: [{ specifier: '*' }] },
    { certificateField: 'x509Issuer', mappingRules: [{ specifier: '*' }] },
    {
      certificateField: 'x509SAN',
      mappingRules: [{ specifier: 'DNS' }, { specifier: 'URI' }, { specifier: 'Name/*' }],
    },
  ];

  it('are created, read, changed, enabled, disabled and deleted', async () => {
    const created = await createProfile();
    expect(created).toEqual({
      profileId: expect.stringMatching(UUID),
      profileArn: arn(`profile/${created['profileId']}`),
      name: 'hosts',
      enabled: false,
      roleArns: [ROLE],
      durationSeconds: 3600,
      acceptRoleSessionName: false,
      requireInstanceProperties: false,
      managedPolicyArns: [],
      attributeMappings: DEFAULT_MAPPINGS,
      createdBy: `arn:aws:iam::${ACCOUNT}:root`,
      createdAt: TIME,
      updatedAt: TIME,
    });
    const path = `/profile/${created['profileId']}`;
    expect(await made('profile', admin.call(`GET ${path}`))).toEqual(created);
    expect(await made('profile', admin.call(`POST ${path}/enable`))).toEqual({ ...created, enabled: true });
    const changes = {
      name: 'other',
      sessionPolicy: '{"Statement":[]}',
      roleArns: [],
      managedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
      durationSeconds: 900,
      acceptRoleSessionName: true,
    };
    const changed = { ...created, ...changes };
    expect(await made('profile', admin.call(`PATCH ${path}`, changes))).toEqual({
      ...changed,
      enabled: true,
    });
    expect(await made('profile', admin.call(`POST ${path}/disable`))).toEqual(changed);
    expect(await made('profile', admin.call(`DELETE ${path}`))).toEqual(changed);
    expect((await admin.call(`GET ${path}`)).type).toBe('ResourceNotFoundException');
  });

  it('accept all members at once', async () => {
    const members = {
      enabled: true,
      requireInstanceProperties: true,
      sessionPolicy: '{"Statement":[]}',
      managedPolicyArns: ['a'],
      durationSeconds: 43_200,
      acceptRoleSessionName: true,
    };
    expect(await createProfile({ ...members, tags: null })).toMatchObject(members);
  });

  it('have attribute mappings, put and deleted', async () => {
    const { profileId } = await createProfile();
    const path = `/profiles/${profileId}/mappings`;
    const rules = (...specifiers: string[]) => specifiers.map((specifier) => ({ specifier }));
    const mappings = async (outcome: Promise<Outcome>) =>
      (await made('profile', outcome))['attributeMappings'];
    const put = (certificateField: string, ...specifiers: string[]) =>
      mappings(admin.call(`PUT ${path}`, { certificateField, mappingRules: rules(...specifiers) }));
    const remove = (query: string) => mappings(admin.call(`DELETE ${path}?${query}`));
    const [, issuer, san] = DEFAULT_MAPPINGS;
    const subject = (...specifiers: string[]) => ({
      certificateField: 'x509Subject',
      mappingRules: rules(...specifiers),
    });
    // The order of AWS's samples, whichever field was put last.
    expect(await put('x509Issuer', '*')).toEqual([issuer, san, subject('*')]);
    expect(await put('x509Subject', 'CN', 'OU', 'O')).toEqual([issuer, san, subject('CN', 'OU', 'O')]);
    expect(await put('x509Subject', 'CN', 'OU')).toEqual([issuer, san, subject('CN', 'OU')]);
    expect(await remove('certificateField=x509Subject&specifiers=OU')).toEqual([issuer, san, subject('CN')]);
    expect(
      await remove('certificateField=x509SAN&specifiers=DNS&specifiers=URI&specifiers=Name%2F*'),
    ).toEqual([issuer, subject('CN')]);
    expect(await remove('certificateField=x509Issuer')).toEqual([subject('CN')]);
    expect((await admin.call(`DELETE ${path}?certificateField=x509Subject&specifiers=OU`)).body).toEqual({
      message: 'Specifier not found',
    });
    expect((await admin.call(`GET /profile/${profileId}`)).body).toMatchObject({
      profile: { attributeMappings: [subject('CN')] },
    });
  });

  it.each(['{', '[]', '"x"', 'null', '{"Version":"2012-10-17"}'])(
    'refuse the session policy %s',
    async (policy) => {
      const { profileId } = await createProfile();
      const routes = ['POST /profiles', `PATCH /profile/${profileId}`];
      for (const route of routes) {
        const outcome = await admin.call(route, { name: 'x', roleArns: [], sessionPolicy: policy });
        expect(outcome.body).toEqual({ message: 'sessionPolicy must be a policy document' });
      }
    },
  );

  it('are limited to 250', async () => {
    for (let count = 1; count < 250; count++) await createProfile();
    const { body } = await admin.call('POST /profiles', { name: 'x', roleArns: [] });
    expect(body).toEqual({ message: 'The limit of 250 profiles has been reached' });
  });
});

describe('CRLs', () => {
  it('are imported, read, changed, enabled, disabled and deleted', async () => {
    const { trustAnchorArn } = await createAnchor();
    const created = await importCrl(trustAnchorArn);
    expect(created).toEqual({
      crlId: expect.stringMatching(UUID),
      crlArn: arn(`crl/${created['crlId']}`),
      name: 'revoked',
      enabled: false,
      crlData: CRL,
      trustAnchorArn,
      createdAt: TIME,
      updatedAt: TIME,
    });
    const path = `/crl/${created['crlId']}`;
    expect(await made('crl', admin.call(`GET ${path}`))).toEqual(created);
    expect(await made('crl', admin.call(`POST ${path}/enable`))).toEqual({ ...created, enabled: true });
    const other = Buffer.from(makeCrl()).toString('base64');
    const changed = { ...created, name: 'x', crlData: other };
    expect(await made('crl', admin.call(`PATCH ${path}`, { name: 'x', crlData: other }))).toEqual({
      ...changed,
      enabled: true,
    });
    expect(await made('crl', admin.call(`POST ${path}/disable`))).toEqual(changed);
    expect(await made('crl', admin.call(`DELETE ${path}`))).toEqual(changed);
    expect((await admin.call(`GET ${path}`)).type).toBe('ResourceNotFoundException');
  });

  it('belong to an existing trust anchor, which has at most two', async () => {
    const { trustAnchorArn } = await createAnchor();
    await importCrl(trustAnchorArn);
    await importCrl(trustAnchorArn);
    const third = await admin.call('POST /crls', { name: 'x', crlData: CRL, trustAnchorArn });
    expect(third.body).toEqual({ message: 'The limit of 2 CRLs of the trust anchor has been reached' });
    const nowhere = { name: 'x', crlData: CRL, trustAnchorArn: arn(`trust-anchor/${NOWHERE}`) };
    expect((await admin.call('POST /crls', nowhere)).body).toEqual({ message: 'Trust anchor not found' });
  });

  it.each([
    ['text', Buffer.from('x')],
    ['a certificate', Buffer.from(ROOT.pem)],
    ['two lists', Buffer.from(Buffer.from(CRL, 'base64').toString().repeat(2))],
  ])('are refused as %s', async (_name, data) => {
    const { trustAnchorArn } = await createAnchor();
    const { crlId } = await importCrl(trustAnchorArn);
    const body = { name: 'x', crlData: data.toString('base64'), trustAnchorArn };
    for (const route of ['POST /crls', `PATCH /crl/${crlId}`]) {
      const { status, type } = await admin.call(route, body);
      expect([status, type]).toEqual([400, 'ValidationException']);
    }
  });
});

describe('tags', () => {
  const list = async (resourceArn: unknown) =>
    (await admin.call(`GET /ListTagsForResource?resourceArn=${encodeURIComponent(String(resourceArn))}`))
      .body;

  it('are put on every resource, listed and removed', async () => {
    const tags = [{ key: 'team', value: 'a' }];
    const { trustAnchorArn } = await createAnchor({ tags });
    const { profileArn } = await createProfile({ tags });
    const { crlArn } = await importCrl(trustAnchorArn, { tags });
    for (const resourceArn of [trustAnchorArn, profileArn, crlArn]) {
      expect(await list(resourceArn)).toEqual({ tags });
      const added = [
        { key: 'team', value: '' },
        { key: 'b c', value: 'd' },
      ];
      expect(await admin.call('POST /TagResource', { resourceArn, tags: added })).toMatchObject({
        status: 201,
        body: {},
      });
      expect(await list(resourceArn)).toEqual({ tags: added });
      const untagged = await admin.call('POST /UntagResource', { resourceArn, tagKeys: ['team', 'absent'] });
      expect(untagged).toMatchObject({ status: 200, body: {} });
      expect(await list(resourceArn)).toEqual({ tags: added.slice(1) });
    }
  });

  it('are limited to 50 for each resource', async () => {
    const tags = Array.from({ length: 49 }, (_, index) => ({ key: `k${index}`, value: 'v' }));
    const { profileArn: resourceArn } = await createProfile({ tags });
    const put = (key: string) => admin.call('POST /TagResource', { resourceArn, tags: [{ key, value: '' }] });
    expect((await put('one more')).status).toBe(201);
    expect((await put('k1')).status).toBe(201);
    const { status, type } = await put('too many');
    expect([status, type]).toEqual([400, 'TooManyTagsException']);
  });

  it('have unique keys, none reserved by AWS, and an existing resource', async () => {
    const { profileArn: resourceArn } = await createProfile();
    const put = async (resource: unknown, ...keys: string[]) => {
      const body = { resourceArn: resource, tags: keys.map((key) => ({ key, value: '' })) };
      const { status, type } = await admin.call('POST /TagResource', body);
      return [status, type];
    };
    expect(await put(resourceArn, 'a', 'a')).toEqual([400, 'ValidationException']);
    expect(await put(resourceArn, 'aws:a')).toEqual([400, 'ValidationException']);
    expect(await put(arn(`profile/${NOWHERE}`), 'a')).toEqual([404, 'ResourceNotFoundException']);
    expect(await put(String(resourceArn).replace('us-east-1', 'eu-west-1'), 'a')).toEqual([
      404,
      'ResourceNotFoundException',
    ]);
    expect(await list(resourceArn)).toEqual({ tags: [] });
  });
});

describe('subjects', () => {
  it('are listed without their credentials', async () => {
    expect(await admin.call('GET /subjects')).toMatchObject({ status: 200, body: { subjects: [] } });
  });
});

describe('lists', () => {
  it('have pages that miss nothing, even if listed items are deleted', async () => {
    for (let count = 1; count < 7; count++) await createAnchor({ name: `a${count}` });
    const seen: unknown[] = [];
    let query = '';
    do {
      const { body } = await admin.call(`GET /trustanchors?${query}pageSize=3`);
      const page = body['trustAnchors'] as Array<Record<string, unknown>>;
      expect(page.length).toBeLessThanOrEqual(3);
      seen.push(...page.map(({ name }) => name));
      for (const { trustAnchorId } of page) await admin.call(`DELETE /trustanchor/${trustAnchorId}`);
      query = body['nextToken'] === undefined ? '' : `nextToken=${body['nextToken']}&`;
    } while (query !== '');
    expect(seen.sort()).toEqual(['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'emulator']);
  });

  it.each(['/trustanchors', '/profiles', '/crls', '/subjects'])('%s refuse an invalid page', async (path) => {
    const other = Buffer.from('others 2026').toString('base64url');
    for (const query of [`nextToken=${other}`, 'nextToken=%00', 'pageSize=0', 'pageSize=-1', 'pageSize=x']) {
      const { status, type } = await admin.call(`GET ${path}?${query}`);
      expect([status, type, query]).toEqual([400, 'ValidationException', query]);
    }
  });
});

describe('limits', () => {
  const long = (length: number) => 'a'.repeat(length);
  const problem = (value: string, member: string, rule: string) =>
    `1 validation error detected: Value${value} at '${member}' failed to satisfy constraint: Member ` +
    `must ${rule}`;
  const source = bundle(ROOT.pem);
  type Row = [route: string, body: object | undefined, message: string];
  const rows: Row[] = [
    ['POST /trustanchors', { source }, problem(' null', 'name', 'not be null')],
    ['POST /trustanchors', { name: null, source }, problem(' null', 'name', 'not be null')],
    ['POST /trustanchors', { name: 1, source }, problem(" '1'", 'name', 'be a string')],
    [
      'POST /trustanchors',
      { name: '', source },
      problem(" ''", 'name', 'have length greater than or equal to 1'),
    ],
    [
      'POST /trustanchors',
      { name: long(256), source },
      problem(` '${long(256)}'`, 'name', 'have length less than or equal to 255'),
    ],
    [
      'POST /trustanchors',
      { name: 'a/b', source },
      problem(" 'a/b'", 'name', 'satisfy regular expression pattern: [ a-zA-Z0-9-_]*'),
    ],
    ['POST /trustanchors', { name: 'a' }, problem(' null', 'source', 'not be null')],
    ['POST /trustanchors', { name: 'a', source: 'x' }, problem(" 'x'", 'source', 'be a structure')],
    [
      'POST /trustanchors',
      { name: 'a', source, enabled: 'yes' },
      problem(" 'yes'", 'enabled', 'be a boolean'),
    ],
    [
      'POST /trustanchors',
      { name: 'a', source: { sourceType: 'FILE' } },
      problem(
        " 'FILE'",
        'source.sourceType',
        'satisfy enum value set: [AWS_ACM_PCA, CERTIFICATE_BUNDLE, SELF_SIGNED_REPOSITORY]',
      ),
    ],
    [
      'POST /trustanchors',
      { name: 'a', source: bundle(long(16_001)) },
      problem(
        ` '${long(16_001)}'`,
        'source.sourceData.x509CertificateData',
        'have length less than or equal to 16000',
      ),
    ],
    [
      'POST /trustanchors',
      { name: 'a', source: { ...source, sourceData: { ...source.sourceData, acmPcaArn: 'a' } } },
      problem(" '[x509CertificateData, acmPcaArn]'", 'source.sourceData', 'have one member set'),
    ],
    [
      'POST /trustanchors',
      {
        name: 'a',
        source,
        tags: [
          { key: 'a', value: 'b' },
          { key: 'ä', value: 'b' },
        ],
      },
      problem('', 'tags.2.member.key', 'satisfy regular expression pattern: [ a-zA-Z0-9_.:/=+@-]*'),
    ],
    [
      'POST /trustanchors',
      { name: 'a', source, tags: [{ key: 'a', value: long(257) }] },
      problem('', 'tags.1.member.value', 'have length less than or equal to 256'),
    ],
    ['POST /trustanchors', { name: 'a', source, tags: {} }, problem(" '{}'", 'tags', 'be a list')],
    [
      'POST /trustanchors',
      {
        name: 'a',
        source,
        notificationSettings: [{ enabled: true, event: 'CA_CERTIFICATE_EXPIRY', threshold: 0 }],
      },
      problem(" '0'", 'notificationSettings.1.member.threshold', 'have value greater than or equal to 1'),
    ],
    [
      'POST /profiles',
      { name: 'a', roleArns: [], durationSeconds: 899 },
      problem(" '899'", 'durationSeconds', 'have value greater than or equal to 900'),
    ],
    [
      'POST /profiles',
      { name: 'a', roleArns: [], durationSeconds: 43_201 },
      problem(" '43201'", 'durationSeconds', 'have value less than or equal to 43200'),
    ],
    [
      'POST /profiles',
      { name: 'a', roleArns: [], durationSeconds: 900.5 },
      problem(" '900.5'", 'durationSeconds', 'be an integer'),
    ],
    ['POST /profiles', { name: 'a', roleArns: ROLE }, problem(` '${ROLE}'`, 'roleArns', 'be a list')],
    [
      'POST /profiles',
      { name: 'a', roleArns: ['arn:aws:iam::1:user/a'] },
      problem(
        " 'arn:aws:iam::1:user/a'",
        'roleArns.1.member',
        'satisfy regular expression pattern: arn:aws(-[^:]+)?:iam(:.*){2}(:role.*)',
      ),
    ],
    [
      'POST /profiles',
      { name: 'a', roleArns: [], managedPolicyArns: Array(51).fill('a') },
      problem(
        ` '${JSON.stringify(Array(51).fill('a'))}'`,
        'managedPolicyArns',
        'have length less than or equal to 50',
      ),
    ],
    [
      'POST /crls',
      { name: 'a', crlData: 'x', trustAnchorArn: arn('trust-anchor/a') },
      problem(" 'x'", 'crlData', 'be padded base64'),
    ],
    [
      'POST /crls',
      { name: 'a', crlData: 'AAAA', trustAnchorArn: 'arn' },
      problem(
        " 'arn'",
        'trustAnchorArn',
        'satisfy regular expression pattern: arn:aws(-[^:]+)?:rolesanywhere(:.*){2}(:trust-anchor.*)',
      ),
    ],
    [
      `PATCH /profile/${NOWHERE}`,
      { sessionPolicy: '' },
      problem(" ''", 'sessionPolicy', 'have length greater than or equal to 1'),
    ],
    ['GET /crl/abc', undefined, problem(" 'abc'", 'crlId', 'have length greater than or equal to 36')],
    [
      `GET /subject/${NOWHERE.toUpperCase().replaceAll('0', 'A')}`,
      undefined,
      problem(
        ` '${NOWHERE.replaceAll('0', 'A')}'`,
        'subjectId',
        'satisfy regular expression pattern: .*[a-f0-9]{8}-([a-z0-9]{4}-){3}[a-z0-9]{12}.*',
      ),
    ],
    ['GET /ListTagsForResource', undefined, problem(' null', 'resourceArn', 'not be null')],
    ['GET /ListTagsForResource?resourceArn=a&resourceArn=b', undefined, 'The request could not be read'],
    [`DELETE /profiles/${NOWHERE}/mappings`, undefined, problem(' null', 'certificateField', 'not be null')],
    [
      `PUT /profiles/${NOWHERE}/mappings`,
      { certificateField: 'x509SAN', mappingRules: [{ specifier: long(61) }] },
      problem(` '${long(61)}'`, 'mappingRules.1.member.specifier', 'have length less than or equal to 60'),
    ],
    [
      `PUT /profiles/${NOWHERE}/mappings`,
      { certificateField: 'x509SAN', mappingRules: [{}] },
      problem(' null', 'mappingRules.1.member.specifier', 'not be null'),
    ],
    ['POST /UntagResource', { resourceArn: 'a' }, problem(' null', 'tagKeys', 'not be null')],
    ['POST /TagResource', [], 'The request could not be read'],
    [
      'POST /TagResource',
      {},
      "2 validation errors detected: Value null at 'resourceArn' failed to satisfy constraint: Member " +
        'must not be null; ' +
        "Value null at 'tags' failed to satisfy constraint: Member must not be null",
    ],
  ];
  it.each(rows)('%s %j', async (route, body, message) => {
    const outcome = await admin.call(route, body);
    expect(outcome).toEqual({ status: 400, type: 'ValidationException', body: { message } });
  });

  it('refuse a body that is not JSON', async () => {
    const outcome = await admin.call('POST /profiles', '{"name":');
    expect(outcome.body).toEqual({ message: 'The request could not be read' });
  });

  it('do not repeat a possible key in the error', async () => {
    const key = String(ROOT.key.export({ type: 'pkcs8', format: 'pem' }));
    const { body } = await admin.call('POST /profiles', { name: key, roleArns: [key] });
    expect(body['message']).toMatch(/^2 validation errors detected: Value at 'name' failed/);
    expect(JSON.stringify(body) + admin.lines.join()).not.toContain('PRIVATE KEY');
  });
});

describe('a resource that does not exist', () => {
  const withId = Object.values(OPERATIONS).filter(({ route }) => route.includes('{'));
  const bodies: Record<string, object> = {
    PUT: { certificateField: 'x509SAN', mappingRules: [] },
    PATCH: {},
  };
  it.each(withId.map(({ route }) => [route]))('%s says so', async (route) => {
    const [path = '', query = ''] = [
      route.replace(/\{.*\}/, NOWHERE),
      route.startsWith('DELETE /profiles/') ? '?certificateField=x509SAN' : '',
    ];
    const { status, type } = await admin.call(path + query, bodies[route.split(' ')[0] ?? '']);
    expect([status, type]).toEqual([404, 'ResourceNotFoundException']);
  });

  it.each([
    ['PATCH /put-notifications-settings', { notificationSettings: [] }],
    ['PATCH /reset-notifications-settings', { notificationSettingKeys: [] }],
  ])('%s is answered 404', async (route, members) => {
    const { status, type } = await admin.call(route, { trustAnchorId: NOWHERE, ...members });
    expect([status, type]).toEqual([404, 'ResourceNotFoundException']);
  });
});

describe('authentication', () => {
  it.each([
    ['another region', { region: 'eu-west-1' }, 'InvalidSignatureException'],
    ['another service', { service: 'iam' }, 'InvalidSignatureException'],
    ['a clock that is behind', { date: '20260601T115459Z' }, 'InvalidSignatureException'],
    ['no signed host', { headers: { host: undefined } }, 'IncompleteSignatureException'],
  ])('refuses %s', async (_name, draft, expected) => {
    const { type } = await admin.call('GET /crls', undefined, draft);
    expect(type).toBe(expected);
  });

  it('refuses a request without a signature', async () => {
    const { handle } = admin.service;
    const { status, headers } = await handle({
      method: 'GET',
      rawPath: '/crls',
      rawQuery: '',
      headers: [],
      body: new Uint8Array(),
    });
    expect([status, headers['X-Amzn-ErrorType']]).toEqual([403, 'MissingAuthenticationTokenException']);
  });

  describe('a session', () => {
    let credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string };
    let session: Administrator;
    beforeAll(async () => {
      const fixture = await makeFixture();
      const { credentialSet } = JSON.parse((await fixture.ask()).body);
      credentials = credentialSet[0].credentials;
      session = await makeAdministrator({}, fixture.service.handle);
    });
    const headers = () => ({ 'x-amz-security-token': credentials.sessionToken });

    it('has no permissions', async () => {
      const outcome = await session.call('GET /crls', undefined, { ...credentials, headers: headers() });
      expect(outcome).toEqual({
        status: 403,
        type: 'AccessDeniedException',
        body: {
          message:
            'User: arn:aws:sts::123456789012:assumed-role/Demo/0fa1b2c3d4e5f60718 is not authorized to ' +
            'perform: ' +
            'rolesanywhere:ListCrls because no identity-based policy allows the rolesanywhere:ListCrls action',
        },
      });
      const [status, xml] = await session.callIam(
        { Action: 'ListRoles' },
        { ...credentials, headers: headers() },
      );
      expect(status).toBe(403);
      expect(xml).toContain('<Code>AccessDenied</Code>');
      expect(xml).toContain('is not authorized to perform: iam:ListRoles because');
    });

    it.each([
      ['a wrong secret', { secretAccessKey: 'x' }, 'InvalidSignatureException'],
      ['a wrong token', { headers: { 'x-amz-security-token': 'x' } }, 'UnrecognizedClientException'],
      ['no token', { headers: { 'x-amz-security-token': undefined } }, 'UnrecognizedClientException'],
    ])('is refused with %s', async (_name, draft, expected) => {
      const { type } = await session.call('GET /crls', undefined, {
        ...credentials,
        headers: headers(),
        ...draft,
      });
      expect(type).toBe(expected);
    });
  });
});

describe('members that are not implemented', () => {
  const anchor = { sourceType: 'CERTIFICATE_BUNDLE', sourceData: { x509CertificateData: ROOT.pem } };
  it.each([
    [
      'POST /trustanchors',
      { name: 'a', source: anchor, crlDpRevocationEnabled: true },
      'crlDpRevocationEnabled',
    ],
    ['POST /trustanchors', { name: 'a', source: { ...anchor, extra: 1 } }, 'source.extra'],
    ['POST /profiles', { name: 'a', roleArns: [], durationSecond: 900 }, 'durationSecond'],
    [
      'POST /profiles',
      { name: 'a', roleArns: [], tags: [{ key: 'a', value: 'b', kind: 'c' }] },
      'tags.0.kind',
    ],
    ['GET /trustanchors?pageSizes=1', undefined, 'pageSizes'],
    ['DELETE /crl/00000000-0000-4000-8000-000000000000?force=true', undefined, 'force'],
    ['POST /profiles', { name: 'a', roleArns: [], ['__proto__x']: 1 }, '__proto__x'],
  ])('%s refuses %j, and the error names it', async (route, body, name) => {
    const { status, type, body: answer } = await admin.call(route, body);
    expect([status, type]).toEqual([400, 'ValidationException']);
    expect(answer['message']).toContain(`does not implement the member '${name}'`);
    expect(admin.lines.at(-1)).toContain(`found ${name}`);
  });

  it('cause an error that suggests the intended name', async () => {
    const { body } = await admin.call('POST /profiles', { name: 'a', roleArns: [], durationSecond: 900 });
    expect(body['message']).toContain('did you mean "durationSeconds"?');
  });
});

describe('paths', () => {
  it.each(['//trustanchors', '/./trustanchors', '/x/../trustanchors', '///trustanchors'])(
    'are normalised before routing and verification: %s',
    async (rawPath) => {
      const handle: typeof admin.service.handle = (request) => admin.service.handle({ ...request, rawPath });
      const other = await makeAdministrator({}, handle);
      expect((await other.call('GET /trustanchors')).status).toBe(200);
    },
  );
});
