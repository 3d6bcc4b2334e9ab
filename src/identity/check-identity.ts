/**
 * Checks an identity before the service does: a flaw that the service refuses is an error, one that it may
 * refuse a warning.
 *
 * Source: "Signature verification" and "End-entity certificates" of the IAM Roles Anywhere trust model (X.509
 * v3, CA:FALSE, digitalSignature, SHA-256 or stronger, a subject, RSA, EC or ML-DSA keys), RFC 5280 for the
 * rest.
 */
import type { IdentityErrorCode } from '../errors.js';
import { IdentityError } from '../errors.js';
import type { Certificate } from './certificate.js';
import { levelsFrom, linkedFrom } from './chain.js';
import type { Finding } from './finding.js';
import { warning } from './finding.js';
import type { SigningIdentity } from './identity.js';
import { ALGORITHMS, algorithmForKey, describeKey, supportedKinds } from './keys/algorithms.js';
import { isSameKey } from './keys/public-key.js';

type Rule = (identity: SigningIdentity, now: Date) => Finding | undefined;

/** Below SHA-256. */
const WEAK_HASH = /^(md\d|sha1|sha224)$/;

/** The most helpful first. */
const RULES: readonly Rule[] = [
  checkKeyKind,
  checkKeyBelongs,
  checkValidity,
  checkVersion,
  checkNotCa,
  checkKeyUsage,
  checkSignatureHash,
  checkSubject,
  checkKeySize,
  checkSerialNumber,
  checkUnusual,
];

/** For identities with a chain. */
const CHAIN_RULES: typeof RULES = [
  checkChainLinks,
  checkChainAuthority,
  checkChainValidity,
  checkChainSignatures,
];

/**
 * Pure: no clock, no file, no network.
 *
 * @param context `now`: the clock to judge validity by; default the system clock
 * @returns findings, errors before warnings, each in the order of the rules; empty if the service would
 * accept the identity
 * @example const errors = checkIdentity(identity, { now: () => new Date() }).filter(({ severity }) =>
 *   severity === 'error');
 */
export function checkIdentity(
  identity: SigningIdentity,
  context: { readonly now?: () => Date } = {},
): Finding[] {
  const { now = () => new Date() } = context;
  const moment = now();
  const rules = identity.chain.length === 0 ? RULES : [...RULES, ...CHAIN_RULES];
  const found = rules.map((rule) => rule(identity, moment)).filter((finding) => finding !== undefined);
  const findings = [...found, ...(identity.notes ?? [])];
  return [
    ...findings.filter(({ severity }) => severity === 'error'),
    ...findings.filter(({ severity }) => severity === 'warning'),
  ];
}

/**
 * Refuses an identity that the service would refuse.
 *
 * @returns the warnings
 * @throws IdentityError with the first error's code, the messages of all, and the first hint as hint
 */
export function assertUsableIdentity(identity: SigningIdentity, now: Date): Finding[] {
  const findings = checkIdentity(identity, { now: () => now });
  const errors = findings.filter((finding) => finding.severity === 'error');
  const [first] = errors;
  if (first === undefined) return findings;
  const message = errors.map((finding) => finding.message).join('; ');
  throw new IdentityError(first.code, message, { hint: first.hint });
}

function error(code: IdentityErrorCode, message: string, hint: string): Finding {
  return { severity: 'error', code, message, hint };
}

function nameOf(certificate: Certificate): string {
  return `certificate ${certificate.subject || `with serial number ${certificate.serialNumber}`}`;
}

