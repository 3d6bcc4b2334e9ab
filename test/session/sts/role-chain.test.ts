/** Role chaining in the library: requests to STS, its responses, and the options. */
import { describe, expect, it } from 'vitest';
import { createSession } from '../../../src/session/create-session.js';
import type { Answer } from '../../fake-service.js';
import { ARNS, lastingSuccess, RSA, refusal, startFakeService, status } from '../../fake-service.js';

const TARGET = 'arn:aws:iam::210987654321:role/Target';
const KEYS = {
  AccessKeyId: 'ASIACHAINED',
  SecretAccessKey: 'chained/secret',
  SessionToken: 'chained&amp;token',
  Expiration: '2126-06-01T13:00:00Z',
};

const USER = { AssumedRoleId: 'AROA:ci', Arn: 'arn:aws:sts::210987654321:assumed-role/Target/ci' };

const xmlOf = (members: Readonly<Record<string, string>>) =>
  Object.entries(members)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join('');

const resultOf = (keys: Readonly<Record<string, string>>, action = 'AssumeRole') =>
  `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>
    <AssumedRoleUser>${xmlOf(USER)}</AssumedRoleUser>
    <Credentials>${xmlOf(keys)}</Credentials><PackedPolicySize>7</PackedPolicySize>
  </${action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></${action}Response>`;

const errorOf = (code: string, message: string) =>
  `<ErrorResponse><Error>${xmlOf({ Type: 'Sender', Code: code, Message: message })}</Error>
    <RequestId>r-1</RequestId></ErrorResponse>`;

async function chain(answers: readonly Answer[], role: object = {}) {
  const service = await startFakeService([lastingSuccess, ...answers]);
  const { endpoint } = service;
  const session = createSession({
    ...{ ...ARNS, ...RSA, endpoint, stsEndpoint: endpoint, env: {}, random: () => 0 },
    assumeRoles: [{ roleArn: TARGET, ...role }],
  });
  // Awaited by the caller, who may look at the requests first.
  session.catch(() => undefined);
  return { service, session };
}

