/** Keys that would abort OpenSSL or make it throw are refused before OpenSSL parses them. */
import { execFileSync } from 'node:child_process';
import { createECDH, createPublicKey, getCurves, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { algorithmForKey, describeKey } from '../../../src/identity/keys/algorithms.js';
import { parsePlainKey } from '../../../src/identity/keys/private-key.js';
import { publicKeyOf } from '../../../src/identity/keys/public-key.js';
import { readPublicKey } from '../../../src/identity/keys/read-public-key.js';
import type { SigningKey } from '../../../src/identity/keys/signing-key.js';
import { CURVES } from '../../../src/measure/curves.js';
import { path } from '../../fixtures.js';
import { bits, der, fixed, integer, octets, oid, sequence } from './der.js';

const SUBJECT = 'private key of the test';
const EC_KEY = oid('1.2.840.10045.2.1');
const RSA_KEY = oid('1.2.840.113549.1.1.1');
const DATA = Buffer.from('data');

/** Orders and primes of the curves by OpenSSL, independent of our table. */
function parametersByOpenssl(name: string): { prime: string; order: string } {
  const text = execFileSync(
    'openssl',
    ['ecparam', '-name', name, '-param_enc', 'explicit', '-noout', '-text'],
    {
      encoding: 'utf8',
    },
  );
  const hex = (label: string): string =>
    (new RegExp(`${label}:\\s+([0-9a-f:\\s]+?)\\n[A-Z]`).exec(text)?.[1] ?? '').replace(/[:\s]/g, '');
  return { prime: hex('Prime'), order: hex('Order') };
}

function sec1(curve: string, scalar: Buffer, point?: Buffer): Buffer {
  return sequence(
    integer(1),
    octets(scalar),
    der(0xa0, oid(curve)),
    ...(point === undefined ? [] : [der(0xa1, bits(point))]),
  );
}

function pkcs8(curve: string, scalar: Buffer, point?: Buffer): Buffer {
  const inner = sequence(integer(1), octets(scalar), ...(point ? [der(0xa1, bits(point))] : []));
  return sequence(integer(0), sequence(EC_KEY, oid(curve)), octets(inner));
}

function spki(curve: string, point: Buffer): Buffer {
  return sequence(sequence(EC_KEY, oid(curve)), bits(point));
}

async function outcome(bytes: Buffer): Promise<string> {
  try {
    const key = await parsePlainKey(Buffer.from(bytes), SUBJECT);
    const signature = key.sign(DATA);
    const publicKey = createPublicKey({ key: Buffer.from(key.publicKey.spki), type: 'spki', format: 'der' });
    return verify('sha256', DATA, publicKey, signature) ? 'signs' : 'signs wrongly';
  } catch (error) {
    if (!(error instanceof Error && error.name === 'IdentityError' && 'code' in error)) throw error;
    return String(error.code);
  }
}

const P256 = '1.2.840.10045.3.1.7';

describe('a private scalar', () => {
  it.each(CURVES.map(({ name, oid: curve }) => [name, curve] as const))('on %s', async (name, curve) => {
    expect(getCurves()).toContain(name);
    const { prime, order } = parametersByOpenssl(name);
    const row = CURVES.find((one) => one.name === name);
    expect(BigInt(`0x${row?.prime.toString('hex')}`)).toBe(BigInt(`0x${prime}`));
    expect(BigInt(`0x${row?.order.toString('hex')}`)).toBe(BigInt(`0x${order}`));
    const n = BigInt(`0x${order}`);
    const length = row?.length ?? 0;
    for (const form of [sec1, pkcs8]) {
      for (const scalar of [1n, 2n, n - 1n]) {
        expect(await outcome(form(curve, fixed(scalar, length)))).toBe('signs');
        expect(await outcome(form(curve, fixed(scalar, length + 3)))).toBe('signs');
      }
      expect(await outcome(form(curve, fixed(3n, 1)))).toBe('signs');
      for (const scalar of [0n, n, n + 1n, (1n << BigInt(8 * length)) - 1n, 1n << BigInt(8 * length)]) {
        expect(await outcome(form(curve, fixed(scalar, length + 1)))).toBe('ERR_KEY_INVALID');
      }
      expect(await outcome(form(curve, Buffer.alloc(length + 16, 0x55)))).toBe('ERR_KEY_INVALID');
      expect(await outcome(form(curve, Buffer.alloc(0)))).toBe('ERR_KEY_INVALID');
    }
  });

  it('with its public half, in either form, or without one', async () => {
    const ecdh = createECDH('prime256v1');
    const point = ecdh.generateKeys();
    const scalar = fixed(BigInt(`0x${ecdh.getPrivateKey('hex')}`), 32);
    const compressed = ecdh.getPublicKey(null, 'compressed');
    for (const form of [sec1, pkcs8]) {
      for (const own of [point, compressed, undefined]) {
        expect(await outcome(form(P256, scalar, own))).toBe('signs');
      }
      const other = createECDH('prime256v1').generateKeys();
      const past = Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 0xff)]);
      for (const wrong of [
        Buffer.from([0]),
        other,
        past,
        point.subarray(0, -1),
        Buffer.concat([Buffer.from([6]), point.subarray(1)]),
        Buffer.concat([Buffer.from([2]), Buffer.alloc(32, 0xff)]),
        Buffer.alloc(0),
      ]) {
        expect(await outcome(form(P256, scalar, wrong))).toBe('ERR_KEY_INVALID');
      }
    }
  });

  it('on a known curve with explicit parameters', async () => {
    const args = [
      'ecparam',
      '-name',
      'prime256v1',
      '-param_enc',
      'explicit',
      '-genkey',
      '-noout',
      '-outform',
      'DER',
    ];
    const key = execFileSync('openssl', args, { stdio: 'pipe' });
    expect(await outcome(key)).toBe('signs');
    // The file has the order once: another order is another curve.
    const at = key.indexOf(Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84', 'hex'));
    key[at + 20] = (key[at + 20] ?? 0) ^ 1;
    expect(await outcome(key)).toBe('ERR_KEY_UNSUPPORTED');
  });

  it('on an unknown curve', async () => {
    expect(await outcome(sec1('1.3.132.0.1', Buffer.alloc(21, 1)))).toBe('ERR_KEY_UNSUPPORTED');
    expect(await outcome(sec1('1.2.3', Buffer.alloc(32, 1)))).toBe('ERR_KEY_UNSUPPORTED');
  });
});

