/** JSON on stdout holds no character that a terminal obeys, and is the same value for a program. */
import { expect, it } from 'vitest';
import { jsonText } from '../../../src/cli/terminal/json-text.js';

it.each([
  'plain, "quoted" \\ and ü',
  'C0 \u001b[31m\u0007\r\n\t',
  'C1 \u009b31m and DEL \u007f',
  'bidirectional \u202e \u2066 \u200f \u061c',
  'line separators \u2028 \u2029',
  'beyond 16 bits \u{e0001} \u{1f600}',
])('%j', (text) => {
  const shown = jsonText({ [text]: [text] });
  const obeyed = [...shown].filter((one) => one !== '\n' && /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(one));
  expect(obeyed).toEqual([]);
  expect(shown.endsWith(']\n}\n')).toBe(true);
  expect(JSON.parse(shown)).toEqual({ [text]: [text] });
});
