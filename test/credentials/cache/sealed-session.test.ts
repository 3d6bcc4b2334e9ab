import { spawnSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  openSession,
  PURPOSE,
  readLabel,
  sealSession,
} from '../../../src/credentials/cache/sealed-session.js';
import { text as fixture, identity, NOW } from '../../fixtures.js';
import { session } from './kept.js';

const KEY = Buffer.alloc(32, 1);
const KEPT = { value: session('ASIA1'), createdAt: NOW };
const SEALED = sealSession(KEPT, KEY, 'inputs');

describe('a sealed session', () => {
  it('opens with the same key for the same inputs', () => {
    expect(openSession(SEALED, KEY, 'inputs')).toEqual(KEPT);
  });

  it('shows role and times, and no secret', () => {
    expect(readLabel(SEALED)).toEqual({
      roleArn: KEPT.value.roleArn,
      createdAt: NOW,
      expiration: KEPT.value.expiration,
    });
    expect(SEALED).not.toMatch(/canary|ASIA1/);
    expect(Buffer.from(JSON.parse(SEALED).sealed, 'base64').toString('latin1')).not.toMatch(/canary|ASIA1/);
  });

  it('differs each time', () => {
    expect(sealSession(KEPT, KEY, 'inputs')).not.toBe(SEALED);
  });

  it.each([
    ['another key', SEALED, Buffer.alloc(32, 2), 'inputs'],
    ['other inputs', SEALED, KEY, 'Inputs'],
    ['a later end written on it', SEALED.replace('T13:00', 'T14:00'), KEY, 'inputs'],
    ['another role written on it', SEALED.replace(':role/', ':role/x'), KEY, 'inputs'],
    ['another version', SEALED.replace('cache-1', 'cache-2'), KEY, 'inputs'],
    ['half of it', SEALED.slice(0, SEALED.length / 2), KEY, 'inputs'],
    ['nothing', '', KEY, 'inputs'],
    ['null', 'null', KEY, 'inputs'],
    ['JSON of something else', '{"format":"rolesanywhere-cache-1"}', KEY, 'inputs'],
    ['an empty box', JSON.stringify({ ...JSON.parse(SEALED), sealed: '' }), KEY, 'inputs'],
    ['no nonce', JSON.stringify({ ...JSON.parse(SEALED), nonce: '' }), KEY, 'inputs'],
    ['a tag cut short', JSON.stringify({ ...JSON.parse(SEALED), sealed: 'AAAA' }), KEY, 'inputs'],
  ])('does not open: %s', (_name, text, key, inputs) => {
    expect(text === SEALED && key === KEY && inputs === 'inputs').toBe(false);
    expect(openSession(text, key, inputs)).toBeUndefined();
  });

  it('does not open with any bit flipped', () => {
    const file = JSON.parse(SEALED);
    const sealed = Buffer.from(file.sealed, 'base64');
    for (let at = 0; at < sealed.length; at++) {
      const turned = Buffer.from(sealed);
      turned[at] = (turned[at] ?? 0) ^ (1 << (at % 8));
      const text = JSON.stringify({ ...file, sealed: turned.toString('base64') });
      expect(openSession(text, KEY, 'inputs'), `byte ${at}`).toBeUndefined();
    }
  });
});

const hasCryptography = spawnSync('python3', ['-c', 'import cryptography'], { stdio: 'ignore' }).status === 0;
const leftOut = hasCryptography ? '' : ' (left out: no Python here has cryptography)';

describe('the format', () => {
  it.skipIf(!hasCryptography)(
    `can be opened with the private key by Python's cryptography${leftOut}`,
    async () => {
      const { deriveKey } = await identity('ec-p256');
      const key = (await deriveKey?.(PURPOSE)) ?? Buffer.alloc(0);
      const pkcs8 = createPrivateKey(fixture('ec-p256.key.pem')).export({ type: 'pkcs8', format: 'der' });
      const script = `
import base64, json, sys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
given = json.load(sys.stdin)
file = json.loads(given['text'])
key = HKDF(SHA256(), 32, None, b'rolesanywhere-cache-1 AES-256-GCM').derive(base64.b64decode(given['pkcs8']))
label = [file['format'], file['roleArn'], file['createdAt'], file['expiration'], 'inputs']
aad = json.dumps(label, separators=(',', ':')).encode()
print(AESGCM(key).decrypt(base64.b64decode(file['nonce']), base64.b64decode(file['sealed']), aad).decode())
`;
      const input = JSON.stringify({
        text: sealSession(KEPT, key, 'inputs'),
        pkcs8: pkcs8.toString('base64'),
      });
      const { stdout, stderr } = spawnSync('python3', ['-c', script], { input, encoding: 'utf8' });
      expect(stderr).toBe('');
      expect(JSON.parse(stdout).session).toMatchObject({
        accessKeyId: 'ASIA1',
        sessionToken: 'canary-token',
      });
    },
  );
});
