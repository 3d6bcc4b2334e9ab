/** Roles in IAM's Query protocol. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Administrator } from './administrator.js';
import { makeAdministrator } from './administrator.js';

const POLICY =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",' +
  '"Principal":{"Service":"rolesanywhere.amazonaws.com"},' +
  '"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],' +
  '"Condition":{"StringLike":{"aws:PrincipalTag/x509Subject/CN":"a(*)\'b!"}}}]}';

let admin: Administrator;
beforeEach(async () => {
  admin = await makeAdministrator();
});

const create = (form: Readonly<Record<string, string>> = {}) =>
  admin.callIam({ Action: 'CreateRole', RoleName: 'Ops', AssumeRolePolicyDocument: POLICY, ...form });
const get = (RoleName: string) => admin.callIam({ Action: 'GetRole', RoleName });

/** The text of each element with this name. */
const textOf = (xml: string, name: string) =>
  [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text]) => text);

describe('roles', () => {
  it('are created and read, with all of their members', async () => {
    const [status, xml] = await create({
      Path: '/on/prem/',
      Description: 'a & <b>\nc',
      MaxSessionDuration: '43200',
      'Tags.member.1.Key': 'team',
      'Tags.member.1.Value': 'ä',
    });
    expect([status, xml]).toEqual([200, expect.stringContaining('<CreateRoleResult>')]);
    for (const answer of [xml, (await get('Ops'))[1]]) {
      expect(textOf(answer, 'Arn')).toEqual(['arn:aws:iam::123456789012:role/on/prem/Ops']);
      expect(textOf(answer, 'Path')).toEqual(['/on/prem/']);
      expect(textOf(answer, 'RoleName')).toEqual(['Ops']);
      expect(textOf(answer, 'RoleId')).toEqual([expect.stringMatching(/^AROA[A-Z2-7]{16}$/)]);
      expect(textOf(answer, 'CreateDate')).toEqual(['2026-06-01T12:00:00Z']);
      expect(textOf(answer, 'Description')).toEqual(['a &#38; &#60;b&#62;&#10;c']);
      expect(textOf(answer, 'MaxSessionDuration')).toEqual(['43200']);
      expect([...textOf(answer, 'Key'), ...textOf(answer, 'Value')]).toEqual(['team', 'ä']);
      const [encoded = ''] = textOf(answer, 'AssumeRolePolicyDocument');
      // RFC 3986: every character is unreserved or encoded.
      expect(encoded).toMatch(/^([A-Za-z0-9._~-]|%[0-9A-F]{2})+$/);
      expect(decodeURIComponent(encoded)).toBe(POLICY);
    }
  });

  it('are changed and deleted', async () => {
    await create();
    const update = { Action: 'UpdateRole', RoleName: 'Ops', Description: 'd', MaxSessionDuration: '7200' };
    const [updated, xml] = await admin.callIam(update);
    expect([updated, xml]).toEqual([200, expect.stringMatching(/<UpdateRoleResult>\s*<\/UpdateRoleResult>/)]);
    const document = POLICY.replace('Allow', 'Deny');
    const replaced = await admin.callIam({
      Action: 'UpdateAssumeRolePolicy',
      RoleName: 'Ops',
      PolicyDocument: document,
    });
    expect(replaced).toEqual([200, expect.not.stringContaining('Result>')]);
    const [, after] = await get('Ops');
    expect(textOf(after, 'Description')).toEqual(['d']);
    expect(textOf(after, 'MaxSessionDuration')).toEqual(['7200']);
    expect(textOf(after, 'AssumeRolePolicyDocument').map((text = '') => decodeURIComponent(text))).toEqual([
      document,
    ]);
    expect((await admin.callIam({ Action: 'DeleteRole', RoleName: 'Ops' }))[0]).toBe(200);
    expect((await get('Ops'))[0]).toBe(404);
  });

  it('are listed in pages, by path', async () => {
    for (const name of ['c', 'a', 'b']) await create({ RoleName: name, Path: '/x/' });
    const list = async (form: Readonly<Record<string, string>> = {}) => {
      const [, xml] = await admin.callIam({ Action: 'ListRoles', ...form });
      return {
        names: textOf(xml, 'RoleName'),
        more: textOf(xml, 'IsTruncated')[0],
        marker: textOf(xml, 'Marker')[0],
      };
    };
    expect(await list()).toEqual({ names: ['Demo', 'a', 'b', 'c'], more: 'false', marker: undefined });
    const first = await list({ PathPrefix: '/x', MaxItems: '2' });
    expect(first).toEqual({ names: ['a', 'b'], more: 'true', marker: expect.any(String) });
    const second = await list({ PathPrefix: '/x', MaxItems: '2', Marker: first.marker ?? '' });
    expect(second).toEqual({ names: ['c'], more: 'false', marker: undefined });
  });

  it.each([
    ['ops', { RoleName: 'ops' }, 409, 'EntityAlreadyExists', 'Role with name ops already exists.'],
    ['no JSON', { RoleName: 'b', AssumeRolePolicyDocument: '{' }, 400, 'MalformedPolicyDocument', undefined],
    [
      'no policy',
      { RoleName: 'b', AssumeRolePolicyDocument: '{}' },
      400,
      'MalformedPolicyDocument',
      undefined,
    ],
    [
      'a boundary',
      { RoleName: 'b', PermissionsBoundary: 'arn:aws:iam::aws:policy/a' },
      400,
      'InvalidInput',
      'The emulator has no permissions boundaries',
    ],
    [
      'a tag twice',
      {
        RoleName: 'b',
        'Tags.member.1.Key': 'a',
        'Tags.member.1.Value': '',
        'Tags.member.2.Key': 'A',
        'Tags.member.2.Value': '',
      },
      400,
      'InvalidInput',
      'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
    ],
    [
      'a short session',
      { RoleName: 'b', MaxSessionDuration: '3599' },
      400,
      'ValidationError',
      '1 validation error detected: Value &#39;3599&#39; at &#39;maxSessionDuration&#39; failed to ' +
        'satisfy constraint: Member must have value greater than or equal to 3600',
    ],
    [
      'a long session',
      { RoleName: 'b', MaxSessionDuration: '43201' },
      400,
      'ValidationError',
      expect.stringContaining('less than or equal to 43200'),
    ],
    [
      'a session of no length',
      { RoleName: 'b', MaxSessionDuration: 'x' },
      400,
      'ValidationError',
      expect.stringContaining('be an integer'),
    ],
    ['a name with a slash', { RoleName: 'a/b' }, 400, 'ValidationError', expect.stringContaining('pattern')],
    [
      'a path without an end',
      { RoleName: 'b', Path: '/a' },
      400,
      'ValidationError',
      expect.stringContaining('path'),
    ],
    [
      'a tag without a value',
      { RoleName: 'b', 'Tags.member.1.Key': 'a' },
      400,
      'ValidationError',
      expect.stringContaining('tags.1.member.value'),
    ],
  ])('are not created with %s', async (_name, form, status, code, message) => {
    await create();
    const [found, xml] = await create(form);
    expect([found, textOf(xml, 'Code')]).toEqual([status, [code]]);
    if (message !== undefined) expect(textOf(xml, 'Message')).toEqual([message]);
    expect((await get('b'))[0]).toBe(404);
  });

  it.each([
    ['GetRole', {}],
    ['DeleteRole', {}],
    ['AttachRolePolicy', { PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }],
    ['DetachRolePolicy', { PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }],
    ['ListAttachedRolePolicies', {}],
    ['UpdateRole', {}],
    ['UpdateAssumeRolePolicy', { PolicyDocument: POLICY }],
  ])('%s refuses an unknown role', async (Action, form) => {
    const [status, xml] = await admin.callIam({ Action, RoleName: 'None', ...form });
    expect([status, textOf(xml, 'Code'), textOf(xml, 'Message')]).toEqual([
      404,
      ['NoSuchEntity'],
      ['The role with name None cannot be found.'],
    ]);
    const [invalid, text] = await admin.callIam({ Action, ...form });
    expect([invalid, textOf(text, 'Code')]).toEqual([400, ['ValidationError']]);
  });

  const attach = (PolicyArn: string, Action = 'AttachRolePolicy') =>
    admin.callIam({ Action, RoleName: 'Ops', PolicyArn });
  const attached = async (form: Readonly<Record<string, string>> = {}) => {
    const [, xml] = await admin.callIam({ Action: 'ListAttachedRolePolicies', RoleName: 'Ops', ...form });
    return textOf(xml, 'PolicyArn');
  };

  it('have managed policies attached, which are listed by path and in pages', async () => {
    await create();
    const own = 'arn:aws:iam::123456789012:policy/team/a/own';
    const aws = ['ReadOnlyAccess', 'job-function/Billing'].map((name) => `arn:aws:iam::aws:policy/${name}`);
    // A policy that is attached already is no error.
    for (const arn of [own, ...aws, own]) expect((await attach(arn))[0]).toBe(200);
    expect(await attached()).toEqual([own, ...aws]);
    expect(await attached({ PathPrefix: '/team/' })).toEqual([own]);
    expect(await attached({ PathPrefix: '/job-function/' })).toEqual([aws[1]]);
    const page = { Action: 'ListAttachedRolePolicies', RoleName: 'Ops', MaxItems: '2' };
    const [, first] = await admin.callIam(page);
    expect([textOf(first, 'PolicyName'), textOf(first, 'IsTruncated')]).toEqual([
      ['own', 'ReadOnlyAccess'],
      ['true'],
    ]);
    expect(await attached({ Marker: textOf(first, 'Marker')[0] ?? '' })).toEqual([aws[1]]);

    expect(await admin.callIam({ Action: 'DeleteRole', RoleName: 'Ops' })).toEqual([
      409,
      expect.stringContaining('<Message>Cannot delete entity, must detach all policies first.</Message>'),
    ]);
    for (const arn of [own, ...aws]) expect((await attach(arn, 'DetachRolePolicy'))[0]).toBe(200);
    expect(await attached()).toEqual([]);
    expect((await admin.callIam({ Action: 'DeleteRole', RoleName: 'Ops' }))[0]).toBe(200);
  });

  it('have at most ten managed policies', async () => {
    await create();
    for (let index = 0; index < 10; index++) await attach(`arn:aws:iam::aws:policy/P${index}`);
    const [status, xml] = await attach('arn:aws:iam::aws:policy/P10');
    expect([status, textOf(xml, 'Code')]).toEqual([409, ['LimitExceeded']]);
    expect((await attach('arn:aws:iam::aws:policy/P9'))[0]).toBe(200);
  });

  it.each([
    ['AttachRolePolicy', 'arn:aws:s3:::bucket-of-ours', 400, 'InvalidInput'],
    ['AttachRolePolicy', 'AmazonS3ReadOnlyAccess', 400, 'InvalidInput'],
    ['AttachRolePolicy', 'arn:aws:iam::aws:policy/', 400, 'InvalidInput'],
    ['AttachRolePolicy', 'ReadOnlyAccess', 400, 'ValidationError'],
    ['AttachRolePolicy', 'arn:aws-cn:iam::aws:policy/ReadOnlyAccess', 404, 'NoSuchEntity'],
    ['AttachRolePolicy', 'arn:aws:iam::210987654321:policy/own', 404, 'NoSuchEntity'],
    ['DetachRolePolicy', 'arn:aws:iam::aws:policy/ReadOnlyAccess', 404, 'NoSuchEntity'],
  ])('refuse %s of %s', async (action, arn, status, code) => {
    await create();
    const [found, xml] = await attach(arn, action);
    expect([found, textOf(xml, 'Code')]).toEqual([status, [code]]);
    expect(await attached()).toEqual([]);
  });

  it('keep their policy if the new one is malformed', async () => {
    await create();
    const form = { Action: 'UpdateAssumeRolePolicy', RoleName: 'Ops', PolicyDocument: '{"a":1}' };
    const [status, xml] = await admin.callIam(form);
    expect([status, textOf(xml, 'Code')]).toEqual([400, ['MalformedPolicyDocument']]);
    const [document = ''] = textOf((await get('Ops'))[1], 'AssumeRolePolicyDocument');
    expect(decodeURIComponent(document)).toBe(POLICY);
  });
});

