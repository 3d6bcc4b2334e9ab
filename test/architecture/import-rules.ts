/** Rules about imports: their direction, cycles, the packages' rooms, effects, and what the library loads. */
import type { Places } from './places.js';
import {
  BUILTINS,
  EMULATOR_DOORS,
  isIn,
  KNOTS,
  LOADED_LATE,
  MAY_IMPORT,
  PACKAGES,
  TYPE_CYCLES,
} from './places.js';
import type { Rule } from './rule.js';
import type { Edge, Files } from './source.js';
import { edgesOf, isBuiltin, isExternal, roomOf } from './source.js';

export function isOutOfPlace(name: string, path: string, table: Places): boolean {
  return !table.some(([names, places]) => names.test(name) && isIn(path, places));
}

function describeEdge({ path, line, from }: Edge): string {
  return `${path}:${line} imports ${from ?? 'a computed path'}`;
}

function placeViolations(edges: readonly Edge[], table: Places): string[] {
  return edges.filter(({ from = '', path }) => isOutOfPlace(from, path, table)).map(describeEdge);
}

function directionViolations(files: Files): string[] {
  return edgesOf(files)
    .filter((edge) => !isAllowed(edge, files))
    .map(describeEdge);
}

function isAllowed(edge: Edge, files: Files): boolean {
  const { path, target, isDynamic, isType } = edge;
  const room = roomOf(path);
  if (isExternal(edge)) return room !== 'errors';
  if (target === undefined || !files.has(target)) return false;
  if (KNOTS.some(([from, to]) => from === path && to === target)) return true;
  if (isIn(path, EMULATOR_DOORS) && roomOf(target) === 'emulator') return isDynamic || isType;
  // A front door opens the folder of its name; nothing in the folder imports the door.
  const isOwnRoom = target.includes('/') && room === roomOf(target);
  return isOwnRoom || MAY_IMPORT[room]?.includes(roomOf(target)) === true;
}

/** The shortest circle through each file, each circle once, from its first file by name. */
export function cyclesOf(edges: readonly Edge[]): string[] {
  const targets = new Map<string, string[]>();
  for (const { path, target } of edges) {
    if (target !== undefined) targets.set(path, [...(targets.get(path) ?? []), target]);
  }
  return [...targets.keys()].flatMap((start) => {
    const circle = shortestCircle(start, targets);
    return circle === undefined || circle.some((path) => path < start) ? [] : [circle.join(' → ')];
  });
}

function shortestCircle(
  start: string,
  targets: ReadonlyMap<string, readonly string[]>,
): string[] | undefined {
  const seen = new Set<string>();
  for (let ways = [[start]]; ways.length > 0; ) {
    const longer = ways.flatMap((way) =>
      (targets.get(way.at(-1) ?? '') ?? []).map((target) => [...way, target]),
    );
    const circle = longer.find((way) => way.at(-1) === start);
    if (circle) return circle.slice(0, -1);
    ways = longer.filter((way) => !seen.has(way.at(-1) ?? '') && seen.add(way.at(-1) ?? ''));
  }
  return undefined;
}

function cycleViolations(files: Files): string[] {
  const edges = edgesOf(files);
  const atRunTime = cyclesOf(edges.filter(({ isType }) => !isType));
  return [...atRunTime, ...cyclesOf(edges).filter((cycle) => !TYPE_CYCLES.includes(cycle))];
}

/** Packages that `index.ts` reaches by static imports. */
export function startUpViolations(files: Files): string[] {
  const edges = edgesOf(files).filter(({ isType, isDynamic }) => !isType && !isDynamic);
  const loaded = new Set(['index.ts']);
  // The set grows while the loop walks it.
  for (const path of loaded) {
    for (const edge of edges) if (edge.path === path && edge.target !== undefined) loaded.add(edge.target);
  }
  return edges
    .filter((edge) => loaded.has(edge.path) && isExternal(edge) && !isBuiltin(edge))
    .map(({ path, line, from }) => `${path}:${line} loads ${from} with the library`);
}

function packagesOf(files: Files): Edge[] {
  return edgesOf(files).filter((edge) => isExternal(edge) && !isBuiltin(edge));
}

