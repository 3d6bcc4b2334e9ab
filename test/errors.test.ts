/** Printing text from outside. */
import { expect, it } from 'vitest';
import { say } from '../src/cli/terminal/io.js';
import { OptionError, oneLine, printable } from '../src/errors.js';

/** Every C0 and C1 control but line feed, DEL, and the characters that reorder or break lines. */
const CONTROLS = [
  ...Array.from({ length: 32 }, (_, code) => code).filter((code) => code !== 10),
  ...Array.from({ length: 33 }, (_, index) => 0x7f + index),
  ...[0x61c, 0x200e, 0x200f, 0x2028, 0x2029],
  ...Array.from({ length: 5 }, (_, index) => 0x202a + index),
  ...Array.from({ length: 4 }, (_, index) => 0x2066 + index),
  0xfeff,
];

it.each(CONTROLS)('U+%i is printed as a space', (code) => {
  const text = `a${String.fromCodePoint(code)}b`;
  expect(printable(text)).toBe('a b');
  expect(oneLine(text)).toBe('a b');
  expect(new OptionError('ERR_OPTION_INVALID', text, { hint: text })).toMatchObject({
    message: 'a b',
    hint: 'a b',
  });
});

it('letters of all languages are kept, and line feeds in multi-line text', () => {
  const text = 'Größe\nמפתח\n鍵 🔑';
  expect(printable(text)).toBe(text);
  expect(oneLine(text)).toBe('Größe מפתח 鍵 🔑');
});

it('applies to text on stderr, such as a request id with --debug', () => {
  const written: unknown[] = [];
  const output = { write: (text: unknown) => written.push(text), on() {}, once() {}, off() {} };
  say(output, 'request id \u009b2J\u202e\u001b[31m\n');
  expect(written).toEqual(['request id  2J  [31m\n']);
});
