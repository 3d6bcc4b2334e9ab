/**
 * Signs with a program of the user: for keys in a cloud KMS, in Vault, in the certificate store of a system,
 * or behind an agent. The program gets the data on standard input and prints the signature; the signature is
 * used only if the certificate's public key verifies it.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { codeOf, IdentityError } from '../errors.js';
import { childEnvironment } from '../options/child-environment.js';
import { encodeEcdsaSignature } from './keys/ecdsa-signature.js';

export interface SignCommandOptions {
  /** Program and arguments. It is started without a shell. */
  readonly command: readonly string[];
  /**
   * As AWS KMS names it: `RSASSA_PKCS1_V1_5_SHA_256`, `ECDSA_SHA_256`, `ML_DSA_44`, `ML_DSA_65`, `ML_DSA_87`.
   */
  readonly algorithm: string;
  /** DER, of the certificate whose key must sign. */
  readonly certificate: Uint8Array;
  /** Of this process; secrets of ours are left out. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a signature over the data is the certificate's key's. */
  readonly verify: (data: Uint8Array, signature: Buffer) => boolean;
  /** Default 20,000. */
  readonly timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 20_000;

/** The time to wait for output after the end of the program: a background process may hold the pipe. */
const REST_MS = 500;

/** ML-DSA-87 in hex has 9,254 octets. */
const MAX_OUTPUT_BYTES = 64 * 1024;

/** @throws IdentityError `ERR_KEY_SIGN` */
export async function signByCommand(data: Uint8Array, options: SignCommandOptions): Promise<Buffer> {
  const output = await run(data, options);
  const signature = readingsOf(output, options.algorithm).find((reading) => isGood(data, reading, options));
  if (signature !== undefined) return signature;
  const found = output.length === 0 ? 'nothing' : `${output.length} octets that it does not verify`;
  throw failure(options, `must print a signature by the key of the certificate, found ${found}`);
}

function isGood(data: Uint8Array, signature: Buffer, { verify }: SignCommandOptions): boolean {
  try {
    return verify(data, signature);
  } catch {
    return false;
  }
}

/** All readings of the output: raw octets, hex or base64 of them; ECDSA in DER or as r and s. */
function readingsOf(output: Buffer, algorithm: string): Buffer[] {
  const text = output.toString('latin1').replaceAll(/[\r\n\t "]/g, '');
  const octets = [
    output,
    ...(/^(0x)?([0-9a-f]{2})+$/i.test(text) ? [Buffer.from(text.replace(/^0x/i, ''), 'hex')] : []),
    ...(/^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? [Buffer.from(text, 'base64')] : []),
  ];
  if (algorithm !== 'ECDSA_SHA_256') return octets;
  return octets.flatMap((reading) => {
    const isPair = reading.length > 0 && reading.length % 2 === 0 && reading.length <= 2 * 66;
    return isPair ? [reading, encodeEcdsaSignature(reading)] : [reading];
  });
}

function run(data: Uint8Array, options: SignCommandOptions): Promise<Buffer> {
  const { command, timeoutMs = TIMEOUT_MS } = options;
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: environmentFor(data, options),
      windowsHide: true,
    });
    const chunks: Buffer[] = [];
    let length = 0;
    let rest: NodeJS.Timeout | undefined;
    const fail = (what: string): void => {
      clearTimeout(timer);
      clearTimeout(rest);
      child.kill('SIGKILL');
      // A grandchild may hold the pipe: its end is not waited for.
      child.stdout.destroy();
      reject(failure(options, what));
    };
    const timer = setTimeout(() => fail(`did not end within ${timeoutMs / 1000} s`), timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_OUTPUT_BYTES) fail(`printed more than ${MAX_OUTPUT_BYTES} octets`);
      else chunks.push(chunk);
    });
    child.on('error', (error) => fail(`could not be started: ${codeOf(error) || error.message}`));
    child.on('exit', () => {
      rest = setTimeout(() => child.stdout.destroy(), REST_MS);
    });
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      clearTimeout(rest);
      if (status === 0) resolve(Buffer.concat(chunks));
      else fail(signal === null ? `ended with status ${status}` : `was ended by ${signal}`);
    });
    // A program that does not read its input, since the environment has the hash, is no failure.
    child.stdin.on('error', () => undefined);
    child.stdin.end(data);
  });
}

function environmentFor(
  data: Uint8Array,
  { env, algorithm, certificate }: SignCommandOptions,
): Record<string, string | undefined> {
  return {
    ...childEnvironment(env),
    ROLESANYWHERE_SIGN_ALGORITHM: algorithm,
    ROLESANYWHERE_SIGN_SHA256: createHash('sha256').update(data).digest('hex'),
    ROLESANYWHERE_SIGN_CERTIFICATE_SHA256: createHash('sha256').update(certificate).digest('hex'),
  };
}

function failure({ command }: SignCommandOptions, what: string): IdentityError {
  return new IdentityError('ERR_KEY_SIGN', `signing program ${command[0]} ${what}`, {
    hint: 'it gets the data on standard input, and prints the signature: raw, in hex or in base64',
  });
}
