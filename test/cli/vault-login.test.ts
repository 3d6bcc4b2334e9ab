/**
 * `vault-login`, with a stand-in for Vault that does what its AWS auth method does: checks the headers, sends
 * the request to STS (the emulator's) and checks the response. `npm run test:vault` uses the real one.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders, Server } from 'node:http';
import { createServer, request } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator.js';
import { createAuthority, startEmulator } from '../../src/emulator.js';
import { CA_BUNDLE } from '../fake-service.js';
import { text } from '../fixtures.js';
import type { RunOptions } from '../program.js';
import { runMain } from '../program.js';

const SERVER_ID = 'vault.example.com';
const TOKEN = 'hvs.EXAMPLE-TOKEN';

let emulator: Emulator;
let folder: string;
let flags: readonly string[];
let vault: Server;
let vaultOverTls: Server;
/** The requests that the stand-in received. */
const seen: Array<{ path: string; headers: IncomingHttpHeaders }> = [];

const addressOf = (server: Server, scheme = 'http') =>
  `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function read(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Sends the request as Vault does: to its own STS, with a slash too many, under the signed Host. */
function forward(body: string, lists: Record<string, string[]>): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(emulator.endpoint);
    const headers = Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.join()]));
    const outgoing = request({ method: 'POST', hostname, port, path: '//', headers, setHost: false });
    outgoing.once('response', (response) => resolve(read(response)));
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

const ALLOWED = ['x-amz-date', 'x-amz-security-token', 'x-vault-aws-iam-server-id'];

/** @returns the reason of a refusal; undefined if the login is good */
async function judge(login: Record<string, string>, expectsId: boolean): Promise<string | undefined> {
  const decode = (name: string) => Buffer.from(login[`iam_request_${name}`] ?? '', 'base64').toString();
  const headers: Record<string, string[]> = JSON.parse(decode('headers'));
  const foreign = Object.keys(headers).find((name) => name.startsWith('x-') && !ALLOWED.includes(name));
  if (foreign !== undefined) return `invalid request header: ${foreign}`;
  if (login['iam_http_request_method'] !== 'POST') return 'method';
  if (new URL(decode('url')).pathname !== '/') return 'url';
  if (decode('body') !== 'Action=GetCallerIdentity&Version=2011-06-15') return 'body';
  if (expectsId) {
    const [id] = headers['x-vault-aws-iam-server-id'] ?? [];
    if (id === undefined) return 'missing header "X-Vault-AWS-IAM-Server-ID"';
    if (id !== SERVER_ID) return `error validating X-Vault-AWS-IAM-Server-ID header: found ${id}`;
    if (!/SignedHeaders=[^,]*x-vault-aws-iam-server-id/.test(String(headers['authorization']))) {
      return "header wasn't signed";
    }
  }
  const answer = await forward(decode('body'), headers);
  const arn = /<Arn>(.*)<\/Arn>/.exec(answer)?.[1];
  if (arn === undefined) return `error making upstream request: received error code from STS: ${answer}`;
  return arn.includes(':assumed-role/Demo/')
    ? undefined
    : `IAM Principal "${arn}" does not belong to the role`;
}

async function answerAsVault(path: string, headers: IncomingHttpHeaders, body: string) {
  seen.push({ path, headers });
  if (path === '/v1/auth/broken/login') return { status: 200, body: '<html>' };
  if (path === '/v1/auth/standby/login') return { status: 307, body: '' };
  if (path === '/v1/auth/sealed/login') return { status: 503, body: '{"errors":["Vault is sealed"]}' };
  if (!['/v1/auth/aws/login', '/v1/auth/team/aws/login'].includes(path)) {
    return { status: 404, body: '{"errors":["no handler for route"]}' };
  }
  const problem = await judge(JSON.parse(body), path.includes('team'));
  return problem === undefined
    ? { status: 200, body: JSON.stringify({ auth: { client_token: TOKEN } }) }
    : { status: 400, body: JSON.stringify({ errors: [problem] }) };
}

const listenTo = (server: Server) => {
  server.on('request', async (incoming, response) => {
    const { status, body } = await answerAsVault(incoming.url ?? '', incoming.headers, await read(incoming));
    response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(body);
  });
  return new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
};

beforeAll(async () => {
  const authority = await createAuthority();
  const host = await authority.issue({ commonName: 'host-1' });
  const allowHosts = ['sts.amazonaws.com', 'sts.us-east-1.amazonaws.com'];
  emulator = await startEmulator({ certificateAuthority: authority.certificate, allowHosts });
  folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-vault-'));
  const write = (name: string, content: string) => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  flags = [
    ...['--certificate', write('host.pem', host.certificate)],
    ...['--private-key', write('host.key', host.privateKey)],
    ...['--trust-anchor-arn', emulator.trustAnchorArn, '--profile-arn', emulator.profileArn],
    ...['--role-arn', emulator.roleArn],
  ];
  vault = createServer();
  vaultOverTls = createTlsServer({ cert: text('tls-localhost.pem'), key: text('tls-localhost.key.pem') });
  await Promise.all([listenTo(vault), listenTo(vaultOverTls)]);
});

afterAll(async () => {
  vault.close();
  vaultOverTls.close();
  await emulator.close();
  rmSync(folder, { recursive: true });
});

function run(args: readonly string[], env: RunOptions['env'] = {}) {
  return runMain(['vault-login', ...flags, ...args], {
    env: { AWS_ENDPOINT_URL: emulator.endpoint, ...env },
  });
}

const urlOf = async (args: readonly string[], env: RunOptions['env'] = {}) => {
  const { stdout, stderr } = await run(args, env);
  if (stderr !== '') return stderr;
  const data = JSON.parse(stdout);
  const decode = (name: string) => Buffer.from(data[name], 'base64').toString();
  const { authorization, host } = JSON.parse(decode('iam_request_headers'));
  return [decode('iam_request_url'), host[0], /Credential=\w+\/\d+\/([^/]+)/.exec(authorization[0])?.[1]];
};

describe('login data', () => {
  it('log in, sent as `vault write auth/aws/login` sends them', async () => {
    const { stdout, stderr, status } = await run(['--role', 'demo']);
    expect([stderr, status]).toEqual(['', 0]);
    const data = JSON.parse(stdout);
    expect(Object.keys(data)).toEqual([
      'role',
      'iam_http_request_method',
      'iam_request_url',
      'iam_request_body',
      'iam_request_headers',
    ]);
    expect(data.role).toBe('demo');
    expect(await judge(data, false)).toBeUndefined();
  });

  it('are signed for the global STS, or for the STS in the configuration of Vault', async () => {
    const global = ['https://sts.amazonaws.com/', 'sts.amazonaws.com', 'us-east-1'];
    expect(await urlOf([])).toEqual(global);
    expect(await urlOf(['--sts-region', 'us-east-1'])).toEqual(global);
    // The STS endpoint of this machine is not that of Vault.
    expect(await urlOf([], { AWS_ENDPOINT_URL_STS: emulator.endpoint })).toEqual(global);
    const regional = ['https://sts.eu-west-1.amazonaws.com/', 'sts.eu-west-1.amazonaws.com', 'eu-west-1'];
    expect(await urlOf(['--sts-region', 'eu-west-1'])).toEqual(regional);
    expect(await urlOf(['--sts-endpoint', 'https://sts.eu-west-1.amazonaws.com'])).toEqual(regional);
    const { host } = new URL(emulator.endpoint);
    const own = [`${emulator.endpoint}/`, host, 'eu-west-1'];
    expect(await urlOf(['--sts-region=eu-west-1', `--sts-endpoint=${emulator.endpoint}`])).toEqual(own);
    const env = { ROLESANYWHERE_STS_ENDPOINT: emulator.endpoint, ROLESANYWHERE_STS_REGION: 'eu-west-1' };
    expect(await urlOf([], env)).toEqual(own);
  });
});

describe('a login', () => {
  it('prints the token', async () => {
    const outcome = await run(['--role', 'demo', '--address', `${addressOf(vault)}/`]);
    expect(outcome).toEqual({ status: 0, stdout: `${TOKEN}\n`, stderr: '' });
  });

  it('takes address, namespace and authorities from the variables of Vault', async () => {
    const env = {
      ...{ VAULT_ADDR: addressOf(vaultOverTls, 'https'), VAULT_CACERT: CA_BUNDLE },
      VAULT_NAMESPACE: 'team/',
    };
    const outcome = await run(['--login', '--debug'], env);
    expect([outcome.status, outcome.stdout]).toEqual([0, `${TOKEN}\n`]);
    expect(outcome.stderr).not.toContain(TOKEN);
    expect(seen.at(-1)?.headers).toMatchObject({ 'x-vault-namespace': 'team/', 'x-vault-request': 'true' });
    // The address alone does not log in: `vault write` reads it too.
    expect((await run([], env)).stdout).toContain('iam_request_headers');
  });

  it('at another path, with a server id', async () => {
    const args = ['--mount=team/aws/', '--server-id-header-value', SERVER_ID, '--address', addressOf(vault)];
    expect(await run(args)).toEqual({ status: 0, stdout: `${TOKEN}\n`, stderr: '' });
  });
});

describe('mistakes', () => {
  const there = () => ['--address', addressOf(vault)];
  const rows: ReadonlyArray<
    [name: string, args: () => readonly string[], message: RegExp, status: number, env?: RunOptions['env']]
  > = [
    ['an unknown flag', () => ['--adress', 'x'], /unknown flag --adress, did you mean "address"/, 2],
    ['an argument', () => ['demo'], /unexpected argument "demo"/, 2],
    ['no address', () => ['--login'], /--login needs --address or VAULT_ADDR/, 2],
    ['http elsewhere', () => ['--address', 'http://192.0.2.1:8200'], /--address must use https/, 2],
    [
      'no URL',
      () => ['--login'],
      /VAULT_ADDR must be an https:\/\/ URL, found "vault"/,
      2,
      { VAULT_ADDR: 'vault' },
    ],
    ['a wrong region', () => ['--sts-region', 'moon'], /--sts-region must be a region/, 2],
    [
      'two regions',
      () => ['--sts-region=eu-west-1', '--sts-endpoint=https://sts.us-east-2.amazonaws.com'],
      /exclude each other/,
      2,
    ],
    ['a mount outside', () => ['--mount', '../sys'], /--mount must be a path/, 2],
    ['a header of two lines', () => ['--server-id-header-value', 'a\nb'], /must be printable ASCII/, 2],
    ['no file', () => [...there(), '--vault-ca-cert', '/nonexistent'], /\/nonexistent cannot be read/, 3],
    [
      'an unreachable server',
      () => ['--address', 'http://127.0.0.1:1'],
      /127\.0\.0\.1:1.*\nhint: check --address .*that the Vault server runs/,
      4,
    ],
    ['an unknown authority', () => ['--address', addressOf(vaultOverTls, 'https')], /ERR_TLS/, 4],
    ['no mount', () => [...there(), '--mount', 'gone'], /404: no handler.*\nhint: .*auth\/gone\? --mount/, 5],
    [
      'no server id',
      () => [...there(), '--mount', 'team/aws'],
      /400: missing header.*\nhint: --server-id-header-value/,
      5,
    ],
    [
      'another region than Vault',
      () => [...there(), '--sts-region', 'eu-west-1'],
      /400: error making upstream request.*\nhint: .*--sts-endpoint and --sts-region must be/,
      5,
    ],
    ['a page', () => [...there(), '--mount', 'broken'], /answered 200 without a token/, 5],
    ['a standby', () => [...there(), '--mount', 'standby'], /answered 307 with a redirect/, 5],
    [
      'a sealed Vault',
      () => [...there(), '--mount', 'sealed', '--max-attempts=1'],
      /503: Vault is sealed/,
      5,
    ],
  ];

  it.each(rows)('%s', async (_name, args, message, status, env = {}) => {
    const outcome = await run(args(), env);
    expect(outcome.stderr).toMatch(message);
    expect([outcome.stdout, outcome.status]).toEqual(['', status]);
    expect(outcome.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2);
  });
});
