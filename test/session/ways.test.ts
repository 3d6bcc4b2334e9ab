/**
 * One table of faults for all ways to the service: directly over node:https, through a proxy, and through a
 * dispatcher of the caller's. Each way must end them with the same codes, and no error may contain data of
 * the service.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { inspect } from 'node:util';
import { Agent, MockAgent } from 'undici';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { CreateSessionOptions } from '../../src/session/create-session.js';
import { createSession } from '../../src/session/create-session.js';
import { ARNS, CREDENTIALS, RSA, SESSION_ANSWER, startFakeService, success } from '../fake-service.js';
import { NOW } from '../fixtures.js';
import { HOST, SERVICE_CA, SERVICE_TLS, startProxy } from '../forward-proxy.js';

const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
const caBundle = join(folder, 'ca.pem');
beforeAll(() => writeFileSync(caBundle, SERVICE_CA));
afterAll(() => rmSync(folder, { recursive: true }));

interface RawService {
  readonly port: number;
  readonly received: string[];
}

/** Answers each request with these bytes, over TLS, and optionally closes the connection. */
async function startRawService(answer: string, closes: boolean, tls: boolean): Promise<RawService> {
  const received: string[] = [];
  const onSocket = (socket: import('node:net').Socket): void => {
    socket.on('error', () => {});
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      // The end of the JSON body.
      if (!text.endsWith('}')) return;
      received.push(text);
      text = '';
      socket.write(answer);
      if (closes) socket.end();
    });
  };
  const server = tls ? createTlsServer(SERVICE_TLS, onSocket) : createServer(onSocket);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets = new Set<import('node:net').Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, received };
}

type Way = (service: RawService) => Promise<Partial<CreateSessionOptions>>;

const WAYS: ReadonlyArray<readonly [string, boolean, Way]> = [
  ['directly', false, async ({ port }) => ({ endpoint: `http://127.0.0.1:${port}` })],
  [
    'through a dispatcher',
    false,
    async ({ port }) => {
      const dispatcher = new Agent();
      onTestFinished(() => dispatcher.destroy());
      return { endpoint: `http://127.0.0.1:${port}`, dispatcher };
    },
  ],
  [
    'through a proxy',
    true,
    async ({ port }) => {
      const proxy = await startProxy({ port, endpoint: '', requests: [] });
      const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
      return { endpoint: `https://${HOST}`, caBundle, env };
    },
  ],
];

const BODY = JSON.stringify(SESSION_ANSWER);
const head = (status: string, ...headers: string[]) =>
  `HTTP/1.1 ${[status, ...headers].join('\r\n')}\r\n\r\n`;
const whole = (status: string, body: string, ...headers: string[]) =>
  head(status, `content-length: ${Buffer.byteLength(body)}`, ...headers) + body;

const FAULTS: ReadonlyArray<readonly [string, string, boolean, string]> = [
  ['an answer that is no HTTP', `SSH-2.0 ${BODY}\r\n`, true, 'ERR_NETWORK'],
  [
    'a header without a colon',
    head('201 Created', `x-${BODY}`, 'content-length: 5') + BODY,
    true,
    'ERR_NETWORK',
  ],
  ['a bad length', head('201 Created', 'content-length: x') + BODY, true, 'ERR_NETWORK'],
  ['headers without an end', `HTTP/1.1 201 Created\r\nx: ${'a'.repeat(40_000)}`, false, 'ERR_NETWORK'],
  [
    'a body that is cut short',
    head('201 Created', `content-length: ${BODY.length + 9}`) + BODY,
    true,
    'ERR_NETWORK',
  ],
  ['bad chunks', `${head('201 Created', 'transfer-encoding: chunked')}zz\r\n${BODY}`, true, 'ERR_NETWORK'],
  ['nothing at all', '', true, 'ERR_NETWORK'],
  ['silence', '', false, 'ERR_TIMEOUT'],
  ['half a body, and silence', head('201 Created', 'content-length: 9999') + BODY, false, 'ERR_TIMEOUT'],
  ['more than 1 MiB', whole('201 Created', `"${'x'.repeat(1024 * 1024)}"`), false, 'ERR_RESPONSE_INVALID'],
  ['a redirect', whole('307 x', '', 'location: http://127.0.0.1:1/sessions'), false, 'ERR_RESPONSE_INVALID'],
  ['a body that is not JSON', whole('201 Created', BODY.slice(1)), false, 'ERR_RESPONSE_INVALID'],
  ['no credentials', whole('201 Created', '{"credentialSet":[]}'), false, 'ERR_RESPONSE_INVALID'],
  [
    'expired credentials',
    whole('201 Created', BODY.replace('2026-06', '2026-05')),
    false,
    'ERR_RESPONSE_INVALID',
  ],
  ['a refusal', whole('403 Forbidden', '{"message":"no"}'), false, 'ERR_SERVICE_DENIED'],
  ['throttling', whole('429 x', '{}'), false, 'ERR_SERVICE_THROTTLED'],
  ['a failure', whole('503 x', ''), false, 'ERR_SERVICE_FAILED'],
];

