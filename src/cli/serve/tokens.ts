/**
 * Makes and checks the secrets that clients show: session tokens of IMDSv2, and the authorization token of the
 * container endpoint.
 *
 * Session tokens are not stored, so that no number of clients can evict the token of another one: a token holds its
 * expiry, and a MAC over it under a key of this process.
 *
 * Source: "How Instance Metadata Service Version 2 works" (EC2 user guide): lifetimes of 1 second to 6 hours.
 */
import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Six hours. */
export const MAX_TTL_SECONDS = 21_600;

/** Milliseconds since 1970, big-endian. */
const EXPIRY_BYTES = 6;
/** So that two clients never have the same token. */
const NONCE_BYTES = 10;
const SIGNED_BYTES = EXPIRY_BYTES + NONCE_BYTES;
const MAC_BYTES = 16;
/** The whole token in base64url. */
const TOKEN = /^[\w-]{43}$/;

export interface SessionTokens {
  /** 43 letters of base64url. */
  issue(ttlSeconds: number, now: Date): string;
  /** The seconds that the token has left; undefined for one that is not valid (any more). */
  remainingSeconds(token: string, now: Date): number | undefined;
}

export function createSessionTokens(key: Uint8Array = randomBytes(32)): SessionTokens {
  const macOf = (signed: Uint8Array): Buffer =>
    createHmac('sha256', key).update(signed).digest().subarray(0, MAC_BYTES);
  return {
    issue(ttlSeconds, now) {
      const signed = randomBytes(SIGNED_BYTES);
      signed.writeUIntBE(now.getTime() + ttlSeconds * 1000, 0, EXPIRY_BYTES);
      return Buffer.concat([signed, macOf(signed)]).toString('base64url');
    },
    remainingSeconds(token, now) {
      if (!TOKEN.test(token)) return undefined;
      const bytes = Buffer.from(token, 'base64url');
      const signed = bytes.subarray(0, SIGNED_BYTES);
      if (!timingSafeEqual(macOf(signed), bytes.subarray(SIGNED_BYTES))) return undefined;
      const seconds = Math.ceil((signed.readUIntBE(0, EXPIRY_BYTES) - now.getTime()) / 1000);
      // More than was ever granted: the clock has been set back.
      return seconds > 0 && seconds <= MAX_TTL_SECONDS ? seconds : undefined;
    },
  };
}

export function randomToken(): string {
  return randomBytes(32).toString('base64url');
}

/** @returns a check in constant time, whatever the length of the text that is shown */
export function createTokenCheck(expected: string): (shown: string) => boolean {
  const digest = hash('sha256', expected, 'buffer');
  return (shown) => timingSafeEqual(hash('sha256', shown, 'buffer'), digest);
}
