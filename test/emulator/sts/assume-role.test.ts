import { beforeEach, describe, expect, it } from 'vitest';
import type { IssuedCredentials, SessionNames } from '../../../src/emulator/sessions/credential-store.js';
import type { Parameters, Sts } from './account.js';
import { ACCOUNT_ID, makeSts, ROLE, readElement, SESSION, TARGET } from './account.js';

const ASK = { Action: 'AssumeRole', RoleArn: TARGET, RoleSessionName: 'next' };
const ACTIONS = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'];
const TRUST = { Effect: 'Allow', Principal: { AWS: ROLE }, Action: ACTIONS };
const tag = (number: number, key: string, value: string) => ({
  [`Tags.member.${number}.Key`]: key,
  [`Tags.member.${number}.Value`]: value,
});

let sts: Sts;
let caller: IssuedCredentials;
beforeEach(() => {
  sts = makeSts();
  sts.addRole('Target', TRUST);
  caller = sts.issue();
});

const ask = (parameters: Parameters = {}) => sts.call(caller, { ...ASK, ...parameters });

/** The session of an answer, from the store. */
async function assume(parameters: Parameters = {}): Promise<IssuedCredentials> {
  const { body } = await ask(parameters);
  const session = sts.store.find(readElement(body, 'AccessKeyId') ?? '');
  if (session === undefined) throw new Error(body);
  return session;
}

describe('AssumeRole', () => {
  it('answers with the credentials of another session', async () => {
    const { status, body } = await ask();
    expect(status).toBe(200);
    const session = sts.store.find(readElement(body, 'AccessKeyId') ?? '');
    expect(session).toMatchObject({
      roleArn: TARGET,
      sessionName: 'next',
      isChained: true,
      tags: {},
      sourceIdentity: undefined,
      expiration: new Date('2026-06-01T13:00:00Z'),
    });
    const arn = `arn:aws:sts::${ACCOUNT_ID}:assumed-role/Target/next`;
    const members: Array<[name: string, value: string | undefined]> = [
      ['SecretAccessKey', session?.secretAccessKey],
      ['SessionToken', session?.sessionToken],
      ['Expiration', '2026-06-01T13:00:00Z'],
      ['Arn', arn],
      ['AssumedRoleId', `${sts.account.roles.get('Target')?.roleId}:next`],
      ['PackedPolicySize', undefined],
      ['SourceIdentity', undefined],
    ];
    for (const [name, value] of members) expect(readElement(body, name), name).toBe(value);
    expect(sts.lines).toEqual([
      `2026-06-01T12:00:00.000Z POST / 200 AssumeRole ${arn} until 2026-06-01T13:00:00Z`,
    ]);
  });

  it('gives credentials that work, and can be chained again', async () => {
    sts.addRole('Third', { ...TRUST, Principal: { AWS: TARGET } });
    const second = await assume();
    const RoleArn = TARGET.replace('Target', 'Third');
    expect((await sts.call(second, { ...ASK, RoleArn })).status).toBe(200);
    expect((await sts.call(caller, { ...ASK, RoleArn })).status).toBe(403);
    const { body } = await sts.call(second, { Action: 'GetCallerIdentity' });
    expect(readElement(body, 'Arn')).toBe(`arn:aws:sts::${ACCOUNT_ID}:assumed-role/Target/next`);
  });

  it('lasts 900 seconds to an hour, whatever the role allows', async () => {
    expect((await assume({ DurationSeconds: '900' })).expiration).toEqual(new Date('2026-06-01T12:15:00Z'));
    expect((await assume({ DurationSeconds: '3600' })).expiration).toEqual(new Date('2026-06-01T13:00:00Z'));
    const { status, body } = await ask({ DurationSeconds: '3601' });
    expect(status).toBe(400);
    expect(readElement(body, 'Code')).toBe('ValidationError');
    expect(readElement(body, 'Message')).toBe(
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
    );
  });

  it('writes no secret to the log', async () => {
    const { secretAccessKey, sessionToken } = await assume();
    for (const secret of [secretAccessKey, sessionToken, caller.secretAccessKey, caller.sessionToken]) {
      expect(sts.lines.join('\n')).not.toContain(secret);
    }
  });
});

