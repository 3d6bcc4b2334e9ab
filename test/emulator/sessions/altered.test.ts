/**
 * No signed byte can be altered: with one bit flipped in any byte of method, path, query, headers, body,
 * signature, certificate or chain, the request is refused. For requests of each kind of key, signed here and
 * by Python.
 */
import type { KeyObject } from 'node:crypto';
import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { EmulatorRequest } from '../../../src/emulator.js';
import { makeCertificate, NOW } from '../pki/certificates.js';
import { addCrl, makeAccount, QUERY, readVectors, toPem } from './account.js';
import { makeFixture, makeRoot } from './fixture.js';
import type { X509Draft } from './sign.js';
import { signHmac, signX509 } from './sign.js';

const vectors = readVectors();

const makeSilent = (pem: string) => makeAccount(pem, () => NOW, false);

type Altered = readonly [what: string, altered: EmulatorRequest];

/** Flips a bit, chosen by the position. The eighth bit of text stays, so that it is valid in a header. */
const flip = (code: number, index: number, bits: number) => code ^ (1 << ((index * 5) % bits));

function flipText(text: string, index: number): string {
  const flipped = flip(text.charCodeAt(index), index, 7);
  return text.slice(0, index) + String.fromCharCode(flipped) + text.slice(index + 1);
}

function* texts(request: EmulatorRequest, member: 'method' | 'rawPath' | 'rawQuery'): Generator<Altered> {
  for (let index = 0; index < request[member].length; index++) {
    yield [`${member}[${index}]`, { ...request, [member]: flipText(request[member], index) }];
  }
}

function* headers(request: EmulatorRequest): Generator<Altered> {
  for (const [position, [name, value]] of request.headers.entries()) {
    const change = (...pair: [string, string]) => ({
      ...request,
      headers: request.headers.with(position, pair),
    });
    for (let index = 0; index < value.length; index++) {
      yield [`${name}[${index}]`, change(name, flipText(value, index))];
    }
    for (let index = 0; index < name.length; index++) {
      yield [`name of ${name}[${index}]`, change(flipText(name, index), value)];
    }
    yield [`${name} removed`, { ...request, headers: request.headers.toSpliced(position, 1) }];
    yield [`${name} repeated`, { ...request, headers: [...request.headers, [name, value]] }];
  }
}

/** Alters the decoded octets, so that no alteration is refused as malformed base64. */
function* certificates(request: EmulatorRequest): Generator<Altered> {
  for (const [position, [name, value]] of request.headers.entries()) {
    if (!name.startsWith('x-amz-x509')) continue;
    const parts = value.split(',');
    for (const [number, part] of parts.entries()) {
      const der = Buffer.from(part, 'base64');
      for (let index = 0; index < der.length; index++) {
        const changed = Buffer.from(der);
        changed[index] = flip(der[index] ?? 0, index, 8);
        const text = parts.with(number, changed.toString('base64')).join(',');
        const all = request.headers.with(position, [name, text]);
        yield [`${name} ${number}, octet ${index}`, { ...request, headers: all }];
      }
    }
  }
}

function* bodies(request: EmulatorRequest): Generator<Altered> {
  for (let index = 0; index < request.body.length; index++) {
    const body = request.body.map((byte, at) => (at === index ? flip(byte, index, 8) : byte));
    yield [`body[${index}]`, { ...request, body }];
  }
  yield ['body with more', { ...request, body: Buffer.concat([request.body, Buffer.from(' ')]) }];
  if (request.body.length > 0) yield ['body with less', { ...request, body: request.body.subarray(1) }];
}

function* alterations(request: EmulatorRequest): Generator<Altered> {
  for (const member of ['method', 'rawPath', 'rawQuery'] as const) yield* texts(request, member);
  yield* headers(request);
  yield* certificates(request);
  yield* bodies(request);
}

/** `%3A` and `%3a` are the same octet, to AWS and here. */
function isSameQuery(a: EmulatorRequest, b: EmulatorRequest): boolean {
  const fold = (query: string) => query.replace(/%../g, (octet) => octet.toUpperCase());
  return a.rawQuery !== b.rawQuery && fold(a.rawQuery) === fold(b.rawQuery);
}

type Send = (request: EmulatorRequest) => Promise<{ readonly status: number; readonly body: string }>;

/** The alterations that passed, or that caused a defect. Tries one of every `step` alterations. */
async function findSurvivors(valid: EmulatorRequest, send: Send, step = 1) {
  const survivors: string[] = [];
  const all = [...alterations(valid)].filter(([, altered]) => !isSameQuery(valid, altered));
  const tried = all.filter((_, index) => index % step === 0);
  for (const [what, altered] of tried) {
    const { status, body } = await send(altered);
    if (![400, 403, 404].includes(status)) survivors.push(`${what}: ${status} ${body}`);
  }
  return { survivors, tried: tried.length };
}

