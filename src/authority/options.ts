/** The options of a private CA and their validation: subjects, names, validity, keys. */
import { OptionError } from '../errors.js';
import type { OptionRules } from '../options/read-options.js';
import { readOptions } from '../options/read-options.js';
import type { AuthorityKeyType } from './keys.js';

/** Attributes of a subject besides its common name, in the order of the certificate. */
export interface SubjectAttributes {
  /** Two letters. */
  readonly C?: string | undefined;
  readonly ST?: string | undefined;
  readonly L?: string | undefined;
  readonly O?: string | undefined;
  readonly OU?: string | undefined;
}

export interface SubjectOptions {
  /** Common name, 1 to 64 characters. */
  readonly commonName: string;
  /** Further attributes of the subject, each 1 to 64 characters. Default: none. */
  readonly subject?: SubjectAttributes | undefined;
}

/**
 * Names for subjectAltName. With `hosts`, the certificate also has extendedKeyUsage for TLS servers and
 * clients.
 */
export interface AlternativeNames {
  /** Host names and IP addresses. Default: none. */
  readonly hosts?: readonly string[] | undefined;
  /** URIs, such as SPIFFE IDs. Default: none. */
  readonly uris?: readonly string[] | undefined;
}

export interface ValidityOptions {
  /** Days that the certificate is valid, 1 to 36500. */
  readonly days?: number | undefined;
  /**
   * Start of the validity. Default: five minutes ago. An earlier start with few `days` gives an expired
   * certificate.
   */
  readonly notBefore?: Date | undefined;
}

export interface AuthorityOptions extends Partial<SubjectOptions> {
  /** Default `EC-P256`. */
  readonly keyType?: AuthorityKeyType | undefined;
  /** Days that the authority's certificate is valid, 1 to 36500. Default 365. */
  readonly days?: number | undefined;
  /** The clock that validity is counted from. Default: the system clock. */
  readonly now?: (() => Date) | undefined;
}

/** A new key and a certificate for it. Default validity: 30 days. */
export interface IssueOptions extends SubjectOptions, AlternativeNames, ValidityOptions {
  /** Default `EC-P256`. */
  readonly keyType?: AuthorityKeyType | undefined;
}

/** An intermediate authority. Default validity: 365 days. */
export interface IntermediateOptions extends SubjectOptions, ValidityOptions {
  /** Default `EC-P256`. */
  readonly keyType?: AuthorityKeyType | undefined;
  /** Intermediates that may follow below it, 0 to 4. Default 0. */
  readonly pathLength?: number | undefined;
}

/**
 * A certificate for a certificate request. Names default to those of the request. Default validity: 30 days.
 */
export interface SignOptions extends Partial<SubjectOptions>, AlternativeNames, ValidityOptions {}

export interface RequestOptions extends SubjectOptions, AlternativeNames {
  /** Type of the new key. Default `EC-P256`. */
  readonly keyType?: AuthorityKeyType | undefined;
  /** PEM of an existing private key, in place of a new one. */
  readonly privateKey?: string | undefined;
}

/** Reasons of RFC 5280 section 5.3.1 that a complete list may give. */
export const REVOCATION_REASONS = [
  ...(['unspecified', 'keyCompromise', 'cACompromise', 'affiliationChanged', 'superseded'] as const),
  ...(['cessationOfOperation', 'certificateHold', 'privilegeWithdrawn', 'aACompromise'] as const),
] as const;

export type RevocationReason = (typeof REVOCATION_REASONS)[number];

export interface Revocation {
  /** Hexadecimal, as `openssl x509 -serial` prints it. */
  readonly serialNumber: string;
  readonly revokedAt: Date;
  /** Default `unspecified`. */
  readonly reason?: RevocationReason | undefined;
}

export interface RevocationListOptions {
  readonly revocations: readonly Revocation[];
  /** The list's number, which grows with each list of an authority, from 0. Default: seconds since 1970. */
  readonly number?: number | undefined;
  /**
   * Days until the next list is due, 1 to 3650. Default 30. After that, verifiers may refuse the
   * certificates.
   */
  readonly days?: number | undefined;
}

