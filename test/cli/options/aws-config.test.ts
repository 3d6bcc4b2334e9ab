import { describe, expect, it } from 'vitest';
import { parseAwsConfig } from '../../../src/cli/options/aws-config.js';

/** The result of botocore 1.43 (`raw_config_parse` without sub-sections, then `build_profile_map`). */
const READ: ReadonlyArray<
  readonly [name: string, text: string, profiles: Record<string, Record<string, string>>]
> = [
  [
    'plain',
    '[default]\nregion = us-east-1\n[profile a]\nrolesanywhere_role_arn=arn:aws:iam::1:role/x\n',
    { default: { region: 'us-east-1' }, a: { rolesanywhere_role_arn: 'arn:aws:iam::1:role/x' } },
  ],
  [
    'spaces and colons',
    '[profile a]\n key = v \nother:w\nthird  =  a = b : c\n',
    { a: { key: 'v', other: 'w', third: 'a = b : c' } },
  ],
  [
    'comments',
    '# c\n; d\n[profile a]\n# key = no\n  ; nor this\nkey = v # stays\nnext = w ; stays\n',
    { a: { key: 'v # stays', next: 'w ; stays' } },
  ],
  ['keys in capitals', '[profile a]\nKey = V\n', { a: { key: 'V' } }],
  ['no value', '[profile a]\nkey =\nother = \n', { a: { key: '', other: '' } }],
  [
    'nested block',
    '[profile a]\ns3 =\n  max = 10\n  size = 5MB\nkey = v\n',
    { a: { s3: '\nmax = 10\nsize = 5MB', key: 'v' } },
  ],
  [
    'a value that goes on',
    '[profile a]\nkey = v\n  w\n\n  x\nnext = y\n',
    { a: { key: 'v\nw\n\nx', next: 'y' } },
  ],
  [
    'blank lines at the end',
    '[profile a]\nkey = v\n\n\n[profile b]\nkey = w\n',
    { a: { key: 'v' }, b: { key: 'w' } },
  ],
  ['comment inside a value', '[profile a]\nkey = v\n# c\n  w\n', { a: { key: 'v\nw' } }],
  [
    'quoted name',
    '[profile "my team"]\nkey = v\n[profile \'b c\']\nkey = w\n',
    { 'my team': { key: 'v' }, 'b c': { key: 'w' } },
  ],
  ['two words', '[profile a b]\nkey = v\n', {}],
  ['other sections', '[a]\nkey = v\n[services x]\nkey = w\n[sso-session y]\nkey = z\n', {}],
  [
    'default twice, the later counts',
    '[default]\nkey = v\n[profile default]\nkey = w\n',
    { default: { key: 'w' } },
  ],
  [
    'default twice, the other way',
    '[profile default]\nkey = v\n[default]\nkey = w\n',
    { default: { key: 'w' } },
  ],
  [
    'DEFAULT',
    '[DEFAULT]\nkey = v\nother = w\n[profile a]\nkey = x\n[default]\n',
    { a: { key: 'x', other: 'w' }, default: { key: 'v', other: 'w' } },
  ],
  ['bracket in a name', '[profile a]b]\nkey = v\n', { 'a]b': { key: 'v' } }],
  ['text after the header', '[profile a] # c\nkey = v\n', { a: { key: 'v' } }],
  ['CR LF', '[profile a]\r\nkey = v\r\n  w\r\n', { a: { key: 'v\nw' } }],
  ['indented section', '  [profile a]\n  key = v\n  other = w\n', { a: { key: 'v', other: 'w' } }],
  ['indented keys', '[profile a]\n    key = v\n    other = w\n', { a: { key: 'v', other: 'w' } }],
  ['empty', '', {}],
  ['tabs', '[profile\ta]\nkey\t=\tv\t\n', { a: { key: 'v' } }],
  ['no line end', '[profile a]\nkey = v', { a: { key: 'v' } }],
];

/** Files that botocore refuses too, and the line of our error. */
const REFUSED: ReadonlyArray<readonly [name: string, text: string, message: string]> = [
  [
    'section twice',
    '[profile a]\nkey = v\n[profile b]\n[profile a]\nother = w\n',
    'AWS config file /c is broken in line 4: section [profile a] is there twice',
  ],
  [
    'key twice',
    '[profile a]\nkey = v\nKEY = w\n',
    'AWS config file /c is broken in line 3: key is there twice',
  ],
  [
    'no section',
    'key = v\n[profile a]\n',
    'AWS config file /c is broken in line 1: a [section] must come first',
  ],
  [
    'no equals sign',
    '[profile a]\nkey\n',
    'AWS config file /c is broken in line 2: it must be a [section] or key = value',
  ],
  [
    'no key',
    '[profile a]\n= v\n',
    'AWS config file /c is broken in line 2: it must be a [section] or key = value',
  ],
  ['empty header', '[]\nkey = v\n', 'AWS config file /c is broken in line 1: a [section] must come first'],
];

describe('an AWS config file', () => {
  it.each(READ)('%s', (_name, text, profiles) => {
    const found = [...parseAwsConfig(text, 'file')].map(([name, section]) => [
      name,
      Object.fromEntries(section),
    ]);
    expect(Object.fromEntries(found)).toEqual(profiles);
  });

  it.each(REFUSED)('is refused with %s', (_name, text, message) => {
    expect(() => parseAwsConfig(text, 'AWS config file /c')).toThrow(
      expect.objectContaining({ name: 'OptionError', code: 'ERR_OPTION_INVALID', message }),
    );
  });
});
