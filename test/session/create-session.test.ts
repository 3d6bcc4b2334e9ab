import { generateKeyPairSync } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { publicKeyOf } from '../../src/identity/keys/public-key.js';
import type { CreateSessionOptions } from '../../src/session/create-session.js';
import { createSession } from '../../src/session/create-session.js';
import type { Answer } from '../fake-service.js';
import {
  ARNS,
  cutShort,
  neverEnds,
  RSA,
  refusal,
  startFakeService,
  status,
  staysSilent,
  success,
} from '../fake-service.js';
import { identity, NOW, path } from '../fixtures.js';

const OPTIONS: CreateSessionOptions = { ...ARNS, ...RSA, env: {}, now: () => NOW, random: () => 0 };

async function call(answers: readonly Answer[], options: Partial<CreateSessionOptions> = {}) {
  const service = await startFakeService(answers);
  const outcome = await createSession({ ...OPTIONS, endpoint: service.endpoint, ...options }).catch(
    (error: unknown) => error,
  );
  return { outcome, ...service };
}

const BUSY = refusal(429, 'TooManyRequestsException', 'Rate exceeded');
const DOWN = status(503, 'upstream');

describe('only temporary failures are tried again', () => {
  it.each<[string, readonly Answer[], number]>([
    ['success', [success], 1],
    ['429, then success', [BUSY, success], 2],
    ['503 twice, then success', [DOWN, DOWN, success], 3],
    ['a connection cut in the middle, then success', [cutShort, success], 2],
  ])('%s', async (_name, answers, count) => {
    const { outcome, requests } = await call(answers);
    expect(outcome).toMatchObject({ accessKeyId: 'ASIAEXAMPLEACCESSKEY', accountId: '123456789012' });
    expect(requests).toHaveLength(count);
  });

  const ID = '(request id 11111111-2222-3333-4444-555555555555)';
  it.each<[string, readonly Answer[], number, string, string]>([
    [
      '403',
      [refusal(403, 'AccessDeniedException', 'Untrusted signing certificate'), success],
      1,
      'ERR_SERVICE_DENIED',
      `the service answered 403 AccessDeniedException: Untrusted signing certificate ${ID}`,
    ],
    [
      '404',
      [refusal(404, 'ResourceNotFoundException', 'no profile'), success],
      1,
      'ERR_SERVICE_DENIED',
      `the service answered 404 ResourceNotFoundException: no profile ${ID}`,
    ],
    [
      '400',
      [refusal(400, 'ValidationException', 'bad ARN'), success],
      1,
      'ERR_SERVICE_DENIED',
      `the service answered 400 ValidationException: bad ARN ${ID}`,
    ],
    [
      'an answer that is not JSON',
      [status(201, '<html>'), success],
      1,
      'ERR_RESPONSE_INVALID',
      'the service answered 201 with a body that is not JSON',
    ],
    [
      'a redirect, which is not followed',
      [status(302, '', { location: '/elsewhere' }), success],
      1,
      'ERR_RESPONSE_INVALID',
      'the service answered with status 302; redirects are not followed',
    ],
    [
      '429 to the end',
      [BUSY, BUSY, BUSY, success],
      3,
      'ERR_SERVICE_THROTTLED',
      `the service answered 429 TooManyRequestsException: Rate exceeded ${ID}`,
    ],
    ['503 to the end', [DOWN, DOWN, DOWN, success], 3, 'ERR_SERVICE_FAILED', 'the service answered 503'],
    [
      'a Retry-After beyond the limit, at once',
      [refusal(429, 'SlowDown', 'later', { 'retry-after': '21' }), success],
      1,
      'ERR_SERVICE_THROTTLED',
      `the service answered 429 SlowDown: later ${ID}`,
    ],
  ])('%s', async (_name, answers, count, code, message) => {
    const { outcome, requests } = await call(answers);
    expect(outcome).toMatchObject({ name: 'ServiceError', code, message });
    expect(requests).toHaveLength(count);
  });

  it('a refused connection', async () => {
    // Port 1 is privileged and unused.
    const endpoint = 'http://127.0.0.1:1';
    await expect(createSession({ ...OPTIONS, endpoint })).rejects.toMatchObject({
      name: 'TransportError',
      code: 'ERR_NETWORK',
      message: `no response from ${endpoint}: connect ECONNREFUSED 127.0.0.1:1`,
    });
  });

  it('a connection cut in the middle, three times', async () => {
    const { outcome, requests, endpoint } = await call([cutShort, cutShort, cutShort, success]);
    expect(outcome).toMatchObject({
      name: 'TransportError',
      code: 'ERR_NETWORK',
      message: expect.stringMatching(new RegExp(`^no response from ${endpoint}: \\S`)),
    });
    expect(requests).toHaveLength(3);
  });

  it.each([
    ['says nothing', staysSilent],
    ['never ends', neverEnds],
  ])('a response that %s, until the time limit', async (_name, answer) => {
    const { outcome, requests, endpoint } = await call([answer, success], { timeoutMs: 300 });
    expect(outcome).toMatchObject({
      name: 'TransportError',
      code: 'ERR_TIMEOUT',
      message: `no response from ${endpoint} within 300 ms`,
    });
    expect(requests).toHaveLength(1);
  });

  it.each([
    ['by its length', { 'content-length': String(1024 * 1024 + 1) }],
    ['as it comes', {} as Record<string, string>],
  ])('a response of more than 1 MiB, announced %s', async (_name, headers) => {
    const { outcome, requests, endpoint } = await call([
      status(201, 'x'.repeat(1024 * 1024 + 1), headers),
      success,
    ]);
    expect(outcome).toMatchObject({
      name: 'ServiceError',
      code: 'ERR_RESPONSE_INVALID',
      message: `${endpoint} answered with more than 1 MiB`,
    });
    expect(requests).toHaveLength(1);
  });
});

