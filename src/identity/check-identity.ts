/**
 * An identity and a moment in, findings out: what the service would refuse, found before asking.
 *
 * Source: "Signature verification" and "End-entity certificates" of the IAM Roles Anywhere trust model (X.509
 * v3, CA:FALSE, digitalSignature, SHA-256 or stronger, a subject, RSA, EC or ML-DSA keys), RFC 5280 for the rest.
 */
import type { IdentityErrorCode } from '../errors.js';
import { IdentityError } from '../errors.js';
import type { Certificate } from './certificate.js';
import { linkedFrom } from './chain.js';
import type { SigningIdentity } from './identity.js';
import { ALGORITHMS, algorithmForKey, describeKey, supportedKinds } from './keys/algorithms.js';
import { isSameKey } from './keys/public-key.js';

interface FindingText {
  /** Subject, rule, actual: one line. */
  readonly message: string;
  /** What to do, one line. */
  readonly hint: string;
}

/** An error is what the service refuses; a warning works today, or may. */
export type Finding = FindingText &
  (
    | { readonly severity: 'error'; readonly code: IdentityErrorCode }
    | { readonly severity: 'warning'; readonly code: 'WARN_KEY_SIZE' | 'WARN_CHAIN_SIGNATURE' }
  );

type Rule = (identity: SigningIdentity, now: Date) => Finding | undefined;

/** Below SHA-256. */
const WEAK_HASH = /^(md\d|sha1|sha224)$/;

/** In the order in which a person would want to hear of them. */
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
  checkChainLinks,
  checkChainAuthority,
  checkChainValidity,
  checkChainSignatures,
];

/**
 * Pure: no clock, no file, no network.
 *
 * @param context `now`: the clock to judge validity by; default the system clock
 * @returns findings, errors before warnings, each in the order of the rules; empty where the service would have nothing to say
 * @example
 * const errors = checkIdentity(identity, { now: () => new Date() }).filter(({ severity }) => severity === 'error');
 */
export function checkIdentity(
  identity: SigningIdentity,
  context: { readonly now?: () => Date } = {},
): Finding[] {
  const { now = () => new Date() } = context;
  const moment = now();
  const findings = RULES.map((rule) => rule(identity, moment)).filter((finding) => finding !== undefined);
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
    `${nameOf(certificate)} must have a key of kind ${supportedKinds()}, found ${describeKey(certificate.publicKey)}`,
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
    `private key (${publicKey === undefined ? signer : describeKey(publicKey)}) does not belong to ${nameOf(certificate)} (${describeKey(certificate.publicKey)})`,
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
    `${nameOf(certificate)} must have keyUsage digitalSignature, found ${keyUsage?.join(', ') ?? 'no keyUsage'}`,
    'issue it again with keyUsage = critical, digitalSignature',
  );
}

function checkSignatureHash({ certificate }: SigningIdentity): Finding | undefined {
  if (!WEAK_HASH.test(certificate.signatureHash)) return undefined;
  return error(
    'ERR_CERTIFICATE_SIGNATURE',
    `${nameOf(certificate)} must be signed with SHA-256 or stronger, found ${certificate.signatureHash.toUpperCase()}`,
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
  return {
    severity: 'warning',
    code: 'WARN_KEY_SIZE',
    message: `${nameOf(certificate)} should have an RSA key of at least 2048 bits, found ${bits}`,
    hint: 'make a new key of 2048 bits or more',
  };
}

function checkChainLinks({ certificate, chain }: SigningIdentity): Finding | undefined {
  const linked = linkedFrom(certificate, chain);
  const stray = chain.find((intermediate) => !linked.includes(intermediate));
  if (stray === undefined) return undefined;
  return error(
    'ERR_CHAIN_BROKEN',
    `intermediate ${nameOf(stray)} has issued neither ${nameOf(certificate)} (issuer ${certificate.issuer}) nor another of its chain`,
    'give the intermediates between this certificate and the trust anchor, and no others',
  );
}

function checkChainAuthority({ chain }: SigningIdentity): Finding | undefined {
  const found = chain.find(
    ({ isCa, keyUsage }) => isCa !== true || keyUsage?.includes('keyCertSign') === false,
  );
  if (found === undefined) return undefined;
  return error(
    'ERR_CHAIN_NOT_CA',
    `intermediate ${nameOf(found)} must be a CA (CA:TRUE, keyCertSign), found ${found.isCa === true ? `keyUsage ${found.keyUsage?.join(', ')}` : 'no CA:TRUE'}`,
    'give the certificate of the CA that issued yours',
  );
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
    `intermediate ${nameOf(early)} is not valid before ${isoSeconds(early.notBefore)}, now is ${isoSeconds(now)}`,
    'wait until then; if the date of now is wrong, set the clock',
  );
}

/** The service's rule for intermediates is not documented; what it says of end entities and anchors is. */
function checkChainSignatures({ chain }: SigningIdentity): Finding | undefined {
  const weak = chain.find(({ signatureHash }) => WEAK_HASH.test(signatureHash));
  if (weak === undefined) return undefined;
  return {
    severity: 'warning',
    code: 'WARN_CHAIN_SIGNATURE',
    message: `intermediate ${nameOf(weak)} should be signed with SHA-256 or stronger, found ${weak.signatureHash.toUpperCase()}`,
    hint: 'have its CA issue it again with SHA-256',
  };
}
