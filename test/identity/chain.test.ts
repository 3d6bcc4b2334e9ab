import { spawnSync } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Certificate } from '../../src/identity/certificate.js';
import { parseCertificate } from '../../src/identity/certificate.js';
import { linkedFrom, selectChain } from '../../src/identity/chain.js';
import { publicKeyOf } from '../../src/identity/keys/public-key.js';
import { loadIdentity } from '../../src/identity/load.js';
import { findLeaf } from '../../src/identity/selection.js';
import { NOW, path, text } from '../fixtures.js';

function blocks(file: string): string[] {
  return text(file).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\r?\n/g) ?? [];
}

/** The DER of each certificate in a file, in order, by Node's parser. */
function ders(file: string): Buffer[] {
  return blocks(file).map((pem) => new X509Certificate(pem).raw);
}

function certificates(file: string): Promise<Certificate[]> {
  return Promise.all(ders(file).map((der) => parseCertificate(der, file)));
}

/** The order that make.sh wrote: the leaf's issuer first. */
const EXPECTED = ders('chain-3.intermediates.pem');
const KEY = path('chain-3.key.pem');

describe('the leaf is found by the key, the chain ordered from its issuer upwards, without the root', () => {
  const shuffled = blocks('chain-3.shuffled.pem');
  const intermediates = blocks('chain-3.intermediates.pem');
  it.each<[string, string, string?]>([
    ['from a full chain', text('chain-3.fullchain.pem')],
    ['from a shuffled file with the root', text('chain-3.shuffled.pem')],
    ['from that file backwards', shuffled.toReversed().join('')],
    ['from that file twice over', [...shuffled, ...shuffled].join('')],
    ['from the leaf and a file of intermediates', text('chain-3.pem'), text('chain-3.intermediates.pem')],
    ['from intermediates in reverse', text('chain-3.pem'), intermediates.toReversed().join('')],
    [
      'from a full chain and the same intermediates again',
      text('chain-3.fullchain.pem'),
      intermediates.join(''),
    ],
    [
      'from intermediates that hold leaf and root too',
      text('chain-3.pem'),
      `${text('root-ec.pem')}${text('chain-3.fullchain.pem')}`,
    ],
    ['with the two files swapped', text('chain-3.intermediates.pem'), text('chain-3.pem')],
  ])('%s', async (_name, certificate, further) => {
    const identity = await loadIdentity({ certificate, privateKey: KEY, intermediates: further });
    expect(identity.certificate.raw).toEqual(ders('chain-3.pem')[0]);
    expect(identity.chain.map(({ raw }) => raw)).toEqual(EXPECTED);
  });

  it('up to five, and no more', async () => {
    const five = await loadIdentity({
      certificate: path('chain-5.fullchain.pem'),
      privateKey: path('chain-5.key.pem'),
    });
    expect(five.chain.map(({ raw }) => raw)).toEqual(ders('chain-5.intermediates.pem'));
    await expect(
      loadIdentity({ certificate: path('chain-6.fullchain.pem'), privateKey: path('chain-6.key.pem') }),
    ).rejects.toMatchObject({
      name: 'IdentityError',
      code: 'ERR_CHAIN_TOO_LONG',
      message:
        `certificate ${path('chain-6.fullchain.pem')} has 6 intermediate certificates, the ` +
        `service takes at most 5`,
      hint: 'leave out those that do not lie between the certificate and the trust anchor',
    });
  });

  it('unrelated certificates are left out and named', async () => {
    const { chain, notes } = await loadIdentity({
      certificate: `${text('chain-1.intermediates.pem')}${text('chain-3.fullchain.pem')}`,
      privateKey: KEY,
    });
    expect(chain.map(({ raw }) => raw)).toEqual(EXPECTED);
    expect(notes).toMatchObject([
      { severity: 'warning', code: 'WARN_CHAIN_SURPLUS', message: expect.stringMatching(/CN=chain-1-ca-1$/) },
    ]);
  });

  it('a self-signed certificate has no chain', async () => {
    const { chain, certificate } = await loadIdentity({
      certificate: path('root-rsa.pem'),
      privateKey: path('root-rsa.key.pem'),
    });
    expect(certificate.isSelfSigned).toBe(true);
    expect(chain).toEqual([]);
  });
});

