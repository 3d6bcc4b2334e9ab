/** Arguments in, exit status out: finds the command, reads its flags, runs it, and reports what went wrong. */

import { OptionError } from '../errors.js';
import { nearest } from '../options/values.js';
import { nameOf, parseArguments } from './arguments.js';
import type { Command } from './commands/table.js';
import { COMMANDS } from './commands/table.js';
import { formatCommandHelp, formatOverview } from './help.js';
import type { Io } from './terminal/io.js';
import { print } from './terminal/io.js';
import { exitStatusOf, formatError } from './terminal/report.js';

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
  const command = findCommand(name, rest[0]);
  const flags = command.name === name ? rest : rest.slice(1);
  if (flags.includes('--help') || flags.includes('-h')) return print(io.stdout, formatCommandHelp(command));
  io.showCommand(command.name);
  const values = parseArguments(flags, command.options);
  const { run } = await command.load();
  return run(values, io);
}

/** A command of one word, or of two: `cache list`. */
function findCommand(first: string, second: string | undefined): Command {
  const found = COMMANDS.find(({ name }) => name === first || name === `${first} ${second}`);
  if (found !== undefined) return found;
  const names = COMMANDS.map(({ name }) => name);
  const further = names.filter((name) => name.startsWith(`${first} `));
  if (further.length > 0) {
    throw new OptionError('ERR_OPTION_MISSING', `${first} is the first of two words: ${further.join(', ')}`);
  }
  throw new OptionError('ERR_OPTION_UNKNOWN', `unknown command ${nameOf(first)}${nearest(first, names)}`);
}
