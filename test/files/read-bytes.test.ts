/** Reading files, pipes, sockets and devices, within limits of size and time. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBytes, readStream } from '../../src/files/read-bytes.js';
import { readAwsFile, readTextFileIfThere, stampOfFile } from '../../src/files/read-file.js';

const folder = mkdtempSync(join(tmpdir(), 'read-bytes-'));
const at = (name: string): string => join(folder, name);
const READER = at('reader.mjs');

/** Makes a FIFO. */
function makeFifo(name: string): string {
  expect(spawnSync('mkfifo', [at(name)]).status).toBe(0);
  return at(name);
}

beforeAll(async () => {
  writeFileSync(at('small'), 'text');
  writeFileSync(at('large'), Buffer.alloc(100_000, 'x'));
  mkdirSync(at('folder'));
  symlinkSync(at('small'), at('link'));
  symlinkSync('circle', at('circle'));
  const source = `
    import { readBytes } from ${JSON.stringify(join(import.meta.dirname, '../../src/files/read-bytes.js'))};
    const [path, mayBePipe] = process.argv.slice(2);
    readBytes(path, { mayBePipe: mayBePipe === 'pipe' }).then(
      ({ bytes }) => console.log(\`read \${bytes}\`),
      (error) => console.log(error.code),
    );`;
  await build({
    stdin: { contents: source, resolveDir: import.meta.dirname },
    outfile: READER,
    bundle: true,
    platform: 'node',
    format: 'esm',
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('readBytes', () => {
  it.each(['small', 'link'])('reads a file: %s', async (name) => {
    const { bytes, stats } = await readBytes(at(name));
    expect(bytes.toString()).toBe('text');
    expect(stats.size).toBe(4);
  });

  it('reads a file of exactly the limit and refuses one octet more', async () => {
    expect((await readBytes(at('large'), { maxBytes: 100_000 })).bytes).toHaveLength(100_000);
    await expect(readBytes(at('large'), { maxBytes: 99_999 })).rejects.toMatchObject({
      code: 'ERR_TOO_LARGE',
    });
  });

  it.runIf(process.platform === 'linux')('reads a file whose reported size is 0', async () => {
    expect((await readBytes('/proc/self/status')).bytes.toString()).toContain('Uid:');
  });

  it.each([
    ['a folder', 'folder', 'EISDIR'],
    ['a missing file', 'gone', 'ENOENT'],
    ['a link to itself', 'circle', 'ELOOP'],
  ])('refuses %s', async (_what, name, code) => {
    await expect(readBytes(at(name), { mayBePipe: true })).rejects.toMatchObject({ code });
  });

  it('refuses a socket', async () => {
    const server = createServer().listen(at('socket'));
    await once(server, 'listening');
    for (const mayBePipe of [false, true]) {
      await expect(readBytes(at('socket'), { mayBePipe })).rejects.toMatchObject({ code: 'ERR_NOT_FILE' });
    }
    server.close();
  });

  it('refuses pipes and devices at once if the file must be regular', async () => {
    for (const path of [makeFifo('refused'), '/dev/null', '/dev/zero']) {
      await expect(readBytes(path)).rejects.toMatchObject({ code: 'ERR_NOT_FILE' });
    }
  });

  it('stops reading an endless device at the limit', async () => {
    await expect(readBytes('/dev/zero', { mayBePipe: true })).rejects.toMatchObject({
      code: 'ERR_TOO_LARGE',
    });
    expect((await readBytes('/dev/null', { mayBePipe: true })).bytes).toHaveLength(0);
  });

  it('waits for the writer of a FIFO and reads all pieces', async () => {
    const path = makeFifo('written');
    const reading = readBytes(path, { mayBePipe: true });
    const script = 'sleep 0.2; exec > "$1"; printf one; sleep 0.2; printf two';
    const exit = once(spawn('sh', ['-c', script, 'sh', path]), 'exit');
    expect((await reading).bytes.toString()).toBe('onetwo');
    await exit;
  });

  it('gives up on a FIFO without a writer, and lets the process end', async () => {
    const path = makeFifo('silent');
    const { stdout, signal } = spawnSync(process.execPath, [READER, path, 'pipe'], { timeout: 30_000 });
    expect([stdout.toString().trim(), signal]).toEqual(['ERR_PIPE_TIMEOUT', null]);
  });

  it.each([
    ['the pipe of a shell', 'printf text | "$0" "$1" /dev/stdin pipe', 'read text'],
    ['a substituted process', '"$0" "$1" <(sleep 0.1; printf text) pipe', 'read text'],
    ['a substituted process that writes nothing', '"$0" "$1" <(true) pipe', 'read'],
    ['a file as standard input', `"$0" "$1" /dev/stdin pipe < ${at('small')}`, 'read text'],
    ['no standard input', '"$0" "$1" /dev/stdin pipe < /dev/null', 'read'],
  ])('reads %s', (_what, script, printed) => {
    const { stdout } = spawnSync('bash', ['-c', script, process.execPath, READER], { timeout: 30_000 });
    expect(stdout.toString().trim()).toBe(printed);
  });

  it.each(['/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'])(
    'reads the socket that Node.js gives its children, as %s',
    (path) => {
      const run = (mode: string) =>
        spawnSync(process.execPath, [READER, path, mode], { input: 'text', timeout: 30_000 });
      expect(run('pipe').stdout.toString().trim()).toBe('read text');
      expect(run('file').stdout.toString().trim()).toBe('ERR_NOT_FILE');
    },
  );
});

it('readStream stops at the limit', async () => {
  async function* endless(): AsyncGenerator<string> {
    for (;;) yield 'x'.repeat(1000);
  }
  await expect(readStream(endless(), 10_000)).rejects.toMatchObject({ code: 'ERR_TOO_LARGE' });
});

it('readAwsFile treats /dev/null as an absent file and refuses other devices', async () => {
  symlinkSync('/dev/null', at('null'));
  expect(await readAwsFile('/dev/null', 'file')).toBeUndefined();
  expect(await readAwsFile(at('null'), 'file')).toBeUndefined();
  expect(await readAwsFile(at('gone'), 'file')).toBeUndefined();
  await expect(readAwsFile('/dev/zero', 'AWS config file')).rejects.toMatchObject({
    code: 'ERR_FILE_UNREADABLE',
    message: 'AWS config file cannot be read: it is not a regular file',
  });
  await expect(readTextFileIfThere('/dev/null', 'file')).rejects.toMatchObject({
    code: 'ERR_FILE_UNREADABLE',
  });
});

it('the stamp of a pipe never changes, since a pipe cannot be read again', async () => {
  const path = makeFifo('stamped');
  const before = await stampOfFile(path);
  const exit = once(spawn('sh', ['-c', 'printf x > "$1"', 'sh', path]), 'exit');
  await readBytes(path, { mayBePipe: true });
  await exit;
  expect(await stampOfFile(path)).toBe(before);
});
