import { describe, expect, it } from 'vitest';
import { endpointForRegion, parseEndpoint } from '../../src/session/endpoint.js';

/** Region; plain, FIPS, dual-stack, both. */
const ENDPOINTS = [
  [
    'us-east-1',
    'https://rolesanywhere.us-east-1.amazonaws.com/',
    'https://rolesanywhere-fips.us-east-1.amazonaws.com/',
    'https://rolesanywhere.us-east-1.api.aws/',
    'https://rolesanywhere-fips.us-east-1.api.aws/',
  ],
  [
    'il-central-1',
    'https://rolesanywhere.il-central-1.amazonaws.com/',
    'https://rolesanywhere-fips.il-central-1.amazonaws.com/',
    'https://rolesanywhere.il-central-1.api.aws/',
    'https://rolesanywhere-fips.il-central-1.api.aws/',
  ],
  [
    'cn-northwest-1',
    'https://rolesanywhere.cn-northwest-1.amazonaws.com.cn/',
    'https://rolesanywhere-fips.cn-northwest-1.amazonaws.com.cn/',
    'https://rolesanywhere.cn-northwest-1.api.amazonwebservices.com.cn/',
    'https://rolesanywhere-fips.cn-northwest-1.api.amazonwebservices.com.cn/',
  ],
  [
    'us-gov-west-1',
    'https://rolesanywhere.us-gov-west-1.amazonaws.com/',
    'https://rolesanywhere-fips.us-gov-west-1.amazonaws.com/',
    'https://rolesanywhere.us-gov-west-1.api.aws/',
    'https://rolesanywhere-fips.us-gov-west-1.api.aws/',
  ],
  [
    'eusc-de-east-1',
    'https://rolesanywhere.eusc-de-east-1.amazonaws.eu/',
    'https://rolesanywhere-fips.eusc-de-east-1.amazonaws.eu/',
    'https://rolesanywhere.eusc-de-east-1.api.amazonwebservices.eu/',
    'https://rolesanywhere-fips.eusc-de-east-1.api.amazonwebservices.eu/',
  ],
  [
    'us-iso-east-1',
    'https://rolesanywhere.us-iso-east-1.c2s.ic.gov/',
    'https://rolesanywhere-fips.us-iso-east-1.c2s.ic.gov/',
    'https://rolesanywhere.us-iso-east-1.api.aws.ic.gov/',
    'https://rolesanywhere-fips.us-iso-east-1.api.aws.ic.gov/',
  ],
  [
    'us-isob-east-1',
    'https://rolesanywhere.us-isob-east-1.sc2s.sgov.gov/',
    'https://rolesanywhere-fips.us-isob-east-1.sc2s.sgov.gov/',
    'https://rolesanywhere.us-isob-east-1.api.aws.scloud/',
    'https://rolesanywhere-fips.us-isob-east-1.api.aws.scloud/',
  ],
  [
    'eu-isoe-west-1',
    'https://rolesanywhere.eu-isoe-west-1.cloud.adc-e.uk/',
    'https://rolesanywhere-fips.eu-isoe-west-1.cloud.adc-e.uk/',
    'https://rolesanywhere.eu-isoe-west-1.api.cloud-aws.adc-e.uk/',
    'https://rolesanywhere-fips.eu-isoe-west-1.api.cloud-aws.adc-e.uk/',
  ],
  [
    'us-isof-south-1',
    'https://rolesanywhere.us-isof-south-1.csp.hci.ic.gov/',
    'https://rolesanywhere-fips.us-isof-south-1.csp.hci.ic.gov/',
    'https://rolesanywhere.us-isof-south-1.api.aws.hci.ic.gov/',
    'https://rolesanywhere-fips.us-isof-south-1.api.aws.hci.ic.gov/',
  ],
] as const;

it.each(ENDPOINTS)('the endpoints of %s', (region, ...expected) => {
  const variants = [
    { useFipsEndpoint: false, useDualstackEndpoint: false },
    { useFipsEndpoint: true, useDualstackEndpoint: false },
    { useFipsEndpoint: false, useDualstackEndpoint: true },
    { useFipsEndpoint: true, useDualstackEndpoint: true },
  ];
  expect(variants.map((variant) => endpointForRegion(region, variant).href)).toEqual(expected);
});

describe('a custom endpoint', () => {
  it.each([
    ['https://vpce-1.example.test', 'https://vpce-1.example.test/'],
    ['https://example.test:8443/a/b', 'https://example.test:8443/a/b'],
    ['HTTPS://EXAMPLE.TEST', 'https://example.test/'],
    ['http://localhost:8080', 'http://localhost:8080/'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080/'],
    ['http://127.1.2.3', 'http://127.1.2.3/'],
    ['http://[::1]:8080/', 'http://[::1]:8080/'],
  ])('may be %s', (text, expected) => {
    expect(parseEndpoint(text, 'endpoint').href).toBe(expected);
  });

  it.each([
    ['example.test', '--endpoint must be an https:// URL, found "example.test"'],
    ['https://', '--endpoint must be an https:// URL, found "https://"'],
    ['ftp://example.test', '--endpoint must be an https:// URL, found "ftp://example.test"'],
    ['file:///etc/passwd', '--endpoint must be an https:// URL, found "file:///etc/passwd"'],
    ['ftp://user:hunter2@host', '--endpoint must be an https:// URL, found one with a user name or password'],
    ['https://example.test/?a=b', '--endpoint must be only scheme, host, port and path'],
    ['https://example.test/#a', '--endpoint must be only scheme, host, port and path'],
    ['https://user@example.test', '--endpoint must be only scheme, host, port and path'],
    ['https://user:hunter2@example.test', '--endpoint must be only scheme, host, port and path'],
    [
      'http://example.test:81',
      '--endpoint must use https, except to this machine: credentials would travel in the clear to ' +
        'example.test:81',
    ],
    [
      'http://127.0.0.1.example.test',
      '--endpoint must use https, except to this machine: credentials would travel in the clear to ' +
        '127.0.0.1.example.test',
    ],
    [
      'http://localhost.example.test',
      '--endpoint must use https, except to this machine: credentials would travel in the clear to ' +
        'localhost.example.test',
    ],
  ])('may not be %s', (text, message) => {
    expect(() => parseEndpoint(text, '--endpoint')).toThrow(
      expect.objectContaining({ name: 'OptionError', code: 'ERR_OPTION_INVALID', message }),
    );
  });

  // Each differs by one typing error from a valid URL.
  it.each([
    'https://user:hunter2@example.test',
    'https://user:hunter2@example.test:port',
    'https://user:hunter2@exa mple.test',
    'https://user:pass/hunter2@example.test',
    'https://user:pass@hunter2@example.test:port',
    'user:hunter2@example.test',
    'htps://user:hunter2@example.test',
    'htps:/user:hunter2@example.test',
  ])('is never shown with its password: %s', (text) => {
    expect(() => parseEndpoint(text, 'endpoint')).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_INVALID',
        message: expect.not.stringContaining('hunter2'),
      }),
    );
  });
});
