/** The flags of every command that creates sessions, in groups. Each group has a heading in the help. */
import { SESSION_OPTIONS } from '../../session/session-options.js';
import type { FlagGroups, Flags } from './flags.js';
import { DEBUG_FLAGS, HELP_FLAGS } from './flags.js';
import { STORE_FLAGS } from './helper-flags.js';
import { CHAIN_FLAGS } from './role-chain.js';

const { certificate, privateKey, intermediates, passphrase } = SESSION_OPTIONS;

/** The flags for certificate and key. */
export const IDENTITY_FLAGS = {
  certificate: {
    ...certificate,
    flag: 'certificate',
    placeholder: 'FILE',
    help:
      'certificate: PEM, DER, PKCS#7 or PKCS#12, optionally with its chain and key; - for standard ' +
      'input; or a pkcs11: URI',
  },
  privateKey: {
    ...privateKey,
    flag: 'private-key',
    placeholder: 'FILE',
    help:
      'its private key: PKCS#8, PKCS#1, SEC1, PKCS#12 or TSS2; a pkcs11: URI; handle:0x… of a TPM; ' +
      "without it, the key in the certificate's file",
  },
  intermediates: {
    ...intermediates,
    flag: 'intermediates',
    placeholder: 'FILE',
    help: 'intermediate certificates, in any order; those that the path needs are sent, at most 5',
  },
  passphrase: {
    ...passphrase,
    flag: 'pkcs8-password',
    placeholder: 'TEXT',
    help:
      'passphrase of an encrypted key or PKCS#12 file; an environment variable keeps it out of the ' +
      'process list',
  },
  passphraseFile: {
    flag: 'pkcs8-password-file',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'file that holds the passphrase of an encrypted key; - for standard input',
  },
  pkcs12PasswordFile: {
    flag: 'pkcs12-password-file',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'file that holds the password of a PKCS#12 file; - for standard input',
  },
  certificateSubject: {
    ...SESSION_OPTIONS.certificateSubject,
    flag: 'certificate-subject',
    placeholder: 'TEXT',
    help: 'if several certificates belong to the keys: attributes of its subject, such as CN=host-1',
  },
  certificateSerial: {
    ...SESSION_OPTIONS.certificateSerial,
    flag: 'certificate-serial',
    placeholder: 'NUMBER',
    help: 'if several certificates belong to the keys: its serial number, decimal or hexadecimal',
  },
  signCommand: {
    ...SESSION_OPTIONS.signCommand,
    flag: 'sign-command',
    placeholder: 'COMMAND',
    help: 'program that signs in place of a private key, with its arguments',
  },
  pkcs11Module: {
    ...SESSION_OPTIONS.pkcs11Module,
    flag: 'pkcs11-lib',
    placeholder: 'FILE',
    help: "library for pkcs11: URIs; without it, p11-kit's; ignored with keys in files",
  },
  pkcs11Pin: {
    ...SESSION_OPTIONS.pkcs11Pin,
    flag: 'pkcs11-pin',
    placeholder: 'PIN',
    help: 'PIN of the token; an environment variable keeps it out of the process list',
  },
  pkcs11PinFile: {
    flag: 'pkcs11-pin-file',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'file that holds the PIN of the token; - for standard input',
  },
  reusePin: {
    ...SESSION_OPTIONS.reusePin,
    flag: 'reuse-pin',
    help: 'use the PIN of the token also for keys that require a PIN for each signature',
  },
  tpmDevice: {
    ...SESSION_OPTIONS.tpmDevice,
    flag: 'tpm-device',
    placeholder: 'DEVICE',
    help: "TPM to use: a device, a Unix socket or swtpm:host=…,port=…; without it, this machine's",
  },
  tpmKeyPassword: {
    ...SESSION_OPTIONS.tpmKeyPassword,
    flag: 'tpm-key-password',
    placeholder: 'TEXT',
    help: 'password of a key in a TPM; an environment variable keeps it out of the process list',
  },
  tpmKeyPasswordFile: {
    flag: 'tpm-key-password-file',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'file that holds the password of a key in a TPM; - for standard input',
  },
  noTpmKeyPassword: {
    flag: 'no-tpm-key-password',
    kind: { type: 'boolean' },
    help: 'the key in a TPM has no password: do not ask for one',
  },
  ...STORE_FLAGS,
} as const satisfies Flags;

