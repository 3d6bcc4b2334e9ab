/** The command `ca`: its files, verified by openssl and Go, and refusals that leave no files. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { report, runMain, runProgram } from '../../program.js';
import { hasPython, inTerminal } from '../terminal.js';

const hasOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;
const hasGo = spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0;

const home = mkdtempSync(join(tmpdir(), 'rolesanywhere-ca-'));
afterAll(() => rmSync(home, { recursive: true }));

let folder = '';
let count = 0;
beforeEach(() => {
  count += 1;
  folder = join(home, `${count}`);
  mkdirSync(folder);
});

const at = (name: string): string => join(folder, name);
const read = (name: string): string => readFileSync(at(name), 'utf8');
const modeOf = (name: string): string => (statSync(at(name)).mode & 0o777).toString(8);

/** Runs `ca`; values that begin with `@` become paths in the folder of the test. */
function ca(line: string, options: { readonly input?: string } = {}) {
  const words = line.split(' ').map((word) => word.replace(/^@/, `${folder}/`).replaceAll('_', ' '));
  return runMain(['ca', ...words], options);
}

async function succeed(line: string, options: { readonly input?: string } = {}): Promise<string> {
  const { status, stdout, stderr } = await ca(line, options);
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

function openssl(...words: string[]): string {
  const { status, stdout, stderr } = spawnSync('openssl', words, { encoding: 'utf8' });
  return `${status}\n${stdout}${stderr}`;
}

const INIT = 'init --ca-folder @ca --common-name Example_CA --organization Example';
const ISSUE = 'issue --ca-folder @ca --common-name host-1 --organization Example --out @host';

describe('files', () => {
  it('of a root and its certificates: keys for the owner alone', async () => {
    expect(await succeed(INIT)).toMatch(/^\S+\/ca\/ca\.pem: certificate of O=Example, CN=Example CA, serial/);
    await succeed(ISSUE);
    expect(readdirSync(at('ca')).sort()).toEqual(['ca.key', 'ca.pem', 'index.json']);
    const modes = ['ca', 'ca/ca.key', 'ca/index.json', 'host.key', 'ca/ca.pem', 'host.pem'].map(modeOf);
    expect(modes).toEqual(['700', '600', '600', '600', '644', '644']);
    const certificate = new X509Certificate(read('host.pem'));
    expect(certificate.checkPrivateKey(createPrivateKey(read('host.key')))).toBe(true);
    expect(certificate.subject).toBe('O=Example\nCN=host-1');
    // Twice the 64 bits of RFC 5280, and some.
    expect(certificate.serialNumber.length * 4).toBeGreaterThanOrEqual(128);
    const { certificates } = JSON.parse(read('ca/index.json'));
    expect(certificates).toMatchObject([
      { serialNumber: certificate.serialNumber.toLowerCase(), subject: 'O=Example, CN=host-1' },
    ]);
  });

  it('named by the common name, in the working folder, by default', async () => {
    const { status, stdout } = await runProgram([
      ...'ca init --common-name Root --ca-folder'.split(' '),
      at('ca'),
    ]);
    expect([status, stdout]).toEqual([0, expect.stringContaining('CN=Root')]);
    const words = ['ca', 'issue', '--ca-folder', at('ca'), '--common-name', '*.example'];
    expect(await runMain(words)).toMatchObject({ status: 2, stdout: '' });
  });

  it('are replaced only with --force', async () => {
    await succeed(INIT);
    await succeed(ISSUE);
    const before = read('host.key');
    const refused = await ca(ISSUE);
    expect(refused).toEqual({
      status: 6,
      stdout: '',
      stderr: report(
        `file ${at('host.pem')} cannot be written: it exists`,
        'ERR_FILE_WRITE',
        'name other files with --out, or replace them with --force',
      ),
    });
    expect(read('host.key')).toBe(before);
    await succeed(`${ISSUE} --force`);
    const certificate = new X509Certificate(read('host.pem'));
    expect(certificate.checkPrivateKey(createPrivateKey(read('host.key')))).toBe(true);
    expect(read('host.key')).not.toBe(before);
    const kept = read('ca/ca.key');
    expect(await ca(INIT)).toMatchObject({ status: 6, stderr: expect.stringContaining('never overwritten') });
    expect(read('ca/ca.key')).toBe(kept);
  });

  it('one index for certificates that are issued at once', async () => {
    await succeed(INIT);
    const names = Array.from({ length: 8 }, (_, index) => `h${index}`);
    await Promise.all(
      names.map((name) => succeed(`issue --ca-folder @ca --common-name ${name} --out @${name}`)),
    );
    const { certificates } = JSON.parse(read('ca/index.json'));
    const subjects = certificates.map(({ subject }: { subject: string }) => subject);
    expect(subjects.sort()).toEqual(names.map((name) => `CN=${name}`));
  });
});

describe.skipIf(!hasOpenssl)('openssl (left out where it is not installed)', () => {
  it.each(['EC-P256', 'EC-P384', 'EC-P521', 'RSA-2048', 'RSA-3072'])('verifies %s strictly', async (type) => {
    await succeed(`${INIT} --key-type ${type}`);
    const names = '--san DNS:host-1.example --san IP:2001:db8::1,URI:spiffe://example/a,b --san IP:192.0.2.1';
    await succeed(`${ISSUE} --key-type ${type} ${names} --days 3`);
    const verified = openssl('verify', '-x509_strict', '-CAfile', at('ca/ca.pem'), at('host.pem'));
    expect(verified).toBe(`0\n${at('host.pem')}: OK\n`);
    const text = openssl('x509', '-in', at('host.pem'), '-noout', '-text');
    expect(text).toMatch(/X509v3 Basic Constraints: critical\n\s+CA:FALSE\n/);
    expect(text).toMatch(/X509v3 Key Usage: critical\n\s+Digital Signature\n/);
    for (const name of ['DNS:host-1.example', 'IP Address:2001:DB8:0:0:0:0:0:1', 'IP Address:192.0.2.1']) {
      expect(text).toContain(name);
    }
    expect(text).toContain('URI:spiffe://example/a,b');
    const { validTo } = new X509Certificate(read('host.pem'));
    expect((Date.parse(validTo) - Date.now()) / 86_400_000).toBeCloseTo(3, 1);
  });

  it('reads an encrypted key, and refuses a revoked certificate by the list', async () => {
    writeFileSync(at('passphrase'), 'canary passphrase\n', { mode: 0o600 });
    await succeed(`${INIT} --ca-passphrase-file @passphrase`);
    await succeed(`${ISSUE} --ca-passphrase-file @passphrase --passphrase-file @passphrase`);
    expect(read('ca/ca.key')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    const opened = openssl('pkey', '-in', at('host.key'), '-passin', `file:${at('passphrase')}`, '-noout');
    expect(opened).toBe('0\n');
    await succeed('revoke --ca-folder @ca @host.pem --reason keyCompromise');
    const again = await succeed('revoke --ca-folder @ca @host.pem');
    expect(again).toContain('was revoked on');
    await succeed('crl --ca-folder @ca --ca-passphrase-file @passphrase --days 2');
    const list = await succeed('crl --ca-folder @ca --ca-passphrase-file @passphrase');
    expect(list).toContain('list 2, 1 revoked');
    const words = ['-crl_check', '-CRLfile', at('ca/crl.pem'), '-CAfile', at('ca/ca.pem'), at('host.pem')];
    expect(openssl('verify', '-x509_strict', ...words)).toContain('certificate revoked');
    const text = openssl('crl', '-in', at('ca/crl.pem'), '-noout', '-text');
    expect(text).toMatch(/X509v3 CRL Number: \n\s+2\n/);
    expect(text).toMatch(/Key Compromise/);
    expect(await succeed('show --ca-folder @ca')).toMatch(/ {2}revoked {2}.* O=Example, CN=host-1\n/);
  });

  it('makes a request that we sign, and verifies ours; the subject and names can be replaced', async () => {
    await succeed(INIT);
    execFileSync(
      'openssl',
      [
        ...['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', at('own.key'), '-out', at('own.csr')],
        ...['-subj', '/O=Example/CN=own', '-addext', 'basicConstraints=critical,CA:TRUE'],
        ...['-addext', 'subjectAltName=DNS:own.example'],
      ],
      { stdio: 'ignore' },
    );
    await succeed('sign --ca-folder @ca @own.csr');
    const signed = new X509Certificate(read('own.pem'));
    expect(signed).toMatchObject({
      ca: false,
      subject: 'O=Example\nCN=own',
      subjectAltName: 'DNS:own.example',
    });
    const printed = await succeed('sign --ca-folder @ca - --common-name other --san DNS:other.example', {
      input: read('own.csr'),
    });
    expect(new X509Certificate(printed)).toMatchObject({
      subject: 'CN=other',
      subjectAltName: 'DNS:other.example',
    });
    const made = await succeed(
      'csr --common-name host-2 --organization Example --country DE --san DNS:a.example --out @two',
    );
    expect(made).toContain('two.csr: certificate request of C=DE, O=Example, CN=host-2 (a.example)\n');
    expect(openssl('req', '-in', at('two.csr'), '-noout', '-verify')).toMatch(/^0\n/);
    expect(modeOf('two.key')).toBe('600');
    await succeed('csr --common-name host-3 --private-key @two.key --out @three');
    expect(existsSync(at('three.key'))).toBe(false);
    await succeed('sign --ca-folder @ca @three.csr');
    const third = new X509Certificate(read('three.pem'));
    expect(third.checkPrivateKey(createPrivateKey(read('two.key')))).toBe(true);
  });
});

const GO = `package main

import (
	"crypto/x509"
	"fmt"
	"os"
)

func main() {
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	root, _ := os.ReadFile(os.Args[1])
	roots.AppendCertsFromPEM(root)
	data, _ := os.ReadFile(os.Args[2])
	intermediates.AppendCertsFromPEM(data)
	block := first(data)
	leaf, err := x509.ParseCertificate(block)
	if err != nil {
		panic(err)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	fmt.Println(err, len(chains[0]), leaf.IsCA)
}
`;
const FIRST = `package main

import "encoding/pem"

func first(data []byte) []byte {
	block, _ := pem.Decode(data)
	return block.Bytes
}
`;

describe('an intermediate CA', () => {
  it.skipIf(!hasGo || !hasOpenssl)(
    'issues certificates with their chain, which openssl and Go verify (left out where one is missing)',
    { timeout: 120_000 },
    async () => {
      await succeed(`${INIT} --days 400`);
      await succeed('init --ca-folder @sub --parent @ca --common-name Issuing_CA --path-length 1');
      await succeed('init --ca-folder @subsub --parent @sub --common-name Third_CA --days 90');
      expect(readdirSync(at('sub')).sort()).toEqual([
        'ca.key',
        'ca.pem',
        'chain.pem',
        'index.json',
        'root.pem',
      ]);
      await succeed('issue --ca-folder @subsub --common-name host-1 --out @host');
      // The first certificate of the file is the leaf, the others are its chain.
      expect(read('host.pem').match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
      expect(read('subsub/root.pem')).toBe(read('ca/ca.pem'));
      const words = ['-CAfile', at('ca/ca.pem'), '-untrusted', at('host.pem'), at('host.pem')];
      expect(openssl('verify', '-x509_strict', ...words)).toBe(`0\n${at('host.pem')}: OK\n`);
      writeFileSync(at('verify.go'), GO);
      writeFileSync(at('first.go'), FIRST);
      const env = { ...process.env, GOPROXY: 'off', GOTOOLCHAIN: 'local', GO111MODULE: 'off' };
      const go = ['run', 'verify.go', 'first.go', at('ca/ca.pem'), at('host.pem')];
      expect(execFileSync('go', go, { cwd: folder, env, encoding: 'utf8' })).toBe('<nil> 4 false\n');
      expect(await succeed('show --ca-folder @subsub')).toContain('intermediate CA CN=Third CA');
      const refused = await ca('init --ca-folder @fourth --parent @subsub --common-name Fourth');
      expect(refused).toMatchObject({ status: 2, stdout: '' });
      expect(refused.stderr).toContain('cannot issue this intermediate authority: its own path length is 0');
      expect(existsSync(at('fourth'))).toBe(false);
    },
  );

  it('expires no later than the CA above it, as certificates do', async () => {
    await succeed(`${INIT} --days 20`);
    const { stderr } = await ca(`${ISSUE} --days 30`);
    expect(stderr).toMatch(
      /^rolesanywhere: warning: (19|20) days instead of 30: the CA's certificate expires then\n$/,
    );
    const [above, leaf] = ['ca/ca.pem', 'host.pem'].map((name) => new X509Certificate(read(name)).validTo);
    expect(Date.parse(leaf ?? '')).toBeLessThanOrEqual(Date.parse(above ?? '') + 1000);
  });
});

describe('show', () => {
  it('prints JSON', async () => {
    await succeed(INIT);
    await succeed(ISSUE);
    const shown = JSON.parse(await succeed('show --ca-folder @ca --json'));
    const { fingerprint256 } = new X509Certificate(read('ca/ca.pem'));
    expect(shown).toMatchObject({
      kind: 'root',
      subject: 'O=Example, CN=Example CA',
      sha256: fingerprint256.replaceAll(':', '').toLowerCase(),
      certificates: [{ subject: 'O=Example, CN=host-1', status: 'valid' }],
    });
  });
});

describe('bad input: one line, nothing on stdout, nothing written', () => {
  const bad = (line: string) => {
    folder = join(home, 'bad');
    return line === '' ? runMain(['ca']) : ca(line);
  };

  const ROWS: ReadonlyArray<[line: string, status: number, words: string]> = [
    ['', 2, 'missing subcommand'],
    ['inti', 2, 'unknown command ca "inti", did you mean "init"?'],
    ['init --comon-name a', 2, 'unknown flag --comon-name, did you mean "common-name"?'],
    ['init', 2, 'missing --common-name'],
    ['init --common-name a --country de', 2, '--country must be two capital letters'],
    ['init --common-name a --key-type DSA', 2, '--key-type must be one of EC-P256'],
    ['init --common-name a --days 0', 2, '--days must be a whole number of days from 1'],
    ['init --common-name a --path-length 1', 2, '--path-length needs --parent'],
    ['init --common-name a --ca-folder @good', 6, 'a CA is never overwritten'],
    ['init --common-name a --ca-folder @file/ca', 6, 'folder'],
    ['init --common-name a --ca-folder /proc/ca', 6, 'folder /proc/ca cannot be written'],
    ['init --common-name a --ca-folder @new --parent @none', 3, 'there is no CA in folder'],
    ['init --common-name a --ca-folder @new --ca-passphrase-file @none', 3, 'there is no such file'],
    ['init --common-name a --ca-folder @new --ca-passphrase-file @empty', 2, 'is empty'],
    ['issue --common-name a --ca-folder @none', 3, 'make one with ca init'],
    ['issue --common-name a/b --ca-folder @good', 2, 'missing --out'],
    ['issue --common-name a --out @none/a --ca-folder @good', 6, 'there is no such folder'],
    ['issue --common-name a --out /proc/a --ca-folder @good', 6, 'cannot be written'],
    ['issue --common-name a --out @a --ca-folder @broken', 3, 'is not a PEM certificate'],
    ['issue --common-name a --out @a --ca-folder @mixed', 3, 'does not belong to'],
    ['issue --common-name a --out @a --ca-folder @garbage', 3, 'is not a PEM key'],
    ['issue --common-name a --out @a --ca-folder @index', 3, 'is damaged'],
    ['issue --common-name a --out @a --ca-folder @locked', 3, '--ca-passphrase-file'],
    ['issue --common-name a --out @a --ca-folder @locked --ca-passphrase-file @word', 3, 'is wrong'],
    ['issue --common-name a --out @a --ca-folder @good --encrypt', 2, 'there is no terminal'],
    ['issue --common-name a --out @a --ca-folder @good --san host', 2, '--san must be DNS:NAME'],
    ['issue --common-name a --out @a --ca-folder @good --san IP:999.1.1.1', 2, 'after IP:'],
    ['issue --common-name a --out @a --ca-folder @good --san IP:1.2', 2, 'after IP:'],
    ['issue --common-name a --out @a --ca-folder @good --san DNS:a..b', 2, 'after DNS:'],
    ['csr --common-name a --out @a --private-key @none', 3, 'there is no such file'],
    ['csr --common-name a --out @a --private-key @word', 3, 'is not a PEM key'],
    ['sign --ca-folder @good', 2, 'missing REQUEST'],
    ['sign --ca-folder @good a b', 2, 'unexpected argument "b"'],
    ['sign --ca-folder @good @none.csr', 3, 'there is no such file'],
    ['sign --ca-folder @good @word', 3, 'CERTIFICATE REQUEST'],
    ['sign --ca-folder @good @word --organization a', 2, 'missing --common-name'],
    ['revoke --ca-folder @good', 2, 'missing CERTIFICATE'],
    ['revoke --ca-folder @good 1234', 3, 'there is no file, and no serial number of the index, "1234"'],
    ['revoke --ca-folder @good @other/ca.pem', 3, 'was not issued by this CA'],
    ['revoke --ca-folder @good @word', 3, 'is not a PEM certificate'],
    ['revoke --ca-folder @good @word --reason lost', 2, '--reason must be one of'],
    ['crl --ca-folder @good --out @word', 6, 'it is not a revocation list; --force replaces it'],
    ['crl --ca-folder @good --days 4000', 2, '--days must be'],
    ['show --ca-folder @none', 3, 'there is no CA in folder'],
    ['show --ca-folder @index', 3, 'is damaged'],
    ['setup --ca-folder @good', 2, 'missing the subject that may assume the role'],
    ['setup --ca-folder @good --certificate @word --organization a', 2, 'cannot be combined'],
    ['setup --ca-folder @good --certificate @word', 3, 'is not a PEM certificate'],
    ["setup --ca-folder @good --organization O'Neill", 2, 'must be letters, digits'],
    ['setup --ca-folder @good --organization a --format yaml', 2, '--format must be one of cli'],
    ['setup --ca-folder @good --organization a --role-name a/b', 2, '--role-name must be'],
    ['setup --ca-folder @good --organization a --policy-arn ReadOnly', 2, 'the ARN of a managed policy'],
  ];

  beforeAll(async () => {
    folder = join(home, 'bad');
    mkdirSync(folder);
    writeFileSync(at('file'), '');
    writeFileSync(at('empty'), '\n', { mode: 0o600 });
    writeFileSync(at('word'), 'word', { mode: 0o600 });
    writeFileSync(at('secret'), 'secret', { mode: 0o600 });
    for (const name of ['good', 'other', 'broken', 'mixed', 'garbage', 'index']) {
      await succeed(`init --ca-folder @${name} --common-name ${name}`);
    }
    await succeed('init --ca-folder @locked --common-name locked --ca-passphrase-file @secret');
    writeFileSync(at('broken/ca.pem'), 'nothing');
    writeFileSync(at('mixed/ca.key'), read('good/ca.key'));
    writeFileSync(at('garbage/ca.key'), 'nothing');
    writeFileSync(at('index/index.json'), '{"version":1}');
  });

  it.each(ROWS)('ca %s', async (line, status, words) => {
    const tree = () => readdirSync(join(home, 'bad'), { recursive: true }).sort();
    const before = tree();
    const found = await bad(line);
    expect(found.stderr).toContain(words);
    expect(found.stderr).toMatch(/^rolesanywhere: .*\(ERR_[A-Z_]+\)\n(hint: .*\n)?$/);
    expect([found.status, found.stdout]).toEqual([status, '']);
    expect(tree()).toEqual(before);
    expect(JSON.parse(read('good/index.json')).certificates).toEqual([]);
  });

  it('warns of a key that others can read', async () => {
    await succeed(INIT);
    chmodSync(at('ca/ca.key'), 0o644);
    const { status, stderr } = await ca(ISSUE);
    expect([status, stderr]).toEqual([
      0,
      expect.stringContaining('can be read by every user of this machine'),
    ]);
  });
});

describe.skipIf(!hasPython)('at a terminal (left out where python3 is not installed)', () => {
  const argv = () => ['ca', 'init', '--ca-folder', at('ca'), '--common-name', 'Root', '--encrypt'];
  const question = () => `New passphrase of ${at('ca/ca.key')}: `;

  it('asks twice for the passphrase of a new key, and then for it', async () => {
    const { shown, status } = await inTerminal(argv(), [
      [question(), ['canary\r']],
      ['again: ', ['canary\r']],
    ]);
    expect([status, shown]).toEqual([0, expect.not.stringContaining('canary')]);
    expect(read('ca/ca.key')).toMatch(/^-----BEGIN ENCRYPTED/);
    const issue = ['ca', 'issue', '--ca-folder', at('ca'), '--common-name', 'h', '--out', at('h')];
    const ask = `Passphrase of private key ${at('ca/ca.key')}: `;
    const issued = await inTerminal(issue, [
      [ask, ['wrong\r']],
      [`Wrong passphrase. ${ask}`, ['canary\r']],
    ]);
    expect(issued).toMatchObject({ status: 0, echoed: [false, false], echoesAtEnd: true });
    expect(existsSync(at('h.key'))).toBe(true);
  });

  it.each([
    ['two different answers', 'canary\r', 'other\r', 'the two passphrases differ'],
    ['Ctrl-C', 'canary\r', '\u0003', 'interrupted'],
  ])('writes nothing after %s', async (_name, first, second, words) => {
    const { shown, status } = await inTerminal(argv(), [
      [question(), [first]],
      ['again: ', [second]],
    ]);
    expect([status, shown]).toEqual([2, expect.stringContaining(words)]);
    expect(existsSync(at('ca'))).toBe(false);
  });
});
