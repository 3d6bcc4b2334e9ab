/** The writes of `quickOutput`, and those that it leaves to the stream. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Output } from '../../../src/cli/terminal/io.js';
import { print } from '../../../src/cli/terminal/io.js';
import { quickOutput } from '../../../src/cli/terminal/quick-output.js';

/** A stream that records its writes and optionally fails. */
function recorder(error?: Error) {
  const written: string[] = [];
  const stream: Output = {
    write: (text, callback) => {
      written.push(String(text));
      callback?.(error ?? null);
    },
  };
  return { written, stream };
}

function openTemporary(flags: string): { path: string; fd: number } {
  const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-output-'));
  const path = join(folder, 'output');
  closeSync(openSync(path, 'w'));
  const fd = openSync(path, flags);
  onTestFinished(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  return { path, fd };
}

describe('quickOutput', () => {
  it('writes to a file without a stream', async () => {
    const { path, fd } = openTemporary('w');
    const { written, stream } = recorder();
    const output = quickOutput(fd, () => stream);
    await print(output, 'one ');
    await print(output, Buffer.from('two'));
    expect(output.isTTY).toBe(false);
    expect(readFileSync(path, 'utf8')).toBe('one two');
    expect(written).toEqual([]);
  });

  it('passes unwritten data to the stream, and its failure', async () => {
    const { fd } = openTemporary('r');
    const { written, stream } = recorder(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    const output = quickOutput(fd, () => stream);
    await expect(print(output, 'text')).rejects.toMatchObject({
      code: 'ERR_FILE_WRITE',
      message: 'the output cannot be written: ENOSPC',
    });
    expect(written).toEqual(['text']);
  });

  it('writes the rest after a full pipe through the stream, and everything later too', async () => {
    const { path, fd } = openTemporary('w');
    const { written, stream } = recorder();
    let calls = 0;
    const output = quickOutput(
      fd,
      () => stream,
      (target, bytes, offset) => {
        if (calls++ === 1) throw Object.assign(new Error('again'), { code: 'EAGAIN' });
        return writeSync(target, bytes, offset, 2);
      },
    );
    await print(output, 'abcdef');
    await print(output, 'ghi');
    expect(readFileSync(path, 'utf8')).toBe('ab');
    expect(written).toEqual(['cdef', 'ghi']);
  });

  it('asks the stream of a character device whether it is a terminal', () => {
    const fd = openSync('/dev/null', 'w');
    onTestFinished(() => closeSync(fd));
    const { stream } = recorder();
    expect(quickOutput(fd, () => ({ ...stream, isTTY: true, columns: 60 }))).toMatchObject({
      isTTY: true,
      columns: 60,
    });
  });
});
