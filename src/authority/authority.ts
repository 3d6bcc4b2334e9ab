/**
 * A throw-away certificate authority. In: names, key types, days. Out: PEM certificates and keys that AWS would accept.
 * For tests and demonstrations: its key lives in memory only, and nothing is ever revoked.
 * Rules: RFC 5280 section 4, and
 * https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html#signature-verification
 */

import { KeyObject, webcrypto } from 'node:crypto';
import { OptionError } from '../errors.js';
import type { OptionRules } from '../options/read-options.js';
import { readOptions } from '../options/read-options.js';

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
  /** Names and addresses for subjectAltName, and extendedKeyUsage for TLS. Default: none of both. */
  readonly hosts?: readonly string[] | undefined;
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
  /**
   * Makes a key and an end-entity certificate for it: v3, CA:FALSE, digitalSignature.
   *
   * @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID` `ERR_OPTION_MISSING`
   */
  issue(options: IssueOptions): Promise<IssuedCertificate>;
}

const HOST = /^[\w.:*-]{1,253}$/;
const CERTIFICATE_RULES = {
  commonName: { type: 'pattern', pattern: /^.{1,64}$/s, rule: '1 to 64 characters' },
  keyType: { type: 'pattern', pattern: /^(EC-P256|RSA-2048)$/, rule: 'EC-P256 or RSA-2048' },
  days: { type: 'integer', min: 1, max: 36_500 },
} as const;
const AUTHORITY_RULES: OptionRules<AuthorityOptions> = {
  ...CERTIFICATE_RULES,
  now: [(value) => typeof value === 'function', 'a function'],
};
const ISSUE_RULES: OptionRules<IssueOptions> = {
  ...CERTIFICATE_RULES,
  hosts: [
    (value) => Array.isArray(value) && value.every((host) => typeof host === 'string' && HOST.test(host)),
    'a list of host names and addresses',
  ],
  notBefore: [(value) => value instanceof Date && !Number.isNaN(value.getTime()), 'a Date'],
};

/** Before now, so that a clock that is a little behind still finds the certificate valid. */
const BACKDATED_MS = 300_000;
const DAY_MS = 86_400_000;

/**
 * Makes a certificate authority for tests and demonstrations.
 *
 * @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID`
 * @example
 * const authority = await createAuthority();
 * const { certificate, privateKey } = await authority.issue({ commonName: 'host-1' });
 */
export async function createAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  const given = readOptions(options, AUTHORITY_RULES);
  const { commonName = 'Emulator CA', keyType = 'EC-P256', days = 365, now = () => new Date() } = given;
  const issuer: Issuer = { name: commonName, keys: await generateKeys(keyType) };
  const validity = validFrom(new Date(now().getTime() - BACKDATED_MS), days);
  return {
    certificate: await buildCertificate({ ...issuer, ...validity, isAuthority: true, hosts: [] }, issuer),
    async issue(asked) {
      const { commonName: name, keyType: type = 'EC-P256', ...period } = readOptions(asked, ISSUE_RULES);
      if (name === undefined) throw new OptionError('ERR_OPTION_MISSING', 'missing commonName');
      const {
        notBefore = new Date(now().getTime() - BACKDATED_MS),
        days: lifetime = 30,
        hosts = [],
      } = period;
      const keys = await generateKeys(type);
      const subject = { name, keys, ...validFrom(notBefore, lifetime), isAuthority: false, hosts };
      const privateKey = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' });
      return { certificate: await buildCertificate(subject, issuer), privateKey: privateKey.toString() };
    },
  };
}

interface Issuer {
  /** Common name. */
  readonly name: string;
  readonly keys: webcrypto.CryptoKeyPair;
}

interface Subject extends Issuer {
  readonly isAuthority: boolean;
  readonly hosts: readonly string[];
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
  // Loaded here, since who brings certificates needs neither; x509 throws without the polyfill.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const usage = subject.isAuthority
    ? x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign
    : x509.KeyUsageFlags.digitalSignature;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: createSerialNumber(),
    subject: new x509.Name([{ CN: [{ utf8String: subject.name }] }]),
    issuer: new x509.Name([{ CN: [{ utf8String: issuer.name }] }]),
    notBefore: subject.notBefore,
    notAfter: subject.notAfter,
    publicKey: subject.keys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: { ...issuer.keys.privateKey.algorithm, hash: 'SHA-256' },
    extensions: [
      new x509.BasicConstraintsExtension(subject.isAuthority, undefined, true),
      new x509.KeyUsagesExtension(usage, true),
      await x509.SubjectKeyIdentifierExtension.create(subject.keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey),
      ...(subject.hosts.length === 0 ? [] : await buildTlsExtensions(subject.hosts)),
    ],
  });
  return `${certificate.toString('pem')}\n`;
}

async function buildTlsExtensions(hosts: readonly string[]) {
  const x509 = await import('@peculiar/x509');
  const names = hosts.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? 'ip' : 'dns', value }) as const);
  const usages = [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth];
  return [new x509.SubjectAlternativeNameExtension(names), new x509.ExtendedKeyUsageExtension(usages)];
}

/** Sixteen octets, positive, without a leading zero, so that decimal and hexadecimal forms have no corner cases. */
function createSerialNumber(): string {
  const octets = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)));
  octets[0] = 0x40 | ((octets[0] ?? 0) & 0x3f);
  return octets.toString('hex');
}
