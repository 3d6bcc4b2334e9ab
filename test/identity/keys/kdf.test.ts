/** Key derivation: known answers, one budget per file, and a free event loop. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openContents } from '../../../src/identity/contents.js';
import { DIGESTS, derivePkcs12, PURPOSES } from '../../../src/identity/keys/hash-kdf.js';
import { KdfBudget } from '../../../src/identity/keys/kdf-budget.js';
import { decryptRc2Cbc } from '../../../src/identity/keys/rc2.js';
import { path, text } from '../../fixtures.js';
import { integer, octets, oid, sequence } from './der.js';

const hasPython = spawnSync('python3', ['--version']).status === 0;

/** RFC 7292 §B.2 in Python, with big integers instead of octets. */
const PYTHON = `
import hashlib, json, sys

def derive(name, purpose, length, iterations, password, salt):
    password, salt = bytes.fromhex(password), bytes.fromhex(salt)
    v = 128 if name in ('sha384', 'sha512') else 64
    fill = lambda text: (text * v)[: v * -(-len(text) // v)]
    diversifier, data = bytes([purpose]) * v, fill(salt) + fill(password)
    key = b''
    while len(key) < length:
        a = diversifier + data
        for _ in range(iterations):
            a = hashlib.new(name, a).digest()
        key += a
        b = int.from_bytes((a * v)[:v], 'big') + 1
        blocks = [data[i : i + v] for i in range(0, len(data), v)]
        data = b''.join(((int.from_bytes(x, 'big') + b) % 2 ** (8 * v)).to_bytes(v, 'big') for x in blocks)
    return key[:length].hex()

print(json.dumps([derive(*row) for row in json.loads(sys.argv[1])]))
`;

it.skipIf(!hasPython)('the key derivation of PKCS#12 equals that of Python', async () => {
  const ROWS = [
    ['sha1', 'key', 24, 2048],
    ['sha1', 'iv', 8, 3],
    ['sha256', 'mac', 32, 10_001],
    ['sha384', 'key', 100, 5],
    ['sha512', 'mac', 64, 1],
    ['md5', 'key', 40, 7],
  ] as const;
  const INPUTS = [
    [Buffer.from('0073006500630072006500740000', 'hex'), randomBytes(8)],
    [Buffer.alloc(0), randomBytes(20)],
    [Buffer.alloc(130, 1), Buffer.alloc(0)],
    [Buffer.alloc(64, 0xff), Buffer.alloc(64, 0xff)],
  ] as const;
  const all = ROWS.flatMap((row) => INPUTS.map((input) => [...row, ...input] as const));
  const rows = all.map(([name, purpose, length, iterations, password, salt]) => [
    ...[name, PURPOSES[purpose], length, iterations],
    ...[password.toString('hex'), salt.toString('hex')],
  ]);
  const output = execFileSync('python3', ['-c', PYTHON, JSON.stringify(rows)], { encoding: 'utf8' });
  const expected: unknown[] = JSON.parse(output);
  for (const [index, [name, purpose, length, iterations, password, salt]] of all.entries()) {
    const derivation = { digest: DIGESTS[name], purpose: PURPOSES[purpose], iterations, length };
    const key = await derivePkcs12({ ...derivation, password: Buffer.from(password), salt });
    expect(key.toString('hex'), JSON.stringify(rows[index])).toBe(expected[index]);
  }
});

describe('RC2 decrypts', () => {
  // RFC 2268 §5: key, effective bits, plaintext, ciphertext; one block, so that CBC with zeros is ECB.
  it.each([
    ['0000000000000000', 63, '0000000000000000', 'ebb773f993278eff'],
    ['ffffffffffffffff', 64, 'ffffffffffffffff', '278b27e42e2f0d49'],
    ['3000000000000000', 64, '1000000000000001', '30649edf9be7d2c2'],
    ['88', 64, '0000000000000000', '61a8a244adacccf0'],
    ['88bca90e90875a', 64, '0000000000000000', '6ccf4308974c267f'],
    ['88bca90e90875a7f0f79c384627bafb2', 64, '0000000000000000', '1a807d272bbe5db1'],
    ['88bca90e90875a7f0f79c384627bafb2', 128, '0000000000000000', '2269552ab0f85ca6'],
    [
      '88bca90e90875a7f0f79c384627bafb216f80a6f85920584c42fceb0be255daf1e',
      129,
      '0000000000000000',
      '5b78d3a43dfff1f1',
    ],
  ])('the vector %s, %i bits', (key, bits, plain, cipher) => {
    const [zeros, data] = [Buffer.alloc(8), Buffer.from(cipher, 'hex')];
    expect(decryptRc2Cbc(Buffer.from(key, 'hex'), bits, zeros, data).toString('hex')).toBe(plain);
  });

  it('whole blocks only', () => {
    expect(() => decryptRc2Cbc(Buffer.alloc(5), 40, Buffer.alloc(8), Buffer.alloc(9))).toThrow(
      'whole blocks',
    );
  });
});