describe('assumeRoles', () => {
  it("assumes the role with the first session's credentials, and returns its session", async () => {
    const { service, session } = await chain([status(200, resultOf(KEYS))], {
      ...{ externalId: 'x-1', durationSeconds: 900, policy: { Version: '2012-10-17', Statement: [] } },
    });
    expect(await session).toEqual({
      ...{ accessKeyId: 'ASIACHAINED', secretAccessKey: 'chained/secret', sessionToken: 'chained&token' },
      ...{ expiration: new Date(KEYS.Expiration), accountId: '210987654321', roleArn: TARGET },
      assumedRole: { arn: 'arn:aws:sts::210987654321:assumed-role/Target/ci', id: 'AROA:ci' },
      ...{ sourceIdentity: 'CN=rsa-2048', packedPolicySize: 7 },
      subjectArn: expect.stringMatching(/:subject\//),
    });
    const { method, url, headers, body } = service.requests[1] ?? {};
    expect([method, url]).toEqual(['POST', '/']);
    expect(headers?.['authorization']).toMatch(
      /^AWS4-HMAC-SHA256 Credential=ASIAEXAMPLEACCESSKEY\/\d{8}\/us-east-1\/sts\//,
    );
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      ...{ Action: 'AssumeRole', Version: '2011-06-15', RoleArn: TARGET, RoleSessionName: '00c0ffee' },
      ...{ ExternalId: 'x-1', DurationSeconds: '900', Policy: '{"Version":"2012-10-17","Statement":[]}' },
    });
  });

  it('assumes each role with the session of the one before, in order', async () => {
    const second = resultOf({ ...KEYS, AccessKeyId: 'ASIASECOND' });
    const service = await startFakeService([
      lastingSuccess,
      status(200, resultOf(KEYS)),
      status(200, second),
    ]);
    const { accessKeyId } = await createSession({
      ...{ ...ARNS, ...RSA, endpoint: service.endpoint, env: { AWS_ENDPOINT_URL_STS: service.endpoint } },
      assumeRoles: [{ roleArn: TARGET }, { roleArn: TARGET, roleSessionName: 'two' }],
    });
    expect(accessKeyId).toBe('ASIASECOND');
    expect(service.requests[2]?.headers['authorization']).toMatch(/Credential=ASIACHAINED\//);
    expect(service.requests.map(({ body }) => new URLSearchParams(body).get('RoleSessionName'))).toEqual([
      null,
      '00c0ffee',
      'two',
    ]);
  });

  it.each([
    [
      'AccessDenied',
      403,
      'ERR_SERVICE_DENIED',
      /trust policy of .*Target must allow .*role\/Demo sts:AssumeRole/,
    ],
    ['RegionDisabledException', 403, 'ERR_SERVICE_DENIED', /activate STS/],
    ['ExpiredToken', 403, 'ERR_SERVICE_DENIED', /clock/],
    ['PackedPolicyTooLarge', 400, 'ERR_SERVICE_DENIED', /shorten the session policy/],
    ['MalformedPolicyDocument', 400, 'ERR_SERVICE_DENIED', /valid IAM policy/],
    ['InvalidClientTokenId', 403, 'ERR_SERVICE_DENIED', /partition/],
    ['ValidationError', 400, 'ERR_SERVICE_DENIED', undefined],
  ] as const)('%s is an error with advice', async (type, code, expected, hint) => {
    const { session } = await chain([status(code, errorOf(type, 'because &lt;x&gt;'))]);
    const error = await session.catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      ...{ code: expected, type, status: code, requestId: 'r-1' },
      message: `STS AssumeRole answered ${code} ${type}: because <x> (request id r-1)`,
    });
    expect(error).toHaveProperty('hint', hint === undefined ? undefined : expect.stringMatching(hint));
  });

  it('repeats temporary failures: throttling and errors of the service', async () => {
    const { service, session } = await chain([
      status(400, errorOf('Throttling', 'Rate exceeded')),
      status(503, 'no XML'),
      status(200, resultOf(KEYS)),
    ]);
    expect((await session).accessKeyId).toBe('ASIACHAINED');
    expect(service.requests).toHaveLength(4);
  });

  it.each([
    ['a page', status(200, '<html><body>Sign in</body></html>'), /no AssumeRoleResponse/],
    ['another action', status(200, resultOf(KEYS, 'GetCallerIdentity')), /no AssumeRoleResponse/],
    ['JSON', status(200, '{}'), /no AssumeRoleResponse/],
    ['no key', status(200, resultOf({ ...KEYS, AccessKeyId: '' })), /without credentials/],
    ['a line end', status(200, resultOf({ ...KEYS, SessionToken: 'a&#10;[b]' })), /without credentials/],
    [
      'a local time',
      status(200, resultOf({ ...KEYS, Expiration: '2126-06-01 13:00' })),
      /without credentials/,
    ],
    ['expired keys', status(200, resultOf({ ...KEYS, Expiration: '2020-06-01T13:00:00Z' })), /expired/],
    ['a redirect', status(302, '', { location: 'http://127.0.0.1:1/' }), /redirects are not followed/],
  ])('refuses %s, and does not show it', async (_name, answer, message) => {
    const { session } = await chain([answer]);
    const error = await session.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_RESPONSE_INVALID', message: expect.stringMatching(message) });
    expect(JSON.stringify(error) + String(error)).not.toMatch(/chained/);
  });

  it('an error of another form is reported with its status', async () => {
    const { session } = await chain([refusal(403, 'Whatever', 'message in JSON')]);
    await expect(session).rejects.toMatchObject({ code: 'ERR_SERVICE_DENIED', status: 403 });
  });

  it.each([
    [[{ roleArn: 'Target' }], /^assumeRoles must look like arn:aws:iam/],
    [[{ roleArn: TARGET, durationSeconds: 3601 }], /^durationSeconds of assumeRoles must be .* 900 to 3600/],
    [[{ roleArn: TARGET }, { roleArn: TARGET, externalId: 'a b' }], /^externalId of item 2 of assumeRoles/],
    [[{ roleArn: TARGET, roleSessionName: 'x' }], /^roleSessionName of assumeRoles/],
    [[{ roleArn: TARGET, policy: '[]' }], /^policy of assumeRoles must be a JSON object/],
    [[{ roleArn: TARGET, policy: { a: 'x'.repeat(2048) } }], /at most 2048 characters, found 2056/],
    [[{ roleArn: TARGET, tags: {} }], /^unknown option "tags" in assumeRoles/],
    [[{ externalId: 'x-1' }], /^missing roleArn of assumeRoles/],
    [[7], /^assumeRoles must be an object/],
    [{}, /^assumeRoles must be a list of objects/],
  ])('refuses %j', async (assumeRoles, message) => {
    const options = { ...ARNS, ...RSA, env: {}, assumeRoles };
    // Callers without types pass anything.
    await expect(Reflect.apply(createSession, undefined, [options])).rejects.toMatchObject({
      name: 'OptionError',
      message: expect.stringMatching(message),
    });
  });
});
