/**
 * Opens a connection to a TPM: a device file of Linux, a Unix socket, or swtpm's TCP port. One command at a
 * time goes through it, and its response comes back.
 */
import { open, stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { codeOf, IdentityError, OptionError, quote } from '../../errors.js';

export interface TpmDevice {
  /** Sends one command, at most 4096 octets. @returns the whole response */
  exchange(command: Buffer): Promise<Buffer>;
  close(): Promise<void>;
}

export type TpmAddress =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** The resource manager of Linux shares a TPM; the plain device serves one program at a time. */
const DEFAULT_PATHS = ['/dev/tpmrm0', '/dev/tpm0'] as const;

const HEADER_BYTES = 10;
/** The largest response of any TPM is 4096 octets (TPM_PT_MAX_RESPONSE_SIZE). */
const MAX_RESPONSE_BYTES = 4096;

/** Key generation in a slow TPM takes some seconds. */
const RESPONSE_TIMEOUT_MS = 20_000;

/** How long a device that another program holds is waited for. */
const BUSY_TIMEOUT_MS = 5000;
const BUSY_PAUSE_MS = 50;

/**
 * Parses `/dev/tpmrm0`, the path of a Unix socket, or `swtpm:host=127.0.0.1,port=2321`. Prefixes of the TPM
 * tools' own option (`device:`, `swtpm:path=`) are taken too.
 *
 * @throws OptionError `ERR_OPTION_INVALID`
 */
export function parseTpmAddress(text: string, label: string): TpmAddress {
  const [, scheme, rest = ''] = /^(device|swtpm):(.*)$/s.exec(text) ?? [];
  if (scheme === undefined && text.startsWith('/')) return { kind: 'path', path: text };
  if (scheme === 'device' && rest.startsWith('/')) return { kind: 'path', path: rest };
  const pairs = new Map(rest.split(',').map((pair) => pair.split('=', 2) as [string, string]));
  const [path, host = '127.0.0.1', port = '2321'] = ['path', 'host', 'port'].map((name) => pairs.get(name));
  const isKnown = scheme === 'swtpm' && [...pairs.keys()].every((name) => /^(path|host|port|)$/.test(name));
  if (isKnown && path?.startsWith('/')) return { kind: 'path', path };
  if (isKnown && path === undefined && /^\d{1,5}$/.test(port) && Number(port) < 65_536)
    return { kind: 'tcp', host, port: Number(port) };
  throw new OptionError(
    'ERR_OPTION_INVALID',
    `${label} must be a device, a Unix socket or swtpm:host=HOST,port=PORT, found ${quote(text)}`,
  );
}

/**
 * @param address undefined for the TPM of this machine
 * @throws IdentityError `ERR_TPM_UNAVAILABLE`: no TPM, no permission, or another program keeps it
 */
export async function openTpmDevice(address: TpmAddress | undefined, platform: string): Promise<TpmDevice> {
  if (address?.kind === 'tcp')
    return openSocket({ host: address.host, port: address.port }, describe(address));
  if (address === undefined && platform !== 'linux') {
    throw new IdentityError(
      'ERR_TPM_UNAVAILABLE',
      `the TPM of this machine is reached on Linux only, not on ${platform}`,
      {
        hint: 'use a signing program (--sign-command), or a key in a file',
      },
    );
  }
  const path = address?.path ?? (await firstDevice());
  const status = await stat(path).catch((error: unknown) => {
    throw unavailable(path, error);
  });
  if (status.isSocket()) return openSocket({ path }, path);
  if (status.isCharacterDevice()) return openFile(path);
  throw new IdentityError('ERR_TPM_UNAVAILABLE', `${path} must be a TPM device or a Unix socket`);
}

function describe(address: TpmAddress): string {
  return address.kind === 'path' ? address.path : `TPM at ${address.host} port ${address.port}`;
}

async function firstDevice(): Promise<string> {
  for (const path of DEFAULT_PATHS) {
    if (await stat(path).catch(() => undefined)) return path;
  }
  throw new IdentityError(
    'ERR_TPM_UNAVAILABLE',
    `this machine has no TPM 2.0: neither ${DEFAULT_PATHS.join(' nor ')} exists`,
    {
      hint:
        'enable the TPM in the firmware, hand the device into the container, or name another with ' +
        '--tpm-device',
    },
  );
}

function unavailable(subject: string, cause: unknown): IdentityError {
  const code = codeOf(cause);
  if (code === 'EACCES' || code === 'EPERM') {
    return new IdentityError('ERR_TPM_UNAVAILABLE', `${subject} cannot be opened: permission denied`, {
      hint:
        'add this user to the group of the device (usually tss: sudo usermod -aG tss USER), or run as ' +
        'one that is in it',
    });
  }
  const reason = code === 'EBUSY' ? 'another program keeps it open' : code || 'it does not answer';
  return new IdentityError('ERR_TPM_UNAVAILABLE', `${subject} cannot be reached: ${reason}`, {
    hint: code === 'EBUSY' ? 'use /dev/tpmrm0, which programs share' : undefined,
  });
}

/** A TPM device takes a command in one write and gives its response in one read. */
async function openFile(path: string): Promise<TpmDevice> {
  const handle = await openWhenFree(path);
  return {
    exchange: async (command) => {
      const response = Buffer.alloc(MAX_RESPONSE_BYTES);
      try {
        await handle.write(command);
        const { bytesRead } = await handle.read(response, 0, response.length, null);
        return response.subarray(0, bytesRead);
      } catch (error) {
        throw unavailable(path, error);
      }
    },
    close: () => handle.close(),
  };
}

async function openWhenFree(path: string): ReturnType<typeof open> {
  for (let waitedMs = 0; ; waitedMs += BUSY_PAUSE_MS) {
    try {
      return await open(path, 'r+');
    } catch (error) {
      if (codeOf(error) !== 'EBUSY' || waitedMs >= BUSY_TIMEOUT_MS) throw unavailable(path, error);
      await wait(BUSY_PAUSE_MS);
    }
  }
}

/**
 * One connection for all commands. swtpm ends it after each response where it was told to (`disconnect`): a
 * command that finds a used connection closed goes over a new one, as HTTP clients do.
 */
async function openSocket(target: Target, subject: string): Promise<TpmDevice> {
  let socket = await connectTo(target, subject);
  let isUsed = false;
  return {
    exchange: async (command) => {
      const readBefore = socket.bytesRead;
      const response = await exchangeOver(socket, command, subject).catch(async (error: unknown) => {
        if (!isUsed || socket.bytesRead > readBefore) throw error;
        socket = await connectTo(target, subject);
        return exchangeOver(socket, command, subject);
      });
      isUsed = true;
      return response;
    },
    close: async () => {
      socket.destroy();
    },
  };
}

type Target = { readonly path: string } | { readonly host: string; readonly port: number };

async function connectTo(target: Target, subject: string): Promise<Socket> {
  const { connect } = await import('node:net');
  const socket = connect(target);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error) => reject(unavailable(subject, error)));
  });
  // An error between two commands has no listener: the next command finds the socket closed.
  return socket.on('error', () => undefined);
}

/** A stream has no message boundaries: the header of the response tells its length. */
function exchangeOver(socket: Socket, command: Buffer, subject: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('error', onError).off('close', onClose);
      settle();
    };
    const fail = (error: unknown): void => finish(() => reject(unavailable(subject, error)));
    const onError = (error: Error): void => fail(error);
    const onClose = (): void => fail(undefined);
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      const size = received.length >= HEADER_BYTES ? received.readUInt32BE(2) : undefined;
      if (size === undefined) return;
      if (size < HEADER_BYTES || size > MAX_RESPONSE_BYTES) fail(undefined);
      else if (received.length >= size) finish(() => resolve(received));
    };
    const timer = setTimeout(() => fail(undefined), RESPONSE_TIMEOUT_MS);
    socket.on('data', onData).on('error', onError).on('close', onClose);
    if (socket.destroyed) fail(undefined);
    else socket.write(command);
  });
}
