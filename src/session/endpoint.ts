/**
 * A region in, the service's address out: `https://rolesanywhere.{region}.{suffix}`, by partition.
 * Source: the endpoints of AWS's partitions and "AWS IAM Roles Anywhere endpoints and quotas".
 */
import { OptionError, quote } from '../errors.js';

interface Partition {
  /** As ARNs have it. */
  readonly name: string;
  readonly regions: RegExp;
  readonly suffix: string;
  readonly dualstack: string;
}

const PARTITIONS: readonly Partition[] = [
  { name: 'aws-cn', regions: /^cn-/, suffix: 'amazonaws.com.cn', dualstack: 'api.amazonwebservices.com.cn' },
  { name: 'aws-us-gov', regions: /^us-gov-/, suffix: 'amazonaws.com', dualstack: 'api.aws' },
  { name: 'aws-eusc', regions: /^eusc-/, suffix: 'amazonaws.eu', dualstack: 'api.amazonwebservices.eu' },
  { name: 'aws-iso', regions: /^us-iso-/, suffix: 'c2s.ic.gov', dualstack: 'api.aws.ic.gov' },
  { name: 'aws-iso-b', regions: /^us-isob-/, suffix: 'sc2s.sgov.gov', dualstack: 'api.aws.scloud' },
  { name: 'aws-iso-e', regions: /^eu-isoe-/, suffix: 'cloud.adc-e.uk', dualstack: 'api.cloud-aws.adc-e.uk' },
  { name: 'aws-iso-f', regions: /^us-isof-/, suffix: 'csp.hci.ic.gov', dualstack: 'api.aws.hci.ic.gov' },
];

/** Regions of the commercial partition, and those that AWS has not named yet. */
const COMMERCIAL: Partition = { name: 'aws', regions: /^/, suffix: 'amazonaws.com', dualstack: 'api.aws' };

export interface EndpointVariant {
  readonly useFipsEndpoint: boolean;
  readonly useDualstackEndpoint: boolean;
}

/** The partition of a region: its name stands in ARNs, its suffixes in the names of hosts. */
export function partitionOf(region: string): Partition {
  return PARTITIONS.find(({ regions }) => regions.test(region)) ?? COMMERCIAL;
}

export function endpointForRegion(region: string, variant: EndpointVariant): URL {
  const partition = partitionOf(region);
  const name = variant.useFipsEndpoint ? 'rolesanywhere-fips' : 'rolesanywhere';
  const suffix = variant.useDualstackEndpoint ? partition.dualstack : partition.suffix;
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
