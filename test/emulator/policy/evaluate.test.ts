import { describe, expect, it } from 'vitest';
import { validateTrustPolicy } from '../../../src/emulator/policy/document.js';
import type { PolicyRequest } from '../../../src/emulator/policy/evaluate.js';
import { evaluateTrustPolicy } from '../../../src/emulator/policy/evaluate.js';

const ACTIONS = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'];
const SERVICE = { Service: 'rolesanywhere.amazonaws.com' };
const ACCOUNT = '123456789012';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/team/Hosts`;
const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/Hosts/0fa1`;
const ALLOW = { Effect: 'Allow', Principal: SERVICE, Action: ACTIONS };
const DENY = { ...ALLOW, Effect: 'Deny' };

const format = (statement: unknown, version = '2012-10-17') =>
  JSON.stringify({ Version: version, Statement: statement });

function evaluate(statement: unknown, request: Partial<PolicyRequest> = {}) {
  const { actions = ACTIONS, principal = SERVICE, context = {} } = request;
  return evaluateTrustPolicy(format(statement), { actions, principal, context });
}

describe('actions', () => {
  const rows: Array<[name: string, statement: unknown, passes: boolean]> = [
    ['all three', ALLOW, true],
    ['one statement in a list', [ALLOW], true],
    ['no sts:AssumeRole', { ...ALLOW, Action: ACTIONS.slice(1) }, false],
    ['no sts:TagSession', { ...ALLOW, Action: [ACTIONS[0], ACTIONS[2]] }, false],
    ['no sts:SetSourceIdentity', { ...ALLOW, Action: ACTIONS.slice(0, 2) }, false],
    ['one each in three statements', ACTIONS.map((Action) => ({ ...ALLOW, Action })), true],
    ['another letter case', { ...ALLOW, Action: ACTIONS.map((action) => action.toUpperCase()) }, true],
    ['a wildcard', { ...ALLOW, Action: 'sts:*' }, true],
    ['a wildcard that has one', { ...ALLOW, Action: 'sts:Assume*' }, false],
    ['question marks', { ...ALLOW, Action: ['sts:Assume????', 'sts:T?gSession', 'sts:SetSource*'] }, true],
    ['NotAction of another', { ...ALLOW, Action: undefined, NotAction: 'sts:AssumeRoleWithSAML' }, true],
    ['NotAction of one', { ...ALLOW, Action: undefined, NotAction: 'sts:TagSession' }, false],
    ['Deny of one', [ALLOW, { ...DENY, Action: 'sts:TagSession' }], false],
    ['Deny first', [{ ...DENY, Action: 'sts:TagSession' }, ALLOW], false],
    ['Deny of another', [ALLOW, { ...DENY, Action: 'sts:AssumeRoleWithSAML' }], true],
    ['Deny with NotAction', [ALLOW, { ...DENY, Action: undefined, NotAction: 'sts:AssumeRole' }], false],
    ['Deny of another service', [ALLOW, { ...DENY, Principal: { Service: 'ec2.amazonaws.com' } }], true],
    ['Deny alone', DENY, false],
    [
      'Deny whose condition holds',
      [ALLOW, { ...DENY, Condition: { Null: { 'sts:SourceIdentity': 'true' } } }],
      false,
    ],
    [
      'Deny whose condition does not hold',
      [ALLOW, { ...DENY, Condition: { Null: { 'sts:SourceIdentity': 'false' } } }],
      true,
    ],
  ];
  it.each(rows)('%s', (_name, statement, passes) => {
    const decision = evaluate(statement);
    expect(decision.isAllowed, decision.reasons.join('\n')).toBe(passes);
  });

  it('allows nothing without an action', () => {
    expect(evaluate(ALLOW, { actions: [] }).isAllowed).toBe(false);
  });
});