export const IMPORT_RULES: readonly Rule[] = [
  {
    name: 'imports run one way: a stage imports those before it, and errors imports nothing',
    violations: directionViolations,
    breaks: [
      ['options/arn.ts', `import type { Settings } from '../session/settings.js';`],
      ['files/home.ts', `import { parseCertificate } from '../identity/certificate.js';`],
      ['authority/authority.ts', `import type { Certificate } from '../identity/certificate.js';`],
      ['identity/check-identity.ts', `export { signRequest } from '../signing/sign-request.js';`],
      ['session/retry.ts', `let a: typeof import('../cli/main.js');`],
      ['session/retry.ts', `export type * from '../credentials/pace.js';`],
      ['identity/keys/pem.ts', `import { VERSION } from '../../index.js';`],
      ['errors.ts', `import { VERSION } from './session/version.js';`],
      ['errors.ts', `import { inspect } from 'node:util';`],
      ['index.ts', `export { main } from './cli/main.js';`],
      ['index.ts', `export { startEmulator } from './emulator/server.js';`],
      ['bin.ts', `import { VERSION } from './session/version.js';`],
      ['emulator/sts/sts.ts', `import { signRequest } from '../../signing/sign-request.js';`],
      ['emulator/sts/sts.ts', `import { parsePem } from '../../identity/keys/pem.js';`],
      ['emulator/sts/sts.ts', `import { startEmulator } from '../../emulator.js';`],
      ['emulator.ts', `export { createSession } from './session/create-session.js';`],
      ['cli/main.ts', `await import('../emulator/server.js');`],
      ['cli/commands/emulator.ts', `import { startEmulator } from '../../emulator/server.js';`],
      ['signing/sign-request.ts', `await import(\`./\${name}.js\`);`],
      ['signing/sign-request.ts', `await import('./sign' + '-request.js');`],
      ['signing/sign-request.ts', `import { a } from './nowhere.js';`],
      ['elsewhere/file.ts', `import { VERSION } from '../session/version.js';`],
    ],
  },
  {
    name: 'imports form no cycle',
    violations: cycleViolations,
    breaks: [
      ['session/endpoint.ts', `import { parseSettings } from './settings.js';`],
      ['session/endpoint.ts', `import type { Settings } from './settings.js';`],
      ['identity/chain.ts', `await import('./load.js');`],
      ['session/version.ts', `import { VERSION } from './version.js';`],
      ['signing/canonical-request.ts', `import { signRequest } from './sign-request.js';`],
    ],
  },
  {
    name: 'each package has its room',
    violations: (files) => placeViolations(packagesOf(files), PACKAGES),
    breaks: [
      ['session/request.ts', `import { SignatureV4Base } from '@smithy/signature-v4';`],
      ['session/retry.ts', `import type { Client } from 'undici';`],
      ['signing/sign-request.ts', `import { AsnParser } from '@peculiar/asn1-schema';`],
      ['identity/certificate.ts', `import { X509Certificate } from '@peculiar/x509';`],
      ['identity/certificate.ts', `import 'reflect-metadata';`],
      ['cli/main.ts', `await import('yargs');`],
      ['cli/main.ts', `import yargs = require('yargs');`],
      ['cli/main.ts', `import { readFile } from 'fs/promises';`],
    ],
  },
  {
    name: 'packages that take long to load are loaded late',
    violations: (files) =>
      packagesOf(files)
        .filter(({ from = '', isDynamic }) => LOADED_LATE.test(from) && !isDynamic)
        .map(describeEdge),
    breaks: [
      ['authority/authority.ts', `import 'reflect-metadata';`],
      ['emulator/pki/trust.ts', `import type { X509Certificate } from '@peculiar/x509';`],
    ],
  },
  {
    name: 'importing the library loads no package: they come with the first session',
    violations: startUpViolations,
    breaks: [
      ['identity/chain.ts', `import { AsnParser } from '@peculiar/asn1-schema';`],
      ['session/transport.ts', `import { Client } from 'undici';`],
    ],
  },
  {
    name: 'files, network and child processes are used in their places only',
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
];
