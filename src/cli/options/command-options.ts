/** The option tables of single commands: flags that are no options of a session. */
import {
  ACCOUNT_ID_KIND,
  HOST_KIND,
  PORT_KIND,
  REGION_KIND,
  ROLE_NAME_KIND,
  SEED_KIND,
} from '../../options/kinds.js';
import type { OptionRow } from '../../options/option-row.js';

/** Flags that only the command line has. */
export const COMMAND_LINE_OPTIONS = {
  debug: {
    flag: 'debug',
    kind: { type: 'boolean' },
    default: false,
    help: 'show what is signed and sent, on stderr; never a secret',
  },
  help: {
    flag: 'help',
    kind: { type: 'boolean' },
    default: false,
    help: 'show this help',
  },
} as const satisfies Record<string, OptionRow>;

/** Further sources of a session's options, for commands that make sessions. */
export const SESSION_SOURCES = {
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
} as const satisfies Record<string, OptionRow>;

/** Files that give options, for all commands that take what the Go helper takes. */
export const CONFIG_OPTIONS = {
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
} as const satisfies Record<string, OptionRow>;

/** Whether `credential-process`, `serve` and `update` keep what they have got on disk. */
export const CACHE_OPTIONS = {
  cache: {
    flag: 'cache',
    kind: { type: 'boolean' },
    default: false,
    help: 'keep the credentials on disk, encrypted, and use them again while they last',
  },
} as const satisfies Record<string, OptionRow>;

/** How commands that run on write their log to stderr. */
export const LOG_OPTIONS = {
  logFormat: {
    flag: 'log-format',
    kind: { type: 'pattern', pattern: /^(text|json)$/, rule: 'text or json' },
    placeholder: 'FORMAT',
    default: 'text',
    help: 'form of the log on stderr, text or json, one line an event',
  },
} as const satisfies Record<string, OptionRow>;

/** Flags of `rolesanywhere sign-string`, besides those of the key. */
export const SIGN_STRING_OPTIONS = {
  digest: {
    flag: 'digest',
    kind: { type: 'pattern', pattern: /^SHA(256|384|512)$/, rule: 'SHA256, SHA384 or SHA512' },
    placeholder: 'DIGEST',
    default: 'SHA256',
    help: 'SHA256, SHA384 or SHA512; without effect on ML-DSA keys',
  },
  format: {
    flag: 'format',
    kind: { type: 'pattern', pattern: /^(json|text|bin)$/, rule: 'json, text or bin' },
    placeholder: 'FORMAT',
    default: 'json',
    help: 'form of the signature: json (hexadecimal in quotes), text (hexadecimal) or bin (bytes)',
  },
} as const satisfies Record<string, OptionRow>;

/** Flags of `rolesanywhere update`, besides those of a session. */
export const UPDATE_OPTIONS = {
  profile: {
    flag: 'profile',
    kind: {
      type: 'pattern',
      // A line end or a bracket would end the section's name, and what follows could be anything.
      // What stands in [DEFAULT] is in every profile for Python, and for __proto__ the SDK for JavaScript refuses the file.
      pattern: /^(?!\s|DEFAULT$|(profile )?__proto__$)[^[\]\p{Cc}]{1,128}(?<!\s)$/u,
      rule: 'the name of a profile, not DEFAULT, without brackets, line ends, and blanks around it',
    },
    placeholder: 'NAME',
    default: 'default',
    help: 'profile of the shared credentials file to write',
  },
  once: {
    flag: 'once',
    kind: { type: 'boolean' },
    default: false,
    help: 'write the profile once and end',
  },
} as const satisfies Record<string, OptionRow>;

