/**
 * Builds dist/: the library as it is written, with its packages beside it, and the program as one file with its
 * packages inside, since other programs start it on every command and reading a thousand files takes longer
 * than the work. Types come from tsc.
 */
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const root = import.meta.dirname;

/**
 * What goes into the program in another way than the sources say it.
 *
 * @type {import('esbuild').Plugin}
 */
const slim = {
  name: 'slim',
  setup({ onResolve, onLoad }) {
    // The emulator is a program of its own size: it stays a file of its own, loaded by its command.
    onResolve({ filter: /\/emulator\/server\.js$/ }, () => ({ path: './emulator.js', external: true }));
    // The front door of undici loads all of it (fetch, mocks, caches); a request needs its client alone. HTTP/2
    // and the bodies of fetch are not asked for.
    // What few runs need is loaded from the installed packages by those that do.
    onResolve({ filter: /^(pkijs$|@noble\/)/ }, ({ path }) => ({ path, external: true }));
    onResolve({ filter: /^undici$/ }, ({ importer }) =>
      importer.endsWith('proxy.ts')
        ? { path: 'undici', external: true }
        : { path: 'undici', namespace: 'slim' },
    );
    onLoad({ filter: /.*/, namespace: 'slim' }, () => ({
      resolveDir: root,
      contents: `
        exports.Client = require('undici/lib/dispatcher/client.js');
        // undici parses HTTP in WebAssembly. The V8 of Node 20 starts to optimize its largest function at the first
        // answer, and the process cannot end before that is done: 60 ms for nothing. Late, since V8 then
        // takes no more code from its cache.
        if (process.versions.v8.startsWith('11.')) {
          require('node:v8').setFlagsFromString('--wasm-tiering-budget=2000000000');
        }`,
    }));
    // Of the schemas, those that are used: each one costs time to build.
    onResolve({ filter: /^@peculiar\/asn1-x509$/ }, () => ({ path: 'asn1-x509', namespace: 'slim-asn1' }));
    onLoad({ filter: /.*/, namespace: 'slim-asn1' }, () => ({
      resolveDir: root,
      contents: [
        'certificate',
        'algorithm_identifier',
        'extensions/basic_constraints',
        'extensions/key_usage',
      ]
        .map((file) => `export * from '@peculiar/asn1-x509/build/es2015/${file}.js';`)
        .join('\n'),
    }));
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
  entryPoints: { index: 'src/index.ts', emulator: 'src/emulator/server.ts' },
  format: 'esm',
  packages: 'external',
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  metafile: true,
});
const program = await build({
  ...shared,
  entryPoints: { bin: 'src/bin.ts' },
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  mainFields: ['module', 'main'],
  minifyWhitespace: true,
  metafile: true,
  plugins: [slim],
});
await removeOldChunks(Object.keys(library.metafile.outputs));
await chmod(`${root}/dist/bin.cjs`, 0o755);
await writeFile(`${root}/dist/bin.LICENSES.txt`, await licenses(Object.keys(program.metafile.inputs)));

/**
 * Chunks are named after their content: those of earlier builds would pile up.
 *
 * @param {string[]} current
 */
async function removeOldChunks(current) {
  for (const file of await readdir(`${root}/dist/chunks`)) {
    if (!current.includes(`dist/chunks/${file}`)) await rm(`${root}/dist/chunks/${file}`);
  }
}

/**
 * The licences of the packages inside the program: they ask to go where the code goes.
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
