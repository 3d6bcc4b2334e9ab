/**
 * The rules for certificates, each with its cause: end-entity certificates, issuers, and both.
 *
 * The library checks the same rules before it asks (`identity/check-identity.ts`), written separately; a test
 * compares the two. The errors of the parsers in this folder (DER, names, key parameters) name their rules.
 */
import type { Certificate } from './certificate.js';
import { isStrongAlgorithm } from './public-key.js';

export interface CertificateRule {
  /** The begin of its message. */
  readonly name: string;
  /** `AWS`: the trust model page of the user guide. `RFC 5280`: with the section. `emulator`: decided here. */
  readonly cause: string;
  /** The violation; undefined if the certificate follows the rule. */
  readonly find: (certificate: Certificate, at: Date) => string | undefined;
}

/** Source of the rules of AWS: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html */
export const END_ENTITY_RULES: readonly CertificateRule[] = [
  {
    name: 'version',
    cause: 'AWS',
    find: ({ version }) => (version === 3 ? undefined : `expected X.509 v3, found v${version}`),
  },
  {
    name: 'serial number',
    // AWS's rule is unknown. The session name is made of the serial number.
    cause: 'RFC 5280 section 4.1.2.2',
    find: ({ serialNumber }) =>
      serialNumber > 0n && serialNumber < 1n << 159n
        ? undefined
        : `must be positive and at most 20 octets, found ${serialNumber}`,
  },
  {
    name: 'basicConstraints',
    cause: 'AWS',
    find: ({ basicConstraints }) =>
      basicConstraints?.isAuthority === true
        ? 'an end-entity certificate has CA:FALSE, found CA:TRUE'
        : undefined,
  },
  {
    name: 'keyUsage',
    cause: 'AWS',
    find: ({ keyUsage }) =>
      keyUsage?.includes('digitalSignature') === true
        ? undefined
        : `expected digitalSignature, found ${keyUsage?.join(', ') || 'none'}`,
  },
  {
    name: 'subject',
    cause: 'AWS',
    find: ({ subject }) => (subject.rdns.length === 0 ? 'must not be empty' : undefined),
  },
  {
    name: 'nameConstraints',
    cause: 'RFC 5280 section 4.2.1.10',
    find: ({ nameConstraints }) =>
      nameConstraints === undefined ? undefined : 'belong in the certificates of authorities',
  },
];

/** For trust anchors and intermediates. */
export const ISSUER_RULES: readonly CertificateRule[] = [
  {
    name: 'subject',
    cause: 'RFC 5280 section 4.1.2.6',
    find: ({ subject }) =>
      subject.rdns.length === 0 ? 'an issuer has a name (RFC 5280 section 4.1.2.6)' : undefined,
  },
  {
    name: 'basicConstraints',
    cause: 'AWS',
    find: ({ basicConstraints }) =>
      basicConstraints?.isAuthority === true ? undefined : 'an issuer has CA:TRUE',
  },
  {
    name: 'keyUsage',
    // An intermediate may omit the extension; a trust anchor may not.
    cause: 'AWS',
    find: ({ keyUsage }) =>
      keyUsage?.includes('keyCertSign') === false
        ? `an issuer has keyCertSign, found ${keyUsage.join(', ')}`
        : undefined,
  },
];

/** For every certificate of a path. */
export const COMMON_RULES: readonly CertificateRule[] = [
  {
    name: 'signature algorithm',
    cause: 'AWS',
    find(certificate) {
      if (isStrongAlgorithm(certificate)) return undefined;
      const found = certificate.signatureAlgorithm;
      return `expected RSA, ECDSA or ML-DSA with SHA-256 or stronger, found ${found}`;
    },
  },
  {
    name: 'validity',
    cause: 'RFC 5280 section 6.1.3',
    find({ notBefore, notAfter }, at) {
      if (at < notBefore) return `begins ${notBefore.toISOString()}, now is ${at.toISOString()}`;
      return at > notAfter ? `ended ${notAfter.toISOString()}, now is ${at.toISOString()}` : undefined;
    },
  },
  {
    name: 'extensions',
    // RFC 5280 section 4.2: a verifier refuses critical extensions that it does not process.
    cause: 'emulator',
    find: ({ unevaluated }) =>
      unevaluated.length === 0 ? undefined : `the emulator does not evaluate ${unevaluated.join(', ')}`,
  },
];

/** The first violation, after the name of its rule; undefined if there is none. */
export function findViolation(
  rules: readonly CertificateRule[],
  certificate: Certificate,
  at: Date,
): string | undefined {
  for (const { name, find } of rules) {
    const problem = find(certificate, at);
    if (problem !== undefined) return `${name}: ${problem}`;
  }
  return undefined;
}
