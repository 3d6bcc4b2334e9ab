/**
 * Formats the output of `read-certificate-data`, byte for byte as AWS's Go helper prints it for RSA and EC.
 *
 * `supportedAlgorithms` names the digests of `sign-string --digest`. ML-DSA signs the data itself, without a
 * digest: its one algorithm has the name of the key's kind.
 */
import { createHash, X509Certificate } from 'node:crypto';
import type { Certificate } from '../../identity/certificate.js';
import { algorithmForKey } from '../../identity/keys/algorithms.js';

const DIGESTS = ['SHA256', 'SHA384', 'SHA512'];

export function formatCertificateData({ publicKey, base64, serialNumber }: Certificate): string {
  // Empty for an unsupported kind of key, as in the helper.
  const keyType = algorithmForKey(publicKey)?.label ?? '';
  return JSON.stringify({
    keyType,
    certificateData: base64,
    serialNumber,
    supportedAlgorithms: keyType.startsWith('ML-DSA')
      ? [keyType]
      : DIGESTS.map((digest) => `${keyType}${digest}`),
  });
}

/** The list of certificates on a token, line by line as the helper prints it. */
export function formatMatching(
  certificates: ReadonlyArray<{ readonly uri: string; readonly der: Buffer }>,
): string {
  if (certificates.length === 0) return 'No matching identities\n';
  const entries = certificates.map(({ uri, der }, index) => {
    const { subject, issuer, serialNumber } = new X509Certificate(der);
    return [
      `${index + 1}) Hex Fingerprint: ${createHash('sha1').update(der).digest('hex')}`,
      `Subject: ${inGoOrder(subject)}`,
      `Issuer: ${inGoOrder(issuer)}`,
      `Serial Number: ${serialNumber.replace(/^0+(?=.)/, '')}`,
      `URI: ${uri}`,
      '\n',
    ].join('\n');
  });
  return `Matching identities\n${entries.join('')}`;
}

/** Attributes from the last to the first, separated by commas (RFC 4514 §2.1). */
function inGoOrder(name: string): string {
  return name.split('\n').reverse().join(',');
}
