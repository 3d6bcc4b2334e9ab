/**
 * A heap of certificates and a key in, the leaf and its ordered chain out.
 *
 * Files hold them in any order, more than once, with the root among them: the key tells which one is the leaf,
 * names and signatures tell the order (RFC 5280 §6.1).
 */
import { IdentityError } from '../errors.js';
import type { Certificate } from './certificate.js';
import type { PublicKey } from './keys/public-key.js';
import { isSameKey, isSignedBy } from './keys/public-key.js';

/** `X-Amz-X509-Chain` takes five certificates (IAM Roles Anywhere, CreateSession). */
const MAX_CHAIN_LENGTH = 5;

/**
 * The certificate that one of the keys belongs to. Where there are several (a renewal kept beside the old one), one
 * that is valid now, and of these the one that lasts longest.
 */
export function findLeaf(
  certificates: readonly Certificate[],
  keys: readonly PublicKey[],
  now: Date,
): Certificate | undefined {
  const own = certificates.filter(({ publicKey }) => keys.some((key) => isSameKey(key, publicKey)));
  const valid = own.filter(({ notBefore, notAfter }) => notBefore <= now && now <= notAfter);
  return [...(valid.length > 0 ? valid : own)].sort((a, b) => Number(b.notAfter) - Number(a.notAfter))[0];
}

/**
 * The rest, ordered from the leaf's issuer upwards, each certificate once, without roots (the service has its
 * trust anchor), without other certificates of the leaf's key, and without expired ones whose renewal is here. What does not link up comes last, for the
 * checks to name.
 *
 * @throws IdentityError `ERR_CHAIN_TOO_LONG`: more than five remain
 */
export function orderChain(
  leaf: Certificate,
  certificates: readonly Certificate[],
  subject: string,
  now: Date,
): Certificate[] {
  const rest = unique(certificates).filter(
    (certificate) =>
      !certificate.isSelfSigned &&
      !isReplaced(certificate, certificates, now) &&
      !isSameKey(certificate.publicKey, leaf.publicKey),
  );
  const linked = linkedFrom(leaf, rest);
  const chain = [...linked, ...rest.filter((certificate) => !linked.includes(certificate))];
  if (chain.length > MAX_CHAIN_LENGTH) {
    throw new IdentityError(
      'ERR_CHAIN_TOO_LONG',
      `${subject} has ${chain.length} intermediate certificates, the service takes at most ${MAX_CHAIN_LENGTH}`,
      { hint: 'leave out those that do not lie between the certificate and the trust anchor' },
    );
  }
  return chain;
}

/** Those that lead upwards from the leaf: its issuers, then theirs, breadth first since CAs cross-sign. */
export function linkedFrom(leaf: Certificate, certificates: readonly Certificate[]): Certificate[] {
  const linked: Certificate[] = [];
  for (let level = [leaf]; level.length > 0; ) {
    level = certificates.filter(
      (candidate) =>
        !linked.includes(candidate) && level.some((certificate) => hasIssued(candidate, certificate)),
    );
    linked.push(...level);
  }
  return linked;
}

/**
 * By name and signature alone. Whether the issuer was allowed to is another question, and the checks answer it
 * with a better message than "does not link up".
 */
function hasIssued(issuer: Certificate, certificate: Certificate): boolean {
  if (issuer === certificate || !isSameName(issuer.subject, certificate.issuer)) return false;
  return isSignedBy(certificate.raw, issuer.publicKey);
}

/** RFC 5280 §7.1: case and repeated blanks do not count. */
function isSameName(a: string, b: string): boolean {
  const fold = (name: string): string => name.toLowerCase().replace(/\s+/g, ' ');
  return fold(a) === fold(b);
}

/** An expired certificate of an authority whose renewed one is here too. */
function isReplaced(certificate: Certificate, all: readonly Certificate[], now: Date): boolean {
  const { subject, publicKey, notAfter } = certificate;
  return (
    notAfter < now &&
    all.some(
      (other) =>
        other.notAfter >= now && isSameName(other.subject, subject) && isSameKey(other.publicKey, publicKey),
    )
  );
}

function unique(certificates: readonly Certificate[]): Certificate[] {
  return certificates.filter(
    (certificate, index) => certificates.findIndex(({ raw }) => raw.equals(certificate.raw)) === index,
  );
}