describe('pure parts', async () => {
  const [leaf] = await certificates('rsa-2048.pem');
  const publicKey = publicKeyOf(createPublicKey(text('rsa-2048.pem')));

  it('of several certificates for one key, the one that expires last is the leaf', async () => {
    if (leaf === undefined) expect.fail('no certificate');
    const older = { ...leaf, notAfter: new Date('2025-01-01T00:00:00Z') };
    const newer = { ...leaf, notAfter: new Date('2200-01-01T00:00:00Z') };
    expect(findLeaf([older, leaf, newer], [publicKey], {}, 'it', NOW)).toBe(newer);
    expect(findLeaf([newer, older, leaf], [publicKey], {}, 'it', NOW)).toBe(newer);
    expect(findLeaf([older], [publicKey], {}, 'it', NOW)).toBe(older);
    const ahead = { ...newer, notBefore: new Date('2100-01-01T00:00:00Z') };
    expect(findLeaf([ahead, older, leaf], [publicKey], {}, 'it', NOW)).toBe(leaf);
    expect(findLeaf(await certificates('ec-p256.pem'), [publicKey], {}, 'it', NOW)).toBeUndefined();
    expect(findLeaf([], [publicKey], {}, 'it', NOW)).toBeUndefined();
  });

  it('a certificate is linked by signature, not by name', async () => {
    const [target] = await certificates('bad-chain-same-name.pem');
    const impostors = await certificates('bad-chain-same-name.intermediates.pem');
    if (target === undefined) expect.fail('no certificate');
    expect(impostors[0]?.subject).toBe(target.issuer);
    expect(linkedFrom(target, impostors)).toEqual([]);
  });

  it('names are compared without regard to case and repeated spaces (RFC 5280)', async () => {
    const [target] = await certificates('chain-1.pem');
    const [issuer] = await certificates('chain-1.intermediates.pem');
    if (target === undefined || issuer === undefined) expect.fail('no certificate');
    const shouting = { ...issuer, subject: issuer.subject.toUpperCase().replaceAll(' ', '  ') };
    expect(linkedFrom(target, [shouting])).toEqual([shouting]);
  });

  it('an expired intermediate is left out only if its renewal is given', async () => {
    const [target] = await certificates('chain-1.pem');
    const [issuer] = await certificates('chain-1.intermediates.pem');
    if (target === undefined || issuer === undefined) expect.fail('no certificate');
    const expired = { ...issuer, base64: 'another', notAfter: new Date('2025-01-01T00:00:00Z') };
    expect(selectChain(target, [target, expired, issuer], 'certificate', NOW).chain).toEqual([issuer]);
    expect(selectChain(target, [target, expired], 'certificate', NOW).chain).toEqual([expired]);
  });

  it('ordering does not change its input', async () => {
    const heap = Object.freeze(await certificates('chain-3.shuffled.pem'));
    const [target] = await certificates('chain-3.pem');
    if (target === undefined) expect.fail('no certificate');
    const order = heap.map(({ serialNumber }) => serialNumber);
    expect(selectChain(target, heap, 'certificate', NOW).chain.map(({ raw }) => raw)).toEqual(EXPECTED);
    expect(heap.map(({ serialNumber }) => serialNumber)).toEqual(order);
  });
});

const hasOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;

it.skipIf(!hasOpenssl)('a renewed certificate is preferred to the old one (openssl)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
  try {
    const [request, short] = [join(folder, 'request.pem'), join(folder, 'short.pem')];
    const openssl = (...args: string[]): void => {
      const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
      expect(status, stderr).toBe(0);
    };
    openssl('req', '-new', '-key', path('rsa-2048.key.pem'), '-subj', '/CN=renewed', '-out', request);
    openssl(
      ...['x509', '-req', '-in', request, '-days', '5', '-set_serial', '7', '-out', short],
      ...['-CA', path('root-rsa.pem'), '-CAkey', path('root-rsa.key.pem')],
    );
    const both = [text('rsa-2048.pem'), readFileSync(short, 'utf8')];
    for (const certificate of [both.join(''), both.toReversed().join('')]) {
      const identity = await loadIdentity({ certificate, privateKey: path('rsa-2048.key.pem') });
      expect(identity.certificate.notAfter.toISOString()).toBe('2124-01-01T00:00:00.000Z');
      expect(identity.chain).toEqual([]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
