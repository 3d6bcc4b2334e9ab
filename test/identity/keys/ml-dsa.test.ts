/**
 * ML-DSA by both implementations: OpenSSL's, if this Node has it, and the package. Fixtures come from Python's
 * `cryptography`, which also verifies signatures if it is installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { checkIdentity } from '../../../src/identity/check-identity.js';
import { mlDsaPublicKey, mlDsaSigningKey } from '../../../src/identity/keys/ml-dsa.js';
import { decodePem, parsePem } from '../../../src/identity/keys/pem.js';
import { ML_DSA_TYPES } from '../../../src/identity/keys/public-key.js';
import { loadIdentity } from '../../../src/identity/load.js';
import type { HttpRequest } from '../../../src/signing/canonical-request.js';
import { signRequestWithTrace } from '../../../src/signing/sign-request.js';
import { manifest, NOW, path, text } from '../../fixtures.js';

const LEVELS = ['44', '65', '87'] as const;
const FORMS = ['key', 'expanded', 'both'] as const;
const LENGTHS = { '44': 2420, '65': 3309, '87': 4627 };
const DATA = Buffer.from('what is to be signed');
const ROWS = LEVELS.flatMap((level) => FORMS.map((form) => [level, form] as const));

function der(file: string): Buffer {
  const [block] = parsePem(Buffer.from(text(file)), file).blocks;
  if (block === undefined) throw new Error(`no PEM in ${file}`);
  return decodePem(block, file);
}

/** The key by the package, also on a Node with ML-DSA. */
function byPackage(level: string, form: string) {
  return mlDsaSigningKey(der(`ml-dsa-${level}.${form}.pem`), `ml-dsa-${level}`);
}

/** The key as the library reads it: by OpenSSL if this Node has ML-DSA. */
function byProduct(level: string, form: string) {
  const files = { certificate: path(`ml-dsa-${level}.pem`), privateKey: path(`ml-dsa-${level}.${form}.pem`) };
  return loadIdentity({ ...files, passphrase: manifest.passphrase });
}

/** One Python for all verdicts, since loading `cryptography` takes longer. It answers each line with one. */
const PYTHON = `
import json, sys
from cryptography import x509
from cryptography.exceptions import InvalidSignature
def judge(key, signature, data):
    try:
        key.verify(bytes.fromhex(signature), bytes.fromhex(data))
        return 'valid'
    except InvalidSignature:
        return 'invalid'
for line in sys.stdin:
    certificate, *pairs = json.loads(line)
    key = x509.load_pem_x509_certificate(open(certificate, 'rb').read()).public_key()
    print(json.dumps([judge(key, *pair) for pair in pairs]), flush=True)
`;

function startPython() {
  const child = spawn('python3', ['-c', PYTHON]);
  const failed = once(child.stderr, 'data').then(([text]) => Promise.reject(new Error(String(text))));
  // Unless a verdict is awaited.
  failed.catch(() => {});
  return { child, answers: createInterface({ input: child.stdout }), failed };
}

let python: ReturnType<typeof startPython> | undefined;
afterAll(() => void python?.child.kill());

/** Python's verdict on each signature over each text. */
async function judgeByPython(
  level: string,
  ...pairs: ReadonlyArray<readonly [Uint8Array, Uint8Array]>
): Promise<string[]> {
  python ??= startPython();
  const { child, answers, failed } = python;
  const hex = pairs.map((pair) => pair.map((octets) => Buffer.from(octets).toString('hex')));
  const answer = once(answers, 'line');
  child.stdin.write(`${JSON.stringify([path(`ml-dsa-${level}.pem`), ...hex])}\n`);
  const [line] = await Promise.race([answer, failed]);
  return JSON.parse(line);
}

const hasPython =
  spawnSync('python3', ['-c', 'from cryptography.hazmat.primitives.asymmetric import mldsa']).status === 0;

describe.each(ROWS)('ML-DSA-%s, key as %s', (level, form) => {
  it('either implementation verifies signatures of the other', async () => {
    const identity = await byProduct(level, form);
    const key = await byPackage(level, form);
    expect(identity.algorithm).toBe('AWS4-X509-MLDSA');
    expect(checkIdentity(identity, { now: () => NOW })).toEqual([]);
    expect(Buffer.from(key.publicKey.spki)).toEqual(Buffer.from(identity.certificate.publicKey.spki));
    const verifier = await mlDsaPublicKey(Buffer.from(key.publicKey.spki), `ml-dsa-${level}`);
    for (const signature of [await identity.sign(DATA), key.sign(DATA)]) {
      expect(signature).toHaveLength(LENGTHS[level]);
      expect(verifier.verify?.(DATA, signature)).toBe(true);
      expect(verifier.verify?.(Buffer.from('another text'), signature)).toBe(false);
      expect(verifier.verify?.(DATA, signature.subarray(1))).toBe(false);
    }
  });

  it.skipIf(!hasPython)("signatures verify with Python's cryptography", async () => {
    const identity = await byProduct(level, form);
    const key = await byPackage(level, form);
    const [ours, its] = [await identity.sign(DATA), key.sign(DATA)];
    const other = Buffer.from('another text');
    expect(await judgeByPython(level, [ours, DATA], [its, DATA], [its, other])).toEqual([
      'valid',
      'valid',
      'invalid',
    ]);
  });

  it.skipIf(!hasPython)("signed requests verify with Python's cryptography", async () => {
    const identity = await byProduct(level, form);
    const request: HttpRequest = {
      method: 'POST',
      protocol: 'https:',
      hostname: 'example.com',
      path: '/sessions',
      headers: {},
    };
    const signed = await signRequestWithTrace(request, identity, { region: 'us-east-1', date: NOW });
    expect(signed.stringToSign).toMatch(/^AWS4-X509-MLDSA\n20260601T120000Z\n/);
    const hex = /^AWS4-X509-MLDSA Credential=.*, Signature=([0-9a-f]+)$/.exec(
      signed.request.headers['authorization'] ?? '',
    )?.[1];
    const signature = Buffer.from(hex ?? '', 'hex');
    expect(await judgeByPython(level, [signature, Buffer.from(signed.stringToSign)])).toEqual(['valid']);
  });

  it('derives keys, and keeps no bytes of its file', async () => {
    const bytes = der(`ml-dsa-${level}.${form}.pem`);
    const key = await mlDsaSigningKey(bytes, `ml-dsa-${level}`);
    const derived = key.deriveKey('purpose');
    bytes.fill(0);
    expect(key.deriveKey('purpose')).toEqual(derived);
    expect(key.deriveKey('other')).not.toEqual(derived);
    const verifier = await mlDsaPublicKey(Buffer.from(key.publicKey.spki), `ml-dsa-${level}`);
    expect(verifier.verify?.(DATA, key.sign(DATA))).toBe(true);
  });
});

