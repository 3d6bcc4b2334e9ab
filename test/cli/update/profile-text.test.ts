/** The line editor, by what it writes, and by what the parsers of AWS make of it. */
import { describe, expect, it } from 'vitest';
import { editProfile, isWritable } from '../../../src/cli/update/profile-text.js';
import { PYTHON, readWithBotocore, readWithJavaScript } from './profile-readers.js';

const EDIT = {
  values: {
    aws_access_key_id: 'ASIANEW',
    aws_secret_access_key: 'new/secret+=',
    aws_session_token: 'newtoken==',
  },
  remove: ['aws_security_token'],
};
const NEW =
  'aws_access_key_id = ASIANEW\naws_secret_access_key = new/secret+=\naws_session_token = newtoken==\n';
const edit = (text: string, profile = 'default'): string => editProfile(text, profile, EDIT);
const dos = (text: string): string => text.replaceAll('\n', '\r\n');

const OTHERS = '# mine\n\n[a]\nregion = eu-west-1 ; near\ns3 =\n  max_concurrent_requests = 20\n';
const LONG = `[z]\nnote = ${'x'.repeat(70_000)}\n`;

describe('a profile that is not there', () => {
  it.each([
    ['an empty file', '', `[default]\n${NEW}`],
    ['other profiles', OTHERS, `${OTHERS}\n[default]\n${NEW}`],
    ['no line end at the end', OTHERS.trimEnd(), `${OTHERS}\n[default]\n${NEW}`],
    ['an empty line at the end', `${OTHERS}\n`, `${OTHERS}\n[default]\n${NEW}`],
    ['line ends of Windows', dos(OTHERS), dos(`${OTHERS}\n[default]\n${NEW}`)],
    ['its name as a comment', '# [default]\n', `# [default]\n\n[default]\n${NEW}`],
    ['a name that begins like it', '[default2]\n', `[default2]\n\n[default]\n${NEW}`],
    ['a long line', LONG, `${LONG}\n[default]\n${NEW}`],
    ['a byte order mark alone', '\u00EF\u00BB\u00BF', `\u00EF\u00BB\u00BF[default]\n${NEW}`],
  ])('%s: added at the end', (_name, text, expected) => {
    expect(edit(text)).toBe(expected);
  });
});

const OLD = 'aws_access_key_id = AKIAOLD\naws_secret_access_key = old\n';

