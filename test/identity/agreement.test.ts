/**
 * The client's checks and the emulator's rules are written twice and agree: the emulator refuses everything
 * that is an error in the client, and the client reports everything that the emulator refuses.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCertificate as parseByEmulator } from '../../src/emulator/pki/certificate.js';
import { loadMlDsa } from '../../src/emulator/pki/public-key.js';
import { checkLeaf } from '../../src/emulator/pki/trust.js';
import { parseCertificate } from '../../src/identity/certificate.js';
import { checkIdentity } from '../../src/identity/check-identity.js';
import { algorithmForKey } from '../../src/identity/keys/algorithms.js';
import { NOW, text } from '../fixtures.js';
import { bits, der, integer, oid, sequence } from './keys/der.js';
import {
  BASIC_CONSTRAINTS,
  CA_EXTENSIONS,
  extension,
  generalized,
  KEY_USAGE,
  LEAF_EXTENSIONS,
  makeCertificate,
  name,
  READS_TIMES_WITHOUT_SECONDS,
  utc,
} from './make-certificate.js';

/** The reason for which the emulator refuses the leaf itself; undefined if it accepts it. */
function refusedByEmulator(bytes: Buffer): string | undefined {
  try {
    const certificate = parseByEmulator(bytes);
    // It reads the key when it verifies a request.
    const isKnown = /^(rsa|ec|ml-dsa-\d\d)$/.test(certificate.publicKey.type);
    return checkLeaf(certificate, NOW) ?? (isKnown ? undefined : `key: ${certificate.publicKey.type}`);
  } catch (error) {
    return error instanceof Error ? error.message : 'unknown';
  }
}

interface Verdict {
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

async function judgedByClient(bytes: Buffer): Promise<Verdict> {
  try {
    const certificate = await parseCertificate(bytes, 'it');
    const algorithm = algorithmForKey(certificate.publicKey)?.name ?? '';
    const identity = { certificate, chain: [], algorithm, sign: async () => Buffer.alloc(0) };
    const findings = checkIdentity(identity, { now: () => NOW });
    const codes = (severity: string): string[] =>
      findings.filter((finding) => finding.severity === severity).map(({ code }) => code);
    return { errors: codes('error'), warnings: codes('warning') };
  } catch (error) {
    return {
      errors: [error instanceof Error && 'code' in error ? String(error.code) : 'unknown'],
      warnings: [],
    };
  }
}

async function disagreement(bytes: Buffer): Promise<string | undefined> {
  const refusal = refusedByEmulator(bytes);
  const { errors, warnings } = await judgedByClient(bytes);
  if (refusal === undefined && errors.length > 0) return `client: ${errors.join()}; emulator: nothing`;
  const named = [...errors, ...warnings].filter((code) => code !== 'WARN_KEY_SIZE');
  if (refusal !== undefined && named.length === 0) return `client: nothing; emulator: ${refusal}`;
  return undefined;
}

const FIXTURES = readdirSync(join(import.meta.dirname, '..', '..', 'certs'))
  .filter((file) => file.endsWith('.pem'))
  .flatMap((file) =>
    [...text(file).matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g)].map(
      ([, base64 = '']) => [file, Buffer.from(base64, 'base64')] as const,
    ),
  );

it('over every certificate of certs/', async () => {
  await loadMlDsa(FIXTURES.map(([, bytes]) => bytes));
  for (const [file, bytes] of FIXTURES) expect(await disagreement(bytes), file).toBeUndefined();
  expect(FIXTURES.length).toBeGreaterThan(80);
});

const PSS = sequence(
  oid('1.2.840.113549.1.1.10'),
  sequence(
    der(0xa0, sequence(oid('2.16.840.1.101.3.4.2.1'), der(0x05))),
    der(0xa1, sequence(oid('1.2.840.113549.1.1.8'), sequence(oid('2.16.840.1.101.3.4.2.1'), der(0x05)))),
    der(0xa2, integer(32)),
  ),
);
const EXPLICIT = (() => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1', paramEncoding: 'explicit' });
  return publicKey.export({ type: 'spki', format: 'der' });
})();
const ATTRIBUTE = (value: Buffer): Buffer => sequence(der(0x31, sequence(oid('2.5.4.3'), value)));

const WITHOUT_SECONDS = READS_TIMES_WITHOUT_SECONDS ? 'WARN_CERTIFICATE_UNUSUAL' : 'ERR_CERTIFICATE_INVALID';

