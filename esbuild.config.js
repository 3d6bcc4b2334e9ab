/**
 * Builds dist/: the library as modules that import their packages, and the program as one file with its
 * packages inside. Other programs start the program on every command, and reading a thousand files takes
 * longer than its work. tsc emits the types.
 */
import { execFileSync } from 'node:child_process';
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const root = import.meta.dirname;

/**
 * Replaces packages of the program by the parts of them that it uses, and leaves rarely used ones outside.
 *
 * @type {import('esbuild').Plugin}
 */
const slim = {
  name: 'slim',
  setup({ onResolve, onLoad }) {
    // The emulator is as large as the program: it stays a file of its own, loaded by its command.
    onResolve({ filter: /^\.\.\/\.\.\/emulator\.js$/ }, () => ({ path: './emulator.js', external: true }));
    // PKCS#12 and ML-DSA are rare: their packages are loaded from node_modules.
    onResolve({ filter: /^(pkijs$|@noble\/)/ }, ({ path }) => ({ path, external: true }));
    // undici's main module loads all of it (fetch, mocks, caches); a request needs the client only. The proxy
    // needs more, and loads the package from node_modules.
    onResolve({ filter: /^undici$/ }, ({ importer }) =>
      importer.endsWith('proxy.ts')
        ? { path: 'undici', external: true }
        : { path: 'undici', namespace: 'slim' },
    );
    onLoad({ filter: /.*/, namespace: 'slim' }, () => ({
      resolveDir: root,
      contents: `
        exports.Client = require('undici/lib/dispatcher/client.js');
        // undici parses HTTP in WebAssembly. The V8 of Node 20 starts to optimize its largest function at the
        // first answer, and the process cannot end before that is done: 60 ms for nothing. The flag is set
        // late, because V8 takes no code from its cache afterwards.
        if (process.versions.v8.startsWith('11.')) {
          require('node:v8').setFlagsFromString('--wasm-tiering-budget=2000000000');
        }`,
    }));
    // HTTP/2 and fetch bodies are never used.
    onLoad({ filter: /undici\/lib\/(dispatcher\/client-h2|web\/fetch\/body)\.js$/ }, () => ({
      contents: "module.exports = () => { throw new Error('left out of this build') }",
    }));
  },
};

/** @satisfies {import('esbuild').BuildOptions} */
const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: /** @type {const} */ ('node'),
  target: 'node20.19',
  outdir: 'dist',
  logLevel: /** @type {const} */ ('warning'),
  legalComments: /** @type {const} */ ('none'),
};

const library = await build({
  ...shared,
  entryPoints: { index: 'src/index.ts', emulator: 'src/emulator.ts' },
  format: 'esm',
  packages: 'external',
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  // For stack traces and debuggers; the sources are inside, since the package does not hold them.
  sourcemap: true,
  metafile: true,
});
const program = await build({
  ...shared,
  entryPoints: { bin: 'src/bin.ts' },
  define: { 'import.meta.filename': '__filename' },
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  mainFields: ['module', 'main'],
  minifyWhitespace: true,
  metafile: true,
  plugins: [slim],
});
// The process that runs a PKCS#11 module, beside library and program. Its binding is an optional package.
await build({
  ...shared,
  entryPoints: { 'pkcs11-worker': 'src/identity/pkcs11/worker.ts' },
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  external: ['pkcs11js'],
});
await removeOldChunks(Object.keys(library.metafile.outputs));
await chmod(`${root}/dist/bin.cjs`, 0o755);
const manual = execFileSync(process.execPath, [`${root}/dist/bin.cjs`, 'completion', 'man']);
await writeFile(`${root}/dist/rolesanywhere.1`, manual);
await writeFile(`${root}/dist/bin.LICENSES.txt`, await licenses(Object.keys(program.metafile.inputs)));

/**
 * Removes the chunks of earlier builds: names contain a hash of the content, so they would pile up.
 *
 * @param {string[]} current
 */
async function removeOldChunks(current) {
  for (const file of await readdir(`${root}/dist/chunks`)) {
    if (!current.includes(`dist/chunks/${file}`)) await rm(`${root}/dist/chunks/${file}`);
  }
}

/**
 * Collects the licences of the packages inside the program, which require that they accompany the code.
 *
 * @param {string[]} inputs
 */
async function licenses(inputs) {
  const folders = new Set(
    inputs.flatMap((path) => /^(?:slim:)?(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
  );
  const texts = await Promise.all([...folders].sort().map(licenseOf));
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

/** @param {string} folder */
async function licenseOf(folder) {
  const { name, version, license } = JSON.parse(await readFile(`${root}/${folder}/package.json`, 'utf8'));
  for (const file of ['LICENSE', 'LICENSE.md', 'LICENSE.txt']) {
    const text = await readFile(`${root}/${folder}/${file}`, 'utf8').catch(() => undefined);
    if (text !== undefined) return `${name} ${version} (${license})\n\n${text}`;
  }
  return `${name} ${version} (${license})\n`;
}
