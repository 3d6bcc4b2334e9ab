/**
 * AWS's partitions: their names in ARNs, their regions, and the suffixes of their host names.
 *
 * Source: the partitions of the AWS SDKs' endpoint rules.
 */

export interface Partition {
  /** The second field of an ARN: `aws`, `aws-cn`. */
  readonly name: string;
  /** The region of services that a partition has once. */
  readonly globalRegion: string;
  readonly regions: RegExp;
  /** The end of host names: `amazonaws.com`. */
  readonly suffix: string;
  /** The end of the names of hosts that answer over IPv4 and IPv6: `api.aws`. */
  readonly dualstack: string;
}

const PARTITIONS: readonly Partition[] = [
  {
    name: 'aws-cn',
    globalRegion: 'cn-northwest-1',
    regions: /^cn-/,
    suffix: 'amazonaws.com.cn',
    dualstack: 'api.amazonwebservices.com.cn',
  },
  {
    name: 'aws-us-gov',
    globalRegion: 'us-gov-west-1',
    regions: /^us-gov-/,
    suffix: 'amazonaws.com',
    dualstack: 'api.aws',
  },
  {
    name: 'aws-eusc',
    globalRegion: 'eusc-de-east-1',
    regions: /^eusc-/,
    suffix: 'amazonaws.eu',
    dualstack: 'api.amazonwebservices.eu',
  },
  {
    name: 'aws-iso',
    globalRegion: 'us-iso-east-1',
    regions: /^us-iso-/,
    suffix: 'c2s.ic.gov',
    dualstack: 'api.aws.ic.gov',
  },
  {
    name: 'aws-iso-b',
    globalRegion: 'us-isob-east-1',
    regions: /^us-isob-/,
    suffix: 'sc2s.sgov.gov',
    dualstack: 'api.aws.scloud',
  },
  {
    name: 'aws-iso-e',
    globalRegion: 'eu-isoe-west-1',
    regions: /^eu-isoe-/,
    suffix: 'cloud.adc-e.uk',
    dualstack: 'api.cloud-aws.adc-e.uk',
  },
  {
    name: 'aws-iso-f',
    globalRegion: 'us-isof-south-1',
    regions: /^us-isof-/,
    suffix: 'csp.hci.ic.gov',
    dualstack: 'api.aws.hci.ic.gov',
  },
];

/** The commercial partition. Regions that no row above matches, future ones too, belong to it. */
const COMMERCIAL: Partition = {
  name: 'aws',
  globalRegion: 'us-east-1',
  regions: /^/,
  suffix: 'amazonaws.com',
  dualstack: 'api.aws',
};

/** The partition of a region. */
export function partitionOf(region: string): Partition {
  return PARTITIONS.find(({ regions }) => regions.test(region)) ?? COMMERCIAL;
}

/** The partition of an ARN. */
export function partitionOfArn(arn: string): Partition {
  const [, name] = arn.split(':');
  return PARTITIONS.find((partition) => partition.name === name) ?? COMMERCIAL;
}
