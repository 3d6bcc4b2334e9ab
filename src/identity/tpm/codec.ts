/**
 * Reads and writes the octets of TPM structures: big-endian integers and TPM2B buffers (a 16-bit size, then
 * the octets).
 *
 * Source: TPM 2.0 Library Specification, Part 2, "Structures".
 */

/**
 * Reads a response from front to back. Every method throws a {@link TpmFormatError} where octets are missing.
 */
export class TpmReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.octets(1).readUInt8();
  }

  u16(): number {
    return this.octets(2).readUInt16BE();
  }

  u32(): number {
    return this.octets(4).readUInt32BE();
  }

  octets(count: number): Buffer {
    if (count > this.left) throw new TpmFormatError(`${count} octets expected, ${this.left} are left`);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  /** The content of a TPM2B buffer. */
  sized(): Buffer {
    return this.octets(this.u16());
  }

  /** @throws TpmFormatError where octets are left over */
  end(): void {
    if (this.left > 0) throw new TpmFormatError(`${this.left} octets too many`);
  }
}

/** A structure that does not follow the specification: a damaged file, or an answer that is no TPM's. */
export class TpmFormatError extends Error {
  override readonly name = 'TpmFormatError';
}

export function u8(value: number): Buffer {
  return Buffer.of(value);
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A TPM2B buffer around the octets. */
export function sized(...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([u16(content.length), content]);
}