function call(options: Partial<CreateSessionOptions>): Promise<unknown> {
  const base = { ...ARNS, ...RSA, env: {}, now: () => NOW, random: () => 0, timeoutMs: 10_000 };
  return createSession({ ...base, ...options }).catch((error: unknown) => error);
}

describe.each(WAYS)('%s', (_way, tls, way) => {
  it('gets a session, and sends the path, the query and the headers that were signed', async () => {
    const service = await startRawService(whole('201 Created', BODY), false, tls);
    expect(await call(await way(service))).toMatchObject({ accessKeyId: CREDENTIALS.accessKeyId });
    const [text = ''] = service.received;
    expect(text.split('\r\n')[0]).toBe(
      `POST /sessions?${Object.entries({
        profileArn: ARNS.profileArn,
        roleArn: ARNS.roleArn,
        trustAnchorArn: ARNS.trustAnchorArn,
      })
        .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
        .join('&')} HTTP/1.1`,
    );
    expect(text).toMatch(/^host: /im);
    expect(text.match(/^host:/gim)).toHaveLength(1);
    expect(text).toContain('{"durationSeconds":3600}');
  });

  it.each(FAULTS)(
    'ends %s with a code, and shows no data of the request',
    async (_name, answer, closes, code) => {
      const service = await startRawService(answer, closes, tls);
      const timeoutMs = code === 'ERR_TIMEOUT' ? 400 : 10_000;
      const error = await call({ ...(await way(service)), timeoutMs });
      expect(error).toMatchObject({ code });
      const shown = inspect(error, {
        depth: null,
        showHidden: true,
        maxStringLength: null,
        maxArrayLength: null,
      });
      for (const secret of [CREDENTIALS.secretAccessKey, CREDENTIALS.sessionToken, CREDENTIALS.accessKeyId]) {
        expect(shown).not.toContain(secret);
        expect(shown).not.toContain(Buffer.from(secret).toString('hex').match(/../g)?.slice(0, 8).join(' '));
      }
    },
  );
});

describe('a dispatcher of the caller', () => {
  it('may be a mock, and is not closed', async () => {
    const dispatcher = new MockAgent();
    dispatcher.disableNetConnect();
    onTestFinished(() => dispatcher.close());
    const pool = dispatcher.get('https://rolesanywhere.us-east-1.amazonaws.com');
    const intercept = { method: 'POST', path: (path: string) => path.startsWith('/sessions?') };
    pool.intercept(intercept).reply(201, BODY).times(2);
    // The dispatcher decides about the proxy.
    const env = { HTTPS_PROXY: 'http://127.0.0.1:1' };
    expect(await call({ dispatcher, env })).toMatchObject({ accessKeyId: CREDENTIALS.accessKeyId });
    expect(await call({ dispatcher, env })).toMatchObject({ accessKeyId: CREDENTIALS.accessKeyId });
  });

  it('ends with the call', async () => {
    const service = await startFakeService([success]);
    const dispatcher = { request: () => new Promise<never>(() => {}) };
    const { endpoint } = service;
    expect(await call({ dispatcher, endpoint, signal: AbortSignal.timeout(50) })).toMatchObject({
      code: 'ERR_ABORTED',
    });
  });
});
