/**
 * Runs a command: finds it, parses its arguments, loads and runs it, reports errors, and gives the exit
 * status.
 */
import { OptionError } from '../errors.js';
import { nearest } from '../options/values.js';
import { nameOf, parseArguments } from './arguments.js';
import type { Command, CommandEntry, Ending } from './command.js';
import { COMMANDS } from './commands/table.js';
import { flatten } from './options/flags.js';
import { programNameOf } from './program-name.js';
import type { Io } from './terminal/io.js';
import { print } from './terminal/io.js';
import { exitStatusOf, formatError } from './terminal/report.js';

/**
 * @returns what the command returns, 0 if that is nothing, or the status of the error's class (see
 *   `report.ts`)
 */
export async function main(io: Io): Promise<Ending> {
  let entry: CommandEntry | undefined;
  try {
    const line = findCommand(io.argv);
    entry = line.entry;
    return (await dispatch(line, io)) ?? 0;
  } catch (error) {
    const program = programNameOf(io);
    const help = entry === undefined ? `${program} --help` : `${program} ${entry.name} --help`;
    await print(io.stderr, formatError(error, { program, help })).catch(() => undefined);
    return exitStatusOf(error);
  }
}

/** A command line: the command, if one is named, and the arguments after its name. */
interface CommandLine {
  readonly entry: CommandEntry | undefined;
  readonly rest: readonly string[];
}

/** @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_MISSING` */
function findCommand(argv: readonly string[]): CommandLine {
  const [first, ...rest] = argv;
  if (first === undefined || first === '--help' || first === '-h') return { entry: undefined, rest };
  if (first === '--version') return findCommand(['version', ...rest]);
  // `help serve` is `serve --help`.
  if (first === 'help') return findCommand([...rest, '--help']);
  const found = COMMANDS.find(({ name }) => name === first || name === `${first} ${rest[0]}`);
  if (found !== undefined) return { entry: found, rest: found.name === first ? rest : rest.slice(1) };
  const names = COMMANDS.map(({ name }) => name);
  const subcommands = names.filter((name) => name.startsWith(`${first} `));
  if (subcommands.length === 0) {
    throw new OptionError('ERR_OPTION_UNKNOWN', `unknown command ${nameOf(first)}${nearest(first, names)}`);
  }
  const [second] = rest;
  if (rest.some(isHelp)) return { entry: undefined, rest };
  if (second !== undefined && !second.startsWith('-')) {
    const known = subcommands.map((name) => name.slice(first.length + 1));
    const message = `unknown command ${first} ${nameOf(second)}${nearest(second, known)}`;
    throw new OptionError('ERR_OPTION_UNKNOWN', message, { hint: `one of ${known.join(', ')}` });
  }
  throw new OptionError('ERR_OPTION_MISSING', `missing subcommand: ${subcommands.join(' or ')}`);
}

function isHelp(argument: string): boolean {
  return argument === '--help' || argument === '-h';
}

async function dispatch({ entry, rest }: CommandLine, io: Io): Promise<Ending | undefined> {
  if (entry === undefined) {
    await printHelp(io, rest);
    return undefined;
  }
  const command = await entry.load();
  const end = rest.indexOf('--');
  if (rest.slice(0, end < 0 ? undefined : end).some(isHelp)) {
    await printHelp(io, rest, entry, command);
    return undefined;
  }
  io.showCommand(entry.name);
  const { flags, operands } = command;
  const args = parseArguments(rest, flatten(flags), operands);
  return (await command.run({ ...args, otherFlags: flagsInFiles }, io)) ?? undefined;
}

/** Every flag that a configuration file may have, for files that serve several commands. */
async function flagsInFiles(): Promise<ReadonlySet<string>> {
  const commands = await Promise.all(COMMANDS.map(({ load }) => load()));
  const flags = commands.map((command) => flatten(command.flags)).filter((all) => 'config' in all);
  return new Set(flags.flatMap((all) => Object.values(all)).map(({ flag }) => flag));
}

async function printHelp(
  io: Io,
  rest: readonly string[],
  entry?: CommandEntry,
  command?: Command,
): Promise<void> {
  const [{ formatCommandHelp, formatOverview }, { styleOf, widthOf }] = await Promise.all([
    import('./help.js'),
    import('./terminal/style.js'),
  ]);
  const format = {
    ...styleOf(io.stdout, io),
    program: programNameOf(io),
    width: widthOf(io.stdout, io),
    showsAll: rest.includes('--all'),
  };
  const text =
    entry === undefined || command === undefined
      ? formatOverview(COMMANDS, format)
      : formatCommandHelp(entry, command, format);
  await print(io.stdout, text);
}
