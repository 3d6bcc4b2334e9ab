/** Commands and responses of a TPM, recorded once and replayed without a TPM. */
import type { TpmDevice } from '../../../src/identity/tpm/device.js';

export interface Recording {
  /** The key file, PEM; absent for a key at a handle. */
  readonly pem?: string;
  readonly handle?: number;
  readonly password?: string;
  /** Pairs of command and response, in hex. */
  readonly exchanges: Array<readonly [command: string, response: string]>;
}

/** Hands every command on and keeps it with its response. */
export function recordTo(recording: Recording, device: TpmDevice): TpmDevice {
  return {
    exchange: async (command) => {
      const response = await device.exchange(command);
      recording.exchanges.push([command.toString('hex'), response.toString('hex')]);
      return response;
    },
    close: () => device.close(),
  };
}

/** Answers as recorded, and only to the same commands in the same order. */
export function replay(exchanges: Recording['exchanges']): TpmDevice & { readonly left: () => number } {
  const queue = [...exchanges];
  return {
    exchange: async (command) => {
      const [expected, response = ''] = queue.shift() ?? [];
      if (command.toString('hex') !== expected) throw new Error(`another command was recorded: ${expected}`);
      return Buffer.from(response, 'hex');
    },
    close: async () => undefined,
    left: () => queue.length,
  };
}

/** The same octets at every call, so that nonces and salts of a recording come again. */
export function fixedRandom(count: number): Buffer {
  return Buffer.alloc(count, 0x5a);
}
