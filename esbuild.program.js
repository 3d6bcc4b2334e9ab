/**
 * Bundles the program into files, each loaded by the first `import()` of anything in it. V8 parses a file as a
 * whole before it runs: in one file, most of the start would be parsing code that the run does not use.
 *
 * A module is in one of the files only. A file gets modules of earlier files from a registry, `modules`.
 */
import { isAbsolute, relative, resolve } from 'node:path';
import { build } from 'esbuild';

/**
 * Without the entry and the files to write.
 *
 * @typedef {import('esbuild').BuildOptions & Required<Pick<import('esbuild').BuildOptions, 'absWorkingDir' | 'plugins'>>} Options
 */

const ENTRY = 'src/bin.ts';

/**
 * The files in the order in which they are loaded. `late` has the modules of a file that are the targets of
 * `import()`; the last file has all others.
 *
 * @type {ReadonlyArray<{ file: string; late: readonly string[] }>}
 */
const FILES = [
  {
    // `credential-process` with a session in the cache.
    file: 'bin.cjs',
    late: [
      'src/cli/commands/credential-process.ts',
      'src/credentials/cache/session-cache.ts',
      'src/identity/sealing-key.ts',
    ],
  },
  {
    // `credential-process` that creates a session.
    file: 'bin-session.cjs',
    late: [
      'src/cli/options/aws-settings.ts',
      'src/cli/options/config-file.ts',
      'src/credentials/cache/write-session.ts',
      'src/files/read-file.ts',
      'src/identity/identity.ts',
      'src/identity/load.ts',
      'src/identity/text-forms.ts',
      'src/session/create-session.ts',
      'src/session/direct.ts',
      'src/signing/canonical-request.ts',
    ],
  },
  { file: 'bin-rest.cjs', late: [] },
];

/**
 * @param {Options} options
 * @returns {Promise<{ inputs: string[] }>} the files inside
 */
export async function buildProgram(options) {
  const targets = await lateModules(options);
  /** @type {Array<{ modules: Set<string>; wanted: Set<string> }>} the modules, and those that later files want */
  const parts = [];
  for (const index of FILES.keys()) {
    const { metafile } = await bundle(options, index, targets, parts);
    const modules = new Set(Object.keys(metafile.inputs).filter(isSource));
    parts.push({ modules, wanted: new Set() });
  }
  // Again, now that it is known what later files want.
  const written = await Promise.all(
    parts.map((_part, index) => bundle(options, index, targets, parts, true)),
  );
  return { inputs: [...new Set(written.flatMap(({ metafile }) => Object.keys(metafile.inputs)))] };
}

/**
 * @param {Options} options
 * @param {number} index in FILES
 * @param {readonly string[]} targets
 * @param {ReadonlyArray<{ modules: ReadonlySet<string>; wanted: Set<string> }>} parts
 */
function bundle(options, index, targets, parts, write = false) {
  const { file } = at(FILES, index);
  const earlier = parts.slice(0, index);
  const roots = targets.filter((path) => fileOf(path) === index);
  const wanted = [...(parts[index]?.wanted ?? [])].sort();
  return build({
    ...options,
    metafile: true,
    write,
    banner: index === 0 ? { js: '#!/usr/bin/env node' } : {},
    stdin: {
      contents: index === 0 ? firstEntry(wanted) : laterEntry(index, roots, wanted),
      resolveDir: options.absWorkingDir,
      sourcefile: file,
    },
    outfile: `dist/${file}`,
    plugins: [acrossFiles(options.absWorkingDir, index, earlier), ...options.plugins],
  });
}

/** @param {readonly string[]} wanted */
function firstEntry(wanted) {
  return `
    require('registry').modules = { ${wanted.map(lateRequire).join('\n')} };
    require('./${ENTRY}');`;
}

/**
 * @param {number} index
 * @param {readonly string[]} roots
 * @param {readonly string[]} wanted
 */
function laterEntry(index, roots, wanted) {
  const before = index === 1 ? '' : `require('./${at(FILES, index - 1).file}').open(modules);`;
  return `
    exports.open = (modules) => {
      const registry = require('registry');
      if (registry.modules === undefined) {
        registry.modules = modules;
        ${before}
        Object.assign(modules, { ${wanted.map(lateRequire).join('\n')} });
      }
      return { ${roots.map(lateRequire).join('\n')} };
    };`;
}

/**
 * A member of an object that requires a module when it is called.
 *
 * @param {string} path from the root
 */
function lateRequire(path) {
  return `'${path}': () => require('./${path}'),`;
}

/**
 * Imports of modules in other files.
 *
 * @param {string} root
 * @param {number} index
 * @param {ReadonlyArray<{ modules: ReadonlySet<string>; wanted: Set<string> }>} earlier what they want is added
 * @returns {import('esbuild').Plugin}
 */
function acrossFiles(root, index, earlier) {
  return {
    name: 'across-files',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\./ }, (args) => {
        const path = sourceOf(root, args);
        if (path === undefined)
          return FILES.some(({ file }) => args.path === `./${file}`) ? { external: true } : undefined;
        const owner = earlier.find(({ modules }) => modules.has(path));
        owner?.wanted.add(path);
        if (owner !== undefined) return { path, namespace: 'earlier' };
        return args.kind === 'dynamic-import' && fileOf(path) > index
          ? { path, namespace: 'later' }
          : undefined;
      });
      onLoad({ filter: /.*/, namespace: 'earlier' }, ({ path }) => ({
        contents: `module.exports = require('registry').modules['${path}']();`,
      }));
      onLoad({ filter: /.*/, namespace: 'later' }, ({ path }) => ({
        contents: `
          const { modules } = require('registry');
          module.exports = require('./${at(FILES, fileOf(path)).file}').open(modules)['${path}']();`,
      }));
      onResolve({ filter: /^registry$/ }, ({ path }) => ({ path, namespace: 'registry' }));
      onLoad({ filter: /.*/, namespace: 'registry' }, () => ({ contents: 'exports.modules = undefined;' }));
    },
  };
}

/**
 * Every module that is the target of an `import()`.
 *
 * @param {Options} options
 */
async function lateModules(options) {
  const { metafile } = await build({
    ...options,
    metafile: true,
    write: false,
    outdir: 'dist',
    entryPoints: [ENTRY],
  });
  const late = Object.values(metafile.inputs)
    .flatMap(({ imports }) => imports)
    .filter(({ kind, path }) => kind === 'dynamic-import' && isSource(path))
    .map(({ path }) => path);
  return [...new Set(late)].sort();
}

/**
 * The index of the file that has a target of `import()`.
 *
 * @param {string} path
 */
function fileOf(path) {
  const index = FILES.findIndex(({ late }) => late.includes(path));
  return index === -1 ? FILES.length - 1 : index;
}

/**
 * @template T
 * @param {readonly T[]} list
 * @param {number} index
 */
function at(list, index) {
  return /** @type {T} */ (list[index]);
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