/** An EncryptedPrivateKeyInfo that asks for these iterations, as PEM. */
function encrypted(iterations: number, isOld: boolean): string {
  const parameters = sequence(octets(Buffer.alloc(8, 1)), integer(iterations));
  const aes = sequence(oid('2.16.840.1.101.3.4.1.42'), octets(Buffer.alloc(16)));
  const hmac = sequence(oid('1.2.840.113549.2.9'));
  const pbkdf2 = sequence(octets(Buffer.alloc(8, 1)), integer(iterations), hmac);
  const algorithm = isOld
    ? sequence(oid('1.2.840.113549.1.5.10'), parameters)
    : sequence(oid('1.2.840.113549.1.5.13'), sequence(sequence(oid('1.2.840.113549.1.5.12'), pbkdf2), aes));
  const body = sequence(algorithm, octets(Buffer.alloc(160))).toString('base64');
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${body}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
}

async function failureOf(pem: string): Promise<unknown> {
  const contents = openContents({ bytes: Buffer.from(pem), subject: 'key' }, 'secret');
  return contents.keys().catch((error: unknown) => error);
}

describe('one budget for all keys of a file', () => {
  it('is refused before any work is done', async () => {
    const started = process.cpuUsage();
    for (const [count, iterations, isOld, limit] of [
      [20, 300_000, false, '5000000 iterations of PBKDF2'],
      [1, 5_000_001, false, '5000000 iterations of PBKDF2'],
      [10, 100_001, true, '1000000 iterations of the key derivation of PKCS#12'],
      [1, 1_000_001, true, '1000000 iterations of the key derivation of PKCS#12'],
    ] as const) {
      expect(await failureOf(encrypted(iterations, isOld).repeat(count))).toMatchObject({
        name: 'IdentityError',
        code: 'ERR_KEY_UNSUPPORTED',
        message: expect.stringContaining(`key may ask for at most ${limit}, found `),
      });
    }
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(1000);
  });

  it('counts each kind separately', () => {
    const budget = new KdfBudget('key');
    budget.charge([{ kind: 'pbkdf2', amount: 5_000_000 }]);
    budget.charge([{ kind: 'hash', amount: 999_999 }]);
    expect(() => budget.charge([{ kind: 'hash', amount: 2 }])).toThrow('found 1000001');
    expect(() => budget.charge([{ kind: 'scrypt', amount: Number.POSITIVE_INFINITY }])).toThrow(
      'more than 2^48',
    );
  });

  it.each([
    [2, 2_097_152, 4],
    [32_768, 64, 1],
    [262_144, 8, 1],
    [1024, 1, 2_097_152],
  ])('scrypt counts its lanes: N=%i, r=%i, p=%i exceeds 256 MiB', async (N, r, p) => {
    const scrypt = sequence(octets(Buffer.alloc(8)), integer(N), integer(r), integer(p));
    const kdf = sequence(oid('1.3.6.1.4.1.11591.4.11'), scrypt);
    const aes = sequence(oid('2.16.840.1.101.3.4.1.42'), octets(Buffer.alloc(16)));
    const algorithm = sequence(oid('1.2.840.113549.1.5.13'), sequence(kdf, aes));
    const body = sequence(algorithm, octets(Buffer.alloc(160))).toString('base64');
    const pem = `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${body}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
    expect(await failureOf(pem)).toMatchObject({
      code: 'ERR_KEY_UNSUPPORTED',
      message: `key may ask for at most 256 MiB of scrypt, found N=${N}, r=${r}, p=${p}`,
    });
  });
});

it('a long derivation leaves the event loop free', async () => {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  const started = performance.now();
  const length = DIGESTS.sha1.length;
  const derivation = { digest: DIGESTS.sha1, purpose: PURPOSES.mac, iterations: 300_000, length };
  const key = await derivePkcs12({
    ...derivation,
    password: Buffer.from('00610000', 'hex'),
    salt: Buffer.alloc(8),
  });
  const took = performance.now() - started;
  clearInterval(timer);
  expect(key).toHaveLength(length);
  // On the main thread, the longest pause would be the whole of it.
  expect(longest).toBeLessThan(took / 2);
});

it('a key of another program, read by Python', () => {
  // The outdated encryption that Node itself can make: PBKDF1 with SHA-1, DES by three times DES.
  const [password, salt] = [Buffer.from('secret'), Buffer.alloc(8, 7)];
  let derived = Buffer.concat([password, salt]);
  for (let round = 0; round < 10; round++) derived = createHash('sha1').update(derived).digest();
  const key = derived.subarray(0, 8);
  const cipher = createCipheriv('des-ede3-cbc', Buffer.concat([key, key, key]), derived.subarray(8, 16));
  const pem = text('ec-p256.key.pem').replace(/-----.*-----|\s/g, '');
  const data = Buffer.concat([cipher.update(Buffer.from(pem, 'base64')), cipher.final()]);
  const algorithm = sequence(oid('1.2.840.113549.1.5.10'), sequence(octets(salt), integer(10)));
  const bytes = sequence(algorithm, octets(data));
  return expect(openContents({ bytes, subject: path('key') }, 'secret').keys()).resolves.toMatchObject({
    keys: [{ algorithm: { label: 'EC' } }],
  });
});
