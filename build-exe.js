/**
 * Builds the program as one file that needs no Node, with bun, from dist/: `npm run build:exe [-- TARGET…]`.
 *
 * bun is not a dependency, since it has 100 MB: it is taken from the variable BUN, or from the PATH. The
 * runtimes of other targets are the npm packages @oven/bun-TARGET; a variable such as RUNTIME_LINUX_ARM64
 * names one that is already there.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { BINDING_FILE, bindingFor, packBinding } from './build-exe.binding.js';
import { licenses } from './esbuild.licenses.js';

const root = import.meta.dirname;
const bun = process.env['BUN'] || 'bun';

/** Another one has another BoringSSL, and did not been tested. */
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

/** Bundles everything in one script first: bun replaces undici with its own module, which has no proxies. */
const SCRIPT = 'dist/rolesanywhere-one-file.cjs';

/** The file is also the process that runs a PKCS#11 module: see src/identity/pkcs11/open-module.ts. */
const ENTRY = `
  if (process.argv[2] === 'pkcs11-worker') require('./dist/pkcs11-worker.cjs');
  else require('./dist/bin.cjs');`;

const { header } = /** @type {{ header: object }} */ (process.report.getReport());
const isMusl = process.platform === 'linux' && !('glibcVersionRuntime' in header);
const OWN_TARGET = `${process.platform.replace('win32', 'windows')}-${process.arch}${isMusl ? '-musl' : ''}`;

/** @param {string} target */
async function make(target) {
  const binding = await bindingFor(root, target, target === OWN_TARGET, work);
  if (binding === undefined) console.error(`${target}: without PKCS#11`);
  else await writeFile(`${root}/${BINDING_FILE}`, binding);
  const inputs = await bundle(binding);
  const file = compile(target);
  await rm(`${root}/${SCRIPT}`);
  await rm(`${root}/${BINDING_FILE}`, { force: true });
  return { file, inputs };
}

/** @param {Buffer | undefined} binding */
async function bundle(binding) {
  const { metafile } = await build({
    absWorkingDir: root,
    stdin: { contents: ENTRY, resolveDir: root, sourcefile: 'one-file.js' },
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
    plugins: [packBinding(binding)],
  });
  return Object.keys(metafile.inputs);
}

/** @param {string} target */
function compile(target) {
  const file = `dist/rolesanywhere-${target}${target.startsWith('windows') ? '.exe' : ''}`;
  const runtime = runtimeFor(target);
  const from = runtime === undefined ? [] : [`--compile-executable-path=${runtime}`];
  execFileSync(
    bun,
    [
      ...[
        'build',
        SCRIPT,
        '--compile',
        '--minify',
        '--bytecode',
        `--target=bun-${target}`,
        '--loader=.data:file',
      ],
      ...[...NOTHING_FROM_THE_FOLDER, ...from, `--outfile=${file}`, '--define=ROLESANYWHERE_EXE=true'],
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  return file;
}

/**
 * The program of bun that becomes the file.
 *
 * @param {string} target
 * @returns {string | undefined} undefined for bun itself
 */
function runtimeFor(target) {
  const given = process.env[`RUNTIME_${target.toUpperCase().replaceAll('-', '_')}`];
  if (given !== undefined || target === OWN_TARGET) return given;
  const name = `@oven/bun-${target.replace('arm64', 'aarch64')}@${BUN_VERSION}`;
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', `--pack-destination=${work}`, name], {
      cwd: root,
      encoding: 'utf8',
    }),
  );
  execFileSync('tar', ['-xzf', join(work, filename), '-C', work, 'package/bin']);
  return join(work, 'package', 'bin', target.startsWith('windows') ? 'bun.exe' : 'bun');
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
/** For what is made on the way. */
const work = await mkdtemp(join(tmpdir(), 'build-exe-'));
/** @type {Awaited<ReturnType<typeof make>>[]} */
const made = [];
try {
  for (const target of given.length > 0 ? given : [OWN_TARGET]) made.push(await make(target));
} finally {
  await rm(work, { recursive: true, force: true });
}
const sums = await Promise.all(made.map(({ file }) => checksum(file)));
await writeFile(`${root}/dist/SHA256SUMS`, sums.join(''));
// The list of contents: the packages that the program depends on, by name, version and licence, and bun.
const sbom = execFileSync('npm', ['sbom', '--omit=dev', '--sbom-format=cyclonedx'], {
  cwd: root,
  encoding: 'utf8',
});
const bill = JSON.parse(sbom);
/** @param {{ name: string; version: string; type: string; license: string }} component */
function add({ name, version, type, license }) {
  const purl = `pkg:npm/${name}@${version}`;
  const licenses = [{ license: { id: license } }];
  bill.components.push({ 'bom-ref': `${name}@${version}`, type, name, version, purl, licenses });
}
add({ name: 'bun', version: BUN_VERSION, type: 'framework', license: 'MIT' });
const inputs = made.flatMap((each) => each.inputs);
// An optional package, which npm does not count.
const PKCS11JS = 'node_modules/pkcs11js/';
if (inputs.some((path) => path.startsWith(PKCS11JS))) {
  add({ ...JSON.parse(await readFile(`${root}/${PKCS11JS}package.json`, 'utf8')), type: 'library' });
}
await writeFile(`${root}/dist/rolesanywhere.cdx.json`, `${JSON.stringify(bill, undefined, 2)}\n`);
const own = await readFile(`${root}/dist/bin.LICENSES.txt`, 'utf8');
const others = await licenses(root, inputs);
await writeFile(`${root}/dist/rolesanywhere-LICENSES.txt`, `${own}\n${'-'.repeat(80)}\n\n${others}`);
console.log(made.map(({ file }) => file).join('\n'));
