/** `doctor` with every bad certificate, every fault of the emulator, and refusals by the account. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Line } from '../../../src/cli/doctor/line.js';
import { main } from '../../../src/cli/main.js';
import type { Authority, Emulator } from '../../../src/emulator.js';
import { createAuthority, startEmulator } from '../../../src/emulator.js';
import { makeCertificate } from '../../emulator/pki/certificates.js';
import { CA_BUNDLE, refusal, startFakeService, status } from '../../fake-service.js';
import type { Fixture } from '../../fixtures.js';
import { manifest, path } from '../../fixtures.js';
import { startProxy } from '../../forward-proxy.js';
import { fakeIo, runMain } from '../../program.js';

interface Report {
  readonly status: number;
  readonly checks: ReadonlyArray<Line & { readonly group: string }>;
  readonly chain?: readonly string[];
  readonly session?: { name: string; sourceIdentity: string; tags: Record<string, string> };
}

let folder: string;
let authority: Authority;
let emulator: Emulator;
const at = (name: string): string => join(folder, name);

function write(name: string, content: string | object, mode = 0o600): string {
  writeFileSync(at(name), typeof content === 'string' ? content : JSON.stringify(content), { mode });
  return at(name);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  authority = await createAuthority();
  const host = await authority.issue({ commonName: 'host-1' });
  write('ca.pem', authority.certificate);
  write('host.pem', host.certificate);
  write('host.key', host.privateKey);
  emulator = await startEmulator({ certificateAuthority: authority.certificate });
});

afterAll(async () => {
  await emulator?.close();
  rmSync(folder, { recursive: true, force: true });
});

type Changes = Readonly<Record<string, string | boolean | undefined>>;

/** Flags of a correct setup, except for those that are given here. */
function flags(changes: Changes = {}): string[] {
  const { trustAnchorArn, profileArn, roleArn, endpoint } = emulator;
  const all: Changes = {
    certificate: at('host.pem'),
    'private-key': at('host.key'),
    'sts-endpoint': endpoint,
    ...{ 'trust-anchor-arn': trustAnchorArn, 'profile-arn': profileArn, 'role-arn': roleArn, endpoint },
    ...changes,
  };
  return Object.entries(all).flatMap(([flag, value]) =>
    value === undefined ? [] : [value === true ? `--${flag}` : `--${flag}=${value}`],
  );
}

async function doctor(changes: Changes = {}, env: Record<string, string> = {}): Promise<Report> {
  const outcome = await runMain(['doctor', '--json', ...flags(changes)], { env });
  expect(outcome.stderr).toBe('');
  const report: Report = JSON.parse(outcome.stdout);
  expect(outcome.status).toBe(report.status);
  return report;
}

/** The lines with a mark, as `what`. */
function marked(report: Report, mark: Line['mark']): string[] {
  return report.checks.filter((line) => line.mark === mark).map(({ what }) => what);
}

function lineOf(report: Report, what: string): Line {
  const all = report.checks.filter((line) => line.what === what);
  const line =
    all.find(({ mark }) => mark === 'error') ?? all.find(({ mark }) => mark === 'warning') ?? all[0];
  if (line === undefined) throw new Error(`there is no line ${what}`);
  return line;
}

const ARN_FLAGS = { 'trust-anchor-arn': undefined, 'profile-arn': undefined, 'role-arn': undefined };

function fixtureFlags({ files }: Fixture): Changes {
  const { certificate, privateKey, intermediates } = files;
  return {
    ...ARN_FLAGS,
    offline: true,
    certificate: path(certificate),
    'private-key': privateKey && path(privateKey),
    intermediates: intermediates && path(intermediates),
  };
}

function passphrase({ passphrase: isEncrypted }: Fixture): Record<string, string> {
  return isEncrypted === true ? { ROLESANYWHERE_PKCS8_PASSWORD: manifest.passphrase } : {};
}

/** The line that shows each code, and words of its advice. */
const BAD: Readonly<Record<string, readonly [what: string, advice: RegExp]>> = {
  ERR_CERTIFICATE_IS_CA: ['CA:FALSE', /end-entity certificate/],
  ERR_CERTIFICATE_KEY_USAGE: ['key usage', /keyUsage = critical, digitalSignature/],
  ERR_CERTIFICATE_VERSION: ['X.509 version', /extensions/],
  ERR_CERTIFICATE_SUBJECT: ['certificate', /common name/],
  ERR_CERTIFICATE_SIGNATURE: ['signature hash', /SHA-256/],
  ERR_CERTIFICATE_EXPIRED: ['dates', /renew/],
  ERR_CERTIFICATE_NOT_YET_VALID: ['dates', /wait/],
  ERR_CERTIFICATE_INVALID: ['PEM', /./],
  ERR_PEM_INVALID: ['PEM', /./],
  ERR_KEY_UNSUPPORTED: ['key size', /RSA key of 2048 bits or an EC key on P-256/],
  ERR_KEY_INVALID: ['private key', /./],
  ERR_KEY_MISMATCH: ['key belongs to the certificate', /openssl/],
  ERR_CHAIN_TOO_LONG: ['chain', /leave out/],
  ERR_CHAIN_BROKEN: ['chain', /intermediates between this certificate and the trust anchor/],
  ERR_CHAIN_NOT_CA: ['chain', /certificate of the CA/],
  ERR_CHAIN_EXPIRED: ['chain', /renewed certificate/],
  ERR_CHAIN_NOT_YET_VALID: ['chain', /wait/],
  WARN_KEY_SIZE: ['key size', /2048/],
  WARN_KEY_ENCRYPTION: ['private key', /./],
  WARN_CHAIN_SURPLUS: ['chain', /intermediates of its own issuer/],
};

