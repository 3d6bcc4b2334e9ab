/** The flags of all commands. */
import { describe, expect, it } from 'vitest';
import { LOADED_COMMANDS } from '../../commands.js';

describe('flags', () => {
  it.each(LOADED_COMMANDS.map(({ name, command }) => [name, command] as const))(
    'of %s are named once, in a form that can be typed',
    (_name, command) => {
      const flags = Object.values(command.flags)
        .flatMap((group) => Object.values(group))
        .map(({ flag }) => flag);
      expect(new Set(flags).size).toBe(flags.length);
      expect(flags.filter((flag) => !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(flag))).toEqual([]);
    },
  );

  it('have one option name each, in all commands', () => {
    const pairs = LOADED_COMMANDS.filter(({ flags }) => 'config' in flags).flatMap(({ flags }) =>
      Object.entries(flags).map(([name, { flag }]) => `${flag} ${name}`),
    );
    const names = new Map([...new Set(pairs)].map((pair) => pair.split(' ') as [string, string]));
    expect(names.size).toBe(new Set(pairs).size);
  });

  it('that hold passphrases and PINs, and no others, are secret', () => {
    const rows = LOADED_COMMANDS.flatMap(({ flags }) => Object.entries(flags));
    const secret = rows.filter(([, { kind }]) => kind.type === 'secret').map(([name]) => name);
    expect([...new Set(secret)].sort()).toEqual(['passphrase', 'pkcs11Pin', 'tpmKeyPassword']);
  });
});
