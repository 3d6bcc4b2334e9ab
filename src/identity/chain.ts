/**
 * Finds the chain of a leaf among certificates in any order: duplicates, roots, certificates of other hosts
 * and authorities, cross-signed and renewed ones (RFC 5280 §6.1).
 *
 * The service has its trust anchor, which is not known here. So the question is whether the certificates that
 * were given lead upwards from the leaf; certificates off the path are left out.
 */
import { IdentityError } from '../errors.js';
import type { Certificate } from './certificate.js';
import { isSameKey } from './keys/public-key.js';
import type { Budget } from './links.js';
import { isSameName, issuersOf } from './links.js';

/** `X-Amz-X509-Chain` takes five certificates (IAM Roles Anywhere, CreateSession). */
const MAX_CHAIN_LENGTH = 5;

export interface Chain {
  /** From the leaf's issuer upwards, without roots; at most five. */
  readonly chain: readonly Certificate[];
  /** Certificates, no roots and no renewals of those, that are on no usable path. */
  readonly leftOut: readonly Certificate[];
}

/** A certificate that the leaf leads to, and what it issued on the way. */
interface Step {
  readonly certificate: Certificate;
  readonly below: Step | undefined;
  /** The number of intermediates on the path to it, itself included. */
  readonly length: number;
}

/** The result of the search upwards. */
interface Search {
  readonly reached: Step[];
  /** Steps that end at a root that was given. */
  readonly complete: Step[];
  /** Issuers that cannot be used: expired, or no authority. */
  readonly unusable: Step[];
}

/**
 * @param subject how messages name the input
 * @throws IdentityError `ERR_CHAIN_TOO_LONG`: the shortest way up has more than five certificates
 */
export function selectChain(
  leaf: Certificate,
  certificates: readonly Certificate[],
  subject: string,
  now: Date,
): Chain {
  // The leaf alone has no way up.
  if (certificates.length === 1) return { chain: Object.freeze([]), leftOut: Object.freeze([]) };
  const others = unique(certificates).filter(
    ({ base64, publicKey }) => base64 !== leaf.base64 && !isSameKey(publicKey, leaf.publicKey),
  );
  const budget = { spent: 0 };
  const search = climb(leaf, others, now, budget);
  const missing = neededOf(search, leaf, others, now, budget);
  const chain = missing === undefined ? waysUp(search, subject) : pathOf(missing);
  const unused = unique(certificates).filter(
    (one) =>
      one.base64 !== leaf.base64 &&
      !isSameName(one.subject, one.issuer) &&
      !chain.some((sent) => sent === one || (isSameName(sent.subject, one.subject) && isRenewal(sent, one))),
  );
  return { chain: Object.freeze(chain), leftOut: Object.freeze(unused) };
}

/** Breadth first through every usable issuer, since authorities cross-sign. */
function climb(leaf: Certificate, others: readonly Certificate[], now: Date, budget: Budget): Search {
  const search: Search = { reached: [], complete: [], unusable: [] };
  const start: Step = { certificate: leaf, below: undefined, length: 0 };
  for (let level = [start]; level.length > 0; ) {
    level = level.flatMap((below) => stepUp(below, others, search, now, budget));
  }
  return search;
}

/** The steps above one, of those that are new. */
function stepUp(
  below: Step,
  others: readonly Certificate[],
  { reached, complete, unusable }: Search,
  now: Date,
  budget: Budget,
): Step[] {
  const issuers = newest(issuersOf(below.certificate, others, budget), now);
  const isKnown = (one: Certificate): boolean => reached.some(({ certificate }) => certificate === one);
  const hasRoot = issuers.some((one) => one.isSelfSigned && isUsable(one, now, below.length));
  if (hasRoot) complete.push(below);
  const steps = issuers
    .filter((one) => !one.isSelfSigned && !isKnown(one))
    .map((certificate) => ({ certificate, below, length: below.length + 1 }));
  const usable = steps.filter(({ certificate }) => isUsable(certificate, now, below.length));
  reached.push(...usable);
  unusable.push(...steps.filter((step) => !usable.includes(step)));
  return usable;
}

