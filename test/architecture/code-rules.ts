/** Rules about the code itself: global names, the clock, type escapes, names of files, opening comments. */
import type { Node } from '@babel/types';
import { isReferenced } from '@babel/types';
import { isOutOfPlace } from './import-rules.js';
import { CLOCK_DEFAULTS, GLOBALS, isIn, MAY_IMPORT } from './places.js';
import type { Rule } from './rule.js';
import type { Files, Visit } from './source.js';
import { roomOf, sourceOf } from './source.js';

/** Runs a check on every node of every file. */
function findNodes(files: Files, check: (visit: Visit, path: string) => string | undefined): string[] {
  return typeScript(files).flatMap(([path, text]) =>
    sourceOf(text).visits.flatMap((visit) => {
      const found = check(visit, path);
      return found === undefined ? [] : [`${path}:${visit.line} ${found}`];
    }),
  );
}

function typeScript(files: Files): Array<[path: string, text: string]> {
  return [...files].filter(([path]) => path.endsWith('.ts'));
}

function globalIn({ node, around: [parent, grandparent] }: Visit, path: string): string | undefined {
  if (node.type !== 'Identifier' || !parent || !isReferenced(node, parent, grandparent)) return undefined;
  const { name } = node;
  const isWatched = GLOBALS.some(([names]) => names.test(name));
  return isWatched && isOutOfPlace(name, path, GLOBALS) ? `uses ${name}` : undefined;
}

function clockIn(visit: Visit, path: string): string | undefined {
  const asked = askedClock(visit.node);
  if (asked === undefined) return undefined;
  return isIn(path, CLOCK_DEFAULTS) && isDefault(visit) ? undefined : `asks ${asked}`;
}

/** `new Date(x)` is a value; `new Date()`, `new Date`, `Date()` and `Date.now` are the clock. */
function askedClock(node: Node): string | undefined {
  const isDate = (callee: Node): boolean => callee.type === 'Identifier' && callee.name === 'Date';
  if (node.type === 'NewExpression') {
    return isDate(node.callee) && node.arguments.length === 0 ? 'new Date()' : undefined;
  }
  if (node.type === 'CallExpression') return isDate(node.callee) ? 'Date()' : undefined;
  if (node.type !== 'MemberExpression') return undefined;
  const [object, property] = [nameOf(node.object), nameOf(node.property)];
  const isClock = (object === 'Date' && property === 'now') || (object === 'Math' && property === 'random');
  return isClock ? `${object}.${property}` : undefined;
}

function nameOf(node: Node): string | undefined {
  if (node.type === 'StringLiteral') return node.value;
  return node.type === 'Identifier' ? node.name : undefined;
}

/**
 * The default of a parameter: `now = Date.now`, `now = () => new Date()`, `options.now ?? (() => new Date())`.
 */
function isDefault({ node, around }: Visit): boolean {
  const [parent, grandparent] = around;
  const isBody = parent?.type === 'ArrowFunctionExpression' && parent.body === node;
  const [value, place] = isBody ? [parent, grandparent] : [node, parent];
  if (place?.type === 'AssignmentPattern') return place.right === value && isClockName(place.left);
  if (place?.type !== 'LogicalExpression' || place.operator !== '??') return false;
  const given = place.left.type === 'MemberExpression' ? place.left.property : place.left;
  return place.right === value && isClockName(given);
}

function isClockName(node: Node): boolean {
  return node.type === 'Identifier' && /^(now|random)$/.test(node.name);
}

function escapeIn({ node }: Visit): string | undefined {
  switch (node.type) {
    case 'TSAnyKeyword':
      return 'says any';
    case 'TSEnumDeclaration':
      return 'declares an enum';
    case 'ExportDefaultDeclaration':
      return 'has a default export';
    case 'ExportAllDeclaration':
      return 'exports *';
    case 'ExportSpecifier':
      return nameOf(node.exported) === 'default' ? 'has a default export' : undefined;
    case 'ImportSpecifier':
      return node.importKind === 'type' ? 'mixes types and values in one import' : undefined;
    case 'TSAsExpression':
      return node.expression.type === 'TSAsExpression' ? 'casts twice' : undefined;
    default:
      return undefined;
  }
}

function silencedViolations(files: Files): string[] {
  return typeScript(files).flatMap(([path, text]) =>
    sourceOf(text).comments.flatMap(({ value, loc }) => {
      const found = /@ts-(?:ignore|expect-error|nocheck)|biome-ignore/.exec(value)?.[0];
      return found === undefined ? [] : [`${path}:${loc?.start.line} says ${found}`];
    }),
  );
}

