/**
 * Makes and checks the secrets that clients send: session tokens of IMDSv2, and the authorization token of
 * the container endpoint.
 *
 * Session tokens are not stored, so that no number of clients can evict the token of another one: a token
 * holds its expiry, and a MAC over it under a key of this process.
 *
 * Source: "How Instance Metadata Service Version 2 works" (EC2 user guide): lifetimes of 1 second to 6 hours.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Six hours. */
export const MAX_TTL_SECONDS = 21_600;

/** Milliseconds since 1970, big-endian. */
const EXPIRY_BYTES = 6;
/** So that two clients never have the same token. */
const NONCE_BYTES = 10;
const SIGNED_BYTES = EXPIRY_BYTES + NONCE_BYTES;
const MAC_BYTES = 16;
const MAX_VERIFIED = 256;
/** The whole token in base64url. */
const TOKEN = /^[\w-]{43}$/;

export interface SessionTokens {
  /** 43 letters of base64url. */
  issue(ttlSeconds: number, now: Date): string;
  /** The seconds that the token has left; undefined for one that is not valid (any more). */
  remainingSeconds(token: string, now: Date): number | undefined;
}

export function createSessionTokens(): SessionTokens {
  const key = randomBytes(32);
  const macOf = (signed: Uint8Array): Buffer =>
    createHmac('sha256', key).update(signed).digest().subarray(0, MAC_BYTES);
  // The expiries of tokens whose MAC was right, since a MAC takes longer than the rest of an answer. The time
  // of a look-up tells nothing about a token: V8 compares two texts only if their hashes, under a random
  // seed, are equal.
  const verified = new Map<string, number>();
  const verify = (token: string): number | undefined => {
    if (!TOKEN.test(token)) return undefined;
    const bytes = Buffer.from(token, 'base64url');
    const signed = bytes.subarray(0, SIGNED_BYTES);
    if (!timingSafeEqual(macOf(signed), bytes.subarray(SIGNED_BYTES))) return undefined;
    return signed.readUIntBE(0, EXPIRY_BYTES);
  };
  return {
    issue(ttlSeconds, now) {
      const signed = randomBytes(SIGNED_BYTES);
      signed.writeUIntBE(now.getTime() + ttlSeconds * 1000, 0, EXPIRY_BYTES);
      return Buffer.concat([signed, macOf(signed)]).toString('base64url');
    },
    remainingSeconds(token, now) {
      const expiry = verified.get(token) ?? verify(token);
      if (expiry === undefined) return undefined;
      if (!verified.has(token)) {
        // A token that is dropped here is verified again, so no client can harm another one.
        if (verified.size >= MAX_VERIFIED) verified.clear();
        verified.set(token, expiry);
      }
      const seconds = Math.ceil((expiry - now.getTime()) / 1000);
      // More than was ever granted: the clock has been set back.
      return seconds > 0 && seconds <= MAX_TTL_SECONDS ? seconds : undefined;
    },
  };
}

export function randomToken(): string {
  return randomBytes(32).toString('base64url');
}

/** @returns a check that takes the same time for every text of the right length; the length is no secret */
export function createTokenCheck(expected: string): (shown: string) => boolean {
  const bytes = Buffer.from(expected, 'latin1');
  return (shown) => shown.length === bytes.length && timingSafeEqual(Buffer.from(shown, 'latin1'), bytes);
}
