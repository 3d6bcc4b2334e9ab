/** Presigned requests, written out and signed with `node:crypto` only. */
import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { IssuedCredentials } from '../../../src/emulator/sessions/credential-store.js';
import type { EmulatorRequest } from '../../../src/emulator/wire/handler.js';
import { makeSts, readElement, SESSION } from './account.js';

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
const hash = (text: string) => createHash('sha256').update(text).digest('hex');

interface Draft {
  readonly date?: string;
  /** Signed parameters. Undefined removes a default one. */
  readonly parameters?: Readonly<Record<string, string | undefined>>;
  /** Changes the request after it was signed. */
  readonly alter?: (request: EmulatorRequest) => EmulatorRequest;
}

function presign(keys: IssuedCredentials, { date = '20260601T120000Z', parameters = {}, alter }: Draft = {}) {
  const day = date.slice(0, 8);
  const scope = `${day}/us-east-1/sts/aws4_request`;
  const all = {
    Action: 'GetCallerIdentity',
    Version: '2011-06-15',
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${keys.accessKeyId}/${scope}`,
    'X-Amz-Date': date,
    'X-Amz-Expires': '60',
    'X-Amz-Security-Token': keys.sessionToken,
    'X-Amz-SignedHeaders': 'host;x-k8s-aws-id',
    ...parameters,
  };
  const query = Object.entries(all)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]))
    .sort()
    .join('&');
  const headers = 'host:sts.us-east-1.amazonaws.com\nx-k8s-aws-id:my-cluster\n';
  const canonical = `GET\n/\n${query}\n${headers}\nhost;x-k8s-aws-id\n${hash('')}`;
  const key = ['us-east-1', 'sts', 'aws4_request'].reduce(hmac, hmac(`AWS4${keys.secretAccessKey}`, day));
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash(canonical)}`).toString('hex');
  const request: EmulatorRequest = {
    method: 'GET',
    rawPath: '/',
    rawQuery: `${query}&X-Amz-Signature=${signature}`,
    headers: [
      ['host', 'sts.us-east-1.amazonaws.com'],
      ['x-k8s-aws-id', 'my-cluster'],
    ],
    body: new Uint8Array(),
  };
  return alter?.(request) ?? request;
}

describe('a presigned request', () => {
  const sts = makeSts();
  const keys = sts.issue();

  it.each(['20260601T120000Z', '20260601T114500Z'])('identifies its signer at %s', async (date) => {
    const { status, body } = await sts.handle(presign(keys, { date }));
    expect(status, body).toBe(200);
    expect(readElement(body, 'Arn')).toBe(SESSION);
  });

  it('may have no X-Amz-Expires, as of the Go SDK', async () => {
    const { status, body } = await sts.handle(presign(keys, { parameters: { 'X-Amz-Expires': undefined } }));
    expect(status, body).toBe(200);
  });

  const refused: Array<[name: string, draft: Draft, status: number, code: string]> = [
    ['that is 15 minutes old', { date: '20260601T114459Z' }, 403, 'SignatureDoesNotMatch'],
    ['with another token', { parameters: { 'X-Amz-Security-Token': 'x' } }, 403, 'InvalidClientTokenId'],
    ['without a token', { parameters: { 'X-Amz-Security-Token': undefined } }, 403, 'InvalidClientTokenId'],
    ['without a date', { parameters: { 'X-Amz-Date': undefined } }, 400, 'IncompleteSignature'],
    ['with an end beyond a week', { parameters: { 'X-Amz-Expires': '604801' } }, 400, 'IncompleteSignature'],
    ['without a host', { parameters: { 'X-Amz-SignedHeaders': 'x-k8s-aws-id' } }, 400, 'IncompleteSignature'],
    [
      'with another action',
      {
        alter: (request) => ({
          ...request,
          rawQuery: request.rawQuery.replace('GetCallerIdentity', 'GetAccessKeyInfo'),
        }),
      },
      403,
      'SignatureDoesNotMatch',
    ],
    [
      'with a parameter added',
      { alter: (request) => ({ ...request, rawQuery: `${request.rawQuery}&a=b` }) },
      403,
      'SignatureDoesNotMatch',
    ],
    [
      'with a parameter twice',
      { alter: (request) => ({ ...request, rawQuery: `${request.rawQuery}&X-Amz-Expires=60` }) },
      400,
      'IncompleteSignature',
    ],
    [
      'for another cluster',
      {
        alter: (request) => ({
          ...request,
          headers: [
            ['host', 'sts.us-east-1.amazonaws.com'],
            ['x-k8s-aws-id', 'other'],
          ],
        }),
      },
      403,
      'SignatureDoesNotMatch',
    ],
    [
      'with a second signature in a header',
      { alter: (request) => ({ ...request, headers: [...request.headers, ['authorization', 'x']] }) },
      400,
      'IncompleteSignature',
    ],
  ];
  it.each(refused)('%s is refused', async (_name, draft, status, code) => {
    const response = await sts.handle(presign(keys, draft));
    expect([response.status, readElement(response.body, 'Code')], sts.lines.at(-1)).toEqual([status, code]);
  });
});
