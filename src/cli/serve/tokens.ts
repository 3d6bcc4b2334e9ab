/**
 * Secrets that clients show: session tokens of IMDSv2, which are made here and end by themselves, and the one
 * authorization token of the container endpoint.
 *
 * Source: "How Instance Metadata Service Version 2 works": lifetimes of 1 second to 6 hours.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** The oldest goes where there would be more: a client that has lost its token gets 401, and asks for another. */
const MAX_TOKENS = 256;

export interface TokenStore {
  /** 256 bits, in 43 letters of base64url. */
  issue(ttlSeconds: number, now: Date): string;
  /** The seconds that it has left; undefined where there is no such token (any more). */
  remainingSeconds(token: string, now: Date): number | undefined;
}

export function createTokenStore(): TokenStore {
  /** By the hash of the token: how long a look-up takes then tells nothing about a token. */
  const expirations = new Map<string, number>();
  return {
    issue(ttlSeconds, now) {
      for (const [key, expiresMs] of expirations) {
        if (expiresMs <= now.getTime() || expirations.size >= MAX_TOKENS) expirations.delete(key);
      }
      const token = randomToken();
      expirations.set(digest(token), now.getTime() + ttlSeconds * 1000);
      return token;
    },
    remainingSeconds(token, now) {
      const leftMs = (expirations.get(digest(token)) ?? 0) - now.getTime();
      return leftMs > 0 ? Math.ceil(leftMs / 1000) : undefined;
    },
  };
}

export function randomToken(): string {
  return randomBytes(32).toString('base64url');
}

/** In constant time, whatever the length of what was shown. */
export function isSameToken(shown: string, expected: string): boolean {
  return timingSafeEqual(hash('sha256', shown, 'buffer'), hash('sha256', expected, 'buffer'));
}

function digest(token: string): string {
  return hash('sha256', token, 'base64url');
}