describe('every bad certificate of certs/manifest.json', () => {
  const bad = manifest.fixtures.filter(({ expect: code }) => code !== 'ok');

  it.each(bad.map((fixture) => [fixture.name, fixture] as const))('%s', async (_name, fixture) => {
    const report = await doctor(fixtureFlags(fixture), passphrase(fixture));
    for (const code of [fixture.expect, ...(fixture.also ?? [])]) {
      const [what, advice] = BAD[code] ?? ['', /^$/];
      const line = report.checks.find((one) => one.code === code);
      expect([line?.what, line?.mark, code]).toEqual([what, fixture.severity, code]);
      expect(line?.advice.join(' ')).toMatch(advice);
    }
    expect(report.status).toBe(fixture.severity === 'error' ? 3 : 0);
  });

  it('and for good certificates only the permissions of the fixtures', async () => {
    const good = manifest.fixtures.filter((fixture) => fixture.expect === 'ok');
    for (const fixture of good) {
      const report = await doctor(fixtureFlags(fixture), passphrase(fixture));
      expect([fixture.name, report.status, marked(report, 'error')]).toEqual([fixture.name, 0, []]);
      expect(marked(report, 'warning').filter((what) => !/ file$/.test(what))).toEqual([]);
    }
  });
});

/** The fault, the line with ✗, its code, and words of its advice. */
type FaultRow = [fault: string, what: RegExp, code: string, advice: RegExp, status: number];

const HERE = /^response of 127/;
const SHORT = 'error=503,operation=CreateSession';
const FAULTS: readonly FaultRow[] = [
  ['latency=3000', HERE, 'ERR_TIMEOUT', /endpoint and network/, 4],
  ['latency=3000,operation=CreateSession', /^CreateSession$/, 'ERR_TIMEOUT', /endpoint and network/, 4],
  ['throttle=0', /^CreateSession$/, 'ERR_SERVICE_THROTTLED', /10 sessions a second/, 5],
  ['error=500,operation=CreateSession', /^CreateSession$/, 'ERR_SERVICE_FAILED', /try again later/, 5],
  [SHORT, /^CreateSession$/, 'ERR_SERVICE_FAILED', /try again later/, 5],
  ['error=400,operation=CreateSession', /^CreateSession$/, 'ERR_SERVICE_DENIED', /./, 5],
  ['error=403,operation=CreateSession', /^CreateSession$/, 'ERR_SERVICE_DENIED', /./, 5],
  ['error=404,operation=CreateSession', /^CreateSession$/, 'ERR_SERVICE_DENIED', /get-trust-anchor/, 5],
  ['reset', HERE, 'ERR_NETWORK', /endpoint and network/, 4],
  ['reset,operation=CreateSession', /^CreateSession$/, 'ERR_NETWORK', /endpoint and network/, 4],
  ['stall', HERE, 'ERR_TIMEOUT', /endpoint and network/, 4],
  ['stall,operation=CreateSession', /^CreateSession$/, 'ERR_TIMEOUT', /endpoint and network/, 4],
  ['truncate', HERE, 'ERR_NETWORK', /endpoint and network/, 4],
  ['truncate,operation=CreateSession', /^CreateSession$/, 'ERR_NETWORK', /endpoint and network/, 4],
  [
    'error=503,operation=GetCallerIdentity',
    /^GetCallerIdentity$/,
    'ERR_SERVICE_FAILED',
    /try again later/,
    5,
  ],
  ['reset,operation=GetCallerIdentity', /^GetCallerIdentity$/, 'ERR_NETWORK', /endpoint and network/, 4],
  ['date-skew=600', /^clock$/, 'ERR_SERVICE_DENIED', /NTP/, 5],
  ['date-skew=-600', /^clock$/, 'ERR_SERVICE_DENIED', /NTP/, 5],
];

describe('every fault of the emulator', () => {
  it.each(FAULTS)('%s', async (fault, what, code, advice, exit) => {
    emulator.faults.set(fault);
    try {
      const report = await doctor({ 'timeout-ms': '800', 'max-attempts': '1' });
      const [first, ...others] = report.checks.filter(({ mark }) => mark === 'error');
      expect(first?.what).toMatch(what);
      expect(first?.code).toBe(code);
      expect(first?.advice.join(' ')).toMatch(advice);
      expect(others).toEqual([]);
      expect(report.status).toBe(exit);
    } finally {
      emulator.faults.clear();
    }
  });

  it('a wrong content type and a clock that is off by minutes are no error', async () => {
    emulator.faults.set(['content-type=text/html', 'date-skew=180']);
    const report = await doctor();
    emulator.faults.clear();
    expect(report.status).toBe(0);
    expect(marked(report, 'warning')).toEqual(['clock']);
    expect(lineOf(report, 'clock').found).toContain('3 minutes behind');
  });
});

