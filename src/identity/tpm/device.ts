/**
 * Opens a connection to a TPM: a device file of Linux, a Unix socket, or swtpm's TCP port. One command at a
 * time goes through it, and its response comes back.
 */
import { open, stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { codeOf, IdentityError, OptionError, quote } from '../../errors.js';
import { accessHint } from './access-hint.js';

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

/** The generation of an RSA key in a slow TPM takes many seconds. */
const RESPONSE_TIMEOUT_MS = 30_000;

/** The time to wait for a device that another program holds. */
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
 * @param responseMs the time limit of each response
 * @throws IdentityError `ERR_TPM_UNAVAILABLE`: no TPM, no permission, or another program keeps it
 */
export async function openTpmDevice(
  address: TpmAddress | undefined,
  platform: string,
  responseMs = RESPONSE_TIMEOUT_MS,
): Promise<TpmDevice> {
  if (address?.kind === 'tcp')
    return openSocket({ host: address.host, port: address.port }, describe(address), responseMs);
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
  const status = await stat(path).catch((error: unknown) => fail(path, error));
  if (status.isSocket()) return openSocket({ path }, path, responseMs);
  if (status.isCharacterDevice()) return openFile(path, responseMs);
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

/** @throws IdentityError `ERR_TPM_UNAVAILABLE`, always */
async function fail(path: string, cause: unknown): Promise<never> {
  const code = codeOf(cause);
  if (code !== 'EACCES' && code !== 'EPERM') throw unavailable(path, cause);
  throw new IdentityError('ERR_TPM_UNAVAILABLE', `${path} cannot be opened: permission denied`, {
    hint: await accessHint(await stat(path).catch(() => undefined)),
  });
}

/** @param cause undefined if there was no answer */
function unavailable(subject: string, cause?: unknown): IdentityError {
  const code = codeOf(cause);
  const reason = code === 'EBUSY' ? 'another program keeps it open' : code || 'it does not answer';
  return new IdentityError('ERR_TPM_UNAVAILABLE', `${subject} cannot be reached: ${reason}`, {
    hint: code === 'EBUSY' ? 'use /dev/tpmrm0, which programs share' : undefined,
  });
}

/** A TPM device takes a command in one write and gives its response in one read. */
async function openFile(path: string, responseMs: number): Promise<TpmDevice> {
  const handle = await openWhenFree(path);
  let isHung = false;
  const transfer = async (command: Buffer): Promise<Buffer> => {
    const response = Buffer.alloc(MAX_RESPONSE_BYTES);
    await handle.write(command);
    const { bytesRead } = await handle.read(response, 0, response.length, null);
    return response.subarray(0, bytesRead);
  };
  return {
    exchange: async (command) => {
      const limit = new AbortController();
      const hung = wait(responseMs, 'hung' as const, { signal: limit.signal });
      try {
        const response = await Promise.race([transfer(command), hung]);
        if (response !== 'hung') return response;
      } catch (error) {
        throw unavailable(path, error);
      } finally {
        limit.abort();
      }
      isHung = true;
      throw unavailable(path);
    },
    close: async () => {
      const closed = handle.close();
      // It waits for the driver, which gives up some minutes later.
      if (isHung) closed.catch(() => undefined);
      else await closed;
    },
  };
}

async function openWhenFree(path: string): ReturnType<typeof open> {
  for (const limit = AbortSignal.timeout(BUSY_TIMEOUT_MS); ; await wait(BUSY_PAUSE_MS)) {
    try {
      return await open(path, 'r+');
    } catch (error) {
      if (codeOf(error) !== 'EBUSY' || limit.aborted) return fail(path, error);
    }
  }
}

/**
 * One connection for all commands. swtpm ends it after each response where it was told to (`disconnect`): a
 * command that finds a used connection closed goes over a new one, as HTTP clients do.
 */
async function openSocket(target: Target, subject: string, responseMs: number): Promise<TpmDevice> {
  let socket = await connectTo(target, subject);
  let isUsed = false;
  return {
    exchange: async (command) => {
      const readBefore = socket.bytesRead;
      const response = await exchangeOver(socket, command, { subject, responseMs }).catch(
        async (error: unknown) => {
          if (!isUsed || socket.bytesRead > readBefore) throw error;
          socket = await connectTo(target, subject);
          return exchangeOver(socket, command, { subject, responseMs });
        },
      );
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
    socket.once('error', (error) => fail(subject, error).catch(reject));
  });
  // An error between two commands has no listener: the next command finds the socket closed.
  return socket.on('error', () => undefined);
}

/** A stream has no message boundaries: the header of the response tells its length. */
function exchangeOver(
  socket: Socket,
  command: Buffer,
  { subject, responseMs }: { readonly subject: string; readonly responseMs: number },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('error', onError).off('close', onClose);
      settle();
    };
    const onError = (error: Error): void => finish(() => reject(unavailable(subject, error)));
    const onClose = (): void => finish(() => reject(unavailable(subject)));
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      const size = received.length >= HEADER_BYTES ? received.readUInt32BE(2) : undefined;
      if (size === undefined) return;
      if (size < HEADER_BYTES || size > MAX_RESPONSE_BYTES) onClose();
      else if (received.length >= size) finish(() => resolve(received));
    };
    const timer = setTimeout(onClose, responseMs);
    socket.on('data', onData).on('error', onError).on('close', onClose);
    if (socket.destroyed) onClose();
    else socket.write(command);
  });
}
