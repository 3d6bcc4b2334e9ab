/** Proves that lines of code and comment end before column 112. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './architecture/source.js';

const MOST = 111;

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

const paths = ['src', 'test', 'examples'].flatMap(filesOf);

describe('lines end before column 112', () => {
  it('in every file', () => {
    expect(paths.flatMap(longLines)).toEqual([]);
  });

  it('in hundreds of files, so that the files are found', () => {
    expect(paths.length).toBeGreaterThan(300);
    expect(paths).toContain('src/cli/main.ts');
  });
});
