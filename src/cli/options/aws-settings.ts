/**
 * Reads the settings that every AWS SDK takes from the AWS config: CA bundle, endpoint, FIPS, dual-stack and
 * attempts, of the profile in use and of its `[services …]` section. They are the weakest source: flags,
 * environment and our own files win.
 *
 * Source: "Settings reference" and "Service-specific endpoints" (AWS SDKs and Tools reference).
 */
import { dirname, resolve } from 'node:path';
import { quote } from '../../errors.js';
import { expandHome } from '../../files/home.js';
import type { Environment, RawValue, Source } from '../../options/choose-values.js';
import { parseValue } from '../../options/values.js';
import type { Section } from './aws-config.js';
import { parseSections, sectionsOf } from './aws-config.js';

/** Option names by key. The endpoint has rules of its own. */
const KEYS = {
  ca_bundle: 'caBundle',
  use_fips_endpoint: 'useFipsEndpoint',
  use_dualstack_endpoint: 'useDualstackEndpoint',
  max_attempts: 'maxAttempts',
} as const;

/** Services by the option that holds their endpoint. */
const SERVICES: Readonly<Record<string, string>> = { endpoint: 'rolesanywhere', stsEndpoint: 'sts' };

/** The AWS config as a source of options. */
export interface AwsSettings extends Source {
  /** The reason why nothing was read from the file, for `--debug`. */
  readonly problem: string | undefined;
}

/** How messages name the file, and where its relative paths and its profile come from. */
interface FileContext {
  readonly path: string;
  readonly subject: string;
  readonly env: Environment;
}

/**
 * The settings of the profile of `AWS_PROFILE`, else `default`. A missing profile gives no values.
 *
 * @throws OptionError `ERR_OPTION_INVALID`: a broken file
 */
export function parseAwsSettings(text: string, { path, subject, env }: FileContext): AwsSettings {
  const sections = parseSections(text, subject);
  const name = env['AWS_PROFILE'] || env['AWS_DEFAULT_PROFILE'] || 'default';
  const profile = sectionsOf(sections, 'profile').get(name);
  if (profile === undefined) {
    return { origin: 'aws-config', find: () => [], problem: `profile ${quote(name)} is not in ${subject}` };
  }
  const place = `in profile ${name} of ${subject}`;
  const values = new Map<string, RawValue>();
  for (const [key, option] of Object.entries(KEYS)) {
    const raw = profile.get(key);
    if (raw !== undefined) values.set(option, { raw, label: `${key} ${place}` });
  }
  const bundle = values.get('caBundle');
  if (bundle?.raw) {
    values.set('caBundle', { ...bundle, raw: resolve(dirname(path), expandHome(String(bundle.raw), env)) });
  }
  const services = sectionsOf(sections, 'services').get(profile.get('services') ?? '');
  const hasEndpoints = !isIgnoring(profile, place, env);
  return {
    origin: 'aws-config',
    find: (option) => {
      const service = Object.hasOwn(SERVICES, option) ? SERVICES[option] : undefined;
      if (service === undefined) return [values.get(option) ?? []].flat();
      return hasEndpoints ? endpointsOf(service, profile, services, place) : [];
    },
    problem: undefined,
  };
}

/** The endpoint of the service before that of all services. */
function endpointsOf(
  service: string,
  profile: Section,
  services: Section | undefined,
  place: string,
): RawValue[] {
  const own = nestedValue(services?.get(service) ?? '', 'endpoint_url');
  return [
    { raw: own, label: `${service} endpoint_url in [services ${profile.get('services')}], used ${place}` },
    { raw: profile.get('endpoint_url'), label: `endpoint_url ${place}` },
  ];
}

/** A value below a key: the lines that are indented under it. */
function nestedValue(block: string, key: string): string | undefined {
  for (const line of block.split('\n')) {
    const end = line.indexOf('=');
    if (end > 0 && line.slice(0, end).trim() === key) return line.slice(end + 1).trim();
  }
  return undefined;
}

/** The variable wins over the key, as for every other setting. */
function isIgnoring(profile: Section, place: string, env: Environment): boolean {
  const variable = 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS';
  const key = 'ignore_configured_endpoint_urls';
  const isSet = env[variable] !== undefined && env[variable] !== '';
  const [raw, label] = isSet ? [env[variable], variable] : [profile.get(key), `${key} ${place}`];
  return parseValue(raw, { type: 'boolean' }, label) === true;
}
