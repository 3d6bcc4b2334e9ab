/**
 * The configuration files in examples/ work: their commands run with the paths and ARNs of a test machine,
 * and real clients read the credentials. Parts that only a cluster or a cloud could run are parsed and
 * compared.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Machine } from './machine.js';
import { administrate, PROGRAM, ROOT, run, startMachine } from './machine.js';

const EXAMPLES = join(ROOT, 'examples');
const ARN = 'arn:aws:sts::123456789012:assumed-role/';

function can(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

const hasAws = can('aws', '--version');
const hasYaml = can('python3', '-c', 'import yaml');
const hasHcl = can('python3', '-c', 'import hcl2');
const leftOut = (isThere: boolean, what: string): string =>
  isThere ? '' : ` (left out: there is no ${what})`;

/** Reads a file of examples/ with a Python parser that takes its text from stdin. */
function parse(file: string, program: string): unknown {
  const input = readFileSync(join(EXAMPLES, file), 'utf8');
  return JSON.parse(execFileSync('python3', ['-c', program], { input, encoding: 'utf8' }));
}

const parseYaml = (file: string): unknown =>
  parse(file, 'import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))');

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

/** The content of a file, adapted to this machine. */
function localizer(machine: Machine, port = 0): (text: string) => string {
  const { env, folder } = machine;
  const pairs: ReadonlyArray<readonly [RegExp, string | undefined]> = [
    [/\/etc\/identity\/tls\.crt|\/run\/secrets\/host\.pem|\/etc\/pki\/host\.pem/g, env['CERTIFICATE']],
    [/\/etc\/identity\/tls\.key|\/run\/secrets\/host\.key|\/etc\/pki\/host\.key/g, env['PRIVATE_KEY']],
    [/arn:aws:rolesanywhere:us-east-1:111122223333:trust-anchor\/TA_ID/g, env['TRUST_ANCHOR_ARN']],
    [/arn:aws:rolesanywhere:us-east-1:111122223333:profile\/PROFILE_ID/g, env['PROFILE_ARN']],
    [/arn:aws:iam::111122223333:role\/ROLE_NAME/g, env['ROLE_ARN']],
    [/\/run\/rolesanywhere/g, join(folder, 'run')],
    [/127\.0\.0\.1:9911/g, `127.0.0.1:${port}`],
  ];
  return (text) => pairs.reduce((result, [from, to]) => result.replaceAll(from, to ?? ''), text);
}

/**
 * Starts a sidecar's command, waits until its probe says that it is ready, and asks STS with the AWS CLI in
 * the environment of the program beside it.
 */