function nameViolations(files: Files): string[] {
  return [...files.keys()]
    .filter((path) => {
      const parts = path.replace(/\.ts$/, '').split('/');
      const isKebab = path.endsWith('.ts') && parts.every((part) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(part));
      const isVague = parts.some((part) => /^(utils?|helpers?|common|shared|misc|types)$/.test(part));
      return !isKebab || isVague || (path.includes('/') && parts.at(-1) === 'index');
    })
    .map((path) => `${path}:1 is named vaguely, is not kebab-case, or is a barrel`);
}

/** The comment must start the file (a `#!` line may come before it) and hold at least one whole sentence. */
function openingViolations(files: Files): string[] {
  return typeScript(files)
    .filter(([, text]) => {
      const start = text.startsWith('#!') ? text.indexOf('\n') + 1 : 0;
      const [first] = sourceOf(text).comments.filter(({ type }) => type === 'CommentBlock');
      const isOpening = first?.start === start && first.value.startsWith('*');
      return !isOpening || !/\w[^.]*\w[.:]/.test(first.value);
    })
    .map(([path]) => `${path}:1 does not open with a comment that says in a sentence what the file does`);
}

export const CODE_RULES: readonly Rule[] = [
  {
    name: 'process belongs to the program; nothing uses the console or the global fetch',
    violations: (files) => findNodes(files, globalIn),
    breaks: [
      ['cli/main.ts', 'process.exit(1);'],
      ['session/transport.ts', `const text = \`\${process.env.HOME}\`;`],
      ['session/settings.ts', 'const { env } = process;'],
      ['session/settings.ts', 'const all = { process };'],
      ['session/settings.ts', 'let env: typeof process.env;'],
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
    violations: (files) => findNodes(files, clockIn),
    breaks: [
      ['signing/sign-request.ts', 'const date = new Date();'],
      ['signing/sign-request.ts', 'const { now = () => new Date() } = context;'],
      ['session/create-session.ts', 'const date = new Date();'],
      ['session/create-session.ts', 'const text = Date();'],
      ['session/create-session.ts', 'const startedAt = Date.now();'],
      ['session/create-session.ts', 'const { now = Date.now() } = context;'],
      ['session/create-session.ts', 'const clock = Date.now;'],
      ['session/create-session.ts', `const clock = Date['now'];`],
      ['identity/check-identity.ts', 'const date = later ?? new Date;'],
      ['emulator/server.ts', 'const at = new Date();'],
      ['session/retry.ts', 'const { random = Math.random } = context;'],
      ['session/create-session.ts', 'const jitter = Math.random();'],
    ],
  },
  {
    name: 'a file lies in a folder of the house',
    violations: (files) =>
      [...files.keys()]
        .filter((path) => MAY_IMPORT[roomOf(path)] === undefined)
        .map((path) => `${path}:1 lies in no folder of the house`),
    breaks: [
      ['helpers.ts', ''],
      ['elsewhere/file.ts', ''],
    ],
  },
  {
    name: 'nothing switches the types or the linter off',
    violations: (files) => [...findNodes(files, escapeIn), ...silencedViolations(files)],
    breaks: [
      ['options/arn.ts', 'const a: any = 1;'],
      ['options/arn.ts', 'let a: Array<any>;'],
      ['options/arn.ts', 'const a = b as any;'],
      ['options/arn.ts', 'const a = b as unknown as string;'],
      ['options/arn.ts', 'export enum A { B }'],
      ['options/arn.ts', 'export default function a() {}'],
      ['options/arn.ts', 'const a = 1; export { a as default };'],
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
    name: 'a file opens with a comment: one sentence what it does',
    violations: openingViolations,
    breaks: [
      ['options/arn.ts', `import { OptionError } from '../errors.js';\n/** Reads ARNs late. */\n`],
      ['options/arn.ts', '// Reads ARNs.\n'],
      ['options/arn.ts', '/** */\n'],
      ['options/arn.ts', '/** ARNs */\n'],
      ['options/arn.ts', '/**\n *\n */\n'],
      ['options/arn.ts', '/* Reads ARNs. */\n'],
      ['bin.ts', '#!/usr/bin/env node\nimport { main } from "./cli/main.js";\n'],
    ],
  },
];
