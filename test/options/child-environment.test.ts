/** The environment of a child has none of the program's secrets. */
import { expect, it } from 'vitest';
import { childEnvironment } from '../../src/options/child-environment.js';

it.each([
  ...['ROLESANYWHERE_PKCS8_PASSWORD', 'ROLESANYWHERE_PKCS12_PASSWORD', 'ROLESANYWHERE_PKCS11_PIN'],
  ...['ROLESANYWHERE_TPM_KEY_PASSWORD', 'ROLESANYWHERE_PKCS8_PASSWORD_FILE', 'AWS_SECRET_ACCESS_KEY'],
])('%s is left out', (name) => {
  expect(childEnvironment({ [name]: 'canary' })).toEqual({});
});

it.each(['ROLESANYWHERE_ROLE_ARN', 'AWS_REGION', 'MY_PASSWORD'])('%s stays', (name) => {
  expect(childEnvironment({ [name]: 'x' })).toEqual({ [name]: 'x' });
});