describe('the trust policy of the role', () => {
  const denied = (action: string) =>
    `User: ${SESSION} is not authorized to perform: ${action} on resource: ${TARGET}`;
  const ALLOW = { ...TRUST, Action: 'sts:AssumeRole' };
  type Row = [
    name: string,
    statement: unknown,
    names: Partial<SessionNames>,
    parameters: Parameters,
    refused: string | undefined,
  ];
  const when = (condition: object) => ({ ...TRUST, Condition: condition });
  const rows: Row[] = [
    ['trusts the role', ALLOW, {}, {}, undefined],
    ['trusts the session', { ...ALLOW, Principal: { AWS: SESSION } }, {}, {}, undefined],
    ['trusts another session', { ...ALLOW, Principal: { AWS: `${SESSION}0` } }, {}, {}, 'sts:AssumeRole'],
    ['trusts the account', { ...ALLOW, Principal: { AWS: ACCOUNT_ID } }, {}, {}, undefined],
    [
      'trusts the service only',
      { ...ALLOW, Principal: { Service: 'rolesanywhere.amazonaws.com' } },
      {},
      {},
      'sts:AssumeRole',
    ],
    ['denies', [TRUST, { ...TRUST, Effect: 'Deny' }], {}, {}, 'sts:AssumeRole'],
    ['is asked about tags where there are some', ALLOW, {}, tag(1, 'a', '1'), 'sts:TagSession'],
    [
      'is asked about tags that are inherited',
      ALLOW,
      { tags: { a: '1' }, transitiveTagKeys: ['A'] },
      {},
      'sts:TagSession',
    ],
    ['is not asked about tags that are not', ALLOW, { tags: { a: '1' } }, {}, undefined],
    ['is asked about the source identity', ALLOW, {}, { SourceIdentity: 'me' }, 'sts:SetSourceIdentity'],
    [
      'is asked about the one that is inherited',
      ALLOW,
      { sourceIdentity: 'CN=a' },
      {},
      'sts:SetSourceIdentity',
    ],
    [
      'sees sts:ExternalId',
      when({ StringEquals: { 'sts:ExternalId': 'x1' } }),
      {},
      { ExternalId: 'x1' },
      undefined,
    ],
    [
      'sees another sts:ExternalId',
      when({ StringEquals: { 'sts:ExternalId': 'x1' } }),
      {},
      { ExternalId: 'x2' },
      'sts:AssumeRole',
    ],
    ['sees no sts:ExternalId', when({ StringEquals: { 'sts:ExternalId': 'x1' } }), {}, {}, 'sts:AssumeRole'],
    ['sees the session name', when({ StringLike: { 'sts:RoleSessionName': 'n*' } }), {}, {}, undefined],
    [
      'sees tags of the caller',
      when({ StringEquals: { 'aws:PrincipalTag/x509Subject/CN': 'a' } }),
      { tags: { 'x509Subject/CN': 'a' } },
      {},
      undefined,
    ],
    [
      'sees no tags of the caller',
      when({ StringEquals: { 'aws:PrincipalTag/x509Subject/CN': 'a' } }),
      {},
      {},
      'sts:AssumeRole',
    ],
    [
      'sees tags of the request',
      when({ StringEquals: { 'aws:RequestTag/a': '1' } }),
      {},
      tag(1, 'a', '1'),
      undefined,
    ],
    [
      'does not take them for the caller’s',
      when({ StringEquals: { 'aws:PrincipalTag/a': '1' } }),
      {},
      tag(1, 'a', '1'),
      'sts:AssumeRole',
    ],
    [
      'sees their keys',
      when({ 'ForAllValues:StringEquals': { 'aws:TagKeys': ['a'] } }),
      {},
      tag(1, 'a', '1'),
      undefined,
    ],
    [
      'sees a key too many',
      when({ 'ForAllValues:StringEquals': { 'aws:TagKeys': ['b'] } }),
      {},
      tag(1, 'a', '1'),
      'sts:AssumeRole',
    ],
    [
      'sees transitive keys',
      when({ 'ForAnyValue:StringEquals': { 'sts:TransitiveTagKeys': 'a' } }),
      {},
      { ...tag(1, 'a', '1'), 'TransitiveTagKeys.member.1': 'a' },
      undefined,
    ],
    [
      'sees the requested source identity',
      when({ StringEquals: { 'sts:SourceIdentity': 'me' } }),
      {},
      { SourceIdentity: 'me' },
      undefined,
    ],
    [
      'sees the source identity inherited',
      when({ StringEquals: { 'sts:SourceIdentity': 'CN=a', 'aws:SourceIdentity': 'CN=a' } }),
      { sourceIdentity: 'CN=a' },
      {},
      undefined,
    ],
    ['sees aws:PrincipalArn', when({ ArnEquals: { 'aws:PrincipalArn': ROLE } }), {}, {}, undefined],
    [
      'sees aws:PrincipalAccount',
      when({ StringEquals: { 'aws:PrincipalAccount': ACCOUNT_ID } }),
      {},
      {},
      undefined,
    ],
    [
      'sees the duration',
      when({ NumericLessThanEquals: { 'sts:DurationSeconds': '900' } }),
      {},
      { DurationSeconds: '901' },
      'sts:AssumeRole',
    ],
    [
      'sees the time',
      when({ DateLessThan: { 'aws:CurrentTime': '2026-06-01T12:00:00Z' } }),
      {},
      {},
      'sts:AssumeRole',
    ],
    [
      'sees the time as seconds',
      when({ NumericEquals: { 'aws:EpochTime': '1780315200' } }),
      {},
      {},
      undefined,
    ],
    ['sees the region', when({ StringEquals: { 'aws:RequestedRegion': 'us-east-1' } }), {}, {}, undefined],
  ];
  it.each(rows)('%s', async (_name, statement, names, parameters, refused) => {
    sts.addRole('Target', statement);
    caller = sts.issue(names);
    const { status, body } = await ask(parameters);
    expect([status, readElement(body, 'Message')], sts.lines.join('\n')).toEqual(
      refused === undefined ? [200, undefined] : [403, denied(refused)],
    );
    if (refused !== undefined) expect(readElement(body, 'Code')).toBe('AccessDenied');
  });

  it('sees the tags of both roles, and session tags before role tags', async () => {
    const condition = {
      'aws:PrincipalTag/team': 'a',
      'aws:PrincipalTag/stage': 'session',
      'aws:ResourceTag/stage': 'target',
    };
    sts.addRole('Target', when({ StringEquals: condition }));
    sts.account.tags.set(ROLE, new Map(Object.entries({ team: 'a', Stage: 'role' })));
    sts.account.tags.set(TARGET, new Map([['stage', 'target']]));
    caller = sts.issue({ tags: { stage: 'session' } });
    expect((await ask()).status, sts.lines.join('\n')).toBe(200);
    sts.account.tags.clear();
    expect((await ask()).status).toBe(403);
  });

  it('gives the same refusal as for a role that does not exist', async () => {
    sts.account.roles.delete('Target');
    expect(readElement((await ask()).body, 'Message')).toBe(denied('sts:AssumeRole'));
    expect(sts.lines.at(-1)).toContain(`[role: the account has no ${TARGET}]`);
  });

  it('is explained in the log only', async () => {
    sts.addRole('Target', when({ StringEquals: { 'sts:ExternalId': 'x1' } }));
    const { body } = await ask({ ExternalId: 'x2' });
    expect(body).not.toContain('x1');
    expect(sts.lines.at(-1)).toContain(
      '[trust policy: sts:AssumeRole: no statement allows it; ' +
        'statement 1: StringEquals sts:ExternalId: expected "x1", found "x2"]',
    );
  });
});