function isoSeconds(moment: Date): string {
  return moment.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function checkKeyKind({ certificate }: SigningIdentity): Finding | undefined {
  if (algorithmForKey(certificate.publicKey) !== undefined) return undefined;
  return error(
    'ERR_KEY_UNSUPPORTED',
    `${nameOf(certificate)} must have a key of kind ${supportedKinds()}, ` +
      `found ${describeKey(certificate.publicKey)}`,
    'request a certificate for an RSA key of 2048 bits or an EC key on P-256',
  );
}

function checkKeyBelongs({ certificate, algorithm, publicKey }: SigningIdentity): Finding | undefined {
  const own = algorithmForKey(certificate.publicKey);
  const isSame = publicKey === undefined || isSameKey(certificate.publicKey, publicKey);
  if (own === undefined || (own.name === algorithm && isSame)) return undefined;
  const signers = ALGORITHMS.filter(({ name }) => name === algorithm).map(({ label }) => label);
  const signer = signers.length === 1 ? signers[0] : algorithm;
  return error(
    'ERR_KEY_MISMATCH',
    `private key (${publicKey === undefined ? signer : describeKey(publicKey)}) does not belong to ` +
      `${nameOf(certificate)} (${describeKey(certificate.publicKey)})`,
    'give the key that the certificate was requested with',
  );
}

function checkValidity({ certificate }: SigningIdentity, now: Date): Finding | undefined {
  const { notBefore, notAfter } = certificate;
  if (now > notAfter) {
    return error(
      'ERR_CERTIFICATE_EXPIRED',
      `${nameOf(certificate)} expired on ${isoSeconds(notAfter)}, now is ${isoSeconds(now)}`,
      'renew the certificate; if the date of now is wrong, set the clock',
    );
  }
  if (now < notBefore) {
    return error(
      'ERR_CERTIFICATE_NOT_YET_VALID',
      `${nameOf(certificate)} is not valid before ${isoSeconds(notBefore)}, now is ${isoSeconds(now)}`,
      'wait until then; if the date of now is wrong, set the clock',
    );
  }
  return undefined;
}

function checkVersion({ certificate }: SigningIdentity): Finding | undefined {
  if (certificate.version === 3) return undefined;
  return error(
    'ERR_CERTIFICATE_VERSION',
    `${nameOf(certificate)} must be X.509 version 3, found version ${certificate.version}`,
    'sign it with extensions (openssl: -extfile or -copy_extensions), which makes it version 3',
  );
}

function checkNotCa({ certificate }: SigningIdentity): Finding | undefined {
  if (certificate.isCa !== true) return undefined;
  return error(
    'ERR_CERTIFICATE_IS_CA',
    `${nameOf(certificate)} must be an end-entity certificate, found basicConstraints CA:TRUE`,
    'request an end-entity certificate (basicConstraints CA:FALSE) from this CA and use that',
  );
}

function checkKeyUsage({ certificate }: SigningIdentity): Finding | undefined {
  const { keyUsage } = certificate;
  if (keyUsage?.includes('digitalSignature')) return undefined;
  return error(
    'ERR_CERTIFICATE_KEY_USAGE',
    `${nameOf(certificate)} must have keyUsage digitalSignature, ` +
      `found ${keyUsage?.join(', ') ?? 'no keyUsage'}`,
    'issue it again with keyUsage = critical, digitalSignature',
  );
}

function checkSignatureHash({ certificate }: SigningIdentity): Finding | undefined {
  if (!WEAK_HASH.test(certificate.signatureHash)) return undefined;
  return error(
    'ERR_CERTIFICATE_SIGNATURE',
    `${nameOf(certificate)} must be signed with SHA-256 or stronger, ` +
      `found ${certificate.signatureHash.toUpperCase()}`,
    'have the CA sign it again with SHA-256',
  );
}

function checkSubject({ certificate }: SigningIdentity): Finding | undefined {
  if (certificate.subject !== '') return undefined;
  return error(
    'ERR_CERTIFICATE_SUBJECT',
    `${nameOf(certificate)} must have a subject, found an empty one`,
    'request it again with at least a common name (CN)',
  );
}

function checkKeySize({ certificate }: SigningIdentity): Finding | undefined {
  const bits = certificate.publicKey.keyObject?.asymmetricKeyDetails?.modulusLength;
  if (bits === undefined || bits >= 2048) return undefined;
  return warning(
    'WARN_KEY_SIZE',
    `${nameOf(certificate)} should have an RSA key of at least 2048 bits, found ${bits}`,
    'make a new key of 2048 bits or more',
  );
}

/** RFC 5280 §4.1.2.2: positive, and at most 20 octets. */
function checkSerialNumber({ certificate }: SigningIdentity): Finding | undefined {
  const { serialNumber } = certificate;
  const serial = BigInt(serialNumber);
  if (serial > 0n && serial < 1n << 159n) return undefined;
  return warning(
    'WARN_CERTIFICATE_SERIAL',
    `${nameOf(certificate)} should have a positive serial number of at most 20 octets, found ${serialNumber}`,
    'issue it again with such a serial number; the service may refuse this one',
  );
}

/** The service's treatment of these is not documented. */
function checkUnusual({ certificate, chain }: SigningIdentity): Finding | undefined {
  const found = [certificate, ...chain]
    .map((one, index) => ({ one, flaws: unusualOf(one, index === 0) }))
    .find(({ flaws }) => flaws.length > 0);
  if (found === undefined) return undefined;
  return warning(
    'WARN_CERTIFICATE_UNUSUAL',
    `${nameOf(found.one)} has ${found.flaws.join(', and ')}, which the service may refuse`,
    'if it does, issue the certificate again without that',
  );
}

function unusualOf({ flaws = [], publicKey, hasNameConstraints }: Certificate, isLeaf: boolean): string[] {
  return [
    ...flaws,
    ...(publicKey.hasExplicitCurve ? ['a key whose curve is written out instead of named'] : []),
    ...(isLeaf && hasNameConstraints ? ['nameConstraints, which belong to authorities'] : []),
  ];
}

function checkChainLinks({ certificate, chain }: SigningIdentity): Finding | undefined {
  const linked = linkedFrom(certificate, chain);
  const stray = chain.find((intermediate) => !linked.includes(intermediate));
  if (stray === undefined) return undefined;
  return error(
    'ERR_CHAIN_BROKEN',
    `intermediate ${nameOf(stray)} has issued neither ${nameOf(certificate)} ` +
      `(issuer ${certificate.issuer}) nor another of its chain`,
    'give the intermediates between this certificate and the trust anchor, and no others',
  );
}

function checkChainAuthority({ certificate, chain }: SigningIdentity): Finding | undefined {
  const levels = levelsFrom(certificate, chain);
  const problems = chain.map((one) => {
    const below = Math.max(
      levels.findIndex((level) => level.includes(one)),
      0,
    );
    return problemOfAuthority(one, below);
  });
  const at = problems.findIndex((problem) => problem !== undefined);
  const found = chain[at];
  if (found === undefined) return undefined;
  return error(
    'ERR_CHAIN_NOT_CA',
    `intermediate ${nameOf(found)} must be a CA (CA:TRUE, keyCertSign), found ${problems[at]}`,
    'give the certificate of the CA that issued yours',
  );
}

/** @param below how many intermediates are below it (RFC 5280 §4.2.1.9) */
function problemOfAuthority({ isCa, keyUsage, pathLength }: Certificate, below: number): string | undefined {
  if (isCa !== true) return 'no CA:TRUE';
  if (keyUsage?.includes('keyCertSign') === false) return `keyUsage ${keyUsage.join(', ')}`;
  return (pathLength ?? below) < below ? `a limit of ${pathLength} CAs below it` : undefined;
}

function checkChainValidity({ chain }: SigningIdentity, now: Date): Finding | undefined {
  const expired = chain.find(({ notAfter }) => now > notAfter);
  if (expired !== undefined) {
    return error(
      'ERR_CHAIN_EXPIRED',
      `intermediate ${nameOf(expired)} expired on ${isoSeconds(expired.notAfter)}, now is ${isoSeconds(now)}`,
      "get the CA's renewed certificate; if the date of now is wrong, set the clock",
    );
  }
  const early = chain.find(({ notBefore }) => now < notBefore);
  if (early === undefined) return undefined;
  return error(
    'ERR_CHAIN_NOT_YET_VALID',
    `intermediate ${nameOf(early)} is not valid before ${isoSeconds(early.notBefore)}, ` +
      `now is ${isoSeconds(now)}`,
    'wait until then; if the date of now is wrong, set the clock',
  );
}

/** The service's rule for intermediates is not documented, unlike those for end entities and anchors. */
function checkChainSignatures({ chain }: SigningIdentity): Finding | undefined {
  const weak = chain.find(({ signatureHash }) => WEAK_HASH.test(signatureHash));
  if (weak === undefined) return undefined;
  return warning(
    'WARN_CHAIN_SIGNATURE',
    `intermediate ${nameOf(weak)} should be signed with SHA-256 or stronger, ` +
      `found ${weak.signatureHash.toUpperCase()}`,
    'have its CA issue it again with SHA-256',
  );
}
