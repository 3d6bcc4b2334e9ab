/**
 * The library in other runtimes and in bundles, with one call each: a session, and an error with its code.
 * Runtimes and bundlers are found on the PATH or in the folder of RUNTIMES (an npm project with bun, deno,
 * rollup, webpack); those that are missing are left out by name.
 */
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { build, transform } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { ARNS, lastingSuccess, startFakeService } from './fake-service.js';
import { path } from './fixtures.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const tools = process.env['RUNTIMES'] ?? '';
const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-runtimes-'));
afterAll(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'node_modules'));
symlinkSync(root, join(folder, 'node_modules', 'rolesanywhere'));

function find(names: readonly string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const candidates = [
    ...names.map((name) => join(tools, 'node_modules', name)),
    ...folders.flatMap((bin) => names.map((name) => join(bin, name.split('/').at(-1) ?? ''))),
  ];
  return candidates.find((candidate) => existsSync(candidate));
}

const BUN = find(['bun/bin/bun.exe', 'bun/bin/bun']);
const DENO = find(['deno/deno', '@deno/linux-x64-glibc/deno']);
const hasPackage = (name: string): boolean => tools !== '' && existsSync(join(tools, 'node_modules', name));

/** Prints the access key, then code and class of an error. EC and RSA keys are read by code of their own. */
async function writeEntry(): Promise<{ entry: string; expected: string }> {
  const { endpoint } = await startFakeService([lastingSuccess, lastingSuccess]);
  const source = (name: string) => ({
    certificate: path(`${name}.pem`),
    privateKey: path(`${name}.key.pem`),
  });
  const lines = [
    `import { createSession } from 'rolesanywhere';`,
    `const call = (options) => createSession({ ...${JSON.stringify({ ...ARNS, env: {} })}, ...options });`,
    'async function main() {',
    ...['ec-p256', 'rsa-2048'].map(
      (name) => `  console.log((await call(${JSON.stringify({ ...source(name), endpoint })})).accessKeyId);`,
    ),
    `  const failing = ${JSON.stringify({ ...source('ec-p256'), endpoint: 'https://127.0.0.1:1' })};`,
    '  await call(failing).catch((error) => console.log(error.code, error.name));',
    '}',
    'main();',
  ];
  const entry = join(folder, `call-${lines.length}-${Math.trunc(Number(endpoint.split(':')[2]))}.mjs`);
  writeFileSync(entry, lines.join('\n'));
  const expected = 'ASIAEXAMPLEACCESSKEY\nASIAEXAMPLEACCESSKEY\nERR_NETWORK TransportError\n';
  return { entry, expected };
}

const env = { PATH: process.env['PATH'], HOME: folder, NO_COLOR: '1' };
const outputOf = async (command: string, args: readonly string[]): Promise<string> =>
  (await run(command, [...args], { cwd: folder, env, timeout: 60_000 })).stdout;

describe('a call', () => {
  it.skipIf(BUN === undefined)('in bun', async () => {
    const { entry, expected } = await writeEntry();
    expect(await outputOf(BUN ?? '', [entry])).toBe(expected);
  });

  it.skipIf(DENO === undefined)('in deno', async () => {
    const { entry, expected } = await writeEntry();
    expect(await outputOf(DENO ?? '', ['run', '-A', '--node-modules-dir=manual', entry])).toBe(expected);
  });

  it.each(['esm', 'cjs'] as const)('in a bundle of esbuild, %s', async (format) => {
    const { entry, expected } = await writeEntry();
    const outfile = join(folder, `esbuild.${format === 'esm' ? 'mjs' : 'cjs'}`);
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      format,
      logLevel: 'silent',
    });
    expect(await outputOf(process.execPath, [outfile])).toBe(expected);
  });

  it.skipIf(!hasPackage('rollup'))('in a bundle of Rollup', { timeout: 120_000 }, async () => {
    const { entry, expected } = await writeEntry();
    const out = join(folder, 'rollup');
    const config = join(tools, 'rollup.config.mjs');
    writeFileSync(
      config,
      `import resolve from '@rollup/plugin-node-resolve';
      import commonjs from '@rollup/plugin-commonjs';
      import json from '@rollup/plugin-json';
      export default {
        input: ${JSON.stringify(entry)},
        output: {
          dir: ${JSON.stringify(out)},
          format: 'es',
          entryFileNames: 'call.mjs',
          chunkFileNames: '[name]-[hash].mjs',
        },
        plugins: [resolve({ preferBuiltins: true, exportConditions: ['node'] }), commonjs(), json()],
        onwarn() {},
      };`,
    );
    await run(process.execPath, [join(tools, 'node_modules/rollup/dist/bin/rollup'), '-c', config], {
      cwd: tools,
    });
    expect(await outputOf(process.execPath, [join(out, 'call.mjs')])).toBe(expected);
  });

  it.skipIf(!hasPackage('webpack'))('in a bundle of webpack, minified', { timeout: 120_000 }, async () => {
    const { entry, expected } = await writeEntry();
    const { webpack } = createRequire(join(tools, 'package.json'))('webpack');
    const out = join(folder, 'webpack');
    const errors = await new Promise<string>((resolve, reject) =>
      webpack(
        {
          mode: 'production',
          target: 'node20',
          entry,
          output: { path: out, filename: 'call.cjs' },
          // esbuild does this below, in a fifth of the time.
          optimization: { minimize: false },
        },
        (error: Error | null, stats: { toString(form: string): string }) =>
          error ? reject(error) : resolve(stats.toString('errors-only')),
      ),
    );
    expect(errors).toBe('');
    for (const name of readdirSync(out)) {
      const { code } = await transform(readFileSync(join(out, name), 'utf8'), { minify: true });
      writeFileSync(join(out, name), code);
    }
    expect(await outputOf(process.execPath, [join(out, 'call.cjs')])).toBe(expected);
  });
});