describe('CreateSession refuses every altered byte', () => {
  const root = makeRoot();
  const middle = makeCertificate({ issuer: root, commonName: 'Middle', isAuthority: true });
  const host = makeCertificate({ issuer: middle });
  const drafts: Array<readonly [what: string, draft: X509Draft]> = [
    ['ARNs in the query, a chain', { query: QUERY, body: '{"durationSeconds":3600}', chain: [middle] }],
    ['an empty body', { query: QUERY, body: '', chain: [middle], headers: { 'content-type': undefined } }],
    [
      'ARNs and all else in the body',
      {
        body: JSON.stringify({
          ...Object.fromEntries(new URLSearchParams(QUERY)),
          ...{ durationSeconds: 900, instanceProperties: { a: 'b' } },
        }),
        chain: [middle],
      },
    ],
    [
      'more signed headers',
      {
        query: QUERY,
        chain: [middle],
        headers: { 'amz-sdk-request': 'attempt=1; max=3', 'content-length': '0' },
      },
    ],
  ];
  it.each(drafts)('%s', async (what, draft) => {
    // All bytes of one request; of the others the parts that differ, and a sample of the rest.
    const isWhole = what === drafts[0]?.[0];
    const { ask, account } = makeSilent(root.pem);
    const valid = signX509(host, draft);
    expect((await ask(valid)).status).toBe(201);
    const { survivors, tried } = await findSurvivors(valid, ask, isWhole ? 1 : 7);
    expect(survivors).toEqual([]);
    expect(tried).toBeGreaterThan(isWhole ? 2000 : 250);
    // An altered request leaves no subject behind.
    expect(account.subjects.size).toBe(1);
  });

  const { requests } = vectors;
  const isTried = ({ name }: { name: string }) => /^(RSA|P-521|with a chain)$/.test(name);

  it.each(requests.filter(isTried))('$name, signed by Python', async (vector) => {
    const { ask } = makeSilent(toPem(vector.anchor));
    const valid: EmulatorRequest = {
      ...{ method: 'POST', rawPath: '/sessions', rawQuery: vector.query, body: Buffer.from(vector.body) },
      headers: Object.entries(vector.headers),
    };
    expect((await ask(valid)).status).toBe(201);
    const { survivors, tried } = await findSurvivors(valid, ask, 5);
    expect(survivors).toEqual([]);
    expect(tried).toBeGreaterThan(350);
  });
});

describe('an altered certificate in a request that is signed again with the right key', () => {
  const { cases } = vectors;
  const find = (name: string) => {
    const one = cases.find((other) => other.name === name);
    if (one === undefined) throw new Error(`no case ${name}`);
    return one;
  };
  const { name: anyName } = makeRoot();
  const asMade = (der: Buffer, key: KeyObject, serial: string) => ({
    ...{ der, pem: '', name: anyName, key, serial },
  });

  /** Every octet of the leaf, or of its issuer in the chain. */
  const altered = [
    ['leaf', 'path: one intermediate'],
    ['issuer', 'path: one intermediate'],
    ['leaf', 'leaf: alternative names of every kind'],
    ['issuer', 'name constraints: within one of two'],
  ] as const;
  it.each(altered)('gets no session with the %s of "%s"', async (part, name) => {
    const one = find(name);
    const { ask } = makeSilent(one.anchors.map(toPem).join(''));
    const key = createPrivateKey(one.key);
    const leaf = asMade(Buffer.from(one.certificate, 'base64'), key, one.serial);
    const chain = one.chain.map((der) => asMade(Buffer.from(der, 'base64'), key, ''));
    const draft = { query: QUERY, ...(chain.length === 0 ? {} : { chain }) };
    const target = part === 'leaf' ? leaf.der : (chain[0]?.der ?? leaf.der);
    const survivors: string[] = [];
    for (let index = 0; index < target.length; index++) {
      const original = target[index] ?? 0;
      target[index] = flip(original, index, 8);
      const { status, body } = await ask(signX509(leaf, draft));
      if (status !== 403) survivors.push(`octet ${index}: ${status} ${body}`);
      target[index] = original;
    }
    expect(survivors).toEqual([]);
  });

  it('does not break the emulator with a revocation list', async () => {
    const one = find('list: the leaf is revoked');
    const list = Buffer.from(one.lists[0] ?? '', 'base64');
    const request = signX509(
      asMade(Buffer.from(one.certificate, 'base64'), createPrivateKey(one.key), one.serial),
      {
        query: QUERY,
      },
    );
    const passed: number[] = [];
    for (let index = 0; index < list.length; index++) {
      const original = list[index] ?? 0;
      list[index] = flip(original, index, 8);
      const { account, ask } = makeSilent(one.anchors.map(toPem).join(''));
      addCrl(account, list.toString('base64'));
      const { status } = await ask(request);
      expect([201, 403]).toContain(status);
      if (status === 201) passed.push(index);
      list[index] = original;
    }
    // With another issuer name, the list does not apply.
    const issuer = list.indexOf('Example');
    expect(passed.length).toBeGreaterThan(0);
    expect(passed.every((index) => Math.abs(index - issuer) < 30)).toBe(true);
  });
});

it('CreateSession has exactly one route', async () => {
  const { service, request } = await makeFixture();
  for (const change of [
    { method: 'PUT' },
    { method: 'GET' },
    { rawPath: '/sessions/' },
    { rawPath: '/sessions//x' },
  ]) {
    const response = await service.handle({ ...request(), ...change });
    expect(response.status).toBe(404);
    expect(response.headers['X-Amzn-ErrorType']).toBe('UnknownOperationException');
  }
});

it('GetCallerIdentity refuses every altered byte', async () => {
  const { service, ask } = await makeFixture({ log: undefined });
  const { credentialSet } = JSON.parse((await ask()).body);
  const valid = signHmac(credentialSet[0].credentials);
  expect((await service.handle(valid)).status).toBe(200);
  const { survivors, tried } = await findSurvivors(valid, service.handle);
  expect(survivors).toEqual([]);
  expect(tried).toBeGreaterThan(800);
});
