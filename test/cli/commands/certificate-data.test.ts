import { describe, expect, it } from 'vitest';
import { formatCertificateData } from '../../../src/cli/commands/certificate-data.js';
import type { Certificate } from '../../../src/identity/certificate.js';

/** RSA, EC and other kinds are compared with the Go helper in `cli/helper-commands.test.ts`. */
describe('certificate data', () => {
  it.each(['44', '65', '87'])('of ML-DSA-%s', (level) => {
    const certificate = {
      base64: 'MAA=',
      serialNumber: '77',
      publicKey: { type: `ml-dsa-${level}` },
    } as Certificate;
    expect(formatCertificateData(certificate)).toBe(
      `{"keyType":"ML-DSA-${level}","certificateData":"MAA=","serialNumber":"77",` +
        `"supportedAlgorithms":["ML-DSA-${level}"]}`,
    );
  });
});
