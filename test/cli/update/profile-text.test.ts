/** Editing a profile: exact texts. `readers.test.ts` has what the parsers of AWS read. */
import { describe, expect, it } from 'vitest';
import { editProfile, isWritable } from '../../../src/cli/update/profile-text.js';

const EDIT = {
  values: {
    aws_access_key_id: 'ASIANEW',
    aws_secret_access_key: 'new/secret+=',
    aws_session_token: 'newtoken==',
  },
  remove: ['aws_security_token'],
};
const [ID, SECRET, TOKEN] = [
  'aws_access_key_id = ASIANEW\n',
  'aws_secret_access_key = new/secret+=\n',
  'aws_session_token = newtoken==\n',
];
const NEW = `${ID}${SECRET}${TOKEN}`;
const edit = (text: string, profile = 'default'): string => editProfile(text, profile, EDIT).text;
const dos = (text: string): string => text.replaceAll('\n', '\r\n');

const OTHERS = '# mine\n\n[a]\nregion = eu-west-1 ; near\ns3 =\n  max_concurrent_requests = 20\n';
const LONG = `[z]\nnote = ${'x'.repeat(70_000)}\n`;

describe('a missing profile', () => {
  it.each([
    ['an empty file', '', `[default]\n${NEW}\n`],
    ['other profiles', OTHERS, `${OTHERS}[default]\n${NEW}\n`],
    ['no line end at the end', OTHERS.trimEnd(), `${OTHERS}[default]\n${NEW}\n`],
    ['an empty line at the end', `${OTHERS}\n`, `${OTHERS}\n[default]\n${NEW}\n`],
    ['line ends of Windows', dos(OTHERS), dos(`${OTHERS}[default]\n${NEW}\n`)],
    ['its name as a comment', '# [default]\n', `# [default]\n[default]\n${NEW}\n`],
    ['a name that begins like it', '[default2]\n', `[default2]\n[default]\n${NEW}\n`],
    ['a long line', LONG, `${LONG}[default]\n${NEW}\n`],
    ['a byte order mark alone', '\u00EF\u00BB\u00BF', `\u00EF\u00BB\u00BF[default]\n${NEW}\n`],
  ])('%s: added at the end, with a blank line after it', (_name, text, expected) => {
    expect(edit(text)).toBe(expected);
  });
});

const OLD = 'aws_access_key_id = AKIAOLD\naws_secret_access_key = old\n';

