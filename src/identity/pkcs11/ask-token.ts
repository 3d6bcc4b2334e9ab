/**
 * Asks a token through its module: for its objects and for signatures, with a login and within time limits.
 * Each signature logs in anew, so that a token that was pulled out and put back goes on.
 */
import { createHash } from 'node:crypto';
import { IdentityError } from '../../errors.js';
import { encodeEcdsaSignature } from '../keys/ecdsa-signature.js';
import type { KeyObject, Login, TokenInfo, TokenObjects } from './messages.js';
import type { Pkcs11Module } from './module.js';
import type { LoginOptions } from './pin.js';
import { isPinPad, loginTo, rememberRefusal } from './pin.js';

export interface LookOptions extends LoginOptions {
  readonly module: Pkcs11Module;
}

export interface SignOptions extends LookOptions {
  /** The user's PIN also serves keys that require it for each signature (CKA_ALWAYS_AUTHENTICATE). */
  readonly isPinReused: boolean;
}

const CKM_RSA_PKCS = 0x1;
const CKM_SHA256_RSA_PKCS = 0x40;
const CKM_ECDSA = 0x1041;
const CKM_ECDSA_SHA256 = 0x1044;

/** DigestInfo of a SHA-256 hash, without the hash (RFC 8017 §9.2, note 1). */
const SHA256_DIGEST_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');

/** A person may have to touch the token, or to type at its reader. */
const PERSON_TIMEOUT_MS = 60_000;

/** The objects of a token, and its place. */
export interface Place {
  readonly token: TokenInfo;
  readonly objects: TokenObjects;
}

/** The objects that a token shows, with or without a login. */
export async function lookAt(token: TokenInfo, logsIn: boolean, options: LookOptions): Promise<TokenObjects> {
  const login = logsIn ? await loginTo(token, options) : undefined;
  return (await look(token, login, options)).objects;
}

/** The tokens that show something wanted without a login. A failure counts where no other token shows it. */
export async function lookAround(
  tokens: readonly TokenInfo[],
  isWanted: (place: Place) => boolean,
  options: LookOptions,
): Promise<Place[]> {
  const looks = await Promise.allSettled(tokens.map((token) => look(token, undefined, options)));
  const places = looks.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const wanted = places.filter(isWanted);
  const failed = looks.find((result) => result.status === 'rejected');
  if (wanted.length === 0 && failed !== undefined) throw failed.reason;
  return wanted;
}

export async function look(token: TokenInfo, login: Login | undefined, options: LookOptions): Promise<Place> {
  const request = { slot: token.slot, login };
  try {
    return { token, objects: await options.module.ask('objects', request, limitsFor(token, options)) };
  } catch (error) {
    rememberRefusal(token, login, error);
    throw error;
  }
}

function limitsFor({ label }: TokenInfo, { notify }: LoginOptions) {
  return {
    timeoutMs: PERSON_TIMEOUT_MS,
    onWaiting: () =>
      notify(`waiting for token "${label}": it may want to be touched, or a PIN at its reader`),
  };
}

export async function signWith(
  key: KeyObject,
  token: TokenInfo,
  options: SignOptions,
  data: Uint8Array,
): Promise<Buffer> {
  const login = await loginTo(token, options);
  const contextLogin = key.isAlwaysAuthenticate ? await contextLoginTo(token, login, options) : undefined;
  const { mechanism, input } = mechanismFor(key, token, data);
  const request = { slot: token.slot, login, contextLogin, key, mechanism, data: input.toString('base64') };
  try {
    const signature = Buffer.from(
      await options.module.ask('sign', request, limitsFor(token, options)),
      'base64',
    );
    return key.type === 'RSA' ? signature : encodeEcdsaSignature(signature);
  } catch (error) {
    rememberRefusal(token, login, error);
    throw error;
  }
}

async function contextLoginTo(
  token: TokenInfo,
  login: Login | undefined,
  { isPinReused, pin }: SignOptions,
): Promise<Login> {
  if (isPinPad(token)) return {};
  const own = isPinReused ? login?.pin : await pin(`signing with token "${token.label}"`);
  if (own !== undefined) return { pin: own };
  throw new IdentityError(
    'ERR_PKCS11_PIN',
    `the key on token "${token.label}" requires the PIN for each signature`,
    {
      hint: 'add --reuse-pin, or run in a terminal',
    },
  );
}

/**
 * With the token's own hash if it supports that; else the hash is made here. @throws IdentityError
 * `ERR_KEY_UNSUPPORTED`
 */
function mechanismFor(
  { type }: KeyObject,
  { mechanisms, label }: TokenInfo,
  data: Uint8Array,
): { readonly mechanism: number; readonly input: Buffer } {
  const hash = createHash('sha256').update(data).digest();
  const ways: ReadonlyArray<{ readonly mechanism: number; readonly input: Buffer }> =
    type === 'RSA'
      ? [
          { mechanism: CKM_SHA256_RSA_PKCS, input: Buffer.from(data) },
          { mechanism: CKM_RSA_PKCS, input: Buffer.concat([SHA256_DIGEST_INFO, hash]) },
        ]
      : [
          { mechanism: CKM_ECDSA_SHA256, input: Buffer.from(data) },
          { mechanism: CKM_ECDSA, input: hash },
        ];
  const way = ways.find(({ mechanism }) => mechanisms.includes(mechanism));
  if (way !== undefined) return way;
  throw new IdentityError(
    'ERR_KEY_UNSUPPORTED',
    `token "${label}" cannot sign with ${type} keys and SHA-256`,
  );
}
