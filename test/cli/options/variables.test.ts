/** Every flag of the commands that make sessions has a variable in the environment; the library reads none of these. */
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/cli/commands/table.js';
import { chooseValues } from '../../../src/options/choose-values.js';
import type { OptionRow } from '../../../src/options/option-row.js';
import { SESSION_OPTIONS } from '../../../src/session/session-options.js';

/** A text that the row takes. */
function sample({ kind, flag }: OptionRow): string {
  const patterns: Record<string, string> = {
    region: 'eu-west-1',
    'log-format': 'json',
    'socket-mode': '0660',
  };
  if (kind.type === 'boolean') return 'true';
  if (kind.type === 'object') return '{"a":{}}';
  return kind.type === 'integer' ? String(kind.max) : (patterns[flag] ?? 'sample');
}

const COMMANDS_OF_SESSIONS = COMMANDS.filter(({ options }) => 'roleArn' in options);
const FLAGS = COMMANDS_OF_SESSIONS.flatMap(({ name, options }) =>
  Object.values(options)
    .filter(({ flag }) => flag !== 'help')
    .map((row) => [name, row.flag, row] as const),
);

describe('the environment', () => {
  it('is asked by the three commands', () => {
    expect(COMMANDS_OF_SESSIONS.map(({ name }) => name)).toEqual(['credential-process', 'serve', 'update']);
    expect(FLAGS.length).toBeGreaterThan(80);
  });

  it.each(FLAGS)('has %s --%s', (_command, flag, row) => {
    const variable = `ROLESANYWHERE_${flag.replaceAll('-', '_').toUpperCase()}`;
    const env = { [variable]: sample(row) };
    const { option } = chooseValues({ option: row }, { given: {}, env, naming: 'flag' });
    expect(option).toMatchObject({ origin: 'environment', label: variable });
    const { value } = option;
    expect(typeof value === 'object' ? JSON.stringify(value) : String(value)).toBe(sample(row));
  });

  it.each(Object.entries(SESSION_OPTIONS))('of the library has %s only as the README says', (name, row) => {
    const option: OptionRow = row;
    const variable = `ROLESANYWHERE_${option.flag.replaceAll('-', '_').toUpperCase()}`;
    const env = { [variable]: sample(option) };
    const { [name]: chosen } = chooseValues({ [name]: option }, { given: {}, env, naming: 'property' });
    expect(chosen?.origin).toBe(option.env?.includes(variable) ? 'environment' : 'default');
  });
});
