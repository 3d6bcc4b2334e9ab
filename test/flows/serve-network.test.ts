/**
 * `serve` at the addresses of EC2 and ECS, in network namespaces: one is a machine outside AWS, the other one
 * a container or another host on a link of it. Everything stays inside of them.
 */
import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Outcome } from './machine.js';
import { PROGRAM, ROOT, run, startMachine } from './machine.js';

const HOST = `ra-host-${process.pid}`;
const CONTAINER = `ra-cont-${process.pid}`;
const EMULATOR_PORT = 8080;

/** Only root may make namespaces, and not in every container. */
function hasNamespaces(): boolean {
  if (process.getuid?.() !== 0) return false;
  const isMade = spawnSync('ip', ['netns', 'add', HOST], { stdio: 'ignore' }).status === 0;
  if (isMade) spawnSync('ip', ['netns', 'del', HOST], { stdio: 'ignore' });
  return isMade;
}

const canRun = hasNamespaces();

function ip(command: string): void {
  execFileSync('ip', command.split(' '), { stdio: 'pipe' });
}

const host = (command: string): void => ip(`netns exec ${HOST} ${command}`);

let children: ChildProcess[] = [];
let folder: string;
let env: Record<string, string | undefined>;
let session: string[];

function launch(...args: string[]): { child: ChildProcess; printed: () => string } {
  const child = spawn('ip', ['netns', 'exec', HOST, process.execPath, PROGRAM, ...args], { env });
  children.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      text += chunk;
    });
  }
  return { child, printed: () => text };
}

async function until(launched: ReturnType<typeof launch>, pattern: RegExp): Promise<string> {
  for (let tries = 0; !pattern.test(launched.printed()); tries++) {
    if (tries > 1000 || launched.child.exitCode !== null) throw new Error(launched.printed());
    await sleep(20);
  }
  return launched.printed();
}

async function serve(...flags: string[]): Promise<string> {
  return until(launch('serve', ...session, ...flags), /^export AWS_[CE]/m);
}

/** Runs a client in a namespace, with nothing but the variables of STS and of these. */
function client(
  where: string,
  variables: Record<string, string>,
  command: string,
  args: readonly string[],
): Promise<Outcome> {
  return run({ env: { ...env, ...variables } }, 'ip', ['netns', 'exec', where, command, ...args], ROOT);
}

const GET_ARN = `
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
console.log((await new STSClient({}).send(new GetCallerIdentityCommand({}))).Arn);`;

const GET_KEY = `
import { STSClient } from '@aws-sdk/client-sts';
console.log((await new STSClient({}).config.credentials()).accessKeyId);`;

/** The AWS CLI gives IMDS one second by default, which a busy machine may need to start it. */
const PATIENT = { AWS_METADATA_SERVICE_TIMEOUT: '10', AWS_METADATA_SERVICE_NUM_ATTEMPTS: '3' };

/** The AWS CLI, then the SDK for JavaScript, which has no such variables: nothing else runs meanwhile. */
async function callers(where: string, variables: Record<string, string> = {}): Promise<Outcome[]> {
  const cli = ['sts', 'get-caller-identity', '--query', 'Arn', '--output', 'text'];
  return [
    await client(where, { ...PATIENT, ...variables }, 'aws', cli),
    await client(where, variables, process.execPath, ['--input-type=module', '--eval', GET_ARN]),
  ];
}

const ARN = /^arn:aws:sts::\d{12}:assumed-role\/Demo\//;

function curl(where: string, ...args: string[]): Promise<Outcome> {
  return client(where, {}, 'curl', ['-s', '--max-time', '5', '-w', ' %{http_code}', ...args]);
}

beforeEach(async () => {
  if (!canRun) return;
  ip(`netns add ${HOST}`);
  ip(`netns add ${CONTAINER}`);
  ip(`link add ra-link netns ${HOST} type veth peer name eth0 netns ${CONTAINER}`);
  host('ip link set lo up');
  host('ip addr add 172.30.0.1/24 dev ra-link');
  host('ip link set ra-link up');
  // A default route, so that the address of EC2 is reachable.
  host('ip route add default via 172.30.0.2');
  ip(`netns exec ${CONTAINER} ip addr add 172.30.0.2/24 dev eth0`);
  ip(`netns exec ${CONTAINER} ip link set eth0 up`);
  ip(`netns exec ${CONTAINER} ip route add default via 172.30.0.1`);
  const machine = await startMachine();
  folder = machine.folder;
  const {
    NODE_OPTIONS: _blocked,
    AWS_EC2_METADATA_DISABLED: _off,
    AWS_ENDPOINT_URL: _url,
    ...rest
  } = machine.env;
  env = {
    ...rest,
    AWS_CONFIG_FILE: join(folder, 'none'),
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${EMULATOR_PORT}`,
  };
  const emulator = launch('emulator', '--port', `${EMULATOR_PORT}`, '--ca', join(folder, 'ca.pem'));
  const arns = [
    ...(await until(emulator, /Then: /)).matchAll(/^(?:trust anchor|profile|role) +(arn:\S+)$/gm),
  ];
  const [anchor, profile, role] = arns.map(([, arn]) => `${arn}`);
  session = [
    ...['--certificate', machine.env['CERTIFICATE'], '--private-key', machine.env['PRIVATE_KEY']],
    ...['--trust-anchor-arn', anchor, '--profile-arn', profile, '--role-arn', role],
    ...['--endpoint', `http://127.0.0.1:${EMULATOR_PORT}`],
  ].map(String);
});

afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }
  children = [];
  if (!canRun) return;
  ip(`netns del ${HOST}`);
  ip(`netns del ${CONTAINER}`);
});

describe.runIf(canRun)('serve in a network namespace', () => {
  it('answers real clients behind a redirect of 169.254.169.254, and no other host', async () => {
    host('iptables -t nat -A OUTPUT -d 169.254.169.254 -p tcp --dport 80 -j REDIRECT --to-ports 9911');
    await serve();
    for (const { status, stdout, stderr } of await callers(HOST)) {
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(ARN);
    }
    // The same redirect for packets from the link leads to the address of the link, where nothing listens.
    host('iptables -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 9911');
    expect((await curl(CONTAINER, 'http://169.254.169.254/')).stdout).toBe(' 000');
  });

  it('serves IMDS on any address only to this machine, and other hosts with the token', async () => {
    host('iptables -t nat -A OUTPUT -d 169.254.169.254 -p tcp --dport 80 -j REDIRECT --to-ports 9911');
    host('iptables -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 9911');
    const tokenFile = join(folder, 'token');
    await serve('--bind', '0.0.0.0', '--token-file', tokenFile, '--imds');
    const header = ['-X', 'PUT', '-H', 'X-aws-ec2-metadata-token-ttl-seconds: 60'];
    const token = 'http://169.254.169.254/latest/api/token';
    expect((await curl(HOST, ...header, token)).stdout).toMatch(/^[\w-]{43} 200$/);
    expect((await curl(CONTAINER, ...header, token)).stdout).toMatch(/ 403$/);
    // A host that the machine masquerades has the machine's address.
    host('iptables -t nat -A POSTROUTING -o lo -j MASQUERADE');
    expect((await curl(HOST, ...header, 'http://172.30.0.1:9911/latest/api/token')).stdout).toMatch(/ 403$/);
    const authorization = ['-H', `Authorization: ${readFileSync(tokenFile, 'utf8')}`];
    const credentials = await curl(CONTAINER, ...authorization, 'http://172.30.0.1:9911/credentials');
    expect(credentials.stdout).toMatch(/"AccessKeyId".* 200$/);
    expect((await curl(CONTAINER, 'http://172.30.0.1:9911/healthz')).stdout).toBe('{"status":"ok"} 200');
    expect((await curl(CONTAINER, 'http://172.30.0.1:9911/metrics')).stdout).toMatch(/ 403$/);
  });

  it('serves IMDS without a token on 169.254.169.254 of the loopback interface', async () => {
    host('ip addr add 169.254.169.254/32 dev lo');
    const printed = await serve('--bind', '169.254.169.254', '--port', '80');
    expect(printed).toContain('export AWS_EC2_METADATA_SERVICE_ENDPOINT=http://169.254.169.254:80/\n');
    expect(printed).not.toContain('off-loopback');
    for (const { status, stdout } of await callers(HOST)) {
      expect(status).toBe(0);
      expect(stdout).toMatch(ARN);
    }
  });

  it('gives containers credentials at 169.254.170.2 of their bridge, with the token', async () => {
    host('ip addr add 169.254.170.2/32 dev ra-link');
    const tokenFile = join(folder, 'token');
    const printed = await serve('--bind', '169.254.170.2', '--port', '80', '--token-file', tokenFile);
    expect(printed).toContain(
      'export AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.2:80/credentials\n',
    );
    expect(printed).not.toContain('AWS_EC2_METADATA_SERVICE_ENDPOINT');
    const variables = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.2/credentials',
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile,
    };
    const python = 'import boto3; print(boto3.Session().get_credentials().access_key)';
    const outcomes = await Promise.all([
      client(CONTAINER, variables, 'python3', ['-c', python]),
      client(CONTAINER, variables, process.execPath, ['--input-type=module', '--eval', GET_KEY]),
    ]);
    for (const { status, stdout, stderr } of outcomes) {
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(/^ASIA/);
    }
    expect((await curl(CONTAINER, 'http://169.254.170.2/credentials')).stdout).toMatch(/ 401$/);
    expect((await curl(CONTAINER, 'http://169.254.170.2/latest/meta-data/')).stdout).toMatch(/ 404$/);
  });
});