/** @param below how many intermediates are below it (RFC 5280 §4.2.1.9) */
function isUsable(certificate: Certificate, now: Date, below: number): boolean {
  const { isCa, keyUsage, pathLength = below, notBefore, notAfter } = certificate;
  const isAuthority = isCa === true && keyUsage?.includes('keyCertSign') !== false;
  return isAuthority && pathLength >= below && notBefore <= now && now <= notAfter;
}

/** Of several certificates that an issuer gave one key under one name, the valid one that ends last. */
function newest(issuers: readonly Certificate[], now: Date): Certificate[] {
  const byEnd = issuers.toSorted((a, b) => endOf(b, now) - endOf(a, now));
  return issuers.filter((one) => byEnd.find((other) => isRenewal(one, other)) === one);
}

function isRenewal(a: Certificate, b: Certificate): boolean {
  return isSameName(a.issuer, b.issuer) && isSameKey(a.publicKey, b.publicKey);
}

/** Certificates that are not valid now sort last. */
export function endOf({ notBefore, notAfter }: Certificate, now: Date): number {
  return Number(notAfter) - (notBefore <= now && now <= notAfter ? 0 : 1e15);
}

/**
 * An intermediate that was given, cannot be used, and has no replacement: the leaf's own issuer, or one
 * between a usable one and a root that was given. Higher up, an unusable certificate may stand for the trust
 * anchor itself, as an expired cross-signed root does, and is left out.
 */
function neededOf(
  { reached, complete, unusable }: Search,
  leaf: Certificate,
  others: readonly Certificate[],
  now: Date,
  budget: Budget,
): Step | undefined {
  if (complete.length > 0) return undefined;
  if (reached.length > 0) {
    return unusable.find(({ certificate }) =>
      issuersOf(certificate, others, budget).some((root) => root.isSelfSigned && isUsable(root, now, 0)),
    );
  }
  // A certificate with the name of the issuer and another key: the checks say so.
  const namesake = others.find((one) => isSameName(one.subject, leaf.issuer) && !one.isSelfSigned);
  return unusable[0] ?? (namesake && { certificate: namesake, below: undefined, length: 1 });
}

/**
 * All usable certificates if they fit, else the shortest path, to a root if there is one.
 *
 * Usually they are one path. If an authority is cross-signed, two valid paths fork, and the trust anchor,
 * which decides between them, is known to the service alone: one path would be refused half of the time.
 * Verifiers build paths from the certificates that they are given (RFC 4158).
 */
function waysUp({ reached, complete }: Search, subject: string): Certificate[] {
  if (reached.length <= MAX_CHAIN_LENGTH) return reached.map(({ certificate }) => certificate);
  const tops = reached.filter((step) => !reached.some(({ below }) => below === step));
  const [best] = (complete.length > 0 ? complete : tops).toSorted((a, b) => a.length - b.length);
  const length = best?.length ?? reached.length;
  if (best !== undefined && length <= MAX_CHAIN_LENGTH) return pathOf(best);
  throw new IdentityError(
    'ERR_CHAIN_TOO_LONG',
    `${subject} has ${length} intermediate certificates, the service takes at most ${MAX_CHAIN_LENGTH}`,
    { hint: 'leave out those that do not lie between the certificate and the trust anchor' },
  );
}

function pathOf(top: Step): Certificate[] {
  const path: Certificate[] = [];
  for (let step: Step | undefined = top; step !== undefined && step.length > 0; step = step.below) {
    path.unshift(step.certificate);
  }
  return path;
}

/**
 * The certificates that lead upwards from the leaf by names and signatures only: its issuers, then theirs.
 */
export function linkedFrom(leaf: Certificate, certificates: readonly Certificate[]): Certificate[] {
  return levelsFrom(leaf, certificates).flat();
}

/** The same by distance from the leaf: its issuers are the first level. */
export function levelsFrom(leaf: Certificate, certificates: readonly Certificate[]): Certificate[][] {
  const levels: Certificate[][] = [];
  const budget = { spent: 0 };
  for (let level = [leaf]; level.length > 0; ) {
    const issuers = new Set(level.flatMap((certificate) => issuersOf(certificate, certificates, budget)));
    level = [...issuers].filter((issuer) => !levels.flat().includes(issuer));
    if (level.length > 0) levels.push(level);
  }
  return levels;
}

function unique(certificates: readonly Certificate[]): Certificate[] {
  return [...new Map(certificates.map((certificate) => [certificate.base64, certificate])).values()];
}
