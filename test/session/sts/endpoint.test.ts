/** The addresses of STS, compared with those of AWS's own client. */
import { STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it } from 'vitest';
import { stsEndpointForRegion, stsRegionOf } from '../../../src/session/endpoint.js';

const REGIONS = [
  ...['us-east-1', 'eu-west-1', 'ap-southeast-5', 'cn-north-1', 'us-gov-west-1', 'us-gov-east-1'],
  ...['us-iso-east-1', 'us-isob-east-1', 'eusc-de-east-1'],
];
const VARIANTS = [
  { useFipsEndpoint: false, useDualstackEndpoint: false },
  { useFipsEndpoint: true, useDualstackEndpoint: false },
  { useFipsEndpoint: false, useDualstackEndpoint: true },
];

const { endpointProvider } = new STSClient({ region: 'us-east-1' }).config;

function addressOfAws(region: string, { useFipsEndpoint, useDualstackEndpoint }: (typeof VARIANTS)[number]) {
  try {
    return endpointProvider?.({
      ...{ Region: region, UseGlobalEndpoint: false },
      ...{ UseFIPS: useFipsEndpoint, UseDualStack: useDualstackEndpoint },
    }).url.origin;
  } catch {
    // The partition has no endpoint of this variant.
    return undefined;
  }
}

describe('the endpoint of STS', () => {
  const rows = REGIONS.flatMap((region) => VARIANTS.map((variant) => ({ region, ...variant })));

  it.each(rows)('in $region, FIPS $useFipsEndpoint, dual-stack $useDualstackEndpoint', (row) => {
    const expected = addressOfAws(row.region, row);
    const { origin } = stsEndpointForRegion(row.region, row);
    expect(origin).toBe(expected ?? origin);
  });

  it('is known to AWS for every row without a variant', () => {
    const [plain = VARIANTS[0]] = VARIANTS;
    expect(REGIONS.map((region) => plain && addressOfAws(region, plain))).not.toContain(undefined);
  });

  it.each([
    ['https://sts.amazonaws.com', 'us-east-1'],
    ['https://sts.eu-west-1.amazonaws.com', 'eu-west-1'],
    ['https://sts-fips.us-west-2.amazonaws.com', 'us-west-2'],
    ['https://sts.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
    ['https://vpce-1.sts.eu-west-1.vpce.amazonaws.com', 'eu-central-1'],
    ['http://127.0.0.1:9911', 'eu-central-1'],
  ])('%s is signed for %s', (url, region) => {
    expect(stsRegionOf(new URL(url), 'eu-central-1')).toBe(region);
  });
});
