/** Inputs below 1 MiB that would keep a program busy or fill its memory. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCertificates, loadIdentity, loadTrustBundle } from '../../src/identity/load.js';
import { text } from '../fixtures.js';
import { bits, der, integer, octets, oid, sequence } from './keys/der.js';
import { makeCertificate, name } from './make-certificate.js';

const MIB = 1024 * 1024;
const KEY = text('rsa-2048.key.pem');
const BODY = KEY.replace(/-----.*-----\n/g, '');

/** DER with a length of three octets. */
function large(tag: number, content: Buffer): Buffer {
  const { length } = content;
  return Buffer.concat([
    Buffer.from([tag, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]),
    content,
  ]);
}

function pkcs7(certificates: Buffer): Buffer {
  const data = sequence(oid('1.2.840.113549.1.7.1'));
  const signed = large(
    0x30,
    Buffer.concat([integer(1), der(0x31), data, large(0xa0, certificates), der(0x31)]),
  );
  return large(0x30, Buffer.concat([oid('1.2.840.113549.1.7.2'), large(0xa0, signed)]));
}

function pkcs12(bags: Buffer): Buffer {
  const data = (content: Buffer): Buffer =>
    large(0x30, Buffer.concat([oid('1.2.840.113549.1.7.1'), large(0xa0, large(0x04, content))]));
  return large(0x30, Buffer.concat([integer(3), data(large(0x30, data(large(0x30, bags))))]));
}

const EMPTY = Buffer.from([0x30, 0]);
const elements = (count: number): Buffer => Buffer.alloc(2 * count, EMPTY);
const pem = (label: string, body: string): string =>
  `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;

const BOMBS: ReadonlyArray<readonly [title: string, certificate: string | Buffer]> = [
  [
    'blanks before Proc-Type',
    pem('RSA PRIVATE KEY', `${' '.repeat(MIB - 2000)}Proc-Type: 4,ENCRYPTED\n\n${BODY}`),
  ],
  [
    'line feeds before Proc-Type',
    pem('RSA PRIVATE KEY', `${'\n'.repeat(MIB - 2000)}Proc-Type: 4,ENCRYPTED\n\n${BODY}`),
  ],
  ['headers by the thousand', pem('RSA PRIVATE KEY', `${'a: b\n'.repeat(200_000)}\n${BODY}`)],
  ['Proc-Type by the thousand', pem('RSA PRIVATE KEY', `${'Proc-Type: 4 \n'.repeat(70_000)}\n${BODY}`)],
  ['BEGIN marks by the thousand', '-----BEGIN CERTIFICATE-----\n'.repeat(37_000)],
  ['BEGIN marks in prose by the thousand', `x${'-----BEGIN CERTIFICATE-----'.repeat(37_000)}`],
  ['BEGIN marks without an end of their line', '-----BEGIN '.repeat(90_000)],
  ['END marks by the thousand', `-----BEGIN CERTIFICATE-----\n${'-----END X-----\n'.repeat(60_000)}`],
  ['blanks', ' '.repeat(MIB)],
  ['base64 of nothing', 'A'.repeat(MIB)],
  ['backslashes', `-----BEGIN CERTIFICATE-----\\n${'\\'.repeat(MIB - 100)}`],
  ['certificates by the thousand in PKCS#7', pkcs7(elements(500_000))],
  ['nothing by the thousand in PKCS#12', pkcs12(elements(500_000))],
  [
    'elements in a bag of PKCS#12',
    pkcs12(sequence(oid('1.2.840.113549.1.12.10.1.3'), large(0xa0, elements(400_000)))),
  ],
  [
    'an identifier of a megabyte',
    large(0x30, Buffer.concat([integer(3), large(0x30, large(0x06, Buffer.alloc(900_000, 3)))])),
  ],
  ['elements by the thousand', large(0x30, elements(500_000))],
  [
    'extensions by the thousand',
    makeCertificate({
      extensions: Array.from({ length: 5000 }, () => sequence(oid('1.2.3'), octets(Buffer.alloc(0)))),
    }),
  ],
  [
    'attributes by the thousand',
    makeCertificate({ subject: sequence(...Array.from({ length: 5000 }, () => name('x').subarray(2, 15))) }),
  ],
  [
    'a modulus of a megabyte',
    makeCertificate({
      spki: large(
        0x30,
        Buffer.concat([sequence(oid('1.2.840.113549.1.1.1'), der(0x05)), bits(Buffer.alloc(50_000, 1))]),
      ),
    }),
  ],
];

describe('a bomb is refused at once', () => {
  it.each(BOMBS)('%s', async (_title, certificate) => {
    const started = process.cpuUsage();
    const source = { certificate, privateKey: KEY };
    await expect(loadIdentity(source)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) });
    // A certificate with an unusable key is read: it may be off the path.
    await loadCertificates(source).catch(() => undefined);
    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1e6).toBeLessThan(2);
  });

  it('also in a long bundle of authorities', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-bombs-'));
    try {
      const started = process.cpuUsage();
      for (const [index, content] of BOMBS.slice(4, 8)
        .map(([, one]) => one)
        .entries()) {
        const path = join(folder, `${index}.pem`);
        writeFileSync(path, content);
        await expect(loadTrustBundle(path)).rejects.toMatchObject({ code: 'ERR_PEM_INVALID' });
      }
      const path = join(folder, 'many.pem');
      writeFileSync(path, text('root-rsa.pem').repeat(400));
      expect(await loadTrustBundle(path)).toContain('BEGIN CERTIFICATE');
      expect(process.cpuUsage(started).user / 1e6).toBeLessThan(2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
