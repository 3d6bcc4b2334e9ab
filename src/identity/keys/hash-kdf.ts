/**
 * The key derivations that hash again and again: PBKDF1 (RFC 8018 §5.1) and that of PKCS#12 (RFC 7292 §B.2).
 * Neither is in node:crypto; many iterations run in a worker, so that the event loop goes on.
 */
import { hash } from 'node:crypto';

export interface Digest {
  readonly name: string;
  /** Octets of the hash, and of the block that it works on. */
  readonly length: number;
  readonly blockLength: number;
}

export const DIGESTS = {
  md5: { name: 'md5', length: 16, blockLength: 64 },
  sha1: { name: 'sha1', length: 20, blockLength: 64 },
  sha224: { name: 'sha224', length: 28, blockLength: 64 },
  sha256: { name: 'sha256', length: 32, blockLength: 64 },
  sha384: { name: 'sha384', length: 48, blockLength: 128 },
  sha512: { name: 'sha512', length: 64, blockLength: 128 },
} as const satisfies Readonly<Record<string, Digest>>;

/** RFC 7292 §B.3: the purpose of the derived octets. */
export const PURPOSES = { key: 1, iv: 2, mac: 3 } as const;

/** Some 10 ms, less than starting a worker takes. */
const MAX_ITERATIONS_HERE = 10_000;

export interface Pkcs12Derivation {
  readonly digest: Digest;
  readonly purpose: (typeof PURPOSES)[keyof typeof PURPOSES];
  /** As `bmpPassword` encodes it. */
  readonly password: Buffer;
  readonly salt: Buffer;
  readonly iterations: number;
  /** Octets to derive. */
  readonly length: number;
}

/** @returns octets that the caller wipes */
export async function derivePkcs12(derivation: Pkcs12Derivation): Promise<Buffer> {
  const { digest, purpose, password, salt, iterations, length } = derivation;
  const { blockLength } = digest;
  const diversifier = Buffer.alloc(blockLength, purpose);
  const input = Buffer.concat([fill(salt, blockLength), fill(password, blockLength)]);
  const parts: Buffer[] = [];
  for (let derived = 0; derived < length; derived += digest.length) {
    const part = await iterate(digest.name, Buffer.concat([diversifier, input]), iterations);
    parts.push(part);
    addToBlocks(input, Buffer.alloc(blockLength, part));
  }
  const key = Buffer.concat(parts).subarray(0, length);
  for (const octets of [input, ...parts]) octets.fill(0);
  return key;
}

/** @returns the whole hash: key and initialization vector. The caller wipes it. */
export function derivePbkdf1(
  digest: Digest,
  password: Buffer,
  salt: Buffer,
  iterations: number,
): Promise<Buffer> {
  return iterate(digest.name, Buffer.concat([password, salt]), iterations);
}

/** The cost of a derivation, in iterations. */
export function workOf({ length, digest, iterations }: Omit<Pkcs12Derivation, 'password' | 'salt'>): number {
  return Math.ceil(length / digest.length) * iterations;
}

/** §B.1: UTF-16 and a closing zero. Of the empty password, some programs write the zero and some do not. */
export function bmpPasswords(passphrase: string): Buffer[] {
  const bmp = Buffer.from(`${passphrase}\0`, 'utf16le').swap16();
  return passphrase === '' ? [bmp, Buffer.alloc(0)] : [bmp];
}

/** §B.2: repeated until it fills whole blocks. */
function fill(octets: Buffer, blockLength: number): Buffer {
  const length = Math.ceil(octets.length / blockLength) * blockLength;
  return octets.length === 0 ? Buffer.alloc(0) : Buffer.alloc(length, octets);
}

/** §B.2, step 6 C: each block of the input becomes the sum of itself, the addend and one. */
function addToBlocks(input: Buffer, addend: Buffer): void {
  for (let start = 0; start < input.length; start += addend.length) {
    let carry = 1;
    for (let at = addend.length - 1; at >= 0; at--) {
      carry += (input[start + at] ?? 0) + (addend[at] ?? 0);
      input[start + at] = carry & 0xff;
      carry >>= 8;
    }
  }
}

/** @param input wiped */
async function iterate(name: string, input: Buffer, iterations: number): Promise<Buffer> {
  try {
    if (iterations > MAX_ITERATIONS_HERE) return await iterateInWorker(name, input, iterations);
    let key: Buffer = input;
    for (let round = 0; round < iterations; round++) key = hash(name, key, 'buffer');
    return key;
  } finally {
    input.fill(0);
  }
}

/** Text, so that bundlers need not know of a second file. */
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
const { hash } = require('node:crypto');
let key = workerData.input;
for (let round = 0; round < workerData.iterations; round++) key = hash(workerData.name, key, 'buffer');
workerData.input.fill(0);
parentPort.postMessage(key);
`;

async function iterateInWorker(name: string, input: Buffer, iterations: number): Promise<Buffer> {
  const { Worker } = await import('node:worker_threads');
  const worker = new Worker(WORKER, {
    eval: true,
    workerData: { name, input, iterations },
    env: {},
    execArgv: [],
  });
  return new Promise((resolve, reject) => {
    worker.once('message', (key: Uint8Array) => resolve(Buffer.from(key)));
    worker.once('error', reject);
    worker.once('exit', (code) =>
      reject(new Error(`the worker that derives a key ended with status ${code}`)),
    );
  });
}
