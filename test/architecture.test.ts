/**
 * The house, proved: each rule is a function from files to violations. It must find none in `src/`, and it must
 * find each of its `breaks`: a file that is laid over `src/` in memory and breaks the rule once.
 *
 * Left to biome: unused imports, names of variables, and the length of functions that no `function` declares.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import type { Import } from './scan-source.js';
import { codeOf as scanCode, importsOf as scanImports } from './scan-source.js';

/** Text by path below `src/`, such as `signing/sign-request.ts`. */
type Files = ReadonlyMap<string, string>;

interface Rule {
  readonly name: string;
  /** What breaks the rule: `path:line what`. */
  readonly violations: (files: Files) => string[];
  readonly breaks: ReadonlyArray<readonly [path: string, text: string]>;
}

/** Something that only some files may use. */
type Places = ReadonlyArray<readonly [name: RegExp, places: RegExp]>;

/** From the base to the front: each folder imports those before it. */
const STAGES = [
  'errors',
  'options',
  'files',
  'authority',
  'identity',
  'signing',
  'session',
  'credentials',
  'cli',
];

/** What each top-level folder or file may import, besides its own files. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(STAGES.map((stage, index) => [stage, STAGES.slice(0, index)])),
  // The base only, so that a mistake in signing cannot verify itself.
  emulator: ['errors', 'options', 'files', 'authority'],
  index: STAGES.filter((stage) => stage !== 'cli'),
  bin: ['cli'],
};

/** Imports against the direction that the pure move has shown. The list may only get shorter. */
const KNOTS: ReadonlyArray<readonly [path: string, target: string]> = [
  ['emulator/server.ts', 'cli/options/command-options.ts'],
  ['emulator/service.ts', 'cli/options/command-options.ts'],
  ['emulator/service.ts', 'session/session-options.ts'],
  ['emulator/account/account.ts', 'session/endpoint.ts'],
  ['emulator/faults/faults-route.ts', 'session/endpoint.ts'],
];