describe('the inheritance of a chained session', () => {
  it('includes the source identity', async () => {
    caller = sts.issue({ sourceIdentity: 'CN=host 1' });
    expect((await assume()).sourceIdentity).toBe('CN=host 1');
    expect(readElement((await ask()).body, 'SourceIdentity')).toBe('CN=host 1');
  });

  it('does not allow another source identity', async () => {
    caller = sts.issue({ sourceIdentity: 'a1' });
    expect((await ask({ SourceIdentity: 'a1' })).status).toBe(200);
    const { status, body } = await ask({ SourceIdentity: 'b1' });
    expect(status).toBe(403);
    expect(readElement(body, 'Message')).toBe(
      `User: ${SESSION} is not authorized to perform: sts:SetSourceIdentity on resource: ${TARGET}`,
    );
  });

  it('includes the transitive tags and those of the request, over all hops', async () => {
    sts.addRole('Third', { ...TRUST, Principal: { AWS: TARGET } });
    caller = sts.issue({ tags: { a: '1', b: '2' }, transitiveTagKeys: ['A'] });
    const second = await assume({
      ...tag(1, 'c', '3'),
      ...tag(2, 'd', ''),
      'TransitiveTagKeys.member.1': 'C',
    });
    expect(second.tags).toEqual({ a: '1', c: '3', d: '' });
    const RoleArn = TARGET.replace('Target', 'Third');
    const { body } = await sts.call(second, { ...ASK, RoleArn });
    expect(sts.store.find(readElement(body, 'AccessKeyId') ?? '')?.tags).toEqual({ a: '1', c: '3' });
  });

  it('does not allow the request to override a tag', async () => {
    caller = sts.issue({ tags: { a: '1' }, transitiveTagKeys: ['a'] });
    const { status, body } = await ask(tag(1, 'A', '2'));
    expect([status, readElement(body, 'Code'), readElement(body, 'Message')]).toEqual([
      400,
      'InvalidParameterValue',
      'One of the specified transitive tag keys can&#39;t be set because it conflicts with a ' +
        'transitive tag key from the calling session.',
    ]);
  });
});