describe('an ML-DSA key is refused', () => {
  const type = 'ml-dsa-65';
  const whole = (form: string): Buffer => der(`ml-dsa-65.${form}.pem`);

  it('if its seed gives another key', async () => {
    const privateKey = path('bad-ml-dsa-both.key.pem');
    await expect(loadIdentity({ certificate: path('ml-dsa-65.pem'), privateKey })).rejects.toMatchObject({
      code: 'ERR_KEY_INVALID',
      message: `private key ${privateKey} is damaged: its parts are not those of one ML-DSA-65 key`,
    });
    await expect(mlDsaSigningKey(der('bad-ml-dsa-both.key.pem'), type)).rejects.toThrow(
      'the seed gives another key',
    );
  });

  it.each(FORMS)('if it was altered or cut short (%s)', async (form) => {
    // Of an expanded key (FIPS 204 §7.2): its matrix, its hash, its secret. Elsewhere damage need not show.
    for (const at of form === 'key' ? [-1] : [40, 110, 200]) {
      const altered = whole(form);
      const index = at < 0 ? altered.length + at : at;
      altered[index] = (altered[index] ?? 0) ^ 1;
      // A seed has no redundancy: another seed is another key, which does not match the certificate.
      await expect(
        loadIdentity({ certificate: path('ml-dsa-65.pem'), privateKey: altered }),
      ).rejects.toMatchObject({
        code: form === 'key' ? 'ERR_KEY_MISMATCH' : expect.stringMatching(/^ERR_KEY_(INVALID|MISMATCH)$/),
      });
    }
    const cut = whole(form).subarray(0, -1);
    await expect(loadIdentity({ certificate: path('ml-dsa-65.pem'), privateKey: cut })).rejects.toMatchObject(
      {
        code: 'ERR_KEY_INVALID',
      },
    );
  });

  it('if its level differs from the declared one', async () => {
    await expect(mlDsaSigningKey(whole('expanded'), 'ml-dsa-44')).rejects.toThrow('of the wrong length');
    await expect(mlDsaSigningKey(whole('expanded'), 'rsa')).rejects.toThrow();
  });
});

it('chains through authorities with ML-DSA keys are built by signature, not by name', async () => {
  const leaf = { certificate: path('ml-dsa-chain.pem'), privateKey: path('ml-dsa-65.key.pem') };
  const bundle = ['ml-dsa-chain.intermediates.pem', 'root-ml-dsa.pem', 'root-ec.pem'].map(text).join('');
  const { chain, certificate } = await loadIdentity({ ...leaf, intermediates: bundle });
  expect(certificate.signatureHash).toBe('ml-dsa-65');
  expect(chain.map(({ subject }) => subject)).toEqual([
    'C=DE, O=Example, OU=Fixtures, CN=ml-dsa-intermediate',
  ]);
  const altered = chain.map((link) => ({ ...link, raw: Buffer.from(link.raw) }));
  const { linkedFrom } = await import('../../../src/identity/chain.js');
  expect(linkedFrom(certificate, altered)).toHaveLength(1);
  const forged = Buffer.from(certificate.raw);
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  expect(linkedFrom({ ...certificate, raw: forged }, altered)).toEqual([]);
});

it('the package is used only on a Node without ML-DSA', async () => {
  const { certificate } = await byProduct('65', 'key');
  let type: string | undefined;
  try {
    // Node 22 with OpenSSL 3.5 reads the key, but gives it no type.
    type = createPrivateKey(text('ml-dsa-65.key.pem')).asymmetricKeyType;
  } catch {
    // Before Node 22, OpenSSL does not read it.
  }
  const isNative = type !== undefined;
  expect(certificate.publicKey.keyObject !== undefined).toBe(isNative);
  expect(certificate.publicKey.verify === undefined).toBe(isNative);
  expect(Object.values(ML_DSA_TYPES)).toContain(certificate.publicKey.type);
});
