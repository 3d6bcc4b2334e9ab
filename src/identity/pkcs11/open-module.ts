/** Finds the PKCS#11 module of a URI and the program that runs it. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { platform } from 'node:os';
import { dirname, join } from 'node:path';
import { IdentityError, OptionError, quote } from '../../errors.js';
import type { Environment } from '../../options/choose-values.js';
import { isSingleFile } from '../../options/environment.js';
import { Pkcs11Module } from './module.js';
import { startWorker } from './start-worker.js';
import type { Pkcs11Uri } from './uri.js';

/** p11-kit's proxy shows the tokens of all modules that the system knows. */
const PROXY_MODULES: Readonly<Record<string, string>> = {
  darwin: 'p11-kit-proxy.dylib',
  win32: 'p11-kit-proxy.dll',
};

/** The folders where systems keep modules, for `module-name`. */
const FOLDERS = [
  ...['/usr/lib/pkcs11', '/usr/lib64/pkcs11', '/usr/local/lib/pkcs11', '/opt/homebrew/lib/pkcs11'],
  ...['/usr/lib/x86_64-linux-gnu/pkcs11', '/usr/lib/aarch64-linux-gnu/pkcs11', '/usr/lib/softhsm'],
  ...['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib', '/usr/lib64', '/usr/local/lib'],
];

/**
 * The argument that makes the program as one file run `worker.ts` (build-exe.js). An argument, since anyone
 * who starts the program may set variables for it by mistake.
 */
const SINGLE_FILE_WORKER = 'pkcs11-worker';

/** One process for a module, however often an identity is loaded. */
const open = new Map<string, Pkcs11Module>();

/**
 * @param given the caller's choice of a module: a path, or a name that the dynamic linker finds
 * @throws OptionError `ERR_OPTION_INVALID`: a module-name that no folder has
 */
export function openModule(given: string | undefined, uri: Pkcs11Uri, env: Environment): Pkcs11Module {
  const path =
    given ?? uri.modulePath ?? (uri.moduleName === undefined ? proxyModule() : findModule(uri.moduleName));
  const found = open.get(path) ?? new Pkcs11Module({ path, start: () => startWorker(workerCommand(), env) });
  open.set(path, found);
  return found;
}

function proxyModule(): string {
  return PROXY_MODULES[platform()] ?? 'p11-kit-proxy.so';
}

/** RFC 7512 §2.4: the name has neither a path nor the parts that differ between systems. */
function findModule(name: string): string {
  const files =
    platform() === 'darwin' ? [`${name}.dylib`, `lib${name}.dylib`] : [`${name}.so`, `lib${name}.so`];
  const found = /^[A-Za-z0-9._-]+$/.test(name)
    ? FOLDERS.flatMap((folder) => files.map((file) => join(folder, file))).find((path) => existsSync(path))
    : undefined;
  if (found !== undefined) return found;
  throw new OptionError(
    'ERR_OPTION_INVALID',
    `module-name ${quote(name)} is in none of the folders of PKCS#11 modules`,
    {
      hint: 'name its file with module-path in the URI or --pkcs11-lib',
    },
  );
}

/**
 * Program and arguments that run `worker.ts`: this program, and `dist/pkcs11-worker.cjs`, wherever this code
 * has been bundled to.
 */
function workerCommand(): string[] {
  if (isSingleFile()) return [ownFile(), SINGLE_FILE_WORKER];
  try {
    const manifest = createRequire(import.meta.filename).resolve('rolesanywhere/package.json');
    return [process.execPath, join(dirname(manifest), 'dist', 'pkcs11-worker.cjs')];
  } catch {
    throw new IdentityError(
      'ERR_PKCS11_UNAVAILABLE',
      'keys on PKCS#11 tokens need the package rolesanywhere as it is installed by npm',
      {
        hint: 'leave rolesanywhere out of the bundle (external)',
      },
    );
  }
}

/** This very file, also after an update has put another one in its place. */
function ownFile(): string {
  return platform() === 'linux' ? '/proc/self/exe' : process.execPath;
}