describe('parameters', () => {
  const constraint = (value: string, name: string, rule: string) =>
    `1 validation error detected: Value ${value} at &#39;${name}&#39; failed to satisfy constraint: ` +
    `Member must ${rule}`;
  const quoted = (value: string) => `&#39;${value}&#39;`;
  const tags = Object.assign(
    {},
    ...Array.from({ length: 51 }, (_, index) => tag(index + 1, `k${index}`, 'v')),
  );
  const NAME = 'satisfy regular expression pattern: [\\w+=,.@-]*';
  const refused: Array<[name: string, parameters: Parameters, code: string, message: string]> = [
    ['no role', { RoleArn: undefined }, 'ValidationError', constraint('null', 'roleArn', 'not be null')],
    [
      'a short role',
      { RoleArn: 'Target' },
      'ValidationError',
      constraint(quoted('Target'), 'roleArn', 'have length greater than or equal to 20'),
    ],
    [
      'no ARN of a role',
      { RoleArn: `arn:aws:iam::${ACCOUNT_ID}:user/Target` },
      'ValidationError',
      'Request ARN is invalid',
    ],
    [
      'no session name',
      { RoleSessionName: undefined },
      'ValidationError',
      constraint('null', 'roleSessionName', 'not be null'),
    ],
    [
      'a session name too short',
      { RoleSessionName: 'a' },
      'ValidationError',
      constraint(quoted('a'), 'roleSessionName', 'have length greater than or equal to 2'),
    ],
    [
      'a session name too long',
      { RoleSessionName: 'a'.repeat(65) },
      'ValidationError',
      constraint(quoted('a'.repeat(65)), 'roleSessionName', 'have length less than or equal to 64'),
    ],
    [
      'a session name with a space',
      { RoleSessionName: 'a b' },
      'ValidationError',
      constraint(quoted('a b'), 'roleSessionName', NAME),
    ],
    [
      'a duration too short',
      { DurationSeconds: '899' },
      'ValidationError',
      constraint(quoted('899'), 'durationSeconds', 'have value greater than or equal to 900'),
    ],
    [
      'a duration too long',
      { DurationSeconds: '43201' },
      'ValidationError',
      constraint(quoted('43201'), 'durationSeconds', 'have value less than or equal to 43200'),
    ],
    [
      'a duration that is no number',
      { DurationSeconds: '15m' },
      'ValidationError',
      constraint(quoted('15m'), 'durationSeconds', 'be an integer'),
    ],
    [
      'a short external id',
      { ExternalId: 'x' },
      'ValidationError',
      constraint(quoted('x'), 'externalId', 'have length greater than or equal to 2'),
    ],
    [
      'a source identity with a space',
      { SourceIdentity: 'a b' },
      'ValidationError',
      constraint(quoted('a b'), 'sourceIdentity', NAME),
    ],
    [
      '51 tags',
      tags,
      'ValidationError',
      expect.stringMatching(
        / at &#39;tags&#39; failed to satisfy constraint: Member must have length less than or equal to 50$/,
      ) as unknown as string,
    ],
    [
      'a tag without a value',
      { 'Tags.member.1.Key': 'a' },
      'ValidationError',
      constraint('null', 'tags.1.member.value', 'not be null'),
    ],
    [
      'a tag with a star',
      tag(1, 'a*', 'v'),
      'ValidationError',
      constraint(
        quoted('a*'),
        'tags.1.member.key',
        'satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+',
      ),
    ],
    [
      'a tag twice',
      { ...tag(1, 'a', '1'), ...tag(2, 'A', '2') },
      'InvalidParameterValue',
      'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
    ],
    [
      'a reserved tag',
      tag(1, 'AWS:a', '1'),
      'InvalidParameterValue',
      'Tag keys beginning with aws: are reserved.',
    ],
    [
      'a transitive key without its tag',
      { 'TransitiveTagKeys.member.1': 'a' },
      'InvalidParameterValue',
      'The specified transitive tag key must be included in the requested tags.',
    ],
    [
      'a policy that is too long',
      { Policy: `"${'x'.repeat(2047)}"` },
      'ValidationError',
      expect.stringContaining('Member must have length less than or equal to 2048') as unknown as string,
    ],
    ['a policy that is no JSON', { Policy: '{' }, 'MalformedPolicyDocument', 'Syntax errors in policy.'],
    ['a policy without a statement', { Policy: '{}' }, 'MalformedPolicyDocument', 'Syntax errors in policy.'],
    [
      'a managed policy of another account',
      { 'PolicyArns.member.1.arn': 'arn:aws:iam::111122223333:policy/Ops' },
      'ValidationError',
      'Request ARN is invalid',
    ],
    [
      'policies and tags beyond the room',
      {
        Policy: `{"Statement":[],"Id":"${'x'.repeat(1978)}"}`,
        ...Object.assign(
          {},
          ...Array.from({ length: 9 }, (_, index) => tag(index + 1, `k${index}`, 'v'.repeat(256))),
        ),
      },
      'PackedPolicyTooLarge',
      'Packed policy consumes 106% of allotted space, please use smaller policy.',
    ],
  ];
  it.each(refused)('refuses %s', async (_name, parameters, code, message) => {
    const { status, body } = await ask(parameters);
    expect([readElement(body, 'Code'), readElement(body, 'Message')]).toEqual([code, message]);
    expect(status).toBe(400);
  });

  it('names every violated constraint', async () => {
    const { body } = await ask({ RoleArn: undefined, RoleSessionName: undefined });
    expect(readElement(body, 'Message')).toMatch(
      /^2 validation errors detected: Value null at .*roleArn.*; Value null/,
    );
  });

  it('refuses MFA parameters', async () => {
    const { status, body } = await ask({ SerialNumber: 'GAHT12345678', TokenCode: '123456' });
    expect([status, readElement(body, 'Code')]).toEqual([403, 'AccessDenied']);
  });

  it('limits the size of policies and tags', async () => {
    const parameters = {
      Policy: '{"Version":"2012-10-17","Statement":[]}',
      'PolicyArns.member.1.arn': 'arn:aws:iam::aws:policy/ReadOnlyAccess',
    };
    expect(readElement((await ask(parameters)).body, 'PackedPolicySize')).toBe('2');
  });

  it('does not repeat a key in the wrong parameter', async () => {
    const key =
      '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n-----END PRIVATE ' +
      'KEY-----';
    await ask({ RoleSessionName: key });
    expect(sts.lines.join('\n')).not.toContain('MIGHAgEA');
  });
});

