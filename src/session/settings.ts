/**
 * Parses options into `Settings`: complete, validated and frozen, so that later stages check nothing again.
 * Reads nothing but the options and the given environment.
 */
import { OptionError } from '../errors.js';
import type { IdentitySource } from '../identity/identity-source.js';
import { parseArn, parseArns } from '../options/arn.js';
import type { Choices, Environment } from '../options/choose-values.js';
import {
  assertRequired,
  callerSource,
  chooseValues,
  environmentSource,
  weakerOf,
} from '../options/choose-values.js';
import type { ValuesOf } from '../options/option-spec.js';
import { assertKnown } from '../options/values.js';
import type { EndpointVariant } from './endpoint.js';
import { endpointForRegion, parseEndpoint } from './endpoint.js';
import type { AssumeRoleOptions, SessionOptions } from './session-options.js';
import { SESSION_OPTIONS } from './session-options.js';

/** The values of all options; options with a default are always set. */
type Values = ValuesOf<Omit<typeof SESSION_OPTIONS, SourceName | 'assumeRoles'>> &
  Pick<SessionOptions, SourceName> & {
    readonly assumeRoles?: ReadonlyArray<AssumeRoleOptions & { readonly policy?: object | undefined }>;
  };
type SourceName = 'certificate' | 'privateKey' | 'intermediates';

/** The options of an identity source. */
const SOURCE_NAMES: ReadonlyArray<keyof IdentitySource> = [
  ...(['certificate', 'privateKey', 'intermediates', 'passphrase'] as const),
  ...(['certificateSubject', 'certificateSerial', 'pkcs11Module', 'pkcs11Pin', 'reusePin'] as const),
  ...(['tpmDevice', 'tpmKeyPassword', 'signCommand'] as const),
];

/** Options that choose another regional endpoint. */
const VARIANTS = ['useFipsEndpoint', 'useDualstackEndpoint'] as const;

/** How to reach the service. */
export interface Connection {
  readonly caBundle: string | undefined;
  readonly verifyTls: boolean;
  /** Further authorities, read if the first ones do not know the server's: paths from the environment. */
  readonly trust: {
    /** `NODE_EXTRA_CA_CERTS`: a file of PEM certificates. */
    readonly extraFile: string | undefined;
    /** `SSL_CERT_FILE`, and `SSL_CERT_DIR`: folders, separated as in `PATH`. */
    readonly file: string | undefined;
    readonly folders: string | undefined;
  };
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
  readonly instanceProperties: Readonly<Record<string, string>> | undefined;
  /** Roles to assume with the session, one after the other. */
  readonly assumeRoles: readonly AssumedRole[];
  /** Which STS is called for `assumeRoles`; without an endpoint, the region's. */
  readonly sts: { readonly endpoint: URL | undefined; readonly variant: EndpointVariant };
  readonly connection: Connection;
}

/** The input of AssumeRole. */
export interface AssumedRole {
  readonly roleArn: string;
  readonly externalId: string | undefined;
  /** 900 to 3600. */
  readonly durationSeconds: number;
  readonly roleSessionName: string | undefined;
  /** JSON. */
  readonly policy: string | undefined;
}

/** AWS's limit for sessions of chained roles, which is its default too. */
const CHAINED_SECONDS = 3600;

/** Of `Policy` in AssumeRole. */
const MAX_POLICY_LENGTH = 2048;

export interface SettingsContext {
  readonly env?: Environment;
  /** The caller has an identity: no certificate is required. Default false. */
  readonly hasIdentity?: boolean;
}

type Name = keyof SessionOptions;

const ARN_KINDS = [
  ['trustAnchorArn', 'trust-anchor'],
  ['profileArn', 'profile'],
  ['roleArn', 'role'],
] as const;

/**
 * @throws OptionError `ERR_OPTION_UNKNOWN`, `ERR_OPTION_MISSING`, `ERR_OPTION_INVALID`, `ERR_OPTION_CONFLICT`
 */
export function parseSettings(options: Partial<SessionOptions>, context: SettingsContext = {}): Settings {
  const { env = {} } = context;
  assertKnown(options, Object.keys(SESSION_OPTIONS));
  const property = (name: string): string => name;
  const choices = chooseValues(
    SESSION_OPTIONS,
    [callerSource({ ...options }, property), environmentSource(env, SESSION_OPTIONS)],
    property,
  );
  return settingsFrom(choices, context);
}

