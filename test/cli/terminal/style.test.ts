/** Bold text, widths and wrapping: for terminals, files, pipes and dumb terminals. */
import { describe, expect, it } from 'vitest';
import { styleOf, widthOf, wrap } from '../../../src/cli/terminal/style.js';
import { fakeIo } from '../../program.js';

const OUTPUT = fakeIo([]).io.stdout;

describe('bold text', () => {
  it.each([
    ['is bold in a terminal', true, {}, '\u001b[1mUsage\u001b[22m'],
    ['is bold with an empty NO_COLOR, which is none', true, { NO_COLOR: '' }, '\u001b[1mUsage\u001b[22m'],
    ['is plain with NO_COLOR', true, { NO_COLOR: '1' }, 'Usage'],
    ['is plain with NO_COLOR=0, which is set', true, { NO_COLOR: '0' }, 'Usage'],
    ['is plain in a dumb terminal', true, { TERM: 'dumb' }, 'Usage'],
    ['is plain in a pipe', false, {}, 'Usage'],
    ['is plain for an unknown output', undefined, { TERM: 'xterm-256color' }, 'Usage'],
  ])('%s', (_name, isTTY, env, shown) => {
    const output = isTTY === undefined ? OUTPUT : { ...OUTPUT, isTTY };
    expect(styleOf(output, { env }).bold('Usage')).toBe(shown);
  });
});

describe('the width', () => {
  it.each([
    ['of a terminal', true, 100, 100],
    ['of a wide terminal', true, 300, 120],
    ['of a narrow terminal', true, 10, 40],
    ['of a terminal that does not tell', true, undefined, 80],
    ['of a pipe', false, 200, 80],
  ])('%s', (_name, isTTY, columns, width) => {
    const output = { ...OUTPUT, isTTY, ...(columns !== undefined && { columns }) };
    expect(widthOf(output, { env: {} })).toBe(width);
  });

  it.each([
    ['60', 60],
    ['20', 40],
    ['500', 120],
    ['', 100],
    ['0', 100],
    ['wide', 100],
    ['-5', 100],
  ])('is what COLUMNS says, if that is a number: %s', (COLUMNS, width) => {
    expect(widthOf({ ...OUTPUT, isTTY: true, columns: 100 }, { env: { COLUMNS } })).toBe(width);
  });
});

it('wraps at spaces, and keeps long words whole', () => {
  expect(wrap('a bb ccc arn:aws:iam::123456789012:role/Demo d', 8)).toEqual([
    'a bb ccc',
    'arn:aws:iam::123456789012:role/Demo',
    'd',
  ]);
  expect(wrap('', 8)).toEqual(['']);
});
