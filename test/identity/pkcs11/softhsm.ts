/** Tokens of SoftHSM 2 for tests, filled by other programs: softhsm2-util, pkcs11-tool and p11tool. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MODULES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
];

export const MODULE = MODULES.find((path) => existsSync(path)) ?? '';
export const PIN = '12345678';

/** Programs or packages that are missing; undefined if tests with SoftHSM can run. */
export function missingForSoftHsm(): string | undefined {
  if (MODULE === '') return 'softhsm2';
  return ['softhsm2-util', 'pkcs11-tool', 'openssl'].find(
    (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).error !== undefined,
  );
}

export interface SoftHsm {
  readonly folder: string;
  /** The environment that points the module to its tokens. */
  readonly env: Readonly<Record<string, string | undefined>>;
  run(program: string, ...args: string[]): string;
  addToken(label: string): void;
  /** @param type as pkcs11-tool has it: `rsa:2048`, `EC:prime256v1` */
  addKey(token: string, type: string, label: string, id: string, ...args: string[]): void;
  /** A key made by OpenSSL, with its certificate beside it. @returns the certificate, PEM */
  addPair(
    token: string,
    algorithm: readonly string[],
    label: string,
    id: string,
    options?: PairOptions,
  ): string;
  stop(): void;
}

export interface PairOptions {
  readonly subject?: string;
  readonly days?: number;
  readonly keyArgs?: readonly string[];
  readonly hasCertificate?: boolean;
}

export function startSoftHsm(): SoftHsm {
  const folder = mkdtempSync(join(tmpdir(), 'softhsm-'));
  mkdirSync(join(folder, 'tokens'));
  const config = join(folder, 'softhsm2.conf');
  writeFileSync(config, `directories.tokendir = ${join(folder, 'tokens')}\nlog.level = ERROR\n`);
  const env = { ...process.env, SOFTHSM2_CONF: config };
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const tool = (token: string, ...args: string[]): string =>
    run('pkcs11-tool', '--module', MODULE, '--token-label', token, '--login', '--pin', PIN, ...args);
  return {
    ...{ folder, env, run },
    addToken: (label) => {
      run('softhsm2-util', '--init-token', '--free', '--label', label, '--so-pin', '87654321', '--pin', PIN);
    },
    addKey: (token, type, label, id, ...args) => {
      tool(token, '--keypairgen', '--key-type', type, '--label', label, '--id', id, ...args);
    },
    addPair: (token, algorithm, label, id, options = {}) => {
      const { subject = '/CN=host', days = 30, keyArgs = [], hasCertificate = true } = options;
      run('openssl', 'genpkey', ...algorithm, '-out', 'key.pem');
      run('openssl', 'pkey', '-in', 'key.pem', '-outform', 'DER', '-out', 'key.der');
      const extensions = ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature'];
      const added = extensions.flatMap((extension) => ['-addext', extension]);
      run(
        'openssl',
        'req',
        '-x509',
        '-key',
        'key.pem',
        '-subj',
        subject,
        '-days',
        String(days),
        ...added,
        '-out',
        'cert.pem',
      );
      run('openssl', 'x509', '-in', 'cert.pem', '-outform', 'DER', '-out', 'cert.der');
      const names = ['--label', label, '--id', id];
      tool(token, '--write-object', 'key.der', '--type', 'privkey', '--usage-sign', ...names, ...keyArgs);
      if (hasCertificate) tool(token, '--write-object', 'cert.der', '--type', 'cert', ...names);
      return run('openssl', 'x509', '-in', 'cert.pem');
    },
    stop: () => rmSync(folder, { recursive: true, force: true }),
  };
}
