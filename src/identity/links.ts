/**
 * Decides whether one certificate issued another: by name, by key identifier, and by signature. Signatures
 * are costly: each pair is verified once, within limits.
 */
import { IdentityError } from '../errors.js';
import type { Certificate } from './certificate.js';
import type { PublicKey } from './keys/public-key.js';
import { isSignedBy } from './keys/public-key.js';

/** About a second: one unit is a verification with RSA of 2048 bits. */
const MAX_COST = 20_000;

/** The work spent on one set of certificates. */
export interface Budget {
  spent: number;
}

const verified = new WeakMap<Certificate, WeakMap<Certificate, boolean>>();

/**
 * The issuers of a certificate among others; those whose key identifier it names first (RFC 5280 §4.2.1.1).
 * This does not check whether an issuer was allowed to issue.
 *
 * @throws IdentityError `ERR_CHAIN_TOO_LONG`: so many certificates of one name that sorting them out takes
 *   too long
 */
export function issuersOf(
  certificate: Certificate,
  candidates: readonly Certificate[],
  budget: Budget = { spent: 0 },
): Certificate[] {
  const rank = (candidate: Certificate): number => (isNamedIssuer(certificate, candidate) ? 0 : 1);
  return candidates
    .filter((candidate) => candidate !== certificate && isSameName(candidate.subject, certificate.issuer))
    .sort((a, b) => rank(a) - rank(b))
    .filter((candidate) => hasSigned(candidate, certificate, budget));
}

function isNamedIssuer({ authorityKeyIdentifier }: Certificate, { keyIdentifier }: Certificate): boolean {
  return keyIdentifier !== undefined && authorityKeyIdentifier?.equals(keyIdentifier) === true;
}

function hasSigned(issuer: Certificate, certificate: Certificate, budget: Budget): boolean {
  const known = verified.get(certificate) ?? new WeakMap<Certificate, boolean>();
  verified.set(certificate, known);
  const result = known.get(issuer) ?? verify(issuer, certificate, budget);
  known.set(issuer, result);
  return result;
}

function verify(issuer: Certificate, certificate: Certificate, budget: Budget): boolean {
  budget.spent += costOf(issuer.publicKey);
  if (budget.spent > MAX_COST) {
    throw new IdentityError(
      'ERR_CHAIN_TOO_LONG',
      `there are too many certificates with the name ${issuer.subject} to find the chain among them`,
      { hint: 'give the intermediates between the certificate and the trust anchor alone' },
    );
  }
  return isSignedBy(certificate.raw, issuer.publicKey);
}

function costOf({ type, keyObject }: PublicKey): number {
  const { modulusLength, publicExponent } = keyObject?.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined) {
    const exponentBits = publicExponent?.toString(2).length ?? 17;
    return 4 + (modulusLength / 2048) ** 2 * Math.max(1, exponentBits / 17);
  }
  return type === 'ec' ? 20 : 200;
}

/** RFC 5280 §7.1: case and repeated spaces do not count. */
export function isSameName(a: string, b: string): boolean {
  return a === b || fold(a) === fold(b);
}

function fold(name: string): string {
  return name.toLowerCase().replace(/\s+/g, ' ');
}
