import { describe, expect, it } from 'vitest';
import type { HttpResponse } from '../../src/session/response.js';
import { parseSessionResponse } from '../../src/session/response.js';
import { ARNS, REQUEST_ID } from '../fake-service.js';
import { NOW } from '../fixtures.js';

const { roleArn } = ARNS;
const ID = `(request id ${REQUEST_ID})`;

function answer(status: number, body: unknown, headers: Record<string, string> = {}): HttpResponse {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers: { 'x-amzn-requestid': REQUEST_ID, ...headers }, body: Buffer.from(text) };
}

function errorOf(response: HttpResponse): Error {
  try {
    parseSessionResponse(response, { roleArn, now: () => NOW });
  } catch (error) {
    return error as Error;
  }
  return expect.fail('it was taken');
}

describe('a refusal', () => {
  const DENIED = 'ERR_SERVICE_DENIED';
  const header = (type: string) => ({ 'x-amzn-errortype': type });
  it.each<[string, HttpResponse, string, string, string | undefined]>([
    [
      'is named by its header',
      answer(403, { message: 'Untrusted signing certificate' }, header('AccessDeniedException')),
      DENIED,
      `the service answered 403 AccessDeniedException: Untrusted signing certificate ${ID}`,
      'AccessDeniedException',
    ],
    [
      'is named by its header, without the address after the name',
      answer(400, { message: 'x' }, header('ValidationException:http://internal.amazon.com/coral/x/')),
      DENIED,
      `the service answered 400 ValidationException: x ${ID}`,
      'ValidationException',
    ],
    [
      'is named by its header, without the address after the name and the shape before it',
      answer(400, { message: 'x' }, header('com.amazon#ValidationException:http://internal.amazon.com/x/')),
      DENIED,
      `the service answered 400 ValidationException: x ${ID}`,
      'ValidationException',
    ],
    [
      'is named by its header even if the address has a #',
      answer(400, { message: 'x' }, header('ValidationException:http://internal.amazon.com/x#y')),
      DENIED,
      `the service answered 400 ValidationException: x ${ID}`,
      'ValidationException',
    ],
    [
      'is named by __type, without its prefix',
      answer(404, { __type: 'com.amazonaws#ResourceNotFoundException', message: 'gone' }),
      DENIED,
      `the service answered 404 ResourceNotFoundException: gone ${ID}`,
      'ResourceNotFoundException',
    ],
    [
      'is named by code, with Message',
      answer(403, { code: 'AccessDeniedException', Message: 'no' }),
      DENIED,
      `the service answered 403 AccessDeniedException: no ${ID}`,
      'AccessDeniedException',
    ],
    [
      'is named by its header before its body',
      answer(403, { __type: 'Other', message: 'no' }, header('AccessDeniedException')),
      DENIED,
      `the service answered 403 AccessDeniedException: no ${ID}`,
      'AccessDeniedException',
    ],
    [
      'may have a name and no body',
      answer(403, '', header('AccessDeniedException')),
      DENIED,
      `the service answered 403 AccessDeniedException ${ID}`,
      'AccessDeniedException',
    ],
    ['may have nothing but its status', answer(403, ''), DENIED, `the service answered 403 ${ID}`, undefined],
    [
      'that is not JSON is not quoted',
      answer(403, '<html>from a proxy</html>'),
      DENIED,
      `the service answered 403 ${ID}`,
      undefined,
    ],
    [
      'is one printable line',
      answer(403, { message: 'a\nb\u001b[31m\r\u0007c\u009b\u202ed\u2028e' }, header('Access\u001bDenied')),
      DENIED,
      `the service answered 403 Access Denied: a b [31m c d e ${ID}`,
      'Access Denied',
    ],
    [
      'is bounded',
      answer(403, { message: 'x'.repeat(5000) }),
      DENIED,
      `the service answered 403: ${'x'.repeat(1000)}… ${ID}`,
      undefined,
    ],
    ['may be 429', answer(429, ''), 'ERR_SERVICE_THROTTLED', `the service answered 429 ${ID}`, undefined],
    [
      'may be throttling by name',
      answer(400, { message: 'Rate exceeded' }, header('ThrottlingException')),
      'ERR_SERVICE_THROTTLED',
      `the service answered 400 ThrottlingException: Rate exceeded ${ID}`,
      'ThrottlingException',
    ],
    [
      'may be a failure of the service',
      answer(500, { message: 'x' }, header('InternalFailure')),
      'ERR_SERVICE_FAILED',
      `the service answered 500 InternalFailure: x ${ID}`,
      'InternalFailure',
    ],
    [
      'may be a network failure',
      answer(503, '<html>'),
      'ERR_SERVICE_FAILED',
      `the service answered 503 ${ID}`,
      undefined,
    ],
  ])('%s', (_name, response, code, message, type) => {
    expect(errorOf(response)).toMatchObject({
      name: 'ServiceError',
      code,
      message,
      type,
      status: response.status,
      requestId: REQUEST_ID,
    });
  });

  it('may have no request id', () => {
    const response = { ...answer(403, { message: 'no' }), headers: {} };
    expect(errorOf(response)).toMatchObject({
      message: 'the service answered 403: no',
      requestId: undefined,
    });
  });

  it.each([
    ['30', 30_000],
    ['0', 0],
    ['Mon, 01 Jun 2026 12:00:10 GMT', 10_000],
    ['Mon, 01 Jun 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
  ])('with Retry-After "%s" asks for %s ms', (value, retryAfterMs) => {
    expect(errorOf(answer(429, '', { 'retry-after': value }))).toMatchObject({ retryAfterMs });
  });

  it.each([
    [
      'Mon, 01 Jun 2026 11:54:00 GMT',
      "; this machine's clock is 6 minutes ahead of the service's, and AWS allows 5",
    ],
    [
      'Mon, 01 Jun 2026 13:00:00 GMT',
      "; this machine's clock is 60 minutes behind the service's, and AWS allows 5",
    ],
    ['Mon, 01 Jun 2026 12:05:00 GMT', ''],
    ['Mon, 01 Jun 2026 11:55:00 GMT', ''],
    ['yesterday', ''],
  ])('of %s reports a wrong clock: "%s"', (date, told) => {
    const error = errorOf(answer(403, { message: 'Invalid signature' }, { date }));
    expect(error.message).toBe(`the service answered 403: Invalid signature ${ID}${told}`);
  });
});