describe('principals', () => {
  const caller = { AWS: [SESSION, ROLE] };
  const rows: Array<[principal: unknown, caller: PolicyRequest['principal'], passes: boolean]> = [
    [SERVICE, SERVICE, true],
    [{ Service: ['ec2.amazonaws.com', SERVICE.Service] }, SERVICE, true],
    [{ Service: 'ec2.amazonaws.com' }, SERVICE, false],
    [{ AWS: ACCOUNT }, SERVICE, false],
    [{ AWS: ACCOUNT, ...SERVICE }, SERVICE, true],
    [{ AWS: ACCOUNT, ...SERVICE }, caller, true],
    [SERVICE, caller, false],
    [{ AWS: '*' }, caller, true],
    [{ AWS: ACCOUNT }, caller, true],
    [{ AWS: '210987654321' }, caller, false],
    [{ AWS: `arn:aws:iam::${ACCOUNT}:root` }, caller, true],
    [{ AWS: `arn:aws-cn:iam::${ACCOUNT}:root` }, caller, false],
    [{ AWS: 'arn:aws:iam::210987654321:root' }, caller, false],
    [{ AWS: ROLE }, caller, true],
    [{ AWS: ROLE }, { AWS: SESSION }, false],
    [{ AWS: ROLE.toLowerCase() }, caller, false],
    [{ AWS: SESSION }, caller, true],
    [{ AWS: SESSION }, { AWS: SESSION }, true],
    [{ AWS: `${SESSION}2` }, caller, false],
    [{ AWS: ['210987654321', ROLE] }, caller, true],
    [{ AWS: `arn:aws:iam::${ACCOUNT}:user/team/Hosts` }, caller, false],
    [{ Federated: 'cognito-identity.amazonaws.com' }, caller, false],
  ];
  it.each(rows)('%j, called by %j: %s', (Principal, principal, passes) => {
    const decision = evaluate({ ...ALLOW, Principal }, { principal });
    expect(decision.isAllowed, decision.reasons.join('\n')).toBe(passes);
  });

  it('* may or may not include services, so it denies and does not allow', () => {
    const Principal = { AWS: '*' };
    expect(evaluate({ ...ALLOW, Principal }).isAllowed).toBe(false);
    expect(evaluate([ALLOW, { ...DENY, Principal }]).isAllowed).toBe(false);
  });
});

describe('reasons', () => {
  it('name the statement, the condition and both values', () => {
    const statements = [
      {
        ...ALLOW,
        Sid: 'Hosts',
        Condition: { StringEquals: { 'aws:PrincipalTag/x509Subject/CN': ['a', 'b'] } },
      },
      { ...ALLOW, Principal: { Service: 'ec2.amazonaws.com' } },
      { ...ALLOW, Action: 'sts:TagSession' },
    ];
    const context = { 'aws:PrincipalTag/x509Subject/CN': 'c' };
    expect(evaluate(statements, { context, actions: ['sts:AssumeRole', 'sts:TagSession'] }).reasons).toEqual([
      'sts:AssumeRole: no statement allows it',
      'statement 1 (Hosts): StringEquals aws:PrincipalTag/x509Subject/CN: expected "a" or "b", found "c"',
      'statement 2: Principal: expected Service ec2.amazonaws.com, found Service rolesanywhere.amazonaws.com',
      'statement 3: Action has sts:TagSession, found sts:AssumeRole',
    ]);
  });

  it('name the Deny and its conditions', () => {
    const deny = {
      ...DENY,
      Sid: 'No',
      Condition: { StringNotLike: { 'aws:PrincipalTag/x509Subject/OU': ['a*', 'b'] } },
    };
    expect(evaluate([ALLOW, deny], { actions: ['sts:AssumeRole'] }).reasons).toEqual([
      'sts:AssumeRole: denied by statement 2 (No)',
      'statement 2 (No): Principal: expected Service rolesanywhere.amazonaws.com, found Service ' +
        'rolesanywhere.amazonaws.com',
      'statement 2 (No): StringNotLike aws:PrincipalTag/x509Subject/OU: expected none of "a*" or "b", ' +
        'found no such key',
    ]);
  });

  const lines: Array<[condition: object, context: PolicyRequest['context'], line: string]> = [
    [
      { StringEquals: { 'sts:SourceIdentity': '${aws:PrincipalTag/a}' } },
      { 'aws:PrincipalTag/a': 'x', 'sts:SourceIdentity': 'CN=y' },
      'StringEquals sts:SourceIdentity: expected "x", found "CN=y"',
    ],
    [
      { StringEquals: { 'sts:SourceIdentity': '${aws:PrincipalTag/a}' } },
      { 'sts:SourceIdentity': 'CN=y' },
      'StringEquals sts:SourceIdentity: expected "${aws:PrincipalTag/a}" (a variable without a value), ' +
        'found "CN=y", ' +
        'which AWS does not say how to compare',
    ],
    [
      { StringEquals: { 'aws:TagKeys': 'x' } },
      { 'aws:TagKeys': ['x', 'y'] },
      'StringEquals aws:TagKeys: expected "x", found "x", "y", a list of values, which needs ' +
        'ForAnyValue or ForAllValues',
    ],
    [
      { Null: { 'aws:SourceIp': 'true' } },
      { 'aws:SourceIp': '192.0.2.1' },
      'Null aws:SourceIp: expected true, found "192.0.2.1"',
    ],
  ];
  it.each(lines)('%j', (Condition, context, line) => {
    expect(evaluate({ ...ALLOW, Condition }, { context }).reasons[1]).toBe(`statement 1: ${line}`);
  });

  it('name the statement that allowed', () => {
    expect(evaluate(ALLOW).reasons).toEqual(ACTIONS.map((action) => `${action}: allowed by statement 1`));
  });
});