describe('a request', () => {
  it('is signed anew for each attempt', async () => {
    const moments = ['12:00:00', '12:00:01', '12:00:02', '12:00:03'].map((time) => `2026-06-01T${time}Z`);
    // Loading and the checks look first; after that, each attempt and each answer looks once.
    const clock = [NOW.toISOString(), NOW.toISOString(), ...moments];
    const { requests } = await call([BUSY, success], { now: () => new Date(clock.shift() ?? NOW) });
    const dates = requests.map(({ headers }) => headers['x-amz-date']);
    const signatures = requests.map(({ headers }) => headers['authorization']);
    expect(dates[0]).toBe('20260601T120000Z');
    expect(dates[1]).not.toBe(dates[0]);
    expect(dates[1]).toMatch(/^20260601T12000[123]Z$/);
    expect(signatures[1]).not.toBe(signatures[0]);
  });

  it('arrives as it was signed', async () => {
    const { requests, port } = await call([success], { roleSessionName: 'build', durationSeconds: 900 });
    const [received] = requests;
    expect(received).toMatchObject({
      method: 'POST',
      body: '{"durationSeconds":900,"roleSessionName":"build"}',
      headers: {
        host: `127.0.0.1:${port}`,
        'content-type': 'application/json',
        'x-amz-date': '20260601T120000Z',
      },
    });
    const { pathname, searchParams } = new URL(received?.url ?? '', 'http://x');
    expect(pathname).toBe('/sessions');
    expect(Object.fromEntries(searchParams)).toEqual(ARNS);
  });

  it.each(['bad-expired', 'bad-ca', 'bad-key-usage', 'bad-sha1', 'bad-v1'])(
    'is not sent with %s, which the service would refuse',
    async (name) => {
      const bad = { certificate: path(`${name}.pem`), privateKey: path(`${name}.key.pem`) };
      const { outcome, requests } = await call([success], bad);
      expect(outcome).toMatchObject({ name: 'IdentityError', code: expect.stringMatching(/^ERR_CERT/) });
      expect(requests).toHaveLength(0);
    },
  );

  it("is signed by the caller's own identity if one is given", async () => {
    const own = await identity('ec-p256');
    const { outcome, requests } = await call([success], {
      certificate: undefined,
      privateKey: undefined,
      identity: own,
    });
    expect(outcome).toMatchObject({ accessKeyId: 'ASIAEXAMPLEACCESSKEY' });
    expect(requests[0]?.headers['authorization']).toMatch(
      new RegExp(`^AWS4-X509-ECDSA-SHA256 Credential=${own.certificate.serialNumber}/20260601/us-east-1/`),
    );
  });

  it("is not sent if certificate and key of the caller's identity differ", async () => {
    const own = await identity('ec-p256');
    const publicKey = publicKeyOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey);
    const { outcome, requests } = await call([success], { ...NO_FILES, identity: { ...own, publicKey } });
    expect(outcome).toMatchObject({ name: 'IdentityError', code: 'ERR_KEY_MISMATCH' });
    expect(requests).toHaveLength(0);
  });

  it('is not sent for an identity and a certificate at once', async () => {
    const { outcome, requests } = await call([success], { identity: await identity('ec-p256') });
    expect(outcome).toMatchObject({
      code: 'ERR_OPTION_CONFLICT',
      message: 'identity and certificate, privateKey or intermediates exclude each other',
    });
    expect(requests).toHaveLength(0);
  });

  it("is not sent if the caller's own identity cannot sign; its error is the cause", async () => {
    const failing = {
      ...(await identity('ec-p256')),
      sign: () => Promise.reject(new RangeError('PIN 1234')),
    };
    const { outcome, requests } = await call([success], { ...NO_FILES, identity: failing });
    expect(outcome).toMatchObject({
      name: 'IdentityError',
      code: 'ERR_KEY_SIGN',
      message: 'the identity could not sign: RangeError',
      cause: { message: 'PIN 1234' },
    });
    expect(requests).toHaveLength(0);
  });
});