describe('a profile that is there', () => {
  it.each([
    ['with a pair of keys', `[default]\n${OLD}`, `[default]\n${NEW}`],
    ['with line ends of Windows', dos(`[default]\n${OLD}[b]\n`), dos(`[default]\n${NEW}[b]\n`)],
    ['without a line end at the end', `[default]\n${OLD}`.trimEnd(), `[default]\n${NEW}`.trimEnd()],
    ['as a header alone', '[default]', `[default]\n${NEW}`.trimEnd()],
    ['with a blank behind its header', `[default] \n${OLD}`, `[default] \n${NEW}`],
    ['with a comment behind its header', `[default] # me\n${OLD}`, `[default] # me\n${NEW}`],
    [
      'with other keys',
      `[default]\nregion = x\n${OLD}output=json\n`,
      `[default]\nregion = x\n${NEW}output=json\n`,
    ],
    ['with other keys alone', '[default]\nregion = x\n', `[default]\n${NEW}region = x\n`],
    ['after others', `${OTHERS}\n[default]\n${OLD}${LONG}`, `${OTHERS}\n[default]\n${NEW}${LONG}`],
    [
      'in its own order and way of writing',
      '[default]\n# the token\naws_session_token=T\n\naws_secret_access_key  =  S\naws_access_key_id= A\n; end\n',
      '[default]\n# the token\naws_session_token=newtoken==\n\naws_secret_access_key  =  new/secret+=\naws_access_key_id= ASIANEW\n; end\n',
    ],
    [
      'in capitals, which the SDK for JavaScript does not read',
      '[default]\nAWS_ACCESS_KEY_ID = A\naws_secret_access_key: S\n',
      `[default]\n${NEW}`,
    ],
    ['with a key twice', `[default]\n${OLD}AWS_Access_Key_ID = B\nx = 1\n`, `[default]\n${NEW}x = 1\n`],
    ['with the older name of the token', `[default]\n${OLD}aws_security_token = T\n`, `[default]\n${NEW}`],
    [
      'with a value over several lines',
      `[default]\naws_access_key_id =\n  A\n\n  B\nx = 1\n`,
      `[default]\naws_access_key_id =ASIANEW\n${NEW.replace(/.*\n/, '')}\nx = 1\n`,
    ],
    [
      'with keys of the same name in a nested block',
      '[default]\nfoo =\n  aws_access_key_id = nested\nregion = x\n',
      `[default]\n${NEW}foo =\n  aws_access_key_id = nested\nregion = x\n`,
    ],
    [
      'with all keys indented',
      '[default]\n  region = x\n  aws_access_key_id = A\n',
      `[default]\n  region = x\n${NEW.replace(/^(?=.)/gm, '  ')}`,
    ],
    [
      'with an indented key that the SDK for JavaScript takes for nested',
      '[default]\n  s3 =\n    a = 1\n  aws_access_key_id = A\n',
      `[default]\n${NEW.replace(/^(?=.)/gm, '  ')}  s3 =\n    a = 1\n`,
    ],
    ['twice, as other tools leave it', `[default] \n${OLD}\n[default]\n${OLD}`, `[default] \n${NEW}\n`],
    [
      'twice, with something of its own each time',
      `[default]\nx = 1\n[b]\n${OLD}[default]\n${OLD}y = 2\n`,
      `[default]\n${NEW}x = 1\n[b]\n${OLD}[default]\ny = 2\n`,
    ],
    [
      'with an indented key that only the SDK for JavaScript takes for one',
      '[default]\nregion = x\n  aws_session_token = T\noutput = json\n',
      `[default]\n${NEW}region = x\noutput = json\n`,
    ],
    ['behind a byte order mark', `\uFEFF[default]\n${OLD}`, `\uFEFF[default]\n${NEW}`],
  ])('%s', (_name, text, expected) => {
    expect(edit(text)).toBe(expected);
    expect(edit(edit(text))).toBe(expected);
  });
});

describe('an indented header', () => {
  const indented = NEW.replace(/^(?=.)/gm, '  ');
  it.each([
    ['below an empty profile', '[default]\n  [other]\nx = 1\n', `[default]\n${indented}  [other]\nx = 1\n`],
    [
      'below a comment in an empty profile',
      '[default]\n# note\n\n  [other]\n',
      `[default]\n${indented}# note\n\n  [other]\n`,
    ],
    [
      'below the second of two sections of the profile',
      `[default]\n${OLD}[b]\nx = 1\n[default]\naws_access_key_id = A\n[c]\n`,
      `[default]\n${NEW}[b]\nx = 1\n[c]\n`,
    ],
    [
      'below a section of the profile that would go',
      `[default]\n${OLD}[b]\nx = 1\n[default]\n  aws_access_key_id = A\n  [c]\n`,
      `[default]\n${NEW}[b]\nx = 1\n[default]\n  [c]\n`,
    ],
    ['below a key of another profile', `[a]\nx = 1\n  [b]\n`, `[a]\nx = 1\n  [b]\n\n[default]\n${NEW}`],
    [
      'below the keys of the profile',
      `[default]\n${OLD}x = 1\n  [b]\ny = 2\n`,
      `[default]\n${NEW}x = 1\n  [b]\ny = 2\n`,
    ],
  ])('%s stays what it is', (_name, text, expected) => {
    expect(edit(text)).toBe(expected);
    expect(edit(edit(text))).toBe(expected);
  });

  it.each([
    ['in the value of a key that is written', '[default]\naws_session_token = T\n  [other]\n', 3],
    ['above a key that is written', '[default]\nx = 1\n  [other]\naws_session_token = T\n', 3],
    ['of the profile, below a key of another one', '[a]\nx = 1\n\t[default]\ny = 2\n', 3],
  ])('%s is refused, since readers disagree about it', (_name, text, line) => {
    expect(() => edit(text)).toThrow(`line ${line} is an indented [section] below a key`);
  });
});

describe('isWritable', () => {
  it.each([
    ['AKIA', true],
    ['a/b+c==', true],
    ['', false],
    ['two words', false],
    ['line\n[evil]', false],
    ['#comment', false],
    [';comment', false],
    ['é', false],
  ])('%j: %s', (value, expected) => expect(isWritable(value)).toBe(expected));
});