/** The flags for configuration files. */
export const CONFIG_FLAGS = {
  config: {
    flag: 'config',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'JSON file of options: an object with flags as keys',
  },
  configProfile: {
    flag: 'config-profile',
    kind: { type: 'text' },
    placeholder: 'NAME',
    help: 'profile of ~/.aws/config (AWS_CONFIG_FILE) whose keys rolesanywhere_… give options',
  },
} as const satisfies Flags;

/** The flags for the session. */
const SESSION_FLAGS = {
  trustAnchorArn: {
    ...SESSION_OPTIONS.trustAnchorArn,
    flag: 'trust-anchor-arn',
    placeholder: 'ARN',
    help: 'trust anchor that vouches for the certificate',
  },
  profileArn: {
    ...SESSION_OPTIONS.profileArn,
    flag: 'profile-arn',
    placeholder: 'ARN',
    help: "profile that names the role, in the trust anchor's region",
  },
  roleArn: {
    ...SESSION_OPTIONS.roleArn,
    flag: 'role-arn',
    placeholder: 'ARN',
    help: 'role to assume',
  },
  region: {
    ...SESSION_OPTIONS.region,
    flag: 'region',
    placeholder: 'REGION',
    help: "signing region; without it, the trust anchor's",
  },
  durationSeconds: {
    ...SESSION_OPTIONS.durationSeconds,
    flag: 'session-duration',
    placeholder: 'SECONDS',
    help: 'lifetime of the credentials to request, 900 to 43200',
  },
  roleSessionName: {
    ...SESSION_OPTIONS.roleSessionName,
    flag: 'role-session-name',
    placeholder: 'NAME',
    help: 'name of the session; only where the profile accepts one',
  },
  instanceProperties: {
    ...SESSION_OPTIONS.instanceProperties,
    flag: 'instance-property',
    placeholder: 'NAME=TEXT',
    help: 'property of the instance, sent with the request; may be repeated, at most 50',
  },
  cache: {
    flag: 'cache',
    kind: { type: 'boolean' },
    default: false,
    help: 'keep the credentials on disk, encrypted, and use them again while they last',
  },
  ...CONFIG_FLAGS,
} as const satisfies Flags;

/** The flags for the connection to the service. */
const NETWORK_FLAGS = {
  endpoint: {
    ...SESSION_OPTIONS.endpoint,
    flag: 'endpoint',
    placeholder: 'URL',
    help: "service endpoint; without it, the region's; http only to loopback",
  },
  useFipsEndpoint: {
    ...SESSION_OPTIONS.useFipsEndpoint,
    flag: 'use-fips-endpoint',
    help: 'use the FIPS 140 endpoint',
  },
  useDualstackEndpoint: {
    ...SESSION_OPTIONS.useDualstackEndpoint,
    flag: 'use-dualstack-endpoint',
    help: 'use the IPv4 and IPv6 endpoint',
  },
  caBundle: {
    ...SESSION_OPTIONS.caBundle,
    flag: 'ca-bundle',
    placeholder: 'FILE',
    help: 'PEM file of additional CA certificates to trust for TLS',
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
    ...SESSION_OPTIONS.connectTimeoutMs,
    flag: 'connect-timeout-ms',
    placeholder: 'MS',
    help: 'limit for connecting, TLS included',
  },
  timeoutMs: {
    ...SESSION_OPTIONS.timeoutMs,
    flag: 'timeout-ms',
    placeholder: 'MS',
    help: 'limit for signing, sending and receiving the response, retries included',
  },
  maxAttempts: {
    flag: 'max-attempts',
    kind: { type: 'integer', min: 1, max: 100 },
    placeholder: 'NUMBER',
    env: ['AWS_MAX_ATTEMPTS'],
    default: 3,
    help: 'maximum number of attempts, if a request fails temporarily',
  },
} as const satisfies Flags;

/** All flags above. */
export const ALL_SESSION_FLAGS = {
  ...{ ...IDENTITY_FLAGS, ...SESSION_FLAGS, ...CHAIN_FLAGS },
  ...NETWORK_FLAGS,
} as const;

/**
 * The groups of a command that creates sessions.
 *
 * @param own the command's own flags
 * @param output its flags about what it prints
 */
export function sessionGroups(own: Flags = {}, output: Flags = {}): FlagGroups {
  return {
    'This command': own,
    Identity: IDENTITY_FLAGS,
    Session: SESSION_FLAGS,
    'Role chaining': CHAIN_FLAGS,
    Network: NETWORK_FLAGS,
    Output: { ...output, ...DEBUG_FLAGS, ...HELP_FLAGS },
  };
}
