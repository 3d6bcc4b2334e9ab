/**
 * Certificates, chains and revocation lists of another implementation: each rule has one that passes and one
 * that only this rule refuses. `test/vectors/make-pki.py` also asks `openssl verify`; a case with another
 * result gives the reason.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { Name } from '@peculiar/asn1-x509';
import { describe, expect, it } from 'vitest';
import type { Account } from '../../../src/emulator/account/resources.js';
import { parseRevocationList } from '../../../src/emulator/pki/revocation.js';
import type { Made } from '../pki/certificates.js';
import { HAS_ML_DSA } from '../pki/certificates.js';
import type { Case } from './account.js';
import { ARNS, addCrl, makeAccount, QUERY, readVectors, toPem } from './account.js';
import { signX509 } from './sign.js';

const { now, arns, cases, lists, requests } = readVectors();

const made = (der: string, key: Made['key'], serial = ''): Made => ({
  ...{ der: Buffer.from(der, 'base64'), pem: toPem(der), name: new Name([]), key, serial },
});

async function judge(one: Case, change: (account: Account) => void = () => undefined) {
  const { account, ask } = makeAccount(one.anchors.map(toPem).join(''), () => new Date(now));
  for (const list of one.lists) addCrl(account, list);
  change(account);
  const key = createPrivateKey(one.key);
  const chain = one.chain.map((der) => made(der, key));
  const isMlDsa = key.asymmetricKeyType?.startsWith('ml-dsa') === true;
  const draft = {
    query: QUERY,
    ...(chain.length === 0 ? {} : { chain }),
    ...(isMlDsa && {
      algorithm: 'AWS4-X509-MLDSA',
      signer: (data: Buffer) => sign(null, data, key),
    }),
  };
  return ask(signX509(made(one.certificate, key, one.serial), draft));
}

const MESSAGES: ReadonlyArray<readonly [reason: RegExp, message: string]> = [
  [/^(x-amz-x509|algorithm)/, 'Invalid signature'],
  [/^path: /, 'Untrusted signing certificate'],
  [/^source identity/, `Unable to assume role for ${ARNS.roleArn}`],
  [/^/, 'Untrusted certificate. Insufficient certificate'],
];

/** A case of ML-DSA needs a Node that can read its key. */
const isHere = ({ name }: { name: string }) => HAS_ML_DSA || !name.startsWith('ML-DSA');

describe('certificates that are refused', () => {
  it.each(cases.filter((one) => isHere(one) && one.expect !== null))('$name', async (one) => {
    const { status, message, reason, issued } = await judge(one);
    expect(reason).toContain(one.expect);
    expect(reason.startsWith(one.expect ?? '')).toBe(true);
    expect(message).toBe(MESSAGES.find(([pattern]) => pattern.test(reason))?.[1]);
    expect(status).toBe(403);
    expect(issued).toBeUndefined();
  });
});

describe('certificates that are accepted', () => {
  it.each(cases.filter((one) => isHere(one) && one.expect === null))('$name', async (one) => {
    const { status, reason, issued } = await judge(one);
    // A warning does not refuse the session.
    expect(reason.replace(/^warning: .*/, '')).toBe('');
    expect(status).toBe(201);
    if (one.tags !== undefined) {
      const tags = Object.entries(issued?.tags ?? {}).filter(([key]) => !key.startsWith('x509Issuer/'));
      const isSan = Object.keys(one.tags).some((key) => key.startsWith('x509SAN/'));
      const subject = isSan ? { 'x509Subject/O': 'Example', 'x509Subject/CN': 'Host One' } : {};
      expect(Object.fromEntries(tags)).toEqual({ ...subject, ...one.tags });
    }
    if (one.sourceIdentity !== undefined) expect(issued?.sourceIdentity).toBe(one.sourceIdentity);
  });

  it('have the same result in openssl, unless the case gives the reason', () => {
    for (const { name, expect: expected, openssl, differs } of cases) {
      expect((openssl === 'OK') === (expected === null), name).toBe(differs === undefined);
    }
    expect(cases.filter(({ differs }) => differs === undefined).length).toBeGreaterThan(130);
  });
});

describe('revocation lists', () => {
  it.each(lists.filter((one) => one.expect !== null))('refuses $name', ({ der, expect: message }) => {
    expect(() => parseRevocationList(Buffer.from(der, 'base64'))).toThrow(message ?? '');
  });
  it.each(lists.filter((one) => one.expect === null))('reads $name', ({ der }) => {
    const list = parseRevocationList(Buffer.from(der, 'base64'));
    expect(list.issuer.text).toBe('O=Example, CN=Root');
    expect(list.nextUpdate).toEqual(new Date('2026-06-15T00:00:00Z'));
  });
  it('reads PEM, DER and base64 of either', () => {
    const [{ der = '' } = {}] = lists;
    const pem = `text\n-----BEGIN X509 CRL-----\n${der}\n-----END X509 CRL-----\n`;
    for (const data of [
      pem,
      Buffer.from(pem),
      Buffer.from(pem).toString('base64'),
      der,
      Buffer.from(der, 'base64'),
    ]) {
      expect([...parseRevocationList(data).revoked]).toEqual([
        ['5', '2026-05-01T00:00:00.000Z, unspecified'],
      ]);
    }
    expect(() => parseRevocationList(pem + pem)).toThrow('CRL: expected one X509 CRL block, found 2');
    expect(() => parseRevocationList('-----BEGIN CERTIFICATE-----')).toThrow('found 0');
    expect(() => parseRevocationList('')).toThrow('DER: ends too early');
  });
});

describe('revocation lists of an account', () => {
  const revoked = cases.find(({ name }) => name === 'list: the leaf is revoked');
  const elsewhere = ARNS.trustAnchorArn.replace('2222', '3333');
  const change = (crls: Account['crls'], members: object) => {
    for (const [id, crl] of crls) crls.set(id, { ...crl, ...members });
  };
  const judged: Array<readonly [what: string, members: object, reason: string]> = [
    ['enabled', {}, 'path: "O=Example, CN=Host One": revocation: serial'],
    ['disabled', { enabled: false }, ''],
    ['of another trust anchor', { trustAnchorArn: elsewhere }, ''],
    ['that cannot be parsed', { crlData: 'AAAA' }, 'revocation list: DER: '],
  ];
  it.each(judged)('one %s', async (_what, members, expected) => {
    if (revoked === undefined) throw new Error('no such case');
    const { reason, status } = await judge(revoked, ({ crls }) => change(crls, members));
    expect(reason.slice(0, expected.length)).toBe(expected);
    expect(status).toBe(expected === '' ? 201 : 403);
  });
});

describe('requests that Python signed', () => {
  const asSent = (headers: Readonly<Record<string, string>>, body: string, query: string) => ({
    ...{ method: 'POST', rawPath: '/sessions', rawQuery: query, body: Buffer.from(body) },
    headers: Object.entries(headers),
  });

  it('are for the account of these tests', () => expect(arns).toEqual(ARNS));

  it.each(requests)('accepts $name', async ({ anchor, headers, body, query }) => {
    const { ask } = makeAccount(toPem(anchor), () => new Date(now));
    const { status, reason } = await ask(asSent(headers, body, query));
    expect(reason).toBe('');
    expect(status).toBe(201);
  });

  it.each(requests)('refuses $name for another region', async (one) => {
    const { account, ask } = makeAccount(toPem(one.anchor), () => new Date(now));
    Object.assign(account, { region: 'eu-west-1' });
    const { reason } = await ask(asSent(one.headers, one.body, one.query));
    expect(reason).toContain('credential scope: expected 20260601/eu-west-1/');
  });
});
