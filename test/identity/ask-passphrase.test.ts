import { describe, expect, it } from 'vitest';
import { loadIdentity, loadSigner } from '../../src/identity/load.js';
import { manifest, path } from '../fixtures.js';

const KEY = path('ec-p256.scrypt.pem');
const ENCRYPTED = { certificate: path('ec-p256.pem'), privateKey: KEY };
const PLAIN = { certificate: path('ec-p256.pem'), privateKey: path('ec-p256.key.pem') };

/** Gives the answers in turn and records the questions. */
function answering(...answers: ReadonlyArray<string | undefined>) {
  const questions: Array<readonly [subject: string, attempt: number]> = [];
  const askPassphrase = async (subject: string, attempt: number) => {
    questions.push([subject, attempt]);
    return answers[attempt];
  };
  return { questions, askPassphrase };
}

describe('askPassphrase', () => {
  it('is called for an encrypted key, and again after a wrong answer', async () => {
    const { questions, askPassphrase } = answering('wrong', 'wrong too', manifest.passphrase);
    const identity = await loadIdentity(ENCRYPTED, { askPassphrase });
    expect(identity.algorithm).toBe('AWS4-X509-ECDSA-SHA256');
    expect(questions).toEqual([0, 1, 2].map((attempt) => [`private key ${KEY}`, attempt]));
  });

  it('is called three times at most', async () => {
    const { questions, askPassphrase } = answering('1', '2', '3', manifest.passphrase);
    await expect(loadSigner(ENCRYPTED, { askPassphrase })).rejects.toMatchObject({
      code: 'ERR_KEY_PASSPHRASE',
      message: `private key ${KEY} cannot be decrypted: the passphrase is wrong`,
    });
    expect(questions).toHaveLength(3);
  });

  it('without an answer leaves the error unchanged', async () => {
    const { questions, askPassphrase } = answering(undefined);
    await expect(loadIdentity(ENCRYPTED, { askPassphrase })).rejects.toMatchObject({
      code: 'ERR_KEY_PASSPHRASE',
      message: `private key ${KEY} is encrypted and no passphrase was given`,
    });
    expect(questions).toHaveLength(1);
  });

  it('is not called for a plain key, a given passphrase, or another failure', async () => {
    const { questions, askPassphrase } = answering(manifest.passphrase);
    await loadIdentity(PLAIN, { askPassphrase });
    await loadIdentity({ ...ENCRYPTED, passphrase: manifest.passphrase }, { askPassphrase });
    for (const passphrase of ['wrong', '']) {
      await expect(loadIdentity({ ...ENCRYPTED, passphrase }, { askPassphrase })).rejects.toMatchObject({
        code: 'ERR_KEY_PASSPHRASE',
      });
    }
    await expect(
      loadIdentity({ ...PLAIN, privateKey: path('not-empty.pem') }, { askPassphrase }),
    ).rejects.toMatchObject({ code: 'ERR_PEM_INVALID' });
    expect(questions).toEqual([]);
  });
});
