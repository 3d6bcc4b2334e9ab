/**
 * Limits the key derivation of one file. A file names its own number of iterations, so a hostile one could
 * keep a program busy for years: the work is added up, and refused before any of it is done.
 */
import { IdentityError } from '../../errors.js';

/** `hash` is PBKDF1 and the key derivation of PKCS#12, which hash again and again. */
export type KdfKind = 'pbkdf2' | 'hash' | 'scrypt';

export interface Work {
  readonly kind: KdfKind;
  /** Iterations, or block size times cost times lanes for scrypt. */
  readonly amount: number;
}

/** A few seconds each. OpenSSL writes 2048 iterations, password managers some 600,000. */
const LIMITS: Readonly<Record<KdfKind, number>> = { pbkdf2: 5_000_000, hash: 1_000_000, scrypt: 2 ** 23 };

const NAMES: Readonly<Record<KdfKind, string>> = {
  pbkdf2: 'iterations of PBKDF2',
  hash: 'iterations of the key derivation of PKCS#12',
  scrypt: 'blocks of scrypt',
};

export class KdfBudget {
  readonly #spent: Record<KdfKind, number> = { pbkdf2: 0, hash: 0, scrypt: 0 };
  readonly #subject: string;

  /** @param subject how messages name the file */
  constructor(subject: string) {
    this.#subject = subject;
  }

  /** @throws IdentityError `ERR_KEY_UNSUPPORTED` */
  charge(work: readonly Work[]): void {
    for (const { kind, amount } of work) {
      this.#spent[kind] += amount;
      if (this.#spent[kind] <= LIMITS[kind]) continue;
      throw new IdentityError(
        'ERR_KEY_UNSUPPORTED',
        `${this.#subject} may ask for at most ${LIMITS[kind]} ${NAMES[kind]}, ` +
          `found ${describeCount(this.#spent[kind])}`,
        { hint: 'encrypt a copy with fewer iterations: openssl pkcs8 -topk8 -iter 600000 -in KEY -out NEW' },
      );
    }
  }
}

function describeCount(count: number): string {
  return Number.isFinite(count) ? String(count) : 'more than 2^48';
}
