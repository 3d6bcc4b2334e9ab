/** Splitting command lines into words, compared with Python's shlex. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { splitCommand } from '../../src/options/split-command.js';

const LINES = [
  'sign --key host',
  '  sign   --key\thost  ',
  '',
  '   ',
  `sign "a b" 'c d'`,
  `sign ""`,
  `sign '' x`,
  String.raw`sign a\ b`,
  String.raw`sign "a\"b"`,
  String.raw`sign "a\\b"`,
  String.raw`sign "a\nb"`,
  String.raw`sign 'a\nb'`,
  String.raw`sign 'a\'`,
  `sign a"b c"d'e f'g`,
  'sign $HOME ~ `id` *',
  'sign --x=ä "日本"',
  String.raw`sign a\\`,
  'sign a\nb',
];

const BAD = [`sign "a`, `sign 'a`, `sign a\\`, `sign "a'`];

function byPython(lines: readonly string[]): unknown {
  const program = [
    'import json, shlex, sys',
    'def split(line):',
    '  try: return shlex.split(line)',
    '  except ValueError: return None',
    'print(json.dumps([split(line) for line in json.load(sys.stdin)]))',
  ].join('\n');
  return JSON.parse(
    execFileSync('python3', ['-c', program], { input: JSON.stringify(lines), encoding: 'utf8' }),
  );
}

describe('a command line', () => {
  it('is split as Python splits it', () => {
    expect(LINES.map((line) => splitCommand(line, '--sign-command'))).toEqual(byPython(LINES));
  });

  it('is refused if Python refuses it', () => {
    expect(byPython(BAD)).toEqual(BAD.map(() => null));
    for (const line of BAD) {
      expect(() => splitCommand(line, '--sign-command')).toThrow(
        expect.objectContaining({
          code: 'ERR_OPTION_INVALID',
          message: expect.stringMatching(/^--sign-command (has a|ends in)/),
        }),
      );
    }
  });
});
