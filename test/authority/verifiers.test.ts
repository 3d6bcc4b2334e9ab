/** Verifies the certificates of an authority with openssl, Go's crypto/x509 and the emulator. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Authority } from '../../src/authority/authority.js';
import { createAuthority, createRoot, openAuthority } from '../../src/authority/authority.js';
import { createRequest } from '../../src/authority/request.js';
import type { IssuedCertificate } from '../../src/emulator.js';
import { makeFixture } from '../emulator/sessions/fixture.js';

const hasOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;
const hasGo = spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0;

const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-authority-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, ...texts: string[]): string {
  const path = join(folder, name);
  writeFileSync(path, texts.join(''));
  return path;
}

function openssl(...words: string[]): string {
  const { status, stdout, stderr } = spawnSync('openssl', words, { encoding: 'utf8' });
  return `${status}\n${stdout}${stderr}`;
}

function serialOf(certificate: string): string {
  return new X509Certificate(certificate).serialNumber;
}

interface Pki {
  readonly root: Authority;
  readonly intermediate: Authority;
  readonly leaf: IssuedCertificate;
}

const SUBJECT = { commonName: 'host-1', subject: { C: 'DE', O: 'Beispiel GmbH & Söhne', OU: 'Betrieb' } };
const NAMES = { hosts: ['host-1.example', '192.0.2.1', '2001:db8::1'], uris: ['spiffe://example/host-1'] };

async function makePki(
  rootType: 'EC-P256' | 'RSA-2048' | 'EC-P521',
  leafType: 'EC-P384' | 'RSA-3072' | 'EC-P256',
) {
  const root = await openAuthority(await createRoot({ commonName: 'Root', keyType: rootType }));
  const issuing = await root.issueIntermediate({ commonName: 'Issuing', subject: { O: 'Beispiel' } });
  const intermediate = await openAuthority(issuing);
  const leaf = await intermediate.issue({ ...SUBJECT, ...NAMES, keyType: leafType });
  return { root, intermediate, leaf };
}

const pkis: Record<string, Pki> = {};
const KINDS = ['EC-P256 and EC-P384', 'RSA-2048 and EC-P256', 'EC-P521 and RSA-3072'];
beforeAll(async () => {
  pkis['EC-P256 and EC-P384'] = await makePki('EC-P256', 'EC-P384');
  pkis['RSA-2048 and EC-P256'] = await makePki('RSA-2048', 'EC-P256');
  pkis['EC-P521 and RSA-3072'] = await makePki('EC-P521', 'RSA-3072');
}, 60_000);

function filesOf({ root, intermediate, leaf }: Pki) {
  return {
    root: write('root.pem', root.certificate),
    chain: write('chain.pem', intermediate.certificate),
    leaf: write('leaf.pem', leaf.certificate),
  };
}

describe.skipIf(!hasOpenssl)('openssl', () => {
  it.each(KINDS)('verifies a path strictly: %s', (kind) => {
    const pki = pkis[kind] as Pki;
    const { root, chain, leaf } = filesOf(pki);
    const words = [
      'verify',
      '-x509_strict',
      '-purpose',
      'sslclient',
      '-CAfile',
      root,
      '-untrusted',
      chain,
      leaf,
    ];
    expect(openssl(...words)).toBe(`0\n${leaf}: OK\n`);
    const text = openssl('x509', '-in', leaf, '-noout', '-text');
    expect(text).toMatch(/X509v3 Basic Constraints: critical\n\s+CA:FALSE\n/);
    expect(text).toMatch(/X509v3 Key Usage: critical\n\s+Digital Signature\n/);
    expect(text).toContain(
      'DNS:host-1.example, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1, URI:spiffe://example/host-1',
    );
    expect(text).toMatch(/Subject: C = DE, O = Beispiel GmbH & S\\C3\\B6hne, OU = Betrieb, CN = host-1\n/);
    expect(openssl('x509', '-in', chain, '-noout', '-text')).toMatch(/CA:TRUE, pathlen:0\n/);
    expect(createPrivateKey(pki.leaf.privateKey).type).toBe('private');
    expect(
      new X509Certificate(pki.leaf.certificate).checkPrivateKey(createPrivateKey(pki.leaf.privateKey)),
    ).toBe(true);
  });

  it.each(KINDS)('reads revocation lists and refuses revoked certificates: %s', async (kind) => {
    const { root, intermediate, leaf } = pkis[kind] as Pki;
    const other = await intermediate.issue({ commonName: 'other' });
    const revokedAt = new Date(Date.now() - 1000);
    const revocations = [
      { serialNumber: serialOf(leaf.certificate), revokedAt, reason: 'keyCompromise' },
      { serialNumber: 'fa1', revokedAt },
    ] as const;
    const list = await intermediate.issueRevocationList({ revocations, number: 200, days: 2 });
    const text = openssl(
      'crl',
      '-in',
      write('list.pem', list),
      '-noout',
      '-text',
      '-CAfile',
      write('i.pem', intermediate.certificate),
    );
    expect(text).toMatch(/^0\n/);
    expect(text).toContain('verify OK');
    expect(text).toMatch(/Version 2 \(0x1\)/);
    expect(text).toMatch(/X509v3 CRL Number: \n\s+200\n/);
    expect(text).toMatch(/X509v3 CRL Reason Code: \n\s+Key Compromise\n/);
    expect(text).toContain('Serial Number: 0FA1');
    const { root: rootFile, chain } = filesOf({ root, intermediate, leaf });
    const verify = (certificate: string) =>
      openssl(
        ...['verify', '-x509_strict', '-crl_check', '-CRLfile', join(folder, 'list.pem')],
        ...['-CAfile', rootFile, '-untrusted', chain, write('one.pem', certificate)],
      );
    expect(verify(leaf.certificate)).toContain('certificate revoked');
    expect(verify(other.certificate)).toBe(`0\n${join(folder, 'one.pem')}: OK\n`);
  });

  it('signs a request of openssl, without the extensions that it requests', async () => {
    const authority = await createAuthority();
    const config = write(
      'request.conf',
      '[req]\ndistinguished_name=dn\nreq_extensions=ext\n[dn]\n[ext]\nbasicConstraints=critical,CA:TRUE\n' +
        'keyUsage=keyCertSign\nsubjectAltName=DNS:a.example,IP:192.0.2.7,URI:spiffe://a/b,email:a@example\n',
    );
    const key = join(folder, 'request.key');
    const request = execFileSync(
      'openssl',
      [
        'req',
        '-new',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        key,
        '-subj',
        '/C=DE/O=Ä/CN=asked',
        '-utf8',
        '-config',
        config,
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const certificate = new X509Certificate(await authority.sign(request, { days: 3 }));
    expect(certificate.ca).toBe(false);
    expect(certificate.subject).toBe('C=DE\nO=Ä\nCN=asked');
    expect(certificate.subjectAltName).toBe('DNS:a.example, IP Address:192.0.2.7, URI:spiffe://a/b');
    const text = openssl('x509', '-in', write('signed.pem', certificate.toString()), '-noout', '-text');
    expect(text).toMatch(/Key Usage: critical\n\s+Digital Signature\n/);
    expect(text).toMatch(/Subject:.*CN = asked/);
    const root = write('root.pem', authority.certificate);
    expect(openssl('verify', '-x509_strict', '-CAfile', root, join(folder, 'signed.pem'))).toMatch(/^0\n/);
    const named = await authority.sign(request, { commonName: 'mine', hosts: [], uris: ['urn:a'] });
    expect(new X509Certificate(named)).toMatchObject({ subject: 'CN=mine', subjectAltName: 'URI:urn:a' });
  });

  it('verifies our requests', async () => {
    const { request, privateKey } = await createRequest({ ...SUBJECT, ...NAMES });
    const text = openssl('req', '-in', write('r.pem', request), '-noout', '-text', '-verify');
    expect(text).toMatch(/^0\n/);
    expect(text).toMatch(/verify OK/);
    expect(text).toContain('DNS:host-1.example');
    const again = await createRequest({ commonName: 'a', privateKey: privateKey ?? '' });
    expect(again.privateKey).toBeUndefined();
    expect(openssl('req', '-in', write('r.pem', again.request), '-noout', '-verify')).toMatch(/^0\n/);
  });
});

const GO = `package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"time"
)

func read(path string) *x509.Certificate {
	data, _ := os.ReadFile(path)
	block, _ := pem.Decode(data)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		panic(err)
	}
	return certificate
}

func main() {
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(read(os.Args[1]))
	issuer := read(os.Args[2])
	intermediates.AddCert(issuer)
	leaf := read(os.Args[3])
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates,
		DNSName: "host-1.example", CurrentTime: time.Now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	data, _ := os.ReadFile(os.Args[4])
	block, _ := pem.Decode(data)
	list, listErr := x509.ParseRevocationList(block.Bytes)
	if listErr == nil {
		listErr = list.CheckSignatureFrom(issuer)
	}
	fmt.Println(err, listErr, len(list.RevokedCertificateEntries), list.Number, leaf.URIs[0],
		leaf.Subject.Organization[0])
}
`;

describe.skipIf(!hasGo)('Go', { timeout: 120_000 }, () => {
  it('verifies a path and a revocation list', async () => {
    const program = join(folder, 'verify');
    const env = { ...process.env, GOFLAGS: '-mod=mod', GOPROXY: 'off', GOTOOLCHAIN: 'local' };
    execFileSync('go', ['build', '-o', program, write('verify.go', GO)], { cwd: folder, env });
    for (const kind of KINDS) {
      const pki = pkis[kind] as Pki;
      const revocations = [{ serialNumber: serialOf(pki.leaf.certificate), revokedAt: new Date() }];
      const list = write(
        'go.crl',
        await pki.intermediate.issueRevocationList({ revocations, number: 2 ** 40 }),
      );
      const { root, chain, leaf } = filesOf(pki);
      const printed = execFileSync(program, [root, chain, leaf, list], { encoding: 'utf8' });
      expect(printed).toBe(`<nil> <nil> 1 ${2 ** 40} spiffe://example/host-1 Beispiel GmbH & Söhne\n`);
    }
  });
});

describe('the emulator', () => {
  it.each(KINDS)('gives a session, and none after revocation: %s', async (kind) => {
    const { root, intermediate, leaf } = pkis[kind] as Pki;
    const x509 = new X509Certificate(leaf.certificate);
    const chain = new X509Certificate(intermediate.certificate).raw.toString('base64');
    const send = async (serialNumber: string) => {
      const revocations = [{ serialNumber, revokedAt: new Date() }];
      const crls = await intermediate.issueRevocationList({ revocations });
      const anchor = { name: 'root', certificates: root.certificate, crls };
      const seed = {
        trustAnchors: [anchor],
        roles: [{ name: 'Ops' }],
        profiles: [{ name: 'p', roles: ['Ops'] }],
      };
      // The list is valid from now on, so the emulator's clock is a little ahead.
      const at = new Date(Date.now() + 2000);
      const fixture = await makeFixture({ certificateAuthority: undefined, seed, now: () => at });
      const serial = BigInt(`0x${x509.serialNumber}`).toString();
      const key = createPrivateKey(leaf.privateKey);
      const date = at.toISOString().replace(/[-:]|\.\d+/g, '');
      const draft = { date, headers: { 'x-amz-x509-chain': chain } };
      const { status } = await fixture.ask(draft, { ...fixture.leaf, der: x509.raw, key, serial });
      return [status, fixture.lines.at(-1)];
    };
    expect(await send('0fa1')).toEqual([201, expect.stringContaining('assumed-role/Ops/')]);
    expect(await send(x509.serialNumber)).toEqual([403, expect.stringContaining('was revoked')]);
  });
});
