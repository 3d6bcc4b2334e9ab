/**
 * Authorizes the use of a TPM key: by an empty password, or by an HMAC over each command under a key that is
 * salted to a parent key of the TPM, so that the password itself never travels to the TPM.
 *
 * Source: TPM 2.0 Library Specification, Part 1, "Session-Based Authorizations" (HMAC computation, session
 * key), "KDFa", "KDFe" and annexes B.10.2, C.6.1 (secret sharing with RSA and ECC keys).
 */
import { constants, createECDH, createHash, createHmac, publicEncrypt, timingSafeEqual } from 'node:crypto';
import { sized, TpmFormatError, u8, u32 } from './codec.js';
import type { PublicArea, TpmObject } from './public-area.js';
import { hashName, padStart } from './public-area.js';

/** Octets from a cryptographic generator. */
export type Random = (count: number) => Buffer;

export interface Authorization {
  /** @returns the authorization area of a command, TPMS_AUTH_COMMAND. @param hashed what cpHash covers */
  forCommand(hashed: Buffer): Buffer;
  /** @throws TpmFormatError where the response is not the TPM's. @param hashed what rpHash covers */
  checkResponse(hashed: Buffer, area: ResponseArea): void;
}

export interface ResponseArea {
  readonly nonceTpm: Buffer;
  readonly attributes: number;
  readonly hmac: Buffer;
}

const RS_PW = 0x40000009;

/** For entities that need no password. */
export const EMPTY_PASSWORD: Authorization = {
  forCommand: () => Buffer.concat([u32(RS_PW), sized(), u8(0x01), sized()]),
  checkResponse: () => undefined,
};

const HASH = 'sha256';
const HASH_BITS = 256;
const NONCE_BYTES = 32;
/** The TPM keeps the session for the next command, so that it is flushed like everything else. */
const CONTINUE_SESSION = 0x01;

export interface AuthSession extends Authorization {
  readonly handle: number;
}

export interface SessionRequest {
  /** A restricted decryption key of the TPM; RSA or P-256. */
  readonly saltKey: TpmObject;
  /** The key's authorization value in the TPM: the password, without zeros at its end. */
  readonly authValue: Buffer;
  /** For keys that a policy rules. */
  readonly isPolicy: boolean;
  /** Nonces and salts. */
  readonly random: Random;
}

/** Starts sessions: a TPM. */
export interface SessionStarter {
  startSession(
    salt: { readonly key: number; readonly encrypted: Buffer },
    nonce: Buffer,
    isPolicy: boolean,
  ): Promise<{ readonly handle: number; readonly nonceTpm: Buffer }>;
}

/** Starts a session that is salted, so that its key is known to the TPM and to this process alone. */
export async function startAuthSession(
  tpm: SessionStarter,
  { saltKey, authValue, isPolicy, random }: SessionRequest,
): Promise<AuthSession> {
  const { salt, encrypted } = makeSalt(saltKey.publicArea, random);
  const nonce = random(NONCE_BYTES);
  const { handle, nonceTpm } = await tpm.startSession({ key: saltKey.handle, encrypted }, nonce, isPolicy);
  const sessionKey = kdfa(HASH, salt, 'ATH', nonceTpm, nonce, HASH_BITS);
  const hmacKey = Buffer.concat([sessionKey, authValue]);
  return { handle, ...hmacAuthorization(handle, hmacKey, nonceTpm, random) };
}

function hmacAuthorization(handle: number, key: Buffer, firstNonce: Buffer, random: Random): Authorization {
  let nonceTpm = firstNonce;
  let nonceCaller: Buffer = Buffer.alloc(0);
  const hmac = (...parts: Buffer[]): Buffer => createHmac(HASH, key).update(Buffer.concat(parts)).digest();
  const digest = (bytes: Buffer): Buffer => createHash(HASH).update(bytes).digest();
  return {
    forCommand: (hashed) => {
      nonceCaller = random(NONCE_BYTES);
      const attributes = u8(CONTINUE_SESSION);
      const proof = hmac(digest(hashed), nonceCaller, nonceTpm, attributes);
      return Buffer.concat([u32(handle), sized(nonceCaller), attributes, sized(proof)]);
    },
    checkResponse: (hashed, area) => {
      nonceTpm = Buffer.from(area.nonceTpm);
      const proof = hmac(digest(hashed), nonceTpm, nonceCaller, u8(area.attributes));
      const isGenuine = area.hmac.length === proof.length && timingSafeEqual(area.hmac, proof);
      if (!isGenuine)
        throw new TpmFormatError('the HMAC of the response is wrong: it was altered on its way');
    },
  };
}

