/**
 * The options of a session: their types, and how each is validated. The command line gives each a flag of its
 * own.
 */
import type { IdentitySource } from '../identity/identity-source.js';
import { REGION_KIND, SESSION_DURATION_KIND } from '../options/kinds.js';
import type { OptionKind, OptionSpec } from '../options/option-spec.js';

/** A role to assume with the session before it: the input of STS AssumeRole. */
export interface AssumeRoleOptions {
  /** `arn:aws:iam::<account>:role/<name>`. */
  readonly roleArn: string;
  /** The id that the role's trust policy asks third parties for, 2 to 1224 of `A-Za-z0-9_+=,.@:/-`. */
  readonly externalId?: string | undefined;
  /** Lifetime to ask for, in seconds, 900 to 3600: AWS allows chained sessions one hour. Default 3600. */
  readonly durationSeconds?: number | undefined;
  /** 2 to 64 of `A-Za-z0-9_+=,.@-`. Default: the name of the session before. */
  readonly roleSessionName?: string | undefined;
  /** A policy that restricts the session further, as an object or as JSON; at most 2048 characters. */
  readonly policy?: string | object | undefined;
}

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
  /**
   * Roles to assume with the session, one after the other (role chaining). The credentials are the last
   * role's.
   */
  readonly assumeRoles?: readonly AssumeRoleOptions[] | undefined;
  /**
   * Base URL of STS, for `assumeRoles`. Default: `AWS_ENDPOINT_URL_STS`, else by region. Plain http only to
   * loopback.
   */
  readonly stsEndpoint?: string | undefined;
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
  /**
   * Limit for each request with its retries: signing, sending and the answer, in milliseconds. Default 20000.
   */
  readonly timeoutMs?: number | undefined;
}

/** STS: roleSessionNameType. */
const SESSION_NAME_KIND = {
  type: 'pattern',
  pattern: /^[A-Za-z0-9_+=,.@-]{2,64}$/,
  rule: '2 to 64 of A-Z a-z 0-9 _ + = , . @ -',
} as const;

/**
 * How the members of `assumeRoles` are validated. Source: AssumeRole of STS, and "Role chaining" of the IAM
 * user guide.
 */
export const ASSUME_ROLE_KINDS = {
  roleArn: { type: 'text' },
  // STS: externalIdType.
  externalId: {
    type: 'pattern',
    pattern: /^[A-Za-z0-9_+=,.@:/-]{2,1224}$/,
    rule: '2 to 1224 of A-Z a-z 0-9 _ + = , . @ : / -',
  },
  durationSeconds: { type: 'integer', min: 900, max: 3600, unit: 'seconds' },
  roleSessionName: SESSION_NAME_KIND,
  policy: { type: 'object' },
} as const satisfies Record<keyof AssumeRoleOptions, OptionKind>;

/** Texts of several roles are separated by commas, which names of roles may have too. */
export const ROLE_SEPARATOR = /,(?=arn:)/;

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
  roleSessionName: { kind: SESSION_NAME_KIND },
  instanceProperties: { kind: { type: 'pairs', maxCount: 50, maxLength: 200 } },
  assumeRoles: { kind: { type: 'records', members: ASSUME_ROLE_KINDS, separator: ROLE_SEPARATOR } },
  stsEndpoint: {
    kind: { type: 'text' },
    env: ['AWS_ENDPOINT_URL_STS', 'AWS_ENDPOINT_URL'],
    envUnless: 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS',
  },
  useFipsEndpoint: { kind: { type: 'boolean' }, env: ['AWS_USE_FIPS_ENDPOINT'], default: false },
  useDualstackEndpoint: { kind: { type: 'boolean' }, env: ['AWS_USE_DUALSTACK_ENDPOINT'], default: false },
  caBundle: { kind: { type: 'path' }, env: ['AWS_CA_BUNDLE'] },
  verifyTls: { kind: { type: 'boolean' }, default: true },
  connectTimeoutMs: { kind: MILLISECONDS, default: 5000 },
  timeoutMs: { kind: MILLISECONDS, default: 20_000 },
} as const satisfies Record<keyof SessionOptions, OptionSpec>;
