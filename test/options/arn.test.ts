import { describe, expect, it } from 'vitest';
import type { ArnKind } from '../../src/options/arn.js';
import { parseArn } from '../../src/options/arn.js';

const ANCHOR = 'arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/11111111-2222';
const PROFILE = 'arn:aws:rolesanywhere:us-east-1:123456789012:profile/11111111-2222';
const ROLE = 'arn:aws:iam::123456789012:role/Demo';

const MALFORMED: Record<ArnKind, readonly string[]> = {
  'trust-anchor': [
    PROFILE,
    ROLE,
    '11111111-2222',
    'arn:aws:rolesanywhere::123456789012:trust-anchor/x',
    'arn:aws:rolesanywhere:us-east-1:12345678901:trust-anchor/x',
    'arn:aws:rolesanywhere:us-east-1:1234567890123:trust-anchor/x',
    'arn:aws:rolesanywhere:us-east-1::trust-anchor/x',
    'arn:aws:rolesanywhere:US-EAST-1:123456789012:trust-anchor/x',
    'arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/',
    'arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor',
    'arn:aws:rolesanywhere:us-east-1:123456789012:subject/x',
    'arn:awsx:rolesanywhere:us-east-1:123456789012:trust-anchor/x',
    'arn:aws:iam:us-east-1:123456789012:trust-anchor/x',
    // A region that is no part of a host name would fail as `Invalid URL`.
    'arn:aws:rolesanywhere:xn--a:123456789012:trust-anchor/x',
    `${ANCHOR} `,
    ` ${ANCHOR}`,
    `${ANCHOR}x`.padEnd(1012, 'x'),
  ],
  profile: [ANCHOR, ROLE, 'profile/x', 'arn:aws:rolesanywhere:us-east-1:123456789012:profile/two words'],
  role: [
    ANCHOR,
    PROFILE,
    'Demo',
    'arn:aws:iam:us-east-1:123456789012:role/Demo',
    'arn:aws:iam::123456789012:user/Demo',
    'arn:aws:iam::123456789012:role/',
    'arn:aws:sts::123456789012:assumed-role/Demo/x',
    'arn:aws:iam::demo:role/Demo',
  ],
};

/** How messages name ARNs of the other kinds. */
const KINDS: Readonly<Record<string, string>> = {
  [ANCHOR]: 'the ARN of a trust anchor, ',
  [PROFILE]: 'the ARN of a profile, ',
  [ROLE]: 'the ARN of a role, ',
};

const EXAMPLES: Record<ArnKind, string> = {
  'trust-anchor': 'arn:aws:rolesanywhere:<region>:<account>:trust-anchor/<id>',
  profile: 'arn:aws:rolesanywhere:<region>:<account>:profile/<id>',
  role: 'arn:aws:iam::<account>:role/<name>',
};

describe.each(Object.keys(MALFORMED) as ArnKind[])('as the ARN of a %s is refused', (kind) => {
  it.each(MALFORMED[kind])('%s', (text) => {
    expect(() => parseArn(text, kind, '--some-arn')).toThrow(
      expect.objectContaining({
        name: 'OptionError',
        code: 'ERR_OPTION_INVALID',
        message: `--some-arn must look like ${EXAMPLES[kind]}, found ${KINDS[text] ?? ''}"${text}"`,
      }),
    );
  });
});

describe('is parsed', () => {
  const accountId = '123456789012';
  it.each<[ArnKind, string, object]>([
    ['trust-anchor', ANCHOR, { partition: 'aws', region: 'us-east-1', accountId }],
    ['profile', PROFILE, { partition: 'aws', region: 'us-east-1', accountId }],
    ['role', ROLE, { partition: 'aws', region: '', accountId }],
    ['role', 'arn:aws:iam::123456789012:role/with/a/path', { partition: 'aws', region: '', accountId }],
    ['role', 'arn:aws-us-gov:iam::123456789012:role/x', { partition: 'aws-us-gov', region: '', accountId }],
    [
      'profile',
      'arn:aws-cn:rolesanywhere:cn-north-1:123456789012:profile/x',
      { partition: 'aws-cn', region: 'cn-north-1', accountId },
    ],
    [
      'trust-anchor',
      'arn:aws-iso-b:rolesanywhere:us-isob-east-1:123456789012:trust-anchor/x',
      { partition: 'aws-iso-b', region: 'us-isob-east-1', accountId },
    ],
    ['role', ROLE.padEnd(1011, 'x'), { partition: 'aws', region: '', accountId }],
  ])('a %s: %s', (kind, text, expected) => {
    expect(parseArn(text, kind, 'label')).toEqual(expected);
  });
});
