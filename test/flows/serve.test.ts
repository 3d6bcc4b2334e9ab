/** Runs `serve` as its users do: the built program, asked by the AWS CLI, boto3, the JS SDK and curl. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { runMain } from '../program.js';
import type { Machine } from './machine.js';
import { PROGRAM, ROOT, run, startMachine } from './machine.js';

let machine: Machine;
beforeEach(async () => {
  machine = await startMachine();
});

interface Serving {
  readonly child: ChildProcess;
  /** The output so far. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** The variables of the export lines on stdout. */
  readonly exported: () => Record<string, string>;
}

function sessionFlags({ env }: Machine): string[] {
  return [
    ...['--certificate', env['CERTIFICATE'], '--private-key', env['PRIVATE_KEY']],
    ...['--trust-anchor-arn', env['TRUST_ANCHOR_ARN'], '--profile-arn', env['PROFILE_ARN']],
    ...['--role-arn', env['ROLE_ARN'], '--endpoint', env['AWS_ENDPOINT_URL']],
  ].map(String);
}

function serve(...flags: string[]): Serving {
  const port = flags.some((flag) => flag.startsWith('--port')) ? [] : ['--port', '0'];
  return launch([...sessionFlags(machine), ...port, ...flags]);
}

function launch(flags: readonly string[]): Serving {
  const args = [PROGRAM, 'serve', ...flags];
  const child = spawn(process.execPath, args, { env: { ...machine.env } });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'close');
  });
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    texts.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    texts.stderr += chunk;
  });
  const exported = () =>
    Object.fromEntries(
      [...texts.stdout.matchAll(/^export (AWS_[CE]\w+)='?(.*?)'?$/gm)].map(([, name = '', value = '']) => [
        name,
        value,
      ]),
    );
  return { child, stdout: () => texts.stdout, stderr: () => texts.stderr, exported };
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 1000) throw new Error(`did not happen in time: ${what()}`);
    await sleep(10);
  }
}

const serving = (...flags: string[]): Promise<Serving> => launched(serve(...flags));

async function launched(started: Serving): Promise<Serving> {
  await until(() => started.stdout() !== '' || started.child.exitCode !== null, started.stderr);
  expect(started.child.exitCode, started.stderr()).toBe(null);
  return started;
}

async function stop({ child }: Serving): Promise<number | null> {
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  const [status] = await closed;
  return status;
}

/**
 * Gets the caller identity with the AWS CLI and the SDK, which have only these variables to find credentials.
 */
function clients(variables: Record<string, string>) {
  const { AWS_CONFIG_FILE: _config, AWS_EC2_METADATA_DISABLED: _off, ...rest } = machine.env;
  const region = { AWS_DEFAULT_REGION: rest['AWS_REGION'] };
  const env = { ...rest, ...region, ...variables, AWS_CONFIG_FILE: join(machine.folder, 'none') };
  const script = `
    import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
    const { Arn } = await new STSClient({}).send(new GetCallerIdentityCommand({}));
    console.log(Arn);`;
  return Promise.all([
    run({ env }, 'aws', ['sts', 'get-caller-identity', '--query', 'Arn', '--output', 'text']),
    run({ env }, process.execPath, ['--input-type=module', '--eval', script]),
  ]);
}

const ARN = /^arn:aws:sts::123456789012:assumed-role\/Demo\/[0-9a-f]+\n$/;

