/** SHA-256 and HMAC-SHA-256 in the shape that smithy's signers call. */
import { createHmac, hash } from 'node:crypto';

/** The data of a hash in the shape of `SourceData` in `@smithy/types`. */
type Data = string | ArrayBuffer | ArrayBufferView;

export class Sha256 {
  readonly #secret: Uint8Array | string | undefined;
  #data: Uint8Array | undefined;

  /** @param secret the key of an HMAC. Default: a plain hash */
  constructor(secret?: Data) {
    this.#secret = secret === undefined || typeof secret === 'string' ? secret : bytesOf(secret);
  }

  /** Hashes one whole text for each digest; anything else is refused. */
  update(data: Uint8Array): void {
    if (this.#data !== undefined) throw new Error('one text for each digest');
    this.#data = data;
  }

  async digest(): Promise<Uint8Array> {
    const data = this.#data ?? '';
    if (this.#secret === undefined) return hash('sha256', data, 'buffer');
    return createHmac('sha256', this.#secret).update(data).digest();
  }

  reset(): void {
    this.#data = undefined;
  }
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return data instanceof ArrayBuffer
    ? new Uint8Array(data)
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
