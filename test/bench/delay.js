/**
 * A TCP proxy that simulates a distant server: it delays each direction, and the connection by one round
 * trip.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/**
 * @param {number} port of the server, on 127.0.0.1
 * @param {number} oneWayMs
 */
export async function startDelay(port, oneWayMs) {
  const server = createServer({ noDelay: true }, async (near) => {
    near.pause();
    const far = connect({ port, host: '127.0.0.1', noDelay: true });
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    // A real connection takes one round trip before the client may send; this one has been accepted already.
    await new Promise((resolve) => setTimeout(resolve, 2 * oneWayMs));
    pass(near, far, oneWayMs);
    pass(far, near, oneWayMs);
    near.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { port: address.port, close: () => server.close() };
}

/**
 * @param {import('node:net').Socket} from
 * @param {import('node:net').Socket} to
 * @param {number} delayMs
 */
function pass(from, to, delayMs) {
  from.on('data', (chunk) => setTimeout(() => to.writable && to.write(chunk), delayMs));
  from.on('end', () => setTimeout(() => to.end(), delayMs));
}
