/** Paths against the test suite of Signature Version 4, and against botocore. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { normalizePath } from '../../../src/emulator/wire/path.js';

/** `get-relative`, `get-slash`, … of the suite. */
const SUITE = [
  ['/example/..', '/'],
  ['/example1/example2/../..', '/'],
  ['//', '/'],
  ['/./', '/'],
  ['/./example', '/example'],
  ['//example//', '/example/'],
  ['/example space/', '/example space/'],
] as const;

const PATHS = [
  ...SUITE.map(([path]) => path),
  ...['/', '/a', '/a/', '//a', '/a//b', '/../a', '/a/../../b', '/a/./b/../c/', '/..', '/.', '/a/.', '/a/..'],
  ...['/%2e%2e/a', '/a%2f/b', '/...', '/.a', '/a../b'],
];

it.each(SUITE)('%s is %s', (path, expected) => {
  expect(normalizePath(path)).toBe(expected);
});

const script = `
import json, sys
from botocore.utils import normalize_url_path
print(json.dumps([normalize_url_path(path) for path in json.load(sys.stdin)]))`;
const { status, stdout } = spawnSync('python3', ['-c', script], {
  input: JSON.stringify(PATHS),
  encoding: 'utf8',
});

describe.skipIf(status !== 0)('botocore', () => {
  it('normalises the same way', () => {
    expect(PATHS.map(normalizePath)).toEqual(JSON.parse(stdout));
  });
});
