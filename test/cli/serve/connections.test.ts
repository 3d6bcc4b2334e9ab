import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createConnections } from '../../../src/cli/serve/connections.js';

/** More than a socket of the system takes. */
const LARGE = 'x'.repeat(32 * 1024 * 1024);

it('disconnects a client that does not read its response, and an idle one after a longer time', async () => {
  const closed: string[] = [];
  const limits = { maxConnections: 10, crowd: 10, writeMs: 100, idleMs: 400, checkMs: 20 };
  const connections = createConnections(limits, (reason) => closed.push(reason));
  const server = createServer((incoming, outgoing) => {
    if (connections.admit(incoming.socket, outgoing) !== undefined) outgoing.end(LARGE);
  });
  server.on('connection', (socket: Socket) => connections.add(socket, 'local'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    connections.stop();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const open = async () => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  const idle = await open();
  const served = once(server, 'connection') as Promise<[Socket]>;
  const greedy = await open();
  const [socket] = await served;
  greedy.pause().write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'close');
  expect(closed).toEqual(['not-reading']);
  expect(idle.destroyed).toBe(false);
  await once(idle.resume(), 'close');
  // An idle connection is not worth a line of the log.
  expect(closed).toEqual(['not-reading']);
});
