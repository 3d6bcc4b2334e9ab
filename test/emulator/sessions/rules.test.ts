/**
 * The checks of account resources: each has a request that passes and one that only this check refuses, proved
 * by the reason in the log. Certificates are tested in `pki.test.ts`, request and signature in
 * `create-session.test.ts`.
 */
import { GeneralName, SubjectAlternativeName } from '@peculiar/asn1-x509';
import { describe, expect, it } from 'vitest';
import type { CertificateField } from '../../../src/emulator/account/resources.js';
import type { Made, Recipe } from '../pki/certificates.js';
import { makeCertificate, makeExtension, NOW } from '../pki/certificates.js';
import type { Asked, TestAccount } from './account.js';
import { ARNS, makeAccount, QUERY } from './account.js';
import { makeRoot } from './fixture.js';
import type { X509Draft } from './sign.js';
import { signX509 } from './sign.js';

const root = makeRoot();
const host = makeCertificate({ issuer: root });

/** Requests a session with the certificate, after a change to the account. */
async function ask(
  change: (test: TestAccount) => unknown = () => undefined,
  draft: X509Draft & { sourceIp?: string } = {},
  leaf: Made = host,
): Promise<Asked & TestAccount> {
  const test = makeAccount(root.pem);
  await change(test);
  const request = signX509(leaf, { query: QUERY, ...draft });
  return { ...test, ...(await test.ask({ ...request, sourceIp: draft.sourceIp })) };
}

const body = (members: object): X509Draft => ({ body: JSON.stringify(members) });
const UNABLE = `Unable to assume role for ${ARNS.roleArn}`;
const other = (arn: string) => arn.replace(/[12]{12}$/, '333333333333');

type Change = (test: TestAccount) => unknown;
type Rule = readonly [
  rule: string,
  passes: readonly [change: Change, draft?: X509Draft],
  refused: readonly [change: Change, draft?: X509Draft],
  message: string,
  reason: string,
];

const nothing = () => undefined;
const only = <T>(all: ReadonlyMap<string, T>): T => {
  const [one] = all.values();
  if (one === undefined) throw new Error('there is none');
  return one;
};

const DURATION = `${UNABLE}. The requested DurationSeconds exceeds the MaxSessionDuration set for this role.`;
const properties = (test: TestAccount) => Object.assign(test.profile, { requireInstanceProperties: true });
const seconds = (profile: number, role: number) => (test: TestAccount) => {
  test.profile.durationSeconds = profile;
  test.role.maxSessionDuration = role;
};
const session = (length: number) => (test: TestAccount) => {
  test.profile.sessionPolicy = 'x'.repeat(length);
};

const managed =
  (...managedPolicyArns: string[]): Change =>
  ({ profile }) =>
    Object.assign(profile, { managedPolicyArns });

