/**
 * Bundles the program into files, each loaded by the first `import()` of anything in it. V8 parses a file as a
 * whole before it runs: in one file, most of the start would be parsing code that the run does not use.
 *
 * A module is in one of the files only. `registry` is an object that all files share: it has the exports of the
 * modules that other files import, by path.
 *
 * The modules of a file that a run needs as a whole share one scope. esbuild wraps a module that is imported late,
 * and all that it imports, in functions that run when it is; a start would compile and call a hundred of them,
 * which takes 5 ms. So late imports within such a file are made static, and answered from the registry.
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
 * The files, in the order in which runs need them: `late` has the modules that are imported late, of those files
 * whose modules share one scope. The last file has all other modules that are imported late.
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
      'src/files/read-file.ts',
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
const REST = FILES.length - 1;

/**
 * The modules of a file, and those among them that other files want.
 *
 * @typedef {{ modules: Set<string>; wanted: Set<string> }} Part
 */

/**
 * @param {Options} options
 * @returns {Promise<{ inputs: string[] }>} the files inside
 */
export async function buildProgram(options) {
  const targets = await lateModules(options);
  /** @type {Part[]} */
  const parts = [];
  for (const index of FILES.keys()) {
    const { metafile } = await bundle(options, index, targets, parts);
    const modules = new Set(Object.keys(metafile.inputs).filter(isSource));
    parts.push({ modules, wanted: new Set() });
  }
  // Again, now that it is known what each file must give to the others.
  const written = await Promise.all(
    parts.map((_part, index) => bundle(options, index, targets, parts, true)),
  );
  return { inputs: [...new Set(written.flatMap(({ metafile }) => Object.keys(metafile.inputs)))] };
}

/**
 * @param {Options} options
 * @param {number} index in FILES
 * @param {readonly string[]} targets all modules that are imported late
 * @param {readonly Part[]} parts
 */
async function bundle(options, index, targets, parts, write = false) {
  const root = options.absWorkingDir;
  const given = [
    ...targets.filter((path) => fileOf(path) === index),
    ...[...(parts[index]?.wanted ?? [])].sort(),
  ];
  return build({
    ...options,
    metafile: true,
    write,
    stdin: {
      contents: index === 0 ? `import 'registration';\nimport 'entry';` : `import 'registration';`,
      resolveDir: root,
      sourcefile: nameOf(index),
    },
    outfile: `dist/${nameOf(index)}`,
    plugins: [
      acrossFiles(root, index, parts.slice(0, index)),
      virtual('registration', index === REST ? laterExports(given) : await exportsNow(options, given), root),
      ...options.plugins,
    ],
    ...(index === 0 ? FIRST : LATER),
  });
}

const FIRST = { banner: { js: '#!/usr/bin/env node\nconst registry = {};' } };
/**
 * Files that are loaded late run once, when they get the registry. In parentheses, since V8 then compiles the
 * function with the file. It would parse the whole file a second time when the function is called.
 */
const LATER = {
  banner: {
    js: 'let isOpen = false;\nexports.open = (function (registry) {\nif (isOpen) return;\nisOpen = true;',
  },
  footer: { js: '});' },
};

/**
 * Registers modules of a scope that they share.
 *
 * @param {Options} options
 * @param {readonly string[]} paths
 */
async function exportsNow({ absWorkingDir }, paths) {
  const { metafile } = await build({
    absWorkingDir,
    entryPoints: [...paths],
    format: 'esm',
    metafile: true,
    write: false,
    outdir: 'dist',
  });
  const modules = Object.values(metafile.outputs).map(({ entryPoint = '', exports }, module) => {
    const names = exports.map((name) => `${name} as ${name}_${module}`);
    const members = exports.map((name) => `${name}: ${name}_${module}`);
    return [
      `import { ${names.join(', ')} } from './${entryPoint}';`,
      `registry['${entryPoint}'] = () => ({ ${members.join(', ')} });`,
    ];
  });
  return modules.flat().join('\n');
}

/**
 * Registers modules that are run when they are asked for.
 *
 * @param {readonly string[]} paths
 */
function laterExports(paths) {
  return paths.map((path) => `registry['${path}'] = () => require('./${path}');`).join('\n');
}

/**
 * Imports of modules that the registry has, or will have when their file is open.
 *
 * @param {string} root
 * @param {number} index of the file
 * @param {readonly Part[]} earlier what they must give is added
 * @returns {import('esbuild').Plugin}
 */
function acrossFiles(root, index, earlier) {
  return {
    name: 'across-files',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\./ }, (args) => {
        const path = sourceOf(root, args);
        if (path === undefined) return undefined;
        const owner = earlier.findIndex(({ modules }) => modules.has(path));
        earlier[owner]?.wanted.add(path);
        if (owner !== -1) return { path, namespace: 'registered', pluginData: owner };
        if (args.kind !== 'dynamic-import' || (fileOf(path) === index && index === REST)) return undefined;
        return { path, namespace: 'registered', pluginData: fileOf(path) };
      });
      onLoad({ filter: /.*/, namespace: 'registered' }, ({ path, pluginData: owner }) => ({
        contents: `
          ${owner === index || owner === 0 ? '' : `require('./${nameOf(owner)}').open(registry);`}
          module.exports = registry['${path}']();`,
      }));
      onResolve({ filter: /^\.\/bin-\w+\.cjs$/ }, ({ path }) => ({ path, external: true }));
      // Unlike the modules of `package.json`, it has effects.
      onResolve({ filter: /^entry$/ }, () => ({ path: resolve(root, ENTRY), sideEffects: true }));
    },
  };
}

/**
 * A module without a file.
 *
 * @param {string} name
 * @param {string} contents
 * @param {string} resolveDir
 * @returns {import('esbuild').Plugin}
 */
function virtual(name, contents, resolveDir) {
  return {
    name,
    setup({ onResolve, onLoad }) {
      onResolve({ filter: new RegExp(`^${name}$`) }, ({ path }) => ({
        path,
        namespace: name,
        sideEffects: true,
      }));
      onLoad({ filter: /.*/, namespace: name }, () => ({ contents, resolveDir }));
    },
  };
}

/**
 * Every module that is imported late.
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
 * The index of the file that has a module that is imported late.
 *
 * @param {string} path
 */
function fileOf(path) {
  const index = FILES.findIndex(({ late }) => late.includes(path));
  return index === -1 ? REST : index;
}

/** @param {number} index */
function nameOf(index) {
  return FILES[index]?.file ?? '';
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
