/** Keys in a TPM, made by tpm2-tools and OpenSSL and held by swtpm. OpenSSL verifies the signatures. */
import { verify } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TpmDevice } from '../../../src/identity/tpm/device.js';
import { openTpmDevice, parseTpmAddress } from '../../../src/identity/tpm/device.js';
import { parseTpmKeyFile } from '../../../src/identity/tpm/key-file.js';
import type { TpmKeySource } from '../../../src/identity/tpm/tpm-key.js';
import { openTpmKey } from '../../../src/identity/tpm/tpm-key.js';
import type { Recording } from './replay.js';
import { fixedRandom, recordTo } from './replay.js';
import type { Swtpm } from './swtpm.js';
import { missingForSwtpm, startSwtpm } from './swtpm.js';

const DATA = Buffer.from('AWS4-X509-ECDSA-SHA256\n…');
const missing = missingForSwtpm();

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
}

function fileSource(pem: string): TpmKeySource {
  return { kind: 'file', file: parseTpmKeyFile(derOf(pem), 'private key host.tss') };
}

function deviceOf(tpm: Swtpm): () => Promise<TpmDevice> {
  return () => openTpmDevice(parseTpmAddress(tpm.address, '--tpm-device'), 'linux');
}

async function signWith(tpm: Swtpm, source: TpmKeySource, password?: string): Promise<boolean> {
  const key = await openTpmKey({ source, subject: 'private key host.tss', open: deviceOf(tpm), password });
  return verify('sha256', DATA, key.publicKey, await key.sign(DATA));
}

/** Transient objects and sessions in a TPM: the library must leave none. */
function leftIn(tpm: Swtpm): string {
  return tpm.run('tpm2_getcap', 'handles-transient') + tpm.run('tpm2_getcap', 'handles-loaded-session');
}

/** A key of tpm2-tools below a persistent parent. */
function toolsKey(tpm: Swtpm, algorithm: string, ...args: string[]): { pem: string } {
  const attributes = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|noda';
  const names = ['-u', 'key.pub', '-r', 'key.priv'];
  tpm.run('tpm2_create', '-Q', '-C', '0x81000100', '-G', algorithm, '-a', attributes, ...names, ...args);
  tpm.flush();
  const auth = args.includes('-p') ? ['-p'] : [];
  tpm.run('tpm2_encodeobject', '-Q', '-C', '0x81000100', ...names, '-o', 'key.tss', ...auth);
  tpm.flush();
  return { pem: readFileSync(join(tpm.folder, 'key.tss'), 'utf8') };
}

function persistentKey(tpm: Swtpm): number {
  toolsKey(tpm, 'ecc256');
  tpm.run('tpm2_load', '-Q', '-C', '0x81000100', '-u', 'key.pub', '-r', 'key.priv', '-c', 'key.ctx');
  tpm.run('tpm2_evictcontrol', '-Q', '-C', 'o', '-c', 'key.ctx', '0x81000003');
  tpm.flush();
  return 0x81000003;
}

