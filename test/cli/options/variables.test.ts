/**
 * Every flag of the commands that make sessions has a variable in the environment; the library reads none of
 * these.
 */
import { describe, expect, it } from 'vitest';
import type { Flag } from '../../../src/cli/options/flags.js';
import { variableOf } from '../../../src/cli/options/flags.js';
import { readFlags } from '../../../src/cli/options/read-flags.js';
import { ALL_SESSION_FLAGS } from '../../../src/cli/options/session-flags.js';
import type { SessionOptions } from '../../../src/session/session-options.js';
import { SESSION_OPTIONS } from '../../../src/session/session-options.js';
import { parseSettings } from '../../../src/session/settings.js';
import { LOADED_COMMANDS } from '../../commands.js';
import { ARNS } from '../../fake-service.js';

/** A text that the row takes. */
function sample({ kind, flag }: Flag): string {
  const patterns: Record<string, string> = {
    region: 'eu-west-1',
    'sts-region': 'eu-west-1',
    'log-format': 'json',
    'socket-mode': '0660',
    'session-policy': '{"a":{}}',
  };
  if (kind.type === 'boolean') return 'true';
  if (kind.type === 'object') return '{"a":{}}';
  if (kind.type === 'records') return '[{"assume-role-arn":"b"}]';
  if (kind.type === 'pairs') return '{"a":"b"}';
  return kind.type === 'integer' ? String(kind.max) : (patterns[flag] ?? 'sample');
}

const COMMANDS_OF_SESSIONS = LOADED_COMMANDS.filter(({ flags }) => 'roleArn' in flags);
const FLAGS = COMMANDS_OF_SESSIONS.flatMap(({ name, flags }) =>
  Object.values(flags)
    .filter(({ flag }) => flag !== 'help')
    .map((row) => [name, row.flag, row] as const),
);

describe('the environment', () => {
  it('is read by the commands that create sessions', () => {
    const names = COMMANDS_OF_SESSIONS.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['credential-process', 'serve', 'update', 'whoami']));
    expect(FLAGS.length).toBeGreaterThan(80);
  });

  it.each(FLAGS)('has %s --%s', (_command, flag, row) => {
    const variable = `ROLESANYWHERE_${flag.replaceAll('-', '_').toUpperCase()}`;
    const env = { [variable]: sample(row) };
    const { option } = readFlags({ given: {}, operands: [] }, { option: row }, env);
    expect(option).toMatchObject({ origin: 'environment', label: variable });
    const { value } = option;
    const isJson = typeof value === 'object' && (row.kind.type === 'records' || !Array.isArray(value));
    expect(isJson ? JSON.stringify(value) : String(value)).toBe(sample(row));
  });

  it('gives the library no option but passphrases and PINs', () => {
    const given = { ...ARNS, certificate: 'host.pem' };
    const names = Object.keys(SESSION_OPTIONS) as Array<keyof SessionOptions>;
    const flags = Object.entries<Flag>(ALL_SESSION_FLAGS).filter(([name]) =>
      names.some((known) => known === name),
    );
    const env = Object.fromEntries(flags.map(([, flag]) => [variableOf(flag), sample(flag)]));
    expect(Object.keys(env).length).toBeGreaterThan(15);
    const settings = parseSettings(given);
    expect(parseSettings(given, { env })).toEqual({
      ...settings,
      source: {
        ...settings.source,
        passphrase: env['ROLESANYWHERE_PKCS8_PASSWORD'],
        pkcs11Pin: env['ROLESANYWHERE_PKCS11_PIN'],
        tpmKeyPassword: env['ROLESANYWHERE_TPM_KEY_PASSWORD'],
      },
    });
  });
});
