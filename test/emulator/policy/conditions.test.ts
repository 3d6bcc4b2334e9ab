/**
 * Each condition operator in an Allow, with one value that passes and one that does not. The answers are those
 * of the IAM user guide ("Condition operators", "Conditions with multiple context keys or values", "Variables
 * and tags").
 */
import { describe, expect, it } from 'vitest';
import { evaluateTrustPolicy } from '../../../src/emulator/policy/evaluate.js';

type Value = string | readonly string[] | undefined;
type Row = readonly [operator: string, expected: unknown, found: Value, passes: boolean];

const SERVICE = 'rolesanywhere.amazonaws.com';
const KEY = 'aws:PrincipalTag/x509Subject/CN';

function evaluate(
  condition: object,
  context: Record<string, Value>,
  effect = 'Allow',
  version = '2012-10-17',
) {
  const about = { Principal: { Service: SERVICE }, Action: 'sts:AssumeRole' };
  const conditional = { ...about, Effect: effect, Condition: condition };
  const statements = effect === 'Allow' ? [conditional] : [conditional, { ...about, Effect: 'Allow' }];
  const given = Object.entries(context).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value]],
  );
  return evaluateTrustPolicy(JSON.stringify({ Version: version, Statement: statements }), {
    actions: ['sts:AssumeRole'],
    principal: { Service: SERVICE },
    context: Object.fromEntries(given),
  });
}

const STRINGS: Row[] = [
  ['StringEquals', 'host-1', 'host-1', true],
  ['StringEquals', 'host-1', 'Host-1', false],
  ['StringEquals', 'host-*', 'host-1', false],
  ['StringEquals', 'host-*', 'host-*', true],
  ['StringEquals', 'host-1', undefined, false],
  ['StringEquals', ['a', 'host-1'], 'host-1', true],
  ['StringEquals', ['a', 'b'], 'host-1', false],
  ['StringEquals', '', '', true],
  ['StringNotEquals', 'host-1', 'host-2', true],
  ['StringNotEquals', 'host-1', 'host-1', false],
  ['StringNotEquals', 'host-1', undefined, true],
  ['StringNotEquals', ['a', 'host-1'], 'host-1', false],
  ['StringNotEquals', ['a', 'b'], 'host-1', true],
  ['StringEqualsIgnoreCase', 'host-1', 'HOST-1', true],
  ['StringEqualsIgnoreCase', 'host-1', 'HOST-2', false],
  ['StringEqualsIgnoreCase', 'host-1', undefined, false],
  ['StringNotEqualsIgnoreCase', 'host-1', 'HOST-2', true],
  ['StringNotEqualsIgnoreCase', 'host-1', 'HOST-1', false],
  ['StringNotEqualsIgnoreCase', 'host-1', undefined, true],
  ['StringLike', 'host-*', 'host-1', true],
  ['StringLike', 'host-*', 'host-', true],
  ['StringLike', 'host-*', 'Host-1', false],
  ['StringLike', 'host-?', 'host-1', true],
  ['StringLike', 'host-?', 'host-12', false],
  ['StringLike', 'host-?', 'host-', false],
  ['StringLike', '*.example.*', 'a.b.example.com', true],
  ['StringLike', '*.example.*', 'example.com', false],
  ['StringLike', '*a*b*c', 'xxaxxbxxbc', true],
  ['StringLike', '*a*b*c', 'xxaxxcxxb', false],
  ['StringLike', 'a.c', 'abc', false],
  ['StringLike', '**', 'x', true],
  ['StringLike', '*', '', true],
  ['StringLike', '?', 'é', true],
  ['StringLike', '?', '😀', true],
  ['StringLike', '*', undefined, false],
  ['StringLike', ['x*', 'host-*'], 'host-1', true],
  ['StringNotLike', 'host-*', 'server-1', true],
  ['StringNotLike', 'host-*', 'host-1', false],
  ['StringNotLike', 'host-*', undefined, true],
  ['StringNotLike', ['x*', 'host-*'], 'host-1', false],
];