describe.skipIf(missing)(`keys in swtpm${missing === undefined ? '' : ` (left out: no ${missing})`}`, () => {
  let tpm: Swtpm;

  beforeAll(async () => {
    tpm = await startSwtpm();
    tpm.run('tpm2_createprimary', '-Q', '-C', 'o', '-G', 'rsa2048', '-c', 'primary.ctx');
    tpm.run('tpm2_evictcontrol', '-Q', '-C', 'o', '-c', 'primary.ctx', '0x81000100');
    tpm.flush();
  });

  afterAll(() => tpm?.stop());

  it.each([
    ['RSA 2048', ['-algorithm', 'RSA', '-pkeyopt', 'bits:2048']],
    ['P-256', ['-algorithm', 'EC', '-pkeyopt', 'group:P-256']],
    ['P-384', ['-algorithm', 'EC', '-pkeyopt', 'group:P-384']],
  ])('signs with a key file of tpm2-openssl: %s', async (name, args) => {
    expect(await signWith(tpm, fileSource(tpm.opensslKey(`${name}.tss`, ...args)))).toBe(true);
    expect(leftIn(tpm)).toBe('');
  });

  it.each([
    ['RSA 2048', ['-algorithm', 'RSA', '-pkeyopt', 'bits:2048']],
    ['P-256', ['-algorithm', 'EC', '-pkeyopt', 'group:P-256']],
  ])('signs with a key that has a password: %s', async (name, args) => {
    const pem = tpm.opensslKey(`pw ${name}.tss`, ...args, '-pkeyopt', 'user-auth:correct horse');
    expect(await signWith(tpm, fileSource(pem), 'correct horse')).toBe(true);
    expect(leftIn(tpm)).toBe('');
  });

  it.each([
    ['rsa2048', 'below a persistent RSA parent'],
    ['rsa2048:rsassa-sha256:null', 'with the scheme that the service takes'],
    ['ecc256', 'below a persistent RSA parent'],
    ['ecc256:ecdsa-sha384', 'whose scheme has a longer hash than its curve'],
    ['ecc384:ecdsa-sha384', 'whose scheme has another hash'],
    ['ecc521:ecdsa-sha512', 'on P-521'],
  ])('signs with a key of tpm2-tools: %s %s', async (algorithm) => {
    expect(await signWith(tpm, fileSource(toolsKey(tpm, algorithm).pem))).toBe(true);
    const { pem } = toolsKey(tpm, algorithm, '-p', 'secret');
    expect(await signWith(tpm, fileSource(pem), 'secret')).toBe(true);
    expect(leftIn(tpm)).toBe('');
  });

  it.each([
    ['rsa2048:rsapss-sha256:null', /must sign with RSASSA with SHA256 .* prescribes RSAPSS with SHA256/],
    ['rsa2048:rsassa-sha384:null', /prescribes RSASSA with SHA384/],
    ['ecc256:ecdsa-sha1', /prescribes ECDSA with SHA1/],
    ['ecc256:ecdaa4-sha256', /prescribes ECDAA with SHA256/],
  ])('refuses a key whose scheme the service does not accept: %s', async (algorithm, message) => {
    const source = fileSource(toolsKey(tpm, algorithm).pem);
    await expect(signWith(tpm, source)).rejects.toMatchObject({
      code: 'ERR_KEY_UNSUPPORTED',
      message: expect.stringMatching(message),
    });
  });

  it('signs with a key at a persistent handle, with and without a password', async () => {
    toolsKey(tpm, 'ecc256', '-p', 'secret');
    tpm.run('tpm2_load', '-Q', '-C', '0x81000100', '-u', 'key.pub', '-r', 'key.priv', '-c', 'key.ctx');
    tpm.run('tpm2_evictcontrol', '-Q', '-C', 'o', '-c', 'key.ctx', '0x81000001');
    tpm.flush();
    toolsKey(tpm, 'rsa2048');
    tpm.run('tpm2_load', '-Q', '-C', '0x81000100', '-u', 'key.pub', '-r', 'key.priv', '-c', 'key.ctx');
    tpm.run('tpm2_evictcontrol', '-Q', '-C', 'o', '-c', 'key.ctx', '0x81000002');
    tpm.flush();
    expect(await signWith(tpm, { kind: 'handle', handle: 0x81000001 }, 'secret')).toBe(true);
    expect(await signWith(tpm, { kind: 'handle', handle: 0x81000002 })).toBe(true);
    expect(leftIn(tpm)).toBe('');
  });

  it('names an empty handle and one without a signing key', async () => {
    for (const [handle, code] of [
      [0x81000099, 'HANDLE'],
      [0x80000000, 'REFERENCE_H0'],
    ] as const) {
      await expect(signWith(tpm, { kind: 'handle', handle })).rejects.toMatchObject({
        code: 'ERR_TPM_FAILED',
        message: expect.stringMatching(`nothing at this handle.*TPM_RC_${code}`),
      });
    }
    await expect(signWith(tpm, { kind: 'handle', handle: 0x81000100 })).rejects.toMatchObject({
      code: 'ERR_KEY_UNSUPPORTED',
      message: expect.stringMatching(/must be a signing key/),
    });
  });

  it('names a missing password, and the password of a parent', async () => {
    await expect(
      signWith(tpm, fileSource(toolsKey(tpm, 'ecc256', '-p', 'secret').pem)),
    ).rejects.toMatchObject({
      code: 'ERR_TPM_PASSWORD',
      message: expect.stringMatching(/the TPM requires a password for the key: Sign failed: TPM_RC_BAD_AUTH/),
      hint: expect.stringMatching(/--tpm-key-password-file, also if the file says that there is none/),
    });
    tpm.run('tpm2_createprimary', '-Q', '-C', 'o', '-G', 'ecc', '-p', 'closed', '-c', 'closed.ctx');
    tpm.run('tpm2_evictcontrol', '-Q', '-C', 'o', '-c', 'closed.ctx', '0x81000101');
    tpm.flush();
    const parent = ['-C', '0x81000101', '-P', 'closed', '-u', 'below.pub', '-r', 'below.priv'];
    tpm.run('tpm2_create', '-Q', '-G', 'ecc256', ...parent);
    tpm.flush();
    tpm.run('tpm2_encodeobject', '-Q', ...parent, '-o', 'below.tss');
    tpm.flush();
    const source = fileSource(readFileSync(join(tpm.folder, 'below.tss'), 'utf8'));
    for (const message of [
      /the parent of the key has a password, which is not supported: Load failed/,
      /before/,
    ]) {
      await expect(signWith(tpm, source)).rejects.toMatchObject({
        code: 'ERR_TPM_PASSWORD',
        message: expect.stringMatching(message),
      });
    }
    expect(leftIn(tpm)).toBe('');
  });

  it('satisfies a policy of PCRs and the password', async () => {
    tpm.run('tpm2_startauthsession', '-S', 'trial.ctx');
    tpm.run('tpm2_policypcr', '-Q', '-S', 'trial.ctx', '-l', 'sha256:7');
    tpm.run('tpm2_policyauthvalue', '-Q', '-S', 'trial.ctx', '-L', 'policy.bin');
    tpm.run('tpm2_flushcontext', 'trial.ctx');
    const digest = tpm.run('tpm2_pcrread', 'sha256:7');
    expect(digest).toMatch(/7 *: 0x0{64}/);
    const attributes = 'fixedtpm|fixedparent|sensitivedataorigin|sign|noda';
    tpm.run(
      ...(['tpm2_create', '-Q', '-C', '0x81000100', '-G', 'ecc256', '-a', attributes] as const),
      ...['-L', 'policy.bin', '-p', 'secret', '-u', 'key.pub', '-r', 'key.priv'],
    );
    tpm.flush();
    const parts = ['-u', 'key.pub', '-r', 'key.priv'];
    tpm.run('tpm2_encodeobject', '-C', '0x81000100', ...parts, '-o', 'key.tss', '-p');
    tpm.flush();
    const source = fileSource(readFileSync(join(tpm.folder, 'key.tss'), 'utf8'));
    // tpm2_encodeobject has no way to write the policy into the file: TPML_PCR_SELECTION of SHA-256, register
    // 7.
    const pcrs = Buffer.from('0000' + '00000001' + '000b' + '03' + '800000', 'hex');
    const policy = [
      { name: 'PolicyPCR' as const, parameters: pcrs },
      { name: 'PolicyAuthValue' as const, parameters: Buffer.alloc(0) },
    ];
    if (source.kind !== 'file') throw new Error('a file');
    const withPolicy: TpmKeySource = { kind: 'file', file: { ...source.file, policy } };
    expect(await signWith(tpm, withPolicy, 'secret')).toBe(true);
    expect(leftIn(tpm)).toBe('');
    tpm.run('tpm2_pcrextend', `7:sha256=${'11'.repeat(32)}`);
    tpm.flush();
    await expect(signWith(tpm, withPolicy, 'secret')).rejects.toMatchObject({
      code: 'ERR_TPM_FAILED',
      message: expect.stringMatching(/policy of the key is not satisfied.*TPM_RC_POLICY_FAIL/),
    });
    expect(leftIn(tpm)).toBe('');
  });

  // TPM_RECORD=1 npx vitest run test/identity/tpm/swtpm.test.ts -t records
  if (process.env['TPM_RECORD'] !== undefined) {
    it('records its exchanges as test vectors', async () => {
      const pem = (name: string, ...args: string[]) => ({ pem: tpm.opensslKey(name, '-algorithm', ...args) });
      const curve = ['EC', '-pkeyopt', 'group:P-256'];
      const cases = {
        'an RSA key file': pem('1.tss', 'RSA', '-pkeyopt', 'bits:2048'),
        'an EC key file': pem('2.tss', ...curve),
        'an EC key file with a password': {
          ...pem('3.tss', ...curve, '-pkeyopt', 'user-auth:secret'),
          password: 'secret',
        },
        'an EC key at a handle': { handle: persistentKey(tpm) },
      };
      const recordings = Object.entries(cases).map(async ([name, found]) => {
        const recording: Recording = { ...found, exchanges: [] };
        const source: TpmKeySource =
          recording.pem === undefined
            ? { kind: 'handle', handle: recording.handle ?? 0 }
            : fileSource(recording.pem);
        const open = async (): Promise<TpmDevice> => recordTo(recording, await deviceOf(tpm)());
        const { password } = recording;
        const key = await openTpmKey({ source, subject: name, open, password, random: fixedRandom });
        await key.sign(Buffer.from('recorded'));
        return [name, recording];
      });
      const all = Object.fromEntries(await Promise.all(recordings));
      writeFileSync(
        join(import.meta.dirname, '..', '..', 'vectors', 'tpm.json'),
        `${JSON.stringify(all, null, 2)}\n`,
      );
    });
  }

  it('names a key that belongs to another TPM', async () => {
    const other = await startSwtpm();
    try {
      const pem = other.opensslKey('other.tss', '-algorithm', 'EC', '-pkeyopt', 'group:P-256');
      await expect(signWith(tpm, fileSource(pem))).rejects.toMatchObject({
        code: 'ERR_TPM_FAILED',
        message: expect.stringMatching(/cannot load the key.*TPM_RC_INTEGRITY/),
        hint: expect.stringMatching(/another TPM/),
      });
      expect(leftIn(tpm)).toBe('');
    } finally {
      await other.stop();
    }
  });

  it('waits while other programs fill the memory of the TPM', async () => {
    // One connection for each command: the other programs need the TPM while this one waits for it.
    const shared = await startSwtpm(',disconnect');
    try {
      const args = ['-algorithm', 'EC', '-pkeyopt', 'group:P-256'];
      const source = fileSource(shared.opensslKey('full.tss', ...args));
      // Three objects are all that fit.
      for (let count = 0; count < 3; count++) shared.run('tpm2_createprimary', '-Q', '-C', 'n', '-G', 'ecc');
      const signing = signWith(shared, source);
      await new Promise((resolve) => setTimeout(resolve, 500));
      shared.flush();
      expect(await signing).toBe(true);
      expect(leftIn(shared)).toBe('');
    } finally {
      await shared.stop();
    }
  });

  it('does not wait for others while it holds a part of the memory itself', async () => {
    const shared = await startSwtpm(',disconnect');
    try {
      const args = ['-algorithm', 'EC', '-pkeyopt', 'group:P-256'];
      const source = fileSource(shared.opensslKey('contended.tss', ...args));
      // Each needs a parent and a key, and three objects are all that fit.
      const all = await Promise.all(Array.from({ length: 6 }, () => signWith(shared, source)));
      expect(all).toEqual(Array.from({ length: 6 }, () => true));
      expect(leftIn(shared)).toBe('');
    } finally {
      await shared.stop();
    }
  });

  it('serves many signatures at once', async () => {
    const source = fileSource(tpm.opensslKey('many.tss', '-algorithm', 'EC', '-pkeyopt', 'group:P-256'));
    const all = await Promise.all(Array.from({ length: 8 }, () => signWith(tpm, source)));
    expect(all).toEqual(Array.from({ length: 8 }, () => true));
    expect(leftIn(tpm)).toBe('');
  });
});