describe('GetAccessKeyInfo', () => {
  const info = (AccessKeyId?: string) => sts.call(caller, { Action: 'GetAccessKeyInfo', AccessKeyId });

  it('names the account', async () => {
    const { status, body } = await info(caller.accessKeyId);
    expect([status, readElement(body, 'Account')]).toEqual([200, ACCOUNT_ID]);
  });

  it.each([
    [undefined, 'Value null at &#39;accessKeyId&#39; failed to satisfy constraint: Member must not be null'],
    ['ASIA', 'Member must have length greater than or equal to 16'],
    ['ASIAIOSFODNN7-EXAMPLE', 'Member must satisfy regular expression pattern: [\\w]*'],
    ['ASIAIOSFODNN7EXAMPLE', 'The access key ID is not valid'],
  ])('refuses %s', async (accessKeyId, message) => {
    const { status, body } = await info(accessKeyId);
    expect([status, readElement(body, 'Code')]).toEqual([400, 'ValidationError']);
    expect(readElement(body, 'Message')).toContain(message);
  });
});

describe('the region that a request is signed for', () => {
  const rows: Array<[region: string, signedFor: string, status: number]> = [
    ['eu-west-1', 'eu-west-1', 200],
    // The global endpoint.
    ['eu-west-1', 'us-east-1', 200],
    ['eu-west-1', 'us-west-2', 403],
    ['us-gov-west-1', 'us-gov-west-1', 200],
    ['us-gov-west-1', 'us-east-1', 403],
  ];
  it.each(rows)('in %s, signed for %s: %d', async (region, signedFor, status) => {
    const regional = makeSts(region);
    const answer = await regional.call(
      regional.issue(),
      { Action: 'GetCallerIdentity' },
      { region: signedFor },
    );
    expect(answer.status).toBe(status);
  });
});

describe.each(['GetAccessKeyInfo', 'AssumeRole'])('%s', (Action) => {
  const parameters = { ...ASK, Action, AccessKeyId: 'ASIAIOSFODNN7EXAMPLE' };
  it('authenticates before it checks anything else', async () => {
    const rows: Array<[changes: Partial<IssuedCredentials>, code: string]> = [
      [{ secretAccessKey: 'x' }, 'SignatureDoesNotMatch'],
      [{ sessionToken: 'x' }, 'InvalidClientTokenId'],
      [{ accessKeyId: 'ASIAIOSFODNN7EXAMPLE' }, 'InvalidClientTokenId'],
    ];
    for (const [changes, code] of rows) {
      const { status, body } = await sts.call({ ...caller, ...changes }, { ...parameters, RoleArn: '' });
      expect([status, readElement(body, 'Code')]).toEqual([403, code]);
    }
    sts.now = new Date(caller.expiration);
    const { status, body } = await sts.call(caller, parameters);
    expect([status, readElement(body, 'Code')]).toEqual([403, 'ExpiredToken']);
  });
});