const ARN = 'arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/4f2a';
const ARNS: Row[] = ['ArnEquals', 'ArnLike'].flatMap((name): Row[] => [
  [name, ARN, ARN, true],
  [name, ARN, `${ARN}b`, false],
  [name, 'arn:aws:rolesanywhere:*:123456789012:trust-anchor/*', ARN, true],
  [name, 'arn:aws:rolesanywhere:us-east-?:123456789012:*', ARN, true],
  [name, 'arn:aws:rolesanywhere:*:210987654321:trust-anchor/*', ARN, false],
  [name, 'arn:aws:rolesanywhere:*:123456789012:Trust-anchor/*', ARN, false],
  // A wildcard matches no colon.
  [name, 'arn:aws:rolesanywhere:*:trust-anchor/4f2a', ARN, false],
  [name, 'arn:*:*:*:*:*', 'arn:aws:sns:us-east-1:1:a:b', true],
  [name, 'arn:aws:sns:us-east-1:1:a:*', 'arn:aws:sns:us-east-1:1:a:b', true],
  [name, '*', ARN, false],
  [name, ARN, 'host-1', false],
  [name, ARN, undefined, false],
  [name.replace('Arn', 'ArnNot'), 'arn:aws:rolesanywhere:*:210987654321:*', ARN, true],
  [name.replace('Arn', 'ArnNot'), 'arn:aws:rolesanywhere:*:123456789012:*', ARN, false],
  [name.replace('Arn', 'ArnNot'), ARN, undefined, true],
  // Not comparable, so "not equal" is not true either.
  [name.replace('Arn', 'ArnNot'), ARN, 'host-1', false],
]);

const NUMBERS: Row[] = [
  ['NumericEquals', '10', '10', true],
  ['NumericEquals', 10, '10.0', true],
  ['NumericEquals', '10', '11', false],
  ['NumericEquals', '10', 'ten', false],
  ['NumericEquals', 'ten', 'ten', false],
  ['NumericEquals', '10', undefined, false],
  ['NumericNotEquals', '10', '11', true],
  ['NumericNotEquals', '10', '10', false],
  ['NumericNotEquals', '10', 'ten', false],
  ['NumericNotEquals', '10', undefined, true],
  ['NumericLessThan', '10', '9.9', true],
  ['NumericLessThan', '10', '10', false],
  ['NumericLessThan', '10', '-11', true],
  ['NumericLessThanEquals', '10', '10', true],
  ['NumericLessThanEquals', '10', '10.1', false],
  ['NumericGreaterThan', '10', '11', true],
  ['NumericGreaterThan', '10', '10', false],
  ['NumericGreaterThan', '9', '10', true],
  ['NumericGreaterThanEquals', '10', '10', true],
  ['NumericGreaterThanEquals', '10', '9', false],
];

const DATES: Row[] = [
  ['DateEquals', '2026-06-01T12:00:00Z', '2026-06-01T14:00:00+02:00', true],
  ['DateEquals', '2026-06-01T12:00:00Z', '2026-06-01T12:00:01Z', false],
  ['DateEquals', '2026-06-01', '2026-06-01T00:00:00.000Z', true],
  ['DateEquals', '1780315200', '2026-06-01T12:00:00Z', true],
  ['DateEquals', '2026-02-30', '2026-03-02T00:00:00Z', false],
  ['DateEquals', 'June 1, 2026', '2026-06-01T00:00:00Z', false],
  ['DateNotEquals', '2026-06-01T12:00:00Z', '2026-06-01T12:00:01Z', true],
  ['DateNotEquals', '2026-06-01T12:00:00Z', '2026-06-01T12:00:00Z', false],
  ['DateNotEquals', 'yesterday', '2026-06-01T12:00:00Z', false],
  ['DateLessThan', '2026-06-01T12:00:00Z', '2026-06-01T11:59:59Z', true],
  ['DateLessThan', '2026-06-01T12:00:00Z', '2026-06-01T12:00:00Z', false],
  ['DateLessThanEquals', '2026-06-01T12:00:00Z', '2026-06-01T12:00:00Z', true],
  ['DateLessThanEquals', '2026-06-01T12:00:00Z', '2026-06-01T12:00:00.001Z', false],
  ['DateGreaterThan', '2026-06-01T12:00Z', '2026-06-01T12:01Z', true],
  ['DateGreaterThan', '2026-06-01T12:00:00Z', '2026-06-01T12:00:00Z', false],
  ['DateGreaterThanEquals', '2026-06-01T12:00:00Z', '2026-06-01T12:00:00Z', true],
  ['DateGreaterThanEquals', '2026-06-01T12:00:00Z', '2026-06-01T11:00:00Z', false],
  ['DateGreaterThan', '2026-06-01T12:00:00Z', undefined, false],
];

