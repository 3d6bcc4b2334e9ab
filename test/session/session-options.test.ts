import { describe, expect, expectTypeOf, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands/table.js';
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

  it.each(COMMANDS.map(({ name, options }) => [name, options] as const))(
    'names no flag of %s twice, and none in a form that could not be typed',
    (_command, rows) => {
      const flags = Object.values(rows).map(({ flag }) => flag);
      expect(new Set(flags).size).toBe(flags.length);
      expect(flags.filter((flag) => !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(flag))).toEqual([]);
    },
  );

  it('marks passphrases, and nothing else, as secret', () => {
    const rows = COMMANDS.flatMap(({ options }) => Object.entries(options));
    const secret = rows.filter(([, row]) => row.secret === true).map(([name]) => name);
    expect([...new Set(secret)].sort()).toEqual(['passphrase', 'tpmKeyPassword']);
  });
});
