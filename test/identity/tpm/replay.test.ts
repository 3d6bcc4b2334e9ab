/**
 * The codec and the HMAC sessions against recorded exchanges with swtpm (see `swtpm.test.ts`), also altered
 * ones.
 */
import { verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseTpmKeyFile } from '../../../src/identity/tpm/key-file.js';
import type { TpmKeySource } from '../../../src/identity/tpm/tpm-key.js';
import { openTpmKey } from '../../../src/identity/tpm/tpm-key.js';
import type { Recording } from './replay.js';
import { fixedRandom, replay } from './replay.js';

const RECORDINGS: Readonly<Record<string, Recording>> = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'vectors', 'tpm.json'), 'utf8'),
);
const DATA = Buffer.from('recorded');

function sourceOf({ pem, handle = 0 }: Recording): TpmKeySource {
  if (pem === undefined) return { kind: 'handle', handle };
  const der = Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
  return { kind: 'file', file: parseTpmKeyFile(der, 'private key host.tss') };
}

async function sign(recording: Recording, exchanges = recording.exchanges): Promise<boolean> {
  const device = replay(exchanges);
  const key = await openTpmKey({
    ...{ source: sourceOf(recording), subject: 'private key host.tss', password: recording.password },
    ...{ open: async () => device, random: fixedRandom },
  });
  const isGood = verify('sha256', DATA, key.publicKey, await key.sign(DATA));
  expect(device.left()).toBe(0);
  return isGood;
}

describe.each(Object.entries(RECORDINGS))('the recorded exchange of %s', (_name, recording) => {
  it('gives a signature that OpenSSL verifies', async () => {
    expect(await sign(recording)).toBe(true);
  });

  it('never has the password in a command', () => {
    const { password, exchanges } = recording;
    const hex = Buffer.from(password ?? 'secret').toString('hex');
    for (const [command] of exchanges) expect(command).not.toContain(hex);
  });

  it('is refused with a code if a response is cut short', async () => {
    for (const [index, [command, response]] of recording.exchanges.entries()) {
      // Flushing is only cleanup: an error there loses nothing.
      if (command.slice(12, 20) === '00000165') continue;
      for (const length of [0, 9, 12, response.length / 2 - 1]) {
        const altered = recording.exchanges.with(index, [command, response.slice(0, 2 * length)]);
        await expect(sign(recording, altered), `${index} cut to ${length}`).rejects.toMatchObject({
          code: 'ERR_TPM_FAILED',
        });
      }
    }
  });
});

describe('the response to a command that an HMAC authorizes', () => {
  const [recording] = Object.values(RECORDINGS).filter(({ password }) => password !== undefined);

  it('is refused if an octet was altered', async () => {
    if (recording === undefined) throw new Error('a recording with a password');
    const { exchanges } = recording;
    const index = exchanges.findIndex(([command]) => command.slice(12, 20) === '0000015d');
    const [command = '', response = ''] = exchanges[index] ?? [];
    // The signature, after header and size of the parameters, and the HMAC at the end.
    for (const at of [30, 60, response.length / 2 - 1]) {
      const octet = Number.parseInt(response.slice(2 * at, 2 * at + 2), 16) ^ 1;
      const altered =
        response.slice(0, 2 * at) + octet.toString(16).padStart(2, '0') + response.slice(2 * at + 2);
      await expect(sign(recording, exchanges.with(index, [command, altered]))).rejects.toMatchObject({
        code: 'ERR_TPM_FAILED',
        message: expect.stringMatching(/HMAC of the response is wrong/),
      });
    }
  });
});