const OTHERS: Row[] = [
  ['Bool', 'true', 'true', true],
  ['Bool', true, 'true', true],
  ['Bool', 'true', 'false', false],
  ['Bool', false, 'false', true],
  ['Bool', 'true', undefined, false],
  ['Bool', 'yes', 'yes', false],
  ['BinaryEquals', 'QmluYXJ5', 'QmluYXJ5', true],
  ['BinaryEquals', 'QmluYXJ5', 'QmluYXJ6', false],
  ['BinaryEquals', 'not base64', 'not base64', false],
  ['Null', 'true', undefined, true],
  ['Null', 'true', 'x', false],
  ['Null', 'false', 'x', true],
  ['Null', false, '', true],
  ['Null', 'false', undefined, false],
  ['Null', 'true', [], true],
  ['Null', 'maybe', undefined, false],
  ['IpAddress', '203.0.113.0/24', '203.0.113.255', true],
  ['IpAddress', '203.0.113.0/24', '203.0.114.0', false],
  ['IpAddress', '203.0.113.7', '203.0.113.7', true],
  ['IpAddress', '203.0.113.7', '203.0.113.8', false],
  ['IpAddress', '0.0.0.0/0', '203.0.113.7', true],
  ['IpAddress', '203.0.113.77/24', '203.0.113.1', true],
  ['IpAddress', '203.0.113.0/33', '203.0.113.1', false],
  ['IpAddress', '203.0.113', '203.0.113.1', false],
  ['IpAddress', '203.0.113.0/24', '::ffff:203.0.113.1', true],
  ['IpAddress', '2001:db8:1234::/48', '2001:DB8:1234:5678::1', true],
  ['IpAddress', '2001:db8:1234::/48', '2001:db8:1235::1', false],
  ['IpAddress', '2001:db8::1', '2001:0db8:0:0:0:0:0:1', true],
  ['IpAddress', '::/0', '203.0.113.1', false],
  ['IpAddress', '2001:db8:::1', '2001:db8::1', false],
  ['IpAddress', ['192.0.2.0/24', '203.0.113.0/24'], '203.0.113.1', true],
  ['IpAddress', '203.0.113.0/24', undefined, false],
  ['NotIpAddress', '203.0.113.0/24', '198.51.100.1', true],
  ['NotIpAddress', '203.0.113.0/24', '203.0.113.1', false],
  ['NotIpAddress', ['192.0.2.0/24', '203.0.113.0/24'], '203.0.113.1', false],
  ['NotIpAddress', '203.0.113.0/24', '2001:db8::1', true],
  ['NotIpAddress', '203.0.113.0/24', undefined, true],
  ['NotIpAddress', 'office', '198.51.100.1', false],
];

const QUALIFIED: Row[] = [
  ['StringEqualsIfExists', 'host-1', undefined, true],
  ['StringEqualsIfExists', 'host-1', 'host-1', true],
  ['StringEqualsIfExists', 'host-1', 'host-2', false],
  ['StringNotLikeIfExists', 'host-*', undefined, true],
  ['StringNotLikeIfExists', 'host-*', 'host-1', false],
  ['ArnLikeIfExists', 'arn:aws:iam::*:role/*', undefined, true],
  ['ArnLikeIfExists', 'arn:aws:iam::*:role/*', 'arn:aws:iam::1:user/a', false],
  ['NumericLessThanIfExists', '10', undefined, true],
  ['DateLessThanIfExists', '2026-06-01', undefined, true],
  ['BoolIfExists', 'true', undefined, true],
  ['BoolIfExists', 'true', 'false', false],
  ['IpAddressIfExists', '203.0.113.0/24', undefined, true],
  ['IpAddressIfExists', '203.0.113.0/24', '198.51.100.1', false],
  ['ForAnyValue:StringEquals', ['a', 'b'], ['b', 'c'], true],
  ['ForAnyValue:StringEquals', ['a', 'b'], ['c', 'd'], false],
  ['ForAnyValue:StringEquals', 'a', 'a', true],
  ['ForAnyValue:StringEquals', 'a', undefined, false],
  ['ForAnyValue:StringEquals', 'a', [], false],
  ['ForAnyValue:StringLike', 'host-*', ['x', 'host-1'], true],
  ['ForAnyValue:StringNotEquals', ['a', 'b'], ['a', 'c'], true],
  ['ForAnyValue:StringNotEquals', ['a', 'b'], ['a', 'b'], false],
  ['ForAnyValue:StringNotEquals', 'a', undefined, false],
  ['ForAnyValue:StringEqualsIfExists', 'a', ['a', 'b'], true],
  ['ForAnyValue:StringEqualsIfExists', 'a', undefined, false],
  ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'b'], true],
  ['ForAllValues:StringEquals', ['a', 'b'], ['a'], true],
  ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'c'], false],
  ['ForAllValues:StringEquals', ['a', 'b'], undefined, true],
  ['ForAllValues:StringEquals', ['a', 'b'], [], true],
  ['ForAllValues:StringLike', ['a*', 'b*'], ['ax', 'by'], true],
  ['ForAllValues:StringNotEquals', ['a', 'b'], ['c', 'd'], true],
  ['ForAllValues:StringNotEquals', ['a', 'b'], ['c', 'a'], false],
  ['ForAllValues:StringNotEquals', 'a', undefined, true],
  ['ForAllValues:NumericLessThan', '10', ['1', '2'], true],
  ['ForAllValues:NumericLessThan', '10', ['1', 'x'], false],
  // A list needs a set operator: without one the answer is no.
  ['StringEquals', 'a', ['a'], false],
  ['StringNotEquals', 'a', ['b'], false],
];