describe('a valid setup', () => {
  it('gives every line of the report', async () => {
    const report = await doctor({ ca: at('ca.pem') });
    expect(report.status).toBe(0);
    expect([...marked(report, 'error'), ...marked(report, 'warning')]).toEqual([]);
    expect(report.checks.map(({ what }) => what)).toEqual([
      ...['certificate file', 'private key file', 'certificate', 'PEM', 'key belongs to the certificate'],
      ...['key size', 'dates', 'X.509 version', 'CA:FALSE', 'key usage', 'signature hash', 'chain'],
      ...['test signature', 'trust anchor', 'path to the anchor', 'trust anchor ARN', 'profile ARN'],
      ...['role ARN', 'region', 'account', 'partition', 'endpoint', 'session name', 'source identity'],
      ...['session tags', 'credential_process', 'proxy', 'DNS', 'TCP', 'TLS'],
      ...[`response of ${new URL(emulator.endpoint).host}`, 'clock', 'CreateSession', 'GetCallerIdentity'],
    ]);
    expect(lineOf(report, 'dates').found).toMatch(/\d+ days left/);
    expect(lineOf(report, 'CreateSession').found).toContain(':assumed-role/Demo/');
    expect(lineOf(report, 'GetCallerIdentity').found).toContain(':assumed-role/Demo/');
    expect(report.session).toMatchObject({
      sourceIdentity: 'CN=host-1',
      tags: { 'x509Subject/CN': 'host-1' },
    });
    expect(lineOf(report, 'CreateSession').found).toContain(`/${report.session?.name},`);
  });

  it('assumes a second role, and reports a refused one', async () => {
    const { roleArn } = emulator;
    const report = await doctor({ 'assume-role-arn': roleArn.replace('Demo', 'None') });
    expect(lineOf(report, 'AssumeRole')).toMatchObject({ mark: 'error', code: 'ERR_SERVICE_DENIED' });
    expect(lineOf(report, 'AssumeRole').advice.join(' ')).toContain('sts:AssumeRole');
    expect([lineOf(report, 'CreateSession').mark, report.status]).toEqual(['ok', 5]);
  });

  it('creates a new session each time, also with --cache', async () => {
    const before = emulator.sessionCount;
    for (let run = 0; run < 2; run++) expect((await doctor({ cache: true })).status).toBe(0);
    expect(emulator.sessionCount).toBe(before + 2);
  });

  it('sends nothing with --offline', async () => {
    const service = await startFakeService([]);
    const report = await doctor({ offline: true, endpoint: service.endpoint });
    expect(service.requests).toEqual([]);
    expect(report.checks.some(({ group }) => group === 'Network')).toBe(false);
  });

  it('draws the chain from leaf to root', async () => {
    const report = await doctor({
      ...{ offline: true, ca: path('root-ec.pem'), certificate: path('chain-3.pem') },
      ...{ 'private-key': path('chain-3.key.pem'), intermediates: path('chain-3.intermediates.pem') },
    });
    const parts = report.chain?.map((line) => /^( *(?:└─ )?).*?CN=([\w-]+) \((\w+)/.exec(line)?.slice(1));
    expect(parts).toEqual([
      ['', 'chain-3', 'leaf'],
      ['└─ ', 'chain-3-ca-3', 'intermediate'],
      ['   └─ ', 'chain-3-ca-2', 'intermediate'],
      ['      └─ ', 'chain-3-ca-1', 'intermediate'],
      ['         └─ ', 'root-ec', 'trust'],
    ]);
  });
});

describe('files', () => {
  it('warns of a key that others can read; --strict makes that status 1', async () => {
    chmodSync(at('host.key'), 0o644);
    const report = await doctor({ offline: true });
    const strict = await doctor({ offline: true, strict: true });
    chmodSync(at('host.key'), 0o600);
    expect(lineOf(report, 'private key file')).toMatchObject({
      mark: 'warning',
      advice: [`chmod 600 ${at('host.key')}`],
    });
    expect([report.status, strict.status]).toEqual([0, 1]);
  });

  it.each([
    ['certificate', 'certificate file'],
    ['private-key', 'private key file'],
    ['intermediates', 'intermediates file'],
    ['ca', 'trust anchor'],
    ['trust-policy', 'trust policy'],
  ])('a missing file at --%s', async (flag, what) => {
    const report = await doctor({ offline: true, [flag]: at('missing') });
    expect(lineOf(report, what)).toMatchObject({ mark: 'error', code: 'ERR_FILE_UNREADABLE' });
    expect(lineOf(report, what).advice.length).toBeGreaterThan(0);
    expect(report.status).toBe(3);
  });

  it('warns of what every command warns of: a password file, a configuration file, TLS', async () => {
    const [config, password] = [
      write('public.json', { 'pkcs8-password': 'canary' }, 0o644),
      write('public.txt', 'passphrase', 0o644),
    ];
    const changes = { offline: true, 'no-verify-ssl': true };
    const encrypted = { certificate: path('ec-p256.pem'), 'private-key': path('ec-p256.pbkdf2-aes256.pem') };
    const found = async (more: Changes): Promise<string[]> =>
      (await doctor({ ...changes, ...encrypted, ...more })).checks
        .filter(({ what, mark }) => what === 'warning' && mark === 'warning')
        .map((line) => `${line.found}: ${line.advice}`);
    expect(await found({ 'pkcs8-password-file': password })).toEqual([
      `password file ${password} can be read by every user of this machine: chmod 600 it`,
    ]);
    expect((await found({ config })).join('\n')).toContain(config);
    expect((await found({ config })).join('\n')).not.toContain('canary');
  });

  it('warns of a certificate that others can change', async () => {
    chmodSync(at('host.pem'), 0o646);
    const report = await doctor({ offline: true });
    chmodSync(at('host.pem'), 0o600);
    expect(lineOf(report, 'certificate file')).toMatchObject({
      mark: 'warning',
      advice: [`chmod o-w ${at('host.pem')}`],
    });
  });

  it('checks the certificate if the key cannot be read, without lines about the key', async () => {
    const report = await doctor({ offline: true, 'private-key': path('not-truncated.key.pem') });
    expect(marked(report, 'error')).toEqual(['PEM']);
    expect(marked(report, 'ok')).toContain('dates');
    expect(report.checks.map(({ what }) => what)).not.toContain('key belongs to the certificate');
    expect(report.checks.map(({ what }) => what)).not.toContain('test signature');
  });

  it('a directory in place of a file', async () => {
    const report = await doctor({ offline: true, certificate: folder });
    expect(lineOf(report, 'certificate file').found).toContain('is a directory');
  });
});

describe('trust anchor', () => {
  it.each([
    [path('root-rsa.pem'), 'path to the anchor', 'ERR_CHAIN_BROKEN', /--intermediates/],
    ['host.pem', 'trust anchor', 'ERR_CHAIN_NOT_CA', /certificate of the CA/],
    [path('not-garbage.pem'), 'trust anchor', 'ERR_PEM_INVALID', /./],
  ])('%s', async (ca, what, code, advice) => {
    const report = await doctor({ offline: true, ca: ca.startsWith('/') ? ca : at(ca) });
    expect(lineOf(report, what)).toMatchObject({ mark: 'error', code });
    expect(lineOf(report, what).advice.join(' ')).toMatch(advice);
  });

  it('without keyCertSign, expired, not yet valid, and signed with SHA-1', async () => {
    const parts = { commonName: 'ca', keyType: 'P-256', isAuthority: true } as const;
    const anchors = [
      makeCertificate({ ...parts, keyUsage: 64 }),
      makeCertificate({ ...parts, notBefore: '2020-01-01T00:00:00Z', notAfter: '2021-01-01T00:00:00Z' }),
      makeCertificate({ ...parts, notBefore: '2100-01-01T00:00:00Z', notAfter: '2101-01-01T00:00:00Z' }),
    ];
    const weak = readFileSync(path('bad-sha1.pem'), 'utf8');
    const pem = write('anchors.pem', [...anchors.map((anchor) => anchor.pem), weak].join('\n'));
    const report = await doctor({ offline: true, ca: pem });
    const codes = report.checks.filter(({ what }) => what === 'trust anchor').map(({ code }) => code);
    expect(codes).toEqual(
      expect.arrayContaining([
        ...['ERR_CHAIN_NOT_CA', 'ERR_CHAIN_EXPIRED', 'ERR_CHAIN_NOT_YET_VALID'],
        'ERR_CERTIFICATE_SIGNATURE',
      ]),
    );
  });
});

describe('ARNs', () => {
  const ANCHOR = 'arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/a';
  const PROFILE = 'arn:aws:rolesanywhere:us-east-1:123456789012:profile/p';
  const ROLE = 'arn:aws:iam::123456789012:role/Demo';

  it.each([
    [{ 'trust-anchor-arn': undefined }, 'trust anchor ARN', 'error', 'ERR_OPTION_MISSING'],
    [{ 'role-arn': 'role' }, 'role ARN', 'error', 'ERR_OPTION_INVALID'],
    [{ 'trust-anchor-arn': PROFILE, 'profile-arn': ANCHOR }, 'ARNs', 'error', 'ERR_OPTION_INVALID'],
    [{ 'profile-arn': PROFILE.replace('us-', 'eu-') }, 'region', 'error', 'ERR_OPTION_CONFLICT'],
    [{ 'role-arn': ROLE.replace('aws', 'aws-cn') }, 'partition', 'error', 'ERR_OPTION_CONFLICT'],
    [{ 'role-arn': ROLE.replace('12', '21') }, 'account', 'warning', undefined],
    [{ region: 'eu-west-1' }, 'region', 'warning', undefined],
  ])('%j', async (changes, what, mark, code) => {
    const arns = { 'trust-anchor-arn': ANCHOR, 'profile-arn': PROFILE, 'role-arn': ROLE };
    const report = await doctor({ offline: true, ...arns, ...changes });
    const line = lineOf(report, what);
    expect([line.mark, line.code]).toEqual([mark, code]);
    expect(line.advice.length).toBeGreaterThan(0);
    expect(report.status).toBe(mark === 'error' ? 2 : 0);
  });
});

describe('refusals', () => {
  const UNMAPPED =
    'Some attributes failed to be mapped into session tags. Issuer: [ ]; Subject: [ CN ]; SAN: [ ]';
  const TOO_LONG = 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.';
  const denied = (message: string) => refusal(403, 'AccessDeniedException', message);
  const answer = status(403, '{}', { 'x-amzn-requestid': 'x' });

  it.each([
    ['Untrusted signing certificate', /holds another CA than the issuer/, false],
    ['Untrusted certificate. Insufficient certificate', /no keyUsage digitalSignature/, false],
    ['Invalid signature', /clock of this machine/, false],
    ['Unable to assume role for arn:aws:iam::123456789012:role/Demo', /trust policy of the role/, true],
    [`Unable to assume role for x. ${UNMAPPED}`, /^Subject CN/, true],
    [`Unable to assume role for x. ${TOO_LONG}`, /MaxSessionDuration/, false],
    ['Not authorized to set roleSessionName.', /does not accept a session name/, false],
  ])('%s', async (message, first, hasStatement) => {
    const { endpoint } = await startFakeService([answer, denied(message)]);
    const report = await doctor({ endpoint });
    const { advice, found, code } = lineOf(report, 'CreateSession');
    expect([found, code]).toEqual([expect.stringContaining(message), 'ERR_SERVICE_DENIED']);
    expect(advice[0]).toMatch(first);
    expect(advice.some((line) => line.includes('"aws:SourceArn"'))).toBe(hasStatement);
    expect(report.status).toBe(5);
  });

  it.each<[string, Changes, RegExp, RegExp]>([
    ['a session name', { 'role-session-name': 'backup' }, /roleSessionName/, /--accept-role-session-name/],
    [
      'another role',
      { 'role-arn': 'arn:aws:iam::123456789012:role/None' },
      /Unable to assume/,
      /--role-name None/,
    ],
    [
      'no such trust anchor',
      { 'trust-anchor-arn': 'arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/none' },
      /404 ResourceNotFoundException/,
      /--trust-anchor-id none/,
    ],
    [
      'another CA',
      { certificate: path('rsa-2048.pem'), 'private-key': path('rsa-2048.key.pem') },
      /Untrusted signing certificate/,
      /another CA than the issuer, .*CN=root-rsa/,
    ],
  ])('of the emulator, for %s', async (_name, changes, found, advice) => {
    const report = await doctor(changes);
    const line = lineOf(report, 'CreateSession');
    expect([line.mark, line.code, report.status]).toEqual(['error', 'ERR_SERVICE_DENIED', 5]);
    expect(line.found).toMatch(found);
    expect(line.advice.join('\n')).toMatch(advice);
  });

  it('the statement that it shows is one that the emulator accepts', async () => {
    const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Deny' }] };
    const { endpoint } = await startFakeService([answer, denied('Unable to assume role for x')]);
    const { advice } = lineOf(await doctor({ endpoint }), 'CreateSession');
    const shown = advice.find((line) => line.includes('"aws:SourceArn"')) ?? '';
    policy.Statement = [JSON.parse(shown.slice(shown.indexOf('{')))];
    const report = await doctor({ offline: true, 'trust-policy': write('shown.json', policy) });
    expect(lineOf(report, 'trust policy').mark).toBe('ok');
  });
});

describe('--trust-policy', () => {
  const allow = (more: object) => ({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'rolesanywhere.amazonaws.com' },
        Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
        ...more,
      },
    ],
  });

  it.each([
    [allow({ Action: ['sts:AssumeRole'] }), /sts:TagSession: no statement allows it/],
    [
      allow({ Condition: { StringEquals: { 'aws:PrincipalTag/x509Subject/CN': 'host-2' } } }),
      /expected "host-2", found "host-1"/,
    ],
    [
      allow({
        Condition: { ArnEquals: { 'aws:SourceArn': 'arn:aws:rolesanywhere:us-east-1:1:trust-anchor/x' } },
      }),
      /aws:SourceArn/,
    ],
    [allow({ Principal: { Service: 'ec2.amazonaws.com' } }), /Principal: expected/],
    [{ Version: '2012-10-17' }, /./],
  ])('names the condition that fails: %j', async (policy, reason) => {
    const report = await doctor({ offline: true, 'trust-policy': write('role.json', policy) });
    const line = lineOf(report, 'trust policy');
    expect(line).toMatchObject({ mark: 'error', code: 'ERR_SERVICE_DENIED' });
    expect(line.advice.join('\n')).toMatch(reason);
    expect(report.status).toBe(5);
  });

  it('shows no statement if an explicit Deny decides, since no statement can help', async () => {
    const [statement] = allow({}).Statement;
    const policy = { ...allow({}), Statement: [statement, { ...statement, Effect: 'Deny' }] };
    const report = await doctor({ offline: true, 'trust-policy': write('role.json', policy) });
    const advice = lineOf(report, 'trust policy').advice.join('\n');
    expect(advice).toContain('denied by statement 2');
    expect(advice).not.toContain('"aws:SourceArn"');
  });

  it('accepts the policy itself, and the output of get-role', async () => {
    const policy = allow({ Condition: { StringLike: { 'aws:PrincipalTag/x509Subject/CN': 'host-*' } } });
    for (const content of [policy, { Role: { AssumeRolePolicyDocument: policy } }]) {
      const report = await doctor({ offline: true, 'trust-policy': write('role.json', content) });
      expect([lineOf(report, 'trust policy').mark, report.status]).toEqual(['ok', 0]);
    }
  });
});

