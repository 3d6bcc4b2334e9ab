/**
 * Options in, `Settings` out: every value checked, defaulted and frozen, nothing read but the environment that
 * is handed in. What the later stages get from here they need not check again.
 */
import { OptionError } from '../errors.js';
import { parseArn } from '../options/arn.js';
import type { OptionRow } from '../options/option-row.js';
import type { SessionOptions } from '../options/session-options.js';
import { SESSION_OPTIONS } from '../options/session-options.js';
import { readValue, refuseUnknown } from '../options/values.js';
import { endpointForRegion, parseEndpoint } from './endpoint.js';

/** Variables of the environment, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where an identity comes from: the part of the options that `loadIdentity` takes. */
export type IdentitySource = Pick<
  SessionOptions,
  'certificate' | 'privateKey' | 'intermediates' | 'passphrase'
>;

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

export type Naming = 'flag' | 'property';

export interface SettingsContext {
  readonly env?: Environment;
  /** How messages name an option: as the command line's flag, or as the library's property. */
  readonly naming?: Naming;
  /** The caller has an identity already: no certificate is asked for. */
  readonly hasIdentity?: boolean;
}

/** Options that choose another endpoint of the region. */
const VARIANTS = ['useFipsEndpoint', 'useDualstackEndpoint'] as const;

type Name = keyof SessionOptions;
type Label = (name: Name) => string;

/**
 * @throws OptionError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_MISSING`, `ERR_OPTION_INVALID`, `ERR_OPTION_CONFLICT`
 */
export function parseSettings(options: Partial<SessionOptions>, context: SettingsContext = {}): Settings {
  const { env = {}, naming = 'property', hasIdentity = false } = context;
  refuseUnknown(options, Object.keys(SESSION_OPTIONS));
  const { values, label } = readValues(options, env, naming);
  refuseMissing(values, hasIdentity, label);

  const { certificate, privateKey, intermediates, passphrase } = values;
  const { trustAnchorArn = '', profileArn = '', roleArn = '' } = values;
  const anchor = parseArn(trustAnchorArn, 'trust-anchor', label('trustAnchorArn'));
  const profile = parseArn(profileArn, 'profile', label('profileArn'));
  parseArn(roleArn, 'role', label('roleArn'));
  if (anchor.region !== profile.region) {
    throw new OptionError(
      'ERR_OPTION_CONFLICT',
      `${label('trustAnchorArn')} and ${label('profileArn')} must be in one region, found ${anchor.region} and ${profile.region}`,
    );
  }
  const region = values.region ?? anchor.region;
  return Object.freeze({
    source: Object.freeze({ certificate, privateKey, intermediates, passphrase }),
    trustAnchorArn,
    profileArn,
    roleArn,
    region,
    endpoint: endpointOf(options, values, region, label),
    durationSeconds: values.durationSeconds ?? SESSION_OPTIONS.durationSeconds.default,
    roleSessionName: values.roleSessionName,
    connection: connectionOf(values, env),
  });
}

/** The values, and for each name how messages call what gave it: the flag, the property or the variable. */
function readValues(
  options: Partial<SessionOptions>,
  env: Environment,
  naming: Naming,
): { values: Partial<SessionOptions>; label: Label } {
  const values: Partial<Record<Name, unknown>> = {};
  const labels = new Map<Name, string>();
  for (const name of Object.keys(SESSION_OPTIONS) as Name[]) {
    const row: OptionRow = SESSION_OPTIONS[name];
    // As for readValue, an empty text is none, and the environment is asked.
    const given = options[name] === '' && row.secret !== true ? undefined : options[name];
    const isSet = (key: string): boolean =>
      row.secret === true ? env[key] !== undefined : Boolean(env[key]);
    const variable = given === undefined ? row.env?.find(isSet) : undefined;
    const label = variable ?? (naming === 'flag' ? `--${row.flag}` : name);
    labels.set(name, label);
    values[name] = readValue(variable === undefined ? given : env[variable], row, label);
  }
  // Each value has gone through its row, and the rows are held to SessionOptions by `satisfies`.
  return { values: values as Partial<SessionOptions>, label: (name) => labels.get(name) ?? name };
}

function refuseMissing(values: Partial<SessionOptions>, hasIdentity: boolean, label: Label): void {
  const missing = (Object.keys(SESSION_OPTIONS) as Name[]).filter((name) => {
    const row: OptionRow = SESSION_OPTIONS[name];
    return row.required === true && values[name] === undefined && !(hasIdentity && name === 'certificate');
  });
  if (missing.length > 0) {
    throw new OptionError('ERR_OPTION_MISSING', `missing ${missing.map(label).join(', ')}`);
  }
}

/** A custom endpoint and its variants exclude each other; what the caller gives beats what the environment has. */
function endpointOf(
  options: Partial<SessionOptions>,
  values: Partial<SessionOptions>,
  region: string,
  label: Label,
): URL {
  const { endpoint, useFipsEndpoint = false, useDualstackEndpoint = false } = values;
  const [variant] = VARIANTS.filter((name) => options[name] !== undefined && values[name] === true);
  if (variant !== undefined && options.endpoint && endpoint !== undefined) {
    throw new OptionError(
      'ERR_OPTION_CONFLICT',
      `${label('endpoint')} and ${label(variant)} exclude each other`,
    );
  }
  return endpoint === undefined || variant !== undefined
    ? endpointForRegion(region, { useFipsEndpoint, useDualstackEndpoint })
    : parseEndpoint(endpoint, label('endpoint'));
}

function connectionOf(values: Partial<SessionOptions>, env: Environment): Connection {
  const url = env['HTTPS_PROXY'] || env['https_proxy'];
  return Object.freeze({
    caBundle: values.caBundle,
    verifyTls: values.noVerifySsl !== true,
    proxy: url ? { url, except: env['NO_PROXY'] || env['no_proxy'] || '' } : undefined,
    connectTimeoutMs: values.connectTimeoutMs ?? SESSION_OPTIONS.connectTimeoutMs.default,
    timeoutMs: values.timeoutMs ?? SESSION_OPTIONS.timeoutMs.default,
  });
}
