import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Certificate } from '../../src/identity/certificate.js';
import { checkIdentity } from '../../src/identity/check-identity.js';
import type { SigningIdentity } from '../../src/identity/identity.js';
import { publicKeyOf } from '../../src/identity/keys/public-key.js';
import { identity, load, manifest, NOW } from '../fixtures.js';

const DN = 'C=DE, O=Example, OU=Fixtures';

async function fixture(name: string): Promise<SigningIdentity> {
  const found = manifest.fixtures.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no fixture ${name}`);
  return load(found);
}

/** An identity made by a caller: a plain object with some fields of its certificate changed. */
async function plugged(
  fields: Partial<Certificate>,
  rest: { chain?: SigningIdentity['chain']; algorithm?: string; publicKey?: Certificate['publicKey'] } = {},
): Promise<SigningIdentity> {
  const { certificate, algorithm, sign } = await identity('rsa-2048');
  return { certificate: { ...certificate, ...fields }, chain: [], algorithm, sign, ...rest };
}

describe('an identity made by the caller', () => {
  const ed25519 = publicKeyOf(generateKeyPairSync('ed25519').publicKey);
  const UNSUPPORTED =
    `certificate ${DN}, CN=rsa-2048 must have a key of kind RSA, EC, ML-DSA-44, ` +
    `ML-DSA-65 or ML-DSA-87, found`;
  const MISMATCH = `does not belong to certificate ${DN}, CN=rsa-2048 (RSA 2048 bits)`;

  it('needs no public key', async () => {
    expect(checkIdentity(await plugged({}), { now: () => NOW })).toEqual([]);
  });

  it.each<[string, Parameters<typeof plugged>, string, string]>([
    [
      'another algorithm than the certificate has',
      [{}, { algorithm: 'AWS4-X509-ECDSA-SHA256' }],
      'ERR_KEY_MISMATCH',
      `private key (EC) ${MISMATCH}`,
    ],
    [
      'an unknown algorithm',
      [{}, { algorithm: 'AWS4-X509-MLDSA' }],
      'ERR_KEY_MISMATCH',
      `private key (AWS4-X509-MLDSA) ${MISMATCH}`,
    ],
    [
      'another public key',
      [{}, { publicKey: ed25519 }],
      'ERR_KEY_MISMATCH',
      `private key (ed25519) ${MISMATCH}`,
    ],
    ['a key that cannot sign', [{ publicKey: ed25519 }], 'ERR_KEY_UNSUPPORTED', `${UNSUPPORTED} ed25519`],
    [
      'a key that Node does not know',
      [{ publicKey: { ...ed25519, type: undefined, keyObject: undefined } }],
      'ERR_KEY_UNSUPPORTED',
      `${UNSUPPORTED} a key of an unknown kind`,
    ],
  ])('is refused with %s', async (_name, [fields, rest], code, message) => {
    const [first, ...others] = checkIdentity(await plugged(fields, rest), { now: () => NOW });
    expect(first).toMatchObject({ severity: 'error', code, message, hint: expect.stringMatching(/\w/) });
    expect(others).toEqual([]);
  });

  it('may have its chain in any order', async () => {
    const { chain, ...rest } = await fixture('chain-5');
    for (const order of [chain, chain.toReversed(), [...chain.slice(2), ...chain.slice(0, 2)]]) {
      expect(checkIdentity({ ...rest, chain: order }, { now: () => NOW })).toEqual([]);
    }
  });

  it('is neither changed nor called to sign', async () => {
    const { chain, certificate, publicKey, algorithm } = await fixture('chain-3');
    const frozen: SigningIdentity = Object.freeze({
      certificate: Object.freeze({ ...certificate }),
      chain: Object.freeze(chain.map((link) => Object.freeze({ ...link }))),
      algorithm,
      publicKey,
      sign: () => Promise.reject(new Error('asked to sign')),
    });
    expect(checkIdentity(frozen, { now: () => NOW })).toEqual(checkIdentity(frozen, { now: () => NOW }));
    expect(checkIdentity(frozen, { now: () => new Date('2200-01-01') }).map(({ code }) => code)).toEqual([
      'ERR_CERTIFICATE_EXPIRED',
      'ERR_CHAIN_EXPIRED',
    ]);
  });
});
