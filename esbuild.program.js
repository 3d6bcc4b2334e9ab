/**
 * Bundles the program into two files. `bin.cjs` has what `credential-process` needs; `bin-rest.cjs` has the rest,
 * and is loaded by `import()` of anything in it. V8 parses a file as a whole before it runs: in one file, half of
 * the start would be parsing code that the run does not use.
 *
 * A module is in one of the two files only. The rest gets the modules that it shares with `bin.cjs` from there.
 */
import { isAbsolute, relative, resolve } from 'node:path';
import { build } from 'esbuild';

/**
 * Without the entry and the files to write.
 *
 * @typedef {import('esbuild').BuildOptions & Required<Pick<import('esbuild').BuildOptions, 'absWorkingDir' | 'plugins'>>} Options
 */

const ENTRY = 'src/bin.ts';

/** The modules that `credential-process` loads late. Other targets of `import()` in `src/` are the rest. */
const CORE = new Set([
  'src/cli/commands/credential-process.ts',
  'src/cli/options/aws-settings.ts',
  'src/cli/options/config-file.ts',
  'src/credentials/cache/session-cache.ts',
  'src/files/read-file.ts',
  'src/identity/identity.ts',
  'src/session/create-session.ts',
  'src/session/direct.ts',
  'src/signing/canonical-request.ts',
]);

/**
 * @param {Options} options
 * @returns {Promise<{ inputs: string[] }>} the files inside both
 */
export async function buildProgram(options) {
  const { absWorkingDir: root } = options;
  const modules = Object.keys((await bundleCore(options, [])).metafile.inputs).filter(isSource);
  /** @type {Set<string>} */
  const wanted = new Set();
  const rest = await build({
    ...options,
    metafile: true,
    stdin: { contents: restEntry(await restRoots(options)), resolveDir: root, sourcefile: 'bin-rest.js' },
    outfile: 'dist/bin-rest.cjs',
    plugins: [fromCore(root, new Set(modules), wanted), ...options.plugins],
  });
  const core = await bundleCore(options, [...wanted].sort(), true);
  return {
    inputs: [...new Set([...Object.keys(core.metafile.inputs), ...Object.keys(rest.metafile.inputs)])],
  };
}

/**
 * @param {Options} options
 * @param {string[]} wanted modules that the rest needs
 */
function bundleCore(options, wanted, write = false) {
  const contents = `
    Object.assign(require('core-modules').modules, { ${wanted.map(lateRequire).join('\n')} });
    require('./${ENTRY}');`;
  return build({
    ...options,
    metafile: true,
    write,
    banner: { js: '#!/usr/bin/env node' },
    stdin: { contents, resolveDir: options.absWorkingDir, sourcefile: 'bin.js' },
    outfile: 'dist/bin.cjs',
    plugins: [toRest(options.absWorkingDir), ...options.plugins],
  });
}

/**
 * In the core: `import()` of a module of the rest.
 *
 * @param {string} root
 * @returns {import('esbuild').Plugin}
 */
function toRest(root) {
  return {
    name: 'to-rest',
    setup(plugin) {
      plugin.onResolve({ filter: /^\./ }, (args) => {
        if (args.kind !== 'dynamic-import') return undefined;
        const path = sourceOf(root, args);
        return path === undefined || CORE.has(path) ? undefined : { path, namespace: 'rest' };
      });
      plugin.onLoad({ filter: /.*/, namespace: 'rest' }, ({ path }) => ({
        contents: `
          const { modules } = require('core-modules');
          module.exports = require('./bin-rest.cjs').open(modules)['${path}']();`,
      }));
      plugin.onResolve({ filter: /^\.\/bin-rest\.cjs$/ }, ({ path }) => ({ path, external: true }));
      plugin.onResolve({ filter: /^core-modules$/ }, ({ path }) => ({ path, namespace: 'core-modules' }));
      plugin.onLoad({ filter: /.*/, namespace: 'core-modules' }, () => ({
        contents: 'exports.modules = {};',
      }));
    },
  };
}

/**
 * In the rest: imports of modules of the core.
 *
 * @param {string} root
 * @param {ReadonlySet<string>} modules of the core
 * @param {Set<string>} wanted those that are imported are added
 * @returns {import('esbuild').Plugin}
 */
function fromCore(root, modules, wanted) {
  return {
    name: 'from-core',
    setup(plugin) {
      plugin.onResolve({ filter: /^\./ }, (args) => {
        const path = sourceOf(root, args);
        if (path === undefined || !modules.has(path)) return undefined;
        wanted.add(path);
        return { path, namespace: 'core' };
      });
      plugin.onLoad({ filter: /.*/, namespace: 'core' }, ({ path }) => ({
        contents: `module.exports = require('core-modules').modules['${path}']();`,
      }));
      plugin.onResolve({ filter: /^core-modules$/ }, ({ path }) => ({ path, namespace: 'core-modules' }));
      // Filled by `open`.
      plugin.onLoad({ filter: /.*/, namespace: 'core-modules' }, () => ({
        contents: 'exports.modules = {};',
      }));
    },
  };
}

/**
 * A member of an object that requires a module when it is called.
 *
 * @param {string} path from the root
 */
function lateRequire(path) {
  return `'${path}': () => require('./${path}'),`;
}

/** @param {string[]} roots */
function restEntry(roots) {
  return `
    exports.open = (modules) => {
      Object.assign(require('core-modules').modules, modules);
      return { ${roots.map(lateRequire).join('\n')} };
    };`;
}

/**
 * Every module that is imported late, and is not in the core.
 *
 * @param {Options} options
 */
async function restRoots(options) {
  const { metafile } = await build({
    ...options,
    metafile: true,
    write: false,
    outdir: 'dist',
    entryPoints: [ENTRY],
  });
  const late = Object.values(metafile.inputs)
    .flatMap(({ imports }) => imports)
    .filter(({ kind, path }) => kind === 'dynamic-import' && isSource(path) && !CORE.has(path))
    .map(({ path }) => path);
  return [...new Set(late)].sort();
}

/**
 * The path, from the root, of a module of ours.
 *
 * @param {string} root
 * @param {{ path: string; resolveDir: string }} args
 */
function sourceOf(root, { path, resolveDir }) {
  const found = relative(root, resolve(resolveDir, path)).replace(/\.js$/, '.ts');
  return isSource(found) ? found : undefined;
}

/** @param {string} path */
function isSource(path) {
  return !isAbsolute(path) && path.startsWith('src/') && path !== 'src/emulator.ts';
}
