/**
 * A throw-away certificate authority. In: names, key types, days. Out: PEM certificates and keys that AWS would accept.
 * For tests and demonstrations: its key lives in memory only, and nothing is ever revoked.
 * Rules: RFC 5280 section 4, and
 * https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html#signature-verification
 */

// @peculiar/x509 throws without this polyfill; here, so that nobody who imports us has to know.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  PemConverter,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { OptionError } from '../errors.js';

/** `EC-P256`, or `RSA-2048`, which takes a second or so to generate. */
export type AuthorityKeyType = 'EC-P256' | 'RSA-2048';

export interface AuthorityOptions {
  /** Common name of the authority, 1 to 64 characters. Default `Emulator CA`. */
  readonly commonName?: string | undefined;
  /** Default `EC-P256`. */
  readonly keyType?: AuthorityKeyType | undefined;
  /** Days that the authority's certificate is valid, 1 to 36500. Default 365. */
  readonly days?: number | undefined;
  /** The clock that validity is counted from. Default: the computer's. */
  readonly now?: (() => Date) | undefined;
}

export interface IssueOptions {
  /** Common name of the holder, 1 to 64 characters. */
  readonly commonName: string;
  /** Default `EC-P256`. */
  readonly keyType?: AuthorityKeyType | undefined;
  /** Days until the certificate expires, 1 to 36500. Default 30. */
  readonly days?: number | undefined;
  /** When it begins to be valid; in the past, together with `days`, it makes an expired one. Default: five minutes ago. */
  readonly notBefore?: Date | undefined;
}

export interface IssuedCertificate {
  /** PEM. */
  readonly certificate: string;
  /** PKCS#8 PEM, not encrypted. */
  readonly privateKey: string;
}

export interface Authority {
  /** The authority's own certificate, PEM: what a trust anchor is made from. */
  readonly certificate: string;
  /** Makes a key and an end-entity certificate for it: v3, CA:FALSE, digitalSignature. Throws as `createAuthority`. */
  issue(options: IssueOptions): Promise<IssuedCertificate>;
}

/** Whether a value is fine, and how to say what is. */
export type OptionRule = readonly [isFine: (value: unknown) => boolean, rule: string];
type OptionRules = Readonly<Record<string, OptionRule>>;

const isCommonName = (value: unknown) => typeof value === 'string' && value.length >= 1 && value.length <= 64;
const isDate = (value: unknown) => value instanceof Date && !Number.isNaN(value.getTime());
const isDays = (value: unknown) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 36_500;

const RULES = {
  commonName: [isCommonName, '1 to 64 characters'],
  keyType: [(value) => value === 'EC-P256' || value === 'RSA-2048', 'EC-P256 or RSA-2048'],
  days: [isDays, 'a whole number from 1 to 36500'],
} satisfies Record<string, OptionRule>;
const AUTHORITY_RULES: OptionRules = {
  ...RULES,
  now: [(value) => typeof value === 'function', 'a function'],
};
const ISSUE_RULES: OptionRules = { ...RULES, notBefore: [isDate, 'a Date'] };

/** Before now, so that a clock that is a little behind still finds the certificate valid. */
const BACKDATED_MS = 300_000;
const DAY_MS = 86_400_000;

/**
 * Makes a certificate authority for tests and demonstrations.
 *
 * ```ts
 * const authority = await createAuthority();
 * const { certificate, privateKey } = await authority.issue({ commonName: 'host-1' });
 * ```
 *
 * Throws OptionError: `ERR_OPTION_UNKNOWN`, `ERR_OPTION_INVALID`, `ERR_OPTION_MISSING`.
 */
export async function createAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  checkOptions('createAuthority', options, AUTHORITY_RULES);
  const { commonName = 'Emulator CA', keyType = 'EC-P256', days = 365, now = () => new Date() } = options;
  const keys = await generateKeys(keyType);
  const issuer: Issuer = { name: commonName, keys };
  const validity = validFrom(new Date(now().getTime() - BACKDATED_MS), days);
  return {
    certificate: await buildCertificate({ ...issuer, ...validity, isAuthority: true }, issuer),
    async issue(asked) {
      checkOptions('issue', asked, ISSUE_RULES);
      if (asked.commonName === undefined)
        throw new OptionError('ERR_OPTION_MISSING', 'issue needs commonName');
      const holder = await generateKeys(asked.keyType ?? 'EC-P256');
      const begins = asked.notBefore ?? new Date(now().getTime() - BACKDATED_MS);
      const subject = { name: asked.commonName, keys: holder, ...validFrom(begins, asked.days ?? 30) };
      return {
        certificate: await buildCertificate({ ...subject, isAuthority: false }, issuer),
        privateKey: PemConverter.encode(await subtle.exportKey('pkcs8', holder.privateKey), 'PRIVATE KEY'),
      };
    },
  };
}

/** Refuses options that are unknown or outside their rule; `undefined` counts as absent. */
export function checkOptions(owner: string, options: object, rules: OptionRules): void {
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) {
      const known = Object.keys(rules).join(', ');
      throw new OptionError('ERR_OPTION_UNKNOWN', `${owner} has no option ${name}; it has ${known}`);
    }
    const [isFine, text] = rule;
    if (value === undefined || isFine(value)) continue;
    throw new OptionError(
      'ERR_OPTION_INVALID',
      `${name} of ${owner} must be ${text}, found ${String(value)}`,
    );
  }
}

interface Issuer {
  /** Common name. */
  readonly name: string;
  readonly keys: webcrypto.CryptoKeyPair;
}

interface Subject extends Issuer {
  readonly isAuthority: boolean;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const { subtle } = webcrypto;

const ALGORITHMS = {
  'EC-P256': { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  'RSA-2048': {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
};

async function generateKeys(keyType: AuthorityKeyType): Promise<webcrypto.CryptoKeyPair> {
  const keys = await subtle.generateKey(ALGORITHMS[keyType], true, ['sign', 'verify']);
  return keys as webcrypto.CryptoKeyPair;
}

function validFrom(notBefore: Date, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore, notAfter: new Date(notBefore.getTime() + days * DAY_MS) };
}

async function buildCertificate(subject: Subject, issuer: Issuer): Promise<string> {
  const usage = subject.isAuthority
    ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign
    : KeyUsageFlags.digitalSignature;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: createSerialNumber(),
    subject: new Name([{ CN: [{ utf8String: subject.name }] }]),
    issuer: new Name([{ CN: [{ utf8String: issuer.name }] }]),
    notBefore: subject.notBefore,
    notAfter: subject.notAfter,
    publicKey: subject.keys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: { ...issuer.keys.privateKey.algorithm, hash: 'SHA-256' },
    extensions: [
      new BasicConstraintsExtension(subject.isAuthority, undefined, true),
      new KeyUsagesExtension(usage, true),
      await SubjectKeyIdentifierExtension.create(subject.keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

/** Sixteen octets, positive, without a leading zero, so that decimal and hexadecimal forms have no corner cases. */
function createSerialNumber(): string {
  const octets = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)));
  octets[0] = 0x40 | ((octets[0] ?? 0) & 0x3f);
  return octets.toString('hex');
}
