import { createECDH, createPrivateKey, X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createRoot, openAuthority } from '../../src/authority/authority.js';
import { createRequest } from '../../src/authority/request.js';
import type { AuthorityOptions, IssueOptions, RevocationListOptions } from '../../src/emulator.js';
import { createAuthority } from '../../src/emulator.js';
import { OptionError } from '../../src/errors.js';
import { NOW } from '../emulator/pki/certificates.js';
import { makeFixture } from '../emulator/sessions/fixture.js';
import { bits, der, fixed, integer, octets, oid, sequence } from '../identity/keys/der.js';

const now = () => NOW;

function pemOf(request: Buffer): string {
  const base64 = request.toString('base64');
  return `-----BEGIN CERTIFICATE REQUEST-----\n${base64}\n-----END CERTIFICATE REQUEST-----\n`;
}

describe('createAuthority', () => {
  it('makes a certificate that can issue', async () => {
    const { certificate } = await createAuthority({ commonName: 'Test CA', days: 10, now });
    const x509 = new X509Certificate(certificate);
    expect(x509.subject).toBe('CN=Test CA');
    expect(x509.ca).toBe(true);
    expect(x509.verify(x509.publicKey)).toBe(true);
    expect(x509.validFrom).toBe('Jun  1 11:55:00 2026 GMT');
    expect(x509.validTo).toBe('Jun 11 11:55:00 2026 GMT');
    expect(certificate).toMatch(
      /^-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=]{1,64}\n)+-----END CERTIFICATE-----\n$/,
    );
  });

  it.each([
    ['EC-P256', 'EC-P256'],
    ['EC-P256', 'RSA-2048'],
    ['RSA-2048', 'EC-P256'],
  ] as const)('an authority with %s issues %s', async (keyType, leafType) => {
    const authority = await createAuthority({ keyType, now });
    const issued = await authority.issue({ commonName: 'host-1', keyType: leafType });
    const root = new X509Certificate(authority.certificate);
    const leaf = new X509Certificate(issued.certificate);
    expect(leaf.subject).toBe('CN=host-1');
    expect(leaf.ca).toBe(false);
    expect(leaf.checkIssued(root)).toBe(true);
    expect(leaf.verify(root.publicKey)).toBe(true);
    expect(leaf.checkPrivateKey(createPrivateKey(issued.privateKey))).toBe(true);
    expect(leaf.serialNumber).toMatch(/^[4-7][0-9A-F]{33}$/);
    const { ask } = await makeFixture({ certificateAuthority: authority.certificate });
    const serial = BigInt(`0x${leaf.serialNumber}`).toString();
    const made = { der: leaf.raw, key: createPrivateKey(issued.privateKey), serial };
    const fixture = await makeFixture();
    expect((await ask({}, { ...fixture.leaf, ...made })).status).toBe(201);
  });

  it('makes an expired certificate by notBefore and days', async () => {
    const authority = await createAuthority({ now });
    const notBefore = new Date('2026-05-01T00:00:00Z');
    const { certificate } = await authority.issue({ commonName: 'late', notBefore, days: 1 });
    expect(new X509Certificate(certificate).validTo).toBe('May  2 00:00:00 2026 GMT');
  });

  it('gives each certificate its own serial number', async () => {
    const authority = await createAuthority();
    const issued = await Promise.all(['a', 'b', 'c'].map((commonName) => authority.issue({ commonName })));
    expect(new Set(issued.map(({ certificate }) => new X509Certificate(certificate).serialNumber)).size).toBe(
      3,
    );
  });

  const refused: Array<[options: object, code: string, message: string]> = [
    [{ name: 'x' }, 'ERR_OPTION_UNKNOWN', 'unknown option "name"'],
    [{ keytype: 'x' }, 'ERR_OPTION_UNKNOWN', 'unknown option "keytype", did you mean "keyType"?'],
    [{ days: 0 }, 'ERR_OPTION_INVALID', 'days must be a whole number from 1 to 36500, found "0"'],
    [
      { keyType: 'EC-P192' },
      'ERR_OPTION_INVALID',
      'keyType must be one of EC-P256, EC-P384, EC-P521, RSA-2048, RSA-3072, RSA-4096, found "EC-P192"',
    ],
    [
      { commonName: 'n'.repeat(65) },
      'ERR_OPTION_INVALID',
      `commonName must be 1 to 64 characters, found "${'n'.repeat(65)}"`,
    ],
    [
      { now: Object.create(null) },
      'ERR_OPTION_INVALID',
      'now must be a function, found a value of type object',
    ],
  ];
  it.each(refused)('refuses %o', async (options, code, message) => {
    const error = await createAuthority(options as AuthorityOptions).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OptionError);
    expect(error).toMatchObject({ code, message });
  });

  it('issues no certificate without a common name', async () => {
    const authority = await createAuthority();
    for (const options of [{}, { commonName: '' }]) {
      await expect(authority.issue(options as IssueOptions)).rejects.toMatchObject({
        code: 'ERR_OPTION_MISSING',
        message: 'missing commonName',
      });
    }
    await expect(authority.issue({ commonName: 'a', ca: true } as IssueOptions)).rejects.toMatchObject({
      code: 'ERR_OPTION_UNKNOWN',
      message: 'unknown option "ca"',
    });
    await expect(authority.issue({ commonName: 'a', notBefore: new Date('x') })).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: 'notBefore must be a Date, found a value of type object',
    });
  });
});

