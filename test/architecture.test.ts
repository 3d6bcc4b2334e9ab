/**
 * Proves the rules of the house. Each rule must find no violation in `src/`, and must find one in each of its
 * `breaks`: a file that is laid over `src/` in memory. The lists to edit are in `architecture/places.ts`.
 *
 * Biome checks the rest: unused imports, names of variables, the length and complexity of functions.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { CODE_RULES } from './architecture/code-rules.js';
import { EXPORT_RULE } from './architecture/export-rule.js';
import { cyclesOf, IMPORT_RULES, startUpViolations } from './architecture/import-rules.js';
import { KNOTS, STAGES, TYPE_CYCLES } from './architecture/places.js';
import { edgesOf, isBuiltin, isExternal, ROOT, readFolder } from './architecture/source.js';

const SOURCES = readFolder('src');

describe.each([...IMPORT_RULES, ...CODE_RULES, EXPORT_RULE])('$name', ({ violations, breaks }) => {
  const known = violations(SOURCES);

  it('holds', () => {
    expect(known).toEqual([]);
  });

  it.each(breaks.map(([path, text]) => [path, text.replace(/\n[\s\S]*/, ' …'), text] as const))(
    'would be broken by %s: %s',
    (path, _firstLine, text) => {
      const found = violations(new Map([...SOURCES, [path, text]])).filter((line) => !known.includes(line));
      expect(found).toContainEqual(expect.stringContaining(path));
    },
  );
});

describe('the rules', () => {
  it('refuse imports of existing files, so that the direction of the import is the reason', () => {
    const targets = IMPORT_RULES.flatMap(({ breaks }) => edgesOf(new Map(breaks)))
      .map(({ target }) => target)
      .filter((target) => target !== undefined && !target.endsWith('nowhere.ts'));
    expect(targets.filter((target) => !SOURCES.has(target ?? ''))).toEqual([]);
    expect(targets.length).toBeGreaterThan(10);
  });

  it('follow imports through other files, to a package that the library loads indirectly', () => {
    const text = `import { canonicalRequest } from '../signing/canonical-request.js';`;
    const found = startUpViolations(new Map([...SOURCES, ['identity/check-identity.ts', text]]));
    expect(found).toContainEqual(expect.stringMatching(/^signing\/canonical-request\.ts:.*signature-v4/));
  });

  it('list no exception for an import or a type cycle that no longer exists', () => {
    const edges = edgesOf(SOURCES);
    const isThere = ([path, target]: (typeof KNOTS)[number]): boolean =>
      edges.some((edge) => edge.path === path && edge.target === target);
    expect(KNOTS.filter((knot) => !isThere(knot))).toEqual([]);
    expect(cyclesOf(edges).sort()).toEqual(TYPE_CYCLES);
  });

  it('see the imports that esbuild sees', async () => {
    const { metafile } = await build({
      absWorkingDir: ROOT,
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
  it('has its map in src/README.md', () => {
    const readme = readFileSync(join(ROOT, 'src', 'README.md'), 'utf8');
    const rooms = (line: string) => new RegExp(`^${line} +(.*)$`, 'm').exec(readme)?.[1]?.split(' ');
    expect([
      ...(rooms('the base') ?? []),
      ...(rooms('the library') ?? []),
      ...(rooms('the program') ?? []),
    ]).toEqual(STAGES);
    expect(rooms('beside it')).toEqual(['emulator']);
  });

  it('has no folder that the rules do not list', () => {
    const folders = readdirSync(ROOT, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .filter((name) => !['.git', 'node_modules', 'dist', 'coverage'].includes(name));
    expect(['.ci', 'certs', 'examples', 'src', 'test']).toEqual(expect.arrayContaining(folders));
  });

  it('depends on the packages that it imports, and on no others', () => {
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const imported = edgesOf(SOURCES)
      .filter((edge) => isExternal(edge) && !isBuiltin(edge))
      .map(({ from = '' }) => /^(@[^/]+\/)?[^/]+/.exec(from)?.[0]);
    expect(Object.keys({ ...dependencies, ...peerDependencies }).sort()).toEqual(
      [...new Set(imported)].sort(),
    );
  });

  it('has the files that these rules are about', () => {
    for (const path of ['bin.ts', 'errors.ts', 'index.ts', 'options/environment.ts', 'identity/load.ts']) {
      expect(existsSync(join(ROOT, 'src', path)), path).toBe(true);
    }
    expect(SOURCES.size).toBeGreaterThan(30);
  });
});
