/** Reads credentials files with the parsers of botocore and of the SDKs for JavaScript, Go and Rust. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSharedConfigFiles } from '@smithy/core/config';

/** Keys and values by profile. */
export type Profiles = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** An interpreter with botocore. Debian's `awscli` installs it for /usr/bin/python3. */
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

const READERS = join(import.meta.dirname, '..', '..', 'readers');

/**
 * Compiles the reader with the SDK for Go, from modules that are on this machine (`.ci/run` downloads them).
 *
 * @returns the program, undefined if Go or a module is missing
 */
export function buildGoReader(folder: string): string | undefined {
  const program = join(folder, 'go-reader');
  const { status } = spawnSync('go', ['build', '-o', program, '.'], {
    cwd: join(READERS, 'go'),
    env: { ...process.env, GOFLAGS: '-mod=readonly -buildvcs=false', GOPROXY: 'off', GOTOOLCHAIN: 'local' },
    stdio: 'ignore',
  });
  return status === 0 ? program : undefined;
}

/** @param texts bytes read as Latin-1. @returns the SDK's keys of each of `profiles`, or its error */
export function readWithGo(
  program: string,
  texts: readonly string[],
  profiles: readonly string[],
): Profiles[] {
  const encoded = texts.map((text) => Buffer.from(text, 'latin1').toString('base64'));
  const input = JSON.stringify({ texts: encoded, profiles });
  return JSON.parse(execFileSync(program, { input, encoding: 'utf8', maxBuffer: 1 << 28 }));
}

/** Compiles the reader with the SDK for Rust: crates are downloaded, and it takes minutes. */
export function buildRustReader(folder: string): string {
  const env = { ...process.env, CARGO_TARGET_DIR: folder };
  const options = { cwd: join(READERS, 'rust'), env, stdio: 'inherit' } as const;
  execFileSync('cargo', ['build', '--quiet', '--locked'], options);
  return join(folder, 'debug', 'credentials-reader');
}

/** @param texts bytes read as Latin-1. @returns the keys of each profile, or `error` for a refused file */
export function readWithRust(program: string, texts: readonly string[], keys: readonly string[]): Profiles[] {
  const decoded = texts.map((text) => Buffer.from(text, 'latin1').toString('utf8'));
  const input = JSON.stringify({ texts: decoded, keys });
  return JSON.parse(execFileSync(program, { input, encoding: 'utf8', maxBuffer: 1 << 28 }));
}