/** Flags of `rolesanywhere serve`, besides those of a session. */
export const SERVE_OPTIONS = {
  port: {
    flag: 'port',
    kind: PORT_KIND,
    placeholder: 'PORT',
    default: 9911,
    help: 'port to listen on; 0 takes a free one',
  },
  hopLimit: {
    flag: 'hop-limit',
    kind: { type: 'integer', min: 1, max: 255 },
    placeholder: 'HOPS',
    default: 64,
    help: 'IP TTL of answers, 1 to 255; without effect on loopback, and only 64 elsewhere',
  },
  bind: {
    flag: 'bind',
    kind: { type: 'text' },
    placeholder: 'ADDRESS',
    help: 'address to listen on in place of 127.0.0.1 and ::1; one that other hosts can reach needs --token-file',
  },
  socket: {
    flag: 'socket',
    kind: { type: 'path' },
    placeholder: 'PATH',
    help: 'Unix socket to listen on in place of a port',
  },
  socketMode: {
    flag: 'socket-mode',
    kind: { type: 'pattern', pattern: /^0?6[06]0$/, rule: '0600 or 0660' },
    placeholder: 'MODE',
    default: '0600',
    help: 'permissions of the socket: 0600 for this user alone, 0660 for the group of the process too',
  },
  tokenFile: {
    flag: 'token-file',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'file of the container token: read if it exists, else written, for this user alone; turns IMDS off',
  },
  tokenHeaderFile: {
    flag: 'token-header-file',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'file to write the token of --token-file to as a header, for curl -H @FILE; for this user alone',
  },
  metricsTokenFile: {
    flag: 'metrics-token-file',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'file of the token for /metrics, made as the container token is; it opens nothing else',
  },
  imds: {
    flag: 'imds',
    kind: { type: 'boolean' },
    default: false,
    help: 'serve IMDS beside --token-file: every user and container behind the loopback interface can then read the first role',
  },
  allowHost: {
    flag: 'allow-host',
    kind: {
      type: 'pattern',
      pattern: /^[A-Za-z0-9._-]{1,253}(?:,[A-Za-z0-9._-]{1,253})*$/,
      rule: 'a host name without a port',
    },
    placeholder: 'NAME',
    repeats: ',',
    help: 'further name of this machine that clients may ask for, such as host.docker.internal; as often as wanted',
  },
  wait: {
    flag: 'wait',
    kind: { type: 'boolean' },
    default: false,
    help: 'go on without credentials at the start, and wait for them',
  },
  roles: {
    flag: 'roles',
    kind: { type: 'object' },
    placeholder: 'JSON',
    help: 'further roles by name, each at /role/NAME: {"backup": {"role-arn": "arn:…"}}; other options are those of the first role',
  },
} as const satisfies Record<string, OptionRow>;

/** Flags of `rolesanywhere emulator`; the rows have the names and the rules of `startEmulator`'s options. */
export const EMULATOR_OPTIONS = {
  host: {
    flag: 'host',
    kind: HOST_KIND,
    placeholder: 'ADDRESS',
    default: '127.0.0.1',
    help: 'address to listen on; anyone who reaches it gets answers (warns off loopback)',
  },
  allowHosts: {
    flag: 'allow-host',
    kind: { type: 'text' },
    placeholder: 'NAME',
    repeats: ',',
    help: 'host name to answer to besides localhost, such as host.docker.internal; may be repeated',
  },
  port: {
    flag: 'port',
    kind: PORT_KIND,
    placeholder: 'PORT',
    default: 0,
    help: 'port to listen on; 0 takes a free one',
  },
  region: {
    flag: 'region',
    kind: REGION_KIND,
    placeholder: 'REGION',
    default: 'us-east-1',
    help: 'region of the account; requests must be signed for it',
  },
  accountId: {
    flag: 'account-id',
    kind: ACCOUNT_ID_KIND,
    placeholder: 'NUMBER',
    default: '123456789012',
    help: 'number of the account, twelve digits',
  },
  certificateAuthority: {
    flag: 'ca',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'PEM file of the CA to use as trust anchor; without it, a CA and a certificate are made and removed at the end',
  },
  roleName: {
    flag: 'role',
    kind: ROLE_NAME_KIND,
    placeholder: 'NAME',
    default: 'Demo',
    help: 'name of the role to give sessions of',
  },
  tls: {
    flag: 'tls',
    kind: { type: 'boolean' },
    default: false,
    help: 'https, with a certificate made at the start; prints the path of the CA bundle to trust',
  },
  state: {
    flag: 'state',
    kind: { type: 'text' },
    placeholder: 'FILE',
    help: 'file that keeps trust anchors, profiles, CRLs and roles across restarts',
  },
  seed: {
    flag: 'seed',
    kind: { type: 'text' },
    placeholder: 'FILE',
    help: 'JSON file of trust anchors, profiles and roles to begin with, where there is no state yet',
  },
  faults: {
    flag: 'fault',
    kind: { type: 'text' },
    placeholder: 'FAULT',
    repeats: ';',
    help: 'what is to go wrong, for testing clients, as often as wanted: latency=50 (ms), throttle (=10 CreateSession a second), error=503, reset, stall, truncate, content-type=text/html or date-skew=600 (s), each with rate=0.1, count=3, operation=CreateSession, retry-after=5 behind commas',
  },
  faultSeed: {
    flag: 'fault-seed',
    kind: SEED_KIND,
    placeholder: 'NUMBER',
    default: 1,
    help: 'seed of the dice for faults with a rate',
  },
  strictAttributes: {
    flag: 'strict-attributes',
    kind: { type: 'boolean' },
    default: false,
    help: 'refuse a session if an attribute of the certificate cannot become a session tag, instead of logging it',
  },
  verbose: {
    flag: 'verbose',
    kind: { type: 'boolean' },
    default: false,
    help: 'log reasons at length and, where a signature does not fit, what both sides have signed; never a secret',
  },
} as const satisfies Record<string, OptionRow>;
