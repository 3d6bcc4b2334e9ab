/**
 * Options in, `Settings` out: every value checked, defaulted and frozen, nothing read but the environment that
 * is handed in. What the later stages get from here they need not check again.
 */
import { OptionError } from '../errors.js';
import type { IdentitySource } from '../identity/identity-source.js';
import { parseArn } from '../options/arn.js';
import type { ChosenValues, Environment, Naming } from '../options/choose-values.js';
import { chooseValues, refuseMissing, weakerOf } from '../options/choose-values.js';
import type { ValuesOf } from '../options/option-row.js';
import { refuseUnknown } from '../options/values.js';
import { endpointForRegion, parseEndpoint } from './endpoint.js';
import type { SessionOptions } from './session-options.js';
import { SESSION_OPTIONS } from './session-options.js';

/** The values of all options: those that have a default are there. */
type Values = ValuesOf<Omit<typeof SESSION_OPTIONS, SourceName>> & Pick<SessionOptions, SourceName>;
type SourceName = 'certificate' | 'privateKey' | 'intermediates';

/** Options that choose another endpoint of the region. */
const VARIANTS = ['useFipsEndpoint', 'useDualstackEndpoint'] as const;

/** How to reach the service. */
export interface Connection {
  readonly caBundle: string | undefined;
  readonly verifyTls: boolean;
  /** The proxy's URL, and the hosts that it is not for, as `NO_PROXY` lists them. */
  readonly proxy: { readonly url: string; readonly except: string } | undefined;
  readonly connectTimeoutMs: number;
  readonly timeoutMs: number;
}

export interface Settings {
  readonly source: IdentitySource;
  readonly trustAnchorArn: string;
  readonly profileArn: string;
  readonly roleArn: string;
  readonly region: string;
  readonly endpoint: URL;
  readonly durationSeconds: number;
  readonly roleSessionName: string | undefined;
  readonly connection: Connection;
}

export interface SettingsContext {
  readonly env?: Environment;
  /** How messages name an option: as the command line's flag, or as the library's property. */
  readonly naming?: Naming;
  /** The caller has an identity already: no certificate is asked for. */
  readonly hasIdentity?: boolean;
}

type Name = keyof SessionOptions;

/** What parseSettings reads by itself, besides the rows: the proxy, from these variables. */
interface ReadSettings {
  readonly env: Environment;
  readonly hasIdentity?: boolean;
}

/**
 * @throws OptionError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_MISSING`, `ERR_OPTION_INVALID`, `ERR_OPTION_CONFLICT`
 */
export function parseSettings(options: Partial<SessionOptions>, context: SettingsContext = {}): Settings {
  const { env = {}, naming = 'property', hasIdentity = false } = context;
  refuseUnknown(options, Object.keys(SESSION_OPTIONS));
  const given = { ...options };
  return settingsFrom(chooseValues(SESSION_OPTIONS, { given, env, naming }), { env, hasIdentity });
}

/**
 * As `parseSettings`, from values that are chosen already.
 *
 * @throws OptionError `ERR_OPTION_MISSING`, `ERR_OPTION_INVALID`, `ERR_OPTION_CONFLICT`
 */
export function settingsFrom(
  chosen: ChosenValues<Name>,
  { env, hasIdentity = false }: ReadSettings,
): Settings {
  const { certificate, ...others } = SESSION_OPTIONS;
  refuseMissing(hasIdentity ? others : { certificate, ...others }, chosen);
  const values = valuesOf(chosen);
  const { trustAnchorArn = '', profileArn = '', roleArn = '' } = values;
  const anchor = parseArn(trustAnchorArn, 'trust-anchor', chosen.trustAnchorArn.label);
  const profile = parseArn(profileArn, 'profile', chosen.profileArn.label);
  parseArn(roleArn, 'role', chosen.roleArn.label);
  if (anchor.region !== profile.region) {
    throw new OptionError(
      'ERR_OPTION_CONFLICT',
      `${chosen.trustAnchorArn.label} and ${chosen.profileArn.label} must be in one region, found ${anchor.region} and ${profile.region}`,
    );
  }
  const { privateKey, intermediates, passphrase, region = anchor.region } = values;
  return Object.freeze({
    source: Object.freeze({ certificate: values.certificate, privateKey, intermediates, passphrase }),
    trustAnchorArn,
    profileArn,
    roleArn,
    region,
    endpoint: endpointOf(chosen, values, region),
    durationSeconds: values.durationSeconds,
    roleSessionName: values.roleSessionName,
    connection: connectionOf(values, env),
  });
}

function valuesOf(chosen: ChosenValues<Name>): Values {
  const entries = Object.entries(chosen).map(([name, { value }]) => [name, value]);
  // Each value has gone through its row, and the rows are held to SessionOptions by `satisfies`.
  return Object.fromEntries(entries) as Values;
}

/** A custom endpoint and the variants of the region's exclude each other: the stronger source decides. */
function endpointOf(chosen: ChosenValues<Name>, values: Values, region: string): URL {
  const { endpoint, useFipsEndpoint, useDualstackEndpoint } = values;
  const variants = VARIANTS.filter((name) => values[name]);
  const isCustom = variants.every((name) => weakerOf(chosen, 'endpoint', name) === name);
  return endpoint !== undefined && isCustom
    ? parseEndpoint(endpoint, chosen.endpoint.label)
    : endpointForRegion(region, { useFipsEndpoint, useDualstackEndpoint });
}

function connectionOf(values: Values, env: Environment): Connection {
  const url = env['HTTPS_PROXY'] || env['https_proxy'];
  return Object.freeze({
    caBundle: values.caBundle,
    verifyTls: !values.noVerifySsl,
    proxy: url ? { url, except: env['NO_PROXY'] || env['no_proxy'] || '' } : undefined,
    connectTimeoutMs: values.connectTimeoutMs,
    timeoutMs: values.timeoutMs,
  });
}
