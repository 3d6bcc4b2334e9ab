/**
 * Proves that every regular expression of `src/` takes time linear in its input. `recheck` checks the
 * expressions one by one. Functions that were once quadratic read 1 MiB of their worst input.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { check } from 'recheck';
import { describe, expect, it } from 'vitest';
import { parseAwsConfig } from '../src/cli/options/aws-config.js';
import { parseCertSelector } from '../src/cli/options/cert-selector.js';
import { parsePem } from '../src/identity/keys/pem.js';
import { regularExpressionsOf } from './architecture/regular-expressions.js';
import { readFolder } from './architecture/source.js';
import { makeCertificate } from './emulator/pki/certificates.js';
import { makeAccount, QUERY } from './emulator/sessions/account.js';
import { signX509 } from './emulator/sessions/sign.js';

const ROOT = join(import.meta.dirname, '..');

/** Files with computed patterns, and why those are linear. */
const COMPUTED: Readonly<Record<string, string>> = {
  'options/arn.ts': 'built when the module is loaded, and judged below',
  'options/kinds.ts': 'built when the module is loaded, and judged below',
  'emulator/wire/shape.ts': 'the length is checked first: at most 1,224 characters',
};

// The native program of recheck needs a third of what its Java archive needs, which it prefers where it finds
// Java.
if (existsSync(join(ROOT, 'node_modules', `recheck-${process.platform}-${process.arch}`))) {
  process.env['RECHECK_BACKEND'] ??= 'native';
}

/** Far above the time of any check: a check that times out has no result. */
const CHECK_LIMIT_MS = 120_000;

/**
 * Without limits of real time for one match, which a busy machine exceeds: that would be a verdict against a
 * linear expression. The limits of characters read decide.
 */
const CHECK_OPTIONS = { timeout: CHECK_LIMIT_MS, attackTimeout: null, incubationTimeout: null };

const found = regularExpressionsOf(readFolder('src'));
const literals = found.filter(({ pattern }) => pattern !== undefined);

/** A pattern without any of these repeats nothing and needs no check. */
const REPEATS = /[*+]|\{\d+,/;

/** The fault of an expression; undefined if it is linear. */
async function judge(pattern: string, flags: string): Promise<string | undefined> {
  if (!REPEATS.test(pattern)) return undefined;
  const verdict = await check(pattern, flags, CHECK_OPTIONS);
  if (verdict.status === 'safe') return undefined;
  return verdict.status === 'unknown'
    ? `unknown: ${verdict.error.kind}`
    : `${verdict.complexity.summary}: ${verdict.attack.pattern}`;
}

/** The expressions that two modules of `src` build with `new RegExp` while they are loaded. */
async function builtAtLoad(): Promise<RegExp[]> {
  const built: RegExp[] = [];
  const Original = RegExp;
  globalThis.RegExp = new Proxy(Original, {
    construct(target, [pattern, flags]) {
      const expression = new target(pattern, flags);
      if (/src[/\\]options[/\\](?:arn|kinds)/.test(new Error().stack ?? '')) built.push(expression);
      return expression;
    },
  });
  try {
    await Promise.all([import('../src/options/arn.js'), import('../src/options/kinds.js')]);
  } finally {
    globalThis.RegExp = Original;
  }
  return built;
}

describe('the checker', () => {
  it.each([
    ['(a*)*c', ''],
    ['/+$', ''],
    ['^\\s*A:\\s*B', 'im'],
    ['(.*)=(.*)', ''],
  ])('reports /%s/%s', async (pattern, flags) => {
    expect(await judge(pattern, flags)).toMatch(/polynomial|exponential/);
  });

  it('finds literals, strings and computed patterns', () => {
    const text = 'a.replace(/b+/g, ""); new RegExp("c", "i"); RegExp(d); // /e/\n"/f/"; x / y / z;';
    expect(regularExpressionsOf(new Map([['a.ts', text]]))).toEqual([
      { path: 'a.ts', line: 1, pattern: 'b+', flags: 'g' },
      { path: 'a.ts', line: 1, pattern: 'c', flags: 'i' },
      { path: 'a.ts', line: 1, pattern: undefined, flags: '' },
    ]);
  });
});

describe('the regular expressions of src', () => {
  it(
    'are linear',
    async () => {
      const faults: string[] = [];
      for (const { path, pattern = '', flags } of literals) {
        const fault = await judge(pattern, flags);
        if (fault !== undefined) faults.push(`${path} /${pattern}/${flags}: ${fault}`);
      }
      expect(literals.length).toBeGreaterThan(100);
      expect(faults).toEqual([]);
    },
    CHECK_LIMIT_MS,
  );

  it('are computed only in places that are listed with a reason', () => {
    const places = found.filter(({ pattern }) => pattern === undefined).map(({ path }) => path);
    expect([...new Set(places)].sort()).toEqual(Object.keys(COMPUTED).sort());
  });

  it('are linear if they are built when a module is loaded', async () => {
    const built = await builtAtLoad();
    expect(built.map(({ source }) => source).join('\n')).toMatch(/trust-anchor/);
    expect(built.length).toBeGreaterThanOrEqual(3);
    for (const { source, flags } of built) expect(await judge(source, flags), source).toBeUndefined();
  });
});

const MIB = 1024 * 1024;

/** Processor time, since machines can be busy: a quadratic reader takes minutes. */
async function processorMs(run: () => unknown): Promise<number> {
  const start = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

describe('1 MiB of the worst input takes less than two seconds', () => {
  const ignoringErrors = (run: () => unknown): unknown => {
    try {
      return run();
    } catch (error) {
      return error;
    }
  };
  const blankLines = '\n \t'.repeat(MIB / 3);

  it.each([
    ['PEM: headers', () => parsePem(pem(`${blankLines}Proc-Type: 4,ENCRYPTED\n\nAAAA\n`), 'input')],
    ['PEM: blanks in a header', () => parsePem(pem(`\nProc-Type:${' '.repeat(MIB)}x\n\nAAAA\n`), 'input')],
    ['AWS config: blanks', () => parseAwsConfig(`[default]\na${' '.repeat(MIB)}b\n`, 'input')],
    ['AWS config: tabs and marks', () => parseAwsConfig(`[default]\n${'\t:'.repeat(MIB / 2)}\n`, 'input')],
    ['--cert-selector: blanks', () => parseCertSelector(`Key=x509Subject,Value=a${' '.repeat(MIB)}b`)],
    ['--cert-selector: pairs', () => parseCertSelector('Key=x509Subject,Value=a '.repeat(MIB / 24))],
  ])('%s', async (_name, run) => {
    expect(await processorMs(() => ignoringErrors(run))).toBeLessThan(2000);
  });

  it('the emulator: spaces in a signed header', async () => {
    const root = makeCertificate({ commonName: 'root', isAuthority: true });
    const leaf = makeCertificate({ commonName: 'leaf', issuer: root });
    const headers = { 'x-blanks': `a${' '.repeat(MIB)}b` };
    const request = signX509(leaf, { query: QUERY, headers });
    const { ask } = makeAccount(root.pem);
    expect(await processorMs(() => ask(request))).toBeLessThan(2000);
  });
});

function pem(body: string): Buffer {
  return Buffer.from(`-----BEGIN RSA PRIVATE KEY-----${body}-----END RSA PRIVATE KEY-----\n`);
}