describe.each([
  ['strings', STRINGS],
  ['ARNs', ARNS],
  ['numbers', NUMBERS],
  ['dates', DATES],
  ['booleans, binary values, presence and addresses', OTHERS],
  ['IfExists, ForAnyValue and ForAllValues', QUALIFIED],
])('%s', (_name, rows) => {
  it.each(rows)('%s %j, found %j: %s', (operator, expected, found, passes) => {
    const decision = evaluate({ [operator]: { [KEY]: expected } }, { [KEY]: found });
    expect(decision.isAllowed, decision.reasons.join('\n')).toBe(passes);
  });
});

describe('values that cannot be compared refuse, in an Allow and in a Deny', () => {
  const rows: Row[] = [
    ['NumericEquals', '10', 'ten', false],
    ['NumericNotEquals', '10', 'ten', false],
    ['DateLessThan', 'yesterday', '2026-06-01', false],
    ['NotIpAddress', 'office', '198.51.100.1', false],
    ['ArnLike', '*', ARN, false],
    ['StringEquals', '${aws:PrincipalTag/none}', 'x', false],
    ['StringNotEquals', '${aws:PrincipalTag/none}', 'x', false],
    ['StringEquals', 'a', ['b'], false],
    ['ForAnyValue:StringEqualsIfExists', 'a', undefined, false],
    ['Null', 'maybe', 'x', false],
  ];
  it.each(rows)('%s %j, found %j', (operator, expected, found) => {
    for (const effect of ['Allow', 'Deny']) {
      const { isAllowed } = evaluate({ [operator]: { [KEY]: expected } }, { [KEY]: found }, effect);
      expect(isAllowed, effect).toBe(false);
    }
  });

  it('one matching value is enough', () => {
    const condition = { NumericEquals: { [KEY]: ['ten', '10'] } };
    expect(evaluate(condition, { [KEY]: '10' }).isAllowed).toBe(true);
    expect(evaluate({ NumericNotEquals: { [KEY]: ['ten', '10'] } }, { [KEY]: '10' }, 'Deny').isAllowed).toBe(
      true,
    );
  });
});

describe('several operators and keys', () => {
  const context = { 'aws:PrincipalTag/a': '1', 'aws:PrincipalTag/b': '2' };
  const rows: Array<[name: string, condition: object, passes: boolean]> = [
    ['no condition', {}, true],
    ['an operator without keys', { StringEquals: {} }, true],
    ['two keys', { StringEquals: { 'aws:PrincipalTag/a': '1', 'aws:PrincipalTag/b': '2' } }, true],
    [
      'two keys, one wrong',
      { StringEquals: { 'aws:PrincipalTag/a': '1', 'aws:PrincipalTag/b': '1' } },
      false,
    ],
    [
      'two operators',
      { StringEquals: { 'aws:PrincipalTag/a': '1' }, Null: { 'aws:PrincipalTag/c': 'true' } },
      true,
    ],
    [
      'two operators, one wrong',
      { StringEquals: { 'aws:PrincipalTag/a': '1' }, Null: { 'aws:PrincipalTag/b': 'true' } },
      false,
    ],
    ['keys in other case', { StringEquals: { 'AWS:principaltag/A': '1' } }, true],
    ['a missing key', { StringEquals: { 'aws:PrincipalTag/constructor': '1' } }, false],
    ['a name of Object', { StringNotEquals: { 'aws:PrincipalTag/a': '__proto__' } }, true],
  ];
  it.each(rows)('%s', (_name, condition, passes) => {
    expect(evaluate(condition, context).isAllowed).toBe(passes);
  });
});

