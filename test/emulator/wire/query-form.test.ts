import { describe, expect, it } from 'vitest';
import { readForm } from '../../../src/emulator/wire/query-form.js';
import type { Shape } from '../../../src/emulator/wire/shape.js';

const TEXT = { type: 'string' } as const;
const TAG = { type: 'structure', members: { key: TEXT, value: TEXT } } as const;
const SHAPE: Shape = {
  type: 'structure',
  members: {
    roleName: TEXT,
    maxItems: { type: 'integer' },
    tags: { type: 'list', member: TAG },
    tagKeys: { type: 'list', member: TEXT },
    policyArns: { type: 'list', member: { type: 'structure', members: { arn: TEXT } } },
  },
};

/** Without undefined members. */
const read = (form: Readonly<Record<string, string>>) =>
  JSON.parse(JSON.stringify(readForm(SHAPE, new Map(Object.entries(form)))));

describe('a form', () => {
  const rows: Array<[form: Readonly<Record<string, string>>, value: object]> = [
    [{}, {}],
    [{ RoleName: 'a', Action: 'b' }, { roleName: 'a' }],
    [{ roleName: 'a' }, {}],
    [{ MaxItems: '10' }, { maxItems: 10 }],
    [{ MaxItems: '-1' }, { maxItems: -1 }],
    [{ MaxItems: '1e3' }, { maxItems: '1e3' }],
    [{ MaxItems: '' }, { maxItems: '' }],
    [{ 'TagKeys.member.1': 'a', 'TagKeys.member.2': 'b' }, { tagKeys: ['a', 'b'] }],
    [{ 'TagKeys.member.10': 'b', 'TagKeys.member.9': 'a' }, { tagKeys: ['a', 'b'] }],
    [{ 'TagKeys.member.x': 'a', 'TagKeys.1': 'b', TagKeys: '' }, {}],
    [{ 'Tags.member.1.Key': 'a', 'Tags.member.1.Value': '' }, { tags: [{ key: 'a', value: '' }] }],
    [{ 'Tags.member.2.Value': 'b', 'Tags.member.1.Key': 'a' }, { tags: [{ key: 'a' }, { value: 'b' }] }],
    [{ 'PolicyArns.member.1.arn': 'a' }, { policyArns: [{ arn: 'a' }] }],
  ];
  it.each(rows)('%j is %j', (form, value) => {
    expect(read(form)).toEqual(value);
  });
});
