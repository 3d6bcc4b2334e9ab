/**
 * Whom the service trusts. In: an end-entity certificate, the chain that came with it, a trust anchor with its
 * revocation lists, and a moment. Out: why the certificate, or every path above it, is not acceptable (`undefined` where
 * one is).
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html (signature validation, trust
 * anchors, end-entity certificates) and RFC 5280 section 6.1. Certificate policies are not evaluated; a certificate that
 * demands some is refused.
 */
import { IdentityError } from '../../errors.js';
import type { Certificate } from './certificate.js';
import { parseCertificate } from './certificate.js';
import { checkNames } from './name-constraints.js';
import { isSignedWith, isStrongAlgorithm } from './public-key.js';
import type { RevocationList } from './revocation.js';
import { checkRevocation } from './revocation.js';

/**
 * The certificates of a trust anchor. Throws IdentityError: `ERR_PEM_INVALID`, `ERR_CERTIFICATE_INVALID`,
 * `ERR_CHAIN_NOT_CA`. Its validity is left to the session, since the clock moves.
 */
export function parseTrustAnchor(pem: string): Certificate[] {
  const blocks = [
    ...pem.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g),
  ];
  if (blocks.length === 0) {
    throw new IdentityError(
      'ERR_PEM_INVALID',
      'the certificate authority must be PEM text with CERTIFICATE blocks',
    );
  }
  return blocks.map(([, base64 = '']) => parseAnchorCertificate(Buffer.from(base64, 'base64')));
}

function parseAnchorCertificate(der: Buffer): Certificate {
  let certificate: Certificate;
  try {
    certificate = parseCertificate(der);
  } catch (cause) {
    throw new IdentityError('ERR_CERTIFICATE_INVALID', 'a certificate of the authority cannot be read', {
      cause,
    });
  }
  const { name, basicConstraints, keyUsage, notBefore } = certificate;
  const code = basicConstraints?.isAuthority === true ? 'ERR_CERTIFICATE_INVALID' : 'ERR_CHAIN_NOT_CA';
  // Unlike an intermediate, an anchor must have the extension.
  const usage = keyUsage === undefined ? 'keyUsage: must include keyCertSign' : undefined;
  const problem = checkIssuer(certificate, notBefore) ?? usage;
  if (problem !== undefined) throw new IdentityError(code, `"${name}" cannot be a trust anchor: ${problem}`);
  return certificate;
}

/** Why AWS would not take this as an end-entity certificate. */
export function checkLeaf(certificate: Certificate, at: Date): string | undefined {
  const { version, serialNumber, basicConstraints, keyUsage, subject, nameConstraints } = certificate;
  if (version !== 3) return `version: expected X.509 v3, found v${version}`;
  // Unknown at AWS. RFC 5280 section 4.1.2.2 wants it positive and of 20 octets, and a session name is made of it.
  if (serialNumber <= 0n || serialNumber >= 1n << 159n) {
    return `serial number: must be positive and at most 20 octets, found ${serialNumber}`;
  }
  if (basicConstraints?.isAuthority === true)
    return 'basicConstraints: an end-entity certificate has CA:FALSE, found CA:TRUE';
  if (keyUsage?.includes('digitalSignature') !== true) {
    return `keyUsage: expected digitalSignature, found ${keyUsage?.join(', ') || 'none'}`;
  }
  if (subject.rdns.length === 0) return 'subject: must not be empty';
  if (nameConstraints !== undefined) return 'nameConstraints: belong in the certificates of authorities';
  return checkAny(certificate, at);
}

/** Why this cannot be a trust anchor, or cannot issue; `below` counts the intermediates under it (RFC 5280 6.1.4). */
function checkIssuer(certificate: Certificate, at: Date, below = 0): string | undefined {
  const { subject, basicConstraints, keyUsage } = certificate;
  if (subject.rdns.length === 0) return 'subject: an issuer has a name (RFC 5280 section 4.1.2.6)';
  if (basicConstraints?.isAuthority !== true) return 'basicConstraints: an issuer has CA:TRUE';
  if (keyUsage?.includes('keyCertSign') === false) {
    return `keyUsage: an issuer has keyCertSign, found ${keyUsage.join(', ')}`;
  }
  const limit = basicConstraints.pathLength ?? Number.POSITIVE_INFINITY;
  if (below > limit) return `pathLenConstraint: allows ${limit} intermediates below it, found ${below}`;
  return checkAny(certificate, at);
}

