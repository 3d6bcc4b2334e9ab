/** The certificates that are sent: those on a usable path from the leaf. */
import type { KeyObject } from 'node:crypto';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { assertUsableIdentity } from '../../src/identity/check-identity.js';
import type { SigningIdentity } from '../../src/identity/identity.js';
import { loadIdentity } from '../../src/identity/load.js';
import { NOW } from '../fixtures.js';
import { der, integer, oid, sequence } from './keys/der.js';
import type { Parts } from './make-certificate.js';
import {
  BASIC_CONSTRAINTS,
  CA_EXTENSIONS,
  extension,
  generalized,
  KEY_USAGE,
  makeCertificate,
  name,
  utc,
} from './make-certificate.js';

const ECDSA = sequence(oid('1.2.840.10045.4.3.2'));
const keys = new Map<string, KeyObject>();

function keyOf(owner: string): KeyObject {
  const key = keys.get(owner) ?? generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
  keys.set(owner, key);
  return key;
}

function spki(owner: string): Buffer {
  const jwk = keyOf(owner).export({ format: 'jwk' });
  const point = Buffer.concat(
    ['x', 'y'].map((one) => Buffer.from(String(jwk[one as 'x' | 'y']), 'base64url')),
  );
  return sequence(sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')), der(0x03, [0, 4], point));
}

let serial = 1;

/** A certificate by names of subject and issuer; `key` and `issuerKey` select other keys than the names'. */
function issue(
  subject: string,
  issuer: string,
  parts: Parts & { readonly key?: string; readonly issuerKey?: string } = {},
): Buffer {
  return makeCertificate({
    subject: name(subject),
    issuer: name(issuer),
    spki: spki(parts.key ?? subject),
    signer: keyOf(parts.issuerKey ?? issuer),
    algorithm: ECDSA,
    serial: integer(serial++),
    ...parts,
  });
}

function ca(subject: string, issuer: string, parts: Parameters<typeof issue>[2] = {}): Buffer {
  return issue(subject, issuer, { extensions: CA_EXTENSIONS, ...parts });
}

function pem(ders: readonly Buffer[]): string {
  return ders
    .map((one) => `-----BEGIN CERTIFICATE-----\n${one.toString('base64')}\n-----END CERTIFICATE-----\n`)
    .join('');
}

function keyPem(owner: string): string {
  return keyOf(owner).export({ type: 'pkcs8', format: 'pem' }).toString();
}

const EXPIRED: Parts = { notBefore: utc('200101000000Z'), notAfter: utc('210101000000Z') };
const AHEAD: Parts = { notBefore: generalized('21000101000000Z'), notAfter: generalized('21010101000000Z') };
const NO_CA: Parts = { extensions: [extension(KEY_USAGE, der(0x03, [7, 0x80]), 0xff)] };

const leaf = issue('leaf', 'Issuing');
const issuing = ca('Issuing', 'Root');
const root = ca('Root', 'Root');
const middle = ca('Middle', 'Root');
const below = ca('Issuing', 'Middle');

function load(
  certificates: readonly Buffer[],
  owners: readonly string[] = ['leaf'],
): Promise<SigningIdentity> {
  const privateKey = owners.map(keyPem).join('');
  return loadIdentity({ certificate: pem(certificates), privateKey }, { now: () => NOW });
}

/** All orders of up to four certificates; forwards and backwards of more. */
function orders<T>(all: readonly T[]): T[][] {
  if (all.length > 4) return [[...all], all.toReversed()];
  if (all.length < 2) return [[...all]];
  return all.flatMap((one, at) => orders(all.toSpliced(at, 1)).map((rest) => [one, ...rest]));
}

function summary({ certificate, chain, notes = [] }: SigningIdentity): unknown {
  return {
    leaf: certificate.raw,
    chain: chain.map(({ raw }) => raw),
    notes: notes.map(({ code }) => code),
  };
}

const SURPLUS = ['WARN_CHAIN_SURPLUS'];

describe('the path is found', () => {
  const others = Array.from({ length: 8 }, (_, index) => ca(`Company CA ${index}`, 'Root'));
  const siblings = ['mail', 'login'].map((owner) => issue(owner, 'Issuing'));
  const expiredCross = ca('Root', 'Old Root', EXPIRED);
  const cross = ca('Root', 'Old Root');
  const renewed = ca('Issuing', 'Root', { notAfter: generalized('21500101000000Z') });
  it.each<[string, readonly Buffer[], readonly Buffer[], readonly string[]]>([
    ['without intermediates', [leaf], [], []],
    ['with its intermediate', [leaf, issuing], [issuing], []],
    ['with the root too', [leaf, issuing, root], [issuing], []],
    ['with an unrelated authority', [leaf, issuing, ca('Other', 'Elsewhere')], [issuing], SURPLUS],
    ['among eight authorities of the company', [leaf, issuing, ...others], [issuing], SURPLUS],
    ['with an unrelated authority alone', [leaf, ca('Other', 'Elsewhere')], [], SURPLUS],
    ['with an unrelated root', [leaf, issuing, ca('Elsewhere', 'Elsewhere')], [issuing], []],
    ['with the certificates of other keys on a card', [leaf, ...siblings, issuing], [issuing], SURPLUS],
    ['with an expired cross-signed root', [leaf, issuing, expiredCross], [issuing], SURPLUS],
    [
      'with an expired cross-signed root and the root',
      [leaf, issuing, expiredCross, root],
      [issuing],
      SURPLUS,
    ],
    ['with a cross-signed root that is valid', [leaf, issuing, cross], [issuing, cross], []],
    ['with a renewed intermediate', [leaf, issuing, renewed], [renewed], []],
    [
      'with an expired intermediate and its renewal',
      [leaf, ca('Issuing', 'Root', EXPIRED), issuing],
      [issuing],
      [],
    ],
    ['with an intermediate that begins later', [leaf, ca('Issuing', 'Root', AHEAD), issuing], [issuing], []],
    [
      'by another way where one has expired',
      [leaf, issuing, ca('Issuing', 'Middle', EXPIRED), middle],
      [issuing],
      SURPLUS,
    ],
    ['by two authorities', [leaf, below, middle], [below, middle], []],
    [
      'with an authority of the same name and another key',
      [leaf, issuing, ca('Issuing', 'Root', { key: 'twin' })],
      [issuing],
      SURPLUS,
    ],
    ['twice over', [leaf, issuing, leaf, issuing], [issuing], []],
  ])('%s, in any order', async (_name, given, chain, notes) => {
    for (const order of orders(given)) {
      const identity = await load(order);
      expect(summary(identity)).toEqual({ leaf, chain, notes: notes.filter((code) => code !== undefined) });
      expect(() => assertUsableIdentity(identity, NOW)).not.toThrow();
    }
  });

  it('the warning names the certificates that are left out', async () => {
    const { notes = [] } = await load([leaf, issuing, ...others]);
    expect(notes[0]?.message).toMatch(
      /^not sent, since no usable path from .*CN=leaf leads through them: .*CA 0; .*CA 4; and 3 more$/,
    );
  });

  it('the shortest path, if all certificates would be too many', async () => {
    const ladder = Array.from({ length: 6 }, (_, index) =>
      ca(`Rung ${index}`, index === 5 ? 'Root' : `Rung ${index + 1}`),
    );
    const cross0 = ca('Issuing', 'Rung 0');
    const identity = await load([leaf, ...ladder, cross0, issuing, root]);
    expect(summary(identity)).toMatchObject({ chain: [issuing] });
    await expect(load([leaf, ...ladder, cross0, root])).rejects.toMatchObject({
      code: 'ERR_CHAIN_TOO_LONG',
      message: 'certificate has 7 intermediate certificates, the service takes at most 5',
    });
  });
});

describe('a given intermediate that the path needs is named if it', () => {
  it.each<[string, readonly Buffer[], string]>([
    ['has expired', [leaf, ca('Issuing', 'Root', EXPIRED)], 'ERR_CHAIN_EXPIRED'],
    ['is not valid yet', [leaf, ca('Issuing', 'Root', AHEAD)], 'ERR_CHAIN_NOT_YET_VALID'],
    ['is no authority', [leaf, ca('Issuing', 'Root', NO_CA)], 'ERR_CHAIN_NOT_CA'],
    ['has another key', [leaf, ca('Issuing', 'Root', { key: 'twin' })], 'ERR_CHAIN_BROKEN'],
    [
      'has expired below a root that is given',
      [leaf, below, ca('Middle', 'Root', EXPIRED), root],
      'ERR_CHAIN_EXPIRED',
    ],
    [
      'allows no intermediate below it',
      [
        leaf,
        below,
        ca('Middle', 'Root', {
          extensions: [
            extension(BASIC_CONSTRAINTS, sequence(der(0x01, [0xff]), integer(0)), 0xff),
            extension(KEY_USAGE, der(0x03, [1, 0x06]), 0xff),
          ],
        }),
        root,
      ],
      'ERR_CHAIN_NOT_CA',
    ],
  ])('%s', async (_name, given, code) => {
    for (const order of orders(given)) {
      const identity = await load(order);
      expect(() => assertUsableIdentity(identity, NOW)).toThrow(expect.objectContaining({ code }));
    }
  });
});

describe('of several pairs', () => {
  const old = issue('host', 'Issuing', { key: 'old', notAfter: utc('270101000000Z') });
  const renewal = issue('host', 'Issuing', { key: 'new', notAfter: utc('280101000000Z') });
  const later = issue('host', 'Issuing', { key: 'later', ...AHEAD });

  it('the valid one that expires last is used, in any order', async () => {
    for (const given of orders([old, renewal, later, issuing])) {
      for (const owners of orders(['old', 'new', 'later'])) {
        const identity = await load(given, owners);
        expect(summary(identity)).toEqual({ leaf: renewal, chain: [issuing], notes: [] });
        const data = Buffer.from('data');
        expect(await identity.sign(data)).toBeInstanceOf(Uint8Array);
      }
    }
    expect(summary(await load([old, renewal], ['old']))).toMatchObject({ leaf: old });
    expect(summary(await load([old, later], ['old', 'later']))).toMatchObject({ leaf: old });
  });

  it('of two subjects, both are named, and one can be selected', async () => {
    const [mail, login] = [issue('mail', 'Issuing'), issue('login', 'Issuing')];
    const given = { certificate: pem([mail, login, issuing]), privateKey: keyPem('mail') + keyPem('login') };
    await expect(loadIdentity(given, { now: () => NOW })).rejects.toMatchObject({
      name: 'IdentityError',
      code: 'ERR_CERTIFICATE_AMBIGUOUS',
      message: expect.stringMatching(
        /has keys for 2 certificates: .*CN=mail \(serial number \d+\); .*CN=login/,
      ),
      hint: expect.stringContaining('--certificate-subject'),
    });
    const serials = [mail, login].map((one) =>
      one.readUInt8(one.indexOf(Buffer.from('a003020102', 'hex')) + 7),
    );
    for (const [certificate, selectors] of [
      [mail, ['CN=mail', 'cn = MAIL', 'O=Example, CN=mail', '/O=Example/CN=mail', 'mail']],
      [login, ['CN=login', 'C=DE, O=Example, OU=Fixtures, CN=login']],
    ] as const) {
      for (const certificateSubject of selectors) {
        const identity = await loadIdentity({ ...given, certificateSubject }, { now: () => NOW });
        expect(identity.certificate.raw).toEqual(certificate);
      }
    }
    for (const form of [
      String,
      (one: number) => `0x${one.toString(16)}`,
      (one: number) => `00:${one.toString(16)}`,
    ]) {
      const certificateSerial = form(serials[1] ?? 0);
      const identity = await loadIdentity({ ...given, certificateSerial }, { now: () => NOW });
      expect([mail, login]).toContainEqual(identity.certificate.raw);
    }
    await expect(loadIdentity({ ...given, certificateSubject: 'CN=other' })).rejects.toMatchObject({
      code: 'ERR_CERTIFICATE_AMBIGUOUS',
      message: expect.stringContaining('has no certificate that is selected, found'),
    });
  });

  it('the one that has not expired is used', async () => {
    const gone = issue('gone', 'Issuing', EXPIRED);
    expect(summary(await load([gone, leaf, issuing], ['gone', 'leaf']))).toMatchObject({ leaf });
  });
});

describe('bombs', () => {
  it('of certificates with one name take no longer than a few', async () => {
    const heap = Array.from({ length: 250 }, (_, index) =>
      ca('Same', 'Same', { key: `heap ${index % 20}`, issuerKey: `heap ${(index + 1) % 20}` }),
    );
    const own = issue('leaf', 'Same', { issuerKey: 'heap 0' });
    const started = process.cpuUsage();
    const outcome = await load([own, ...heap]).catch((error: unknown) => error);
    const { user } = process.cpuUsage(started);
    expect(outcome).toMatchObject({ code: 'ERR_CHAIN_TOO_LONG' });
    expect(user / 1e6).toBeLessThan(2);
  });

  it('of more certificates than any chain has are not parsed', async () => {
    await expect(load(Array.from({ length: 300 }, () => issuing))).rejects.toMatchObject({
      code: 'ERR_PEM_INVALID',
      message: 'certificate may hold at most 256 PEM blocks',
    });
  });
});

it('the key of the chain is one that signs', () => {
  expect(createPrivateKey(keyPem('leaf')).asymmetricKeyType).toBe('ec');
});
