/** Parses the sources with Babel and finds imports, nodes and comments for the rules. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from '@babel/parser';
import type { Comment, Node, TraversalAncestors } from '@babel/types';
import { traverse } from '@babel/types';

/** Text by path below `src/`, such as `signing/sign-request.ts`. */
export type Files = ReadonlyMap<string, string>;

export interface Import {
  /** The module as written; undefined if it is computed. */
  readonly from: string | undefined;
  /** Erased before the program runs: `import type`, `export type … from`, `typeof import(…)`. */
  readonly isType: boolean;
  readonly isDynamic: boolean;
  readonly line: number;
}

/** An import, with the file that has it and the file of ours that it names. */
export interface Edge extends Import {
  readonly path: string;
  readonly target: string | undefined;
}

/** A node and the nodes around it, the innermost first. */
export interface Visit {
  readonly node: Node;
  readonly around: readonly Node[];
  readonly line: number;
}

export interface Source {
  readonly visits: readonly Visit[];
  readonly comments: readonly Comment[];
}

export const ROOT = join(import.meta.dirname, '..', '..');

/** @param folder below the root of the project; every file with an extension counts */
export function readFolder(folder: string): Files {
  return new Map(
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .map((path) => path.replaceAll('\\', '/'))
      .filter((path) => /\.\w+$/.test(path) && !path.endsWith('README.md'))
      .map((path) => [path, readFileSync(join(ROOT, folder, path), 'utf8')]),
  );
}

const parsed = new Map<string, Source>();
const imports = new Map<string, readonly Import[]>();

/**
 * Parses a text once, however many rules look at it.
 *
 * @throws SyntaxError
 */
export function sourceOf(text: string): Source {
  const source = parsed.get(text) ?? read(text);
  parsed.set(text, source);
  return source;
}

function read(text: string): Source {
  const file = parse(text, {
    sourceType: 'module',
    plugins: ['typescript'],
    createImportExpressions: true,
    attachComment: false,
  });
  const visits: Visit[] = [];
  traverse(file.program, (node: Node, ancestors: TraversalAncestors) => {
    const around = ancestors.map((ancestor) => ancestor.node).reverse();
    visits.push({ node, around, line: node.loc?.start.line ?? 0 });
  });
  return { visits, comments: file.comments ?? [] };
}

/** The imports of a file in their order, type imports and `import()` included. Found once a text. */
export function importsOf(text: string): readonly Import[] {
  const found = imports.get(text) ?? findImports(text);
  imports.set(text, found);
  return found;
}

function findImports(text: string): Import[] {
  return sourceOf(text).visits.flatMap(({ node, around, line }) => {
    const found = readImport(node, around[0]);
    return found === undefined ? [] : [{ ...found, line }];
  });
}

function readImport(node: Node, parent: Node | undefined): Omit<Import, 'line'> | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
      return { from: node.source.value, isType: node.importKind === 'type', isDynamic: false };
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      if (!node.source) return undefined;
      return { from: node.source.value, isType: node.exportKind === 'type', isDynamic: false };
    case 'ImportExpression':
      return { from: stringOf(node.source), isType: false, isDynamic: true };
    case 'TSImportType':
      return { from: stringOf(node.argument), isType: true, isDynamic: false };
    case 'TSExternalModuleReference': {
      const isType = parent?.type === 'TSImportEqualsDeclaration' && parent.importKind === 'type';
      return { from: node.expression.value, isType, isDynamic: false };
    }
    default:
      return undefined;
  }
}

export function stringOf(node: Node): string | undefined {
  if (node.type === 'TSLiteralType') return stringOf(node.literal);
  return node.type === 'StringLiteral' ? node.value : undefined;
}

export function edgesOf(files: Files): Edge[] {
  return [...files]
    .filter(([path]) => path.endsWith('.ts'))
    .flatMap(([path, text]) =>
      importsOf(text).map((found) => ({ ...found, path, target: targetOf(path, found.from) })),
    );
}

export function targetOf(path: string, from: string | undefined): string | undefined {
  if (from === undefined || !/^[./]/.test(from)) return undefined;
  return new URL(from, `file:///${path}`).pathname.slice(1).replace(/\.js$/, '.ts');
}

/** A package or a module of Node. */
export function isExternal({ from, target }: Edge): boolean {
  return from !== undefined && target === undefined;
}

export function isBuiltin({ from }: Edge): boolean {
  return from?.startsWith('node:') === true;
}

/** The top-level folder of a file, or the name of a file that lies in none: `signing`, `errors`. */
export function roomOf(path: string): string {
  return path.replace(/\/.*|\.ts$/, '');
}
