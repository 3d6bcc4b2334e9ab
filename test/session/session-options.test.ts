import { describe, expect, expectTypeOf, it } from 'vitest';
import type { SessionOptions } from '../../src/session/session-options.js';
import { SESSION_OPTIONS } from '../../src/session/session-options.js';

describe('the option table', () => {
  it('has one row for each property of Partial<SessionOptions>, and no other', () => {
    expectTypeOf<keyof typeof SESSION_OPTIONS>().toEqualTypeOf<keyof Partial<SessionOptions>>();
    // Written out: a row that goes missing is a breaking change.
    expect(Object.keys(SESSION_OPTIONS)).toEqual([
      'certificate',
      'privateKey',
      'intermediates',
      'passphrase',
      'certificateSubject',
      'certificateSerial',
      'pkcs11Module',
      'pkcs11Pin',
      'reusePin',
      'tpmDevice',
      'tpmKeyPassword',
      'signCommand',
      'trustAnchorArn',
      'profileArn',
      'roleArn',
      'region',
      'endpoint',
      'durationSeconds',
      'roleSessionName',
      'instanceProperties',
      'assumeRoles',
      'stsEndpoint',
      'useFipsEndpoint',
      'useDualstackEndpoint',
      'caBundle',
      'verifyTls',
      'connectTimeoutMs',
      'timeoutMs',
    ]);
  });
});
