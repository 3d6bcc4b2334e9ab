/** Every command of the program: its name, its flags, and where it is loaded from when it is run. */

import type { OptionRows } from '../../options/option-row.js';
import type { RawValues } from '../../options/values.js';
import { VERSION } from '../../session/version.js';
import {
  CACHE_OPTIONS,
  COMMAND_LINE_OPTIONS,
  EMULATOR_OPTIONS,
  LOG_OPTIONS,
  SERVE_OPTIONS,
  SIGN_STRING_OPTIONS,
  UPDATE_OPTIONS,
} from '../options/command-options.js';
import { CERTIFICATE_FLAGS, KEY_FLAGS } from '../options/key-flags.js';
import { SESSION_FLAGS } from '../options/session-inputs.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly options: OptionRows;
  /** Loaded when it is run: a program that others start on every command must not load what it will not use. */
  readonly load: () => Promise<{ run(values: RawValues, io: Io): Promise<void> }>;
}

const { debug, help } = COMMAND_LINE_OPTIONS;

export const COMMANDS: readonly Command[] = [
  {
    name: 'credential-process',
    summary: 'Print credentials for `credential_process` in ~/.aws/config.',
    options: { ...SESSION_FLAGS, ...CACHE_OPTIONS, debug, help },
    load: () => import('./credential-process.js'),
  },
  {
    name: 'serve',
    summary: 'Serve credentials on this machine, as EC2 and ECS do.',
    options: { ...SESSION_FLAGS, ...SERVE_OPTIONS, ...CACHE_OPTIONS, ...LOG_OPTIONS, debug, help },
    load: () => import('./serve.js'),
  },
  {
    name: 'update',
    summary: 'Keep a profile of the shared credentials file up to date.',
    options: { ...SESSION_FLAGS, ...UPDATE_OPTIONS, ...CACHE_OPTIONS, ...LOG_OPTIONS, debug, help },
    load: () => import('./update.js'),
  },
  {
    name: 'cache list',
    summary: 'Show what --cache has kept: files, ages and ends, no secrets.',
    options: { help },
    load: async () => ({ run: (await import('./cache.js')).list }),
  },
  {
    name: 'cache clear',
    summary: 'Remove what --cache has kept.',
    options: { help },
    load: async () => ({ run: (await import('./cache.js')).clear }),
  },
  {
    name: 'sign-string',
    summary: 'Sign a fixed text: a test of the private key.',
    options: { ...KEY_FLAGS, ...SIGN_STRING_OPTIONS, debug, help },
    load: async () => ({ run: (await import('./diagnostics.js')).signString }),
  },
  {
    name: 'read-certificate-data',
    summary: 'Print what a request says about a certificate.',
    options: { ...CERTIFICATE_FLAGS, debug, help },
    load: async () => ({ run: (await import('./diagnostics.js')).readCertificateData }),
  },
  {
    name: 'emulator',
    summary: 'Run a local IAM Roles Anywhere and STS, for trying and testing without an account.',
    options: { ...EMULATOR_OPTIONS, help },
    load: () => import('./emulator.js'),
  },
  {
    name: 'version',
    summary: 'Print the version.',
    options: { help },
    load: async () => ({ run: (_values, { stdout }) => print(stdout, `${VERSION}\n`) }),
  },
];
