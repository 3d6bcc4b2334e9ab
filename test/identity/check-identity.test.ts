import { describe, expect, it } from 'vitest';
import type { Certificate } from '../../src/identity/certificate.js';
import { assertUsableIdentity, checkIdentity } from '../../src/identity/check-identity.js';
import type { SigningIdentity } from '../../src/identity/identity.js';
import { identity, load, manifest, NOW } from '../fixtures.js';

const DN = 'C=DE, O=Example, OU=Fixtures';
const WEAK = `certificate ${DN}, CN=warn-rsa-1024`;

async function fixture(name: string): Promise<SigningIdentity> {
  const found = manifest.fixtures.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no fixture ${name}`);
  return load(found);
}

/** An identity made by a caller: a plain object with some fields of its certificate changed. */
async function plugged(
  fields: Partial<Certificate>,
  rest: Partial<SigningIdentity> = {},
): Promise<SigningIdentity> {
  const { certificate, algorithm, sign } = await identity('rsa-2048');
  return { certificate: { ...certificate, ...fields }, chain: [], algorithm, sign, ...rest };
}

const DO = {
  CA: 'request an end-entity certificate (basicConstraints CA:FALSE) from this CA and use that',
  USAGE: 'issue it again with keyUsage = critical, digitalSignature',
  HASH: 'have the CA sign it again with SHA-256',
  WAIT: 'wait until then; if the date of now is wrong, set the clock',
  LINK: 'give the intermediates between this certificate and the trust anchor, and no others',
};

describe('each finding has code, subject, rule, actual value and hint', () => {
  it.each<[string, string, string, string]>([
    [
      'bad-expired',
      'ERR_CERTIFICATE_EXPIRED',
      `certificate ${DN}, CN=bad-expired expired on 2021-01-01T00:00:00Z, now is 2026-06-01T12:00:00Z`,
      'renew the certificate; if the date of now is wrong, set the clock',
    ],
    [
      'bad-not-yet-valid',
      'ERR_CERTIFICATE_NOT_YET_VALID',
      `certificate ${DN}, CN=bad-not-yet-valid is not valid before 2123-01-01T00:00:00Z, now is ` +
        `2026-06-01T12:00:00Z`,
      DO.WAIT,
    ],
    [
      'bad-v1',
      'ERR_CERTIFICATE_VERSION',
      `certificate ${DN}, CN=bad-v1 must be X.509 version 3, found version 1`,
      'sign it with extensions (openssl: -extfile or -copy_extensions), which makes it version 3',
    ],
    [
      'bad-ca',
      'ERR_CERTIFICATE_IS_CA',
      `certificate ${DN}, CN=bad-ca must be an end-entity certificate, found basicConstraints CA:TRUE`,
      DO.CA,
    ],
    [
      'bad-no-key-usage',
      'ERR_CERTIFICATE_KEY_USAGE',
      `certificate ${DN}, CN=bad-no-key-usage must have keyUsage digitalSignature, found no keyUsage`,
      DO.USAGE,
    ],
    [
      'bad-key-usage',
      'ERR_CERTIFICATE_KEY_USAGE',
      `certificate ${DN}, CN=bad-key-usage must have keyUsage digitalSignature, found keyEncipherment`,
      DO.USAGE,
    ],
    [
      'bad-md5',
      'ERR_CERTIFICATE_SIGNATURE',
      `certificate ${DN}, CN=bad-md5 must be signed with SHA-256 or stronger, found MD5`,
      DO.HASH,
    ],
    [
      'bad-sha1',
      'ERR_CERTIFICATE_SIGNATURE',
      `certificate ${DN}, CN=bad-sha1 must be signed with SHA-256 or stronger, found SHA1`,
      DO.HASH,
    ],
    [
      'bad-chain-same-name',
      'ERR_CHAIN_BROKEN',
      `intermediate certificate ${DN}, CN=same-name-ca has issued neither certificate ${DN}, ` +
        `CN=bad-chain-same-name (issuer ${DN}, CN=same-name-ca) nor another of its chain`,
      DO.LINK,
    ],
    [
      'bad-chain-not-ca',
      'ERR_CHAIN_NOT_CA',
      `intermediate certificate ${DN}, CN=bad-chain-not-ca-ca must be a CA (CA:TRUE, keyCertSign), ` +
        `found no CA:TRUE`,
      'give the certificate of the CA that issued yours',
    ],
    [
      'bad-chain-expired',
      'ERR_CHAIN_EXPIRED',
      `intermediate certificate ${DN}, CN=bad-chain-expired-ca expired on 2021-01-01T00:00:00Z, now is ` +
        `2026-06-01T12:00:00Z`,
      "get the CA's renewed certificate; if the date of now is wrong, set the clock",
    ],
    [
      'bad-chain-not-yet-valid',
      'ERR_CHAIN_NOT_YET_VALID',
      `intermediate certificate ${DN}, CN=bad-chain-not-yet-valid-ca is not valid before ` +
        `2123-01-01T00:00:00Z, now is 2026-06-01T12:00:00Z`,
      DO.WAIT,
    ],
  ])('%s: %s', async (name, code, message, hint) => {
    const [first] = checkIdentity(await fixture(name), { now: () => NOW });
    expect(first).toEqual({ severity: 'error', code, message, hint });
  });

  it('an empty subject, by the serial number', async () => {
    const subject = await fixture('bad-empty-subject');
    expect(checkIdentity(subject, { now: () => NOW })).toEqual([
      {
        severity: 'error',
        code: 'ERR_CERTIFICATE_SUBJECT',
        message:
          `certificate with serial number ${subject.certificate.serialNumber} must have a ` +
          `subject, found an empty one`,
        hint: 'request it again with at least a common name (CN)',
      },
    ]);
  });

  it('a short RSA key, as a warning', async () => {
    expect(checkIdentity(await fixture('warn-rsa-1024'), { now: () => NOW })).toEqual([
      {
        severity: 'warning',
        code: 'WARN_KEY_SIZE',
        message: `${WEAK} should have an RSA key of at least 2048 bits, found 1024`,
        hint: 'make a new key of 2048 bits or more',
      },
    ]);
  });

  it('a CA that may not sign certificates', async () => {
    const { chain, ...rest } = await fixture('chain-1');
    const crippled = chain.map((certificate) => ({ ...certificate, keyUsage: ['digitalSignature'] }));
    expect(checkIdentity({ ...rest, chain: crippled }, { now: () => NOW })).toMatchObject([
      {
        code: 'ERR_CHAIN_NOT_CA',
        message: expect.stringMatching(
          /must be a CA \(CA:TRUE, keyCertSign\), found keyUsage digitalSignature$/,
        ),
      },
    ]);
  });

  it.each(['md2', 'md4', 'sha224'])('a hash below SHA-256: %s', async (signatureHash) => {
    expect(checkIdentity(await plugged({ signatureHash }), { now: () => NOW })).toMatchObject([
      {
        code: 'ERR_CERTIFICATE_SIGNATURE',
        message:
          `certificate ${DN}, CN=rsa-2048 must be signed with SHA-256 or stronger, found ` +
          `${signatureHash.toUpperCase()}`,
      },
    ]);
  });
});

describe('validity', () => {
  const notBefore = new Date('2026-01-01T00:00:00Z');
  const notAfter = new Date('2026-01-31T00:00:00Z');
  it.each([
    ['2025-12-31T23:59:59.999Z', ['ERR_CERTIFICATE_NOT_YET_VALID']],
    ['2026-01-01T00:00:00.000Z', []],
    ['2026-01-31T00:00:00.000Z', []],
    ['2026-01-31T00:00:00.001Z', ['ERR_CERTIFICATE_EXPIRED']],
  ])('includes both ends: at %s the findings are %j', async (now, codes) => {
    const findings = checkIdentity(await plugged({ notBefore, notAfter }), { now: () => new Date(now) });
    expect(findings.map(({ code }) => code)).toEqual(codes);
  });

  it('is judged now by default', async () => {
    const expired = await plugged({ notAfter: new Date(Date.now() - 1000) });
    expect(checkIdentity(expired)).toMatchObject([{ code: 'ERR_CERTIFICATE_EXPIRED' }]);
    expect(checkIdentity(await plugged({ notAfter: new Date(Date.now() + 3_600_000) }))).toEqual([]);
  });
});

it('an intermediate with a weak hash is a warning: the rule for intermediates is not documented', async () => {
  const { chain } = await fixture('chain-1');
  const weak = chain.map((certificate) => ({ ...certificate, signatureHash: 'sha1' }));
  const own = await fixture('chain-1');
  expect(checkIdentity({ ...own, chain: weak }, { now: () => NOW })).toMatchObject([
    {
      severity: 'warning',
      code: 'WARN_CHAIN_SIGNATURE',
      message: expect.stringMatching(
        /^intermediate certificate .* should be signed with SHA-256 or stronger, found SHA1$/,
      ),
    },
  ]);
});

describe('several findings', () => {
  it('are sorted, worst first', async () => {
    const { certificate } = await fixture('warn-rsa-1024');
    const { chain } = await fixture('chain-1');
    const findings = checkIdentity(await plugged(certificate, { chain }), { now: () => NOW });
    expect(findings.map(({ severity }) => severity)).toEqual(['error', 'warning']);
  });

  it("are refused together, under the first error's code and hint", async () => {
    const bad = await fixture('bad-v1');
    const subject = `certificate ${DN}, CN=bad-v1`;
    expect(() => assertUsableIdentity(bad, NOW)).toThrow(
      expect.objectContaining({
        name: 'IdentityError',
        code: 'ERR_CERTIFICATE_VERSION',
        message:
          `${subject} must be X.509 version 3, found version 1; ${subject} must have keyUsage ` +
          `digitalSignature, found no keyUsage`,
        hint: 'sign it with extensions (openssl: -extfile or -copy_extensions), which makes it version 3',
      }),
    );
  });

  it('that are only warnings are returned', async () => {
    expect(assertUsableIdentity(await fixture('warn-rsa-1024'), NOW).map(({ code }) => code)).toEqual([
      'WARN_KEY_SIZE',
    ]);
    expect(assertUsableIdentity(await fixture('ec-p256'), NOW)).toEqual([]);
  });
});
