/** Canonical requests against the test suite of Signature Version 4. */
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/emulator/wire/handler.js';
import { isHmacSignature, readSignedRequest } from '../../../src/emulator/wire/signature.js';

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const date = ['x-amz-date', '20150830T123600Z'] as const;
const host = ['host', 'example.amazonaws.com'] as const;

const cases: Array<
  [name: string, query: string, headers: Array<readonly [string, string]>, signature: string]
> = [
  ['get-vanilla', '', [host, date], '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  [
    'get-vanilla-query-order-key-case',
    'Param2=value2&Param1=value1',
    [host, date],
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
  [
    'get-header-value-trim',
    '',
    [host, ['my-header1', ' value1'], ['my-header2', ' "a   b   c"'], date],
    'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  ],
];

const refuse = (reason: string) => new Refusal(400, 'Test', 'test', reason);

describe('Signature Version 4 test suite', () => {
  it.each(cases)('%s', (_name, rawQuery, headers, signature) => {
    const names = headers.map(([name]) => name).join(';');
    const scope = '20150830/us-east-1/service/aws4_request';
    const value =
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/${scope}, SignedHeaders=${names}, ` + `Signature=${signature}`;
    const signed = readSignedRequest(
      {
        method: 'GET',
        rawPath: '/',
        rawQuery,
        headers: [...headers, ['authorization', value]],
        body: new Uint8Array(),
      },
      ['host'],
      refuse,
    );
    expect(isHmacSignature(signed, SECRET)).toBe(true);
    expect(isHmacSignature(signed, 'another')).toBe(false);
  });
});

describe('signed headers of 1 MiB', () => {
  it.each([
    ['blanks and a letter', `${' '.repeat(1024 * 1024)}a${' '.repeat(1024 * 1024)}`, 'a'],
    ['blanks between letters', `a${' '.repeat(1024 * 1024)}b`, 'a b'],
    ['tabs and blanks', `\t ${'\t '.repeat(512 * 1024)}a`, 'a'],
    ['tabs between letters', `a${'\t'.repeat(1024 * 1024)}b`, `a${'\t'.repeat(1024 * 1024)}b`],
  ])('%s are read in linear time', (_name, value, expected) => {
    const authorization =
      'AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/service/aws4_request, SignedHeaders=host;my, ' +
      'Signature=00';
    const request = {
      method: 'GET',
      rawPath: '/',
      rawQuery: '',
      headers: [host, date, ['my', value], ['authorization', authorization]] as const,
      body: new Uint8Array(),
    };
    const begin = performance.now();
    const { canonical } = readSignedRequest(request, ['host'], refuse);
    expect(performance.now() - begin).toBeLessThan(2000);
    expect(canonical[3]).toBe(`host:example.amazonaws.com\nmy:${expected}\n`);
  });
});
