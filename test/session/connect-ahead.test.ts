/**
 * The connection is established while the identity is loaded. The identity of these tests comes from standard
 * input, which they end when the server has seen what the test is about.
 */
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CreateSessionOptions } from '../../src/session/create-session.js';
import { createSession } from '../../src/session/create-session.js';
import { openDirect } from '../../src/session/direct.js';
import { parseSettings } from '../../src/session/settings.js';
import { openTransport } from '../../src/session/transport.js';
import { STRICT } from '../../src/session/trust.js';
import { ARNS, CA_BUNDLE, CREDENTIALS, SESSION_ANSWER } from '../fake-service.js';
import { NOW, text } from '../fixtures.js';

const BODY = JSON.stringify(SESSION_ANSWER);
const ANSWER = `HTTP/1.1 201 Created\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
const SESSION = { accessKeyId: CREDENTIALS.accessKeyId };
const IDENTITY = text('rsa-2048.key.pem') + text('rsa-2048.pem');

interface Service {
  readonly endpoint: string;
  /** The request lines, each with the number of its connection. */
  readonly requests: string[];
  /** The next established connection. */
  next(): Promise<Socket>;
}

/** Listens until the calling test ends. @returns host and port */
async function listening(server: Server): Promise<string> {
  const raw = new Set<Socket>();
  server.on('connection', (socket: Socket) => raw.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of raw) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function startService(isTls: boolean): Promise<Service> {
  const requests: string[] = [];
  let connections = 0;
  const onSocket = (socket: Socket): void => {
    const index = connections++;
    socket.on('error', () => {});
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      if (!received.endsWith('}')) return;
      requests.push(`${index}: ${received.split(' ', 1)[0]}`);
      socket.write(ANSWER);
    });
  };
  const tls = { cert: text('tls-localhost.pem'), key: text('tls-localhost.key.pem') };
  const server: Server = isTls ? createTlsServer(tls, onSocket) : createServer(onSocket);
  const event = isTls ? 'secureConnection' : 'connection';
  return {
    endpoint: `${isTls ? 'https' : 'http'}://${await listening(server)}`,
    requests,
    next: async () => (await once(server, event))[0],
  };
}

/** Calls with an identity that is complete only after `wait`. */
function call(
  { endpoint }: Pick<Service, 'endpoint'>,
  wait: () => Promise<unknown>,
  options: Partial<CreateSessionOptions> = {},
): Promise<unknown> {
  async function* stdin(): AsyncGenerator<string> {
    await wait();
    yield IDENTITY;
  }
  return createSession({
    ...ARNS,
    ...{ certificate: '-', endpoint, caBundle: CA_BUNDLE, stdin, env: {}, now: () => NOW, random: () => 0 },
    ...options,
  }).catch((error: unknown) => error);
}

describe.each([
  ['http', false],
  ['https', true],
])('over %s', (_protocol, isTls) => {
  it('is used for the request', async () => {
    const service = await startService(isTls);
    const connected = service.next();
    expect(await call(service, () => connected)).toMatchObject(SESSION);
    expect(service.requests).toEqual(['0: POST']);
  });

  it.each<[string, (socket: Socket) => unknown]>([
    ['has ended it', (socket) => socket.end()],
    [
      'sends something before it is asked',
      (socket) => socket.write('HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n'),
    ],
  ])('is replaced if the server %s', async (_name, act) => {
    const service = await startService(isTls);
    const connected = service.next();
    const closed = async (): Promise<void> => {
      const socket = await connected;
      act(socket);
      // By the client, when it has noticed.
      await once(socket, 'close');
    };
    expect(await call(service, closed)).toMatchObject(SESSION);
    expect(service.requests).toEqual(['1: POST']);
  });

  it('is closed, and nothing is sent, if the identity cannot be loaded', async () => {
    const service = await startService(isTls);
    const connected = service.next();
    const closed = connected.then((socket) => once(socket, 'close'));
    const failing = async (): Promise<void> => {
      await connected;
      throw new Error('no input');
    };
    expect(await call(service, failing)).toMatchObject({ code: 'ERR_FILE_UNREADABLE' });
    await closed;
    expect(service.requests).toEqual([]);
  });

  it('is closed if the service would refuse the identity', async () => {
    const service = await startService(isTls);
    const connected = service.next();
    const closed = connected.then((socket) => once(socket, 'close'));
    const now = () => new Date('2200-01-01');
    expect(await call(service, () => connected, { now })).toMatchObject({ code: 'ERR_CERTIFICATE_EXPIRED' });
    await closed;
    expect(service.requests).toEqual([]);
  });

  it('is closed if the caller aborts while the identity is loaded', async () => {
    const service = await startService(isTls);
    const connected = service.next();
    const closed = connected.then((socket) => once(socket, 'close'));
    const controller = new AbortController();
    const outcome = call(service, () => new Promise(() => {}), { signal: controller.signal });
    await connected;
    controller.abort();
    expect(await outcome).toMatchObject({ code: 'ERR_ABORTED' });
    await closed;
    expect(service.requests).toEqual([]);
  });
});

