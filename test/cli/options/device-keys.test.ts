/** Flags for keys on tokens, in TPMs and behind programs: the settings that they give. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Arguments } from '../../../src/cli/arguments.js';
import { LOG_FLAGS } from '../../../src/cli/options/flags.js';
import { readSession } from '../../../src/cli/options/read-session.js';
import { ARNS } from '../../fake-service.js';
import { NOW } from '../../fixtures.js';
import { fakeIo } from '../../program.js';

const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
const pinFile = join(folder, 'pin');
writeFileSync(pinFile, '1234\n', { mode: 0o600 });
afterAll(() => rmSync(folder, { recursive: true }));

async function sourceOf(given: Arguments['given'], env: Record<string, string> = {}) {
  const { io, written } = fakeIo([], { env });
  const all = { certificate: 'host.pem', ...ARNS, ...given };
  const { settings } = await readSession({ given: all, operands: [] }, {}, io);
  return { source: settings.source, stderr: written.stderr };
}

describe('flags of device keys', () => {
  it.each<[Arguments['given'], Record<string, string>, object]>([
    [{ certificateSubject: 'CN=a' }, {}, { certificateSubject: 'CN=a' }],
    [{ certificateSerial: '15D1' }, {}, { certificateSerial: '15D1' }],
    [{ signCommand: 'sign --key 1' }, {}, { signCommand: 'sign --key 1' }],
    [{ pkcs11Module: '/lib/p11.so', reusePin: true }, {}, { pkcs11Module: '/lib/p11.so', reusePin: true }],
    [{}, { ROLESANYWHERE_PKCS11_PIN: '1' }, { pkcs11Pin: '1' }],
    [{ pkcs11PinFile: pinFile }, { ROLESANYWHERE_PKCS11_PIN: '1' }, { pkcs11Pin: '1234' }],
    [{}, { ROLESANYWHERE_PKCS11_PIN_FILE: pinFile }, { pkcs11Pin: '1234' }],
    [{ tpmDevice: '/dev/tpm0' }, {}, { tpmDevice: '/dev/tpm0' }],
    [{}, { ROLESANYWHERE_TPM_KEY_PASSWORD: 'x' }, { tpmKeyPassword: 'x' }],
    [{ noTpmKeyPassword: true }, {}, { tpmKeyPassword: '' }],
  ])('%j and %j', async (given, env, expected) => {
    const { source, stderr } = await sourceOf(given, env);
    expect(source).toMatchObject(expected);
    expect(stderr).toBe('');
  });

  it.each(['pkcs11Pin', 'tpmKeyPassword'])('%s as an argument warns, without the value', async (name) => {
    const { source, stderr } = await sourceOf({ [name]: 'canary' });
    expect(source).toMatchObject({ [name]: 'canary' });
    expect(stderr).toMatch(
      /warning: --\S+ shows the \w+ to every user of this machine; ROLESANYWHERE_\w+ does not/,
    );
    expect(stderr).not.toContain('canary');
  });

  it('warns in JSON if the log is in JSON', async () => {
    const { io, written } = fakeIo([], { env: {} });
    const given = { certificate: 'host.pem', ...ARNS, pkcs11Pin: 'canary', logFormat: 'json' };
    await readSession({ given, operands: [] }, LOG_FLAGS, io, { now: () => NOW });
    const lines = written.stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      {
        time: NOW.toISOString(),
        level: 'warn',
        event: 'warning',
        message: expect.stringMatching(/^--\S+ shows the PIN to every user/),
      },
    ]);
  });

  it('two sources of a PIN on the command line are refused', async () => {
    await expect(sourceOf({ pkcs11Pin: '1', pkcs11PinFile: pinFile })).rejects.toMatchObject({
      code: 'ERR_OPTION_CONFLICT',
    });
  });
});
