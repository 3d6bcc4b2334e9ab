/**
 * The options of a session: their types, and how each is validated. The command line gives each a flag of its
 * own.
 */
import type { IdentitySource } from '../identity/identity-source.js';
import { REGION_KIND, SESSION_DURATION_KIND } from '../options/kinds.js';
import type { OptionSpec } from '../options/option-spec.js';

/** The options of `createSession`, the provider and the command line. */
export interface SessionOptions extends IdentitySource {
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
  /**
   * Lifetime to ask for, in seconds, 900 to 43200. Default 3600. The profile and the role may shorten or
   * refuse it.
   */
  readonly durationSeconds?: number | undefined;
  /**
   * Name of the session, 2 to 64 of `A-Za-z0-9_+=,.@-`; the profile must accept it. Default: the serial
   * number.
   */
  readonly roleSessionName?: string | undefined;
  /** Facts about the instance, sent with the request: at most 50, names and values of 1 to 200 characters. */
  readonly instanceProperties?: Readonly<Record<string, string>> | undefined;
  /** Use the FIPS 140 endpoint of the region. Default false. */
  readonly useFipsEndpoint?: boolean | undefined;
  /** Use the endpoint that answers over IPv6 too. Default false. */
  readonly useDualstackEndpoint?: boolean | undefined;
  /** Path of a PEM file of certificate authorities to trust as well, for TLS. Default: `AWS_CA_BUNDLE`. */
  readonly caBundle?: string | undefined;
  /** Verify the service's TLS certificate. Default true; false is for tests only, and warns. */
  readonly verifyTls?: boolean | undefined;
  /** Limit for connecting, TLS included, in milliseconds. Default 5000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Limit for signing, sending and the answer, retries included, in milliseconds. Default 20000. */
  readonly timeoutMs?: number | undefined;
}

const MILLISECONDS = { type: 'integer', min: 1, max: 600_000, unit: 'milliseconds' } as const;

/** How each option is validated, and which AWS variables give it if the caller does not. */
export const SESSION_OPTIONS = {
  certificate: { kind: { type: 'source' }, required: true },
  privateKey: { kind: { type: 'source' } },
  intermediates: { kind: { type: 'source' } },
  passphrase: {
    kind: { type: 'secret' },
    env: ['ROLESANYWHERE_PKCS8_PASSWORD', 'ROLESANYWHERE_PKCS12_PASSWORD'],
  },
  certificateSubject: { kind: { type: 'text' } },
  certificateSerial: { kind: { type: 'text' } },
  pkcs11Module: { kind: { type: 'path' } },
  pkcs11Pin: { kind: { type: 'secret' }, env: ['ROLESANYWHERE_PKCS11_PIN'] },
  reusePin: { kind: { type: 'boolean' } },
  tpmDevice: { kind: { type: 'text' }, env: ['TPM_DEVICE'] },
  tpmKeyPassword: { kind: { type: 'secret' }, env: ['ROLESANYWHERE_TPM_KEY_PASSWORD'] },
  signCommand: { kind: { type: 'text' } },
  trustAnchorArn: { kind: { type: 'text' }, required: true },
  profileArn: { kind: { type: 'text' }, required: true },
  roleArn: { kind: { type: 'text' }, required: true },
  region: {
    kind: { ...REGION_KIND, rule: `${REGION_KIND.rule} (FIPS and dual-stack are options of their own)` },
  },
  endpoint: {
    kind: { type: 'text' },
    env: ['AWS_ENDPOINT_URL_ROLESANYWHERE', 'AWS_ENDPOINT_URL'],
    envUnless: 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  },
  durationSeconds: { kind: SESSION_DURATION_KIND, default: 3600 },
  // STS: roleSessionNameType.
  roleSessionName: {
    kind: {
      type: 'pattern',
      pattern: /^[A-Za-z0-9_+=,.@-]{2,64}$/,
      rule: '2 to 64 of A-Z a-z 0-9 _ + = , . @ -',
    },
  },
  instanceProperties: { kind: { type: 'pairs', maxCount: 50, maxLength: 200 } },
  useFipsEndpoint: { kind: { type: 'boolean' }, env: ['AWS_USE_FIPS_ENDPOINT'], default: false },
  useDualstackEndpoint: { kind: { type: 'boolean' }, env: ['AWS_USE_DUALSTACK_ENDPOINT'], default: false },
  caBundle: { kind: { type: 'path' }, env: ['AWS_CA_BUNDLE'] },
  verifyTls: { kind: { type: 'boolean' }, default: true },
  connectTimeoutMs: { kind: MILLISECONDS, default: 5000 },
  timeoutMs: { kind: MILLISECONDS, default: 20_000 },
} as const satisfies Record<keyof SessionOptions, OptionSpec>;