const rules: Rule[] = [
  [
    'the trust anchor exists',
    [nothing],
    [
      nothing,
      {
        query: QUERY.replace(
          encodeURIComponent(ARNS.trustAnchorArn),
          encodeURIComponent(other(ARNS.trustAnchorArn)),
        ),
      },
    ],
    'Trust anchor not found',
    `Trust anchor: expected ${ARNS.trustAnchorArn}, found ${other(ARNS.trustAnchorArn)}`,
  ],
  [
    'the trust anchor is enabled',
    [nothing],
    [({ account }) => Object.assign(only(account.trustAnchors), { enabled: false })],
    'Untrusted signing certificate',
    `trust anchor: ${ARNS.trustAnchorArn} is disabled`,
  ],
  [
    'the trust anchor has certificates',
    [nothing],
    [
      ({ account }) =>
        Object.assign(only(account.trustAnchors), { source: { sourceType: 'AWS_ACM_PCA', sourceData: {} } }),
    ],
    'Untrusted signing certificate',
    'trust anchor: the certificate authority must be PEM text with CERTIFICATE blocks',
  ],
  [
    'the profile exists',
    [nothing],
    [
      nothing,
      {
        query: QUERY.replace(encodeURIComponent(ARNS.profileArn), encodeURIComponent(other(ARNS.profileArn))),
      },
    ],
    'Profile not found',
    `Profile: expected ${ARNS.profileArn}, found ${other(ARNS.profileArn)}`,
  ],
  [
    'the profile is enabled',
    [nothing],
    [({ profile }) => Object.assign(profile, { enabled: false })],
    UNABLE,
    `profile: ${ARNS.profileArn} is disabled`,
  ],
  [
    'the subject is enabled',
    [async (test) => await test.ask(signX509(host, { query: QUERY }))],
    [
      async (test) => {
        await test.ask(signX509(host, { query: QUERY }));
        only(test.account.subjects).enabled = false;
      },
    ],
    UNABLE,
    'subject: CN=host-1 is disabled',
  ],
  [
    'instance properties, none sent',
    [properties, body({ instanceProperties: { rack: '7' } })],
    [properties],
    UNABLE,
    'instance properties: the profile requires some, found none',
  ],
  [
    'instance properties, an empty map sent',
    [nothing, body({ instanceProperties: {} })],
    [properties, body({ instanceProperties: {} })],
    UNABLE,
    'instance properties: the profile requires some, found none',
  ],
  [
    'the session name',
    [
      ({ profile }) => Object.assign(profile, { acceptRoleSessionName: true }),
      body({ roleSessionName: 'ci' }),
    ],
    [nothing, body({ roleSessionName: 'ci' })],
    'Not authorized to set roleSessionName.',
    'session name: the profile does not accept roleSessionName, found ci',
  ],
  [
    'the profile has the role',
    [({ profile }) => profile.roleArns.unshift('arn:aws:iam::123456789012:role/First')],
    [({ profile }) => profile.roleArns.splice(0, 1, 'arn:aws:iam::123456789012:role/First')],
    UNABLE,
    `role: the profile has arn:aws:iam::123456789012:role/First, found ${ARNS.roleArn}`,
  ],
  [
    'the role exists',
    [nothing],
    [({ account }) => account.roles.clear()],
    UNABLE,
    `role: there is no ${ARNS.roleArn} in account 123456789012`,
  ],
  [
    'the requested duration, within the role’s maximum',
    [seconds(43_200, 3600), body({ durationSeconds: 3600 })],
    [seconds(43_200, 3600), body({ durationSeconds: 3601 })],
    DURATION,
    "duration: the role's maximum is 3600 s, found 3601 s",
  ],
  [
    'the profile’s duration, within the role’s maximum',
    [seconds(3600, 3600), body({ durationSeconds: 43_200 })],
    [seconds(7200, 3600)],
    DURATION,
    "duration: the role's maximum is 3600 s, found 7200 s",
  ],
  [
    'managed policies of AWS or of the account',
    [managed('arn:aws:iam::aws:policy/job-function/ViewOnlyAccess', 'arn:aws:iam::123456789012:policy/Ops')],
    [managed('arn:aws:iam::111122223333:policy/Ops')],
    UNABLE,
    'managed policies: expected those of AWS or of 123456789012, found arn:aws:iam::111122223333:policy/Ops',
  ],
  [
    'ten managed policies at most',
    [managed(...Array.from({ length: 10 }, (_, index) => `arn:aws:iam::aws:policy/P${index}`))],
    [managed(...Array.from({ length: 11 }, (_, index) => `arn:aws:iam::aws:policy/P${index}`))],
    UNABLE,
    'managed policies: STS takes 10 for a session, the profile has 11',
  ],
  [
    'tags and session policies fit',
    [session(4000)],
    [session(4097)],
    `${UNABLE}. Packed policy consumes 101% of allotted space, please use smaller policy.`,
    'packed policy: tags and session policies take 101 %',
  ],
];

