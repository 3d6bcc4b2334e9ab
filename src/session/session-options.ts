/**
 * THE option table. What a caller may ask for, once: it drives validation in the library, the flags of the
 * command line, `--help`, and the README's table (a test compares them).
 */
import type { PemOrPath } from '../identity/identity-source.js';
import { REGION_KIND, SESSION_DURATION_KIND } from '../options/kinds.js';
import type { OptionRow } from '../options/option-row.js';

/** What the library takes and the command line offers: one property for each row of the table below. */
export interface SessionOptions {
  /** The end-entity certificate; the intermediates (`fullchain.pem`) and the private key may stand in it too. */
  readonly certificate?: PemOrPath | undefined;
  /** The private key: PKCS#8, PKCS#1 or SEC1, plain or encrypted, or PKCS#12. Default: the one in `certificate`. */
  readonly privateKey?: PemOrPath | undefined;
  /** Further certificates of the chain, in any order. A root is left out of what is sent. */
  readonly intermediates?: PemOrPath | undefined;
  /** Passphrase of an encrypted private key. */
  readonly passphrase?: string | undefined;
  /** `arn:aws:rolesanywhere:<region>:<account>:trust-anchor/<id>`. */
  readonly trustAnchorArn: string | undefined;
  /** `arn:aws:rolesanywhere:<region>:<account>:profile/<id>`, in the trust anchor's region. */
  readonly profileArn: string | undefined;
  /** `arn:aws:iam::<account>:role/<name>`. */
  readonly roleArn: string | undefined;
  /** Signing region. Default: the trust anchor's. */
  readonly region?: string | undefined;
  /** Base URL of the service. Default: by region. Plain http only to loopback. */
  readonly endpoint?: string | undefined;
  /** Lifetime to ask for, in seconds, 900 to 43200. Default 3600. The profile and the role may shorten or refuse it. */
  readonly durationSeconds?: number | undefined;
  /** Name of the session, 2 to 64 of `A-Za-z0-9_+=,.@-`; the profile must accept it. Default: the serial number. */
  readonly roleSessionName?: string | undefined;
  /** Use the FIPS 140 endpoint of the region. Default false. */
  readonly useFipsEndpoint?: boolean | undefined;
  /** Use the endpoint that answers over IPv6 too. Default false. */
  readonly useDualstackEndpoint?: boolean | undefined;
  /** Path of a PEM file of certificate authorities to trust as well, for TLS. Default: `AWS_CA_BUNDLE`. */
  readonly caBundle?: string | undefined;
  /** Do not verify the service's TLS certificate. Default false. */
  readonly noVerifySsl?: boolean | undefined;
  /** Accepted for the Go helper's sake: `HTTPS_PROXY` and `NO_PROXY` are honoured with or without it. */
  readonly withProxy?: boolean | undefined;
  /** Limit for connecting, TLS included, in milliseconds. Default 5000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Limit for signing, sending and the answer, retries included, in milliseconds. Default 20000. */
  readonly timeoutMs?: number | undefined;
}

const MILLISECONDS = { type: 'integer', min: 1, max: 600_000, unit: 'milliseconds' } as const;

export const SESSION_OPTIONS = {
  certificate: {
    flag: 'certificate',
    kind: { type: 'source' },
    placeholder: 'FILE',
    required: true,
    help: 'certificate: PEM, DER, PKCS#7 or PKCS#12, optionally with its chain and key; - for standard input',
  },
  privateKey: {
    flag: 'private-key',
    kind: { type: 'source' },
    placeholder: 'FILE',
    help: "its private key: PKCS#8, PKCS#1, SEC1 or PKCS#12; without it, the key in the certificate's file",
  },
  intermediates: {
    flag: 'intermediates',
    kind: { type: 'source' },
    placeholder: 'FILE',
    help: 'intermediate certificates, in any order, at most 5',
  },
  passphrase: {
    flag: 'pkcs8-password',
    kind: { type: 'text' },
    placeholder: 'TEXT',
    secret: true,
    env: ['ROLESANYWHERE_PKCS8_PASSWORD', 'ROLESANYWHERE_PKCS12_PASSWORD'],
    help: 'passphrase of an encrypted key or PKCS#12 file; an environment variable keeps it out of the process list',
  },
  trustAnchorArn: {
    flag: 'trust-anchor-arn',
    kind: { type: 'text' },
    placeholder: 'ARN',
    required: true,
    help: 'trust anchor that vouches for the certificate',
  },
  profileArn: {
    flag: 'profile-arn',
    kind: { type: 'text' },
    placeholder: 'ARN',
    required: true,
    help: "profile that names the role, in the trust anchor's region",
  },
  roleArn: {
    flag: 'role-arn',
    kind: { type: 'text' },
    placeholder: 'ARN',
    required: true,
    help: 'role to assume',
  },
  region: {
    flag: 'region',
    kind: { ...REGION_KIND, rule: `${REGION_KIND.rule} (FIPS and dual-stack have flags of their own)` },
    placeholder: 'REGION',
    help: "signing region; without it, the trust anchor's",
  },
  endpoint: {
    flag: 'endpoint',
    kind: { type: 'text' },
    placeholder: 'URL',
    env: ['AWS_ENDPOINT_URL_ROLESANYWHERE', 'AWS_ENDPOINT_URL'],
    envUnless: 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
    help: "service address; without it, the region's; http only to this machine",
  },
  durationSeconds: {
    flag: 'session-duration',
    kind: SESSION_DURATION_KIND,
    placeholder: 'SECONDS',
    default: 3600,
    help: 'lifetime of the credentials to ask for, 900 to 43200',
  },
  roleSessionName: {
    flag: 'role-session-name',
    kind: {
      type: 'pattern',
      pattern: /^[A-Za-z0-9_+=,.@-]{2,64}$/,
      rule: '2 to 64 of A-Z a-z 0-9 _ + = , . @ -',
    },
    placeholder: 'NAME',
    help: 'name of the session; only where the profile accepts one',
  },
  useFipsEndpoint: {
    flag: 'use-fips-endpoint',
    kind: { type: 'boolean' },
    env: ['AWS_USE_FIPS_ENDPOINT'],
    default: false,
    help: 'use the FIPS 140 endpoint',
  },
  useDualstackEndpoint: {
    flag: 'use-dualstack-endpoint',
    kind: { type: 'boolean' },
    env: ['AWS_USE_DUALSTACK_ENDPOINT'],
    default: false,
    help: 'use the IPv4 and IPv6 endpoint',
  },
  caBundle: {
    flag: 'ca-bundle',
    kind: { type: 'path' },
    placeholder: 'FILE',
    env: ['AWS_CA_BUNDLE'],
    help: 'PEM file of authorities to trust as well, for TLS',
  },
  noVerifySsl: {
    flag: 'no-verify-ssl',
    kind: { type: 'boolean' },
    default: false,
    help: "do not verify the service's TLS certificate (warns; for tests only)",
  },
  withProxy: {
    flag: 'with-proxy',
    kind: { type: 'boolean' },
    default: false,
    help: 'accepted for compatibility: HTTPS_PROXY and NO_PROXY are honoured anyway',
  },
  connectTimeoutMs: {
    flag: 'connect-timeout-ms',
    kind: MILLISECONDS,
    placeholder: 'MS',
    default: 5000,
    help: 'limit for connecting, TLS included',
  },
  timeoutMs: {
    flag: 'timeout-ms',
    kind: MILLISECONDS,
    placeholder: 'MS',
    default: 20_000,
    help: 'limit for signing, sending and the answer, retries included',
  },
} as const satisfies Record<keyof SessionOptions, OptionRow>;