describe('the region of a request', () => {
  it.each([
    ['eu-west-1', 'us-east-1', 200],
    ['eu-west-1', 'eu-west-1', 200],
    ['eu-west-1', 'eu-west-2', 403],
    ['cn-northwest-1', 'cn-north-1', 200],
    ['cn-northwest-1', 'us-east-1', 403],
  ])('of an emulator in %s, %s is %i', async (region, signed, status) => {
    const { callIam } = await makeAdministrator({ region });
    expect((await callIam({ Action: 'ListRoles' }, { region: signed }))[0]).toBe(status);
  });
});

describe('a request without a signature', () => {
  it('is refused with the message of IAM', async () => {
    const body = Buffer.from('Action=ListRoles&Version=2010-05-08');
    const request = { method: 'POST', rawPath: '/', rawQuery: '', headers: [], body };
    const response = await admin.service.handle(request);
    expect(response.status).toBe(403);
    expect(response.body).toContain('https://iam.amazonaws.com/doc/2010-05-08/');
    expect(textOf(response.body, 'Code')).toEqual(['MissingAuthenticationToken']);
  });
});

it.each([
  ['PermissionsBoundaries', 'arn:aws:iam::aws:policy/ReadOnlyAccess'],
  ['Tags.member.1.Kind', 'a'],
  ['Tags.1.Key', 'a'],
  ['roleName', 'a'],
])('refuses the parameter %s, which is not implemented, and names it', async (name, value) => {
  const [status, xml] = await create({ 'Tags.member.1.Key': 'a', 'Tags.member.1.Value': 'b', [name]: value });
  expect([status, textOf(xml, 'Code')]).toEqual([400, ['ValidationError']]);
  expect(textOf(xml, 'Message')[0]).toContain(`does not implement the parameter ${name} of CreateRole`);
});

it('accepts an empty list, which clients write as an empty parameter', async () => {
  expect((await create({ Tags: '' }))[0]).toBe(200);
});
