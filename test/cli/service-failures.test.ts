import { describe, expect, it } from 'vitest';
import type { Answer } from '../fake-service.js';
import {
  CREDENTIALS,
  cutShort,
  neverEnds,
  refusal,
  startFakeService,
  status,
  staysSilent,
  lastingSuccess as success,
} from '../fake-service.js';
import { credentialProcess, report, runMain, runProgram } from '../program.js';

const ID = '(request id 11111111-2222-3333-4444-555555555555)';
const NETWORK = 'check region, endpoint and network, and HTTPS_PROXY if outbound requests need a proxy';
const TLS =
  'the certificate was issued by "CN=tls-root": if that is a CA of your company, name its PEM file in ' +
  'AWS_CA_BUNDLE';
const BUSY = 'the service takes 10 sessions a second of an account and region: start fewer programs at once';
const FAILED = 'this is a failure of the service: try again later';
const DENIED = 'ERR_SERVICE_DENIED';
const NOT_THE_SERVICE =
  'check the endpoint: a proxy or another server may have answered instead of IAM Roles Anywhere';
const NO_CREDENTIALS = 'the service answered without credentials in the form of CreateSession';

type Row = [
  name: string,
  answer: Answer,
  count: number,
  message: string,
  code: string,
  hint?: string | undefined,
];

function denied(message: string, hint?: string): Row {
  const said = `the service answered 403 AccessDeniedException: ${message} ${ID}`;
  return [message, refusal(403, 'AccessDeniedException', message), 1, said, DENIED, hint];
}

const ROWS: readonly Row[] = [
  denied(
    'Untrusted signing certificate',
    'the trust anchor must hold the CA that issued the certificate; give the CAs between the two as ' +
      'intermediates',
  ),
  denied(
    'Untrusted certificate. Insufficient certificate',
    'the certificate must have keyUsage digitalSignature, must not be a CA, and its signature and ' +
      'critical extensions must be of kinds that the service knows',
  ),
  denied(
    'Invalid signature',
    'a proxy that alters requests or a wrong clock causes this; the debug log shows what was signed',
  ),
  denied(
    'Unable to assume role for arn:aws:iam::123456789012:role/Demo',
    'the role must be listed in the profile, and its trust policy must allow ' +
      'rolesanywhere.amazonaws.com sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity under ' +
      'conditions that the certificate meets',
  ),
  denied(
    'Unable to assume role for x. The requested DurationSeconds exceeds the MaxSessionDuration set ' +
      'for this role.',
    'ask for a shorter session duration, or raise the MaxSessionDuration of the role',
  ),
  denied(
    'Not authorized to set roleSessionName.',
    'leave out the role session name, or set acceptRoleSessionName on the profile',
  ),
  denied('Something new'),
  [
    '404',
    refusal(404, 'ResourceNotFoundException', 'no such profile'),
    1,
    `the service answered 404 ResourceNotFoundException: no such profile ${ID}`,
    DENIED,
    'check that trust anchor and profile exist in this account and region, and are enabled',
  ],
  [
    '400',
    refusal(400, 'ValidationException', 'bad ARN'),
    1,
    `the service answered 400 ValidationException: bad ARN ${ID}`,
    DENIED,
  ],
  [
    '429',
    refusal(429, 'TooManyRequestsException', 'Rate exceeded'),
    3,
    `the service answered 429 TooManyRequestsException: Rate exceeded ${ID}`,
    'ERR_SERVICE_THROTTLED',
    BUSY,
  ],
  ['500', status(500, 'oops'), 3, 'the service answered 500', 'ERR_SERVICE_FAILED', FAILED],
  ['503', status(503), 3, 'the service answered 503', 'ERR_SERVICE_FAILED', FAILED],
  [
    'a refusal that would draw on the terminal',
    refusal(403, 'AccessDeniedException', '\u001b[2J\r\nrolesanywhere: all is well'),
    1,
    `the service answered 403 AccessDeniedException: [2J rolesanywhere: all is well ${ID}`,
    DENIED,
  ],
  [
    'an answer that is not JSON',
    status(200, '<html>captive portal</html>'),
    1,
    'the service answered 200 with a body that is not JSON',
    'ERR_RESPONSE_INVALID',
    NOT_THE_SERVICE,
  ],
  [
    '201 without credentials',
    status(201, '{"credentialSet":[]}'),
    1,
    NO_CREDENTIALS,
    'ERR_RESPONSE_INVALID',
    NOT_THE_SERVICE,
  ],
  [
    '201 with an expiration that is none',
    status(201, JSON.stringify({ credentialSet: [{ credentials: { ...CREDENTIALS, expiration: 'soon' } }] })),
    1,
    NO_CREDENTIALS,
    'ERR_RESPONSE_INVALID',
    NOT_THE_SERVICE,
  ],
  [
    'a redirect',
    status(307, '', { location: 'http://127.0.0.1:1/' }),
    1,
    'the service answered with status 307; redirects are not followed',
    'ERR_RESPONSE_INVALID',
    NOT_THE_SERVICE,
  ],
];

