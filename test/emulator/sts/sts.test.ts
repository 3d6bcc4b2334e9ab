import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../../src/emulator.js';
import { startEmulator } from '../../../src/emulator.js';
import { makeCertificate, NOW } from '../pki/certificates.js';
import type { Fixture } from '../sessions/fixture.js';
import { formatQuery, makeFixture, makeRoot } from '../sessions/fixture.js';
import type { HmacDraft } from '../sessions/sign.js';
import { formatDate, signHmac, signX509 } from '../sessions/sign.js';

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

async function readCredentials(body: string | Promise<string>): Promise<Credentials> {
  const { accessKeyId, secretAccessKey, sessionToken } = JSON.parse(await body).credentialSet[0].credentials;
  return { accessKeyId, secretAccessKey, sessionToken };
}

describe('GetCallerIdentity', () => {
  let fixture: Fixture;
  let credentials: Credentials;
  let now = NOW;
  beforeAll(async () => {
    fixture = await makeFixture({ now: () => now });
    credentials = await readCredentials((await fixture.ask()).body);
  });

  it('names the session', async () => {
    const response = await fixture.service.handle(signHmac(credentials));
    expect(response.status).toBe(200);
    expect(response.headers['Content-Type']).toBe('text/xml');
    const requestId = response.headers['x-amzn-RequestId'];
    expect(response.body).toMatch(
      new RegExp(`^<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:aws:sts::123456789012:assumed-role/Demo/0fa1b2c3d4e5f60718</Arn>
    <UserId>AROA[A-Z2-7]{16}:0fa1b2c3d4e5f60718</UserId>
    <Account>123456789012</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata>
    <RequestId>${requestId}</RequestId>
  </ResponseMetadata>
</GetCallerIdentityResponse>
$`),
    );
    expect(fixture.lines.at(-1)).toBe(
      '2026-06-01T12:00:00.000Z POST / 200 GetCallerIdentity ' +
        'arn:aws:sts::123456789012:assumed-role/Demo/0fa1b2c3d4e5f60718',
    );
  });

  it.each(['20260601T114500Z', '20260601T121500Z'])(
    'accepts a clock that is off by 15 minutes: %s',
    async (date) => {
      expect((await fixture.service.handle(signHmac({ ...credentials, date }))).status).toBe(200);
    },
  );

  it('accepts the query of a GET', async () => {
    const query = 'Action=GetCallerIdentity&Version=2011-06-15';
    const request = signHmac({ ...credentials, method: 'GET', query, body: '' });
    expect((await fixture.service.handle(request)).status).toBe(200);
  });

  const message =
    'The request signature we calculated does not match the signature you provided. Check your AWS ' +
    'Secret Access Key ' +
    'and signing method. Consult the service documentation for details.';
  const invalidToken = 'The security token included in the request is invalid.';
  const incomplete = 'The request signature does not conform to AWS standards.';
  const refused: Array<
    [name: string, draft: Partial<HmacDraft>, status: number, code: string, message: string]
  > = [
    ['a wrong secret', { secretAccessKey: 'x'.repeat(40) }, 403, 'SignatureDoesNotMatch', message],
    [
      'another region',
      { region: 'eu-west-1' },
      403,
      'SignatureDoesNotMatch',
      'Credential should be scoped to a valid region.',
    ],
    [
      'another service',
      { service: 'rolesanywhere' },
      403,
      'SignatureDoesNotMatch',
      'Credential should be scoped to correct service: &#39;sts&#39;.',
    ],
    [
      'a clock that is behind',
      { date: '20260601T114459Z' },
      403,
      'SignatureDoesNotMatch',
      'Signature expired: 20260601T114459Z is now earlier than 20260601T114500Z (20260601T120000Z - 15 min.)',
    ],
    [
      'a clock that is ahead',
      { date: '20260601T121501Z' },
      403,
      'SignatureDoesNotMatch',
      'Signature not yet current: 20260601T121501Z is still later than 20260601T121500Z ' +
        '(20260601T120000Z + 15 min.)',
    ],
    [
      'an unknown access key',
      { accessKeyId: 'ASIAAAAAAAAAAAAAAAAA' },
      403,
      'InvalidClientTokenId',
      invalidToken,
    ],
    ['another token', { sessionToken: 'IQoJ' }, 403, 'InvalidClientTokenId', invalidToken],
    [
      'no token',
      { headers: { 'x-amz-security-token': undefined } },
      403,
      'InvalidClientTokenId',
      invalidToken,
    ],
    [
      'a payload hash in place of the payload',
      { headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } },
      400,
      'IncompleteSignature',
      incomplete,
    ],
    [
      'another action',
      { body: 'Action=Get%3CUser%3E&Version=2011-06-15' },
      400,
      'InvalidAction',
      'Could not find operation Get&#60;User&#62; for version 2011-06-15',
    ],
    [
      'another version',
      { body: 'Action=GetCallerIdentity' },
      400,
      'InvalidAction',
      'Could not find operation GetCallerIdentity for version NO_VERSION_SPECIFIED',
    ],
  ];
  it.each(refused)('refuses %s', async (_name, draft, status, code, text) => {
    const response = await fixture.service.handle(signHmac({ ...credentials, ...draft }));
    expect(response.body).toBe(`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error>
    <Type>Sender</Type>
    <Code>${code}</Code>
    <Message>${text}</Message>
  </Error>
  <RequestId>${response.headers['x-amzn-RequestId']}</RequestId>
</ErrorResponse>
`);
    expect(response.status).toBe(status);
    expect(response.headers['X-Amzn-ErrorType']).toBeUndefined();
  });

  it('refuses a request that is not signed', async () => {
    const { headers, ...request } = signHmac(credentials);
    const unsigned = headers.filter(([name]) => name !== 'authorization');
    const response = await fixture.service.handle({ ...request, headers: unsigned });
    expect(response.status).toBe(403);
    expect(response.body).toContain('<Code>MissingAuthenticationToken</Code>');
    expect(response.body).toContain('<Message>Request is missing Authentication Token</Message>');
  });

  it('refuses the certificate algorithm', async () => {
    const request = signX509(fixture.leaf, {
      path: '/',
      body: 'Action=GetCallerIdentity&Version=2011-06-15',
    });
    const headers = [...request.headers, ['x-amz-security-token', 'x'] as const];
    const response = await fixture.service.handle({ ...request, headers });
    expect(response.status).toBe(400);
    expect(response.body).toContain('<Code>IncompleteSignature</Code>');
  });

  it('reports expired credentials for a day', async () => {
    const at = async (seconds: number) => {
      now = new Date(NOW.getTime() + seconds * 1000);
      const { body } = await fixture.service.handle(signHmac({ ...credentials, date: formatDate(now) }));
      return body;
    };
    expect(await at(3599)).toContain('<Account>123456789012</Account>');
    const expired = await at(3600);
    expect(expired).toContain('<Code>ExpiredToken</Code>');
    expect(expired).toContain('<Message>The security token included in the request is expired</Message>');
    expect(await at(86_400 + 3600)).toContain('<Code>ExpiredToken</Code>');
    await fixture.ask({ date: formatDate(now) });
    expect(await at(86_400 + 3600)).toContain('<Code>InvalidClientTokenId</Code>');
    now = NOW;
  });

  it('writes no secret to the log', () => {
    const log = fixture.lines.join('\n');
    for (const secret of [credentials.secretAccessKey, credentials.sessionToken])
      expect(log).not.toContain(secret);
  });
});