describe('a public point', () => {
  const [good, compressed] = (() => {
    const ecdh = createECDH('prime256v1');
    return [ecdh.generateKeys(), ecdh.getPublicKey(null, 'compressed')];
  })();

  it('is read compressed and uncompressed', async () => {
    for (const point of [good, compressed]) {
      const key = await readPublicKey(spki(P256, point));
      expect(describeKey(key)).toBe('EC prime256v1');
      expect(key.keyObject).toBeDefined();
    }
  });

  it.each<[string, Buffer]>([
    ['at infinity', Buffer.from([0])],
    ['in the hybrid form', Buffer.concat([Buffer.from([6]), good.subarray(1)])],
    ['cut short', good.subarray(0, -1)],
    ['with an octet too many', Buffer.concat([good, Buffer.alloc(1)])],
    ['beside the curve', Buffer.concat([good.subarray(0, -1), Buffer.from([(good.at(-1) ?? 0) ^ 1])])],
    ['beyond the field', Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 0xff)])],
    ['without octets', Buffer.alloc(0)],
  ])('%s is invalid', async (_name, point) => {
    const key = await readPublicKey(spki(P256, point));
    expect(algorithmForKey(key)).toBeUndefined();
    expect(describeKey(key)).toBe('a damaged EC key');
  });
});

