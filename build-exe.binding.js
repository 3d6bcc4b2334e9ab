/** The binding of pkcs11js for the program as one file: compiled, and put inside. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const PACKAGE = 'node_modules/pkcs11js';
/** The name of the binding beside the script, and inside the file. */
const DATA = 'rolesanywhere-pkcs11.data';

/**
 * Of the machine that the file is built on: the binding is compiled. Of another one: the variable such as
 * BINDING_LINUX_ARM64 names a binding.
 *
 * @param {string} root
 * @param {string} target
 * @param {boolean} isOwn
 * @param {string} work a folder for what is made on the way
 * @returns {Promise<Buffer | undefined>} undefined where there is none
 */
export async function bindingFor(root, target, isOwn, work) {
  const variable = `BINDING_${target.toUpperCase().replaceAll('-', '_')}`;
  const given = process.env[variable];
  if (given !== undefined) {
    const bytes = await readFile(given);
    const found = architectureOf(bytes);
    if (found !== target.replace('-musl', '')) throw new Error(`${variable} is for ${found}: ${given}`);
    return bytes;
  }
  if (!isOwn) return undefined;
  const copy = join(work, 'pkcs11js');
  await cp(join(root, PACKAGE), copy, {
    recursive: true,
    filter: (path) => !path.endsWith(`${PACKAGE}/build`),
  });
  try {
    // The machine that the file runs on may have no libstdc++.
    const flags = target.startsWith('linux') ? '-static-libstdc++ -static-libgcc -s' : '';
    const env = { ...process.env, LDFLAGS: `${process.env['LDFLAGS'] ?? ''} ${flags}` };
    execFileSync('npm', ['run', 'build'], { cwd: copy, env, stdio: 'pipe' });
    return await readFile(join(copy, 'build', 'Release', 'pkcs11.node'));
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    console.error(
      `${output}pkcs11js cannot be compiled: a C++ compiler, Python and the headers of Node must be there`,
    );
    return undefined;
  }
}

/** Of ELF, Mach-O and PE files: where the number of the processor is, and which it is. */
const FORMATS = [
  { system: 'linux', magic: '7f454c46', at: () => 18, x64: 0x3e, arm64: 0xb7 },
  { system: 'darwin', magic: 'cffaedfe', at: () => 4, x64: 0x07, arm64: 0x0c },
  {
    system: 'windows',
    magic: '4d5a',
    at: (/** @type {Buffer} */ bytes) => bytes.readUInt32LE(0x3c) + 4,
    x64: 0x8664,
    arm64: 0xaa64,
  },
];

/** @param {Buffer} bytes */
function architectureOf(bytes) {
  const format = FORMATS.find(({ magic }) => bytes.toString('hex', 0, magic.length / 2) === magic);
  if (format === undefined) return 'no system that is known';
  const number = bytes.readUInt16LE(format.at(bytes));
  const processor = number === format.x64 ? 'x64' : number === format.arm64 ? 'arm64' : 'unknown';
  return `${format.system}-${processor}`;
}

/**
 * For the bundle: the binding as data, where pkcs11js requires its file; without it, a package that is missing.
 *
 * @param {Buffer | undefined} binding
 * @returns {import('esbuild').Plugin}
 */
export function packBinding(binding) {
  return {
    name: 'pack-binding',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: binding ? /\/pkcs11\.node$/ : /^pkcs11js$/ }, ({ path }) => ({
        path,
        namespace: 'binding',
      }));
      // bun puts the file inside, and gives its path there.
      onResolve({ filter: /\.data$/ }, () => ({ path: `./${DATA}`, external: true }));
      onLoad({ filter: /.*/, namespace: 'binding' }, () => ({
        contents: binding === undefined ? MISSING : unpacking(binding),
        resolveDir: import.meta.dirname,
      }));
    },
  };
}

export const BINDING_FILE = `dist/${DATA}`;

const MISSING = `throw Object.assign(new Error('pkcs11js is not inside'), { code: 'MODULE_NOT_FOUND' });`;

/** @param {Buffer} binding */
function unpacking(binding) {
  const sha256 = createHash('sha256').update(binding).digest('hex');
  return `
    const { unpackBinding } = require('./src/identity/pkcs11/unpack-binding.ts');
    const bytes = require('node:fs').readFileSync(require('./${DATA}'));
    module.exports = unpackBinding(bytes, '${sha256}');`;
}
