/** The parsers that read a shared credentials file: botocore's, in Python, and that of the SDK for JavaScript. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSharedConfigFiles } from '@smithy/core/config';

/** Keys and values by profile. */
export type Profiles = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** An interpreter that has botocore: Debian's `awscli` brings it for its own Python. */
export const PYTHON = ['python3', '/usr/bin/python3'].find(
  (python) => spawnSync(python, ['-c', 'import botocore.configloader'], { stdio: 'ignore' }).status === 0,
);

const SCRIPT = `
import json, os, sys, tempfile
from botocore.configloader import raw_config_parse
results = []
for text in json.load(sys.stdin):
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(text.encode('latin-1'))
    try:
        results.append(raw_config_parse(file.name))
    except Exception as error:
        results.append(None)
    os.unlink(file.name)
json.dump(results, sys.stdout)
`;

/** @param texts bytes read as Latin-1. @returns null for those that botocore refuses */
export function readWithBotocore(texts: readonly string[]): Array<Profiles | null> {
  const { stdout, stderr, status } = spawnSync(PYTHON ?? 'python3', ['-c', SCRIPT], {
    input: JSON.stringify(texts),
    encoding: 'utf8',
    env: { ...process.env, PYTHONUTF8: '1' },
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** @param texts bytes read as Latin-1 */
export async function readWithJavaScript(texts: readonly string[]): Promise<Profiles[]> {
  const folder = mkdtempSync(join(tmpdir(), 'credentials-'));
  try {
    const results = [];
    for (const [index, text] of texts.entries()) {
      const filepath = join(folder, `credentials-${index}`);
      writeFileSync(filepath, text, 'latin1');
      const configFilepath = join(folder, 'none');
      const { credentialsFile } = await loadSharedConfigFiles({
        filepath,
        configFilepath,
        ignoreCache: true,
      });
      results.push(credentialsFile as Profiles);
    }
    return results;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
