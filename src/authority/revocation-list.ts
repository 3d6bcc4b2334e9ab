/**
 * Certificate revocation lists for `ImportCrl` of Roles Anywhere and for TLS.
 *
 * Rules: RFC 5280 section 5: version 2, with nextUpdate, cRLNumber and authorityKeyIdentifier
 */
import type { Issuer } from './certificate.js';
import { authorityKeyIdentifier, formatPem } from './certificate.js';
import type { RevocationListOptions } from './options.js';
import { loadX509 } from './x509.js';

const CRL_NUMBER = '2.5.29.20';
const DAY_MS = 86_400_000;

/** @returns PEM, `X509 CRL` */
export async function buildRevocationList(
  options: RevocationListOptions,
  issuer: Issuer,
  at: Date,
): Promise<string> {
  const { revocations, number = Math.floor(at.getTime() / 1000), days = 30 } = options;
  const x509 = await loadX509();
  const list = await x509.X509CrlGenerator.create({
    issuer: issuer.name,
    thisUpdate: at,
    nextUpdate: new Date(at.getTime() + days * DAY_MS),
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: issuer.keys.signing,
    entries: revocations.map(({ serialNumber, revokedAt, reason = 'unspecified' }) => ({
      serialNumber: serialNumber.length % 2 === 0 ? serialNumber : `0${serialNumber}`,
      revocationDate: revokedAt,
      // Section 5.3.1: the extension should be absent instead of "unspecified".
      ...(reason === 'unspecified' ? {} : { reason: x509.X509CrlReason[reason] }),
    })),
    extensions: [
      await authorityKeyIdentifier(issuer),
      new x509.Extension(CRL_NUMBER, false, encodeInteger(number)),
    ],
  });
  return formatPem('X509 CRL', list.rawData);
}

/** DER of an INTEGER that is not negative. */
function encodeInteger(value: number): Buffer {
  const hex = value.toString(16);
  const octets = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  const content = (octets[0] ?? 0) < 0x80 ? octets : Buffer.concat([Buffer.alloc(1), octets]);
  return Buffer.concat([Buffer.from([0x02, content.length]), content]);
}
