import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KeyUsageFlags } from '@peculiar/asn1-x509';
import { describe, expect, it } from 'vitest';
import { formatQuery, makeFixture, makeRoot } from '../sessions/fixture.js';
import { signX509 } from '../sessions/sign.js';
import type { Made, Recipe } from './certificates.js';
import { makeCertificate, makeExtension } from './certificates.js';

const root = makeRoot();
const issue = (issuer: Made, commonName: string, recipe: Recipe = {}) =>
  makeCertificate({ issuer, commonName, isAuthority: true, ...recipe });
const middle = issue(root, 'Middle');
const lower = issue(middle, 'Lower');
const leafOf = (issuer: Made, recipe: Recipe = {}) => makeCertificate({ issuer, ...recipe });

/** A chain of five intermediates, the lowest last. */
function makeLadder(count: number, recipe: Recipe = {}): Made[] {
  const ladder: Made[] = [];
  for (let step = 1; step <= count; step++) ladder.push(issue(ladder.at(-1) ?? root, `Step ${step}`, recipe));
  return ladder;
}

async function ask(leaf: Made, chain: readonly Made[] | undefined, anchor: string | string[] = root.pem) {
  const { request, service, lines } = await makeFixture({ certificateAuthority: anchor }, root);
  const response = await service.handle(request(chain === undefined ? {} : { chain }, leaf));
  return { response, line: lines.at(-1) ?? '' };
}

describe('paths that lead to the trust anchor', () => {
  const leaf = leafOf(lower);
  const five = makeLadder(5);
  // A self-issued certificate, as in a key rollover: the same name, another key, signed by the old one.
  const rolled = makeCertificate({ issuer: root, commonName: 'Root', isAuthority: true });
  const limited = makeCertificate({ commonName: 'Limited', isAuthority: true, pathLength: 0 });
  const limitedRolled = makeCertificate({ issuer: limited, commonName: 'Limited', isAuthority: true });
  const crossed = makeCertificate({
    issuer: makeRoot(),
    commonName: 'Middle',
    isAuthority: true,
    key: middle.key,
  });
  const bare = issue(root, 'Bare', { keyUsage: null });
  const rsa = issue(root, 'RSA', { keyType: 'RSA' });
  const accepted: Array<[name: string, leaf: Made, chain: Made[] | undefined, anchor?: string | string[]]> = [
    ['no chain', leafOf(root), undefined],
    ['a chain in order', leaf, [lower, middle]],
    ['a chain in another order', leaf, [middle, lower]],
    ['the leaf in the chain', leaf, [leaf, lower, middle]],
    ['the root in the chain', leaf, [lower, middle, root]],
    ['certificates that have nothing to do with it', leaf, [lower, five[0] ?? root, middle]],
    ['five intermediates', leafOf(five.at(-1) ?? root), five],
    ['a chain that only repeats the anchor', leafOf(root), [root]],
    ['an intermediate as the anchor', leaf, [lower], middle.pem],
    ['an anchor of two certificates', leaf, [lower, middle], [makeRoot().pem, root.pem]],
    ['an anchor in one text of two', leaf, [lower, middle], `${makeRoot().pem}\n${root.pem}`],
    ['a self-issued intermediate', leafOf(rolled), [rolled]],
    [
      'a self-issued intermediate, which pathLenConstraint does not count',
      leafOf(limitedRolled),
      [limitedRolled],
      limited.pem,
    ],
    ['a dead end beside the way out', leaf, [crossed, lower, middle]],
    ['an intermediate without keyUsage', leafOf(bare), [bare]],
    ['RSA between EC', leafOf(rsa), [rsa]],
  ];
  it.each(accepted)('%s', async (_name, certificate, chain, anchor) => {
    const { response, line } = await ask(certificate, chain, anchor);
    expect(line).toContain(' 201 ');
    expect(response.status).toBe(201);
  });
});

