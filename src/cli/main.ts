/** Arguments in, exit status out: finds the command, reads its flags, runs it, and reports what went wrong. */
import { OptionError } from '../errors.js';
import { COMMAND_LINE_OPTIONS, EMULATOR_OPTIONS, SESSION_OPTIONS } from '../settings/options.js';
import { nearest } from '../settings/values.js';
import { VERSION } from '../settings/version.js';
import { nameOf, parseArguments } from './arguments.js';
import type { Command } from './command.js';
import { formatCommandHelp, formatOverview } from './help.js';
import type { Io } from './io.js';
import { print } from './io.js';
import { exitStatusOf, formatError } from './report.js';

const { debug, help } = COMMAND_LINE_OPTIONS;

export const COMMANDS: readonly Command[] = [
  {
    name: 'credential-process',
    summary: 'Print credentials for `credential_process` in ~/.aws/config.',
    options: { ...SESSION_OPTIONS, debug, help },
    load: () => import('./credential-process.js'),
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

/** @returns the exit status: 0, or that of the error's class (see `errors.ts`) */
export async function main(io: Io): Promise<number> {
  try {
    await dispatch(io);
    return 0;
  } catch (error) {
    await print(io.stderr, formatError(error)).catch(() => undefined);
    return exitStatusOf(error);
  }
}

async function dispatch(io: Io): Promise<void> {
  const [first, ...rest] = io.argv;
  const name = first === '--version' ? 'version' : first;
  if (name === undefined) {
    throw new OptionError(
      'ERR_OPTION_MISSING',
      `missing command: ${COMMANDS.map((command) => command.name).join(', ')}`,
    );
  }
  if (['--help', '-h', 'help'].includes(name)) return print(io.stdout, formatOverview(COMMANDS));
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) {
    const names = COMMANDS.map((candidate) => candidate.name);
    throw new OptionError('ERR_OPTION_UNKNOWN', `unknown command ${nameOf(name)}${nearest(name, names)}`);
  }
  if (rest.includes('--help') || rest.includes('-h')) return print(io.stdout, formatCommandHelp(command));
  const values = parseArguments(rest, command.options);
  const { run } = await command.load();
  return run(values, io);
}
