/**
 * Verifies end-entity certificates and their paths to a trust anchor.
 *
 * Certificate policies are not evaluated; a certificate that requires one is refused.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html (signature validation,
 * trust anchors, end-entity certificates) and RFC 5280 section 6.1
 */
import { IdentityError } from '../../errors.js';
import type { Certificate } from './certificate.js';
import { parseCertificate } from './certificate.js';
import { checkNames } from './name-constraints.js';
import { isSignedWith } from './public-key.js';
import type { RevocationList } from './revocation.js';
import { checkRevocation } from './revocation.js';
import { COMMON_RULES, END_ENTITY_RULES, findViolation, ISSUER_RULES } from './rules.js';

/**
 * Parses the certificates of a trust anchor. Their validity is checked by each session, since the clock moves.
 *
 * @throws IdentityError `ERR_PEM_INVALID` `ERR_CERTIFICATE_INVALID` `ERR_CHAIN_NOT_CA`
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
  // A trust anchor must have the extension, unlike an intermediate.
  const usage = keyUsage === undefined ? 'keyUsage: must include keyCertSign' : undefined;
  const problem = checkIssuer(certificate, notBefore) ?? usage;
  if (problem !== undefined) throw new IdentityError(code, `"${name}" cannot be a trust anchor: ${problem}`);
  return certificate;
}

/** The reason why the service refuses the end-entity certificate; undefined if it accepts it. */
export function checkLeaf(certificate: Certificate, at: Date): string | undefined {
  return findViolation([...END_ENTITY_RULES, ...COMMON_RULES], certificate, at);
}

/**
 * The reason why a certificate cannot issue; undefined if it can.
 *
 * @param below number of intermediates below it (RFC 5280 section 6.1.4)
 */
function checkIssuer(certificate: Certificate, at: Date, below = 0): string | undefined {
  const problem = findViolation(ISSUER_RULES, certificate, at);
  if (problem !== undefined) return problem;
  const limit = certificate.basicConstraints?.pathLength ?? Number.POSITIVE_INFINITY;
  if (below > limit) return `pathLenConstraint: allows ${limit} intermediates below it, found ${below}`;
  return findViolation(COMMON_RULES, certificate, at);
}

/** The limit of the log: a hostile chain has hundreds of dead ends. */
const MAX_PROBLEMS = 5;

export interface Trust {
  /** The chain of the request, in any order. It may contain the leaf and the root. */
  readonly chain: readonly Certificate[];
  readonly anchors: readonly Certificate[];
  readonly revocationLists: readonly RevocationList[];
}

/**
 * The reason why no path leads from the leaf to a trust anchor; undefined if one does. Tries every path,
 * because authorities renew, cross-sign, and share names.
 */
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

/**
 * Checks a complete path, whose last certificate is the anchor: name constraints from above, and revocation.
 */
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
