/** Random numbers that a seed determines, so that a finding can be repeated. */
import { createHash } from 'node:crypto';

export interface Dice {
  /** A whole number from 0 to `below` - 1. */
  number(below: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  bytes(length: number): Buffer;
}

/** Each text gives a sequence of its own (xorshift128, seeded with SHA-256 of the text). */
export function diceOf(text: string): Dice {
  const seed = createHash('sha256').update(text).digest();
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => seed.readUInt32LE(at)) as [number, number, number, number];
  const next = (): number => {
    const mixed = a ^ (a << 11);
    [a, b, c] = [b, c, d];
    d = (d ^ (d >>> 19) ^ mixed ^ (mixed >>> 8)) >>> 0;
    return d;
  };
  const number = (below: number): number => next() % Math.max(1, below);
  return {
    number,
    chance: (probability) => next() / 2 ** 32 < probability,
    pick: <T>(items: readonly T[]) => items[number(items.length)] as T,
    bytes: (length) => Buffer.from(Array.from({ length }, () => number(256))),
  };
}
