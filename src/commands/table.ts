/** Every command of the program: its name, its flags, and where it is loaded from when it is run. */
import { COMMAND_LINE_OPTIONS, EMULATOR_OPTIONS } from '../options/command-options.js';
import { SESSION_OPTIONS } from '../options/session-options.js';
import { VERSION } from '../settings/version.js';
import { print } from '../terminal/io.js';
import type { Command } from './command.js';

const { debug, help } = COMMAND_LINE_OPTIONS;

export const COMMANDS: readonly Command[] = [
  {
    name: 'credential-process',
    summary: 'Print credentials for `credential_process` in ~/.aws/config.',
    options: { ...SESSION_OPTIONS, debug, help },
    load: () => import('../commands/credential-process.js'),
  },
  {
    name: 'emulator',
    summary: 'Run a local IAM Roles Anywhere and STS, for trying and testing without an account.',
    options: { ...EMULATOR_OPTIONS, help },
    load: () => import('../commands/emulator.js'),
  },
  {
    name: 'version',
    summary: 'Print the version.',
    options: { help },
    load: async () => ({ run: (_values, { stdout }) => print(stdout, `${VERSION}\n`) }),
  },
];