describe('rules of the account', () => {
  it.each(rules)('%s: passes', async (_rule, [change, draft]) => {
    const { reason, status } = await ask(change, draft);
    expect(reason).toBe('');
    expect(status).toBe(201);
  });
  it.each(rules)('%s: refused', async (_rule, _passes, [change, draft], message, reason) => {
    const status = message.endsWith('not found') ? 404 : 403;
    const answer = await ask(change, draft);
    expect(answer).toMatchObject({ message, status, issued: undefined });
    expect(answer.reason).toBe(reason);
  });
});

interface Statement {
  readonly Effect?: string;
  readonly Principal?: object;
  readonly Action?: string | readonly string[];
  readonly Condition?: object;
}

const ALL = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'];
const policy = (...statements: Statement[]) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map((statement) => ({
      Effect: 'Allow',
      Principal: { Service: 'rolesanywhere.amazonaws.com' },
      Action: ALL,
      ...statement,
    })),
  });

describe('the trust policy', () => {
  const when = (operator: string, key: string, value: string | readonly string[]) => [
    { Condition: { [operator]: { [key]: value } } },
  ];
  const judged: Array<
    readonly [what: string, allows: readonly Statement[], refuses: readonly Statement[], reason: string]
  > = [
    ['principal', [{}], [{ Principal: { Service: 'ec2.amazonaws.com' } }], 'ec2.amazonaws.com'],
    ['sts:AssumeRole', [{ Action: 'sts:*' }], [{ Action: ALL.slice(1) }], 'sts:AssumeRole'],
    ['sts:TagSession', [{}], [{ Action: ['sts:AssumeRole', 'sts:SetSourceIdentity'] }], 'sts:TagSession'],
    ['sts:SetSourceIdentity', [{}], [{ Action: ALL.slice(0, 2) }], 'sts:SetSourceIdentity'],
    ['Deny', [{}], [{}, { Effect: 'Deny', Action: 'sts:AssumeRole' }], 'denied by statement 2'],
    ...(
      [
        ['StringEquals', 'aws:PrincipalTag/x509Subject/CN', 'host-1', 'host-2'],
        ['StringEquals', 'aws:RequestTag/x509Issuer/CN', 'Root', 'Other'],
        ['ArnEquals', 'aws:SourceArn', ARNS.trustAnchorArn, other(ARNS.trustAnchorArn)],
        ['StringEquals', 'aws:SourceAccount', '123456789012', '210987654321'],
        ['StringEquals', 'sts:SourceIdentity', 'CN=host-1', 'host-1'],
        ['StringLike', 'sts:RoleSessionName', '0fa1*', 'x*'],
        ['IpAddress', 'aws:SourceIp', '192.0.2.0/24', '198.51.100.0/24'],
        ['DateLessThan', 'aws:CurrentTime', '2026-06-01T12:00:01Z', '2026-06-01T12:00:00Z'],
        ['NumericEquals', 'aws:EpochTime', '1780315200', '1780315201'],
        ['Bool', 'aws:SecureTransport', 'true', 'false'],
        ['Bool', 'aws:PrincipalIsAWSService', 'true', 'false'],
        ['StringEquals', 'aws:PrincipalServiceName', 'rolesanywhere.amazonaws.com', 'ec2.amazonaws.com'],
        ['StringEquals', 'aws:RequestedRegion', 'us-east-1', 'eu-west-1'],
        ['ForAllValues:StringLike', 'aws:TagKeys', 'x509*', 'y*'],
        ['Null', 'aws:PrincipalTag/x509SAN/DNS', 'true', 'false'],
      ] as const
    ).map(
      ([operator, key, right, wrong]) =>
        [key, when(operator, key, right), when(operator, key, wrong), key] as const,
    ),
  ];
  const decide = (statements: readonly Statement[]) =>
    ask(({ role }) => Object.assign(role, { assumeRolePolicyDocument: policy(...statements) }), {
      sourceIp: '192.0.2.7',
    });

  it.each(judged)('%s: allows', async (_what, allows) => {
    const { reason, status } = await decide(allows);
    expect(reason).toBe('');
    expect(status).toBe(201);
  });
  it.each(judged)('%s: refuses, and the log says why', async (_what, _allows, refuses, why) => {
    const { message, status, reason, issued } = await decide(refuses);
    expect(message).toBe(UNABLE);
    expect(status).toBe(403);
    expect(reason).toMatch(/^trust policy: /);
    expect(reason).toContain(why);
    expect(issued).toBeUndefined();
  });

  it('refuses if it is malformed', async () => {
    const { message, reason } = await ask(({ role }) =>
      Object.assign(role, { assumeRolePolicyDocument: '{' }),
    );
    expect(message).toBe(UNABLE);
    expect(reason).toMatch(/^trust policy: policy: /);
  });

  it('has no aws:SourceIp without a connection', async () => {
    const document = policy(...when('Null', 'aws:SourceIp', 'true'));
    const { status } = await ask(({ role }) => Object.assign(role, { assumeRolePolicyDocument: document }));
    expect(status).toBe(201);
  });
});