/** Types count too: they come with the package. */
const PACKAGES: Places = [
  [/^@smithy\/signature-v4$/, /^signing\//],
  [/^undici$/, /^session\/(transport|proxy)\.ts$/],
  [/^@peculiar\/asn1-[a-z0-9-]+$/, /^identity\//],
  [/^(@peculiar\/x509|reflect-metadata)$/, /^authority\//],
  [/^pkijs$/, /^identity\/pkcs12\.ts$/],
  [/^@noble\/post-quantum\//, /^(identity\/keys\/ml-dsa|emulator\/pki\/public-key)\.ts$/],
];

const ANYWHERE = /^/;
const NOWHERE = /^(?!)/;

/** Types don't count. A module that is not here has no room yet: whoever needs it gives it one. */
const BUILTINS: Places = [
  [/^node:(buffer|crypto|events|path|timers\/promises|util)$/, ANYWHERE],
  [
    /^node:fs(\/promises)?$/,
    /^(files\/[a-z-]+|identity\/load|credentials\/cache\/folder|cli\/(update\/shared-credentials|serve\/(listen|token-file)|terminal\/prompt|commands\/emulator))\.ts$/,
  ],
  // systemd is spoken to by a program of its own.
  [/^node:child_process$/, /^cli\/terminal\/service-manager\.ts$/],
  // The folder for temporary files, the home of a user.
  [/^node:os$/, /^(files\/(owner|home)|credentials\/cache\/folder|cli\/commands\/emulator)\.ts$/],
  // The terminal itself, for what must not be echoed.
  [/^node:tty$/, /^cli\/terminal\/prompt\.ts$/],
  [
    /^node:(net|http|https|tls|http2)$/,
    /^(session\/(transport|proxy|no-proxy)\.ts|cli\/serve\/[a-z-]+\.ts|emulator\/listen\.ts)$/,
  ],
];

/** Names that reach out of the program. */
const GLOBALS: Places = [
  // A lock knows its holder by the number of its process.
  [/^process$/, /^(bin|options\/environment|files\/owner)\.ts$/],
  [/^(console|fetch|WebSocket|EventSource|globalThis|global|require|eval)$/, NOWHERE],
  // A stopwatch, not a clock: it tells how long a call has taken.
  [/^performance$/, /^session\/limit\.ts$/],
];

/** Where the clock and the dice may be the default of a parameter, and how that is written. */
const DEFAULT_PLACES =
  /^(session\/create-session|credentials\/[a-z-]+|identity\/(load|check-identity)|authority\/[a-z-]+|emulator\/([a-z]+\/)?[a-z-]+|cli\/commands\/[a-z-]+)\.ts$/;
const DEFAULT_FORM = /(\bnow = \(\) =>|\bnow =|\bnow \?\?|\brandom =) $/;

/**
 * Files of one room that name each other's types: harmless when run, yet there is no order to read them in.
 * The list may only get shorter.
 */
const TYPE_CYCLES: readonly string[] = [];

/** Each text is scanned once, however many rules look at it. */
function once<T>(scan: (text: string) => T): (text: string) => T {
  const results = new Map<string, T>();
  return (text) => {
    const result = results.get(text) ?? scan(text);
    results.set(text, result);
    return result;
  };
}

const codeOf = once(scanCode);
const importsOf = once(scanImports);

interface Edge extends Import {
  readonly path: string;
  /** The path of what is imported, where it is one of ours. */
  readonly target: string | undefined;
}

function edgesOf(files: Files): Edge[] {
  return [...files].flatMap(([path, text]) =>
    importsOf(text).map((found) => ({ ...found, path, target: targetOf(path, found.from) })),
  );
}

function targetOf(path: string, from: string | undefined): string | undefined {
  if (from === undefined || !/^[./]/.test(from)) return undefined;
  return new URL(from, `file:///${path}`).pathname.slice(1).replace(/\.js$/, '.ts');
}

/** The folder of a file, or the name of a file that lies in none: `signing`, `errors`. */
function roomOf(path: string): string {
  return path.replace(/\/.*|\.ts$/, '');
}

function isExternal({ from, target }: Edge): boolean {
  return from !== undefined && target === undefined;
}

function isBuiltin({ from }: Edge): boolean {
  return from?.startsWith('node:') === true;
}

function outOfPlace(name: string, path: string, table: Places): boolean {
  return !table.some(([names, places]) => names.test(name) && places.test(path));
}

function placeViolations(edges: readonly Edge[], table: Places): string[] {
  return edges
    .filter(({ from = '', path }) => outOfPlace(from, path, table))
    .map(({ from, path, line }) => `${path}:${line} imports ${from}`);
}

function orderViolations(files: Files): string[] {
  return edgesOf(files)
    .filter((edge) => !isInOrder(edge, files))
    .map(({ path, line, from }) => `${path}:${line} imports ${from ?? 'what nobody can tell'}`);
}

function isInOrder(edge: Edge, files: Files): boolean {
  const { path, target, isDynamic, isType } = edge;
  const room = roomOf(path);
  if (isExternal(edge)) return room !== 'errors';
  if (target === undefined || !files.has(target)) return false;
  if (KNOTS.some(([from, to]) => from === path && to === target)) return true;
  // The one door to the emulator, and it opens only for those who ask for it.
  if (path === 'cli/commands/emulator.ts' && roomOf(target) === 'emulator') return isDynamic || isType;
  const isOwnRoom = path.includes('/') && room === roomOf(target);
  return isOwnRoom || MAY_IMPORT[room]?.includes(roomOf(target)) === true;
}

/** The shortest circle through each file, told from its first file by name. */
function cyclesOf(edges: readonly Edge[]): string[] {
  return [...new Set(edges.map(({ path }) => path))].flatMap((start) => {
    const circle = shortestCircle(start, edges);
    return circle === undefined || circle.some((path) => path < start) ? [] : [circle.join(' → ')];
  });
}

function shortestCircle(start: string, edges: readonly Edge[]): string[] | undefined {
  const seen = new Set<string>();
  for (let ways = [[start]]; ways.length > 0; ) {
    const longer = ways.flatMap((way) =>
      edges
        .filter(({ path, target }) => path === way.at(-1) && target !== undefined)
        .map(({ target = '' }) => [...way, target]),
    );
    const circle = longer.find((way) => way.at(-1) === start);
    if (circle) return circle.slice(0, -1);
    ways = longer.filter((way) => !seen.has(way.at(-1) ?? '') && seen.add(way.at(-1) ?? ''));
  }
  return undefined;
}

function cycleViolations(files: Files): string[] {
  const edges = edgesOf(files);
  const running = cyclesOf(edges.filter(({ isType }) => !isType));
  return [...running, ...cyclesOf(edges).filter((cycle) => !TYPE_CYCLES.includes(cycle))];
}

/** Words of the code that are names by themselves: not `a.name`, not `{ name: … }`. */
/** What `index.ts` loads before anything is called: a program that imports the library may never ask for credentials. */
function importViolations(files: Files): string[] {
  const edges = edgesOf(files).filter(({ isType, isDynamic }) => !isType && !isDynamic);
  const loaded = new Set(['index.ts']);
  // Grows while it is walked.
  for (const path of loaded) {
    for (const edge of edges) if (edge.path === path && edge.target !== undefined) loaded.add(edge.target);
  }
  return edges
    .filter((edge) => loaded.has(edge.path) && isExternal(edge) && !isBuiltin(edge))
    .map(({ path, line, from }) => `${path}:${line} loads ${from} with the library`);
}

function globalViolations(files: Files): string[] {
  return [...files].flatMap(([path, text]) => {
    const code = codeOf(text);
    return code
      .filter(({ kind }, index) => kind === 'word' && !/^\??\.$/.test(code[index - 1]?.text ?? ''))
      .filter(
        ({ text: word }) => GLOBALS.some(([name]) => name.test(word)) && outOfPlace(word, path, GLOBALS),
      )
      .map(({ line, text: word }) => `${path}:${line} uses ${word}`);
  });
}

function clockViolations(files: Files): string[] {
  return [...files].flatMap(([path, text]) => {
    const code = codeOf(text);
    const written = code.map((token) => token.text);
    return code.flatMap(({ line }, index) => {
      const found = clockAt(written.slice(index, index + 4));
      const before = `${written.slice(Math.max(0, index - 5), index).join(' ')} `.replace('( )', '()');
      const isDefault = DEFAULT_PLACES.test(path) && DEFAULT_FORM.test(before);
      return found === undefined || written[index - 1] === '.' || isDefault
        ? []
        : [`${path}:${line} asks ${found}`];
    });
  });
}

/** `new Date(x)` is a value; `new Date()`, `new Date`, `Date()` and `Date.now` are the clock. */
function clockAt([first, second, third, fourth]: readonly string[]): string | undefined {
  if (first === 'new' && second === 'Date') {
    return third !== '(' || fourth === ')' ? 'new Date()' : undefined;
  }
  if (first === 'Date' && second === '.' && third === 'now') return 'Date.now';
  if (first === 'Math' && second === '.' && third === 'random') return 'Math.random';
  return undefined;
}

function folderViolations(files: Files): string[] {
  return [...files.keys()]
    .filter((path) => MAY_IMPORT[roomOf(path)] === undefined)
    .map((path) => `${path}:1 lies in no room`);
}

function styleViolations(files: Files): string[] {
  return [...files].flatMap(([path, text]) => {
    const code = codeOf(text);
    const words = code.flatMap(({ kind, text: word, line }, index) => {
      if (kind !== 'word') return [];
      const [before, after] = [code[index - 1]?.text ?? '', code[index + 1]?.text ?? ''];
      const isBad =
        (word === 'any' && before !== '.' && after !== '(') ||
        (word === 'enum' && before !== '.') ||
        (word === 'default' && (before === 'export' || before === 'as')) ||
        (word === 'export' && after === '*') ||
        (word === 'type' && /^[{,]$/.test(before) && /^[A-Za-z$_]/.test(after));
      return isBad ? [`${path}:${line} says ${before} ${word} ${after}`] : [];
    });
    const silenced = /@ts-(ignore|expect-error|nocheck)|biome-ignore/.exec(text)?.[0];
    return silenced === undefined ? words : [...words, `${path}:1 says ${silenced}`];
  });
}

function nameViolations(files: Files): string[] {
  return [...files.keys()]
    .filter((path) => {
      const parts = path.replace(/\.ts$/, '').split('/');
      const isKebab = path.endsWith('.ts') && parts.every((part) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(part));
      const isVague = parts.some((part) => /^(utils?|helpers?|common|shared|misc|types)$/.test(part));
      return !isKebab || isVague || (path.includes('/') && parts.at(-1) === 'index');
    })
    .map((path) => `${path}:1 says nothing by its name, or is not kebab-case, or is a barrel`);
}

function openingViolations(files: Files): string[] {
  return [...files]
    .filter(([, text]) => !/^\/\*\*\s+(\*\s+)?[^\s*]/.test(text.replace(/^#!.*\n/, '')))
    .map(([path]) => `${path}:1 does not open with a comment that tells what goes in and what comes out`);
}

const RULES: readonly Rule[] = [
  {
    name: 'a stage imports what is to its left, and errors; errors imports nothing',
    violations: orderViolations,
    breaks: [
      ['options/arn.ts', `import type { Settings } from '../settings/settings.js';`],
      ['identity/check-identity.ts', `export { signRequest } from '../signing/sign-request.js';`],
      ['session/retry.ts', `let a: typeof import('../cli/main.js');`],
      ['identity/keys/pem.ts', `import { VERSION } from '../index.js';`],
      ['errors.ts', `import { VERSION } from './settings/version.js';`],
      ['errors.ts', `import { inspect } from 'node:util';`],
      ['index.ts', `export { main } from './cli/main.js';`],
      ['cli/terminal/io.ts', `import { readSession } from '../inputs/session.js';`],
      ['index.ts', `export { readSession } from './inputs/session.js';`],
      ['index.ts', `export { startEmulator } from './emulator/server.js';`],
      ['bin.ts', `import { VERSION } from './index.js';`],
      ['emulator/sts/sts.ts', `import { signRequest } from '../signing/sign-request.js';`],
      ['emulator/sts/sts.ts', `import { parsePem } from '../keys/pem.js';`],
      ['emulator/wire/handler.ts', `import { parseTrustAnchor } from '../emulator-pki/trust.js';`],
      ['cli/main.ts', `await import('../emulator/server.js');`],
      ['cli/commands/emulator.ts', `import { startEmulator } from '../emulator/server.js';`],
      ['signing/sign-request.ts', `await import(\`./\${name}.js\`);`],
      ['signing/sign-request.ts', `import { a } from './nowhere.js';`],
      ['elsewhere/file.ts', `import { VERSION } from '../settings/version.js';`],
    ],
  },
  {
    name: 'no file imports itself by way of others',
    violations: cycleViolations,
    breaks: [
      ['session/endpoint.ts', `import { parseSettings } from './settings.js';`],
      ['session/endpoint.ts', `import type { Settings } from './settings.js';`],
      ['identity/chain.ts', `await import('./load.js');`],
      ['session/version.ts', `import { VERSION } from './version.js';`],
      // One of those that are let pass for their types, become real.
      ['signing/canonical-request.ts', `import { signRequest } from './sign-request.js';`],
    ],
  },
  {
    name: 'each package has its room',
    violations: (files) =>
      placeViolations(
        edgesOf(files).filter((edge) => isExternal(edge) && !isBuiltin(edge)),
        PACKAGES,
      ),
    breaks: [
      ['session/request.ts', `import { SignatureV4Base } from '@smithy/signature-v4';`],
      ['session/retry.ts', `import type { Client } from 'undici';`],
      ['signing/sign-request.ts', `import { AsnParser } from '@peculiar/asn1-schema';`],
      ['identity/certificate.ts', `import { X509Certificate } from '@peculiar/x509';`],
      ['identity/certificate.ts', `import 'reflect-metadata';`],
      ['cli/main.ts', `await import('yargs');`],
      ['cli/main.ts', `import { readFile } from 'fs/promises';`],
    ],
  },
  {
    name: 'what builds certificates is loaded by those who build some',
    violations: (files) =>
      edgesOf(files)
        .filter(({ from = '', isDynamic }) => /^(@peculiar\/x509|reflect-metadata)$/.test(from) && !isDynamic)
        .map(({ from, path, line }) => `${path}:${line} imports ${from}`),
    breaks: [
      ['authority/authority.ts', `import 'reflect-metadata';`],
      ['emulator/pki/trust.ts', `import type { X509Certificate } from '@peculiar/x509';`],
    ],
  },
  {
    name: 'importing the library loads no package: they come with the first session',
    violations: importViolations,
    breaks: [
      ['identity/chain.ts', `import { AsnParser } from '@peculiar/asn1-schema';`],
      ['session/transport.ts', `import { Client } from 'undici';`],
    ],
  },
  {
    name: 'files and network are touched in their places alone',
    violations: (files) =>
      placeViolations(
        edgesOf(files).filter((edge) => isBuiltin(edge) && !edge.isType),
        BUILTINS,
      ),
    breaks: [
      ['identity/keys/pem.ts', `import { readFileSync } from 'node:fs';`],
      ['identity/chain.ts', `import { stat } from 'node:fs/promises';`],
      ['credentials/cache/sealed-session.ts', `import { readFileSync } from 'node:fs';`],
      ['cli/update/shared-credentials.ts', `import { homedir } from 'node:os';`],
      ['session/settings.ts', `import { readFile } from 'node:fs/promises';`],
      ['session/response.ts', `import { request } from 'node:https';`],
      ['emulator/wire/handler.ts', `import { createServer } from 'node:http';`],
      ['emulator/server.ts', `import { createServer } from 'node:http';`],
      ['cli/main.ts', `await import('node:net');`],
      ['identity/load.ts', `import { ReadStream } from 'node:tty';`],
      ['cli/main.ts', `import { spawn } from 'node:child_process';`],
      ['cli/terminal/log.ts', `import { spawn } from 'node:child_process';`],
      ['signing/sign-request.ts', `import { env } from 'node:process';`],
    ],
  },
  {
    name: 'process belongs to the program, the console and the global fetch to nobody',
    violations: globalViolations,
    breaks: [
      ['cli/main.ts', 'process.exit(1);'],
      ['session/transport.ts', `const text = \`\${process.env.HOME}\`;`],
      ['session/settings.ts', 'const { env } = process;'],
      ['session/create-session.ts', `console.log('here');`],
      ['emulator/server.ts', 'const { log = console.error } = options;'],
      ['session/transport.ts', 'await fetch(url);'],
      ['files/lock.ts', 'const { pid } = process;'],
      ['cli/main.ts', `globalThis['process'].exit(1);`],
      ['identity/load.ts', `const fs = require('node:fs');`],
      ['signing/sign-request.ts', 'const at = performance.now();'],
    ],
  },
  {
    name: 'the clock and the dice are parameters',
    violations: clockViolations,
    breaks: [
      ['signing/sign-request.ts', 'const date = new Date();'],
      ['signing/sign-request.ts', 'const { now = () => new Date() } = context;'],
      ['session/create-session.ts', 'const date = new Date();'],
      ['session/create-session.ts', 'const startedAt = Date.now();'],
      ['session/create-session.ts', 'const clock = Date.now;'],
      ['identity/check-identity.ts', 'return later ?? new Date;'],
      ['emulator/server.ts', 'const at = new Date();'],
      ['session/retry.ts', 'const { random = Math.random } = context;'],
      ['session/create-session.ts', 'const jitter = Math.random();'],
    ],
  },
  {
    name: 'a file lies in a folder of the house',
    violations: folderViolations,
    breaks: [
      ['helpers.ts', ''],
      ['elsewhere/file.ts', ''],
    ],
  },
  {
    name: 'nothing switches the types off',
    violations: styleViolations,
    breaks: [
      ['options/arn.ts', 'const a: any = 1;'],
      ['options/arn.ts', 'let a: Array<any>;'],
      ['options/arn.ts', 'const a = b as any;'],
      ['options/arn.ts', 'export enum A { B }'],
      ['options/arn.ts', 'export default function a() {}'],
      ['options/arn.ts', 'export { a as default };'],
      ['index.ts', `export * from './errors.js';`],
      ['options/arn.ts', `import { type OptionError } from '../errors.js';`],
      ['options/arn.ts', `import { a, type OptionError } from '../errors.js';`],
      ['options/arn.ts', '// @ts-ignore'],
      ['options/arn.ts', '/* @ts-expect-error */'],
      ['options/arn.ts', '// biome-ignore lint: because'],
    ],
  },
  {
    name: 'a file is named after one thing, in kebab-case',
    violations: nameViolations,
    breaks: [
      ['signing/signRequest.ts', ''],
      ['signing/sign_request.ts', ''],
      ['signing/types.ts', ''],
      ['signing/index.ts', ''],
      ['cli/utils.ts', ''],
      ['common.ts', ''],
      ['signing/notes.md', ''],
    ],
  },
  {
    name: 'a file opens with what goes in and what comes out',
    violations: openingViolations,
    breaks: [
      ['options/arn.ts', `import { OptionError } from '../errors.js';\n/** Late. */\n`],
      ['options/arn.ts', '// One line.\n'],
      ['options/arn.ts', '/** */\n'],
      ['options/arn.ts', '/**\n *\n */\n'],
      ['bin.ts', '#!/usr/bin/env node\nimport { main } from "./cli/main.js";\n'],
    ],
  },
];

const root = join(import.meta.dirname, '..');

const SOURCES: Files = new Map(
  readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /\.\w+$/.test(path))
    .map((path) => [path, readFileSync(join(root, 'src', path), 'utf8')]),
);

describe.each(RULES)('$name', ({ violations, breaks }) => {
  it('holds', () => {
    expect(violations(SOURCES)).toEqual([]);
  });

  it.each(breaks.map(([path, text]) => [path, text.replace(/\n[\s\S]*/, ' …'), text] as const))(
    'would be broken by %s: %s',
    (path, _firstLine, text) => {
      const known = violations(SOURCES);
      const found = violations(new Map([...SOURCES, [path, text]])).filter((line) => !known.includes(line));
      expect(found).toContainEqual(expect.stringContaining(path));
    },
  );
});

describe('importing the library loads no package', () => {
  it('by way of others either', () => {
    const text = `import { parseCertificate } from '../identity/certificate.js';`;
    const found = importViolations(new Map([...SOURCES, ['identity/check-identity.ts', text]]));
    expect(found).toContainEqual(expect.stringMatching(/^identity\/certificate\.ts:.*asn1-schema/));
  });
});

describe('the lists of this test', () => {
  it('lets no cycle of types pass that is gone', () => {
    expect(cyclesOf(edgesOf(SOURCES)).sort()).toEqual(TYPE_CYCLES);
  });

  it('reads imports as esbuild reads them', async () => {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: [...SOURCES.keys()].map((path) => `src/${path}`),
      packages: 'external',
      bundle: true,
      platform: 'node',
      format: 'esm',
      outdir: 'nowhere',
      write: false,
      metafile: true,
    });
    const theirs = Object.entries(metafile.inputs).flatMap(([path, { imports }]) =>
      imports.map(({ path: to, kind }) => `${path} ${kind} ${to}`),
    );
    const ours = edgesOf(SOURCES)
      .filter(({ isType }) => !isType)
      .map(({ path, from, target, isDynamic }) => {
        const kind = isDynamic ? 'dynamic-import' : 'import-statement';
        return `src/${path} ${kind} ${target === undefined ? from : `src/${target}`}`;
      });
    expect(new Set(ours)).toEqual(new Set(theirs));
  });
});

describe('the project', () => {
  it('has its map in the README', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const rooms = (line: string) => new RegExp(`^${line} +(.*)$`, 'm').exec(readme)?.[1]?.split(' ');
    expect([
      ...(rooms('the base') ?? []),
      ...(rooms('the library') ?? []),
      ...(rooms('the program') ?? []),
    ]).toEqual(STAGES);
    expect(rooms('beside it')).toEqual(['emulator']);
  });

  it('has no folder that the house does not know', () => {
    const folders = readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .filter((name) => !['.git', 'node_modules', 'dist', 'coverage'].includes(name));
    expect(['.ci', 'certs', 'examples', 'src', 'test']).toEqual(expect.arrayContaining(folders));
  });

  it('depends on the packages that it imports, and on no others', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const imported = edgesOf(SOURCES)
      .filter((edge) => isExternal(edge) && !isBuiltin(edge))
      .map(({ from = '' }) => /^(@[^/]+\/)?[^/]+/.exec(from)?.[0]);
    expect(Object.keys(dependencies).sort()).toEqual([...new Set(imported)].sort());
  });

  it('has the files that these rules are about', () => {
    for (const path of ['bin.ts', 'errors.ts', 'index.ts', 'options/environment.ts', 'identity/load.ts']) {
      expect(existsSync(join(root, 'src', path)), path).toBe(true);
    }
    expect(SOURCES.size).toBeGreaterThan(30);
  });
});