describe("AWS's own client", () => {
  let emulator: Emulator;
  let credentials: Credentials;
  let clockMs = Date.now();
  const root = makeRoot();
  beforeAll(async () => {
    emulator = await startEmulator({ certificateAuthority: root.pem, now: () => new Date(clockMs) });
    const { method, rawPath, rawQuery, headers, body } = signX509(
      makeCertificate({ issuer: root, notAfter: '2049-01-01T00:00:00Z' }),
      {
        query: formatQuery(emulator),
        date: formatDate(new Date(clockMs)),
        headers: { host: new URL(emulator.endpoint).host },
      },
    );
    const sent = headers
      .filter(([name]) => name !== 'host')
      .map(([name, value]): [string, string] => [name, value]);
    const response = await fetch(`${emulator.endpoint}${rawPath}?${rawQuery}`, {
      method,
      headers: sent,
      body,
    });
    credentials = await readCredentials(response.text());
  });
  afterAll(() => emulator.close());

  const ask = (changes: Partial<Credentials> = {}) =>
    new STSClient({
      endpoint: emulator.endpoint,
      region: emulator.region,
      credentials: { ...credentials, ...changes },
      maxAttempts: 1,
    }).send(new GetCallerIdentityCommand({}));

  it('is identified', async () => {
    const arn = 'arn:aws:sts::123456789012:assumed-role/Demo/0fa1b2c3d4e5f60718';
    await expect(ask()).resolves.toMatchObject({ Account: '123456789012', Arn: arn });
    expect(emulator.sessionCount).toBe(1);
  });

  it.each([
    [{ secretAccessKey: 'wrong' }, 'SignatureDoesNotMatch'],
    [{ sessionToken: 'wrong' }, 'InvalidClientTokenId'],
    [{ accessKeyId: 'ASIAIOSFODNN7EXAMPLE' }, 'InvalidClientTokenId'],
  ])('is refused with %o', async (changes, name) => {
    await expect(ask(changes)).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 403 } });
  });

  it('is an IAM user of the account with a long-term key from elsewhere', async () => {
    await expect(ask({ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', sessionToken: '' })).resolves.toMatchObject({
      Account: '123456789012',
      Arn: 'arn:aws:iam::123456789012:user/Administrator',
      UserId: expect.stringMatching(/^AIDA[A-Z2-7]{16}$/),
    });
  });

  it('is refused when the credentials have expired', async () => {
    clockMs += 3_600_000;
    await expect(ask()).rejects.toMatchObject({ name: 'ExpiredToken' });
  });
});
