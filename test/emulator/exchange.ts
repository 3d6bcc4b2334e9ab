/** A raw TCP client: sends text as it is, and returns what it receives. */
import { connect } from 'node:net';

export interface Exchange {
  readonly received: string;
  /** How the server closed the connection: `end` or the code of an error; undefined if it did not. */
  readonly ended: string | undefined;
  readonly body: string;
}

/**
 * @param waitMs time after which the client hangs up
 * @param trickleMs interval of further letters
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
