/** Routing: by method, by path with parameters, and by service on a shared path. */
import { describe, expect, it } from 'vitest';
import type { EmulatorRequest, Operation } from '../../../src/emulator/wire/handler.js';
import { createHandler, formatJsonRefusal } from '../../../src/emulator/wire/handler.js';
import { createQueryOperation } from '../../../src/emulator/wire/query-protocol.js';

function operation(name: string, routes: readonly string[]): Operation {
  return {
    routes,
    names: [name],
    perform: (_request, _at, _requestId, parameters) => ({
      status: 200,
      contentType: 'application/json',
      body: JSON.stringify({ name, ...parameters }),
    }),
    formatRefusal: formatJsonRefusal,
  };
}

function request(route: string, draft: Partial<EmulatorRequest> = {}): EmulatorRequest {
  const [method = '', rawPath = ''] = route.split(' ');
  return { method, rawPath, rawQuery: '', headers: [], body: new Uint8Array(), ...draft };
}

const silent = () => undefined;
const now = () => new Date('2026-06-01T12:00:00Z');

describe('routes', () => {
  const handle = createHandler(
    [
      operation('get', ['GET /crl/{crlId}', 'GET /list/{crlId}']),
      operation('enable', ['POST /crl/{crlId}/enable']),
      operation('all', ['GET /crls']),
    ],
    { now, log: silent },
  );
  it.each([
    ['GET /crl/a-1', { name: 'get', crlId: 'a-1' }],
    ['GET /list/a-1', { name: 'get', crlId: 'a-1' }],
    ['GET /crl/a%2Fb%20c', { name: 'get', crlId: 'a/b c' }],
    ['GET /crl/a%zz', { name: 'get', crlId: 'a%zz' }],
    ['POST /crl/1/enable', { name: 'enable', crlId: '1' }],
    ['GET /crls', { name: 'all' }],
  ])('%s is answered', async (route, expected) => {
    expect(JSON.parse((await handle(request(route))).body)).toEqual(expected);
  });

  it.each(['GET /crl/', 'GET /crl', 'GET /crl/1/2', 'POST /crl/1', 'GET /crls/', '', 'GET /CRLS'])(
    '%s is not',
    async (route) => {
      const response = await handle(request(route));
      expect([response.status, response.headers['X-Amzn-ErrorType']]).toEqual([
        404,
        'UnknownOperationException',
      ]);
    },
  );
});

describe('a lone surrogate in the target', () => {
  const handle = createHandler([operation('get', ['GET /crl/{crlId}'])], { now, log: silent });
  it.each([
    ['GET /crl/\ud800', ''],
    ['GET /crl/1', 'a=\udfff'],
    ['GET /nowhere/\ud800', ''],
  ])('%j?%j is answered 400', async (route, rawQuery) => {
    const response = await handle(request(route, { rawQuery }));
    expect([response.status, response.headers['X-Amzn-ErrorType']]).toEqual([400, 'ValidationException']);
  });
});

describe('services of the query protocol share a path', () => {
  const service = (signingName: string, version: string) =>
    createQueryOperation({
      signingName,
      version,
      namespace: `https://${signingName}.example/`,
      actions: { Who: ({ form }) => ({ result: `<Name>${signingName}</Name>`, note: form.get('a') ?? '' }) },
    });
  const lines: string[] = [];
  const handle = createHandler([service('sts', '2011-06-15'), service('iam', '2010-05-08')], {
    now,
    log: (line) => lines.push(line),
  });
  const signedFor = (name: string): EmulatorRequest['headers'] => [
    [
      'authorization',
      `AWS4-HMAC-SHA256 Credential=AKIA/20260601/us-east-1/${name}/aws4_request, Signature=00`,
    ],
  ];

  it.each([
    ['sts', 'Action=Who&Version=2011-06-15', signedFor('sts')],
    ['iam', 'Action=Who&Version=2010-05-08', signedFor('iam')],
    ['sts', 'Action=Who&Version=2011-06-15', []],
    ['iam', 'Action=Who&Version=2010-05-08', []],
  ])('%s answers %s', async (name, form, headers) => {
    const response = await handle(request('POST /', { headers, body: Buffer.from(form) }));
    expect(response.body).toContain(`<Name>${name}</Name>`);
    expect(response.body).toContain(`<WhoResponse xmlns="https://${name}.example/">`);
    const byGet = await handle(request('GET /', { headers, rawQuery: form }));
    expect(byGet.body).toContain(`<Name>${name}</Name>`);
  });

  it.each([
    ['iam', 'Action=Who&Version=2011-06-15', signedFor('iam'), 'InvalidAction'],
    ['iam', 'Action=constructor&Version=2010-05-08', signedFor('iam'), 'InvalidAction'],
    ['sts', 'Action=Who&Version=2011-06-15&a=%zz', signedFor('sts'), 'MalformedQueryString'],
    ['sts', 'Action=Who', signedFor('s3'), 'InvalidAction'],
    ['sts', '', [], 'InvalidAction'],
  ])('%s refuses %s in its own form', async (name, form, headers, code) => {
    const response = await handle(request('POST /', { headers, body: Buffer.from(form) }));
    expect(response.status).toBe(400);
    expect(response.body).toContain(`<Code>${code}</Code>`);
    expect(response.body).toContain(`<ErrorResponse xmlns="https://${name}.example/">`);
  });
});
