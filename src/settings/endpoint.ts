/**
 * A region in, the service's address out: `https://rolesanywhere.{region}.{suffix}`, by partition.
 * Source: the endpoints of AWS's partitions and "AWS IAM Roles Anywhere endpoints and quotas".
 */
import { OptionError, quote } from '../errors.js';

interface Partition {
  readonly regions: RegExp;
  readonly suffix: string;
  readonly dualstackSuffix: string;
}

const PARTITIONS: readonly Partition[] = [
  { regions: /^cn-/, suffix: 'amazonaws.com.cn', dualstackSuffix: 'api.amazonwebservices.com.cn' },
  { regions: /^us-gov-/, suffix: 'amazonaws.com', dualstackSuffix: 'api.aws' },
  { regions: /^eusc-/, suffix: 'amazonaws.eu', dualstackSuffix: 'api.amazonwebservices.eu' },
  { regions: /^us-iso-/, suffix: 'c2s.ic.gov', dualstackSuffix: 'api.aws.ic.gov' },
  { regions: /^us-isob-/, suffix: 'sc2s.sgov.gov', dualstackSuffix: 'api.aws.scloud' },
  { regions: /^eu-isoe-/, suffix: 'cloud.adc-e.uk', dualstackSuffix: 'api.cloud-aws.adc-e.uk' },
  { regions: /^us-isof-/, suffix: 'csp.hci.ic.gov', dualstackSuffix: 'api.aws.hci.ic.gov' },
];

/** Regions of the commercial partition, and those that AWS has not named yet. */
const COMMERCIAL: Partition = { regions: /^/, suffix: 'amazonaws.com', dualstackSuffix: 'api.aws' };

export interface EndpointVariant {
  readonly useFipsEndpoint: boolean;
  readonly useDualstackEndpoint: boolean;
}

export function endpointForRegion(region: string, variant: EndpointVariant): URL {
  const partition = PARTITIONS.find(({ regions }) => regions.test(region)) ?? COMMERCIAL;
  const name = variant.useFipsEndpoint ? 'rolesanywhere-fips' : 'rolesanywhere';
  const suffix = variant.useDualstackEndpoint ? partition.dualstackSuffix : partition.suffix;
  return new URL(`https://${name}.${region}.${suffix}`);
}

/**
 * A custom endpoint: https anywhere, plain http only to this machine, since credentials come back over it.
 *
 * @throws OptionError `ERR_OPTION_INVALID`
 */
export function parseEndpoint(text: string, label: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // Behind whatever slip of the keyboard, what stands before an @ may be a password.
  const found = text.includes('@') ? 'one with a user name or password' : quote(text);
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new OptionError('ERR_OPTION_INVALID', `${label} must be an https:// URL, found ${found}`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new OptionError('ERR_OPTION_INVALID', `${label} must be only scheme, host, port and path`);
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new OptionError(
      'ERR_OPTION_INVALID',
      `${label} must use https, except to this machine: credentials would travel in the clear to ${url.host}`,
    );
  }
  return url;
}

/** Whether a host name, as `URL.hostname` writes it, is this machine itself. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
