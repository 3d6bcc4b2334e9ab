/**
 * A certificate in, the JSON of `read-certificate-data` out, byte for byte as AWS's Go helper prints it for RSA and EC.
 *
 * `supportedAlgorithms` are the names of what `sign-string --digest` can do. ML-DSA signs the data itself, without a digest:
 * its one algorithm has the name of the key's kind.
 */
import type { Certificate } from '../../identity/certificate.js';
import { algorithmForKey } from '../../identity/keys/algorithms.js';

const DIGESTS = ['SHA256', 'SHA384', 'SHA512'];

export function formatCertificateData({ publicKey, base64, serialNumber }: Certificate): string {
  // Empty for a kind that cannot be used, as in the helper.
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
