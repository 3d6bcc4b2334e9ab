/**
 * Certificates and keys in the forms that users have: each gives a session of the emulator, or an error with
 * code and hint.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator.js';
import { startEmulator } from '../../src/emulator.js';
import type { IdentitySource } from '../../src/identity/identity-source.js';
import { createSession } from '../../src/session/create-session.js';
import { path, text } from '../fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-wild-'));
let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator({ certificateAuthority: [text('root-rsa.pem'), text('root-ec.pem')] });
});
afterAll(async () => {
  await emulator.close();
  rmSync(folder, { recursive: true });
});

interface Outcome {
  readonly arn?: string | undefined;
  readonly debug: readonly string[];
  readonly warnings: readonly string[];
  readonly error?: unknown;
}

async function outcomeOf(source: IdentitySource): Promise<Outcome> {
  const { trustAnchorArn, profileArn, roleArn, endpoint } = emulator;
  const [debug, warnings]: [string[], string[]] = [[], []];
  const logger = { debug: (line: string) => debug.push(line), warn: (line: string) => warnings.push(line) };
  try {
    const options = { trustAnchorArn, profileArn, roleArn, endpoint, logger };
    const session = await createSession({ ...source, ...options });
    return { arn: session.assumedRole.arn, debug, warnings };
  } catch (error) {
    return { error, debug, warnings };
  }
}

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

const CERTIFICATE = text('rsa-2048.pem');
const KEY = text('rsa-2048.key.pem');
const [BASE64, KEY_BASE64] = [CERTIFICATE, KEY].map((pem) => pem.replace(/-----.*-----|\s/g, ''));
const PAIR: IdentitySource = { certificate: path('rsa-2048.pem'), privateKey: path('rsa-2048.key.pem') };

/** A binary file under the label of a certificate. */
function asCertificate(name: string): string {
  const body = readFileSync(path(name)).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
}

const utf16 = (content: string): Buffer => Buffer.from(`\ufeff${content}`, 'utf16le');
const base64 = (content: string): string => Buffer.from(content).toString('base64');
const escaped = (content: string): string => content.replaceAll('\n', '\\n');
const wrapped = (content: string): string => (base64(content).match(/.{1,76}/g) ?? []).join('\n');

