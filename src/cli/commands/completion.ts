/** `rolesanywhere completion` prints the completion script of a shell, or the manual page. */
import { OptionError, quote } from '../../errors.js';
import { nearest } from '../../options/values.js';
import type { Command, CommandEntry } from '../command.js';
import { formatCompletion, SHELLS } from '../completion.js';
import { formatManual } from '../manual.js';
import { flatten, HELP_FLAGS } from '../options/flags.js';
import { print } from '../terminal/io.js';

const KINDS = [...SHELLS, 'man'] as const;

/** @param commands all of the program, this one included */
export function completionCommand(commands: readonly CommandEntry[]): Command {
  return {
    flags: { Output: HELP_FLAGS },
    operands: { usage: KINDS.join('|'), min: 1, max: 1, areBehindDashes: false },
    example: 'bash >\n  ~/.local/share/bash-completion/completions/rolesanywhere',
    run: async ({ operands: [given = ''] }, io) => {
      const kind = kindOf(given);
      const shown = await Promise.all(commands.map(describe));
      await print(io.stdout, kind === 'man' ? formatManual(shown) : formatCompletion(kind, shown));
    },
  };
}

async function describe({ name, summary, load }: CommandEntry) {
  const { flags, operands, example } = await load();
  const shown = Object.values(flatten(flags)).filter(({ refused }) => refused === undefined);
  return { name, summary, flags: shown, usage: operands?.usage, example };
}

/** @throws OptionError `ERR_OPTION_INVALID` */
function kindOf(given: string): (typeof KINDS)[number] {
  const kind = KINDS.find((name) => name === given);
  if (kind !== undefined) return kind;
  throw new OptionError(
    'ERR_OPTION_INVALID',
    `completion is for ${KINDS.join(', ')}, found ${quote(given)}${nearest(given, [...KINDS])}`,
  );
}
