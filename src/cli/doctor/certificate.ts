/**
 * The lines about certificate and key: one for each rule of the service, from the findings of the library's
 * checks.
 */
import type { RolesAnywhereError } from '../../errors.js';
import { IdentityError } from '../../errors.js';
import type { Certificate } from '../../identity/certificate.js';
import { linkedFrom } from '../../identity/chain.js';
import { checkIdentity } from '../../identity/check-identity.js';
import type { Finding } from '../../identity/finding.js';
import type { SigningIdentity } from '../../identity/identity.js';
import { algorithmForKey, describeKey } from '../../identity/keys/algorithms.js';
import type { Line } from './line.js';
import { failed, ok, warned } from './line.js';

interface Row {
  readonly what: string;
  /** The findings that this line shows. */
  readonly codes: readonly string[];
  /** The line if no finding applies; undefined for none. */
  describe(identity: SigningIdentity, now: Date): string | undefined;
}

export const KEY_BELONGS = 'key belongs to the certificate';

/** In the order of the report. */
const ROWS: readonly Row[] = [
  {
    what: 'certificate',
    codes: ['ERR_CERTIFICATE_SUBJECT', 'ERR_CERTIFICATE_AMBIGUOUS'],
    describe: ({ certificate }) => `${certificate.subject}, serial number ${certificate.serialNumber}`,
  },
  {
    what: 'PEM',
    codes: ['ERR_PEM_INVALID', 'ERR_CERTIFICATE_INVALID', 'WARN_PEM_DAMAGED'],
    describe: ({ chain }) => `the certificate and ${chain.length} more for its chain can be read`,
  },
  {
    what: 'private key',
    codes: ['ERR_KEY_INVALID', 'ERR_KEY_PASSPHRASE', 'ERR_KEY_SIGN', 'WARN_KEY_ENCRYPTION'],
    describe: () => undefined,
  },
  {
    what: KEY_BELONGS,
    codes: ['ERR_KEY_MISMATCH'],
    describe: ({ publicKey, algorithm }) =>
      publicKey === undefined ? `verified by a signature, ${algorithm}` : `yes, ${algorithm}`,
  },
  {
    what: 'key size',
    codes: ['ERR_KEY_UNSUPPORTED', 'WARN_KEY_SIZE'],
    describe: ({ certificate }) => describeKey(certificate.publicKey),
  },
  {
    what: 'dates',
    codes: ['ERR_CERTIFICATE_EXPIRED', 'ERR_CERTIFICATE_NOT_YET_VALID'],
    describe: ({ certificate }, now) => describeDates(certificate, now),
  },
  {
    what: 'X.509 version',
    codes: ['ERR_CERTIFICATE_VERSION'],
    describe: () => '3',
  },
  {
    what: 'CA:FALSE',
    codes: ['ERR_CERTIFICATE_IS_CA'],
    describe: ({ certificate }) => (certificate.isCa === undefined ? 'yes, without basicConstraints' : 'yes'),
  },
  {
    what: 'key usage',
    codes: ['ERR_CERTIFICATE_KEY_USAGE'],
    describe: ({ certificate }) => certificate.keyUsage?.join(', '),
  },
  {
    what: 'signature hash',
    codes: ['ERR_CERTIFICATE_SIGNATURE'],
    describe: ({ certificate }) => certificate.signatureHash.toUpperCase(),
  },
  {
    what: 'serial number',
    codes: ['WARN_CERTIFICATE_SERIAL'],
    describe: () => undefined,
  },
  {
    what: 'encoding',
    codes: ['WARN_CERTIFICATE_UNUSUAL'],
    describe: () => undefined,
  },
  {
    what: 'chain',
    codes: [
      ...['ERR_CHAIN_TOO_LONG', 'ERR_CHAIN_BROKEN', 'ERR_CHAIN_NOT_CA', 'ERR_CHAIN_EXPIRED'],
      ...['ERR_CHAIN_NOT_YET_VALID', 'WARN_CHAIN_SIGNATURE', 'WARN_CHAIN_SURPLUS'],
    ],
    describe: ({ chain }) =>
      chain.length === 0
        ? 'no intermediates are sent: the trust anchor must be the issuer'
        : `${chain.length} intermediate${chain.length === 1 ? '' : 's'} sent, each issued the one below it`,
  },
];

/** The line that an error of loading belongs to. */
export function placeOf({ code }: RolesAnywhereError): string {
  if (code === 'ERR_FILE_UNREADABLE') return 'files';
  if (/^ERR_OPTION_/.test(code)) return 'options';
  return ROWS.find(({ codes }) => codes.includes(code))?.what ?? 'private key';
}

/** @param without lines to leave out: the one that shows the loading error, and those about a missing key */
export function certificateLines(
  identity: SigningIdentity,
  now: Date,
  without: readonly string[] = [],
): Line[] {
  const findings = checkIdentity(identity, { now: () => now });
  return ROWS.filter(({ what }) => !without.includes(what)).flatMap((row) =>
    linesOf(row, findings, identity, now),
  );
}

function linesOf(
  { what, codes, describe }: Row,
  findings: readonly Finding[],
  identity: SigningIdentity,
  now: Date,
): Line[] {
  const own = findings.filter(({ code }) => codes.includes(code));
  if (own.length > 0) return own.map((finding) => findingLine(what, finding));
  const found = describe(identity, now);
  if (found === undefined) return [];
  return [what === 'dates' ? datesLine(identity, found, now) : ok(what, found)];
}

function findingLine(what: string, finding: Finding): Line {
  const { severity, code, message, hint } = finding;
  if (severity === 'warning') return warned(what, message, hint, code);
  return failed(what, new IdentityError(code, message, { hint }));
}

function describeDates({ notBefore, notAfter }: Certificate, now: Date): string {
  const day = (moment: Date): string => moment.toISOString().slice(0, 10);
  return `${day(notBefore)} to ${day(notAfter)}, ${timeLeft(notAfter, now)} left`;
}

export function timeLeft(end: Date, now: Date): string {
  const minutes = Math.floor((end.getTime() - now.getTime()) / 60_000);
  if (minutes < 120) return `${minutes} minutes`;
  return minutes < 2 * 24 * 60 ? `${Math.floor(minutes / 60)} hours` : `${Math.floor(minutes / 1440)} days`;
}

/** A certificate should be renewed before the last tenth of its lifetime, also a short-lived one. */
function datesLine({ certificate }: SigningIdentity, found: string, now: Date): Line {
  const { notBefore, notAfter } = certificate;
  const life = notAfter.getTime() - notBefore.getTime();
  if (notAfter.getTime() - now.getTime() > life / 10) return ok('dates', found);
  return warned('dates', found, 'renew the certificate: less than a tenth of its life is left');
}

/**
 * The certificates alone as an identity, for the checks if no key could be loaded.
 *
 * @param certificates of all inputs, in their order; at least one
 */
export function withoutKey(certificates: readonly Certificate[]): SigningIdentity | undefined {
  const certificate = certificates.find(({ isCa }) => isCa !== true) ?? certificates[0];
  if (certificate === undefined) return undefined;
  const others = certificates.filter((one) => one !== certificate && !one.isSelfSigned);
  return {
    certificate,
    chain: linkedFrom(certificate, others),
    algorithm: algorithmForKey(certificate.publicKey)?.name ?? '',
    sign: async () => {
      throw new IdentityError('ERR_KEY_SIGN', 'there is no key');
    },
  };
}
