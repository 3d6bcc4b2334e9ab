import { describe, expect, it } from 'vitest';
import type { SessionOptions } from '../../src/session/session-options.js';
import { parseSettings } from '../../src/session/settings.js';
import { ARNS } from '../fake-service.js';

const BASE: Partial<SessionOptions> = { ...ARNS, certificate: 'host.pem' };

describe('the environment', () => {
  it.each<[string, Partial<SessionOptions>, Record<string, string>, object]>([
    ['gives the passphrase', {}, { ROLESANYWHERE_PKCS8_PASSWORD: 'env' }, { source: { passphrase: 'env' } }],
    [
      'gives way to an option',
      { passphrase: 'option' },
      { ROLESANYWHERE_PKCS8_PASSWORD: 'env' },
      { source: { passphrase: 'option' } },
    ],
    [
      'gives way to the empty passphrase, which is one',
      { passphrase: '' },
      { ROLESANYWHERE_PKCS8_PASSWORD: 'env' },
      { source: { passphrase: '' } },
    ],
    ['counts for nothing where empty', {}, { AWS_CA_BUNDLE: '' }, { connection: { caBundle: undefined } }],
    [
      'is asked where an option is empty',
      { caBundle: '' },
      { AWS_CA_BUNDLE: '/ca.pem' },
      { connection: { caBundle: '/ca.pem' } },
    ],
    ['gives the CA bundle', {}, { AWS_CA_BUNDLE: '/ca.pem' }, { connection: { caBundle: '/ca.pem' } }],
    [
      'gives way to an option for the CA bundle',
      { caBundle: '/own.pem' },
      { AWS_CA_BUNDLE: '/ca.pem' },
      { connection: { caBundle: '/own.pem' } },
    ],
    [
      'gives the proxy and its exceptions',
      {},
      { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'a,b' },
      { connection: { proxy: { url: 'http://proxy:3128', except: 'a,b' } } },
    ],
    [
      'is read in lower case too, after upper case',
      {},
      { https_proxy: 'http://lower', HTTPS_PROXY: 'http://upper', no_proxy: 'lower' },
      { connection: { proxy: { url: 'http://upper', except: 'lower' } } },
    ],
    [
      'says nothing by HTTP_PROXY: the service speaks https',
      {},
      { HTTP_PROXY: 'http://proxy:3128', http_proxy: 'http://proxy:3128' },
      { connection: { proxy: undefined } },
    ],
    [
      'changes nothing by AWS_REGION: the trust anchor has one',
      {},
      { AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-1' },
      { region: 'us-east-1' },
    ],
  ])('%s', (_name, options, env, expected) => {
    expect(parseSettings({ ...BASE, ...options }, { env })).toMatchObject(expected);
  });

  const REGIONAL = 'https://rolesanywhere.us-east-1.amazonaws.com/';
  const FIPS = 'https://rolesanywhere-fips.us-east-1.amazonaws.com/';
  const OWN = { AWS_ENDPOINT_URL: 'https://own.test' };
  it.each<[string, Partial<SessionOptions>, Record<string, string>, string]>([
    ['AWS_ENDPOINT_URL', {}, OWN, 'https://own.test/'],
    [
      'AWS_ENDPOINT_URL_ROLESANYWHERE before AWS_ENDPOINT_URL',
      {},
      { ...OWN, AWS_ENDPOINT_URL_ROLESANYWHERE: 'https://special.test' },
      'https://special.test/',
    ],
    ['an option before AWS_ENDPOINT_URL', { endpoint: 'https://option.test' }, OWN, 'https://option.test/'],
    ['AWS_USE_FIPS_ENDPOINT', {}, { AWS_USE_FIPS_ENDPOINT: 'true' }, FIPS],
    [
      'an option before AWS_USE_FIPS_ENDPOINT',
      { useFipsEndpoint: false },
      { AWS_USE_FIPS_ENDPOINT: 'true' },
      REGIONAL,
    ],
    ['AWS_USE_FIPS_ENDPOINT that is false', {}, { AWS_USE_FIPS_ENDPOINT: 'false' }, REGIONAL],
    [
      'AWS_USE_DUALSTACK_ENDPOINT',
      {},
      { AWS_USE_DUALSTACK_ENDPOINT: 'true' },
      'https://rolesanywhere.us-east-1.api.aws/',
    ],
    [
      'an endpoint of the caller before a variant of the environment',
      { endpoint: 'https://option.test' },
      { AWS_USE_FIPS_ENDPOINT: 'true' },
      'https://option.test/',
    ],
    ['a variant of the caller before an endpoint of the environment', { useFipsEndpoint: true }, OWN, FIPS],
    [
      'an endpoint before a variant, both of the environment',
      {},
      { ...OWN, AWS_USE_FIPS_ENDPOINT: 'true' },
      'https://own.test/',
    ],
  ])('chooses the endpoint: %s', (_name, options, env, expected) => {
    expect(parseSettings({ ...BASE, ...options }, { env }).endpoint.href).toBe(expected);
  });

  it.each([
    ['AWS_USE_FIPS_ENDPOINT', 'yes', 'AWS_USE_FIPS_ENDPOINT must be true or false, found'],
    [
      'AWS_ENDPOINT_URL',
      'localhost:4566',
      'AWS_ENDPOINT_URL must be an https:// URL, found "localhost:4566"',
    ],
    ['AWS_ENDPOINT_URL', 'http://localstack:4566', 'AWS_ENDPOINT_URL must use https, except to this machine'],
  ])('an invalid variable is named: %s=%s', (name, value, message) => {
    expect(() => parseSettings(BASE, { env: { [name]: value } })).toThrow(
      expect.objectContaining({
        name: 'OptionError',
        code: 'ERR_OPTION_INVALID',
        message: expect.stringContaining(message),
      }),
    );
  });

  it('is read only if it is passed', () => {
    process.env['ROLESANYWHERE_PKCS8_PASSWORD'] = 'ambient';
    try {
      expect(parseSettings(BASE).source.passphrase).toBeUndefined();
    } finally {
      delete process.env['ROLESANYWHERE_PKCS8_PASSWORD'];
    }
  });
});
