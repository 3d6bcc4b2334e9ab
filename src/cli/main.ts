/** Arguments in, exit status out: finds the command, reads its flags, runs it, and reports what went wrong. */

import { COMMANDS } from '../commands/table.js';
import { OptionError } from '../errors.js';
import { nearest } from '../options/values.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';
import { exitStatusOf, formatError } from '../terminal/report.js';
import { nameOf, parseArguments } from './arguments.js';
import { formatCommandHelp, formatOverview } from './help.js';

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