function checkAny(certificate: Certificate, at: Date): string | undefined {
  const { signatureAlgorithm, notBefore, notAfter, unevaluated } = certificate;
  if (!isStrongAlgorithm(certificate)) {
    return `signature algorithm: expected RSA, ECDSA or ML-DSA with SHA-256 or stronger, found ${signatureAlgorithm}`;
  }
  if (at < notBefore) return `validity: begins ${notBefore.toISOString()}, now is ${at.toISOString()}`;
  if (at > notAfter) return `validity: ended ${notAfter.toISOString()}, now is ${at.toISOString()}`;
  if (unevaluated.length > 0) return `extensions: the emulator does not evaluate ${unevaluated.join(', ')}`;
  return undefined;
}

/** For the log: chains that were made to confuse have hundreds of dead ends. */
const MAX_PROBLEMS = 5;

export interface Trust {
  /** What came with the leaf, in any order; it may hold the leaf and the root, which are not needed and do no harm. */
  readonly chain: readonly Certificate[];
  readonly anchors: readonly Certificate[];
  readonly revocationLists: readonly RevocationList[];
}

/** Why no path leads from the leaf to a trust anchor. Every path is tried: authorities renew, cross-sign, and share names. */
export function checkPath(leaf: Certificate, trust: Trust, at: Date): string | undefined {
  const { chain, anchors } = trust;
  const problems = new Set<string>();
  let last = leaf;
  const climb = (path: readonly Certificate[], candidates: readonly Certificate[]): boolean => {
    const subject = path.at(-1) ?? leaf;
    last = subject;
    // Self-issued certificates do not count against pathLenConstraint (RFC 5280 section 4.2.1.9).
    const below = path.slice(1).filter((one) => !isSelfIssued(one)).length;
    const issuers = [...anchors, ...candidates].filter((one) => one.subject.key === subject.issuer.key);
    return issuers.some((issuer) => {
      const isAnchor = anchors.includes(issuer);
      const longer = [...path, issuer];
      const problem =
        checkStep(subject, issuer, below, at) ?? (isAnchor ? checkWhole(longer, trust, at) : undefined);
      if (problem !== undefined) problems.add(problem);
      return problem === undefined && (isAnchor || climb(longer, without(candidates, issuer)));
    });
  };
  if (climb([leaf], without(chain, leaf))) return undefined;
  const sent =
    chain.length === 0 ? 'no chain was sent' : `chain sent: ${chain.map(({ name }) => name).join(' | ')}`;
  const missing = `"${last.name}" was issued by "${last.issuer.text}", which is missing`;
  const trusted = `trust anchor: ${anchors.map(({ name }) => name).join(' | ')}`;
  const found = problems.size === 0 ? missing : [...problems].slice(0, MAX_PROBLEMS).join('; ');
  return `path: ${found}; ${sent}; ${trusted}`;
}

function checkStep(subject: Certificate, issuer: Certificate, below: number, at: Date): string | undefined {
  const problem = isSignedWith(subject, issuer.publicKey)
    ? checkIssuer(issuer, at, below)
    : `has the name of the issuer, but its key did not sign "${subject.name}"`;
  return problem && `"${issuer.name}": ${problem}`;
}

/** What can be told only of a path that has arrived: name constraints from above, and revocation. The anchor is last. */
function checkWhole(path: readonly Certificate[], trust: Trust, at: Date): string | undefined {
  const authorities = [...trust.anchors, ...trust.chain];
  for (const [index, certificate] of path.slice(0, -1).entries()) {
    // Self-issued intermediates are exempt (RFC 5280 section 6.1.3), the leaf never is.
    const constrained = index > 0 && isSelfIssued(certificate) ? [] : path.slice(index + 1);
    const problem =
      constrained
        .map(({ nameConstraints }) => nameConstraints && checkNames(certificate, nameConstraints))
        .find((found) => found !== undefined) ??
      checkRevocation(certificate, trust.revocationLists, authorities, at);
    if (problem !== undefined) return `"${certificate.name}": ${problem}`;
  }
  return undefined;
}

function isSelfIssued({ subject, issuer }: Certificate): boolean {
  return subject.key === issuer.key;
}

function without(certificates: readonly Certificate[], one: Certificate): Certificate[] {
  return certificates.filter(({ x509 }) => !x509.raw.equals(one.x509.raw));
}