/** Numbers in [0, 1), the same ones for the same seed (mulberry32). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A file as people and tools write them, with all that parsers disagree about inside a profile. */
function randomFile(random: () => number): string {
  const pick = (...list: string[]): string => list[Math.floor(random() * list.length)] ?? '';
  const blanks = (): string => pick('', '', '', ' ', '  ', '\t');
  const key = (): string =>
    pick(
      'region',
      'output',
      'x',
      'Y',
      'cafe',
      'aws_access_key_id',
      'aws_secret_access_key',
      'aws_session_token',
    ) + (random() < 0.3 ? Math.floor(random() * 9) : '');
  const value = (): string =>
    pick(
      '',
      'v',
      'two words',
      'a=b',
      'c:d',
      '# no',
      'v # c',
      'v;w',
      '[x]',
      'caf\u00C3\u00A9',
      'z'.repeat(300),
    );
  const line = (): string => {
    const which = random();
    if (which < 0.12) return '';
    if (which < 0.24)
      return `${blanks()}${pick('#', ';')} ${pick('note', '[default]', 'aws_access_key_id = C')}`;
    return `${blanks()}${key()}${blanks()}${pick('=', '=', '=', ':')}${blanks()}${value()}`;
  };
  const header = (name: string): string =>
    `${pick('', '', '', blanks())}[${name}]${pick('', '', ' ', ' # c', '\t; c')}`;
  const names = ['default', 'a', 'b', 'default2'].filter(() => random() < 0.7);
  const sections = names
    .sort(() => random() - 0.5)
    .map((name) => [header(name), ...Array.from({ length: Math.floor(random() * 8) }, line)].join('\n'));
  const text = [...(random() < 0.3 ? ['# top'] : []), ...sections].join('\n');
  const ended = random() < 0.7 ? `${text}\n` : text;
  return random() < 0.3 ? dos(ended) : ended;
}

/** Whether readers disagree about where profiles begin, so that it is left as it is. */
function isDisputed(text: string): boolean {
  try {
    edit(text);
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_DISPUTED_HEADER', hint: expect.any(String) });
    return true;
  }
}

const leftOut = PYTHON === undefined ? ' (left out: no Python here has botocore)' : '';

describe('what AWS parsers read', () => {
  it.skipIf(PYTHON === undefined)(
    `in random files: new values in the profile, all else as before${leftOut}`,
    async () => {
      const random = dice(5);
      const drawn = Array.from({ length: 1200 }, () => randomFile(random));
      const before = drawn.filter((text) => !isDisputed(text));
      // Most files are none of those.
      expect(before.length).toBeGreaterThan(1000);
      const after = before.map((text) => edit(text));
      const [oldPython, newPython] = [readWithBotocore(before), readWithBotocore(after)];
      const [oldJs, newJs] = [await readWithJavaScript(before), await readWithJavaScript(after)];
      let compared = 0;
      for (const [index, text] of before.entries()) {
        const shown = JSON.stringify([text, after[index]]);
        expect(newJs[index]?.['default'], shown).toMatchObject(EDIT.values);
        const rest = (profiles: object | null | undefined): object => ({ ...profiles, default: undefined });
        expect(rest(newJs[index]), shown).toEqual(rest(oldJs[index]));
        expect(edit(after[index] ?? ''), shown).toBe(after[index]);
        // It refuses the whole file for a key that stands twice in a profile: then there is nothing to compare.
        if (oldPython[index] === null) continue;
        compared++;
        expect(newPython[index]?.['default'], shown).toMatchObject(EDIT.values);
        expect(rest(newPython[index]), shown).toEqual(rest(oldPython[index]));
        // But for values that hold a line which the SDK for JavaScript reads as one of our keys: that line goes.
        const strays = Object.entries(oldPython[index]?.['default'] ?? {})
          .filter(([, value]) => /aws_/.test(JSON.stringify(value)))
          .map(([key]) => key);
        const own = (profile: object = {}): unknown =>
          Object.entries(profile).filter(([key]) => ![...Object.keys(EDIT.values), ...strays].includes(key));
        expect(own(newPython[index]?.['default']), shown).toEqual(own(oldPython[index]?.['default']));
      }
      expect(compared).toBeGreaterThan(300);
    },
  );
});