describe('one fault is one line', () => {
  it.each<[string, () => Changes, number, string, string, RegExp]>([
    [
      'a certificate that is not there',
      () => ({ certificate: at('none.pem') }),
      3,
      'certificate file',
      'ERR_FILE_UNREADABLE',
      /full path/,
    ],
    [
      'a missing key',
      () => ({ 'private-key': at('none.key') }),
      3,
      'private key file',
      'ERR_FILE_UNREADABLE',
      /full path/,
    ],
    ['no certificate', () => ({ certificate: undefined }), 2, 'options', 'ERR_OPTION_MISSING', /--config/],
    [
      'files that are swapped',
      () => ({ certificate: at('host.key'), 'private-key': at('host.pem') }),
      3,
      'PEM',
      'ERR_PEM_INVALID',
      /^the two are swapped: private key .*host.pem holds a certificate$/,
    ],
    [
      'a port of this machine that is closed',
      () => ({ offline: undefined, endpoint: 'http://127.0.0.1:1' }),
      4,
      'TCP',
      'ERR_NETWORK',
      /its program runs/,
    ],
  ])('%s', async (_name, changes, status, what, code, advice) => {
    const report = await doctor({ offline: true, ...changes() });
    const errors = report.checks.filter(({ mark }) => mark === 'error');
    expect(errors.map((line) => [line.what, line.code])).toEqual([[what, code]]);
    expect(errors[0]?.advice.join(' ')).toMatch(advice);
    expect(report.status).toBe(status);
  });

  it('names the flag that is missing', async () => {
    const report = await doctor({ offline: true, certificate: undefined });
    expect(lineOf(report, 'options').found).toBe('missing --certificate');
  });
});