/**
 * Like `parseSettings`, from values that are chosen already.
 *
 * @throws OptionError `ERR_OPTION_MISSING`, `ERR_OPTION_INVALID`, `ERR_OPTION_CONFLICT`
 */
export function settingsFrom(
  choices: Choices<Name>,
  { env = {}, hasIdentity = false }: SettingsContext,
): Settings {
  const { certificate, ...others } = SESSION_OPTIONS;
  assertRequired(hasIdentity ? others : { certificate, ...others }, choices);
  const values = valuesOf(choices);
  const { trustAnchorArn = '', profileArn = '', roleArn = '' } = values;
  const [anchor, profile] = parseArns(
    ARN_KINDS.map(([name, kind]) => ({ text: values[name] ?? '', kind, label: choices[name].label })),
  );
  if (anchor?.region !== profile?.region) {
    throw new OptionError(
      'ERR_OPTION_CONFLICT',
      `${choices.trustAnchorArn.label} and ${choices.profileArn.label} must be in one region, found ` +
        `${anchor?.region} and ${profile?.region}`,
    );
  }
  const { region = anchor?.region ?? '', stsEndpoint, useFipsEndpoint, useDualstackEndpoint } = values;
  return Object.freeze({
    source: sourceFrom(choices),
    trustAnchorArn,
    profileArn,
    roleArn,
    region,
    endpoint: endpointOf(choices, values, region),
    durationSeconds: values.durationSeconds,
    roleSessionName: values.roleSessionName,
    instanceProperties: values.instanceProperties && Object.freeze({ ...values.instanceProperties }),
    assumeRoles: Object.freeze(rolesOf(values, choices.assumeRoles.label)),
    sts: Object.freeze({
      endpoint: stsEndpoint === undefined ? undefined : parseEndpoint(stsEndpoint, choices.stsEndpoint.label),
      variant: Object.freeze({ useFipsEndpoint, useDualstackEndpoint }),
    }),
    connection: connectionOf(values, env),
  });
}

/** @throws OptionError `ERR_OPTION_INVALID` */
function rolesOf({ assumeRoles = [] }: Values, label: string): AssumedRole[] {
  return assumeRoles.map(
    ({ roleArn, externalId, durationSeconds = CHAINED_SECONDS, roleSessionName, policy }) => {
      parseArn(roleArn, 'role', label);
      const text = policy && JSON.stringify(policy);
      if (text !== undefined && text.length > MAX_POLICY_LENGTH) {
        throw new OptionError(
          'ERR_OPTION_INVALID',
          `policy for ${roleArn} must have at most ${MAX_POLICY_LENGTH} characters, found ${text.length}`,
        );
      }
      return Object.freeze({ roleArn, externalId, durationSeconds, roleSessionName, policy: text });
    },
  );
}

/** The options of the identity alone. */
export function sourceFrom(choices: Choices<Name>): IdentitySource {
  return Object.freeze(Object.fromEntries(SOURCE_NAMES.map((name) => [name, choices[name].value])));
}

function valuesOf(choices: Choices<Name>): Values {
  const entries = Object.entries(choices).map(([name, { value }]) => [name, value]);
  // Validated by SESSION_OPTIONS, which `satisfies` ties to SessionOptions.
  return Object.fromEntries(entries) as Values;
}

/** A custom endpoint excludes FIPS and dual-stack: the stronger source decides. */
function endpointOf(choices: Choices<Name>, values: Values, region: string): URL {
  const { endpoint, useFipsEndpoint, useDualstackEndpoint } = values;
  const variants = VARIANTS.filter((name) => values[name]);
  const isCustom = variants.every((name) => weakerOf(choices, 'endpoint', name) === name);
  return endpoint !== undefined && isCustom
    ? parseEndpoint(endpoint, choices.endpoint.label)
    : endpointForRegion(region, { useFipsEndpoint, useDualstackEndpoint });
}

function connectionOf(values: Values, env: Environment): Connection {
  const url = env['HTTPS_PROXY'] || env['https_proxy'];
  return Object.freeze({
    caBundle: values.caBundle,
    verifyTls: values.verifyTls,
    trust: {
      extraFile: env['NODE_EXTRA_CA_CERTS'] || undefined,
      file: env['SSL_CERT_FILE'] || undefined,
      folders: env['SSL_CERT_DIR'] || undefined,
    },
    proxy: url ? { url, except: env['NO_PROXY'] || env['no_proxy'] || '' } : undefined,
    connectTimeoutMs: values.connectTimeoutMs,
    timeoutMs: values.timeoutMs,
  });
}
