import { constants, sign } from 'node:crypto';
import { KeyUsageFlags } from '@peculiar/asn1-x509';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Recipe } from '../pki/certificates.js';
import { HAS_ML_DSA, makeCertificate, NOW } from '../pki/certificates.js';
import type { Fixture } from './fixture.js';
import { makeFixture } from './fixture.js';
import type { X509Draft } from './sign.js';
import { formatDate } from './sign.js';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await makeFixture();
});

const SIGNATURE = [403, 'AccessDeniedException', 'Invalid signature'] as const;
const LEAF = [403, 'AccessDeniedException', 'Untrusted certificate. Insufficient certificate'] as const;

describe('the response of CreateSession', () => {
  it('gives credentials in the form of AWS', async () => {
    const { service, ask, lines } = fixture;
    const response = await ask();
    expect(response.status).toBe(201);
    expect(response.headers).toEqual({
      'Content-Type': 'application/json',
      Date: 'Mon, 01 Jun 2026 12:00:00 GMT',
      'x-amzn-RequestId': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(JSON.parse(response.body)).toEqual({
      credentialSet: [
        {
          assumedRoleUser: {
            arn: 'arn:aws:sts::123456789012:assumed-role/Demo/0fa1b2c3d4e5f60718',
            assumedRoleId: expect.stringMatching(/^AROA[A-Z2-7]{16}:0fa1b2c3d4e5f60718$/),
          },
          credentials: {
            accessKeyId: expect.stringMatching(/^ASIA[A-Z2-7]{16}$/),
            expiration: '2026-06-01T13:00:00Z',
            secretAccessKey: expect.stringMatching(/^[A-Za-z0-9+/]{40}$/),
            sessionToken: expect.stringMatching(/^IQoJ[A-Za-z0-9+/=]{400}$/),
          },

          packedPolicySize: 1,
          roleArn: service.roleArn,
          sourceIdentity: 'CN=host-1',
        },
      ],
      subjectArn: expect.stringMatching(
        /^arn:aws:rolesanywhere:us-east-1:123456789012:subject\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
      ),
    });
    expect(lines.at(-1)).toBe(
      '2026-06-01T12:00:00.000Z POST /sessions 201 ' +
        'arn:aws:sts::123456789012:assumed-role/Demo/0fa1b2c3d4e5f60718 until 2026-06-01T13:00:00Z',
    );
  });

  it('counts sessions only, not refusals', async () => {
    const { service, ask } = await makeFixture();
    await ask();
    await ask({ region: 'eu-west-1' });
    await ask();
    expect(service.sessionCount).toBe(2);
  });
});

describe('requests of other clients', () => {
  type Accepted = [name: string, make: () => X509Draft, identity?: Recipe];
  const mlDsa = (keyType: NonNullable<Recipe['keyType']>): Accepted => [
    keyType,
    () => ({ algorithm: 'AWS4-X509-MLDSA', signer: (data, key) => sign(null, data, key) }),
    { keyType },
  ];
  const accepted: Accepted[] = [
    ['RSA', () => ({}), { keyType: 'RSA' }],
    ['P-384, signed with SHA-256', () => ({}), { keyType: 'P-384' }],
    ['P-521, signed with SHA-256', () => ({}), { keyType: 'P-521' }],
    ['content-length signed', () => ({ headers: { 'content-length': '24' } })],
    [
      'content-type unsigned',
      () => ({ headers: { 'content-type': undefined }, unsigned: { 'content-type': 'application/json' } }),
    ],
    ['application/x-amz-json-1.0', () => ({ headers: { 'content-type': 'application/x-amz-json-1.0' } })],
    ['a charset', () => ({ headers: { 'content-type': 'application/json; charset=utf-8' } })],
    [
      'amz-sdk headers signed',
      () => ({ headers: { 'amz-sdk-invocation-id': 'a1', 'amz-sdk-request': 'attempt=1; max=3' } }),
    ],
    ['an unsigned User-Agent', () => ({ unsigned: { 'user-agent': 'CredHelper/1.8.0' } })],
    [
      'ARNs in the body',
      () => {
        const { profileArn, roleArn, trustAnchorArn } = fixture.service;
        return {
          query: '',
          body: JSON.stringify({ profileArn, roleArn, trustAnchorArn, durationSeconds: 900 }),
        };
      },
    ],
    [
      'the same ARN in query and body',
      () => ({ body: JSON.stringify({ profileArn: fixture.service.profileArn, durationSeconds: null }) }),
    ],
    ['an empty body without content-type', () => ({ body: '', headers: { 'content-type': undefined } })],
    ['unknown members', () => ({ body: '{"instanceProperties":{"a":"b"},"later":1}' })],
    [
      'an unsorted, barely encoded query',
      () => ({
        query: decodeURIComponent(fixture.query).split('&').reverse().join('&'),
        canonicalQuery: fixture.query,
      }),
    ],
    ['no space after the commas', () => ({ authorization: (value) => value.replaceAll(', ', ',') })],
    ['a leaf without basicConstraints', () => ({}), { isAuthority: null }],
    ['a leaf signed with SHA-384', () => ({}), { hash: 'sha384' }],
    ...(HAS_ML_DSA
      ? (['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const).map((keyType) => mlDsa(keyType))
      : []),
    ['a clock 300 s behind', () => ({ date: formatDate(new Date(NOW.getTime() - 300_000)) })],
    ['a clock 300 s ahead', () => ({ date: formatDate(new Date(NOW.getTime() + 300_000)) })],
  ];
  it.each(accepted)('accepts %s', async (_name, make, recipe) => {
    const { ask, authority, leaf } = fixture;
    const identity = recipe === undefined ? leaf : makeCertificate({ ...recipe, issuer: authority });
    expect((await ask(make(), identity)).body).toContain('"accessKeyId":"ASIA');
  });
});

type Refused = readonly [
  name: string,
  draft: (fixture: Fixture) => X509Draft,
  answer: readonly [status: number, type: string, message: string],
  reason: string,
];

async function expectRefusal(draft: X509Draft, answer: Refused[2], reason: string, recipe?: Recipe) {
  const { ask, authority, leaf, lines } = fixture;
  const identity = recipe === undefined ? leaf : makeCertificate({ issuer: authority, ...recipe });
  const response = await ask(draft, identity);
  const [status, type, message] = answer;
  expect(JSON.parse(response.body)).toEqual({ message });
  expect(response.status).toBe(status);
  expect(response.headers['X-Amzn-ErrorType']).toBe(type);
  expect(response.headers['x-amzn-RequestId']).toMatch(/^[0-9a-f-]{36}$/);
  expect(response.headers['Date']).toBe('Mon, 01 Jun 2026 12:00:00 GMT');
  const line = lines.at(-1) ?? '';
  expect(line).toContain(`POST /sessions ${status} ${type}: ${message} [`);
  expect(line).toContain(`[${reason}`);
}

describe('the request', () => {
  const value = (found: string, member: string, rule: string) =>
    [
      400,
      'ValidationException',
      `1 validation error detected: Value ${found} at '${member}' failed to satisfy constraint: Member ` +
        `must ${rule}`,
    ] as const;
  const UNREADABLE = [400, 'ValidationException', 'The request could not be read'] as const;
  const drop = (member: string) => (f: Fixture) => ({
    query: f.query
      .split('&')
      .filter((pair) => !pair.startsWith(member))
      .join('&'),
  });
  const body = (text: string) => () => ({ body: text });
  const pattern = (service: string, kind: string) =>
    `satisfy regular expression pattern: arn:aws(-[^:]+)?:${service}(:.*){2}(:${kind}.*)`;

  const refused: Refused[] = [
    [
      'no profile',
      drop('profileArn'),
      value('null', 'profileArn', 'not be null'),
      'request: query has roleArn, trustAnchorArn, body has durationSeconds]',
    ],
    ['no role', drop('roleArn'), value('null', 'roleArn', 'not be null'), 'request'],
    ['no trust anchor', drop('trustAnchorArn'), value('null', 'trustAnchorArn', 'not be null'), 'request'],
    [
      'two things missing',
      () => ({ query: '', body: JSON.stringify({ trustAnchorArn: fixture.service.trustAnchorArn }) }),
      [
        400,
        'ValidationException',
        "2 validation errors detected: Value null at 'profileArn' failed to satisfy constraint: Member " +
          'must not be ' +
          "null; Value null at 'roleArn' failed to satisfy constraint: Member must not be null",
      ],
      'request',
    ],
    [
      'a role ARN of another service',
      (f) => ({ query: f.query.replace('iam', 'ec2') }),
      value("'arn:aws:ec2::123456789012:role/Demo'", 'roleArn', pattern('iam', 'role')),
      'request',
    ],
    [
      'an ARN that is too long',
      (f) => ({ query: f.query.replace('Demo', 'D'.repeat(1000)) }),
      value(
        `'arn:aws:iam::123456789012:role/${'D'.repeat(1000)}'`,
        'roleArn',
        'have length less than or equal to 1011',
      ),
      'request',
    ],
    [
      'an empty ARN',
      (f) => ({ query: f.query.replace(/roleArn=[^&]*/, 'roleArn=') }),
      value("''", 'roleArn', 'have length greater than or equal to 1'),
      'request',
    ],
    [
      'an ARN that is a number',
      () => ({
        query: '',
        body: JSON.stringify({ ...fixture.service, roleArn: 7, authority: 0, handle: 0 }),
      }),
      value("'7'", 'roleArn', 'be a string'),
      'request',
    ],
    [
      '899 seconds',
      body('{"durationSeconds":899}'),
      value("'899'", 'durationSeconds', 'have value greater than or equal to 900'),
      'request',
    ],
    [
      '43201 seconds',
      body('{"durationSeconds":43201}'),
      value("'43201'", 'durationSeconds', 'have value less than or equal to 43200'),
      'request',
    ],
    [
      'a duration in quotes',
      body('{"durationSeconds":"900"}'),
      value("'900'", 'durationSeconds', 'be an integer'),
      'request',
    ],
    [
      'a broken duration',
      body('{"durationSeconds":900.5}'),
      value("'900.5'", 'durationSeconds', 'be an integer'),
      'request',
    ],
    [
      'a session name of one character',
      body('{"roleSessionName":"a"}'),
      value("'a'", 'roleSessionName', 'have length greater than or equal to 2'),
      'request',
    ],
    [
      'a session name with a space',
      body('{"roleSessionName":"a b"}'),
      value("'a b'", 'roleSessionName', 'satisfy regular expression pattern: [\\w+=,.@-]*'),
      'request',
    ],
    [
      'instance properties that are a list',
      body('{"instanceProperties":[]}'),
      value("'[]'", 'instanceProperties', 'be a map from text to text'),
      'request',
    ],
    [
      'an empty instance property',
      body('{"instanceProperties":{"a":""}}'),
      value('\'{"a":""}\'', 'instanceProperties', 'have keys and values of length between 1 and 200'),
      'request',
    ],
    ['a byte order mark', body('\ufeff{}'), UNREADABLE, 'body: must be a JSON object in UTF-8, or empty'],
    [
      'half a character',
      body('{"sessionName":"\\ud800"}'),
      UNREADABLE,
      'body: must be a JSON object in UTF-8, or empty',
    ],
    ['no JSON', body('durationSeconds=900'), UNREADABLE, 'body: must be a JSON object in UTF-8, or empty'],
    ['a JSON list', body('[]'), UNREADABLE, 'body: must be a JSON object in UTF-8, or empty'],
    [
      'a form',
      () => ({ headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
      UNREADABLE,
      'body: content-type must be application/json, found application/x-www-form-urlencoded',
    ],
    [
      'a role in query and body that differ',
      body('{"roleArn":"arn:aws:iam::123456789012:role/Other"}'),
      UNREADABLE,
      'request: roleArn differs between query and body',
    ],
    [
      'a query member twice',
      (f) => ({ query: `${f.query}&roleArn=x` }),
      UNREADABLE,
      'query: roleArn must occur once',
    ],
    [
      'the duration in the query',
      (f) => ({ query: `durationSeconds=900&${f.query}` }),
      UNREADABLE,
      'query: durationSeconds belongs in the body',
    ],
    ['a broken escape', (f) => ({ query: `${f.query}&x=%` }), UNREADABLE, 'query: every % must begin'],
  ];
  it.each(refused)('refuses %s', async (_name, draft, answer, reason) => {
    await expectRefusal(draft(fixture), answer, reason);
  });
});

describe('the signature', () => {
  const edit = (from: string | RegExp, to: string) => () => ({
    authorization: (text: string) => text.replace(from, to),
  });
  const unsign = (name: string, text: string) => () => ({
    headers: { [name]: undefined },
    unsigned: { [name]: text },
  });
  const other = makeCertificate();
  const refused: Refused[] = [
    [
      'no Authorization',
      () => ({ authorization: () => '' }),
      SIGNATURE,
      'authorization: expected "<algorithm> Credential=…',
    ],
    ['parts in another order', edit(/(Cred\S+), (Sig\S+)/, '$2, $1'), SIGNATURE, 'authorization: expected'],
    [
      'upper-case hexadecimal',
      () => ({ authorization: (text) => text.replace(/[^=]*$/, (hex) => hex.toUpperCase()) }),
      SIGNATURE,
      'authorization',
    ],
    [
      'base64',
      edit(/Signature=.*/, 'Signature=MEUCIQ=='),
      SIGNATURE,
      'authorization: Signature must be lower-case',
    ],
    [
      'signed headers out of order',
      edit('content-type;host', 'host;content-type'),
      SIGNATURE,
      'signed headers: must be',
    ],
    [
      'signed headers in capitals',
      edit('content-type', 'Content-Type'),
      SIGNATURE,
      'signed headers: must be lower',
    ],
    [
      'a signed header that was not sent',
      edit('content-type', 'a;content-type'),
      SIGNATURE,
      'signed headers: a is named',
    ],
    [
      'x-amz-date unsigned',
      unsign('x-amz-date', formatDate(NOW)),
      SIGNATURE,
      'signed headers: must include x-amz-date',
    ],
    ['host unsigned', unsign('host', 'a.test'), SIGNATURE, 'signed headers: must include host'],
    [
      'x-amz-x509 unsigned',
      () => unsign('x-amz-x509', fixture.leaf.der.toString('base64'))(),
      SIGNATURE,
      'signed headers: must include x-amz-x509, found',
    ],
    [
      'the chain unsigned',
      () => unsign('x-amz-x509-chain', fixture.authority.der.toString('base64'))(),
      SIGNATURE,
      'signed headers: must include x-amz-x509-chain, found',
    ],
    [
      'an empty chain',
      () => ({ headers: { 'x-amz-x509-chain': '' } }),
      SIGNATURE,
      'chain: x-amz-x509-chain is empty, omit it instead',
    ],
    [
      'a chain of six',
      () => ({ chain: Array.from({ length: 6 }, () => fixture.authority) }),
      [403, 'AccessDeniedException', 'Untrusted signing certificate'],
      'chain: at most 5 allowed, found 6',
    ],
    ['no certificate', () => ({ headers: { 'x-amz-x509': '' } }), SIGNATURE, 'x-amz-x509: expected padded'],
    [
      'base64 without padding',
      () => ({ headers: { 'x-amz-x509': Buffer.alloc(10).toString('base64').replace('==', '') } }),
      SIGNATURE,
      'x-amz-x509: expected padded standard base64',
    ],
    [
      'bytes after the certificate',
      (f) => ({ headers: { 'x-amz-x509': Buffer.concat([f.leaf.der, Buffer.alloc(3)]).toString('base64') } }),
      SIGNATURE,
      'x-amz-x509: DER: 3 octets after the end',
    ],
    ['something else', () => ({ headers: { 'x-amz-x509': 'AAAA' } }), SIGNATURE, 'x-amz-x509: '],
    [
      "another key's algorithm",
      () => ({ algorithm: 'AWS4-X509-RSA-SHA256' }),
      SIGNATURE,
      "algorithm: the certificate's ec key needs AWS4-X509-ECDSA-SHA256, found AWS4-X509-RSA-SHA256",
    ],
    [
      'another day',
      () => ({ scope: '20260531/us-east-1/rolesanywhere/aws4_request' }),
      SIGNATURE,
      'credential scope: expected 20260601/us-east-1/rolesanywhere/aws4_request, found 20260531/us-east-1/',
    ],
    ['another region', () => ({ region: 'us-east-1-fips' }), SIGNATURE, 'credential scope: expected'],
    [
      'another service',
      () => ({ scope: '20260601/us-east-1/sts/aws4_request' }),
      SIGNATURE,
      'credential scope',
    ],
    [
      'another terminator',
      () => ({ scope: '20260601/us-east-1/rolesanywhere/aws4' }),
      SIGNATURE,
      'credential scope',
    ],
    [
      'the serial number in hexadecimal',
      () => ({ serial: '0FA1B2C3D4E5F60718' }),
      SIGNATURE,
      'serial number: expected 288352751610762757912 in Credential, found 0FA1B2C3D4E5F60718, which is ' +
        'hexadecimal',
    ],
    [
      'another serial number',
      () => ({ serial: '17' }),
      SIGNATURE,
      'serial number: expected 288352751610762757912 in',
    ],
    [
      'a clock 301 s behind',
      () => ({ date: '20260601T115459Z' }),
      SIGNATURE,
      'clock: x-amz-date 20260601T115459Z is 301 s behind 20260601T120000Z, at most 300 s allowed',
    ],
    [
      'a clock 301 s ahead',
      () => ({ date: '20260601T120501Z' }),
      SIGNATURE,
      'clock: x-amz-date 20260601T120501Z is 301 s ahead of',
    ],
    ['a day that does not exist', () => ({ date: '20260230T120000Z' }), SIGNATURE, 'x-amz-date: expected'],
    ['a date in another form', () => ({ date: '2026-06-01T12:00:00Z' }), SIGNATURE, 'x-amz-date: expected'],
    [
      'x-amz-date twice',
      () => ({ unsigned: { 'x-amz-date': 'x' } }),
      SIGNATURE,
      'headers: x-amz-date must occur once, found 2',
    ],
    [
      'r‖s',
      () => ({ signer: (data, key) => sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' }) }),
      SIGNATURE,
      'signature: expected an ASN.1 DER sequence, found r‖s',
    ],
    [
      'SHA-384',
      () => ({ signer: (data, key) => sign('sha384', data, key) }),
      SIGNATURE,
      'signature: expected SHA-256 over the string to sign, found sha384',
    ],
    [
      'the key of another',
      () => ({ signer: (data) => sign('sha256', data, other.key) }),
      SIGNATURE,
      'signature: does not verify; signed headers content-type;host;x-amz-date;x-amz-x509; SHA-256 of ' +
        'the canonical',
    ],
    [
      'an x-amz-content-sha256 that is not of the body',
      () => ({ headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }),
      SIGNATURE,
      'payload: x-amz-content-sha256 is UNSIGNED-PAYLOAD',
    ],
    [
      'a + that was signed as %2B',
      (f) => ({ query: `${f.query}&x=+`, canonicalQuery: `${f.query}&x=%2B` }),
      SIGNATURE,
      'signature: does not verify',
    ],
    [
      'a query signed unsorted',
      (f) => ({ query: `z=1&${f.query}` }),
      SIGNATURE,
      'signature: the client did not sort the query',
    ],
  ];
  it.each(refused)('refuses %s', async (_name, draft, answer, reason) => {
    await expectRefusal(draft(fixture), answer, reason);
  });

  it('refuses RSASSA-PSS', async () => {
    const draft: X509Draft = {
      signer: (data, key) => sign('sha256', data, { key, padding: constants.RSA_PKCS1_PSS_PADDING }),
    };
    await expectRefusal(draft, SIGNATURE, 'signature: expected RSASSA-PKCS1-v1_5', { keyType: 'RSA' });
  });

  it('refuses an Ed25519 key', async () => {
    const reason = "algorithm: keys are RSA, EC or ML-DSA, the certificate's is ed25519";
    await expectRefusal({ signer: () => Buffer.alloc(64) }, SIGNATURE, reason, { keyType: 'Ed25519' });
  });

  it('gives no information about trust before the signature verifies', async () => {
    const draft: X509Draft = { signer: () => Buffer.alloc(70) };
    await expectRefusal(draft, SIGNATURE, 'signature: does not verify', { keyUsage: null });
  });
});

describe('the leaf', () => {
  const refused: Array<[name: string, recipe: Recipe, reason: string]> = [
    ['v1', { version: 1 }, 'version: expected X.509 v3, found v1'],
    [
      'a CA',
      { isAuthority: true, keyUsage: KeyUsageFlags.digitalSignature },
      'basicConstraints: an end-entity certificate has CA:FALSE, found CA:TRUE',
    ],
    ['no keyUsage', { keyUsage: null }, 'keyUsage: expected digitalSignature, found none'],
    [
      'another keyUsage',
      { keyUsage: KeyUsageFlags.keyEncipherment },
      'keyUsage: expected digitalSignature, found keyEncipherment',
    ],
    [
      'SHA-1',
      { hash: 'sha1' },
      'signature algorithm: expected RSA, ECDSA or ML-DSA with SHA-256 or stronger',
    ],
    ['no subject', { commonName: null }, 'subject: must not be empty'],
    [
      'an expired one',
      { notAfter: '2026-06-01T11:59:59Z' },
      'validity: ended 2026-06-01T11:59:59.000Z, now is 2026-06-01T12:00:00.000Z',
    ],
    ['one of tomorrow', { notBefore: '2026-06-02T00:00:00Z' }, 'validity: begins 2026-06-02T00:00:00.000Z'],
  ];
  it.each(refused)('refuses %s', async (_name, recipe, reason) => {
    await expectRefusal({}, LEAF, reason, recipe);
  });
});

describe('trust anchor, profile, role', () => {
  const replace = (from: RegExp, to: string) => (f: Fixture) => ({ query: f.query.replace(from, to) });
  const role = 'arn:aws:iam::123456789012:role/Other';
  const refused: Refused[] = [
    [
      'an unknown trust anchor',
      replace(/(trust-anchor%2F)\w+/, '$100000000'),
      [404, 'ResourceNotFoundException', 'Trust anchor not found'],
      'Trust anchor: expected arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/',
    ],
    [
      'an unknown profile',
      replace(/(profile%2F)\w+/, '$100000000'),
      [404, 'ResourceNotFoundException', 'Profile not found'],
      'Profile: expected arn:aws:rolesanywhere:us-east-1:123456789012:profile/',
    ],
    [
      'a role that the profile does not have',
      replace(/Demo/, 'Other'),
      [403, 'AccessDeniedException', `Unable to assume role for ${role}`],
      `role: the profile has arn:aws:iam::123456789012:role/Demo, found ${role}`,
    ],
    [
      'a session name',
      () => ({ body: '{"roleSessionName":"me"}' }),
      [403, 'AccessDeniedException', 'Not authorized to set roleSessionName.'],
      'session name: the profile does not accept roleSessionName, found me',
    ],
  ];
  it.each(refused)('refuses %s', async (_name, draft, answer, reason) => {
    await expectRefusal(draft(fixture), answer, reason);
  });
});

describe('duration and names', () => {
  const duration = async (profile: number | undefined, body: string) => {
    const { ask } = await makeFixture({ maxDurationSeconds: profile });
    const { credentialSet } = JSON.parse((await ask({ body })).body);
    return (Date.parse(credentialSet[0].credentials.expiration) - NOW.getTime()) / 1000;
  };
  it.each([
    [undefined, '', 3600],
    [undefined, '{"durationSeconds":900}', 900],
    [undefined, '{"durationSeconds":43200}', 3600],
    [43_200, '{"durationSeconds":7200}', 7200],
    [43_200, '', 43_200],
    [900, '{"durationSeconds":3600}', 900],
  ])('profile %s and request %s give %s seconds', async (profile, body, seconds) => {
    expect(await duration(profile, body)).toBe(seconds);
  });

  it('uses the session name if the profile accepts it', async () => {
    const { ask } = await makeFixture({ acceptRoleSessionName: true });
    expect((await ask({ body: '{"roleSessionName":"deploy@ci"}' })).body).toContain('/Demo/deploy@ci"');
  });

  const names: Array<[recipe: Recipe, sourceIdentity: string]> = [
    [{ commonName: 'c'.repeat(61) }, `CN=${'c'.repeat(61)}`],
    [{ commonName: 'c'.repeat(62) }, 'c'.repeat(62)],
    [{ commonName: 'c'.repeat(64) }, 'c'.repeat(64)],
  ];
  it.each(names)('%o gives the source identity %s', async (recipe, sourceIdentity) => {
    const identity = makeCertificate({ ...recipe, issuer: fixture.authority });
    expect((await fixture.ask({}, identity)).body).toContain(`"sourceIdentity":"${sourceIdentity}"`);
  });

  it('refuses a source identity that STS would refuse', async () => {
    const message = `Unable to assume role for ${fixture.service.roleArn}`;
    const recipe = { commonName: 'c'.repeat(65) };
    await expectRefusal({}, [403, 'AccessDeniedException', message], 'source identity: STS takes 64', recipe);
  });

  it.each([
    ['01', '01'],
    ['0123', '0123'],
    ['00ff', 'ff'],
    [`7f${'00'.repeat(19)}`, `7f${'00'.repeat(19)}`],
  ])('the serial number %s gives the session name %s', async (serialHex, sessionName) => {
    const identity = makeCertificate({ serialHex, issuer: fixture.authority });
    expect((await fixture.ask({}, identity)).body).toContain(`/Demo/${sessionName}"`);
  });
});
