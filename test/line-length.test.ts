/** Proves that lines of code and comment end before column 112, but for folders that are not there yet. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './architecture/source.js';

const MOST = 111;

/** How many longer lines a folder may still have, all of them one literal. The numbers only get smaller. */
const ALLOWED: Readonly<Record<string, number>> = {
  'src/cli': 17,
  'src/identity': 8,
  'src/session': 13,
  'test/bench': 1,
  'test/cli': 44,
  'test/credentials': 6,
  'test/flows': 17,
  'test/identity': 8,
  test: 2,
  'test/session': 6,
  'test/vectors': 78,
};

/** Below `src`, `test` and `examples`: every file of code. */
function filesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
    .filter((path) => /\.(ts|js|py|sh)$/.test(path));
}

function longLines(path: string): string[] {
  return readFileSync(join(ROOT, path), 'utf8')
    .split('\n')
    .flatMap((line, index) =>
      line.length > MOST ? [`${path}:${index + 1} has ${line.length} columns`] : [],
    );
}

/** `src/cli/main.ts` counts for `src/cli`, `src/index.ts` for `src`. */
function folderOf(path: string): string {
  const parts = path.split('/');
  return parts.slice(0, Math.min(2, parts.length - 1)).join('/');
}

const found = new Map<string, string[]>();
for (const path of ['src', 'test', 'examples'].flatMap(filesOf)) {
  const lines = found.get(folderOf(path)) ?? [];
  found.set(folderOf(path), [...lines, ...longLines(path)]);
}

describe('lines end before column 112', () => {
  it.each([...found])('in %s', (folder, lines) => {
    const allowed = ALLOWED[folder] ?? 0;
    expect(lines.length > allowed ? lines : []).toEqual([]);
  });

  it('in more than a hundred files, so that the files are found', () => {
    expect(found.size).toBeGreaterThan(10);
    expect([...found.keys()]).toContain('src/cli');
  });
});
