import { describe, expect, it } from 'vitest';
import { importsOf } from './source.js';

describe('importsOf', () => {
  it.each([
    [`import { a } from './a.js';`, './a.js', 'value'],
    [`import a, { from } from "a";`, 'a', 'value'],
    [`import * as all from 'a';`, 'a', 'value'],
    [`import 'a';`, 'a', 'value'],
    [`import {\n  a,\n  b, // from 'nowhere'\n} from './a.js';`, './a.js', 'value'],
    [`import a = require('./a.js');`, './a.js', 'value'],
    [`import type { A } from './a.js';`, './a.js', 'type'],
    [`import type A from './a.js';`, './a.js', 'type'],
    [`import type from './a.js';`, './a.js', 'value'],
    [`import type, { a } from './a.js';`, './a.js', 'value'],
    [`export { a } from './a.js';`, './a.js', 'value'],
    [`export * from './a.js';`, './a.js', 'value'],
    [`export * as all from './a.js';`, './a.js', 'value'],
    [`export type { A } from './a.js';`, './a.js', 'type'],
    [`export type * from './a.js';`, './a.js', 'type'],
    [`const a = await import('./a.js');`, './a.js', 'dynamic'],
    [`const a = \`\${await import("./a.js")}\`;`, './a.js', 'dynamic'],
    [`let a: Promise<typeof import('./a.js')> | undefined;`, './a.js', 'type'],
    [`await import(\`./\${name}.js\`);`, undefined, 'dynamic'],
    [`await import('./a' + '.js');`, undefined, 'dynamic'],
  ])('%s', (source, from, kind) => {
    expect(importsOf(source)).toEqual([
      { from, isType: kind === 'type', isDynamic: kind === 'dynamic', line: 1 },
    ]);
  });

  it.each([
    'import.meta.dirname;',
    'const a = 1; export { a };',
    'type A = string; export type { A };',
    'export type A = string;',
    `export const from = 'a';`,
    `// import a from 'a'`,
    `/* import a from 'a' */`,
    `/** await import('a') */`,
    `const text = "import a from 'a'";`,
    "const text = `import a from 'a'`;",
    `loader.import('a');`,
  ])('finds none in %s', (source) => {
    expect(importsOf(source)).toEqual([]);
  });

  it('gives line numbers', () => {
    const source = `/**\n * Comment.\n */\nimport a from 'a';\nconst b = \`\n\`;\nimport c from 'c';\n`;
    expect(importsOf(source).map(({ line }) => line)).toEqual([4, 7]);
  });
});