const OID = { CN: '2.5.4.3', OU: '2.5.4.11', email: '1.2.840.113549.1.9.1', custom: '1.3.6.1.4.1.99999.7' };
const alternativeNames = (...names: GeneralName[]) => ({
  extra: [makeExtension('2.5.29.17', false, new SubjectAlternativeName(names))],
});
const dns = (dNSName: string) => new GeneralName({ dNSName });

describe('session tags', () => {
  const map = (field: CertificateField, ...specifiers: string[]) => ({
    certificateField: field,
    mappingRules: specifiers.map((specifier) => ({ specifier })),
  });
  const subject: Recipe['subject'] = [
    [OID.OU, 'one'],
    [OID.CN, 'a'],
    [OID.OU, 'two'],
    [OID.email, 'a@example.org'],
    [OID.custom, 'own'],
  ];
  const names = alternativeNames(
    dns('a.example.org'),
    new GeneralName({ uniformResourceIdentifier: 'spiffe://td/a' }),
    new GeneralName({ directoryName: root.name }),
  );
  const mapped: Array<
    readonly [what: string, mappings: ReturnType<typeof map>[], tags: Record<string, string>]
  > = [
    ['nothing', [], {}],
    ['one attribute', [map('x509Subject', 'CN')], { 'x509Subject/CN': 'a' }],
    ['one in another case', [map('x509Subject', 'ou')], { 'x509Subject/OU': 'one/two' }],
    ['one by its OID', [map('x509Subject', OID.custom)], { [`x509Subject/${OID.custom}`]: 'own' }],
    ['one by another name', [map('x509Subject', 'E')], { 'x509Subject/emailAddress': 'a@example.org' }],
    [
      'all that have names, one of them twice',
      [map('x509Subject', '*', 'CN')],
      { 'x509Subject/OU': 'one/two', 'x509Subject/CN': 'a', 'x509Subject/emailAddress': 'a@example.org' },
    ],
    ['a missing attribute', [map('x509Subject', 'L')], {}],
    ['the issuer', [map('x509Issuer', 'CN')], { 'x509Issuer/CN': 'Root' }],
    ['DNS alone', [map('x509SAN', 'DNS')], { 'x509SAN/DNS': 'a.example.org' }],
    ['URI alone', [map('x509SAN', 'URI')], { 'x509SAN/URI': 'spiffe://td/a' }],
    ['a directory name', [map('x509SAN', 'Name/CN')], { 'x509SAN/Name/CN': 'Root' }],
    ['a whole directory name', [map('x509SAN', 'Name')], { 'x509SAN/Name/CN': 'Root' }],
    ['all of x509SAN, which means nothing', [map('x509SAN', '*')], {}],
  ];
  it.each(mapped)('%s', async (_what, attributeMappings, tags) => {
    const leaf = makeCertificate({ issuer: root, subject, ...names });
    const { issued, reason } = await ask(
      ({ profile }) => Object.assign(profile, { attributeMappings }),
      {},
      leaf,
    );
    expect(reason).toBe('');
    expect(issued?.tags).toEqual(tags);
  });

  const refuse: Change = ({ role }) =>
    Object.assign(role, { assumeRolePolicyDocument: policy({ Action: 'sts:AssumeRole' }) });
  const unmapped: Array<
    readonly [what: string, recipe: Recipe, issuer: string, subject: string, san: string]
  > = [
    ['parentheses', { commonName: 'John (EMP1)' }, '', 'CN', ''],
    [
      '257 characters',
      {
        subject: [
          [OID.OU, 'x'.repeat(257)],
          [OID.CN, 'a'],
        ],
      },
      '',
      'OU',
      '',
    ],
    [
      '257 characters joined',
      {
        subject: [
          [OID.OU, 'x'.repeat(128)],
          [OID.OU, 'x'.repeat(128)],
          [OID.CN, 'a'],
        ],
      },
      '',
      'OU',
      '',
    ],
    [
      'several',
      {
        subject: [
          [OID.OU, '#'],
          [OID.CN, '!'],
        ],
      },
      '',
      'OU, CN',
      '',
    ],
    [
      'a second and a third DNS name',
      alternativeNames(dns('a.org'), dns('b.org'), dns('c.org')),
      '',
      '',
      'DNS/2, DNS/3',
    ],
    ['a DNS name', alternativeNames(dns('a_(b).org')), '', '', 'DNS'],
  ];
  it.each(unmapped)(
    'names the attributes that were not mapped: %s',
    async (_what, recipe, issuer, name, san) => {
      const leaf = makeCertificate({ issuer: root, ...recipe });
      const { message } = await ask(refuse, {}, leaf);
      expect(message).toBe(
        `${UNABLE}. Some attributes failed to be mapped into session tags. ` +
          `Issuer: [ ${issuer} ]; Subject: [ ${name} ]; SAN: [ ${san} ]`,
      );
      // Granted if the policy does not use the attribute.
      expect((await ask(nothing, {}, leaf)).status).toBe(201);
    },
  );

  it('logs the attribute, its value and the problem, granted or refused', async () => {
    const leaf = makeCertificate({ issuer: root, commonName: 'John (EMP1)' });
    const detail =
      'attributes not mapped to session tags: x509Subject/CN "John (EMP1)": "(" is not allowed in a tag';
    expect((await ask(nothing, {}, leaf)).reason).toBe(`warning: ${detail}`);
    expect((await ask(refuse, {}, leaf)).reason).toContain(detail);
  });

  it('refuses with strictAttributes, but not for further names of a kind, which AWS never maps', async () => {
    const strict = makeAccount(root.pem, () => NOW, true, true);
    const send = (recipe: Recipe) =>
      strict.ask(signX509(makeCertificate({ issuer: root, ...recipe }), { query: QUERY }));
    const { status, message, reason } = await send({ commonName: 'John (EMP1)' });
    expect([status, message]).toEqual([
      403,
      `${UNABLE}. Some attributes failed to be mapped into session tags. Issuer: [  ]; Subject: [ CN ` +
        `]; SAN: [  ]`,
    ]);
    expect(reason).toContain('x509Subject/CN "John (EMP1)"');
    expect((await send(alternativeNames(dns('a.org'), dns('b.org')))).status).toBe(201);
  });

  it('names attributes of the issuer', async () => {
    const issuer = makeCertificate({ commonName: 'R&D', isAuthority: true });
    const { account, role, ask: send } = makeAccount(issuer.pem);
    expect(account.roles.size).toBe(1);
    role.assumeRolePolicyDocument = policy({ Effect: 'Deny' });
    const { message } = await send(signX509(makeCertificate({ issuer }), { query: QUERY }));
    expect(message).toContain('Issuer: [ CN ]; Subject: [  ]; SAN: [  ]');
  });

  it('have up to 256 characters, and letters of every script', async () => {
    const leaf = makeCertificate({
      issuer: root,
      subject: [
        [OID.OU, 'ж'.repeat(256)],
        [OID.CN, 'Zoë @ 東京_1.2:3/4=5+6-7*'],
      ],
    });
    const { issued } = await ask(nothing, {}, leaf);
    expect(issued?.tags).toMatchObject({
      'x509Subject/OU': 'ж'.repeat(256),
      'x509Subject/CN': 'Zoë @ 東京_1.2:3/4=5+6-7*',
    });
  });

  it('are at most fifty', async () => {
    const kinds = Array.from({ length: 52 }, (_, index) => `1.2.3.${index}`);
    const leaf = makeCertificate({ issuer: root, subject: kinds.map((kind) => [kind, 'x']) });
    const attributeMappings = [map('x509Subject', ...kinds)];
    const { issued } = await ask(({ profile }) => Object.assign(profile, { attributeMappings }), {}, leaf);
    expect(Object.keys(issued?.tags ?? {})).toHaveLength(50);
    const { message } = await ask(
      (test) => {
        Object.assign(test.profile, { attributeMappings });
        refuse(test);
      },
      {},
      leaf,
    );
    expect(message).toContain('Subject: [ 1.2.3.50, 1.2.3.51 ]');
  });
});