describe('paths that do not lead to it', () => {
  const through = (recipe: Recipe) => {
    const bad = issue(root, 'Bad', recipe);
    return [leafOf(bad), [bad]] as const;
  };
  const narrow = issue(root, 'Narrow', { pathLength: 0 });
  const below = issue(narrow, 'Below');
  const impostor = makeCertificate({ commonName: 'Middle', isAuthority: true });
  const constraint = makeExtension('2.5.29.36', false, root.name);
  const refused: Array<[name: string, leaf: Made, chain: readonly Made[] | undefined, reason: string]> = [
    [
      'a missing intermediate',
      leafOf(lower),
      [lower],
      '"CN=Lower" was issued by "CN=Middle", which is missing; chain sent: CN=Lower; trust anchor: CN=Root',
    ],
    [
      'no chain',
      leafOf(lower),
      undefined,
      '"CN=host-1" was issued by "CN=Lower", which is missing; no chain was sent;',
    ],
    [
      'another authority of the same name',
      leafOf(makeRoot()),
      undefined,
      '"CN=Root": has the name of the issuer, but its key did not sign "CN=host-1"; no chain was sent;',
    ],
    [
      'an intermediate whose name fits, but not its key',
      leafOf(middle),
      [impostor],
      '"CN=Middle": has the name of the issuer, but its key did not sign "CN=host-1"; chain sent: CN=Middle;',
    ],
    [
      'its own authority in the chain',
      leafOf(impostor),
      [impostor],
      '"CN=Middle" was issued by "CN=Middle", which is missing',
    ],
    [
      'a self-signed leaf',
      makeCertificate(),
      undefined,
      '"CN=host-1" was issued by "CN=host-1", which is missing',
    ],
    [
      'CA:FALSE',
      ...through({ isAuthority: false, keyUsage: KeyUsageFlags.keyCertSign }),
      '"CN=Bad": basicConstraints: an issuer has CA:TRUE',
    ],
    [
      'no basicConstraints',
      ...through({ isAuthority: null }),
      '"CN=Bad": basicConstraints: an issuer has CA:TRUE',
    ],
    ['v1', ...through({ version: 1 }), '"CN=Bad": basicConstraints: an issuer has CA:TRUE'],
    [
      'no keyCertSign',
      ...through({ keyUsage: KeyUsageFlags.digitalSignature }),
      '"CN=Bad": keyUsage: an issuer has keyCertSign, found digitalSignature',
    ],
    [
      'pathLenConstraint',
      leafOf(below),
      [below, narrow],
      '"CN=Narrow": pathLenConstraint: allows 0 intermediates below it, found 1',
    ],
    [
      'an expired intermediate',
      ...through({ notAfter: '2026-05-31T00:00:00Z' }),
      '"CN=Bad": validity: ended 2026-05-31T00:00:00.000Z',
    ],
    [
      'an intermediate of tomorrow',
      ...through({ notBefore: '2026-06-02T00:00:00Z' }),
      '"CN=Bad": validity: begins 2026-06-02T00:00:00.000Z',
    ],
    ['SHA-1', ...through({ hash: 'sha1' }), '"CN=Bad": signature algorithm: expected RSA, ECDSA or ML-DSA'],
    [
      'policy constraints',
      ...through({ extra: [constraint] }),
      '"CN=Bad": extensions: the emulator does not evaluate 2.5.29.36',
    ],
  ];
  it.each(refused)('%s', async (_name, leaf, chain, reason) => {
    const { response, line } = await ask(leaf, chain);
    expect(line).toContain(`403 AccessDeniedException: Untrusted signing certificate [path: ${reason}`);
    expect(response.status).toBe(403);
    expect(response.headers['X-Amzn-ErrorType']).toBe('AccessDeniedException');
    expect(JSON.parse(response.body)).toEqual({ message: 'Untrusted signing certificate' });
  });

  it('an expired trust anchor', async () => {
    const old = makeCertificate({ commonName: 'Old', isAuthority: true, notAfter: '2026-05-31T00:00:00Z' });
    const { line } = await ask(leafOf(old), undefined, old.pem);
    expect(line).toContain('[path: "CN=Old": validity: ended 2026-05-31T00:00:00.000Z');
  });

  it('a leaf with a critical extension that is not evaluated', async () => {
    const extra = [makeExtension('1.2.3.4', true, root.name)];
    const { response, line } = await ask(leafOf(root, { extra }), undefined);
    expect(line).toContain('[extensions: the emulator does not evaluate 1.2.3.4]');
    expect(JSON.parse(response.body)).toEqual({ message: 'Untrusted certificate. Insufficient certificate' });
  });

  it('a repeated extension', async () => {
    const extra = [makeExtension('1.2.3.4', false, root.name)];
    const { response, line } = await ask(leafOf(root, { extra: [...extra, ...extra] }), undefined);
    expect(line).toContain('[x-amz-x509: the certificate has an extension twice');
    expect(JSON.parse(response.body)).toEqual({ message: 'Invalid signature' });
  });
});

