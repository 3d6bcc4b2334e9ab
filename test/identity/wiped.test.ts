/**
 * Key bytes read from a file are overwritten: this test keeps and examines every buffer that held some.
 */
import { Buffer as NodeBuffer } from 'node:buffer';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadIdentity } from '../../src/identity/load.js';
import { manifest, path, text } from '../fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-wiped-'));
afterAll(() => rmSync(folder, { recursive: true }));

let seen: Buffer[] = [];

beforeEach(() => {
  seen = [];
  const keep = <T>(made: T): T => {
    if (NodeBuffer.isBuffer(made)) seen.push(made);
    return made;
  };
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow', 'from', 'concat'] as const) {
    const original: (...args: never[]) => Buffer = NodeBuffer[name];
    vi.spyOn(NodeBuffer, name).mockImplementation((...args: unknown[]) =>
      keep(Reflect.apply(original, NodeBuffer, args)),
    );
  }
});
afterEach(() => vi.restoreAllMocks());

/** The secret of a key in each encoding of a file: raw, and a line of base64 from its middle. */
function secretsOf(name: string): Buffer[] {
  const der = createPrivateKey(text(`${name}.key.pem`)).export({ type: 'pkcs8', format: 'der' });
  const jwk = createPrivateKey(text(`${name}.key.pem`)).export({ format: 'jwk' });
  const raw = Buffer.from(String(jwk.d), 'base64url');
  expect(der.includes(raw)).toBe(true);
  const line = text(`${name}.key.pem`).split('\n')[name.startsWith('ec') ? 1 : 9] ?? '';
  expect(line).toHaveLength(64);
  return [raw.subarray(0, 24), Buffer.from(line.slice(20, 60))];
}

function remnants(secrets: readonly Buffer[]): number {
  return seen.filter((buffer) => secrets.some((secret) => buffer.includes(secret))).length;
}

const CASES: ReadonlyArray<readonly [title: string, name: string, file: () => string]> = [
  ['PKCS#8 as PEM', 'rsa-2048', () => path('rsa-2048.key.pem')],
  ['PKCS#8 as DER', 'rsa-2048', () => path('rsa-2048.key.der')],
  ['PKCS#1', 'rsa-2048', () => path('rsa-2048.pkcs1.pem')],
  ['SEC1', 'ec-p256', () => path('ec-p256.sec1.pem')],
  ['PKCS#8 of an EC key', 'ec-p256', () => path('ec-p256.key.pem')],
  ['encrypted PKCS#8', 'ec-p256', () => path('ec-p256.pbkdf2-aes256.pem')],
  ['UTF-16', 'ec-p256', () => written('utf16', Buffer.from(`\ufeff${text('ec-p256.key.pem')}`, 'utf16le'))],
  ['base64 of PEM', 'ec-p256', () => written('base64', Buffer.from(btoa(text('ec-p256.key.pem'))))],
  [
    'escaped line ends',
    'rsa-2048',
    () => written('escaped', Buffer.from(text('rsa-2048.key.pem').replaceAll('\n', '\\n'))),
  ],
];

function written(name: string, bytes: Buffer): string {
  writeFileSync(join(folder, name), bytes);
  bytes.fill(0);
  return join(folder, name);
}

describe('no buffer keeps the key that was read from', () => {
  it.each(CASES)('%s', async (_title, name, file) => {
    const privateKey = file();
    const secrets = secretsOf(name);
    seen = [];
    const passphrase = privateKey.includes('pbkdf2') ? manifest.passphrase : undefined;
    await loadIdentity({ certificate: path(`${name}.pem`), privateKey, passphrase });
    // Control: while the file is read, its bytes are in one of the buffers.
    expect(seen.length).toBeGreaterThan(3);
    expect(remnants(secrets)).toBe(0);
  });

  it('nor an unusable key', async () => {
    const secrets = secretsOf('ec-p256');
    seen = [];
    const mismatched = { certificate: path('rsa-2048.pem'), privateKey: path('ec-p256.key.pem') };
    await expect(loadIdentity(mismatched)).rejects.toMatchObject({ code: 'ERR_KEY_MISMATCH' });
    expect(remnants(secrets)).toBe(0);
  });

  it('control: a kept key is found', () => {
    const secrets = secretsOf('ec-p256');
    seen = [];
    Buffer.from(readFileSync(path('ec-p256.key.pem')));
    expect(remnants(secrets)).toBeGreaterThan(0);
  });
});