describe('openAuthority', () => {
  it('refuses certificates and keys that cannot issue', async () => {
    const root = await createRoot({ commonName: 'Root' });
    const authority = await openAuthority(root);
    const leaf = await authority.issue({ commonName: 'a' });
    const other = await createRoot();
    const rows: Array<[source: { certificate: string; privateKey: string }, code: string]> = [
      [leaf, 'ERR_CHAIN_NOT_CA'],
      [{ ...root, privateKey: other.privateKey }, 'ERR_KEY_MISMATCH'],
      [{ ...root, privateKey: 'x' }, 'ERR_KEY_INVALID'],
      [{ ...root, certificate: 'x' }, 'ERR_CERTIFICATE_INVALID'],
    ];
    for (const [source, code] of rows) await expect(openAuthority(source)).rejects.toMatchObject({ code });
  });

  it('does not expose the private key in a member', async () => {
    const root = await createRoot();
    const shown = inspect(await openAuthority(root), { depth: null, showHidden: true });
    expect(shown).not.toContain('PRIVATE KEY');
  });
});

describe('requests', () => {
  it.each([
    ['x', 'ERR_PEM_INVALID'],
    [
      '-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n',
      'ERR_CERTIFICATE_INVALID',
    ],
  ])('%j is refused', async (request, code) => {
    await expect((await createAuthority()).sign(request)).rejects.toMatchObject({ code });
  });

  it('of more than 64 KiB are refused before they are parsed', async () => {
    // 32,768 empty sequences and their container.
    const request = pemOf(sequence(Buffer.from('3000'.repeat(32_768), 'hex')));
    await expect((await createAuthority()).sign(request)).rejects.toMatchObject({
      code: 'ERR_CERTIFICATE_INVALID',
      message: expect.stringMatching(
        /^the certificate request has 655\d\d bytes of DER, the limit is 65536$/,
      ),
    });
  });

  const KINDS: readonly [string, Buffer, RegExp][] = [
    // Node 20 cannot read it, Node 22 gives it no type, Node 24 has it.
    ['ML-DSA', sequence(sequence(oid('2.16.840.1.101.3.4.3.18')), bits(Buffer.alloc(1952, 1))), /found \w+/],
    ['Ed25519', sequence(sequence(oid('1.3.101.112')), bits(Buffer.alloc(32, 1))), /found ed25519$/],
    ['an unknown kind', sequence(sequence(oid('1.2.3.4')), bits(Buffer.alloc(32, 1))), /cannot read$/],
  ];
  const point = createECDH('prime256v1').generateKeys();
  /** Some of them end the process inside OpenSSL. */
  const POINTS: readonly [string, Buffer][] = [
    ['at infinity', Buffer.from([0])],
    ['at infinity, in full length', Buffer.alloc(65)],
    ['in the hybrid form', Buffer.concat([Buffer.from([6]), point.subarray(1)])],
    ['beside the curve', Buffer.concat([point.subarray(0, -1), Buffer.from([(point.at(-1) ?? 0) ^ 1])])],
    ['cut short', point.subarray(0, -1)],
    ['without octets', Buffer.alloc(0)],
  ];
  it.each(POINTS)('with a public point %s are refused', async (_name, octetsOfPoint) => {
    const key = sequence(sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')), bits(octetsOfPoint));
    const info = sequence(integer(0), sequence(), key, der(0xa0));
    const whole = sequence(info, sequence(oid('1.2.840.10045.4.3.2')), bits(Buffer.alloc(64)));
    await expect((await createAuthority()).sign(pemOf(whole))).rejects.toMatchObject({
      code: 'ERR_KEY_UNSUPPORTED',
      message: expect.stringContaining('damaged'),
    });
  });

  it.each([
    ['whose parts are longer than the key', der(0x30, Buffer.from([0x30, 0x7f]))],
    ['of a reserved type', der(0x30, der(0x00))],
    ['that is a number', integer(1)],
  ])('with a key %s are refused', async (_name, key) => {
    const info = sequence(integer(0), sequence(), key, der(0xa0));
    const whole = sequence(info, sequence(oid('1.2.840.10045.4.3.2')), bits(Buffer.alloc(64)));
    await expect((await createAuthority()).sign(pemOf(whole))).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_(CERTIFICATE_INVALID|KEY_UNSUPPORTED)$/),
    });
  });

  const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const sec1 = (scalar: Buffer): Buffer =>
    sequence(integer(1), octets(scalar), der(0xa0, oid('1.2.840.10045.3.1.7')));
  const SCALARS: readonly [string, Buffer][] = [
    ['0', Buffer.alloc(32)],
    ['the order', fixed(ORDER, 32)],
    ['48 octets', Buffer.alloc(48, 0x55)],
    ['5,000 octets', Buffer.alloc(5000, 0x7f)],
    ['no octets', Buffer.alloc(0)],
  ];
  it.each(SCALARS)('for a private scalar of %s are not made', async (_name, scalar) => {
    for (const [label, key] of [
      ['EC PRIVATE KEY', sec1(scalar)],
      [
        'PRIVATE KEY',
        sequence(
          integer(0),
          sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')),
          octets(sec1(scalar)),
        ),
      ],
    ] as const) {
      const privateKey = `-----BEGIN ${label}-----\n${key.toString('base64')}\n-----END ${label}-----\n`;
      const rejected = { code: 'ERR_KEY_INVALID' };
      await expect(createRequest({ commonName: 'host-1', privateKey })).rejects.toMatchObject(rejected);
      await expect(openAuthority({ ...(await createRoot()), privateKey })).rejects.toMatchObject(rejected);
    }
  });

  it.each(KINDS)('with a key of another kind are refused: %s', async (_kind, spki, found) => {
    const info = sequence(integer(0), sequence(), spki, der(0xa0));
    const whole = sequence(info, sequence(oid('1.3.101.112')), bits(Buffer.alloc(64)));
    const error = await (await createAuthority()).sign(pemOf(whole)).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'ERR_KEY_UNSUPPORTED', message: expect.stringMatching(found) });
    expect(error).toMatchObject({ message: expect.not.stringContaining('undefined') });
  });

  it('with an altered name are refused', async () => {
    const authority = await createAuthority();
    const { request } = await createRequest({ commonName: 'host-1' });
    const changed = Buffer.from(request.split('\n').slice(1, -2).join(''), 'base64');
    changed[changed.indexOf('host-1')] = 0x67;
    await expect(authority.sign(pemOf(changed))).rejects.toMatchObject({
      code: 'ERR_CERTIFICATE_INVALID',
      message: expect.stringContaining('does not verify'),
    });
  });
});

describe('revocation lists', () => {
  it.each([
    [{}, 'ERR_OPTION_MISSING'],
    [{ revocations: [{ serialNumber: 'g', revokedAt: NOW }] }, 'ERR_OPTION_INVALID'],
    [{ revocations: [{ serialNumber: '1', revokedAt: 'now' }] }, 'ERR_OPTION_INVALID'],
    [{ revocations: [{ serialNumber: '1', revokedAt: NOW, reason: 'stolen' }] }, 'ERR_OPTION_INVALID'],
    [{ revocations: [], days: 0 }, 'ERR_OPTION_INVALID'],
    [{ revocations: [], numbers: 1 }, 'ERR_OPTION_UNKNOWN'],
  ])('%j is refused', async (options, code) => {
    const list = (await createAuthority()).issueRevocationList(options as RevocationListOptions);
    await expect(list).rejects.toMatchObject({ code });
  });
});
