/** Addresses of TPMs, and devices that are absent, closed, silent or no TPM. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTpmDevice, parseTpmAddress } from '../../../src/identity/tpm/device.js';

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
  /** What the server answers. */
  let answer: Buffer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tpm-'));
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

  it('a missing permission names the group', async () => {
    chmodSync(folder, 0o000);
    const isRoot = process.getuid?.() === 0;
    // Modes mean nothing to root.
    if (isRoot) process.seteuid?.(65_534);
    try {
      await expect(
        openTpmDevice({ kind: 'path', path: join(folder, 'file') }, 'linux'),
      ).rejects.toMatchObject({
        code: 'ERR_TPM_UNAVAILABLE',
        message: expect.stringMatching(/permission denied/),
        hint: expect.stringMatching(/group of the device \(usually tss/),
      });
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(folder, 0o700);
    }
  });

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
