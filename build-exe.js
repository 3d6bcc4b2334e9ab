/**
 * Builds the program as one file that needs no Node, with bun, from dist/: `npm run build:exe [-- TARGET…]`.
 *
 * bun is not a dependency, since it weighs 100 MB: it is taken from the variable BUN, or from the PATH.
 * Targets other than this machine's need the runtime of the npm package @oven/bun-TARGET, whose file
 * RUNTIME_TARGET names, such as RUNTIME_LINUX_ARM64=node_modules/@oven/bun-linux-aarch64/bin/bun.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { build } from 'esbuild';
import { licenses } from './esbuild.licenses.js';

const root = import.meta.dirname;
const bun = process.env['BUN'] || 'bun';

/** Another one has another BoringSSL, and has not been tested. */
const BUN_VERSION = '1.4.5';

/** As bun names them: the system, the processor, and musl for Alpine Linux. */
const TARGETS = [
  ...['linux-x64', 'linux-x64-musl', 'linux-arm64', 'linux-arm64-musl'],
  ...['darwin-x64', 'darwin-arm64', 'windows-x64'],
];

/**
 * Without these, the file would take variables from a `.env` and run the `preload` of a `bunfig.toml` of the
 * working folder.
 */
const NOTHING_FROM_THE_FOLDER = ['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'];

/**
 * Everything in one script first: bun has a module of its own under the name of undici, which carries no
 * proxies.
 */
const SCRIPT = 'dist/rolesanywhere-one-file.cjs';

/** @param {string} target */
function compile(target) {
  const file = `dist/rolesanywhere-${target}${target.startsWith('windows') ? '.exe' : ''}`;
  const runtime = process.env[`RUNTIME_${target.toUpperCase().replaceAll('-', '_')}`];
  const from = runtime === undefined ? [] : [`--compile-executable-path=${runtime}`];
  execFileSync(
    bun,
    [
      ...['build', SCRIPT, '--compile', '--minify', '--bytecode', `--target=bun-${target}`],
      ...[...NOTHING_FROM_THE_FOLDER, ...from, `--outfile=${file}`, '--define=ROLESANYWHERE_EXE=true'],
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  return file;
}

/** @param {string} file */
async function checksum(file) {
  const bytes = await readFile(`${root}/${file}`);
  return `${createHash('sha256').update(bytes).digest('hex')}  ${basename(file)}\n`;
}

const given = process.argv.slice(2);
const unknown = given.find((target) => !TARGETS.includes(target));
if (unknown !== undefined) throw new Error(`unknown target ${unknown}, known are ${TARGETS.join(', ')}`);
const version = execFileSync(bun, ['--version'], { encoding: 'utf8' }).trim();
if (version !== BUN_VERSION) throw new Error(`bun ${BUN_VERSION} is needed, and ${bun} is ${version}`);
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['dist/bin.cjs'],
  outfile: SCRIPT,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  mainFields: ['module', 'main'],
  logLevel: 'warning',
  legalComments: 'none',
  metafile: true,
  // Else bun writes the path of the script on this machine, where the file would look for packages.
  define: { __filename: '"/rolesanywhere/bin.cjs"', __dirname: '"/rolesanywhere"' },
  // The library's package.json says that imports have no side effects; reflect-metadata has.
  ignoreAnnotations: true,
});
const files = (given.length > 0 ? given : [`${process.platform}-${process.arch}`]).map(compile);
await rm(`${root}/${SCRIPT}`);
await writeFile(`${root}/dist/SHA256SUMS`, (await Promise.all(files.map(checksum))).join(''));
// What is inside: the packages that the program depends on, by name, version and licence, and bun.
const sbom = execFileSync('npm', ['sbom', '--omit=dev', '--sbom-format=cyclonedx'], {
  cwd: root,
  encoding: 'utf8',
});
const bill = JSON.parse(sbom);
bill.components.push({
  'bom-ref': `bun@${BUN_VERSION}`,
  type: 'framework',
  name: 'bun',
  version: BUN_VERSION,
  purl: `pkg:npm/bun@${BUN_VERSION}`,
  licenses: [{ license: { id: 'MIT' } }],
});
await writeFile(`${root}/dist/rolesanywhere.cdx.json`, `${JSON.stringify(bill, undefined, 2)}\n`);
const own = await readFile(`${root}/dist/bin.LICENSES.txt`, 'utf8');
const others = await licenses(root, Object.keys(metafile.inputs));
await writeFile(`${root}/dist/rolesanywhere-LICENSES.txt`, `${own}\n${'-'.repeat(80)}\n\n${others}`);
console.log(files.join('\n'));
