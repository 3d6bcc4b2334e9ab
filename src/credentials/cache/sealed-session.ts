/**
 * Encrypts a session into the text of a cache file, and decrypts it. Pure, except for the random nonce.
 *
 * AES-256-GCM under a key that only the holder of the private key can derive. The inputs of the request and
 * the readable label (role and times, for `cache list`) are authenticated: a file that was renamed, mixed or
 * altered does not open.
 *
 * Source: NIST SP 800-38D: a nonce of 96 bits, never twice under one key; RFC 5869 for the key.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Session } from '../../session/response.js';
import type { Kept } from '../refresher.js';

/** Part of the key derivation: files of another version do not open. */
const FORMAT = 'rolesanywhere-cache-1';

/** The purpose that keys for cache files are derived for. */
export const PURPOSE = `${FORMAT} AES-256-GCM`;

export type KeptSession = Kept<Session>;

/** The readable part of a file. */
export interface Label {
  readonly roleArn: string;
  readonly createdAt: Date;
  readonly expiration: Date;
}

interface File {
  readonly format: string;
  readonly roleArn: string;
  readonly createdAt: string;
  readonly expiration: string;
  readonly nonce: string;
  readonly sealed: string;
}

interface Sealed {
  readonly session: Session;
  /** JSON writes Infinity as null. */
  readonly leadLimitMs?: number | null;
}

const TAG_BYTES = 16;

/**
 * @param key 32 bytes
 * @param inputs the inputs of the request, as text
 */
export function sealSession(kept: KeptSession, key: Uint8Array, inputs: string): string {
  const { value, createdAt, leadLimitMs } = kept;
  const label = {
    format: FORMAT,
    roleArn: value.roleArn,
    createdAt: createdAt.toISOString(),
    expiration: value.expiration.toISOString(),
  };
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(authenticated(label, inputs));
  const sealed = Buffer.concat([
    cipher.update(JSON.stringify({ session: value, leadLimitMs })),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  const file: File = { ...label, nonce: nonce.toString('base64'), sealed: sealed.toString('base64') };
  return `${JSON.stringify(file)}\n`;
}

/**
 * @returns undefined if the text is damaged or was sealed with another key, other inputs or another version
 */
export function openSession(text: string, key: Uint8Array, inputs: string): KeptSession | undefined {
  const file = parseFile(text);
  if (file === undefined) return undefined;
  const sealed = Buffer.from(file.sealed, 'base64');
  try {
    const nonce = Buffer.from(file.nonce, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(authenticated(file, inputs));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const plain = Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]);
    // Authenticated, so this version wrote it.
    const { session, leadLimitMs } = JSON.parse(plain.toString()) as Sealed;
    plain.fill(0);
    return {
      value: { ...session, expiration: new Date(session.expiration) },
      createdAt: new Date(file.createdAt),
      leadLimitMs: leadLimitMs ?? undefined,
    };
  } catch {
    return undefined;
  }
}

/** Undefined if the text is no cache file. The label is not authenticated: use it for display only. */
export function readLabel(text: string): Label | undefined {
  const file = parseFile(text);
  if (file === undefined) return undefined;
  const [createdAt, expiration] = [new Date(file.createdAt), new Date(file.expiration)];
  const isValid = !Number.isNaN(createdAt.getTime()) && !Number.isNaN(expiration.getTime());
  return isValid ? { roleArn: file.roleArn, createdAt, expiration } : undefined;
}

function authenticated(file: Omit<File, 'nonce' | 'sealed'>, inputs: string): Buffer {
  return Buffer.from(JSON.stringify([FORMAT, file.roleArn, file.createdAt, file.expiration, inputs]));
}

function parseFile(text: string): File | undefined {
  try {
    const file: unknown = JSON.parse(text);
    if (typeof file !== 'object' || file === null) return undefined;
    const { format, roleArn, createdAt, expiration, nonce, sealed } = file as Partial<File>;
    const all = [roleArn, createdAt, expiration, nonce, sealed];
    const isComplete = format === FORMAT && all.every((value) => typeof value === 'string');
    return isComplete ? (file as File) : undefined;
  } catch {
    return undefined;
  }
}