interface Salt {
  readonly salt: Buffer;
  /** TPM2B_ENCRYPTED_SECRET, without its size. */
  readonly encrypted: Buffer;
}

function makeSalt(key: PublicArea, random: Random): Salt {
  return key.type === 'rsa' ? makeRsaSalt(key, random) : makeEcSalt(key, random);
}

/** OAEP with the key's name algorithm and the label `SECRET`, its zero included (annex B.10.2). */
function makeRsaSalt({ key, nameAlg }: PublicArea, random: Random): Salt {
  const oaepHash = hashName(nameAlg);
  const salt = random(createHash(oaepHash).digest().length);
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  const encrypted = publicEncrypt({ key, padding, oaepHash, oaepLabel: Buffer.from('SECRET\0') }, salt);
  return { salt, encrypted };
}

const ECDH_CURVES: Readonly<Record<number, string>> = {
  256: 'prime256v1',
  384: 'secp384r1',
  521: 'secp521r1',
};

/** One-pass Diffie-Hellman, whose shared x gives the salt by KDFe (annex C.6.1). */
function makeEcSalt({ key, nameAlg, curveBits }: PublicArea, random: Random): Salt {
  const octets = Math.ceil(curveBits / 8);
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  const theirX = Buffer.from(x, 'base64url');
  const ecdh = createECDH(ECDH_CURVES[curveBits] ?? '');
  const secret = random(octets);
  // P-521 uses one bit of its first octet. OpenSSL refuses a number outside the curve's order: one in 2^32.
  secret[0] = (secret[0] ?? 0) & (0xff >> (8 * octets - curveBits));
  ecdh.setPrivateKey(secret);
  const point = ecdh.getPublicKey();
  const [ourX, ourY] = [point.subarray(1, 1 + octets), point.subarray(1 + octets)];
  const shared = ecdh.computeSecret(Buffer.concat([Buffer.of(0x04), theirX, Buffer.from(y, 'base64url')]));
  const salt = kdfe(hashName(nameAlg), padStart(shared, octets), 'SECRET', ourX, theirX);
  shared.fill(0);
  return { salt, encrypted: Buffer.concat([sized(ourX), sized(ourY)]) };
}

/** SP 800-108 in counter mode; one round gives all the bits that are asked for here. */
function kdfa(
  hash: string,
  key: Buffer,
  label: string,
  contextU: Buffer,
  contextV: Buffer,
  bits: number,
): Buffer {
  return createHmac(hash, key)
    .update(Buffer.concat([u32(1), Buffer.from(`${label}\0`), contextU, contextV, u32(bits)]))
    .digest();
}

/** SP 800-56A; one round, since the salt is as long as the hash. */
function kdfe(hash: string, z: Buffer, label: string, partyU: Buffer, partyV: Buffer): Buffer {
  return createHash(hash)
    .update(Buffer.concat([u32(1), z, Buffer.from(`${label}\0`), partyU, partyV]))
    .digest();
}

/** TPM2B_AUTH as the TPM compares it: zeros at the end do not count (Part 1, "Authorization Values"). */
export function authValueOf(password: string): Buffer {
  const bytes = Buffer.from(password);
  const end = bytes.findLastIndex((octet) => octet !== 0) + 1;
  return bytes.subarray(0, end);
}

/** The size of an authorization value, for a message. @returns undefined if it fits the key */
export function authValueProblem(authValue: Buffer, { nameAlg }: PublicArea): string | undefined {
  const most = createHash(hashName(nameAlg)).digest().length;
  return authValue.length > most
    ? `is ${authValue.length} octets long, and the TPM takes ${most} at most`
    : undefined;
}