describe.skipIf(missing)(
  `a wrong password${missing === undefined ? '' : ` (left out: no ${missing})`}`,
  () => {
    it('is tried once for any number of signatures, and the lockout is named', async () => {
      const tpm = await startSwtpm(',disconnect');
      try {
        const args = ['-algorithm', 'EC', '-pkeyopt', 'group:P-256', '-pkeyopt', 'user-auth:right'];
        const source = fileSource(tpm.opensslKey('key.tss', ...args));
        const counter = (): string =>
          tpm.run('tpm2_getcap', 'properties-variable').match(/LOCKOUT_COUNTER: (\w+)/)?.[1] ?? '';
        for (let attempt = 0; attempt < 5; attempt++) {
          await expect(signWith(tpm, source, 'wrong')).rejects.toMatchObject({
            code: 'ERR_TPM_PASSWORD',
            message: expect.not.stringContaining('wrong'),
            hint: expect.stringMatching(/not tried again/),
          });
        }
        expect(counter()).toBe('0x1');
        expect(await signWith(tpm, source, 'right')).toBe(true);
        for (const password of ['wrong 2', 'wrong 3', 'wrong 4'])
          await signWith(tpm, source, password).catch(() => {});
        await expect(signWith(tpm, source, 'right')).rejects.toMatchObject({
          code: 'ERR_TPM_LOCKOUT',
          hint: expect.stringMatching(/clear-lockout/),
        });
        expect(leftIn(tpm)).toBe('');
      } finally {
        await tpm.stop();
      }
    });
  },
);