/** The client's verdict on a mutant: `ERR_` refused, `WARN_` a warning, undefined accepted by both. */
const MUTANTS: ReadonlyArray<readonly [title: string, bytes: Buffer, code: string | undefined]> = [
  ['a good one', makeCertificate(), undefined],
  ['signed with RSASSA-PSS', makeCertificate({ algorithm: PSS }), 'WARN_CERTIFICATE_UNUSUAL'],
  ['an EC key with explicit parameters', makeCertificate({ spki: EXPLICIT }), 'WARN_CERTIFICATE_UNUSUAL'],
  ['serial number 0', makeCertificate({ serial: integer(0) }), 'WARN_CERTIFICATE_SERIAL'],
  ['a negative serial number', makeCertificate({ serial: der(0x02, [0xfb]) }), 'WARN_CERTIFICATE_SERIAL'],
  [
    'a serial number of 21 octets',
    makeCertificate({ serial: der(0x02, [1, ...Array(20).fill(0)]) }),
    'WARN_CERTIFICATE_SERIAL',
  ],
  [
    'a serial number of 20 octets and its sign',
    makeCertificate({ serial: der(0x02, [0, 0x80, ...Array(19).fill(0)]) }),
    'WARN_CERTIFICATE_SERIAL',
  ],
  [
    'the largest serial number',
    makeCertificate({ serial: der(0x02, [0x7f, ...Array(19).fill(0xff)]) }),
    undefined,
  ],
  [
    'BOOLEAN 01 as critical',
    makeCertificate({ extensions: [extension(KEY_USAGE, der(0x03, [7, 0x80]), 1)] }),
    'WARN_CERTIFICATE_UNUSUAL',
  ],
  [
    'BOOLEAN 00 written out',
    makeCertificate({ extensions: [extension(KEY_USAGE, der(0x03, [7, 0x80]), 0)] }),
    undefined,
  ],
  [
    'CA:TRUE as BOOLEAN 01',
    makeCertificate({
      extensions: [...LEAF_EXTENSIONS.slice(1), extension(BASIC_CONSTRAINTS, sequence(der(0x01, [1])))],
    }),
    'ERR_CERTIFICATE_IS_CA',
  ],
  ['an authority', makeCertificate({ extensions: CA_EXTENSIONS }), 'ERR_CERTIFICATE_IS_CA'],
  [
    'GeneralizedTime without seconds',
    makeCertificate({ notAfter: generalized('210001010000Z') }),
    WITHOUT_SECONDS,
  ],
  [
    'GeneralizedTime with a fraction',
    makeCertificate({ notAfter: generalized('21000101000000.5Z') }),
    'WARN_CERTIFICATE_UNUSUAL',
  ],
  ['UTCTime without seconds', makeCertificate({ notAfter: utc('3001010000Z') }), WITHOUT_SECONDS],
  [
    'UTCTime with an offset',
    makeCertificate({ notAfter: utc('300101000000+0100') }),
    'WARN_CERTIFICATE_UNUSUAL',
  ],
  ['a time that is none', makeCertificate({ notAfter: utc('301301000000Z') }), 'ERR_CERTIFICATE_INVALID'],
  ['expired', makeCertificate({ notAfter: utc('250101000000Z') }), 'ERR_CERTIFICATE_EXPIRED'],
  ['not yet valid', makeCertificate({ notBefore: utc('490101000000Z') }), 'ERR_CERTIFICATE_NOT_YET_VALID'],
  ['version 1 with extensions', makeCertificate({ version: 1 }), 'ERR_CERTIFICATE_VERSION'],
  ['version 2', makeCertificate({ version: 2, extensions: [] }), 'ERR_CERTIFICATE_VERSION'],
  ['without extensions', makeCertificate({ extensions: [] }), 'ERR_CERTIFICATE_KEY_USAGE'],
  [
    'an extension twice',
    makeCertificate({ extensions: [...LEAF_EXTENSIONS, ...LEAF_EXTENSIONS] }),
    'WARN_CERTIFICATE_UNUSUAL',
  ],
  [
    'an unknown critical extension',
    makeCertificate({ extensions: [...LEAF_EXTENSIONS, extension('1.2.3.4', der(0x05), 0xff)] }),
    'WARN_CERTIFICATE_UNUSUAL',
  ],
  [
    'an unknown extension',
    makeCertificate({ extensions: [...LEAF_EXTENSIONS, extension('1.2.3.4', der(0x05))] }),
    undefined,
  ],
  [
    'policyConstraints',
    makeCertificate({ extensions: [...LEAF_EXTENSIONS, extension('2.5.29.36', sequence(der(0x80, [0])))] }),
    'WARN_CERTIFICATE_UNUSUAL',
  ],
  [
    'nameConstraints',
    makeCertificate({
      extensions: [
        ...LEAF_EXTENSIONS,
        extension('2.5.29.30', sequence(der(0xa0, sequence(der(0x82, Buffer.from('example.com')))))),
      ],
    }),
    'WARN_CERTIFICATE_UNUSUAL',
  ],
  [
    'two algorithms',
    makeCertificate({ innerAlgorithm: sequence(oid('1.2.840.113549.1.1.12'), der(0x05)) }),
    'WARN_CERTIFICATE_UNUSUAL',
  ],
  ['an empty subject', makeCertificate({ subject: sequence() }), 'ERR_CERTIFICATE_SUBJECT'],
  [
    'a subject that is not UTF-8',
    makeCertificate({ subject: ATTRIBUTE(der(0x0c, [0xff])) }),
    'ERR_CERTIFICATE_INVALID',
  ],
  [
    'a subject that is half a BMPString',
    makeCertificate({ subject: ATTRIBUTE(der(0x1e, [0x00])) }),
    'ERR_CERTIFICATE_INVALID',
  ],
  ['a subject in Latin-1', makeCertificate({ subject: ATTRIBUTE(der(0x14, [0xe4])) }), undefined],
  [
    'a weak signature',
    makeCertificate({ algorithm: sequence(oid('1.2.840.113549.1.1.5'), der(0x05)) }),
    'ERR_CERTIFICATE_SIGNATURE',
  ],
  ['an Ed25519 key', makeCertificate({ spki: spkiOf('ed25519') }), 'ERR_KEY_UNSUPPORTED'],
  [
    'an RSA-PSS key',
    makeCertificate({
      spki: new X509Certificate(text('bad-rsa-pss.pem')).publicKey.export({ type: 'spki', format: 'der' }),
    }),
    'ERR_KEY_UNSUPPORTED',
  ],
  [
    'an unknown key',
    makeCertificate({ spki: sequence(sequence(oid('1.2.3.4')), bits(Buffer.alloc(32))) }),
    'ERR_KEY_UNSUPPORTED',
  ],
  [
    'a damaged EC key',
    makeCertificate({
      spki: sequence(
        sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')),
        bits(Buffer.alloc(65, 4)),
      ),
    }),
    'ERR_KEY_UNSUPPORTED',
  ],
];