describe('policy variables', () => {
  const context = { 'aws:PrincipalTag/a': 'x', 'aws:PrincipalTag/star': '*', 'aws:TagKeys': ['x'] };
  const rows: Array<[operator: string, expected: string, found: string, version: string, passes: boolean]> = [
    ['StringEquals', '${aws:PrincipalTag/a}', 'x', '2012-10-17', true],
    ['StringEquals', '${aws:PrincipalTag/a}', 'y', '2012-10-17', false],
    ['StringEquals', '${aws:principaltag/A}', 'x', '2012-10-17', true],
    ['StringEquals', 'pre-${aws:PrincipalTag/a}-${aws:PrincipalTag/a}', 'pre-x-x', '2012-10-17', true],
    ['StringNotEquals', '${aws:PrincipalTag/a}', 'y', '2012-10-17', true],
    ['StringLike', '${aws:PrincipalTag/a}*', 'xyz', '2012-10-17', true],
    ['StringEqualsIgnoreCase', '${aws:PrincipalTag/a}', 'X', '2012-10-17', true],
    // Before 2012-10-17 there are no variables.
    ['StringEquals', '${aws:PrincipalTag/a}', 'x', '2008-10-17', false],
    ['StringEquals', '${aws:PrincipalTag/a}', '${aws:PrincipalTag/a}', '2008-10-17', true],
    ['StringEquals', '${aws:PrincipalTag/none}', '', '2012-10-17', false],
    ['StringNotEquals', '${aws:PrincipalTag/none}', 'y', '2012-10-17', false],
    ['StringEquals', "${aws:PrincipalTag/none, 'team'}", 'team', '2012-10-17', true],
    ['StringEquals', "${aws:PrincipalTag/none,'team'}", 'team', '2012-10-17', true],
    ['StringEquals', "${aws:PrincipalTag/a, 'team'}", 'x', '2012-10-17', true],
    ['StringEquals', "${aws:PrincipalTag/a, 'team'}", 'team', '2012-10-17', false],
    ['StringEquals', "${aws:PrincipalTag/none, ''}", '', '2012-10-17', true],
    ['StringEquals', '${aws:PrincipalTag/none, team}', 'team', '2012-10-17', false],
    // Keys with several values cannot be variables.
    ['StringEquals', '${aws:TagKeys}', 'x', '2012-10-17', false],
    ['StringLike', 'a${*}b', 'a*b', '2012-10-17', true],
    ['StringLike', 'a${*}b', 'axb', '2012-10-17', false],
    ['StringLike', 'a${?}b', 'a?b', '2012-10-17', true],
    ['StringLike', 'a${?}b', 'axb', '2012-10-17', false],
    ['StringLike', 'a${$}{b}', 'a${b}', '2012-10-17', true],
    ['StringLike', 'a${b', 'a${b', '2012-10-17', false],
    ['StringEquals', 'a$b', 'a$b', '2012-10-17', true],
    // A wildcard from a variable is an ordinary character.
    ['StringLike', '${aws:PrincipalTag/star}', 'anything', '2012-10-17', false],
    ['StringLike', '${aws:PrincipalTag/star}', '*', '2012-10-17', true],
    ['ArnLike', 'arn:aws:iam::*:role/${aws:PrincipalTag/a}', 'arn:aws:iam::1:role/x', '2012-10-17', true],
    ['ArnLike', 'arn:aws:iam::*:role/${aws:PrincipalTag/a}', 'arn:aws:iam::1:role/y', '2012-10-17', false],
    // Numbers, dates and addresses have no variables.
    ['NumericEquals', '${aws:PrincipalTag/a}', '1', '2012-10-17', false],
  ];
  it.each(rows)('%s %s, found %s, version %s: %s', (operator, expected, found, version, passes) => {
    const condition = { [operator]: { [KEY]: expected } };
    const decision = evaluate(condition, { ...context, [KEY]: found }, 'Allow', version);
    expect(decision.isAllowed, decision.reasons.join('\n')).toBe(passes);
  });

  it('may stand in a text of any length', () => {
    const long = 'a'.repeat(300_000);
    const condition = { StringEquals: { [KEY]: `${long}\${aws:PrincipalTag/a}` } };
    expect(evaluate(condition, { ...context, [KEY]: `${long}x` }, 'Allow', '2012-10-17').isAllowed).toBe(
      true,
    );
    expect(evaluate(condition, { ...context, [KEY]: `${long}y` }, 'Allow', '2012-10-17').isAllowed).toBe(
      false,
    );
  });

  it('matches in bounded time', () => {
    const condition = { StringLike: { [KEY]: `${'*a'.repeat(500)}b` } };
    expect(evaluate(condition, { [KEY]: 'a'.repeat(1000) }).isAllowed).toBe(false);
  });
});
