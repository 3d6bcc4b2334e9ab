/** Our parser of certificates compared with `@peculiar/asn1-x509` and OpenSSL. */
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  AuthorityKeyIdentifier,
  BasicConstraints,
  KeyUsage,
  SubjectKeyIdentifier,
  Certificate as Theirs,
} from '@peculiar/asn1-x509';
import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../src/identity/certificate.js';
import { path } from '../fixtures.js';
import { der, integer } from './keys/der.js';
import {
  extension,
  generalized,
  makeCertificate,
  name,
  READS_TIMES_WITHOUT_SECONDS,
  utc,
} from './make-certificate.js';

const folder = join(import.meta.dirname, '..', '..', 'certs');

/** Every certificate of certs/ and of the vectors, once. */
const CERTIFICATES = new Map<string, Buffer>();
for (const file of readdirSync(folder).filter((one) => one.endsWith('.pem'))) {
  const blocks = readFileSync(path(file), 'utf8').matchAll(
    /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g,
  );
  for (const [, base64 = ''] of blocks) {
    const bytes = Buffer.from(base64, 'base64');
    if (bytes[0] === 0x30) CERTIFICATES.set(bytes.toString('base64'), bytes);
  }
}
const vectors = readFileSync(join(import.meta.dirname, '..', 'vectors', 'pki.json'), 'utf8');
for (const [, base64 = ''] of vectors.matchAll(/"(MII[A-Za-z0-9+/]{200,}={0,2})"/g)) {
  CERTIFICATES.set(base64, Buffer.from(base64, 'base64'));
}

describe('the parsers agree', () => {
  it('over more than a hundred certificates', () => {
    expect(CERTIFICATES.size).toBeGreaterThan(100);
  });

  it('on every one of them', async () => {
    for (const bytes of CERTIFICATES.values()) {
      const where = bytes.toString('base64');
      const theirs = attempt(() => readTheirs(bytes));
      const ours = await parseCertificate(bytes, 'it').catch(() => undefined);
      // Our parser may not accept a certificate that both others refuse.
      expect(ours === undefined, where).toBe(theirs === undefined);
      if (ours === undefined) continue;
      const { publicKey, ...fields } = ours;
      expect({ ...fields, keyUsage: fields.keyUsage?.toSorted() }, where).toMatchObject(theirs ?? {});
      const openssl = new X509Certificate(bytes);
      const key = attempt(() => openssl.publicKey);
      const spki = attempt(() => key?.export({ type: 'spki', format: 'der' }));
      expect(publicKey.type, where).toBe(key?.asymmetricKeyType ?? publicKey.type);
      expect(Buffer.from(publicKey.spki), where).toEqual(spki ?? Buffer.from(publicKey.spki));
      const isSelfSigned = openssl.subject === openssl.issuer && key !== undefined && openssl.verify(key);
      if (key !== undefined) expect(fields.isSelfSigned, where).toBe(isSelfSigned);
    }
  });
});

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function decimalOf(hex: string): string {
  const value = BigInt(`0x${hex.replace('-', '')}`);
  return String(hex.startsWith('-') ? -value : value);
}

function readTheirs(bytes: Buffer): Record<string, unknown> {
  const { tbsCertificate: tbs } = AsnConvert.parse(bytes, Theirs);
  const openssl = new X509Certificate(bytes);
  const value = <T>(id: string, schema: new () => T): T | undefined => {
    const found = tbs.extensions?.find(({ extnID }) => extnID === id);
    return found && AsnConvert.parse(found.extnValue.buffer, schema);
  };
  const constraints = value('2.5.29.19', BasicConstraints);
  const usage = value('2.5.29.15', KeyUsage);
  const own = value('2.5.29.14', SubjectKeyIdentifier);
  const above = value('2.5.29.35', AuthorityKeyIdentifier)?.keyIdentifier;
  return {
    base64: openssl.raw.toString('base64'),
    version: tbs.version + 1,
    serialNumber: decimalOf(openssl.serialNumber),
    notBefore: tbs.validity.notBefore.getTime(),
    notAfter: tbs.validity.notAfter.getTime(),
    isCa: constraints?.cA,
    pathLength: constraints?.pathLenConstraint,
    // It has another name for cRLSign.
    keyUsage: usage
      ?.toJSON()
      .map((one) => (one === 'crlSign' ? 'cRLSign' : one))
      .toSorted(),
    keyIdentifier: own && Buffer.from(own.buffer),
    authorityKeyIdentifier: above && Buffer.from(above.buffer),
  };
}