describe('an existing profile', () => {
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
      `[default]\nregion = x\n${ID}${SECRET}output=json\n${TOKEN}`,
    ],
    ['with other keys alone', '[default]\nregion = x\n', `[default]\nregion = x\n${NEW}`],
    [
      'with other keys alone, above another profile',
      '[default]\nregion = x\n\n[b]\n',
      `[default]\nregion = x\n\n${NEW}[b]\n`,
    ],
    [
      'with other keys alone, above the comment of another profile',
      '[default]\nregion = x\n\n# b\n; c\n[b]\n',
      `[default]\nregion = x\n\n${NEW}# b\n; c\n[b]\n`,
    ],
    ['with blank lines at the end of the file', '[default]\nx = 1\n\n \n', `[default]\nx = 1\n${NEW}\n \n`],
    ['with a block that a new key ends', '[default]\ns3 =\n', `[default]\ns3 =\n${NEW}`],
    ['after others', `${OTHERS}\n[default]\n${OLD}${LONG}`, `${OTHERS}\n[default]\n${NEW}${LONG}`],
    [
      'with keys in another order and spacing',
      '[default]\n# the token\naws_session_token=T\n\naws_secret_access_key  =  S\naws_access_key_id= ' +
        'A\n; end\n',
      '[default]\n# the token\naws_session_token=newtoken==\n\naws_secret_access_key  =  ' +
        'new/secret+=\naws_access_key_id= ASIANEW\n; end\n',
    ],
    [
      'with keys in capitals, which the SDK for JavaScript ignores',
      '[default]\nAWS_ACCESS_KEY_ID = A\naws_secret_access_key: S\n',
      `[default]\n${NEW}`,
    ],
    [
      'with a key twice',
      `[default]\n${OLD}AWS_Access_Key_ID = B\nx = 1\n`,
      `[default]\n${ID}${SECRET}x = 1\n${TOKEN}`,
    ],
    ['with the older name of the token', `[default]\n${OLD}aws_security_token = T\n`, `[default]\n${NEW}`],
    [
      'with a value over several lines',
      `[default]\naws_access_key_id =\n  A\n\n  B\nx = 1\n`,
      `[default]\naws_access_key_id =ASIANEW\n\nx = 1\n${SECRET}${TOKEN}`,
    ],
    [
      'with keys of the same name in a nested block',
      '[default]\nfoo =\n  aws_access_key_id = nested\nregion = x\n',
      `[default]\nfoo =\n  aws_access_key_id = nested\nregion = x\n${NEW}`,
    ],
    [
      'with all keys indented',
      '[default]\n  region = x\n  aws_access_key_id = A\n',
      `[default]\n  region = x\n${NEW.replace(/^(?=.)/gm, '  ')}`,
    ],
    [
      'with an indented key that the SDK for JavaScript reads as nested',
      '[default]\n  s3 =\n    a = 1\n  aws_access_key_id = A\n',
      `[default]\n${NEW.replace(/^(?=.)/gm, '  ')}  s3 =\n    a = 1\n`,
    ],
    ['in two sections', `[default] \n${OLD}\n[default]\n${OLD}`, `[default] \n${ID}${SECRET}\n${TOKEN}`],
    [
      'in two sections that both have other keys',
      `[default]\nx = 1\n[b]\n${OLD}[default]\n${OLD}y = 2\n`,
      `[default]\nx = 1\n${NEW}[b]\n${OLD}[default]\ny = 2\n`,
    ],
    [
      'with a continued value that the SDK for JavaScript reads as a key',
      '[default]\nregion = x\n  aws_session_token = T\noutput = json\n',
      `[default]\nregion = x\noutput = json\n${NEW}`,
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
      `[default]\n# note\n\n${indented}  [other]\n`,
    ],
    [
      'below the second of two sections of the profile',
      `[default]\n${OLD}[b]\nx = 1\n[default]\naws_access_key_id = A\n[c]\n`,
      `[default]\n${NEW}[b]\nx = 1\n[c]\n`,
    ],
    [
      'below a second section of the profile that has no other keys',
      `[default]\n${OLD}[b]\nx = 1\n[default]\n  aws_access_key_id = A\n  [c]\n`,
      `[default]\n${NEW}[b]\nx = 1\n[default]\n  [c]\n`,
    ],
    ['below a key of another profile', `[a]\nx = 1\n  [b]\n`, `[a]\nx = 1\n  [b]\n[default]\n${NEW}\n`],
    [
      'below the keys of the profile',
      `[default]\n${OLD}x = 1\n  [b]\ny = 2\n`,
      `[default]\n${NEW}x = 1\n  [b]\ny = 2\n`,
    ],
  ])('%s still begins a section', (_name, text, expected) => {
    expect(edit(text)).toBe(expected);
    expect(edit(edit(text))).toBe(expected);
  });

  it.each([
    ['in the value of a key to write', '[default]\naws_session_token = T\n  [other]\n', 3],
    ['above a key to write', '[default]\nx = 1\n  [other]\naws_session_token = T\n', 3],
    ['that names the profile, below a key of another one', '[a]\nx = 1\n\t[default]\ny = 2\n', 3],
  ])('%s is refused, since AWS programs read it differently', (_name, text, line) => {
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

describe('isMerged', () => {
  it.each([
    ['one section', `[default]\n${OLD}`, false],
    ['two sections with the keys', `[default]\n${OLD}[default]\n${OLD}`, true],
    ['two sections, the keys in the second', `[default]\nx = 1\n[default]\n${OLD}`, true],
    ['two sections, the keys in the first', `[default]\n${OLD}[default]\nx = 1\n`, false],
    ['two sections of another profile', `[b]\n${OLD}[b]\n${OLD}`, false],
  ])('%s: %s', (_name, text, expected) => {
    expect(editProfile(text, 'default', EDIT).isMerged).toBe(expected);
  });
});

describe('a companion key', () => {
  const ACCOUNT = 'aws_account_id = 111122223333\n';
  const withAccount = { ...EDIT.values, aws_account_id: '111122223333' };
  const companion = { ...EDIT, values: withAccount, companion: 'aws_account_id' };
  it.each([
    ['in a new profile', '', `[default]\n${NEW}${ACCOUNT}\n`],
    [
      'below the keys that the Go helper wrote',
      `[default]\n${NEW}\n[b]\n`,
      `[default]\n${NEW}${ACCOUNT}\n[b]\n`,
    ],
    ['behind new keys', '[default]\nx = 1\n', `[default]\nx = 1\n${NEW}${ACCOUNT}`],
  ])('%s follows the others', (_name, text, expected) => {
    expect(editProfile(text, 'default', companion).text).toBe(expected);
  });
});
