/**
 * Builds dist/: the library as modules that import their packages, and the program as three files with its
 * packages inside. Other programs start the program on every command, and reading a thousand files takes
 * longer than its work. tsc emits the types.
 */
import { execFileSync } from 'node:child_process';
import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import { licenses } from './esbuild.licenses.js';
import { buildProgram } from './esbuild.program.js';

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
    // PKCS#12, ML-DSA, proxies and `ca` are rare: their packages are loaded from node_modules.
    onResolve({ filter: /^(pkijs|undici|@noble\/.*|@peculiar\/x509|reflect-metadata)$/ }, ({ path }) => ({
      path,
      external: true,
    }));
    // smithy's event streams are never used, and what is imported late is wrapped, with all that it imports.
    onResolve({ filter: /^@smithy\/core\/event-streams$/ }, ({ path }) => ({ path, external: true }));
    // smithy's UUIDs are never used, and load WebCrypto.
    onLoad({ filter: /@smithy\/core\/dist-es\/submodules\/serde\/uuid\/v4\.js$/ }, () => ({
      contents: `export const bindV4 = () => () => { throw new Error('left out of this build') };`,
    }));
  },
};

/**
 * `import()` of a module of Node takes up to 20 ms longer than `require`: it also loads what the module itself
 * loads late, for the names of its namespace.
 *
 * @type {import('esbuild').Plugin}
 */
const required = {
  name: 'required',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path, namespace: 'required' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = require('${path}');`,
    }));
  },
};

/**
 * Loads modules of Node when they are used: importing the library calls none of their functions, and neither
 * does a run that reads files and finds a session in the cache.
 *
 * @type {import('esbuild').Plugin}
 */
const late = {
  name: 'late',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:(fs|timers)\/promises$/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'late' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'late' }, ({ path }) => ({ contents: forwardFunctions(path) }));
  },
};

/**
 * @param {string} path of a module of Node that consists of functions
 */
function forwardFunctions(path) {
  const names = Object.entries(createRequire(import.meta.url)(path)).flatMap(([name, value]) =>
    typeof value === 'function' ? name : [],
  );
  return names
    .map(
      (name) => `export const ${name} = (...args) => process.getBuiltinModule('${path}').${name}(...args);`,
    )
    .join('\n');
}

/**
 * An `import` of `node:fs` in a module also loads what it has late, streams among it, for the names of its
 * namespace.
 *
 * @type {import('esbuild').Plugin}
 */
const direct = {
  name: 'direct',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:fs$/ }, ({ path }) => ({ path, namespace: 'direct' }));
    onLoad({ filter: /.*/, namespace: 'direct' }, ({ path }) => {
      const names = Object.keys(createRequire(import.meta.url)(path));
      // Functions, so that esbuild leaves out those that nobody imports.
      const values = names.map((name) => `export const ${name} = /* @__PURE__ */ (() => builtin.${name})();`);
      return { contents: `const builtin = process.getBuiltinModule('${path}');\n${values.join('\n')}` };
    });
  },
};

/** @satisfies {import('esbuild').BuildOptions} */
const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: /** @type {const} */ ('node'),
  target: 'node20.19',
  logLevel: /** @type {const} */ ('warning'),
  legalComments: /** @type {const} */ ('none'),
};

/**
 * Keeps what an import of the library loads in one file: esbuild cuts files by which of the late modules need
 * what, and each of twenty files takes half a millisecond. With an import of the library in each, all need the
 * same.
 *
 * @type {import('esbuild').Plugin}
 */
const together = {
  name: 'together',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\./ }, ({ path, kind, resolveDir }) => {
      if (kind !== 'dynamic-import' || resolveDir.startsWith(`${root}/src/emulator`)) return undefined;
      return { path: join(resolveDir, path), namespace: 'late-module' };
    });
    onLoad({ filter: /.*/, namespace: 'late-module' }, ({ path }) => ({
      contents: `import './index.js';\nexport * from '${path}';`,
      resolveDir: `${root}/src`,
    }));
  },
};

const library = await build({
  ...shared,
  outdir: 'dist',
  entryPoints: { index: 'src/index.ts', emulator: 'src/emulator.ts' },
  format: 'esm',
  packages: 'external',
  plugins: [together, late, direct],
  // The imports of the library are left out, and count all the same.
  logOverride: { 'ignored-bare-import': 'silent' },
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
  // For stack traces and debuggers; the sources are inside, since the package does not hold them.
  sourcemap: true,
  metafile: true,
});
const program = await buildProgram({
  ...shared,
  define: { 'import.meta.filename': '__filename' },
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  mainFields: ['module', 'main'],
  // V8 reads a shorter file faster: 3 ms of a start that creates a session.
  minify: true,
  plugins: [slim, required, late],
});
// The process that runs a PKCS#11 module, beside library and program. Its binding is an optional package.
await build({
  ...shared,
  outdir: 'dist',
  entryPoints: { 'pkcs11-worker': 'src/identity/pkcs11/worker.ts' },
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  external: ['pkcs11js'],
});
await removeOldChunks(Object.keys(library.metafile.outputs));
await chmod(`${root}/dist/bin.cjs`, 0o755);
const manual = execFileSync(process.execPath, [`${root}/dist/bin.cjs`, 'completion', 'man']);
await writeFile(`${root}/dist/rolesanywhere.1`, manual);
await writeFile(`${root}/dist/bin.LICENSES.txt`, await licenses(root, program.inputs));

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
