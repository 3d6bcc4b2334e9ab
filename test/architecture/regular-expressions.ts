/** Lists the regular expressions of the sources: literals, and the arguments of `RegExp`. */
import type { Node } from '@babel/types';
import type { Files } from './source.js';
import { sourceOf } from './source.js';

export interface Expression {
  readonly path: string;
  readonly line: number;
  /** Undefined if it is computed: such a place is listed by its file. */
  readonly pattern: string | undefined;
  readonly flags: string;
}

export function regularExpressionsOf(files: Files): Expression[] {
  return [...files].flatMap(([path, text]) =>
    sourceOf(text).visits.flatMap(({ node, line }) => {
      const found = readExpression(node);
      return found === undefined ? [] : [{ path, line, ...found }];
    }),
  );
}

function readExpression(node: Node): Pick<Expression, 'pattern' | 'flags'> | undefined {
  if (node.type === 'RegExpLiteral') return { pattern: node.pattern, flags: node.flags };
  if (node.type !== 'NewExpression' && node.type !== 'CallExpression') return undefined;
  if (node.callee.type !== 'Identifier' || node.callee.name !== 'RegExp') return undefined;
  const [pattern, flags] = node.arguments.map((argument) =>
    argument.type === 'StringLiteral' ? argument.value : undefined,
  );
  return { pattern, flags: flags ?? '' };
}
