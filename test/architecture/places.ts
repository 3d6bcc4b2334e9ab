/** The lists behind the rules: what a folder imports, and where effects, packages and the clock are used. */

/**
 * Names that only some files may use: the names, and the files or folders (with `/` at the end) that may. A
 * name without a row has no place yet: add a row, and keep it narrow.
 */
export type Places = ReadonlyArray<readonly [names: RegExp, places: readonly string[]]>;

/** Every file. */
const ANYWHERE = [''];
const NOWHERE: readonly string[] = [];

/** From the base to the front: each top-level folder of `src/` imports those before it. */
export const STAGES = [
  'errors',
  'options',
  'files',
  'measure',
  'authority',
  'identity',
  'signing',
  'session',
  'credentials',
  'cli',
];

/** The imports that each top-level folder or file may have, besides its own files. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(STAGES.map((stage, index) => [stage, STAGES.slice(0, index)])),
  // The base only, so that a mistake in signing cannot verify itself.
  emulator: ['errors', 'options', 'files', 'authority'],
  index: STAGES.filter((stage) => stage !== 'cli'),
  bin: ['cli'],
};

/** Imports against the direction. The list only gets shorter: remove a row with the import that it excuses. */
export const KNOTS: ReadonlyArray<readonly [path: string, target: string]> = [];

/** Files that load the emulator, by `import()` only, so that no other run pays for it. */
export const EMULATOR_DOORS = ['cli/commands/emulator.ts', 'cli/commands/doctor.ts'];

/** Type imports count too, since the published types need the package. */
export const PACKAGES: Places = [
  [/^@smithy\/signature-v4$/, ['signing/']],
  [/^undici$/, ['session/proxy.ts']],
  [/^(@peculiar\/x509|reflect-metadata)$/, ['authority/']],
  [/^pkijs$/, ['identity/pkcs12.ts']],
  [/^pkcs11js$/, ['identity/pkcs11/worker.ts']],
  [/^@noble\/post-quantum\//, ['identity/keys/ml-dsa.ts', 'emulator/pki/public-key.ts']],
];

/** Packages that take long to load: only `import()` may name them. */
export const LOADED_LATE = /^(@peculiar\/x509|reflect-metadata)$/;

/** Modules of Node. Type imports do not count. */
export const BUILTINS: Places = [
  [/^node:(buffer|crypto|events|path|timers\/promises|util)$/, ANYWHERE],
  [
    /^node:fs(\/promises)?$/,
    [
      ...['files/', 'identity/inputs.ts', 'session/system-trust.ts'],
      ...['credentials/cache/folder.ts', 'credentials/cache/entries.ts'],
      ...['identity/tpm/device.ts', 'identity/pkcs11/worker.ts', 'identity/pkcs11/open-module.ts'],
      'identity/pkcs11/unpack-binding.ts',
      ...['cli/serve/listen.ts', 'cli/commands/emulator.ts'],
      ...['cli/terminal/prompt.ts', 'cli/terminal/quick-output.ts'],
      // /proc, to tell the foreground of the terminal.
      'cli/exec/foreground.ts',
    ],
  ],
  // Key derivations that would block the event loop.
  [/^node:worker_threads$/, ['identity/keys/hash-kdf.ts']],
  // systemd-notify; the command of `exec`; the process that runs a PKCS#11 module; a signing program of the
  // user's.
  [
    /^node:child_process$/,
    [
      'cli/terminal/service-manager.ts',
      'cli/exec/child.ts',
      'identity/pkcs11/start-worker.ts',
      'identity/sign-command.ts',
    ],
  ],
  // The worker's requests by line; its file, wherever library and program have been bundled to.
  [/^node:(readline|module)$/, ['identity/pkcs11/worker.ts', 'identity/pkcs11/open-module.ts']],
  // The home of the user, the folder for temporary files, and the addresses and the name of this machine.
  [
    /^node:os$/,
    [
      ...['files/owner.ts', 'files/home.ts', 'credentials/cache/folder.ts'],
      ...['identity/external-key.ts', 'identity/pkcs11/open-module.ts'],
      'identity/pkcs11/unpack-binding.ts',
      ...['cli/commands/emulator.ts', 'cli/commands/serve.ts', 'cli/exec/private-endpoint.ts', 'bin.ts'],
    ],
  ],
  // The size of the young generation.
  [/^node:v8$/, ['cli/commands/serve.ts']],
  // Whether the name of the service can be resolved.
  [/^node:dns\/promises$/, ['cli/doctor/probe.ts']],
  // The terminal itself, to read a passphrase without echo.
  [/^node:tty$/, ['cli/terminal/prompt.ts']],
  [
    /^node:(net|http|https|tls|http2)$/,
    [
      ...['session/proxy.ts', 'session/no-proxy.ts', 'cli/serve/', 'emulator/listen.ts'],
      ...['identity/tpm/device.ts', 'cli/doctor/probe.ts'],
      // A socket as standard input cannot be opened by its name.
      'files/read-bytes.ts',
    ],
  ],
];

/** Global names with effects. */
export const GLOBALS: Places = [
  // files/owner: a lock names its holder by the process id. files/umask: sockets have no mode of their own.
  // files/act-as: ids belong to the process.
  // identity/pkcs11: the module runs in a process of its own, by this process's program; the one-file program
  // loads the binding with process.dlopen.
  [
    /^process$/,
    [
      ...['bin.ts', 'options/environment.ts', 'files/owner.ts', 'files/umask.ts', 'files/act-as.ts'],
      ...['identity/pkcs11/worker.ts', 'identity/pkcs11/open-module.ts', 'identity/pkcs11/unpack-binding.ts'],
    ],
  ],
  [/^(console|fetch|WebSocket|EventSource|globalThis|global|require|eval)$/, NOWHERE],
  // It loads ten modules of Node: `stopwatch` of options/environment measures time.
  [/^performance$/, NOWHERE],
];

/** Where `now = () => new Date()` or `random = Math.random` may be the default of a parameter. */
export const CLOCK_DEFAULTS = [
  ...[
    'session/create-session.ts',
    'session/call-service.ts',
    'credentials/',
    'identity/load.ts',
    'identity/check-identity.ts',
  ],
  'identity/external-key.ts',
  ...['authority/', 'emulator/', 'cli/commands/'],
];

/**
 * Circles of type imports: harmless at run time, but there is no order to read the files in. The list only
 * gets shorter.
 */
export const TYPE_CYCLES: readonly string[] = [];

/** Whether a file is one of the places, or lies in one of them. */
export function isIn(path: string, places: readonly string[]): boolean {
  return places.some((place) => path === place || (/^$|\/$/.test(place) && path.startsWith(place)));
}