async function runSidecar(
  command: readonly string[],
  probe: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const machine = await startMachine();
  mkdirSync(join(machine.folder, 'run'), { mode: 0o700 });
  const port = await freePort();
  const local = localizer(machine, port);
  const [program, ...args] = command.map(local);
  expect(program).toBe('rolesanywhere');
  const child = spawn(process.execPath, [PROGRAM, ...args, `--port=${port}`], {
    env: machine.env,
    stdio: 'ignore',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [node, ...check] = probe.map(local);
  expect(node).toBe('node');
  const isReady = async () => (await run(machine, process.execPath, check)).status;
  await expect.poll(isReady, { timeout: 20_000, interval: 200 }).toBe(0);
  const given = Object.entries(environment).map(([name, value]) => [name, local(value)]);
  const { AWS_CONFIG_FILE: _config, AWS_REGION: _region, ...rest } = machine.env;
  const client = { env: { ...rest, ...Object.fromEntries(given) } };
  const { stdout, stderr } = await run(client, 'aws', ['sts', 'get-caller-identity']);
  expect(stderr).toBe('');
  expect(stdout).toContain(`${ARN}Demo/`);
}

/** A folder with a program `rolesanywhere`, as npm installs it. */
function installProgram(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(PROGRAM, join(bin, 'rolesanywhere'));
  return bin;
}

/** The emulator has no S3. */
const withoutS3 = (command: string): string => command.replace(/ s3 sync .*/, ' sts get-caller-identity');

describe('crontab', () => {
  it.skipIf(!hasAws)(`gives a job credentials${leftOut(hasAws, 'aws command')}`, async () => {
    const machine = await startMachine();
    const local = localizer(machine);
    const crontab = readFileSync(join(EXAMPLES, 'crontab'), 'utf8');
    // cron gives a job these variables, and HOME.
    const variables = [...crontab.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]);
    const [, command = ''] = /^15 2 \* \* \* {2}backup {2}(.*)$/m.exec(crontab) ?? [];
    expect(command).toMatch(/^rolesanywhere exec .* -- aws s3 sync /);
    const page = readFileSync(join(EXAMPLES, 'exec.md'), 'utf8');
    const [, config = ''] = /^<!-- file: host\.json -->\n```json\n(.*?)^```$/ms.exec(page) ?? [];
    const path = join(machine.folder, 'host.json');
    writeFileSync(path, local(config));
    const { NODE_OPTIONS, AWS_ENDPOINT_URL, PATH } = machine.env;
    const given = { ...Object.fromEntries(variables), HOME: machine.folder };
    const bin = installProgram(machine.folder);
    const env = { ...given, PATH: `${bin}:${given.PATH}:${PATH}`, NODE_OPTIONS, AWS_ENDPOINT_URL };
    const job = withoutS3(command).replace('/etc/rolesanywhere/host.json', path);
    const { stdout, stderr } = await run({ env }, 'sh', ['-c', job]);
    expect(stderr).toBe('');
    expect(stdout).toContain(`${ARN}Demo/`);
  });
});

describe('aws-config.ini', () => {
  it.skipIf(!hasAws)(`gives the AWS CLI credentials${leftOut(hasAws, 'aws command')}`, async () => {
    const machine = await startMachine();
    const config = join(machine.folder, 'example.config');
    const program = `credential_process = "${process.execPath}" "${PROGRAM}"`;
    const text = localizer(machine)(readFileSync(join(EXAMPLES, 'aws-config.ini'), 'utf8'));
    writeFileSync(config, text.replace('credential_process = rolesanywhere', program));
    const { AWS_REGION: _region, ...rest } = machine.env;
    const env = { ...rest, AWS_CONFIG_FILE: config, AWS_PROFILE: 'onprem' };
    const { stdout, stderr } = await run({ env }, 'aws', ['sts', 'get-caller-identity']);
    expect(stderr).toBe('');
    expect(stdout).toContain(`${ARN}Demo/`);
  });
});

const hasSystemd = can('systemd-analyze', '--version');

describe('nightly-backup.service', () => {
  const unit = readFileSync(join(EXAMPLES, 'nightly-backup.service'), 'utf8');

  it.skipIf(!hasAws)(`gives its job credentials${leftOut(hasAws, 'aws command')}`, async () => {
    const machine = await startMachine();
    const [, line = ''] = /^ExecStart=((?:.*\\\n)*.*)$/m.exec(unit) ?? [];
    const command = withoutS3(localizer(machine)(line).replaceAll(/\\\n/g, ' '));
    const program = join(installProgram(machine.folder), 'rolesanywhere');
    const words = command.replaceAll('%d', machine.folder).split(/ +/);
    expect(words.shift()).toBe('/usr/local/bin/rolesanywhere');
    const { AWS_REGION: _region, CERTIFICATE: _certificate, PRIVATE_KEY: _key, ...rest } = machine.env;
    const env = { ...rest, AWS_CONFIG_FILE: join(machine.folder, 'no-config') };
    const { stdout, stderr } = await run({ env }, program, words);
    expect(stderr).toBe('');
    expect(stdout).toContain(`${ARN}Demo/`);
  });

  it.skipIf(!hasSystemd)(
    `passes systemd-analyze verify, with its timer${leftOut(hasSystemd, 'systemd-analyze')}`,
    async () => {
      const { env, folder } = await startMachine();
      // systemd-analyze checks that the program exists.
      writeFileSync(
        join(folder, 'nightly-backup.service'),
        unit.replace('/usr/local/bin/rolesanywhere', process.execPath),
      );
      const timer = readFileSync(join(EXAMPLES, 'nightly-backup.timer'), 'utf8');
      writeFileSync(join(folder, 'nightly-backup.timer'), timer);
      const result = await run({ env }, 'systemd-analyze', [
        'verify',
        '--man=no',
        join(folder, 'nightly-backup.timer'),
        join(folder, 'nightly-backup.service'),
      ]);
      expect(result).toEqual({ status: 0, stdout: '', stderr: '' });
    },
  );
});

interface Container {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: ReadonlyArray<{ readonly name: string; readonly value: string }>;
  readonly startupProbe: { readonly exec: { readonly command: readonly string[] } };
  readonly volumeMounts: ReadonlyArray<{ readonly name: string }>;
}

interface Deployment {
  readonly kind: string;
  readonly spec: {
    readonly secretName: string;
    readonly usages: readonly string[];
    readonly template: {
      readonly spec: {
        readonly initContainers: readonly Container[];
        readonly containers: readonly Container[];
        readonly volumes: ReadonlyArray<{ readonly name: string; readonly secret?: { secretName: string } }>;
      };
    };
  };
}

describe.skipIf(!hasYaml)(`kubernetes-sidecar.yaml${leftOut(hasYaml, 'yaml for python3')}`, () => {
  const read = () => {
    const [certificate, deployment] = parseYaml('kubernetes-sidecar.yaml') as Deployment[];
    const { initContainers, containers, volumes } = deployment?.spec.template.spec ?? {};
    return { certificate, sidecar: initContainers?.[0], program: containers?.[0], volumes };
  };

  it('mounts what it declares, and the secret that the certificate is kept in', () => {
    const { certificate, sidecar, program, volumes } = read();
    const declared = volumes?.map(({ name }) => name);
    expect(sidecar?.volumeMounts.map(({ name }) => name)).toEqual(declared);
    expect(program?.volumeMounts.map(({ name }) => name)).toEqual(['token']);
    expect(volumes?.[0]?.secret?.secretName).toBe(certificate?.spec.secretName);
    // AWS asks for keyUsage digitalSignature.
    expect(certificate).toMatchObject({ kind: 'Certificate', spec: { usages: ['digital signature'] } });
  });

  it.skipIf(!hasAws)(`gives its program credentials${leftOut(hasAws, 'aws command')}`, async () => {
    const { sidecar, program } = read();
    const environment = Object.fromEntries(program?.env.map(({ name, value }) => [name, value]) ?? []);
    await runSidecar(sidecar?.command ?? [], sidecar?.startupProbe.exec.command ?? [], environment);
  });
});

interface Service {
  readonly command: readonly string[];
  readonly healthcheck: { readonly test: readonly string[] };
  readonly environment: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  readonly network_mode: string;
}

describe.skipIf(!hasYaml)(`compose.yaml${leftOut(hasYaml, 'yaml for python3')}`, () => {
  const read = () => {
    const [{ services, volumes } = { services: {}, volumes: {} }] = parseYaml('compose.yaml') as Array<{
      services: Record<string, Service>;
      volumes: object;
    }>;
    return { credentials: services['credentials'], backup: services['backup'], volumes };
  };

  it('shares loopback and the volume of the token', () => {
    const { credentials, backup, volumes } = read();
    expect(backup?.network_mode).toBe('service:credentials');
    expect(credentials?.volumes).toEqual(['token:/run/rolesanywhere']);
    expect(backup?.volumes).toEqual(['token:/run/rolesanywhere:ro']);
    expect(Object.keys(volumes)).toEqual(['token']);
  });

  it.skipIf(!hasAws)(`gives its program credentials${leftOut(hasAws, 'aws command')}`, async () => {
    const { credentials, backup } = read();
    const [kind, ...probe] = credentials?.healthcheck.test ?? [];
    expect(kind).toBe('CMD');
    await runSidecar(credentials?.command ?? [], probe, backup?.environment ?? {});
  });
});

/** Arguments of the provider's resources, from its documentation. */
const TERRAFORM: Readonly<Record<string, readonly string[]>> = {
  aws_rolesanywhere_trust_anchor: [
    'enabled',
    'name',
    'source',
    'source_data',
    'source_type',
    'x509_certificate_data',
  ],
  aws_rolesanywhere_profile: ['duration_seconds', 'enabled', 'name', 'role_arns'],
  aws_iam_role: ['assume_role_policy', 'max_session_duration', 'name'],
};

const HCL = `
import hcl2, json, re, sys
text = sys.stdin.read()
# The policy alone: the parser leaves calls of functions as text.
policy = re.search(r'jsonencode\\((\\{[\\s\\S]*?\\n  \\})\\)', text).group(1)
policy = policy.replace('aws_rolesanywhere_trust_anchor.onprem.arn', '"TRUST_ANCHOR_ARN"')
print(json.dumps([hcl2.loads(text)['resource'], hcl2.loads('policy = ' + policy)['policy']]))
`;

/** Names and strings without the quotes that this parser leaves on them. */
function unquote(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll('\\"', ''));
}

function namesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(namesIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...namesIn(inner)]);
}

describe.skipIf(!hasHcl)(`terraform/main.tf${leftOut(hasHcl, 'hcl2 for python3')}`, () => {
  const read = () => unquote(parse('terraform/main.tf', HCL)) as [Array<Record<string, object>>, object];

  it('has resources and arguments that the provider documents', () => {
    for (const resource of read()[0]) {
      const [[type, body] = ['', {}]] = Object.entries(resource);
      const names = namesIn(Object.values(body)).filter((name) => !name.startsWith('__'));
      expect([type, names.sort()]).toEqual([type, TERRAFORM[type]]);
    }
  });

  it.skipIf(!hasAws)(`has a trust policy that admits the host${leftOut(hasAws, 'aws command')}`, async () => {
    const machine = await startMachine();
    const aws = administrate(machine);
    const set = async (commonName: string) => {
      const text = JSON.stringify(read()[1])
        .replace('TRUST_ANCHOR_ARN', machine.emulator.trustAnchorArn)
        .replace('x509Subject/O', 'x509Subject/CN')
        .replace('"Example"', `"${commonName}"`);
      writeFileSync(join(machine.folder, 'policy.json'), text);
      const policy = `file://${join(machine.folder, 'policy.json')}`;
      const { status, stderr } = await aws(
        'iam update-assume-role-policy --role-name Demo --policy-document',
        policy,
      );
      expect([status, stderr]).toEqual([0, '']);
      const { env } = machine;
      const flags = [
        `--certificate=${env['CERTIFICATE']}`,
        `--private-key=${env['PRIVATE_KEY']}`,
        `--trust-anchor-arn=${env['TRUST_ANCHOR_ARN']}`,
        `--profile-arn=${env['PROFILE_ARN']}`,
        `--role-arn=${env['ROLE_ARN']}`,
      ];
      return (await run(machine, process.execPath, [PROGRAM, 'credential-process', ...flags])).status;
    };
    expect(await set('host-1')).toBe(0);
    expect(await set('host-2')).toBe(5);
  });
});
