/**
 * Builds dist/: the library as it is written, with its packages beside it, and the program as one file with its
 * packages inside, since other programs start it on every command and reading a thousand files takes longer
 * than the work. Types come from tsc.
 */
import { chmod, readFile, writeFile } from 'node:fs/promises';
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
    // The front door of undici loads all of it (fetch, mocks, caches); a request needs its client alone.
    onResolve({ filter: /^undici$/ }, ({ importer }) =>
      importer.endsWith('proxy.ts')
        ? { path: 'undici', external: true }
        : { path: 'undici', namespace: 'slim' },
    );
    onLoad({ filter: /.*/, namespace: 'slim' }, () => ({
      resolveDir: root,
      contents: `
        const Dispatcher = require('undici/lib/dispatcher/dispatcher.js');
        Dispatcher.prototype.request = require('undici/lib/api/api-request.js');
        module.exports = { Client: require('undici/lib/dispatcher/client.js') };`,
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

await build({
  ...shared,
  entryPoints: { index: 'src/index.ts', emulator: 'src/emulator/server.ts' },
  format: 'esm',
  packages: 'external',
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
});
const { metafile } = await build({
  ...shared,
  entryPoints: { bin: 'src/bin.ts' },
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  mainFields: ['module', 'main'],
  minifyWhitespace: true,
  metafile: true,
  plugins: [slim],
});
await chmod(`${root}/dist/bin.cjs`, 0o755);
await writeFile(`${root}/dist/bin.LICENSES.txt`, await licenses(Object.keys(metafile.inputs)));

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
