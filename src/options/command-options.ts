/** The option tables of single commands: flags that are no options of a session. */
import type { OptionRow } from './option-row.js';

/** Flags that only the command line has. */
export const COMMAND_LINE_OPTIONS = {
  debug: {
    flag: 'debug',
    kind: { type: 'boolean' },
    default: false,
    help: 'show what is signed and sent, on stderr; never a secret',
  },
  help: {
    flag: 'help',
    kind: { type: 'boolean' },
    default: false,
    help: 'show this help',
  },
} as const satisfies Record<string, OptionRow>;

/** Flags of `rolesanywhere emulator`; the rows have the names and the rules of `startEmulator`'s options. */
export const EMULATOR_OPTIONS = {
  port: {
    flag: 'port',
    kind: { type: 'integer', min: 0, max: 65_535 },
    placeholder: 'PORT',
    default: 0,
    help: 'port on 127.0.0.1; 0 takes a free one',
  },
  certificateAuthority: {
    flag: 'ca',
    kind: { type: 'text' },
    placeholder: 'FILE',
    help: 'PEM file of the CA to use as trust anchor; without it, a CA and a certificate are made and removed at the end',
  },
  roleName: {
    flag: 'role',
    kind: {
      type: 'pattern',
      pattern: /^[A-Za-z0-9_+=,.@-]{1,64}$/,
      rule: 'a role name: 1 to 64 of A-Z a-z 0-9 _ + = , . @ -',
    },
    placeholder: 'NAME',
    default: 'Demo',
    help: 'name of the role to give sessions of',
  },
} as const satisfies Record<string, OptionRow>;
