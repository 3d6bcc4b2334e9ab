import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RSA, startFakeService } from '../fake-service.js';
import { path, text } from '../fixtures.js';
import type { RunOptions } from '../program.js';
import { credentialProcess, report, runMain, runProgram } from '../program.js';

const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KEY = RSA.privateKey;
const SCRYPT = path('rsa-2048.scrypt.pem');
const MISSING = 'cannot be read: there is no such file';
const PASSPHRASE =
  'give it in --pkcs8-password-file or ROLESANYWHERE_PKCS8_PASSWORD, that of a PKCS#12 file in ' +
  '--pkcs12-password-file or ROLESANYWHERE_PKCS12_PASSWORD';
const TOO_BIG = 'cannot be read: it is larger than 1 MiB';
const COMPARE = 'compare `openssl x509 -in CERTIFICATE -noout -pubkey` with `openssl pkey -in KEY -pubout`';
const DN = 'C=DE, O=Example, OU=Fixtures';

type Flags = Record<string, string | undefined>;
type Row = [
  name: string,
  Flags,
  message: string,
  code: string,
  hint?: string | undefined,
  options?: RunOptions,
];

/** A file in place of the certificate, and the message about it. */
function certificate(name: string, file: string, said: string, code = 'ERR_PEM_INVALID'): Row {
  return [name, { certificate: file }, `certificate ${file} ${said}`, code];
}

/** A file in place of the key. */
function key(name: string, file: string, said: string, code = 'ERR_PEM_INVALID'): Row {
  return [name, { 'private-key': file }, `private key ${file} ${said}`, code];
}

/** Both files of a fixture. */
function both(name: string): Flags {
  return { certificate: path(`${name}.pem`), 'private-key': path(`${name}.key.pem`) };
}

const ROWS: readonly Row[] = [
  certificate('a missing certificate', '/no/host.pem', MISSING, 'ERR_FILE_UNREADABLE'),
  key('a missing key', '/no/host.key', MISSING, 'ERR_FILE_UNREADABLE'),
  [
    'missing intermediates',
    { intermediates: '/no/ca.pem' },
    `intermediates /no/ca.pem ${MISSING}`,
    'ERR_FILE_UNREADABLE',
  ],
  certificate('a directory', folder, 'cannot be read: it is a directory', 'ERR_FILE_UNREADABLE'),
  key('a directory for the key', folder, 'cannot be read: it is a directory', 'ERR_FILE_UNREADABLE'),
  key('a file without end', '/dev/zero', TOO_BIG, 'ERR_FILE_UNREADABLE'),
  certificate('an empty file', path('not-empty.pem'), 'is empty'),
  [
    'a home that no shell has expanded',
    { certificate: '~/no/such.pem' },
    `certificate ~/no/such.pem ${MISSING}`,
    'ERR_FILE_UNREADABLE',
    'only shells expand ~, and only at the beginning of a word: write the path in full',
  ],
  key('an empty key', path('not-empty.pem'), 'is empty'),
  key('nothing at all', '/dev/null', 'is empty'),
  certificate('garbage', path('not-garbage.pem'), 'is neither PEM nor DER'),
  key('garbage for the key', path('not-garbage.pem'), 'is neither PEM nor DER'),
  certificate('base64 damaged', path('not-base64.pem'), 'holds a CERTIFICATE block that is not base64'),
  certificate(
    'DER damaged',
    path('not-der.pem'),
    'holds something that is not an X.509 certificate',
    'ERR_CERTIFICATE_INVALID',
  ),
  certificate(
    'a PEM cut short',
    path('not-truncated.pem'),
    'is cut short: BEGIN CERTIFICATE without its END',
  ),
  key('a key cut short', path('not-truncated.key.pem'), 'is cut short: BEGIN PRIVATE KEY without its END'),
  certificate(
    'a CSR',
    path('not-csr.pem'),
    'must hold a certificate, found only a certificate request (CSR), which a CA has yet to sign',
  ),
  certificate('a public key', path('not-public-key.pem'), 'must hold a certificate, found only a public key'),
  key(
    'a public key for the key',
    path('not-public-key.pem'),
    'must hold a private key, found only a public key',
  ),
  certificate('a key for the certificate', KEY, 'must hold a certificate, found only a private key'),
  key('a certificate for the key', RSA.certificate, 'must hold a private key, found only a certificate'),
  [
    'no key',
    { 'private-key': undefined },
    `missing privateKey (--private-key), and certificate ${RSA.certificate} holds none`,
    'ERR_OPTION_MISSING',
    'see rolesanywhere credential-process --help',
  ],
  [
    'an empty standard input',
    { certificate: '-', 'private-key': undefined },
    'certificate from standard input is empty',
    'ERR_PEM_INVALID',
  ],
  [
    'a standard input of more than 1 MiB',
    { certificate: '-', 'private-key': undefined },
    `certificate from standard input ${TOO_BIG}`,
    'ERR_FILE_UNREADABLE',
    undefined,
    { input: Buffer.alloc(2 * 1024 * 1024, '-') },
  ],
  [
    'an encrypted key without a passphrase',
    { 'private-key': SCRYPT },
    `private key ${SCRYPT} is encrypted and no passphrase was given`,
    'ERR_KEY_PASSPHRASE',
    PASSPHRASE,
  ],
  [
    'an encrypted key on standard input without a passphrase or a terminal',
    { 'private-key': '-' },
    'private key from standard input is encrypted and no passphrase was given',
    'ERR_KEY_PASSPHRASE',
    PASSPHRASE,
    { input: text('rsa-2048.scrypt.pem') },
  ],
  ...['bad-ed25519: ed25519', 'bad-dsa: dsa 2048 bits', 'bad-rsa-pss: rsa-pss 2048 bits'].map((row): Row => {
    const [name = '', found = ''] = row.split(': ');
    return [
      `a key of another kind: ${found}`,
      both(name),
      `private key ${path(`${name}.key.pem`)} must be RSA, EC, ML-DSA-44, ML-DSA-65 or ML-DSA-87 to ` +
        `sign for IAM Roles Anywhere, found ${found}`,
      'ERR_KEY_UNSUPPORTED',
    ];
  }),
  [
    'a key that belongs to another certificate',
    both('bad-mismatch'),
    `private key ${path('bad-mismatch.key.pem')} (RSA 2048 bits) does not belong to certificate ` +
      `${path('bad-mismatch.pem')} (${DN}, CN=bad-mismatch, RSA 2048 bits)`,
    'ERR_KEY_MISMATCH',
    COMPARE,
  ],
  [
    'a CA',
    both('bad-ca'),
    `certificate ${DN}, CN=bad-ca must be an end-entity certificate, found basicConstraints CA:TRUE`,
    'ERR_CERTIFICATE_IS_CA',
    'request an end-entity certificate (basicConstraints CA:FALSE) from this CA and use that',
  ],
  [
    'too long a chain',
    { certificate: path('chain-6.fullchain.pem'), 'private-key': path('chain-6.key.pem') },
    `certificate ${path('chain-6.fullchain.pem')} has 6 intermediate certificates, the service takes ` +
      'at most 5',
    'ERR_CHAIN_TOO_LONG',
    'leave out those that do not lie between the certificate and the trust anchor',
  ],
];

