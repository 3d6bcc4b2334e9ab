/** The options of a session: their types, and how each is validated. The command line gives each a flag of its own. */
import type { PemOrPath } from '../identity/identity-source.js';
import { REGION_KIND, SESSION_DURATION_KIND } from '../options/kinds.js';
import type { OptionSpec } from '../options/option-spec.js';

/** The options of `createSession`, the provider and the command line. */
export interface SessionOptions {
  /** The end-entity certificate; the intermediates (`fullchain.pem`) and the private key may stand in it too. */
  readonly certificate?: PemOrPath | undefined;
  /** The private key: PKCS#8, PKCS#1 or SEC1, plain or encrypted, or PKCS#12. Default: the one in `certificate`. */
  readonly privateKey?: PemOrPath | undefined;
  /** Further certificates of the chain, in any order. A root is left out of what is sent. */
  readonly intermediates?: PemOrPath | undefined;
  /** Passphrase of an encrypted private key. */
  readonly passphrase?: string | undefined;
  /** Where several certificates belong to the keys: attributes of the subject, such as `CN=host-1`. */
  readonly certificateSubject?: string | undefined;
  /** The same by serial number, decimal or hexadecimal. */
  readonly certificateSerial?: string | undefined;
  /** Path of the PKCS#11 module for `pkcs11:` URIs. Default: the URI's `module-path`, else p11-kit's proxy module. */
  readonly pkcs11Module?: string | undefined;
  /** PIN of the token. Default: `pin-value` or `pin-source` of the URI, else `askPassphrase`. */
  readonly pkcs11Pin?: string | undefined;
  /** Use the PIN of the token for keys too that want one for each signature. Default false. */
  readonly reusePin?: boolean | undefined;
  /** `/dev/tpmrm0`, a Unix socket or `swtpm:host=…,port=…`. Default: the TPM of this machine. */
  readonly tpmDevice?: string | undefined;
  /** Password of a key in a TPM; the empty text says that it has none. */
  readonly tpmKeyPassword?: string | undefined;
  /** A program that signs in place of a private key, with its arguments. */
  readonly signCommand?: string | undefined;
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
  tpmDevice: { kind: { type: 'text' } },
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