describe('a failure of the service: nothing on stdout, status 5', () => {
  it.each(ROWS)('%s', async (_name, answer, count, message, code, hint) => {
    const { endpoint, requests } = await startFakeService([answer, answer, answer]);
    expect(await runMain(credentialProcess({ endpoint }))).toEqual({
      status: 5,
      stdout: '',
      stderr: report(message, code, hint),
    });
    expect(requests).toHaveLength(count);
  });

  it('and the program as it is built', async () => {
    const [, answer = status(500), , message = '', code = '', hint] = ROWS[0] ?? [];
    const { endpoint } = await startFakeService([answer]);
    const stderr = report(message, code, hint);
    expect(await runProgram(credentialProcess({ endpoint }))).toEqual({ status: 5, stdout: '', stderr });
  });

  it('a response of more than 1 MiB', async () => {
    const { endpoint } = await startFakeService([status(201, ' '.repeat(1024 * 1024 + 1))]);
    expect(await runMain(credentialProcess({ endpoint }))).toEqual({
      status: 5,
      stdout: '',
      stderr: report(`${endpoint} answered with more than 1 MiB`, 'ERR_RESPONSE_INVALID', NOT_THE_SERVICE),
    });
  });

  it('a wrong clock', async () => {
    const date = new Date(Date.now() - 3_600_000).toUTCString();
    const answer = refusal(403, 'AccessDeniedException', 'Invalid signature', { date });
    const { endpoint } = await startFakeService([answer]);
    const outcome = await runMain(credentialProcess({ endpoint }));
    expect(outcome).toMatchObject({ status: 5, stdout: '' });
    expect(outcome.stderr).toMatch(
      /; this machine's clock is 6\d minutes ahead of the service's, and AWS allows 5/,
    );
    expect(outcome.stderr).toMatch(/ \(ERR_SERVICE_DENIED\)\nhint: set the clock of this machine \(NTP\)\n$/);
  });
});

describe('a failure of the network: nothing on stdout, status 4', () => {
  it('an endpoint that does not listen', async () => {
    expect(await runMain(credentialProcess({ endpoint: 'http://127.0.0.1:1' }))).toEqual({
      status: 4,
      stdout: '',
      stderr: report(
        'no response from http://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1',
        'ERR_NETWORK',
        NETWORK,
      ),
    });
  });

  it('a SOCKS5 proxy that does not listen, without the experimental warning of Node', async () => {
    const args = credentialProcess({ endpoint: 'https://rolesanywhere.test' });
    const {
      status: exitStatus,
      stdout,
      stderr,
    } = await runProgram(args, {
      env: { HTTPS_PROXY: 'socks5://127.0.0.1:1' },
    });
    expect({ exitStatus, stdout }).toEqual({ exitStatus: 4, stdout: '' });
    expect(stderr).toMatch(/^rolesanywhere: [^\n]+ \(ERR_[A-Z]+\)\nhint: [^\n]+\n$/);
  });

  it('an untrusted TLS certificate, nothing sent', async () => {
    const { endpoint, requests } = await startFakeService([], { tls: true });
    expect(await runMain(credentialProcess({ endpoint }))).toEqual({
      status: 4,
      stdout: '',
      stderr: report(
        `no trusted TLS connection to ${endpoint}: unable to verify the first certificate`,
        'ERR_TLS',
        TLS,
      ),
    });
    expect(requests).toHaveLength(0);
  });

  it('a connection cut in the middle of each response', async () => {
    const { endpoint, requests } = await startFakeService([cutShort, cutShort, cutShort]);
    const outcome = await runMain(credentialProcess({ endpoint }));
    expect(outcome).toMatchObject({ status: 4, stdout: '' });
    expect(outcome.stderr).toMatch(
      new RegExp(
        `^rolesanywhere: no response from ${endpoint}: \\S.* \\(ERR_NETWORK\\)\nhint: ${NETWORK}\n$`,
      ),
    );
    expect(requests).toHaveLength(3);
  });

  it.each([
    ['says nothing', staysSilent],
    ['never ends', neverEnds],
  ])('a response that %s', async (_name, answer) => {
    const { endpoint, requests } = await startFakeService([answer]);
    expect(await runMain(credentialProcess({ endpoint, 'timeout-ms': '500' }))).toEqual({
      status: 4,
      stdout: '',
      stderr: report(`no response from ${endpoint} within 500 ms`, 'ERR_TIMEOUT', NETWORK),
    });
    expect(requests).toHaveLength(1);
  });
});

describe('a failure before the first request ends the program at once, with any time limit', () => {
  const endpoint = 'https://127.0.0.1:1';
  it.each<[string, string[], Record<string, string>, number, string]>([
    [
      'a CA bundle that is missing',
      credentialProcess({ endpoint, 'ca-bundle': '/no/ca.pem', 'timeout-ms': '600000' }),
      {},
      3,
      report('CA bundle /no/ca.pem cannot be read: there is no such file', 'ERR_FILE_UNREADABLE'),
    ],
    [
      'a proxy that is none',
      credentialProcess({ endpoint: 'https://rolesanywhere.test', 'timeout-ms': '600000' }),
      { HTTPS_PROXY: 'ftp://127.0.0.1:1' },
      2,
      report(
        'HTTPS_PROXY must be an http://, https:// or socks5:// URL',
        'ERR_OPTION_INVALID',
        'in its user name and password, write special characters percent-encoded: % as %25, @ as %40',
      ),
    ],
  ])('%s', async (_name, args, env, exitStatus, stderr) => {
    expect(await runProgram(args, { env })).toEqual({ status: exitStatus, stdout: '', stderr });
  });
});

it('a closed output is reported like every other failure', async () => {
  const { endpoint } = await startFakeService([success]);
  const { status: exitStatus, stderr } = await runProgram(credentialProcess({ endpoint }), {
    closesStdout: true,
  });
  expect(exitStatus).toBeGreaterThan(0);
  // One line, and no stack trace of Node.
  expect(stderr).toMatch(/^rolesanywhere: .+ \(ERR_[A-Z_]+\)\n(hint: .+\n)?$/);
});
