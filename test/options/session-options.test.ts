import { describe, expect, expectTypeOf, it } from 'vitest';
import { COMMAND_LINE_OPTIONS, EMULATOR_OPTIONS } from '../../src/options/command-options.js';
import type { SessionOptions } from '../../src/options/session-options.js';
import { SESSION_OPTIONS } from '../../src/options/session-options.js';

describe('the option table', () => {
  it('has one row for each property of Partial<SessionOptions>, and no other', () => {
    expectTypeOf<keyof typeof SESSION_OPTIONS>().toEqualTypeOf<keyof Partial<SessionOptions>>();
    // Written out: a row that goes missing is a breaking change.
    expect(Object.keys(SESSION_OPTIONS)).toEqual([
      'certificate',
      'privateKey',
      'intermediates',
      'passphrase',
      'trustAnchorArn',
      'profileArn',
      'roleArn',
      'region',
      'endpoint',
      'durationSeconds',
      'roleSessionName',
      'useFipsEndpoint',
      'useDualstackEndpoint',
      'caBundle',
      'noVerifySsl',
      'withProxy',
      'connectTimeoutMs',
      'timeoutMs',
    ]);
  });

  it('keeps the flags of the Go helper', () => {
    const flags = new Set<string>(
      Object.values({ ...SESSION_OPTIONS, ...COMMAND_LINE_OPTIONS }).map(({ flag }) => flag),
    );
    const expected = [
      'certificate',
      'private-key',
      'intermediates',
      'role-arn',
      'profile-arn',
      'trust-anchor-arn',
      'session-duration',
      'region',
      'endpoint',
      'role-session-name',
      'no-verify-ssl',
      'with-proxy',
      'debug',
      'pkcs8-password',
    ];
    expect(expected.filter((flag) => !flags.has(flag))).toEqual([]);
  });

  it.each([
    ['credential-process', { ...SESSION_OPTIONS, ...COMMAND_LINE_OPTIONS }],
    ['emulator', { ...EMULATOR_OPTIONS, help: COMMAND_LINE_OPTIONS.help }],
  ])('names no flag of %s twice, and none in a form that could not be typed', (_command, rows) => {
    const flags = Object.values(rows).map(({ flag }) => flag);
    expect(new Set(flags).size).toBe(flags.length);
    expect(flags.filter((flag) => !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(flag))).toEqual([]);
  });

  it('marks the passphrase, and nothing else, as secret', () => {
    const rows = Object.entries({ ...SESSION_OPTIONS, ...COMMAND_LINE_OPTIONS, ...EMULATOR_OPTIONS });
    expect(rows.filter(([, row]) => 'secret' in row && row.secret).map(([name]) => name)).toEqual([
      'passphrase',
    ]);
  });
});