describe('certificates that openssl made', () => {
  const folder = join(import.meta.dirname, '..', '..', '..', 'certs');
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');
  const blocks = (file: string) =>
    read(file).match(/-----BEGIN CERT[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  const accepted: Array<[name: string, anchor: string, chain?: string]> = [
    ['rsa-2048', 'root-rsa'],
    ['rsa-4096', 'root-rsa'],
    ['rsa-2048-sha384', 'root-rsa'],
    ['ec-p256', 'root-ec'],
    ['ec-p384', 'root-ec'],
    ['ec-p521', 'root-ec'],
    ['serial-long', 'root-rsa'],
    ['serial-small', 'root-rsa'],
    ['serial-padded', 'root-rsa'],
    ['no-basic-constraints', 'root-rsa'],
    ['chain-1', 'root-rsa', 'chain-1.intermediates'],
    ['chain-3', 'root-ec', 'chain-3.shuffled'],
    ['chain-5', 'root-ec', 'chain-5.intermediates'],
  ];
  const leaf = 'Untrusted certificate. Insufficient certificate [';
  const path = 'Untrusted signing certificate [path: ';
  const refused: Array<[name: string, anchor: string, line: string, chain?: string]> = [
    ['bad-v1', 'root-rsa', `${leaf}version: expected X.509 v3, found v1`],
    ['bad-ca', 'root-rsa', `${leaf}basicConstraints`],
    ['bad-no-key-usage', 'root-rsa', `${leaf}keyUsage: expected digitalSignature, found none`],
    ['bad-key-usage', 'root-rsa', `${leaf}keyUsage`],
    ['bad-empty-subject', 'root-rsa', `${leaf}subject`],
    ['bad-md5', 'root-rsa', `${leaf}signature algorithm`],
    ['bad-sha1', 'root-rsa', `${leaf}signature algorithm`],
    ['bad-expired', 'root-rsa', `${leaf}validity: ended`],
    ['bad-not-yet-valid', 'root-rsa', `${leaf}validity: begins`],
    ['bad-rsa-pss', 'root-rsa', 'Invalid signature [algorithm: keys are RSA, EC or ML-DSA'],
    ['bad-dsa', 'root-rsa', 'Invalid signature [algorithm: keys are RSA, EC or ML-DSA'],
    ['rsa-2048', 'root-ec', `${path}"C=DE, O=Example, OU=Fixtures, CN=rsa-2048" was issued by`],
    ['chain-6', 'root-ec', 'Untrusted signing certificate [chain: at most 5', 'chain-6.intermediates'],
    ['bad-chain-broken', 'root-ec', path, 'bad-chain-broken.intermediates'],
    ['bad-chain-same-name', 'root-ec', path, 'bad-chain-same-name.intermediates'],
    ['bad-chain-not-ca', 'root-ec', path, 'bad-chain-not-ca.intermediates'],
    ['bad-chain-expired', 'root-ec', path, 'bad-chain-expired.intermediates'],
    ['bad-chain-not-yet-valid', 'root-ec', path, 'bad-chain-not-yet-valid.intermediates'],
  ];

  async function askWith(name: string, anchor: string, chainFile?: string) {
    const { service, lines } = await makeFixture({ certificateAuthority: read(`${anchor}.pem`) });
    const { raw, serialNumber } = new X509Certificate(read(`${name}.pem`));
    const key = createPrivateKey(read(`${name}.key.pem`));
    const identity = {
      der: raw,
      pem: '',
      name: root.name,
      key,
      serial: BigInt(`0x${serialNumber}`).toString(),
    };
    const chain = (chainFile === undefined ? [] : blocks(`${chainFile}.pem`)).map((pem) => ({
      ...identity,
      der: new X509Certificate(pem).raw,
    }));
    const draft = { query: formatQuery(service), ...(chain.length === 0 ? {} : { chain }) };
    await service.handle(signX509(identity, draft));
    return lines.at(-1);
  }

  it.each(accepted)('%s is accepted', async (name, anchor, chain) => {
    expect(await askWith(name, anchor, chain)).toContain(' 201 ');
  });
  it.each(refused)('%s under %s is refused: %s', async (name, anchor, line, chain) => {
    expect(await askWith(name, anchor, chain)).toContain(line);
  });
});
