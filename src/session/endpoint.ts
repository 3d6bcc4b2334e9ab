/**
 * Builds the address of the service, `https://rolesanywhere.{region}.{suffix}` by partition, and checks
 * custom ones. Source: the endpoints of AWS's partitions and "AWS IAM Roles Anywhere endpoints and quotas".
 */
import { OptionError, quote } from '../errors.js';
import { REGION_KIND } from '../options/kinds.js';
import { isLoopback } from '../options/loopback.js';
import type { Partition } from '../options/partition.js';
import { partitionOf } from '../options/partition.js';

export interface EndpointVariant {
  readonly useFipsEndpoint: boolean;
  readonly useDualstackEndpoint: boolean;
}

export function endpointForRegion(region: string, variant: EndpointVariant): URL {
  const partition = partitionOf(region);
  const name = variant.useFipsEndpoint ? 'rolesanywhere-fips' : 'rolesanywhere';
  const suffix = variant.useDualstackEndpoint ? partition.dualstack : partition.suffix;
  return new URL(`https://${name}.${region}.${suffix}`);
}

/** The regional STS. FedRAMP regions have no FIPS endpoint of their own: theirs is one. */
export function stsEndpointForRegion(region: string, variant: EndpointVariant): URL {
  const partition = partitionOf(region);
  const { useFipsEndpoint, useDualstackEndpoint } = variant;
  const isFipsAnyway = partition.name === 'aws-us-gov' && !useDualstackEndpoint;
  const name = useFipsEndpoint && !isFipsAnyway ? 'sts-fips' : 'sts';
  return new URL(
    `https://${name}.${region}.${useDualstackEndpoint ? partition.dualstack : partition.suffix}`,
  );
}

/** The STS of a partition as a whole. Only the commercial one has an address of its own for it. */
export function globalStsEndpoint({ name, globalRegion }: Partition): URL {
  if (name === 'aws') return new URL('https://sts.amazonaws.com');
  return stsEndpointForRegion(globalRegion, { useFipsEndpoint: false, useDualstackEndpoint: false });
}

/** Region of the signature for an STS endpoint: the one in its name. The global endpoint is in us-east-1. */
export function stsRegionOf({ hostname }: URL, region: string): string {
  if (hostname === 'sts.amazonaws.com') return 'us-east-1';
  const [service = '', named = ''] = hostname.split('.');
  return /^sts(-fips)?$/.test(service) && REGION_KIND.pattern.test(named) ? named : region;
}

/**
 * A custom endpoint: https anywhere, plain http only to this machine, since credentials come back over it.
 *
 * @throws OptionError `ERR_OPTION_INVALID`
 */
export function parseEndpoint(text: string, label: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    // The text before an @ may be a password, whatever else is wrong with the URL.
    const found = text.includes('@') ? 'one with a user name or password' : quote(text);
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
