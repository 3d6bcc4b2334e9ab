/**
 * Writes a response to the socket: unchanged, late, cut off or not at all, according to the faults of the
 * request.
 *
 * `faults/faults.ts` decides what goes wrong.
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
  // The client closed the connection during the pause.
  if (outgoing.destroyed) return;
  if (cut === 'reset') return reset();
  const body = Buffer.from(response.body);
  if (cut === undefined) {
    outgoing.writeHead(response.status, { ...response.headers, 'Content-Length': body.length }).end(body);
    return;
  }
  // An empty body cannot be cut: announce two octets instead.
  outgoing.writeHead(response.status, { ...response.headers, 'Content-Length': Math.max(body.length, 2) });
  outgoing.flushHeaders();
  outgoing.write(body.subarray(0, Math.floor(body.length / 2)), () => {
    // `truncate` ends the connection; `stall` leaves it open until the client or the emulator closes it.
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