describe('credential_process of the AWS config', () => {
  const line = (value: string) => `[profile onprem]\nregion = us-east-1\ncredential_process = ${value}\n`;
  const node = process.execPath;

  it('a profile alone gives its flags, which others win over', async () => {
    const words = flags().map((word) => `"${word}"`);
    const env = {
      AWS_CONFIG_FILE: write('config', line(`"${node}" x credential-process ${words.join(' ')}`)),
    };
    const run = async (...args: string[]): Promise<Report> => {
      const { stdout } = await runMain(['doctor', '--json', ...args], { env });
      return JSON.parse(stdout);
    };
    const report = await run('--profile', 'onprem');
    expect([report.status, marked(report, 'error')]).toEqual([0, []]);
    expect(lineOf(report, 'GetCallerIdentity').found).toContain(':assumed-role/Demo/');
    const other = await run('--profile', 'onprem', '--role-arn', 'arn:aws:iam::210987654321:role/Demo');
    expect(lineOf(other, 'role ARN').found).toContain('210987654321');
    // A certificate of one's own: the line is checked, and gives nothing.
    const own = await run('--profile', 'onprem', '--certificate', at('none.pem'), '--offline');
    expect(own.checks.map(({ what }) => what)).not.toContain('trust anchor ARN');
    const without = await run('--offline', '--profile', 'nobody');
    expect(lineOf(without, 'options').found).toBe('missing --certificate');
  });

  it('a name is looked for in PATH', async () => {
    const env = { AWS_CONFIG_FILE: write('config', line('rolesanywhere credential-process')) };
    const missing = lineOf(await doctor({ offline: true }, { ...env, PATH: '/no' }), 'credential_process');
    expect([missing.mark, missing.found]).toEqual([
      'error',
      'profile onprem: there is no rolesanywhere in PATH',
    ]);
    write('rolesanywhere', '#!/bin/sh\n');
    chmodSync(at('rolesanywhere'), 0o755);
    const PATH = `/no:${folder}`;
    expect(lineOf(await doctor({ offline: true }, { ...env, PATH }), 'credential_process').mark).toBe(
      'warning',
    );
  });

  it.each([
    [
      'a line that is right',
      line(`"${node}" /x.js credential-process --certificate /c.pem`),
      'ok',
      /one line/,
    ],
    ['two lines', line('/rolesanywhere credential-process \\\n  --certificate /c.pem'), 'error', /one line/],
    ['an open quote', line('"/rolesanywhere credential-process'), 'error', /quotes/],
    ['a tilde', line('~/bin/rolesanywhere credential-process'), 'error', /absolute path/],
    ['a missing program', line('/no/rolesanywhere credential-process'), 'error', /absolute path/],
    ['no command', line(`/rolesanywhere`), 'error', /absolute path/],
    ['a name alone', line('rolesanywhere credential-process'), 'warning', /absolute path/],
    [
      'a relative certificate',
      line(`"${node}" x credential-process --certificate c.pem`),
      'warning',
      /write the absolute path/,
    ],
    ['another program', line('/opt/other --token abc'), 'skipped', /^$/],
    ['an empty value', line(''), 'error', /after the =/],
    ['typographic quotes', line('“/rolesanywhere” credential-process'), 'error', /straight quotes/],
    ['a pipe', line(`"${node}" x credential-process | cat`), 'error', /without a shell/],
    ['a comment behind it', line(`"${node}" x credential-process # host`), 'error', /without a shell/],
    [
      'a path with a blank',
      line(`"${node}" x credential-process --certificate /a b.pem`),
      'error',
      /one line/,
    ],
    [
      'a misspelt flag',
      line(`"${node}" x credential-process --certificat /c.pem`),
      'error',
      /lists the flags/,
    ],
    ['a flag without value', line(`"${node}" x credential-process --certificate`), 'error', /--.*=VALUE/],
    [
      'an indented line',
      `[profile onprem]\nregion = a\n  credential_process = /x\n`,
      'warning',
      /blanks before/,
    ],
    ['a section that is no profile', '[onprem]\nregion = a\n', 'warning', /write \[profile onprem\]/],
    ['a byte order mark', `\uFEFF${line('/x')}`, 'error', /without one/],
    ['a key twice', `${line('/x')}credential_process = /y\n`, 'error', /mend that line/],
    ['a broken file', '[profile a\n', 'error', /./],
    [
      'the profile that a role is assumed from',
      `[profile onprem]\nsource_profile = base\n[profile base]\ncredential_process = ~/rolesanywhere\n`,
      'error',
      /absolute path/,
    ],
    [
      'profiles in a circle',
      '[profile onprem]\nsource_profile = base\n[profile base]\nsource_profile = onprem\n',
      'warning',
      /add credential_process to \[profile base\]/,
    ],
    ['no profile', '', 'skipped', /^$/],
  ])('%s', async (_name, text, mark, advice) => {
    const env = { AWS_CONFIG_FILE: write('config', text) };
    const { checks } = await doctor({ offline: true, ...(text !== '' && { profile: 'onprem' }) }, env);
    const lines = checks.filter(({ what }) => what === 'credential_process');
    const worst = lines.find((one) => one.mark === mark);
    expect(lines.map((one) => one.mark)).toContain(mark);
    expect(`${worst?.advice.join(' ')}${mark === 'ok' ? worst?.found : ''}`).toMatch(advice);
  });

  it('--profile and AWS_PROFILE name one', async () => {
    const config = `${line(`"${node}" x credential-process`)}[profile bad]\ncredential_process = "\n`;
    const env = { AWS_CONFIG_FILE: write('config', config) };
    expect((await doctor({ offline: true }, env)).status).toBe(2);
    expect((await doctor({ offline: true, profile: 'onprem' }, env)).status).toBe(0);
    expect((await doctor({ offline: true }, { ...env, AWS_PROFILE: 'onprem' })).status).toBe(0);
    expect(lineOf(await doctor({ offline: true, profile: 'no' }, env), 'credential_process').mark).toBe(
      'warning',
    );
  });
});