describe('credential-process refuses, with nothing on stdout and nothing sent', () => {
  it.each(ROWS)('%s', async (_name, flags, message, code, hint, options) => {
    const { endpoint, requests } = await startFakeService([]);
    // A child has no terminal that could be asked for a passphrase.
    const run = options === undefined && code !== 'ERR_KEY_PASSPHRASE' ? runMain : runProgram;
    const outcome = await run(credentialProcess({ ...flags, endpoint }), options);
    const status = code.startsWith('ERR_OPTION_') ? 2 : 3;
    expect(outcome).toEqual({ status, stdout: '', stderr: report(message, code, hint) });
    expect(requests).toHaveLength(0);
  });

  it.each([
    ['by the environment', {}, { ROLESANYWHERE_PKCS8_PASSWORD: 'wrong' }, ''],
    [
      'by a flag',
      { 'pkcs8-password': 'wrong' },
      {} as Record<string, string>,
      'rolesanywhere: warning: --pkcs8-password shows the passphrase to every user of this machine; ' +
        'ROLESANYWHERE_PKCS8_PASSWORD does not\n',
    ],
  ])('an encrypted key with a wrong passphrase %s', async (_name, flags, env, warning) => {
    const { endpoint, requests } = await startFakeService([]);
    const args = credentialProcess({ ...flags, 'private-key': SCRYPT, endpoint });
    const { status, stdout, stderr } = await runMain(args, { env });
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(requests).toHaveLength(0);
    const said = `private key ${SCRYPT} cannot be decrypted: the passphrase is wrong`;
    expect(stderr).toBe(`${warning}${report(said, 'ERR_KEY_PASSPHRASE', PASSPHRASE)}`);
  });

  it('an expired certificate, with both dates', async () => {
    const { endpoint, requests } = await startFakeService([]);
    const outcome = await runMain(credentialProcess({ ...both('bad-expired'), endpoint }));
    expect(outcome).toMatchObject({ status: 3, stdout: '' });
    const [error, hint, ...rest] = outcome.stderr.split('\n');
    expect(error).toMatch(/ CN=bad-expired expired on 2021-01-01T00:00:00Z, now is 20[-\d]+T[\d:]+Z \(/);
    expect(error).toMatch(/^rolesanywhere: certificate C=DE, O=Example, .* \(ERR_CERTIFICATE_EXPIRED\)$/);
    expect(hint).toBe('hint: renew the certificate; if the date of now is wrong, set the clock');
    expect(rest).toEqual(['']);
    expect(requests).toHaveLength(0);
  });
});

/** Root may read everything: as root, the program runs as the user nobody. */
const uid = process.getuid?.() === 0 ? 65_534 : undefined;

describe.skipIf(process.platform === 'win32')('permission (left out where files have no modes)', () => {
  const [secret, locked] = [join(folder, 'secret.key'), join(folder, 'locked')];
  beforeAll(() => {
    writeFileSync(secret, text('rsa-2048.key.pem'));
    mkdirSync(locked);
    writeFileSync(join(locked, 'host.key'), text('rsa-2048.key.pem'));
    for (const [file, mode] of [
      [secret, 0o000],
      [locked, 0o000],
      [folder, 0o755],
    ] as const)
      chmodSync(file, mode);
  });
  afterAll(() => chmodSync(locked, 0o700));

  it.for([
    ['a file that is closed', secret],
    ['a folder that is closed', join(locked, 'host.key')],
  ])('%s is distinguished from a missing one', async ([, file], { skip }) => {
    const user = uid === undefined ? {} : { uid };
    const { status } = await runProgram(['version'], user);
    skip(status !== 0, 'the user nobody may not enter the folder of this checkout');
    const { endpoint, requests } = await startFakeService([]);
    const args = credentialProcess({ 'private-key': file, endpoint });
    expect(await runProgram(args, user)).toEqual({
      status: 3,
      stdout: '',
      stderr: report(
        `private key ${file} cannot be read: permission denied`,
        'ERR_FILE_UNREADABLE',
        'the user that runs this program must be allowed to read the file and to enter its folders',
      ),
    });
    expect(requests).toHaveLength(0);
  });
});