function spkiOf(kind: 'ed25519'): Buffer {
  return generateKeyPairSync(kind).publicKey.export({ type: 'spki', format: 'der' });
}

describe('over mutants', () => {
  it.each(MUTANTS)('%s', async (_title, bytes, code) => {
    expect(await disagreement(bytes)).toBeUndefined();
    const { errors, warnings } = await judgedByClient(bytes);
    const found = [...errors, ...warnings];
    if (code === undefined) expect(found).toEqual([]);
    else expect(code.startsWith('ERR_') ? errors : found).toContain(code);
    if (code?.startsWith('WARN_')) expect(errors).toEqual([]);
  });

  it('and over altered octets', async () => {
    const whole = makeCertificate({ subject: name('altered') });
    const root = createPublicKey(createPrivateKey(text('root-rsa.key.pem')));
    expect(new X509Certificate(whole).verify(root)).toBe(true);
    const found: string[] = [];
    const key = new X509Certificate(whole).publicKey.export({ type: 'spki', format: 'der' });
    const [start, end] = [whole.indexOf(key), whole.indexOf(key) + key.length];
    // Every octet before the signature, which is not judged here.
    for (let at = 4; at < whole.length - 260; at++) {
      const altered = Buffer.from(whole);
      altered[at] = (altered[at] ?? 0) ^ ([0x01, 0x80, 0x20][at % 3] ?? 0);
      const problem = await disagreement(altered);
      // The client checks the numbers of a key, for its own protection.
      const isMeasured = at >= start && at < end && problem?.startsWith('client: ERR_');
      if (problem !== undefined && !isMeasured) found.push(`${at}: ${problem}`);
    }
    expect(found).toEqual([]);
  });
});
