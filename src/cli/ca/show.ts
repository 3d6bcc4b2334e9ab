/**
 * Formats the output of `ca show`: the CA's own certificate, and the certificates that it issued, as text or
 * JSON.
 */

import { X509Certificate } from 'node:crypto';
import { oneLine } from '../../errors.js';
import { jsonText } from '../terminal/json-text.js';
import type { CaFolder, CaIndex, IssuedEntry } from './ca-folder.js';
import { entryOf, subjectOf } from './ca-folder.js';

export function formatCa(ca: CaFolder, index: CaIndex, now: Date, asJson: boolean): string {
  const certificate = new X509Certificate(ca.certificate);
  const { issuedAt: _, ...own } = entryOf(certificate, now);
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  const isRoot = ca.chain === '';
  const issued = index.certificates.map((entry) => ({ ...entry, status: statusOf(entry, now) }));
  if (asJson) {
    const shown = {
      ...own,
      sha256: fingerprint,
      kind: isRoot ? 'root' : 'intermediate',
      certificates: issued,
    };
    return jsonText(shown);
  }
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
  const size = asymmetricKeyDetails?.namedCurve ?? `${asymmetricKeyDetails?.modulusLength} bits`;
  return [
    `${isRoot ? 'root' : 'intermediate'} CA ${subjectOf(certificate)}`,
    `  certificate    ${ca.files.certificate}`,
    `  serial number  ${own.serialNumber}`,
    `  SHA-256        ${fingerprint}`,
    `  key            ${asymmetricKeyType?.toUpperCase()} ${size}`,
    `  until          ${own.notAfter}`,
    ...(isRoot ? [] : [`  issuer         ${oneLine(certificate.issuer.split('\n').join(', '))}`]),
    '',
    issued.length === 0 ? 'nothing issued' : `${issued.length} issued:`,
    ...issued.map(({ serialNumber, subject, notAfter, status }) =>
      ['', serialNumber, status.padEnd(7), notAfter.slice(0, 10), oneLine(subject, 400)].join('  '),
    ),
    '',
  ].join('\n');
}

function statusOf({ revokedAt, notAfter }: IssuedEntry, now: Date): 'revoked' | 'expired' | 'valid' {
  if (revokedAt !== undefined) return 'revoked';
  return new Date(notAfter) < now ? 'expired' : 'valid';
}