/** An attribute of a subject. */
export const SUBJECT_TEXT_KIND = {
  type: 'pattern',
  pattern: /^[^\p{Cc}\p{Surrogate}]{1,64}$/u,
  rule: '1 to 64 characters',
} as const;
const DAYS = { type: 'integer', min: 1, max: 36_500 } as const;
const DATE = [(value: unknown) => value instanceof Date && !Number.isNaN(value.getTime()), 'a Date'] as const;
const HOST = /^[\w.:*-]{1,253}$/;
export const KEY_TYPE_KIND = {
  type: 'pattern',
  pattern: /^(EC-P256|EC-P384|EC-P521|RSA-2048|RSA-3072|RSA-4096)$/,
  rule: 'one of EC-P256, EC-P384, EC-P521, RSA-2048, RSA-3072, RSA-4096',
} as const;

const ATTRIBUTES = ['C', 'ST', 'L', 'O', 'OU'];

const SUBJECT: OptionRules<SubjectOptions> = {
  commonName: SUBJECT_TEXT_KIND,
  subject: [
    isSubject,
    `an object with ${ATTRIBUTES.join(', ')}: texts of 1 to 64 characters, C of two letters`,
  ],
};
const NAMES: OptionRules<AlternativeNames> = {
  hosts: [(value) => isListOf(value, HOST), 'a list of host names and addresses'],
  uris: [(value) => isListOf(value, /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]{1,2000}$/), 'a list of URIs'],
};
const VALIDITY: OptionRules<ValidityOptions> = { days: DAYS, notBefore: DATE };

export const AUTHORITY_RULES: OptionRules<AuthorityOptions> = {
  ...SUBJECT,
  keyType: KEY_TYPE_KIND,
  days: DAYS,
  now: [(value) => typeof value === 'function', 'a function'],
};
export const ISSUE_RULES: OptionRules<IssueOptions> = {
  ...SUBJECT,
  ...NAMES,
  ...VALIDITY,
  keyType: KEY_TYPE_KIND,
};
export const INTERMEDIATE_RULES: OptionRules<IntermediateOptions> = {
  ...SUBJECT,
  ...VALIDITY,
  keyType: KEY_TYPE_KIND,
  pathLength: { type: 'integer', min: 0, max: 4 },
};
export const SIGN_RULES: OptionRules<SignOptions> = { ...SUBJECT, ...NAMES, ...VALIDITY };
export const REQUEST_RULES: OptionRules<RequestOptions> = {
  ...SUBJECT,
  ...NAMES,
  keyType: KEY_TYPE_KIND,
  privateKey: [(value) => typeof value === 'string', 'PEM text'],
};
export const REVOCATION_LIST_RULES: OptionRules<RevocationListOptions> = {
  revocations: [isRevocations, 'a list of { serialNumber, revokedAt, reason }'],
  number: { type: 'integer', min: 0, max: Number.MAX_SAFE_INTEGER },
  days: { type: 'integer', min: 1, max: 3650 },
};

/** @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID` `ERR_OPTION_MISSING` */
export function readWithName<T extends SubjectOptions>(options: T, rules: OptionRules<T>): T {
  const given = readOptions(options, rules);
  if (given.commonName !== undefined) return given;
  throw new OptionError('ERR_OPTION_MISSING', 'missing commonName');
}

function isSubject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([name, text]) =>
      ATTRIBUTES.includes(name) &&
      typeof text === 'string' &&
      (name === 'C' ? /^[A-Z]{2}$/ : SUBJECT_TEXT_KIND.pattern).test(text),
  );
}

function isListOf(value: unknown, pattern: RegExp): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && pattern.test(item));
}

function isRevocations(value: unknown): boolean {
  return Array.isArray(value) && value.every(isRevocation);
}

function isRevocation(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const {
    serialNumber,
    revokedAt,
    reason = 'unspecified',
  }: Partial<Record<keyof Revocation, unknown>> = value;
  return (
    typeof serialNumber === 'string' &&
    /^[0-9A-Fa-f]{1,40}$/.test(serialNumber) &&
    DATE[0](revokedAt) &&
    REVOCATION_REASONS.some((known) => known === reason)
  );
}
