/**
 * The answer in, bytes on the socket out; where it is asked for, late, cut off, or not at all. Thin on purpose: what
 * goes wrong is decided in `faults.ts`.
 */
import type { ServerResponse } from 'node:http';
import type { EmulatorResponse } from './wire/handler.js';

/** @param reset ends the connection with a TCP RST */
export async function deliver(
  response: EmulatorResponse,
  outgoing: ServerResponse,
  reset: () => void,
): Promise<void> {
  const { delayMs = 0, cut } = response.delivery ?? {};
  if (delayMs > 0) await pause(delayMs, outgoing);
  // The client has given up meanwhile.
  if (outgoing.destroyed) return;
  if (cut === 'reset') return reset();
  const body = Buffer.from(response.body);
  if (cut === undefined) {
    outgoing.writeHead(response.status, { ...response.headers, 'Content-Length': body.length }).end(body);
    return;
  }
  // An empty body cannot be cut: more of it is promised, then.
  outgoing.writeHead(response.status, { ...response.headers, 'Content-Length': Math.max(body.length, 2) });
  outgoing.flushHeaders();
  outgoing.write(body.subarray(0, Math.floor(body.length / 2)), () => {
    // Cut short, the connection ends; stalled, it stays until the client or the emulator closes it.
    if (cut === 'truncate') outgoing.socket?.end();
  });
}

function pause(delayMs: number, outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      outgoing.off('close', end);
      resolve();
    };
    const timer = setTimeout(end, delayMs);
    outgoing.once('close', end);
  });
}