describe('serve', () => {
  it('gives credentials to real clients, by IMDS and container endpoint, and stops on SIGTERM', async () => {
    const tokenFile = join(machine.folder, 'token');
    const started = await serving('--token-file', tokenFile, '--imds', '--debug');
    const { AWS_EC2_METADATA_SERVICE_ENDPOINT: imds = '', ...container } = started.exported();
    expect(Object.keys(container).sort()).toEqual([
      'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
      'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    ]);
    expect(statSync(tokenFile).mode & 0o777).toBe(0o600);

    for (const variables of [{ AWS_EC2_METADATA_SERVICE_ENDPOINT: imds }, container]) {
      for (const { status, stdout, stderr } of await clients(variables)) {
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        expect(stdout).toMatch(ARN);
      }
    }
    expect(machine.emulator.sessionCount).toBe(1);

    // Across a refresh: the session is another one, and clients go on.
    started.child.kill('SIGHUP');
    await until(() => machine.emulator.sessionCount === 2, started.stderr);
    await until(() => (started.stderr().match(/ info refreshed /g) ?? []).length === 2, started.stderr);
    for (const { stdout } of await clients(container)) expect(stdout).toMatch(ARN);

    const token = readFileSync(tokenFile, 'utf8');
    const url = container['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '';
    const served = await (await fetch(url, { headers: { authorization: token } })).json();
    const { SecretAccessKey, Token } = served as Record<string, string>;
    expect(await stop(started)).toBe(0);
    expect(started.stderr()).toMatch(/ info stopped\n$/);
    for (const secret of [token, SecretAccessKey, Token]) {
      expect(secret).toMatch(/.{40}/);
      expect(started.stdout() + started.stderr()).not.toContain(secret);
    }
  });

  it('prints paths in full and quoted, and warns of a token that every user can read', async () => {
    const tokenFile = join(machine.folder, "o'token");
    writeFileSync(tokenFile, 't'.repeat(43), { mode: 0o644 });
    const started = await serving('--token-file', relative(process.cwd(), tokenFile));
    expect(started.stdout()).toContain('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=');
    const variable = 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE';
    const { stdout } = await run({ env: machine.env }, 'sh', [
      '-c',
      `${started.stdout()}printf %s "$${variable}"`,
    ]);
    expect(stdout).toBe(tokenFile);
    expect(started.stderr()).toMatch(
      / warn file-mode path=\S+ mode=0644 message="every user of this machine/,
    );
    expect(await stop(started)).toBe(0);
  });

  it.runIf(existsSync('/dev/full'))('ends if it cannot print the variables for programs', async () => {
    const args = [PROGRAM, 'serve', ...sessionFlags(machine), '--port', '0'];
    const full = openSync('/dev/full', 'w');
    onTestFinished(() => closeSync(full));
    const child = spawn(process.execPath, args, { env: machine.env, stdio: ['ignore', full, 'ignore'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [status] = await once(child, 'close');
    expect(status).toBe(6);
  });

  it('does not start without credentials', async () => {
    await machine.emulator.close();
    const { child, stdout, stderr } = serve();
    const [status] = await once(child, 'close');
    expect(status).toBe(4);
    expect(stdout()).toBe('');
    expect(stderr()).toMatch(/\(ERR_NETWORK\)\nhint: .*\n$/);
  });

  it('starts without credentials with --wait, and answers 503 until it has some', async () => {
    const certificate = readFileSync(machine.env['CERTIFICATE'] ?? '');
    rmSync(machine.env['CERTIFICATE'] ?? '');
    const started = await serving('--wait', '--token-file', join(machine.folder, 'token'));
    await until(() => / error refresh-failed /.test(started.stderr()), started.stderr);
    expect(started.stderr()).toMatch(
      / code=ERR_FILE_UNREADABLE message="certificate .* there is no such file"/,
    );
    const url = started.exported()['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '';
    const ask = (path: string) =>
      fetch(new URL(path, url), {
        headers: { authorization: readFileSync(join(machine.folder, 'token'), 'utf8') },
      });
    expect((await ask('/credentials')).status).toBe(503);
    const health = await ask('/healthz');
    expect(health.status).toBe(503);
    expect(await health.json()).toEqual({
      status: 'unavailable',
      roles: [{ name: 'Demo', ready: false, error: 'ERR_FILE_UNREADABLE' }],
    });

    writeFileSync(machine.env['CERTIFICATE'] ?? '', certificate);
    started.child.kill('SIGHUP');
    await until(() => / info refreshed /.test(started.stderr()), started.stderr);
    expect((await ask('/credentials')).status).toBe(200);
    expect(await stop(started)).toBe(0);
  });

  it('returns the last good credentials during each fault, and new ones after it', async () => {
    const tokenFile = join(machine.folder, 'token');
    const started = await serving('--token-file', tokenFile, '--timeout-ms', '1500');
    const headers = { authorization: readFileSync(tokenFile, 'utf8') };
    const url = started.exported()['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '';
    const held = async () => {
      const answer = await fetch(url, { headers });
      return { status: answer.status, key: ((await answer.json()) as Record<string, string>)['AccessKeyId'] };
    };
    const count = (event: string) => started.stderr().split(` ${event} `).length;
    const faults = [
      ['error=500', 'ERR_SERVICE_FAILED'],
      ['error=503', 'ERR_SERVICE_FAILED'],
      ['error=403', 'ERR_SERVICE_DENIED'],
      ['error=429', 'ERR_SERVICE_THROTTLED'],
      ['latency=3000', 'ERR_TIMEOUT'],
      ['reset', 'ERR_NETWORK'],
      ['stall', 'ERR_TIMEOUT'],
      ['truncate', 'ERR_NETWORK'],
    ] as const;
    for (const [fault, code] of faults) {
      const before = await held();
      const [failures, refreshes] = [count('refresh-failed'), count('refreshed')];
      machine.emulator.faults.set([`${fault},operation=CreateSession`]);
      started.child.kill('SIGHUP');
      await until(() => count('refresh-failed') > failures, started.stderr);
      expect(started.stderr().trimEnd().split('\n').at(-1), fault).toContain(` code=${code} `);
      expect(await held(), fault).toEqual({ status: 200, key: before.key });
      machine.emulator.faults.clear();
      started.child.kill('SIGHUP');
      await until(() => count('refreshed') > refreshes, started.stderr);
      expect((await held()).key, fault).not.toBe(before.key);
    }
    expect(await stop(started)).toBe(0);
  });

  it('runs with the arguments of the example for Kubernetes, and answers its probe', async () => {
    const manifest = readFileSync(join(ROOT, 'examples', 'kubernetes-sidecar.yaml'), 'utf8');
    const { env, folder } = machine;
    const real: Record<string, string | undefined> = {
      '/etc/identity/tls.crt': env['CERTIFICATE'],
      '/etc/identity/tls.key': env['PRIVATE_KEY'],
      '/run/rolesanywhere/token': join(folder, 'token'),
      'arn:aws:rolesanywhere:us-east-1:111122223333:trust-anchor/TA_ID': env['TRUST_ANCHOR_ARN'],
      'arn:aws:rolesanywhere:us-east-1:111122223333:profile/PROFILE_ID': env['PROFILE_ARN'],
      'arn:aws:iam::111122223333:role/ROLE_NAME': env['ROLE_ARN'],
    };
    const flags = [...manifest.matchAll(/^ +- (--\S+?)(?:=(\S+))?$/gm)].map(([, flag, value]) =>
      value === undefined ? `${flag}` : `${flag}=${real[value] ?? value}`,
    );
    expect(flags).toHaveLength(8);
    const started = await launched(launch([...flags, `--endpoint=${env['AWS_ENDPOINT_URL']}`, '--port=0']));
    const url = started.exported()['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '';
    const probe = /"(fetch\(.*)"/.exec(manifest)?.[1]?.replace('9911', new URL(url).port) ?? '';
    expect(probe).toContain('/healthz');
    await until(() => /"refreshed"/.test(started.stderr()), started.stderr);
    expect(await run(machine, process.execPath, ['-e', probe])).toMatchObject({ status: 0 });
    expect(manifest).toContain(`value: "http://127.0.0.1:9911${new URL(url).pathname}"`);
    expect(await stop(started)).toBe(0);
  });

  it('serves on a Unix socket, without a token', async () => {
    const path = join(machine.folder, 'socket');
    const started = await serving('--socket', path, '--log-format', 'json');
    const { status, stdout } = await run(machine, 'sh', ['-c', started.stdout().replace('curl', 'curl -s')]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ AccessKeyId: expect.stringMatching(/^ASIA/) });
    expect(await stop(started)).toBe(0);
    const events = started
      .stderr()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).event);
    expect(events).toEqual(['listening', 'refreshed', 'stopped']);
  });

  it('serves other hosts only the container endpoint, with a warning', async () => {
    const started = await serving('--bind', '0.0.0.0', '--token-file', join(machine.folder, 'token'));
    expect(started.stderr()).toMatch(/ warn off-loopback bind=0\.0\.0\.0 /);
    expect(started.stderr()).toMatch(/ info listening .* imds=off credentials="every reader of /);
    const { AWS_CONTAINER_CREDENTIALS_FULL_URI: url = '', ...others } = started.exported();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/credentials$/);
    expect(Object.keys(others)).toEqual(['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE']);
    expect((await fetch(new URL('/latest/meta-data/', url))).status).toBe(404);
    expect(await stop(started)).toBe(0);
  });

  it('serves several roles on one port, from a config file', async () => {
    const { emulator, folder } = machine;
    const config = join(folder, 'serve.json');
    const tokenFile = join(folder, 'token');
    const roles = { backup: { 'session-duration': 900 }, 'a+b': { 'role-arn': emulator.roleArn } };
    writeFileSync(config, JSON.stringify({ 'token-file': tokenFile, roles }));
    const started = await serving('--config', config);
    expect(emulator.sessionCount).toBe(3);
    const ask = async (path: string): Promise<Record<string, string>> => {
      const authorization = readFileSync(tokenFile, 'utf8');
      const url = new URL(path, started.exported()['AWS_CONTAINER_CREDENTIALS_FULL_URI']);
      const answer = await fetch(url, { headers: { authorization } });
      return answer.status === 200
        ? ((await answer.json()) as Record<string, string>)
        : { status: `${answer.status}` };
    };
    const hourly = await ask('/credentials');
    const short = await ask('/role/backup');
    expect(Date.parse(hourly['Expiration'] ?? '') - Date.parse(short['Expiration'] ?? '')).toBeGreaterThan(
      2_600_000,
    );
    expect(await ask('/role/Demo')).toEqual(hourly);
    expect((await ask('/role/a+b'))['AccessKeyId']).not.toBe(hourly['AccessKeyId']);
    expect((await ask('/role/a%2Bb'))['AccessKeyId']).toBe((await ask('/role/a+b'))['AccessKeyId']);
    expect(await ask('/role/other')).toEqual({ status: '404' });
    expect(await stop(started)).toBe(0);
    expect(started.stderr()).toMatch(/ roles="Demo backup a\+b"/);
  });

  it.each([
    [['--bind', '0.0.0.0'], /--bind 0\.0\.0\.0 needs --token-file/],
    [['--bind', 'example.com'], /--bind must be an IP address/],
    [
      ['--bind', '10.0.0.1', '--token-file', 'x', '--hop-limit', '2'],
      /--hop-limit must be 64 off loopback, found 2/,
    ],
    [['--hop-limit', '0'], /--hop-limit must be a whole number from 1 to 255/],
    [['--hop-limit', '256'], /--hop-limit must be a whole number from 1 to 255/],
    [
      ['--roles', '{"backup":{"role":"x"}}'],
      /unknown option "role" in role "backup", which may have role-arn, /,
    ],
    [
      ['--roles', '{"backup":{"session-duration":1}}'],
      /"session-duration" in role "backup" must be a whole number/,
    ],
    [['--roles', '{"a/b":{}}'], /the name of a role must be 1 to 64 of/],
    [['--roles', '{"Demo":{}}'], /role "Demo" is the name of the first role already/],
    [['--roles', '{"backup":{}}'], /several roles need --token-file or --socket/],
    [['--roles', '[]'], /--roles must be a JSON object/],
    [['--roles', '{"backup":7}'], /role "backup" must be a JSON object of flags and values/],
    [['--bind', '127.0.0.1', '--socket', 'x'], /--bind and --socket exclude each other/],
    [['--socket', 'x', '--socket-mode', '0666'], /--socket-mode must be 0600 or 0660, found "0666"/],
    [['--socket-mode', '0660'], /--socket-mode needs --socket/],
    [['--token-header-file', 'x'], /--token-header-file needs --token-file/],
    [['--token-file', 'x', '--metrics-token-file', 'x'], /must be two files/],
    [['--allow-host', 'a:80'], /--allow-host must be a host name without a port/],
  ])('refuses %j', async (flags, message) => {
    const port = ['--port', '0'];
    const { status, stdout, stderr } = await runMain(['serve', ...sessionFlags(machine), ...port, ...flags]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(machine.emulator.sessionCount).toBe(0);
  });

  it('accepts any hop limit on loopback, where no packet leaves the machine', async () => {
    expect(await stop(await serving('--hop-limit', '1'))).toBe(0);
  });

  it('says that --port has no effect beside --socket', async () => {
    const started = await serving('--socket', join(machine.folder, 'beside'), '--port=9911');
    expect(started.stderr()).toMatch(/warn ignored flag=--port reason="--socket is given/);
    expect(await stop(started)).toBe(0);
  });

  it('names a port that is in use', async () => {
    const first = await serving();
    const port = new URL(first.exported()['AWS_EC2_METADATA_SERVICE_ENDPOINT'] ?? '').port;
    const tokenFile = join(machine.folder, 'token');
    const { child, stderr, stdout } = serve(`--port=${port}`, '--token-file', tokenFile);
    const [status] = await once(child, 'close');
    expect({ status, stdout: stdout() }).toEqual({ status: 6, stdout: '' });
    expect(stderr()).toContain(`cannot listen on 127.0.0.1 port ${port}: it is in use already (ERR_LISTEN)`);
    // It costs neither a token file nor a session.
    expect(existsSync(tokenFile)).toBe(false);
    expect(machine.emulator.sessionCount).toBe(1);
  });

  it('names an address that this machine does not have, and how to add it', async () => {
    const { child, stderr, stdout } = serve('--bind', '192.0.2.1');
    const [status] = await once(child, 'close');
    expect({ status, stdout: stdout() }).toEqual({ status: 6, stdout: '' });
    expect(stderr()).toContain('cannot listen on 192.0.2.1: this machine has no such address (ERR_LISTEN)');
    expect(stderr()).toContain('hint: to serve it on this machine alone: ip addr add 192.0.2.1/32 dev lo');
  });

  it('serves no IMDS with a token file, and logs refused requests', async () => {
    const tokenFile = join(machine.folder, 'token');
    const started = await serving('--token-file', tokenFile);
    expect(Object.keys(started.exported())).not.toContain('AWS_EC2_METADATA_SERVICE_ENDPOINT');
    expect(started.stdout()).toMatch(/^export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1\n/);
    const url = started.exported()['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '';
    const wrong = 'w'.repeat(43);
    const statuses = [];
    for (let count = 0; count < 20; count++) {
      statuses.push((await fetch(url, { headers: { authorization: wrong } })).status);
    }
    statuses.push((await fetch(url)).status);
    statuses.push((await fetch(new URL('/latest/api/token', url), { method: 'PUT' })).status);
    expect(new Set(statuses)).toEqual(new Set([401, 404]));
    await until(() => /imds-off/.test(started.stderr()), started.stderr);
    expect(started.stderr()).toMatch(/ info refused reason=authorization-wrong route=container\n/);
    expect(started.stderr()).toMatch(/ info refused reason=authorization-missing route=container\n/);
    expect(started.stderr().split('reason=authorization-wrong').length).toBeLessThan(6);
    expect(started.stderr()).not.toContain(wrong);
    expect(await stop(started)).toBe(0);
  });

  it.runIf(existsSync('/proc/self/cmdline'))(
    'shows its command in the process list, and no argument',
    async () => {
      const started = await serving();
      const title = readFileSync(`/proc/${started.child.pid}/cmdline`, 'utf8').replace(/\0+$/, '');
      expect(title).toBe('rolesanywhere serve');
      expect(await stop(started)).toBe(0);
    },
  );

  it('serves the metrics to clients with the metrics token', async () => {
    const files = { token: join(machine.folder, 'token'), metrics: join(machine.folder, 'metrics') };
    const started = await serving('--token-file', files.token, '--metrics-token-file', files.metrics);
    const url = started.exported()['AWS_CONTAINER_CREDENTIALS_FULL_URI'] ?? '';
    const token = readFileSync(files.metrics, 'utf8');
    expect(statSync(files.metrics).mode & 0o777).toBe(0o600);
    const ask = async (path: string, authorization: string) =>
      (await fetch(new URL(path, url), { headers: { authorization } })).status;
    expect(await ask('/metrics', `Bearer ${token}`)).toBe(200);
    expect(await ask('/metrics', readFileSync(files.token, 'utf8'))).toBe(401);
    expect(await ask('/credentials', token)).toBe(401);
    expect(await stop(started)).toBe(0);

    // One token for both would let monitoring read credentials.
    writeFileSync(files.token, token);
    const { child, stderr } = serve('--token-file', files.token, '--metrics-token-file', files.metrics);
    expect((await once(child, 'close'))[0]).toBe(2);
    expect(stderr()).toContain('hold the same token');
    expect(stderr()).not.toContain(token);
  });
});

describe('credential_process without starting Node', () => {
  /** Gets the caller identity with the AWS CLI and boto3, which have one line of ~/.aws/config. */
  function clientsOf(line: string) {
    const config = join(machine.folder, 'config-of-curl');
    writeFileSync(config, `[profile fast]\ncredential_process = ${line}\nregion = us-east-1\n`);
    const env = { ...machine.env, AWS_CONFIG_FILE: config, AWS_PROFILE: 'fast' };
    const script = `
import boto3
print(boto3.client("sts").get_caller_identity()["Arn"])`;
    return Promise.all([
      run({ env }, 'aws', ['sts', 'get-caller-identity', '--query', 'Arn', '--output', 'text']),
      run({ env }, 'python3', ['-c', script]),
    ]);
  }

  /** The line that `serve` prints as a comment. */
  const printedLine = (started: Serving): string =>
    /^# credential_process = (.*)$/m.exec(started.stdout())?.[1] ?? '';

  it('gives the AWS CLI and boto3 credentials over a Unix socket', async () => {
    const started = await serving('--socket', join(machine.folder, 'a socket'));
    const line = printedLine(started);
    expect(line).toBe(
      `curl -sf --unix-socket "${machine.folder}/a socket" http://localhost/credential-process`,
    );
    for (const { status, stdout, stderr } of await clientsOf(line)) {
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(ARN);
    }
    const one = await clientsOf(line.replace('/credential-process', '/role/Demo/credential-process'));
    expect(one.map(({ status }) => status)).toEqual([0, 0]);
    expect(machine.emulator.sessionCount).toBe(1);
    expect(await stop(started)).toBe(0);
  });

  it('gives them credentials over TCP, with the token in a file of headers', async () => {
    const [token, header] = [join(machine.folder, 'token'), join(machine.folder, 'header')];
    const started = await serving('--token-file', token, '--token-header-file', header);
    expect(readFileSync(header, 'utf8')).toBe(`Authorization: ${readFileSync(token, 'utf8')}\n`);
    expect(statSync(header).mode & 0o777).toBe(0o600);
    const line = printedLine(started);
    expect(line).toContain(`curl -sf -H "@${header}" http://127.0.0.1:`);
    for (const { status, stdout, stderr } of await clientsOf(line)) {
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(ARN);
    }
    // Without the token there are no credentials, and the CLI reports it.
    const [refused] = await clientsOf(line.replace(/-H "\S+" /, ''));
    expect(refused?.status).not.toBe(0);
    expect(await stop(started)).toBe(0);
  });
});
