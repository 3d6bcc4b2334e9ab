import { describe, expect, it } from 'vitest';
import type { HttpResponse } from '../../src/session/response.js';
import { parseSessionResponse } from '../../src/session/response.js';
import { ARNS, CREDENTIALS, REQUEST_ID, SESSION_ANSWER } from '../fake-service.js';
import { NOW } from '../fixtures.js';

const { roleArn } = ARNS;

function answer(status: number, body: unknown, headers: Record<string, string> = {}): HttpResponse {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers: { 'x-amzn-requestid': REQUEST_ID, ...headers }, body: Buffer.from(text) };
}

function parse(response: HttpResponse) {
  return parseSessionResponse(response, { roleArn, now: () => NOW });
}

function errorOf(response: HttpResponse): Error {
  try {
    parse(response);
  } catch (error) {
    return error as Error;
  }
  return expect.fail('it was taken');
}

function withCredentials(credentials: unknown) {
  return { credentialSet: [{ credentials }] };
}

describe('a response with credentials', () => {
  it('is a session', () => {
    expect(parse(answer(201, SESSION_ANSWER))).toEqual({
      accessKeyId: 'ASIAEXAMPLEACCESSKEY',
      secretAccessKey: 'example/secret+access=key',
      sessionToken: 'example//session++token==',
      expiration: new Date('2026-06-01T13:00:00Z'),
      accountId: '123456789012',
      assumedRole: {
        arn: 'arn:aws:sts::123456789012:assumed-role/Demo/00c0ffee',
        id: 'AROAEXAMPLEID:00c0ffee',
      },
      roleArn: 'arn:aws:iam::123456789012:role/Demo',
      sourceIdentity: 'CN=rsa-2048',
      packedPolicySize: 46,
      subjectArn: 'arn:aws:rolesanywhere:us-east-1:123456789012:subject/66666666-7777-8888-9999-000000000000',
    });
  });

  it('may have unknown members, and status 200', () => {
    const more = structuredClone(SESSION_ANSWER) as Record<string, unknown>;
    more['enrolment'] = { new: ['member'] };
    expect(parse(answer(200, more))).toEqual(parse(answer(201, SESSION_ANSWER)));
  });

  it('may have only the credentials: role and account are those of the request', () => {
    expect(parse(answer(201, withCredentials(CREDENTIALS)))).toEqual({
      ...CREDENTIALS,
      expiration: new Date(CREDENTIALS.expiration),
      accountId: '123456789012',
      assumedRole: { arn: undefined, id: undefined },
      roleArn,
      sourceIdentity: undefined,
      packedPolicySize: undefined,
      subjectArn: undefined,
    });
  });

  it('is parsed by its first set of credentials', () => {
    const [first] = SESSION_ANSWER.credentialSet;
    const other = { credentials: { ...CREDENTIALS, accessKeyId: 'ASIAOTHER' } };
    expect(parse(answer(201, { credentialSet: [first, other] })).accessKeyId).toBe('ASIAEXAMPLEACCESSKEY');
  });
});

describe('a response that is neither a refusal nor a session is reported without its body', () => {
  const NONE = 'the service answered without credentials in the form of CreateSession';
  const { secretAccessKey, ...noSecret } = CREDENTIALS;
  it.each<[string, number, unknown, string]>([
    ['no body', 201, '', 'the service answered 201 with a body that is not JSON'],
    ['HTML', 200, '<html>body-text</html>', 'the service answered 200 with a body that is not JSON'],
    ['JSON cut short', 201, '{"body-text":"x', 'the service answered 201 with a body that is not JSON'],
    ['an empty object', 201, {}, NONE],
    ['a list', 201, [SESSION_ANSWER], NONE],
    ['null', 201, null, NONE],
    ['a text', 201, '"body-text"', NONE],
    ['an empty set', 201, { credentialSet: [] }, NONE],
    ['a set that is no list', 201, { credentialSet: SESSION_ANSWER.credentialSet[0] }, NONE],
    ['no credentials', 201, withCredentials(undefined), NONE],
    ['no secret', 201, withCredentials(noSecret), NONE],
    ['an empty token', 201, withCredentials({ ...CREDENTIALS, sessionToken: '' }), NONE],
    ['a line end in the token', 201, withCredentials({ ...CREDENTIALS, sessionToken: 'a\n[b]' }), NONE],
    ['a control of C1', 201, withCredentials({ ...CREDENTIALS, accessKeyId: 'ASIA\u009b' }), NONE],
    ['a blank in the secret', 201, withCredentials({ ...CREDENTIALS, secretAccessKey: 'a b' }), NONE],
    ['a key id that is no text', 201, withCredentials({ ...CREDENTIALS, accessKeyId: 5 }), NONE],
    ['no expiration', 201, withCredentials({ ...CREDENTIALS, expiration: undefined }), NONE],
    ['an invalid expiration', 201, withCredentials({ ...CREDENTIALS, expiration: 'soon' }), NONE],
    [
      'an expiration that Date would guess at',
      201,
      withCredentials({ ...CREDENTIALS, expiration: 'foo 7' }),
      NONE,
    ],
    [
      'an expiration without an offset',
      201,
      withCredentials({ ...CREDENTIALS, expiration: '2026-06-01T13:00:00' }),
      NONE,
    ],
    ['an expiration as a number', 201, withCredentials({ ...CREDENTIALS, expiration: 1780318800 }), NONE],
    ['a redirect', 301, 'body-text', 'the service answered with status 301; redirects are not followed'],
    ['nothing new', 304, '', 'the service answered with status 304; redirects are not followed'],
  ])('%s', (_name, status, body, message) => {
    const error = errorOf(answer(status, body));
    expect(error).toMatchObject({
      name: 'ServiceError',
      code: 'ERR_RESPONSE_INVALID',
      message,
      status,
      requestId: REQUEST_ID,
    });
    expect(`${error.stack}${JSON.stringify(error)}`).not.toMatch(/body-text|example\/secret|ASIAEXAMPLE/);
    expect(error.cause).toBeUndefined();
  });
});
