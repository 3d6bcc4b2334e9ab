/** The options of the emulator: their types, their validation and their defaults. */
import type { Authority } from '../authority/authority.js';
import {
  ACCOUNT_ID_KIND,
  HOST_KIND,
  HOST_NAMES_KIND,
  PORT_KIND,
  REGION_KIND,
  ROLE_NAME_KIND,
  SEED_KIND,
  SESSION_DURATION_KIND,
} from '../options/kinds.js';
import type { OptionRules } from '../options/read-options.js';
import { readOptions } from '../options/read-options.js';
import type { FaultRule, FaultSource } from './faults/fault-rules.js';
import { parseFaults } from './faults/fault-rules.js';
import type { Seed } from './setup/seed.js';

/** CA certificates: PEM text, PEM bytes, or an authority that `createAuthority` made. */
export type AuthoritySource = string | Uint8Array | Pick<Authority, 'certificate'>;

export interface EmulatorOptions {
  /** Address to listen on. Default `127.0.0.1`. On any other address, anyone who can reach it can use it. */
  readonly host?: string | undefined;
  /**
   * Host names, without ports, by which clients reach the emulator on loopback, such as
   * `host.docker.internal`. All others but this machine's own are refused, since a web page can make a name of
   * its own resolve to 127.0.0.1.
   */
  readonly allowHosts?: readonly string[] | undefined;
  /** 0 to 65535. Default 0: any free port. */
  readonly port?: number | undefined;
  /** Serve https, with a new certificate for `localhost`, 127.0.0.1, ::1 and `host`. Default false. */
  readonly tls?: boolean | undefined;
  /** The region of the account; requests must be signed for it. Default `us-east-1`. */
  readonly region?: string | undefined;
  /** Twelve digits. Default `123456789012`. */
  readonly accountId?: string | undefined;
  /** CA certificates for the trust anchor, at most 2. Default: a new authority, as `Emulator.authority`. */
  readonly certificateAuthority?: AuthoritySource | readonly AuthoritySource[] | undefined;
  /** Name of the role that the quick start makes. Default `Demo`. */
  readonly roleName?: string | undefined;
  /** The profile's session duration and the role's maximum, 900 to 43200 seconds. Default 3600. */
  readonly maxDurationSeconds?: number | undefined;
  /** Whether the profile accepts `roleSessionName`. Default false, as at AWS. */
  readonly acceptRoleSessionName?: boolean | undefined;
  /**
   * Path of a file that keeps the account across restarts; created if it does not exist. A change is saved
   * before the response is sent. Sessions are not saved. A trust anchor that the emulator made gets a new
   * authority at each start, because its key is never saved. Default: the account ends with the emulator.
   */
  readonly state?: string | undefined;
  /**
   * Trust anchors, CRLs, roles and profiles of a new account, as an object or as the path of a JSON file.
   * Ignored if the `state` file exists. With a seed, the quick start makes an authority, a role and a profile
   * only if the seed has none or `certificateAuthority` is given.
   */
  readonly seed?: string | Seed | undefined;
  /** The service's clock. Default: the system clock. */
  readonly now?: (() => Date) | undefined;
  /** Faults to inject. Default: none. {@link Faults.set} replaces them at run time. */
  readonly faults?: FaultSource | readonly FaultSource[] | undefined;
  /** Seed of the random numbers behind `rate`, a whole number from 0 to 999999999. Default 1. */
  readonly faultSeed?: number | undefined;
  /**
   * Refuse a session if an attribute of the certificate cannot become a session tag. AWS's behaviour is
   * unknown if no condition of the trust policy uses the attribute. Default false: grant the session and log
   * the attribute.
   */
  readonly strictAttributes?: boolean | undefined;
  /** Receives one line per request: time, method, path, status, and the reason of a refusal. No secrets. */
  readonly log?: ((line: string) => void) | undefined;
  /**
   * Log long reasons in full, on indented lines; for a signature that does not match, also the canonical
   * request and the string to sign of both sides. Default false.
   */
  readonly verbose?: boolean | undefined;
}

/** Without a CA, a seed or a state of the caller, the emulator makes an authority. */
export type WithoutCa = EmulatorOptions & {
  readonly certificateAuthority?: undefined;
  readonly seed?: undefined;
  readonly state?: undefined;
};
export type WithAuthority = { readonly authority: Authority };

type Defaults = 'host' | 'allowHosts' | 'port' | 'tls' | 'now' | 'strictAttributes' | 'verbose' | 'faultSeed';

/**
 * Checked options with their defaults. Options that only the quick start uses have no default: a seed
 * excludes them.
 */
export type EmulatorSettings = Omit<EmulatorOptions, Defaults | 'faults'> & {
  readonly [Name in Defaults]-?: NonNullable<EmulatorOptions[Name]>;
} & { readonly faults: readonly FaultRule[] };

export const EMULATOR_DEFAULTS = {
  host: '127.0.0.1',
  port: 0,
  region: 'us-east-1',
  accountId: '123456789012',
  roleName: 'Demo',
  faultSeed: 1,
} as const;

const FUNCTION = [(value: unknown) => typeof value === 'function', 'a function'] as const;

const RULES: OptionRules<EmulatorOptions> = {
  host: HOST_KIND,
  allowHosts: [
    (value) =>
      Array.isArray(value) &&
      value.every((name) => typeof name === 'string' && HOST_NAMES_KIND.pattern.test(name)),
    'a list of host names without ports',
  ],
  port: PORT_KIND,
  tls: { type: 'boolean' },
  region: REGION_KIND,
  accountId: ACCOUNT_ID_KIND,
  certificateAuthority: [
    (value) => [value].flat().length > 0 && [value].flat().every((item) => pemOf(item) !== undefined),
    'PEM text or bytes, an authority, or a list of them',
  ],
  roleName: ROLE_NAME_KIND,
  maxDurationSeconds: SESSION_DURATION_KIND,
  acceptRoleSessionName: { type: 'boolean' },
  state: { type: 'text' },
  seed: [(value) => typeof value === 'string' || typeof value === 'object', 'a path or an object'],
  // parseFaults checks them.
  faults: [() => true, 'faults'],
  faultSeed: SEED_KIND,
  strictAttributes: { type: 'boolean' },
  now: FUNCTION,
  log: FUNCTION,
  verbose: { type: 'boolean' },
};

/** @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID` `ERR_OPTION_MISSING` `ERR_OPTION_CONFLICT` */
export function parseEmulatorOptions(options: EmulatorOptions): EmulatorSettings {
  const given = readOptions(options, RULES);
  const { host, port, faultSeed } = EMULATOR_DEFAULTS;
  return {
    ...given,
    host: given.host ?? host,
    allowHosts: (given.allowHosts ?? []).map((name) => name.toLowerCase()),
    port: given.port ?? port,
    tls: given.tls ?? false,
    faultSeed: given.faultSeed ?? faultSeed,
    now: given.now ?? (() => new Date()),
    strictAttributes: given.strictAttributes ?? false,
    verbose: given.verbose ?? false,
    faults: parseFaults(given.faults ?? []),
  };
}

/** The PEM text of an {@link AuthoritySource}; undefined for anything else. */
export function pemOf(source: unknown): string | undefined {
  if (source instanceof Uint8Array) return Buffer.from(source).toString('latin1');
  const isAuthority = typeof source === 'object' && source !== null && 'certificate' in source;
  const text = isAuthority ? source.certificate : source;
  return typeof text === 'string' ? text : undefined;
}
