/** The rule against unused exports: each export is used by another file. */
import type { Node } from '@babel/types';
import type { Rule } from './rule.js';
import type { Files } from './source.js';
import { readFolder, sourceOf, stringOf, targetOf } from './source.js';

/**
 * The files for callers outside `src/`: the two front doors, the program, and the entries of build-exe.js.
 */
const FRONT_DOORS = /^(index|bin|emulator|emulator\/server|identity\/pkcs11\/unpack-binding)\.ts$/;

interface Name {
  readonly name: string;
  readonly line: number;
  readonly isType: boolean;
}

/** The names that a file declares and exports, and those that it passes on from another file. */
function exportsOf(text: string): Name[] {
  return sourceOf(text).visits.flatMap(({ node, line }) => {
    if (node.type !== 'ExportNamedDeclaration') return [];
    const isType = /^TS(?:Interface|TypeAlias)Declaration$/.test(node.declaration?.type ?? '');
    return [...specifiersOf(node), ...declaredNames(node.declaration)].map((name) => ({
      name,
      line,
      isType,
    }));
  });
}

function specifiersOf({ specifiers }: Extract<Node, { type: 'ExportNamedDeclaration' }>): string[] {
  return specifiers.flatMap((item) =>
    item.type === 'ExportSpecifier' ? (nameOf(item.exported) ?? []) : item.exported.name,
  );
}

function declaredNames(node: Node | null | undefined): string[] {
  if (!node) return [];
  if (node.type === 'VariableDeclaration') return node.declarations.flatMap(({ id }) => boundNames(id));
  return 'id' in node && node.id?.type === 'Identifier' ? [node.id.name] : [];
}

function boundNames(node: Node): string[] {
  if (node.type === 'Identifier') return [node.name];
  if (node.type !== 'ObjectPattern') return [];
  return node.properties.flatMap((item) => (item.type === 'ObjectProperty' ? boundNames(item.value) : []));
}

function nameOf(node: Node): string | undefined {
  if (node.type === 'Identifier') return node.name;
  return node.type === 'StringLiteral' ? node.value : undefined;
}

/** Uses by other files: `path name`, or `path *` for a whole module. */
function usesOf(path: string, text: string): string[] {
  return sourceOf(text).visits.flatMap(({ node, around }) => {
    if (node.type === 'ImportDeclaration' || node.type === 'ExportNamedDeclaration') {
      const target = targetOf(path, node.source?.value);
      return node.specifiers.map((item) => `${target} ${importedName(item)}`);
    }
    if (node.type === 'ImportExpression') {
      return takenNames(around).map((name) => `${targetOf(path, stringOf(node.source))} ${name}`);
    }
    if (node.type !== 'TSImportType') return [];
    const name = node.qualifier?.type === 'Identifier' ? node.qualifier.name : '*';
    return [`${targetOf(path, stringOf(node.argument))} ${name}`];
  });
}

function importedName(item: Node): string {
  if (item.type === 'ImportSpecifier') return nameOf(item.imported) ?? '*';
  return item.type === 'ExportSpecifier' ? item.local.name : '*';
}

/** `const { a, b } = await import(…)` takes a and b; any other form counts as the whole module. */
function takenNames(around: readonly Node[]): string[] {
  const [parent, grandparent] = around;
  const declarator = parent?.type === 'AwaitExpression' ? grandparent : undefined;
  if (declarator?.type !== 'VariableDeclarator' || declarator.id.type !== 'ObjectPattern') return ['*'];
  return declarator.id.properties.map((item) =>
    item.type === 'ObjectProperty' ? (nameOf(item.key) ?? '*') : '*',
  );
}

/**
 * Two exports need no other file of `src/`: a type that the exports of its own file mention, and a value that
 * its file uses and a test imports.
 */
function unusedExports(files: Files): string[] {
  const uses = new Set([...files].flatMap(([path, text]) => usesOf(path, text)));
  return [...files]
    .filter(([path]) => path.endsWith('.ts') && !FRONT_DOORS.test(path))
    .flatMap(([path, text]) =>
      exportsOf(text)
        .filter(({ name }) => !uses.has(`${path} ${name}`) && !uses.has(`${path} *`))
        .filter(({ name, isType }) => {
          const isUsedHere = countOf(name, text) > 1;
          return !isUsedHere || !(isType || testUses().has(`${path} ${name}`));
        })
        .map(({ name, line }) => `${path}:${line} exports ${name}, which no other file uses`),
    );
}

function countOf(name: string, text: string): number {
  return sourceOf(text).visits.filter(({ node }) => node.type === 'Identifier' && node.name === name).length;
}

let fromTests: ReadonlySet<string> | undefined;

function testUses(): ReadonlySet<string> {
  fromTests ??= new Set(
    [...readFolder('test')]
      .filter(([path]) => path.endsWith('.ts'))
      // As if `test/` lay in `src/`: `../src/a.js` and `../a.js` are the same file.
      .flatMap(([path, text]) => usesOf(`test/${path}`, text).map((use) => use.replace(/^src\//, '')))
      .filter((use) => !use.endsWith(' *')),
  );
  return fromTests;
}

export const EXPORT_RULE: Rule = {
  name: 'an export is used by another file',
  violations: unusedExports,
  breaks: [
    ['options/arn.ts', 'export function lonely() {}'],
    ['options/arn.ts', 'export const lonely = 1;'],
    ['options/arn.ts', 'export const { lonely } = all;'],
    ['options/arn.ts', 'export interface Lonely {}'],
    ['options/arn.ts', 'export type Lonely = string;'],
    ['options/arn.ts', 'export class Lonely {}'],
    ['options/arn.ts', 'const a = 1; export { a as lonely };'],
    ['options/arn.ts', `export { OptionError as lonely } from '../errors.js';`],
  ],
};