describe('network', () => {
  it('a name that does not resolve, and a closed port', async () => {
    const name = await doctor({ endpoint: 'https://rolesanywhere.invalid' });
    expect(lineOf(name, 'DNS')).toMatchObject({ mark: 'error', code: 'ERR_NETWORK' });
    expect([name.status, marked(name, 'skipped')]).toEqual([4, expect.arrayContaining(['CreateSession'])]);
    const port = await doctor({ endpoint: 'http://127.0.0.1:9' });
    expect(lineOf(port, 'TCP')).toMatchObject({ mark: 'error', code: 'ERR_NETWORK' });
  });

  it('TLS with an unknown authority is reported; with the bundle it is trusted', async () => {
    const service = await startFakeService([status(403), status(403)], { tls: true });
    const unknown = await doctor({ endpoint: service.endpoint });
    expect(lineOf(unknown, 'TLS')).toMatchObject({ mark: 'error', code: 'ERR_TLS' });
    expect(lineOf(unknown, 'TLS').advice.join(' ')).toContain('CN=tls-root');
    const known = await doctor({ endpoint: service.endpoint, 'ca-bundle': CA_BUNDLE });
    expect(lineOf(known, 'TLS')).toMatchObject({ mark: 'ok', found: expect.stringContaining('CN=tls-root') });
  });

  it('an intercepting proxy is named by its issuer, also if it is trusted', async () => {
    const long = { notBefore: '2024-01-01T00:00:00Z', notAfter: '2124-01-01T00:00:00Z' };
    const root = makeCertificate({
      ...long,
      commonName: 'Corp Inspection',
      keyType: 'P-256',
      isAuthority: true,
    });
    const commonName = 'rolesanywhere.us-east-1.amazonaws.com';
    const leaf = makeCertificate({ ...long, commonName, keyType: 'P-256', issuer: root });
    const key = leaf.key.export({ type: 'pkcs8', format: 'pem' }).toString();
    const service = await startFakeService([status(403), status(403)], { tls: { cert: leaf.pem, key } });
    const proxy = await startProxy(service, 'secret');
    const env = { HTTPS_PROXY: `http://user:secret@127.0.0.1:${proxy.port}` };
    const changes = { endpoint: undefined, 'ca-bundle': write('corp.pem', root.pem) };
    const report = await doctor(changes, env);
    expect(lineOf(report, 'proxy')).toMatchObject({
      mark: 'ok',
      found: `127.0.0.1:${proxy.port}, from HTTPS_PROXY`,
    });
    expect(lineOf(report, 'TLS')).toMatchObject({ mark: 'warning' });
    expect(lineOf(report, 'TLS').found).toContain('CN=Corp Inspection');
    const unknown = await doctor({ endpoint: undefined }, env);
    expect(lineOf(unknown, 'TLS')).toMatchObject({ mark: 'error', code: 'ERR_TLS' });
    expect(lineOf(unknown, 'TLS').advice.join(' ')).toContain('CN=Corp Inspection');
    const wrong = await doctor({ endpoint: undefined }, { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` });
    expect(lineOf(wrong, 'proxy')).toMatchObject({ mark: 'error', code: 'ERR_PROXY' });
  });

  it('a server that is not the service', async () => {
    const { endpoint } = await startFakeService([status(200, 'hello'), status(200, '<html>')]);
    const report = await doctor({ endpoint });
    expect(lineOf(report, `response of ${new URL(endpoint).host}`).mark).toBe('warning');
    expect(lineOf(report, 'CreateSession')).toMatchObject({ mark: 'error', code: 'ERR_RESPONSE_INVALID' });
  });
});

describe('bad input', () => {
  it.each([
    [['--offlin'], /unknown flag --offlin, did you mean "offline"/, 2],
    [['--region=x y'], /--region must be/, 2],
    [['--config=/no/such.json'], /config file \/no\/such.json cannot be read/, 3],
    [['file.pem'], /./, 2],
  ])('%j: one line on stderr, nothing on stdout', async (args, message, exit) => {
    const outcome = await runMain(['doctor', ...args]);
    expect(outcome.stdout).toBe('');
    expect(outcome.stderr.split('\n')[0]).toMatch(message);
    expect(outcome.status).toBe(exit);
  });

  it('no options at all are an error of the options', async () => {
    const outcome = await runMain(['doctor', '--json']);
    expect(outcome.status).toBe(2);
    expect(JSON.parse(outcome.stdout).checks[0]).toMatchObject({
      what: 'options',
      code: 'ERR_OPTION_MISSING',
    });
  });
});

describe('text', () => {
  it('has ✓, ! and ✗, and advice below', async () => {
    const args = flags({ offline: true, certificate: path('bad-expired.pem'), 'private-key': at('missing') });
    const { stdout } = await runMain(['doctor', ...args]);
    expect(stdout).toMatch(/^ {2}✓ certificate file: /m);
    expect(stdout).toMatch(/^ {2}✗ dates: .*\n {4}→ renew the certificate/m);
    expect(stdout).toMatch(/\d errors, \d warnings?\n$/);
  });

  it.each([
    ['on a terminal', true, {}, true],
    ['in a pipe', false, {}, false],
    ['with NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['on a dumb terminal', true, { TERM: 'dumb' }, false],
  ])('is coloured %s: %s', async (_name, isTTY, env, isColoured) => {
    const { io, written } = fakeIo(['doctor', ...flags({ offline: true })], { env });
    await main({ ...io, stdout: { ...io.stdout, isTTY } });
    expect(written.stdout.includes('\u001b[32m✓')).toBe(isColoured);
    expect(written.stdout.includes('\u001b')).toBe(isColoured);
  });

  it('shows no control characters of a certificate', async () => {
    const commonName = 'evil\u001b[31m\u202eCN';
    const { pem, key } = makeCertificate({ commonName, keyType: 'P-256', keyUsage: 1 });
    const args = flags({
      offline: true,
      certificate: write('evil.pem', pem),
      'private-key': write('evil.key', key.export({ type: 'pkcs8', format: 'pem' }).toString()),
    });
    const { stdout } = await runMain(['doctor', ...args]);
    expect(stdout).toContain('✓ test signature');
    expect(['\u001b', '\u202e'].filter((character) => stdout.includes(character))).toEqual([]);
  });
});
