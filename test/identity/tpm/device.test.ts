/** Addresses of TPMs, and devices that are absent, closed, silent or no TPM. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessHint } from '../../../src/identity/tpm/access-hint.js';
import { openTpmDevice, parseTpmAddress } from '../../../src/identity/tpm/device.js';

const noPython = spawnSync('python3', ['--version']).error !== undefined;

describe('the address of a TPM', () => {
  it.each([
    ['/dev/tpmrm0', { kind: 'path', path: '/dev/tpmrm0' }],
    ['device:/dev/tpm0', { kind: 'path', path: '/dev/tpm0' }],
    ['swtpm:path=/run/swtpm', { kind: 'path', path: '/run/swtpm' }],
    ['swtpm:host=127.0.0.1,port=24321', { kind: 'tcp', host: '127.0.0.1', port: 24321 }],
    ['swtpm:port=24321', { kind: 'tcp', host: '127.0.0.1', port: 24321 }],
    ['swtpm:', { kind: 'tcp', host: '127.0.0.1', port: 2321 }],
  ])('%s', (text, expected) => {
    expect(parseTpmAddress(text, '--tpm-device')).toEqual(expected);
  });

  it.each([
    'tpm0',
    '',
    'mssim:host=a',
    'swtpm:port=70000',
    'swtpm:port=x',
    'swtpm:user=a',
    'swtpm:path=relative',
    'device:tpm0',
  ])('refuses "%s"', (text) => {
    expect(() => parseTpmAddress(text, '--tpm-device')).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_INVALID',
        message: expect.stringContaining('--tpm-device must be a device'),
      }),
    );
  });
});

describe('a device that cannot be used', () => {
  let folder: string;
  let server: Server;
  let address: { kind: 'tcp'; host: string; port: number };
  /** The response of the server. */
  let answer: Buffer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tpm-'));
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'file'), '');
    server = createServer((socket) =>
      socket.on('data', () => socket.end(answer)).on('error', () => undefined),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    address = { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  });

  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  it('is named if it is absent or a file', async () => {
    await expect(openTpmDevice({ kind: 'path', path: join(folder, 'none') }, 'linux')).rejects.toMatchObject({
      code: 'ERR_TPM_UNAVAILABLE',
      message: expect.stringMatching(/none cannot be reached: ENOENT/),
    });
    await expect(openTpmDevice({ kind: 'path', path: join(folder, 'file') }, 'linux')).rejects.toMatchObject({
      code: 'ERR_TPM_UNAVAILABLE',
      message: expect.stringMatching(/file must be a TPM device or a Unix socket/),
    });
  });

  /** As a user without privileges, for whom modes count. */
  async function asNobody<T>(work: () => Promise<T>): Promise<T> {
    const isRoot = process.getuid?.() === 0;
    if (isRoot) process.seteuid?.(65_534);
    try {
      return await work();
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  }

  it('a folder that cannot be entered is named', async () => {
    chmodSync(folder, 0o000);
    try {
      await asNobody(() =>
        expect(openTpmDevice({ kind: 'path', path: join(folder, 'file') }, 'linux')).rejects.toMatchObject({
          code: 'ERR_TPM_UNAVAILABLE',
          message: expect.stringMatching(/permission denied/),
          hint: expect.stringMatching(/may enter its folder/),
        }),
      );
    } finally {
      chmodSync(folder, 0o755);
    }
  });

  // 1 is the group `daemon` of every Linux.
  it.skipIf(process.getuid?.() !== 0 || process.platform !== 'linux').each([
    [
      'the group that may use it',
      1,
      0o660,
      /add this user to the group daemon \(sudo usermod -aG daemon USER\)/,
    ],
    ['a group without a name', 54_321, 0o660, /usermod -aG 54321 USER/],
    ['a device of its owner alone', 1, 0o600, /only its owner may use it.*tpm-udev.*tss/],
  ])('a missing permission names %s', async (_name, gid, mode, hint) => {
    const path = join(folder, `socket-${gid}-${mode}`);
    const socket = createServer();
    await new Promise<void>((resolve) => socket.listen(path, resolve));
    chownSync(path, 0, gid);
    chmodSync(path, mode);
    try {
      await asNobody(() =>
        expect(openTpmDevice({ kind: 'path', path }, 'linux')).rejects.toMatchObject({
          code: 'ERR_TPM_UNAVAILABLE',
          message: expect.stringMatching(/socket-.* cannot be opened: permission denied/),
          hint: expect.stringMatching(hint),
        }),
      );
    } finally {
      socket.close();
    }
  });

  it('nobody is told to enter the group of root', async () => {
    expect(await accessHint({ mode: 0o20_660, gid: 0 })).toMatch(/only its owner may use it/);
  });

  it.skipIf(noPython)(
    `a driver that does not answer is not waited for${noPython ? ' (left out: no python3)' : ''}`,
    async () => {
      // A terminal whose other end is silent takes a command and never gives a response, as a TPM that hangs.
      const script =
        'import os, time; _, end = os.openpty(); print(os.ttyname(end), flush=True); time.sleep(60)';
      const terminal = spawn('python3', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [name] = await once(terminal.stdout, 'data');
      const device = await openTpmDevice({ kind: 'path', path: String(name).trim() }, 'linux', 100);
      await expect(device.exchange(Buffer.from('80010000000c0000014400', 'hex'))).rejects.toMatchObject({
        code: 'ERR_TPM_UNAVAILABLE',
        message: expect.stringMatching(/cannot be reached: it does not answer/),
      });
      await device.close();
      terminal.kill('SIGKILL');
      await once(terminal, 'exit');
    },
  );

  it.each(['darwin', 'win32'])('reports that TPMs are not supported on %s', async (platform) => {
    await expect(openTpmDevice(undefined, platform)).rejects.toMatchObject({
      code: 'ERR_TPM_UNAVAILABLE',
      message: expect.stringMatching(/reached on Linux only/),
    });
  });

  it('is named if nothing listens', async () => {
    await expect(openTpmDevice({ kind: 'tcp', host: '127.0.0.1', port: 1 }, 'linux')).rejects.toMatchObject({
      code: 'ERR_TPM_UNAVAILABLE',
      message: expect.stringMatching(/127\.0\.0\.1 port 1 cannot be reached: ECONNREFUSED/),
    });
  });

  it.each([
    ['nothing', ''],
    ['half a header', '80010000'],
    ['a size below that of a header', '80010000000900000000'],
    ['a size above that of any response', '800100ffffff00000000'],
  ])('is named if it answers with %s', async (_name, hex) => {
    answer = Buffer.from(hex, 'hex');
    const device = await openTpmDevice(address, 'linux');
    await expect(device.exchange(Buffer.from('80010000000c0000014400', 'hex'))).rejects.toMatchObject({
      code: 'ERR_TPM_UNAVAILABLE',
      message: expect.stringMatching(/does not answer/),
    });
    await device.close();
  });
});