describe('RSA numbers', () => {
  const rsa = (n: bigint, e: bigint): Buffer =>
    sequence(sequence(RSA_KEY, der(0x05)), bits(sequence(integer(n), integer(e))));
  const odd = (size: number): bigint => (1n << BigInt(size - 1)) + 1n;

  it.each<[string, bigint, bigint, string]>([
    ['a modulus of 1023 bits', odd(1023), 65537n, 'an RSA key of 1023 bits (from 1024 to 16384 are read)'],
    ['a modulus of 16385 bits', odd(16385), 65537n, 'an RSA key of 16385 bits (from 1024 to 16384 are read)'],
    ['an even modulus', odd(2048) - 1n, 65537n, 'a damaged RSA key'],
    ['the exponent 1', odd(2048), 1n, 'a damaged RSA key'],
    ['the exponent 0', odd(2048), 0n, 'a damaged RSA key'],
    ['an even exponent', odd(2048), 65538n, 'a damaged RSA key'],
    ['an exponent of 257 bits', odd(2048), odd(257), 'a damaged RSA key'],
    ['a modulus of 0', 0n, 65537n, 'an RSA key of 0 bits (from 1024 to 16384 are read)'],
  ])('%s is refused', async (_name, n, e, found) => {
    const key = await readPublicKey(rsa(n, e));
    expect(algorithmForKey(key)).toBeUndefined();
    expect(describeKey(key)).toBe(found);
  });

  it.each([
    [odd(1024), 3n],
    [odd(16384), 65537n],
    [odd(2048), odd(256)],
  ])('within the limits are accepted', async (n, e) => {
    expect(algorithmForKey(await readPublicKey(rsa(n, e)))?.label).toBe('RSA');
  });

  it('of private keys are checked too', async () => {
    const small = execFileSync('openssl', ['genrsa', '-traditional', '512'], { stdio: 'pipe' });
    const pem = small.toString().replace(/-----.*-----|\s/g, '');
    expect(await outcome(Buffer.from(pem, 'base64'))).toBe('ERR_KEY_UNSUPPORTED');
    const multi = execFileSync('openssl', ['genrsa', '-traditional', '-primes', '3', '2048'], {
      stdio: 'pipe',
    });
    expect(await outcome(Buffer.from(multi.toString().replace(/-----.*-----|\s/g, ''), 'base64'))).toBe(
      'signs',
    );
    const numbers = [3n ** 700n, 65537n, 5n, 7n, 11n, 1n, 1n, 1n];
    const private1 = (values: readonly bigint[]): Buffer =>
      sequence(integer(0), ...values.map((one) => integer(one)));
    // Neither even nor empty primes reach OpenSSL, which would divide by them.
    for (const [at, value] of [
      [3, 0n],
      [3, 4n],
      [4, 1n],
      [2, 0n],
      [5, 0n],
      [4, 3n ** 701n],
    ] as const) {
      const values = numbers.with(at, value);
      expect(await outcome(private1(values))).toBe('ERR_KEY_INVALID');
    }
  });
});

/** A key whose numbers are in range but do not belong together fails when it signs. */
function trySign(key: SigningKey): string {
  try {
    key.sign(DATA);
    return key.publicKey.type ?? '';
  } catch (error) {
    return error instanceof Error ? error.name : 'nothing';
  }
}

describe('mutated keys', () => {
  // A small generator, so that a failure can be repeated.
  const random = (seed: number) => () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };

  it.each(['rsa-2048.key.der', 'ec-p256.sec1.der'])('of %s give a key or an IdentityError', async (file) => {
    const whole = readFileSync(path(file));
    const next = random(file.length);
    const outcomes = new Set<string>();
    for (let round = 0; round < 600; round++) {
      const bytes = Buffer.from(whole);
      for (let change = 0; change <= round % 3; change++) {
        bytes[Math.floor(next() * (round % 2 === 0 ? 60 : bytes.length))] = Math.floor(next() * 256);
      }
      const found = await parsePlainKey(bytes, SUBJECT).then(
        (key) => trySign(key),
        (error: unknown) => (error instanceof Error ? error.name : 'nothing'),
      );
      outcomes.add(found);
    }
    expect([...outcomes].sort()).toEqual(expect.arrayContaining(['IdentityError']));
    expect(outcomes).not.toContain('Error');
    expect([...outcomes].every((one) => ['IdentityError', 'rsa', 'ec'].includes(one))).toBe(true);
  });
});

it('the name of a key type does not depend on the parser', async () => {
  for (const name of ['rsa-2048', 'ec-p256', 'ec-p521']) {
    const publicKey = createPublicKey(readFileSync(path(`${name}.pem`)));
    const ours = await readPublicKey(publicKey.export({ type: 'spki', format: 'der' }));
    expect(describeKey(ours)).toBe(describeKey(publicKeyOf(publicKey)));
  }
});