it('reports the error of the identity before that of the connection', async () => {
  const nobody = { endpoint: 'http://127.0.0.1:1' };
  expect(await call(nobody, () => Promise.reject(new Error('no input')))).toMatchObject({
    code: 'ERR_FILE_UNREADABLE',
  });
});

it('counts as the first attempt if it fails', async () => {
  const refusing = createServer((socket) => socket.destroy());
  let connections = 0;
  refusing.on('connection', () => connections++);
  const endpoint = `https://${await listening(refusing)}`;
  const first = once(refusing, 'connection');
  expect(await call({ endpoint }, () => first)).toMatchObject({ code: 'ERR_NETWORK' });
  // As many as a call has attempts.
  expect(connections).toBe(3);
});

it.each(['http', 'https'])('ends with the transport, as does its request, over %s', async (protocol) => {
  // Neither an answer nor a handshake.
  const silent = createServer();
  const endpoint = new URL(`${protocol}://${await listening(silent)}`);
  const accepted = once(silent, 'connection');
  const { connection } = parseSettings({ ...ARNS, certificate: 'host.pem' });
  const transport = await openTransport(endpoint, connection);
  await transport.connect();
  const request = { method: 'GET', protocol: `${protocol}:`, hostname: '127.0.0.1', path: '/' } as const;
  const outcome = transport
    .send({ ...request, query: {}, headers: { host: endpoint.host }, body: '' }, new AbortController().signal)
    .catch((error: unknown) => error);
  const [socket] = await accepted;
  const closed = once(socket, 'close');
  socket.resume();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await transport.close();
  expect(await outcome).toMatchObject({ code: 'ERR_NETWORK' });
  await closed;
});

it('is replaced if it has been idle for long', async () => {
  const service = await startService(false);
  const established = service.next();
  const endpoint = new URL(service.endpoint);
  const channel = openDirect(endpoint, { ...STRICT, connectTimeoutMs: 5000, maxIdleMs: 20 });
  onTestFinished(() => channel.close());
  await channel.connect?.();
  await established;
  await new Promise((resolve) => setTimeout(resolve, 60));
  const request = {
    method: 'POST',
    protocol: 'http:',
    hostname: '127.0.0.1',
    path: '/',
    body: '{}',
  } as const;
  const headers = { host: endpoint.host, 'content-length': '2' };
  await channel.send({ ...request, query: {}, headers }, new AbortController().signal);
  expect(service.requests).toEqual(['1: POST']);
});

it('does not shorten the time that a later connection may take', async () => {
  const service = await startService(false);
  const connected = service.next();
  const slow = async (): Promise<void> => {
    await connected;
    await new Promise((resolve) => setTimeout(resolve, 300));
  };
  expect(await call(service, slow, { connectTimeoutMs: 100 })).toMatchObject(SESSION);
});
