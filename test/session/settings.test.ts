import { describe, expect, it } from 'vitest';
import type { SessionOptions } from '../../src/session/session-options.js';
import type { SettingsContext } from '../../src/session/settings.js';
import { parseSettings } from '../../src/session/settings.js';
import { ARNS } from '../fake-service.js';

const BASE: Partial<SessionOptions> = { ...ARNS, certificate: 'host.pem' };
const EU_PROFILE = 'arn:aws:rolesanywhere:eu-west-1:123456789012:profile/profile';

function optionError(code: string, message: string) {
  return expect.objectContaining({ name: 'OptionError', code, message });
}

describe('options that do not fit together are refused', () => {
  it.each<[string, object, SettingsContext, string, string]>([
    [
      'an unknown name, with the nearest one',
      { ...BASE, privatKey: 'x' },
      {},
      'ERR_OPTION_UNKNOWN',
      'unknown option "privatKey", did you mean "privateKey"?',
    ],
    [
      'an unknown name that is like no other',
      { ...BASE, colour: 'blue' },
      {},
      'ERR_OPTION_UNKNOWN',
      'unknown option "colour"',
    ],
    [
      'an unknown name, even without a value',
      { ...BASE, Region: undefined },
      {},
      'ERR_OPTION_UNKNOWN',
      'unknown option "Region", did you mean "region"?',
    ],
    [
      'nothing, all that is missing named at once',
      {},
      {},
      'ERR_OPTION_MISSING',
      'missing certificate, trustAnchorArn, profileArn, roleArn',
    ],
    [
      'no ARNs, with an identity at hand',
      {},
      { hasIdentity: true },
      'ERR_OPTION_MISSING',
      'missing trustAnchorArn, profileArn, roleArn',
    ],
    ['an empty certificate', { ...BASE, certificate: '' }, {}, 'ERR_OPTION_MISSING', 'missing certificate'],
    [
      'anchor and profile in different regions',
      { ...BASE, profileArn: EU_PROFILE },
      {},
      'ERR_OPTION_CONFLICT',
      'trustAnchorArn and profileArn must be in one region, found us-east-1 and eu-west-1',
    ],
    [
      "profile and role in each other's place",
      { ...BASE, profileArn: ARNS.roleArn, roleArn: ARNS.profileArn },
      {},
      'ERR_OPTION_INVALID',
      'profileArn and roleArn are swapped',
    ],
    [
      'all three ARNs in the wrong place',
      { ...BASE, trustAnchorArn: ARNS.roleArn, profileArn: ARNS.trustAnchorArn, roleArn: ARNS.profileArn },
      {},
      'ERR_OPTION_INVALID',
      'trustAnchorArn and profileArn and roleArn are swapped',
    ],
    [
      'one ARN given twice',
      { ...BASE, profileArn: ARNS.roleArn },
      {},
      'ERR_OPTION_INVALID',
      'profileArn must look like arn:aws:rolesanywhere:<region>:<account>:profile/<id>, found the ARN ' +
        `of a role, "${ARNS.roleArn}"`,
    ],
    [
      'an endpoint and FIPS',
      { ...BASE, endpoint: 'https://example.test', useFipsEndpoint: true },
      {},
      'ERR_OPTION_CONFLICT',
      'endpoint and useFipsEndpoint exclude each other',
    ],
  ])('%s', (_name, options, context, code, message) => {
    expect(() => parseSettings(options, context)).toThrow(optionError(code, message));
  });
});

describe('settings', () => {
  it('have everything that the later stages need, with the defaults', () => {
    expect(parseSettings(BASE)).toEqual({
      source: {
        certificate: 'host.pem',
        privateKey: undefined,
        intermediates: undefined,
        passphrase: undefined,
      },
      ...ARNS,
      region: 'us-east-1',
      endpoint: new URL('https://rolesanywhere.us-east-1.amazonaws.com'),
      durationSeconds: 3600,
      roleSessionName: undefined,
      instanceProperties: undefined,
      assumeRoles: [],
      sts: { endpoint: undefined, variant: { useFipsEndpoint: false, useDualstackEndpoint: false } },
      connection: {
        caBundle: undefined,
        verifyTls: true,
        proxy: undefined,
        trust: { extraFile: undefined, file: undefined, folders: undefined },
        connectTimeoutMs: 5000,
        timeoutMs: 20_000,
      },
    });
  });

  it('prefer the given region to that of the trust anchor, for the endpoint too', () => {
    const { region, endpoint } = parseSettings({ ...BASE, region: 'eu-central-1' });
    expect(region).toBe('eu-central-1');
    expect(endpoint.href).toBe('https://rolesanywhere.eu-central-1.amazonaws.com/');
  });

  it('accept a custom endpoint, and keep the region for the signature', () => {
    const { region, endpoint } = parseSettings({ ...BASE, endpoint: 'https://vpce.example.test:8443/base' });
    expect(region).toBe('us-east-1');
    expect(endpoint.href).toBe('https://vpce.example.test:8443/base');
  });

  it('are frozen, and the options stay unchanged', () => {
    const options = Object.freeze({ ...BASE });
    const settings = parseSettings(options, { env: { HTTPS_PROXY: 'http://proxy' } });
    expect(Object.isFrozen(settings)).toBe(true);
    expect(Object.isFrozen(settings.source)).toBe(true);
    expect(Object.isFrozen(settings.connection)).toBe(true);
    expect(options).toEqual(BASE);
  });

  it('need no certificate if there is an identity', () => {
    expect(parseSettings(ARNS, { hasIdentity: true }).source.certificate).toBeUndefined();
  });
});