describe('subjects', () => {
  it('are created for each name, with each certificate used', async () => {
    const test = makeAccount(root.pem);
    const second = makeCertificate({ issuer: root, serialHex: '0b' });
    const first = await test.ask(
      signX509(host, { query: QUERY, ...body({ instanceProperties: { a: 'b' } }) }),
    );
    await test.ask(signX509(second, { query: QUERY }));
    await test.ask(signX509(host, { query: QUERY }));
    expect(test.account.subjects.size).toBe(1);
    const subject = only(test.account.subjects);
    expect(JSON.parse(first.body).subjectArn).toBe(subject.subjectArn);
    expect(subject).toMatchObject({
      enabled: true,
      x509Subject: 'CN=host-1',
      lastSeenAt: NOW.toISOString(),
      createdAt: NOW.toISOString(),
      credentials: [
        { serialNumber: '11', issuer: 'CN=Root', failed: false, enabled: true },
        {
          serialNumber: host.serial,
          issuer: 'CN=Root',
          failed: false,
          x509CertificateData: expect.stringContaining('BEGIN'),
        },
      ],
      instanceProperties: [{ failed: false, properties: { a: 'b' }, seenAt: NOW.toISOString() }],
    });
  });

  it('record failures', async () => {
    const { account, status } = await ask(({ profile }) => Object.assign(profile, { enabled: false }));
    expect(status).toBe(403);
    expect(only(account.subjects).credentials).toMatchObject([{ serialNumber: host.serial, failed: true }]);
  });

  it('are not created for an untrusted certificate', async () => {
    const { account } = await ask(nothing, {}, makeCertificate());
    expect(account.subjects.size).toBe(0);
  });

  it('keep the newest fifty certificates', async () => {
    const test = makeAccount(root.pem);
    for (let serial = 0x1000; serial < 0x1000 + 52; serial++) {
      const leaf = makeCertificate({ issuer: root, serialHex: serial.toString(16), key: host.key });
      await test.ask(signX509(leaf, { query: QUERY }));
    }
    const { credentials } = only(test.account.subjects);
    expect(credentials).toHaveLength(50);
    expect(credentials.at(-1)?.serialNumber).toBe(String(0x1000 + 51));
  });
});