describe('documents', () => {
  const SYNTAX = 'Syntax errors in policy.';
  const refused: Array<[document: string, message: string, reason: string]> = [
    ['', 'This policy contains invalid Json', 'policy: is not JSON'],
    [` ${format(ALLOW)}`, 'JSON strings must not have leading spaces', 'policy: begins with white space'],
    ['[]', SYNTAX, 'policy: must be a JSON object'],
    ['{}', SYNTAX, 'statement 1: must be a JSON object'],
    [format([]), 'Could not parse the policy: Statement is empty!', 'Statement: must hold one at least'],
    [
      format(ALLOW, '2012-10-18'),
      'The policy must contain a valid version string',
      'Version: must be 2012-10-17 or 2008-10-17',
    ],
    [JSON.stringify({ Statement: ALLOW, Id: 1 }), SYNTAX, 'Id: must be a string'],
    [JSON.stringify({ Statement: ALLOW, Comment: '' }), SYNTAX, 'policy: has no element Comment'],
    [format({ ...ALLOW, Resources: '*' }), SYNTAX, 'statement 1: has no element Resources'],
    [format({ ...ALLOW, effect: 'Allow' }), SYNTAX, 'statement 1: has no element effect'],
    [
      format([ALLOW, { ...ALLOW, Effect: undefined }]),
      'Missing required field Effect',
      'statement 2: Effect is missing',
    ],
    [format({ ...ALLOW, Effect: 'allow' }), SYNTAX, 'statement 1: Effect must be Allow or Deny'],
    [
      format({ ...ALLOW, Sid: 'a b' }),
      'Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular ' +
        'expression [0-9A-Za-z]*',
      'statement 1: Sid must be letters and digits',
    ],
    [
      format([
        { ...ALLOW, Sid: 'A' },
        { ...ALLOW, Sid: 'A' },
      ]),
      'Statement IDs (SID) in a single policy must be unique.',
      'Sid: found A,A',
    ],
    [
      format({ ...ALLOW, Resource: '*' }),
      'Has prohibited field Resource',
      'statement 1: a trust policy has no Resource',
    ],
    [
      format({ ...ALLOW, NotResource: '*' }),
      'Has prohibited field Resource',
      'statement 1: a trust policy has no NotResource',
    ],
    [
      format({ ...ALLOW, Principal: '*' }),
      'AssumeRolepolicy contained an invalid principal: "STAR":"*".',
      'statement 1: Principal cannot be "*" here, but { "AWS": "*" }',
    ],
    [
      format({ ...ALLOW, Principal: undefined }),
      'Missing required field Principal',
      'statement 1: Principal is missing',
    ],
    [
      format({ ...ALLOW, Principal: 'x' }),
      SYNTAX,
      'statement 1: Principal must be an object with AWS or Service',
    ],
    [
      format({ ...ALLOW, Principal: {} }),
      SYNTAX,
      'statement 1: Principal must be an object with AWS or Service',
    ],
    [
      format({ ...ALLOW, Principal: { AWS: [] } }),
      SYNTAX,
      'statement 1: Principal AWS: must hold one value at least',
    ],
    [
      format({ ...ALLOW, Principal: undefined, NotPrincipal: SERVICE }),
      SYNTAX,
      'statement 1: has no element NotPrincipal',
    ],
    ...[
      ['AWS', 'arn:aws:iam::123456789012:role/*'],
      ['AWS', 'arn:aws:iam::1234:root'],
      ['AWS', 'AROAAAAAAAAAAAAAAAAAA'],
      ['Service', '*'],
      ['Service', 'rolesanywhere'],
      ['Service', 'rolesanywhere.amazonaws.con'],
      ['Services', 'rolesanywhere.amazonaws.com'],
    ].map(([type = '', value = '']): [string, string, string] => [
      format({ ...ALLOW, Principal: { [type]: value } }),
      `Invalid principal in policy: "${type.toUpperCase()}":"${value}"`,
      `statement 1: Principal ${type} cannot be ${value}`,
    ]),
    [
      format({ ...ALLOW, Action: undefined }),
      'Missing required field Action',
      'statement 1: Action is missing',
    ],
    [format({ ...ALLOW, NotAction: 'sts:*' }), SYNTAX, 'statement 1: has both Action and NotAction'],
    [format({ ...ALLOW, Action: 1 }), SYNTAX, 'statement 1: Action: must be a string or a list of strings'],
    ...['*', 's3:GetObject', 'sts:AssumeRol', 'sts:GetCallerIdentity', 'AssumeRole'].map(
      (action): [string, string, string] => [
        format({ ...ALLOW, Action: ['sts:AssumeRole', action] }),
        'AssumeRole policy may only specify STS AssumeRole actions.',
        'statement 1: Action is one of sts:AssumeRole, sts:AssumeRoleWithSAML, ' +
          'sts:AssumeRoleWithWebIdentity, ' +
          `sts:SetContext, sts:SetSourceIdentity, sts:TagSession, found ${action}`,
      ],
    ),
    [format({ ...ALLOW, Condition: [] }), SYNTAX, 'statement 1: Condition must be an object'],
    [
      format({ ...ALLOW, Condition: { StringEquals: 'a' } }),
      SYNTAX,
      'statement 1: StringEquals must be an object',
    ],
    ...[
      'StringEqual',
      'stringEquals',
      'NullIfExists',
      'ForAnyValue:Null',
      'ForSome:StringLike',
      'constructor',
    ].map((operator): [string, string, string] => [
      format({ ...ALLOW, Condition: { [operator]: { 'aws:SourceIp': 'true' } } }),
      SYNTAX,
      `statement 1: there is no condition operator ${operator}`,
    ]),
    [
      format({ ...ALLOW, Condition: { StringEquals: { SourceArn: 'a' } } }),
      'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.',
      'statement 1: condition keys have a prefix, found SourceArn',
    ],
    [
      format({ ...ALLOW, Condition: { StringEquals: { 'aws:SourceArn': [] } } }),
      SYNTAX,
      'statement 1: StringEquals aws:SourceArn: must hold one value at least',
    ],
    [
      format({ ...ALLOW, Condition: { StringEquals: { 'aws:SourceArn': null } } }),
      SYNTAX,
      'statement 1: StringEquals aws:SourceArn: must be a string or a list of strings',
    ],
    [
      format(ALLOW).replace('"Effect"', '"Effect":"Deny","\\u0045ffect"'),
      SYNTAX,
      'policy: Effect occurs twice in one object',
    ],
  ];
  it.each(refused)('%s', (document, message, reason) => {
    expect(validateTrustPolicy(document)).toEqual({ code: 'MalformedPolicyDocument', message, reason });
    // A policy that IAM would refuse allows nothing.
    const request = { actions: ACTIONS, principal: SERVICE, context: {} };
    expect(evaluateTrustPolicy(document, request)).toEqual({
      isAllowed: false,
      reasons: [`policy: ${message} ${reason}`],
    });
  });

  const accepted = [
    format(ALLOW),
    format([ALLOW], '2008-10-17'),
    JSON.stringify({ Id: 'x', Statement: { ...ALLOW, Sid: '' } }),
    format([
      { ...ALLOW, Sid: 'A' },
      { ...ALLOW, Sid: 'B' },
    ]),
    format([
      { ...ALLOW, Sid: '' },
      { ...ALLOW, Sid: '' },
    ]),
    format({
      ...ALLOW,
      Condition: { Bool: { 'aws:SecureTransport': true }, NumericLessThan: { 'sts:DurationSeconds': 901 } },
    }),
    format({ ...ALLOW, Principal: { Federated: 'arn:aws:iam::123456789012:oidc-provider/example.com' } }),
    // A name twice in different objects, and one in a string.
    format({ ...ALLOW, Condition: { StringLike: { 'a:b': '"a:b":' }, StringEquals: { 'a:b': '{' } } }),
  ];
  it.each(accepted)('takes %s', (document) => {
    expect(validateTrustPolicy(document)).toBeUndefined();
  });

  it('compares the size without white space with the quota', () => {
    const empty = format({ ...ALLOW, Condition: { StringEquals: { 'aws:SourceArn': '' } } });
    const fill = (length: number) => empty.replace('""', `"${'x'.repeat(length - empty.length)}"`);
    expect(validateTrustPolicy(fill(2048).replaceAll(',', ' ,\n'))).toBeUndefined();
    expect(validateTrustPolicy(fill(2049).replaceAll('x', ' '))?.code).toBe('LimitExceeded');
    expect(validateTrustPolicy(fill(2049))).toEqual({
      code: 'LimitExceeded',
      message: 'Cannot exceed quota for ACLSizePerRole: 2048',
      reason: 'size: at most 2048 characters, found 2049',
    });
    expect(validateTrustPolicy(fill(4096), 4096)).toBeUndefined();
    expect(validateTrustPolicy(fill(4097), 4096)?.code).toBe('LimitExceeded');
  });
});