/** Replaces the files that the other calls name. */
const NO_FILES = { certificate: undefined, privateKey: undefined };
const NEVER = new Promise<never>(() => {});

describe('the limit on the call', () => {
  it('holds for a signer that does not answer', async () => {
    const silent = { ...(await identity('ec-p256')), sign: () => NEVER };
    const { outcome } = await call([success], { ...NO_FILES, identity: silent, timeoutMs: 50 });
    expect(outcome).toMatchObject({ code: 'ERR_TIMEOUT' });
  });
});

describe('the caller ends the call', () => {
  it('while a signer or standard input keeps it waiting', async () => {
    const silent = { ...(await identity('ec-p256')), sign: () => NEVER };
    const stdin = () => ({ [Symbol.asyncIterator]: () => ({ next: () => NEVER }) });
    for (const options of [
      { ...NO_FILES, identity: silent },
      { certificate: '-', stdin },
    ]) {
      const { outcome } = await call([success], { ...options, signal: AbortSignal.timeout(50) });
      expect(outcome).toMatchObject({ code: 'ERR_ABORTED' });
    }
  });

  const ABORTED = { name: 'TransportError', code: 'ERR_ABORTED', message: 'the call was aborted' };

  it('before it begins', async () => {
    const { outcome, requests } = await call([success], { signal: AbortSignal.abort(new Error('enough')) });
    expect(outcome).toMatchObject({ ...ABORTED, cause: { message: 'enough' } });
    expect(requests).toHaveLength(0);
  });

  it.each<[string, Answer]>([
    ['while the service is silent', staysSilent],
    ['in the middle of the answer', neverEnds],
    ['while waiting between two attempts', refusal(429, 'SlowDown', 'x', { 'retry-after': '15' })],
  ])('%s', async (_name, answer) => {
    const controller = new AbortController();
    const aborting: Answer = (response, request) => {
      answer(response, request);
      // Late enough for the written bytes to arrive; the result is the same if they do not.
      setTimeout(() => controller.abort(), 100);
    };
    const { outcome, requests } = await call([aborting, success], { signal: controller.signal });
    expect(outcome).toMatchObject(ABORTED);
    expect(requests).toHaveLength(1);
  });

  it('and leaves no listener on a signal that lives on', async () => {
    const { signal } = new AbortController();
    await call([success], { signal });
    await call([refusal(403, 'AccessDeniedException', 'no')], { signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    await call([], { signal, endpoint: 'https://127.0.0.1:1', caBundle: '/no/ca.pem' });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});
