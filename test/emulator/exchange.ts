/** A client that knows nothing of HTTP: sends text as it stands, and tells what came back. */
import { connect } from 'node:net';

export interface Exchange {
  readonly received: string;
  /** How the server ended it: `end`, or an error's code; undefined where it did not. */
  readonly ended: string | undefined;
  readonly body: string;
}

/**
 * @param waitMs when to hang up where nothing ends it
 * @param trickleMs goes on with a letter as often
 */
export async function exchange(
  endpoint: string,
  request: string,
  waitMs?: number,
  trickleMs?: number,
): Promise<Exchange> {
  const socket = connect(Number(new URL(endpoint).port), '127.0.0.1');
  let received = '';
  let ended: string | undefined;
  socket.on('data', (chunk) => (received += String(chunk)));
  socket.on('error', (error) => (ended = 'code' in error ? String(error.code) : 'error'));
  socket.on('end', () => (ended = 'end'));
  socket.write(request);
  const timer = waitMs === undefined ? undefined : setTimeout(() => socket.destroy(), waitMs);
  const trickle =
    trickleMs === undefined || request === ''
      ? undefined
      : setInterval(() => socket.writable && socket.write('a'), trickleMs);
  await new Promise((resolve) => socket.once('close', resolve));
  clearTimeout(timer);
  clearInterval(trickle);
  return { received, ended, body: received.split('\r\n\r\n')[1] ?? '' };
}