describe('times are parsed by RFC 5280', () => {
  it.each<[string, Buffer, string]>([
    ['UTCTime', utc('300102030405Z'), '2030-01-02T03:04:05Z'],
    ['UTCTime of the last century', utc('500102030405Z'), '1950-01-02T03:04:05Z'],
    ['UTCTime with an offset', utc('300102030405+0130'), '2030-01-02T01:34:05Z'],
    ['UTCTime without seconds, with an offset', utc('3001020304-0500'), '2030-01-02T08:04:00Z'],
    ['GeneralizedTime', generalized('21240101000000Z'), '2124-01-01T00:00:00Z'],
    ['GeneralizedTime with a fraction', generalized('21240101000000.123Z'), '2124-01-01T00:00:00Z'],
    ['GeneralizedTime with an offset', generalized('21240101000000+0100'), '2123-12-31T23:00:00Z'],
    ['a day that there is', utc('280229000000Z'), '2028-02-29T00:00:00Z'],
  ])('%s', async (title, notAfter, expected) => {
    const certificate = await parseCertificate(makeCertificate({ notAfter }), 'it');
    expect(certificate.notAfter).toEqual(new Date(expected));
    const isPlain = /^(UTCTime|GeneralizedTime|UTCTime of the last century|a day that there is)$/.test(title);
    expect(certificate.flaws).toEqual(isPlain ? [] : ['a time that is not in UTC to the second']);
  });

  it.each<[string, Buffer, string]>([
    ['UTCTime', utc('3001020304Z'), '2030-01-02T03:04:00Z'],
    ['GeneralizedTime', generalized('212401010000Z'), '2124-01-01T00:00:00Z'],
  ])('%s without seconds: as OpenSSL reads it', async (_kind, notAfter, expected) => {
    const certificate = parseCertificate(makeCertificate({ notAfter }), 'it');
    if (READS_TIMES_WITHOUT_SECONDS) {
      expect((await certificate).notAfter).toEqual(new Date(expected));
      expect((await certificate).flaws).toEqual(['a time that is not in UTC to the second']);
    } else {
      await expect(certificate).rejects.toMatchObject({ code: 'ERR_CERTIFICATE_INVALID' });
    }
  });

  it.each<[string, Buffer]>([
    ['a month 13', utc('301302030405Z')],
    ['a day that there is not', utc('290229000000Z')],
    ['an hour 24', utc('300102240000Z')],
    ['a second 60', utc('300102030460Z')],
    ['no zone', utc('300102030405')],
    ['an offset of 24 hours', utc('300102030405+2400')],
    ['no zone in a GeneralizedTime', generalized('21240101000000')],
    ['hours alone', generalized('2124010100Z')],
    ['letters', utc('3001020304xxZ')],
    ['blanks', utc('30 1 2030405Z')],
    ['a sign', utc('-00102030405Z')],
    ['no octets', utc('')],
    ['another type', der(0x02, [1])],
  ])('refuses %s as a time', async (_name, notAfter) => {
    await expect(parseCertificate(makeCertificate({ notAfter }), 'it')).rejects.toMatchObject({
      code: 'ERR_CERTIFICATE_INVALID',
    });
  });
});

describe('flaws are named', () => {
  const long = (size: number): Buffer => extension('1.2.3.4', Buffer.alloc(size));
  it.each<[string, Buffer, string]>([
    [
      'a BOOLEAN 01',
      makeCertificate({ extensions: [extension('2.5.29.19', Buffer.from('3003010101', 'hex'), 0xff)] }),
      'a BOOLEAN that is neither 00 nor FF',
    ],
    [
      'a critical 01',
      makeCertificate({ extensions: [extension('2.5.29.15', Buffer.from('03020780', 'hex'), 1)] }),
      'a BOOLEAN that is neither 00 nor FF',
    ],
    [
      'a padded number',
      makeCertificate({ extensions: [extension('2.5.29.19', Buffer.from('30040202000a', 'hex'), 0xff)] }),
      'an INTEGER in more octets than it needs, or in none',
    ],
    ['an extension twice', makeCertificate({ extensions: [long(1), long(1)] }), 'an extension twice'],
    [
      'extensions in version 1',
      makeCertificate({ version: 1 }),
      'extensions, which need version 3, in version 1',
    ],
    [
      'an unknown critical extension',
      makeCertificate({ extensions: [extension('1.2.3.4', Buffer.alloc(1), 0xff)] }),
      'the extension 1.2.3.4, which may be unsupported',
    ],
  ])('%s', async (_name, bytes, flaw) => {
    expect((await parseCertificate(bytes, 'it')).flaws).toContain(flaw);
  });

  it('an ordinary certificate has none', async () => {
    const certificate = await parseCertificate(makeCertificate(), 'it');
    expect(certificate.flaws).toEqual([]);
    expect(certificate.subject).toBe('C=DE, O=Example, OU=Fixtures, CN=made');
  });

  it('a certificate that OpenSSL or the structure refuses is an error', async () => {
    for (const bytes of [
      makeCertificate({ subject: integer(1) }),
      makeCertificate({ spki: integer(1) }),
      makeCertificate({ extensions: [long(70_000)] }),
      makeCertificate({ extensions: [extension('2.5.29.19', integer(1), 0xff)] }),
      Buffer.concat([Buffer.from([0x30, 0x82, 0x01, 0x00]), name('x')]),
    ]) {
      await expect(parseCertificate(bytes, 'it')).rejects.toMatchObject({ code: 'ERR_CERTIFICATE_INVALID' });
    }
  });
});
