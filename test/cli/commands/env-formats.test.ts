/**
 * Environment variables in each format, read back by the shells themselves, with values that try to run
 * something.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { EnvFormatName } from '../../../src/cli/commands/env-formats.js';
import { ENV_FORMATS, formatVariables } from '../../../src/cli/commands/env-formats.js';

const folder = mkdtempSync(join(tmpdir(), 'env-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PLAIN = ['ASIAEXAMPLE', 'a/b+c==', '2030-01-01T00:00:00Z', ''];
const HOSTILE = [
  '$(touch pwned)',
  '`touch pwned`',
  "'; touch pwned; '",
  '"; touch pwned; "',
  '\\',
  "\\'; touch pwned; #",
  '$HOME ~ * ? [a] {a,b}',
  'a\nb; touch pwned',
  'a & b | c > d < e',
  '!history !!',
  '=ls',
  'a:=ls',
  '~root:~',
  '%PATH%',
  '\u2019; touch pwned; \u2018',
  ' leading and trailing ',
  '\t',
  'ä 日本 \u{1f511}',
];

/** The value of the variable in a shell that has read the text. */
function readBy(shell: string, text: string): string {
  writeFileSync(join(folder, 'script'), `${text}printenv VALUE`);
  const printed = execFileSync(shell, [join(folder, 'script')], { cwd: folder, encoding: 'utf8' });
  return printed.slice(0, -1);
}

function isThere(shell: string): boolean {
  return spawnSync(shell, ['-c', 'true']).status === 0;
}

describe.each([
  ['dash', 'posix'],
  ['bash', 'posix'],
  ['zsh', 'posix'],
  ['fish', 'fish'],
] as const)('%s', (shell, format) => {
  const isLeftOut = !isThere(shell);

  it.skipIf(isLeftOut)(
    `reads the values of ${format} unchanged${isLeftOut ? ` (left out: no ${shell})` : ''}`,
    () => {
      for (const value of [...PLAIN, ...HOSTILE]) {
        expect(readBy(shell, formatVariables([['VALUE', value]], format)), value).toBe(value);
      }
      expect(spawnSync('ls', ['pwned'], { cwd: folder }).status).not.toBe(0);
    },
  );

  it.skipIf(isLeftOut)(`unsets a variable${isLeftOut ? ` (left out: no ${shell})` : ''}`, () => {
    const text = formatVariables(
      [
        ['VALUE', 'a'],
        ['VALUE', undefined],
      ],
      format,
    );
    writeFileSync(join(folder, 'script'), `${text}printenv VALUE; echo gone`);
    const env = { PATH: process.env['PATH'] };
    expect(execFileSync(shell, [join(folder, 'script')], { cwd: folder, env, encoding: 'utf8' })).toBe(
      'gone\n',
    );
  });
});

describe('every format', () => {
  it.each(Object.keys(ENV_FORMATS) as EnvFormatName[])('%s holds credentials in one line each', (format) => {
    const variables = PLAIN.map((value, index) => [`NAME_${index}`, value] as const);
    const lines = formatVariables(variables, format).trimEnd().split('\n');
    expect(lines).toHaveLength(PLAIN.length);
    for (const [index, value] of PLAIN.entries()) {
      expect(lines[index]).toMatch(new RegExp(`NAME_${index}`));
      expect(lines[index]).toContain(value);
    }
  });

  it.each([
    ['cmd', ['%PATH%', 'a"b', 'a&b', 'a^b', 'a!b', 'a\nb']],
    ['dotenv', ["it's", "'\n"]],
    ['systemd', ['a\nb', 'a\rb']],
    ['docker', ['a\nb']],
  ] as const)('%s refuses a value that it cannot hold, and does not show it', (format, values) => {
    for (const value of values) {
      expect(() => formatVariables([['AWS_SECRET_ACCESS_KEY', value]], format)).toThrow(
        expect.objectContaining({
          code: 'ERR_FILE_WRITE',
          message: expect.stringMatching(
            new RegExp(`^the value of AWS_SECRET_ACCESS_KEY has characters that format ${format} cannot`),
          ),
        }),
      );
    }
  });

  it('powershell doubles every character that PowerShell reads as a single quote', () => {
    expect(formatVariables([['A', "x'y\u2018\u2019\u201a\u201bz"]], 'powershell')).toBe(
      "$Env:A = 'x''y\u2018\u2018\u2019\u2019\u201a\u201a\u201b\u201bz'\n",
    );
  });

  it('systemd reads back the written values', () => {
    // systemd's own reader of such files is in systemd-run; its rules for double quotes are those of the
    // shell.
    for (const value of ['a "b" \\ $HOME `id`', ' x ']) {
      expect(readBy('bash', `export ${formatVariables([['VALUE', value]], 'systemd')}`)).toBe(value);
    }
  });
});
