/** Whatever is signed cannot be altered: one byte at a time, in every byte, the request is refused. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { EmulatorRequest } from '../../src/emulator/server.js';
import type { Fixture } from './fixture.js';
import { makeFixture, makeRoot } from './fixture.js';
import { signHmac } from './sign.js';

/** Another bit for each position, below the eighth, so that text stays text; always the same ones. */
const flip = (code: number, index: number) => code ^ (1 << (index % 7));

function flipText(text: string, index: number): string {
  return (
    text.slice(0, index) + String.fromCharCode(flip(text.charCodeAt(index), index)) + text.slice(index + 1)
  );
}

function alterations(request: EmulatorRequest): Array<[what: string, altered: EmulatorRequest]> {
  const altered: Array<[string, EmulatorRequest]> = [];
  request.headers.forEach(([name, value], position) => {
    for (let index = 0; index < value.length; index++) {
      const headers = request.headers.with(position, [name, flipText(value, index)]);
      altered.push([`${name}[${index}]`, { ...request, headers }]);
    }
    altered.push([`${name} removed`, { ...request, headers: request.headers.toSpliced(position, 1) }]);
    altered.push([`${name} repeated`, { ...request, headers: [...request.headers, [name, value]] }]);
  });
  for (let index = 0; index < request.rawQuery.length; index++) {
    altered.push([`query[${index}]`, { ...request, rawQuery: flipText(request.rawQuery, index) }]);
  }
  for (let index = 0; index < request.body.length; index++) {
    const body = request.body.map((byte, at) => (at === index ? flip(byte, index) : byte));
    altered.push([`body[${index}]`, { ...request, body }]);
  }
  return altered;
}

/** The query may be written in two ways: `%3A` and `%3a` are the same octet to AWS, and so they are here. */
function isSameQuery(a: EmulatorRequest, b: EmulatorRequest): boolean {
  const fold = (query: string) => query.replace(/%../g, (octet) => octet.toUpperCase());
  return a.rawQuery !== b.rawQuery && fold(a.rawQuery) === fold(b.rawQuery);
}

let fixture: Fixture;
beforeAll(async () => {
  // Nobody reads why: the reasons of thousands of refusals take longer to find than the refusals.
  fixture = await makeFixture({ log: undefined });
});

describe('CreateSession', () => {
  it('refuses every altered byte', async () => {
    const { service, request } = fixture;
    const valid = request({ chain: [makeRoot()] });
    expect((await service.handle(valid)).status).toBe(201);
    const survivors: string[] = [];
    let tried = 0;
    for (const [what, altered] of alterations(valid)) {
      if (isSameQuery(valid, altered)) continue;
      tried += 1;
      const { status } = await service.handle(altered);
      if (status !== 400 && status !== 403) survivors.push(`${what}: ${status}`);
    }
    expect(survivors).toEqual([]);
    expect(tried).toBeGreaterThan(1500);
    expect(service.sessionCount).toBe(1);
  });

  it('refuses another method and another path', async () => {
    const { service, request } = fixture;
    for (const change of [
      { method: 'PUT' },
      { method: 'GET' },
      { rawPath: '/sessions/' },
      { rawPath: '//sessions' },
    ]) {
      const response = await service.handle({ ...request(), ...change });
      expect(response.status).toBe(404);
      expect(response.headers['X-Amzn-ErrorType']).toBe('UnknownOperationException');
    }
  });
});

describe('GetCallerIdentity', () => {
  it('refuses every altered byte', async () => {
    const { service, ask } = fixture;
    const { credentialSet } = JSON.parse((await ask()).body);
    const valid = signHmac(credentialSet[0].credentials);
    expect((await service.handle(valid)).status).toBe(200);
    const survivors: string[] = [];
    for (const [what, altered] of alterations(valid)) {
      const { status } = await service.handle(altered);
      if (status !== 400 && status !== 403) survivors.push(`${what}: ${status}`);
    }
    expect(survivors).toEqual([]);
  });
});