describe('a session is created with', () => {
  it.each<[string, () => IdentitySource]>([
    [
      'UTF-16, as PowerShell writes it',
      () => ({ certificate: file('16le.pem', utf16(CERTIFICATE)), privateKey: file('16le.key', utf16(KEY)) }),
    ],
    [
      'UTF-16 without a mark',
      () => ({ ...PAIR, certificate: file('16.pem', utf16(CERTIFICATE).subarray(2)) }),
    ],
    [
      'UTF-16 with the high octet first',
      () => ({ ...PAIR, privateKey: file('16be.key', utf16(KEY).swap16()) }),
    ],
    [
      'UTF-8 with a mark',
      () => ({
        certificate: file('bom.pem', `\ufeff${CERTIFICATE}`),
        privateKey: file('bom.key', `\ufeff${KEY}`),
      }),
    ],
    [
      'base64 around PEM, in a file',
      () => ({ certificate: file('64.pem', base64(CERTIFICATE)), privateKey: file('64.key', wrapped(KEY)) }),
    ],
    ['base64 around PEM, as text', () => ({ certificate: base64(CERTIFICATE), privateKey: wrapped(KEY) })],
    [
      'base64 around base64 around PEM',
      () => ({ ...PAIR, privateKey: file('64-64.key', base64(base64(KEY))) }),
    ],
    [
      'base64 of DER, in a file',
      () => ({ certificate: file('der.txt', BASE64 ?? ''), privateKey: file('key.txt', `${KEY_BASE64}\n`) }),
    ],
    ['base64 of DER, as text', () => ({ certificate: BASE64 ?? '', privateKey: KEY_BASE64 ?? '' })],
    [
      'line ends written as \\n, as text',
      () => ({ certificate: escaped(CERTIFICATE), privateKey: escaped(KEY) }),
    ],
    [
      'line ends written as \\n, in a file',
      () => ({ certificate: file('n.pem', escaped(CERTIFICATE)), privateKey: file('n.key', escaped(KEY)) }),
    ],
    ['line ends written as \\r\\n', () => ({ ...PAIR, privateKey: KEY.replaceAll('\n', '\\r\\n') })],
    ['line ends escaped twice', () => ({ ...PAIR, privateKey: KEY.replaceAll('\n', '\\\\n') })],
    [
      'the quotes of an env file',
      () => ({ certificate: `"${escaped(CERTIFICATE)}"`, privateKey: `'${escaped(KEY)}'` }),
    ],
    [
      'a line of an env file',
      () => ({
        certificate: file('.env', `CERT="${CERTIFICATE}"\n`),
        privateKey: file('k.env', `export KEY='${KEY}'\n`),
      }),
    ],
    [
      'one line',
      () => ({ certificate: CERTIFICATE.replaceAll('\n', ' '), privateKey: KEY.replaceAll('\n', '') }),
    ],
    ['certificate and key in one line', () => ({ certificate: `${KEY}${CERTIFICATE}`.replaceAll('\n', '') })],
    [
      'prose that speaks of the marks',
      () => ({ ...PAIR, certificate: `# paste from -----BEGIN to -----END below\n${CERTIFICATE}` }),
    ],
    [
      'members of JSON, in lines',
      () => ({
        certificate: file('lines.json', JSON.stringify({ a: 1, certificate: CERTIFICATE }, null, 2)),
        privateKey: file('key.json', JSON.stringify({ data: { private_key: KEY } }, null, 2)),
      }),
    ],
    [
      'a line of JSON, with an array',
      () => ({
        certificate: JSON.stringify({
          request: 'x'.repeat(300),
          data: { ca_chain: [text('root-rsa.pem'), text('root-ec.pem')], certificate: CERTIFICATE, key: KEY },
        }),
      }),
    ],
    [
      'blanks of web pages',
      () => ({
        certificate: `\u200b${CERTIFICATE}`,
        privateKey: file('blanks.key', KEY.replaceAll('-----BEGIN', '\u00a0\u00a0-----BEGIN')),
      }),
    ],
    [
      "OpenSSL's TRUSTED form beside others",
      () => {
        const words = ['x509', '-in', path('rsa-2048.pem'), '-trustout', '-addtrust', 'clientAuth'];
        const trusted = execFileSync('openssl', words, { encoding: 'utf8' });
        expect(trusted).toContain('BEGIN TRUSTED CERTIFICATE');
        return { ...PAIR, certificate: `${text('root-rsa.pem')}${trusted}` };
      },
    ],
    ['indented blocks', () => ({ ...PAIR, certificate: CERTIFICATE.replace(/^/gm, '      ') })],
    [
      'a damaged block beside a good one',
      () => ({
        ...PAIR,
        certificate: `-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n${CERTIFICATE}`,
      }),
    ],
    [
      'a block cut short beside a good one',
      () => ({ ...PAIR, certificate: `${text('not-truncated.pem')}\n${CERTIFICATE}` }),
    ],
    [
      'PKCS#7 under BEGIN CERTIFICATE, as AD CS hands it over',
      () => ({
        certificate: `${asCertificate('chain-3.p7b')}${text('chain-3.pem')}`,
        privateKey: path('chain-3.key.pem'),
      }),
    ],
    [
      'PKCS#12 under BEGIN CERTIFICATE',
      () => ({
        certificate: asCertificate('chain-3.p12'),
        passphrase: 'correct horse battery staple',
      }),
    ],
    [
      'a certificate under BEGIN PKCS7',
      () => ({ ...PAIR, certificate: CERTIFICATE.replaceAll(' CERTIFICATE-', ' PKCS7-') }),
    ],
    [
      'base64 of PKCS#12',
      () => ({
        certificate: file('p12.txt', readFileSync(path('chain-3.p12')).toString('base64')),
        passphrase: 'correct horse battery staple',
      }),
    ],
    [
      'eight authorities, of which none is needed',
      () => ({
        ...PAIR,
        intermediates: ['chain-5', 'chain-1', 'chain-2']
          .map((one) => text(`${one}.intermediates.pem`))
          .join(''),
      }),
    ],
    [
      'two keys in a file, one for another host',
      () => ({
        certificate: `${CERTIFICATE}${text('chain-3.pem')}`,
        privateKey: `${text('ec-p384.key.pem')}${KEY}`,
      }),
    ],
  ])('%s', async (_name, source) => {
    const { arn, error } = await outcomeOf(source());
    expect(error).toBeUndefined();
    expect(arn).toMatch(/:assumed-role\//);
  });

  it('and --debug names the repaired forms', async () => {
    const { debug } = await outcomeOf({
      certificate: base64(CERTIFICATE),
      privateKey: file('named.key', utf16(KEY)),
    });
    expect(debug).toContain('certificate: read as base64 around PEM');
    expect(debug).toContain(`private key ${join(folder, 'named.key')}: read as UTF-16`);
  });
});

describe('an intermediate that two roots have issued', () => {
  const pki = mkdtempSync(join(tmpdir(), 'rolesanywhere-cross-'));
  const roots: Emulator[] = [];
  const read = (name: string): string => readFileSync(join(pki, name), 'utf8');

  beforeAll(async () => {
    const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: pki, stdio: 'pipe' });
    const ca = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n';
    writeFileSync(join(pki, 'ca.ext'), ca);
    writeFileSync(
      join(pki, 'leaf.ext'),
      'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n',
    );
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];
    for (const root of ['a', 'b']) {
      const usage = ['-addext', 'keyUsage=critical,keyCertSign', '-subj', `/CN=Root ${root}`];
      openssl('req', '-x509', ...key, ...usage, '-keyout', `${root}.key`, '-out', `${root}.pem`);
    }
    for (const [name, subject] of Object.entries({ issuing: '/CN=Issuing', leaf: '/CN=host' })) {
      openssl('req', ...key, '-new', '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    }
    const sign = (name: string, by: string, out: string, extensions: string) =>
      openssl(
        ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${by}.pem`, '-CAkey', `${by.slice(0, 7)}.key`],
        ...['-days', '9', '-extfile', extensions, '-out', `${out}.pem`],
      );
    sign('issuing', 'a', 'issuing-a', 'ca.ext');
    sign('issuing', 'b', 'issuing-b', 'ca.ext');
    sign('leaf', 'issuing-a', 'leaf', 'leaf.ext');
    for (const root of ['a', 'b']) {
      roots.push(await startEmulator({ certificateAuthority: read(`${root}.pem`) }));
    }
  });
  afterAll(async () => {
    for (const one of roots) await one.close();
    rmSync(pki, { recursive: true });
  });

  // Which of the roots is the trust anchor is known to the service alone.
  it.each([
    [['leaf', 'issuing-a', 'issuing-b']],
    [['issuing-b', 'issuing-a', 'leaf']],
    [['a', 'issuing-b', 'leaf', 'issuing-a', 'b']],
  ])('leads to either of them: %j', async (files) => {
    for (const { trustAnchorArn, profileArn, roleArn, endpoint } of roots) {
      const session = await createSession({
        certificate: files.map((name) => read(`${name}.pem`)).join(''),
        privateKey: read('leaf.key'),
        ...{ trustAnchorArn, profileArn, roleArn, endpoint },
      });
      expect(session.assumedRole.arn).toMatch(/:assumed-role\//);
    }
  });
});

const hasKeytool = spawnSync('keytool', ['-help'], { stdio: 'ignore' }).status === 0;

describe('an unreadable file is described, with the command that converts it', () => {
  const dashes = (with_: string): string => CERTIFICATE.replaceAll('-----', with_);
  it.each<[string, () => string, RegExp]>([
    ['en dashes', () => file('en.pem', dashes('–––––')), /typographic dashes/],
    ['em dashes', () => file('em.pem', dashes('——-')), /without five dashes|typographic dashes/],
    ['four dashes', () => file('four.pem', dashes('----')), /without five dashes/],
    [
      'text before',
      () => file('middle.pem', CERTIFICATE.replace('-----BEGIN', 'the certificate: -----BEGIN')),
      /in the middle of a line/,
    ],
    ['six dashes', () => file('six.pem', dashes('------')), /without five dashes/],
    [
      'non-breaking spaces',
      () => file('nbsp.pem', CERTIFICATE.replace('BEGIN CERT', 'BEGIN\u00a0CERT')),
      /non-breaking spaces/,
    ],
  ])('%s', async (name, make, words) => {
    const certificate = make();
    const { error } = await outcomeOf({ ...PAIR, certificate });
    expect(error).toMatchObject({
      name: 'IdentityError',
      code: 'ERR_PEM_INVALID',
      message: expect.stringMatching(words),
    });
    const { hint = '' } = error as { hint?: string };
    const mended = join(folder, `${name.replace(' ', '-')}-mended.pem`);
    const command = hint
      .replace(/^[^:]*: /, '')
      .replace('OLD', certificate)
      .replace('NEW', mended);
    execFileSync('sh', ['-c', command], { env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' } });
    expect((await outcomeOf({ ...PAIR, certificate: mended })).error).toBeUndefined();
  });

  it('a TRUSTED CERTIFICATE that holds none', async () => {
    const block = (body: string) =>
      `-----BEGIN TRUSTED CERTIFICATE-----\n${body}\n-----END TRUSTED CERTIFICATE-----\n`;
    for (const body of ['AAAA', 'MIIB', 'MAA=']) {
      const { error } = await outcomeOf({ ...PAIR, certificate: block(body) });
      expect(error).toMatchObject({ name: 'IdentityError', code: 'ERR_CERTIFICATE_INVALID' });
    }
  });

  it('ANY PRIVATE KEY', async () => {
    const privateKey = file('any.key', KEY.replaceAll(' PRIVATE KEY', ' ANY PRIVATE KEY'));
    const { error } = await outcomeOf({ ...PAIR, privateKey });
    expect(error).toMatchObject({
      code: 'ERR_PEM_INVALID',
      message: expect.stringContaining("sed 's/ANY PRIVATE KEY/PRIVATE KEY/' OLD > NEW"),
    });
  });

  it.each([
    ['JKS', 'feedfeed0000000200000001'],
    ['JCEKS', 'cececece0000000200000001'],
  ])('%s', async (kind, hex) => {
    const { error } = await outcomeOf({ certificate: file(`${kind}.jks`, Buffer.from(hex, 'hex')) });
    expect(error).toMatchObject({
      code: 'ERR_PEM_INVALID',
      message: expect.stringContaining(`found a Java keystore (${kind})`),
      hint: expect.stringMatching(
        /^convert a copy: keytool -importkeystore -srckeystore OLD -destkeystore NEW\.p12/,
      ),
    });
  });

  it.skipIf(!hasKeytool)('a keystore of keytool', async () => {
    const store = join(folder, 'real.jks');
    const options = ['-storepass', 'changeit', '-keypass', 'changeit', '-storetype', 'JKS', '-keyalg', 'RSA'];
    execFileSync(
      'keytool',
      ['-genkeypair', '-alias', 'a', '-dname', 'CN=a', '-keystore', store, ...options],
      { stdio: 'pipe' },
    );
    expect((await outcomeOf({ certificate: store })).error).toMatchObject({
      message: expect.stringContaining('(JKS)'),
    });
  });
});
