import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { CreateSessionOptions } from '../../src/session/create-session.js';
import { createSession } from '../../src/session/create-session.js';
import type { Answer } from '../fake-service.js';
import { ARNS, listen, neverEnds, RSA, startFakeService, status, success } from '../fake-service.js';
import { NOW } from '../fixtures.js';
import { HOST, SERVICE_CA, SERVICE_TLS, startProxy } from '../forward-proxy.js';

const PASSWORD = 'canary/pass%word:@';

const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
const caBundle = join(folder, 'ca.pem');
beforeAll(() => writeFileSync(caBundle, SERVICE_CA));
afterAll(() => rmSync(folder, { recursive: true }));

async function start(answers: readonly Answer[], password?: string) {
  const service = await startFakeService(answers, { tls: SERVICE_TLS });
  return { service, proxy: await startProxy(service, password) };
}

function call(env: Record<string, string>, options: Partial<CreateSessionOptions> = {}): Promise<unknown> {
  const base = { ...ARNS, ...RSA, endpoint: `https://${HOST}`, caBundle, now: () => NOW, random: () => 0 };
  return createSession({ ...base, env, ...options }).catch((error: unknown) => error);
}

const SESSION = { accessKeyId: 'ASIAEXAMPLEACCESSKEY' };

describe('a proxy', () => {
  it.each(['HTTPS_PROXY', 'https_proxy'])('named by %s is used for a tunnel', async (name) => {
    const { service, proxy } = await start([success]);
    expect(await call({ [name]: `http://127.0.0.1:${proxy.port}` })).toMatchObject(SESSION);
    expect(proxy.asked).toEqual([`${HOST}:443`]);
    expect(service.requests[0]?.headers['host']).toBe(HOST);
  });

  it('may be written without its scheme, and the endpoint with a port', async () => {
    const { proxy } = await start([success]);
    const endpoint = `https://${HOST}:8443`;
    expect(await call({ HTTPS_PROXY: `127.0.0.1:${proxy.port}` }, { endpoint })).toMatchObject(SESSION);
    expect(proxy.asked).toEqual([`${HOST}:8443`]);
  });

  it('gets a user name and password, percent-encoded in its URL', async () => {
    const { proxy } = await start([success], PASSWORD);
    const HTTPS_PROXY = `http://user:${encodeURIComponent(PASSWORD)}@127.0.0.1:${proxy.port}`;
    expect(await call({ HTTPS_PROXY })).toMatchObject(SESSION);
  });

  it('gets a user name that has no password', async () => {
    const { proxy } = await start([success], '');
    expect(await call({ HTTPS_PROXY: `http://user@127.0.0.1:${proxy.port}` })).toMatchObject(SESSION);
  });

  it('reached over TLS is verified with the CA bundle, even if the service is not', async () => {
    const service = await startFakeService([success], { tls: SERVICE_TLS });
    const proxy = await startProxy(service, undefined, true);
    const env = { HTTPS_PROXY: `https://127.0.0.1:${proxy.port}` };
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    onTestFinished(() => void process.off('warning', onWarning));
    // The certificate is not for this address: this error shows that its authority is trusted.
    expect(await call(env, { verifyTls: false })).toMatchObject({
      code: 'ERR_TLS',
      message: expect.stringContaining("does not match certificate's altnames"),
    });
    expect(await call(env, { verifyTls: false, caBundle: undefined })).toMatchObject({
      code: 'ERR_TLS',
      message: expect.not.stringContaining('altnames'),
    });
    expect(proxy.asked).toEqual([]);
    // An address is no name for a handshake: Node prints a line about it.
    expect(warnings).toEqual([]);
  });

  it('does not disable verification: the service is verified through it', async () => {
    const { service, proxy } = await start([success]);
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
    expect(await call(env, { endpoint: 'https://other.test' })).toMatchObject({
      name: 'TransportError',
      code: 'ERR_TLS',
      message: expect.stringMatching(/^no trusted TLS connection to https:\/\/other\.test: /),
    });
    expect(await call(env, { caBundle: undefined })).toMatchObject({ code: 'ERR_TLS' });
    expect(service.requests).toHaveLength(0);
    expect(await call(env, { caBundle: undefined, verifyTls: false })).toMatchObject(SESSION);
  });

  it('keeps all limits', async () => {
    const { proxy } = await start([status(201, 'x'.repeat(1024 * 1024 + 1)), neverEnds]);
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
    expect(await call(env)).toMatchObject({
      code: 'ERR_RESPONSE_INVALID',
      message: `https://${HOST} answered with more than 1 MiB`,
    });
    expect(await call(env, { timeoutMs: 300 })).toMatchObject({ code: 'ERR_TIMEOUT' });
  });

  it.each([
    ['NO_PROXY', HOST],
    ['NO_PROXY', `a.example, .test`],
    ['no_proxy', '*'],
    ['NO_PROXY', `${HOST}:443`],
  ])('is not used if %s is "%s"', async (name, value) => {
    const { proxy } = await start([success]);
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, [name]: value };
    // Without a proxy, a test has no network.
    expect(await call(env)).toMatchObject({ name: 'TransportError', code: 'ERR_NETWORK' });
    expect(proxy.asked).toEqual([]);
  });

  it.each([
    ['NO_PROXY', `${HOST}:8443`],
    ['NO_PROXY', '10.0.0.0/8 .other.test'],
  ])('is used if %s is "%s"', async (name, value) => {
    const { proxy } = await start([success]);
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, [name]: value };
    expect(await call(env)).toMatchObject(SESSION);
    expect(proxy.asked).toEqual([`${HOST}:443`]);
  });

  it('may have an IPv6 address, and so may the service', async () => {
    const service = await startFakeService([success], { tls: SERVICE_TLS });
    const proxy = await startProxy(service, undefined, false, '::1');
    const env = { HTTPS_PROXY: `http://[::1]:${proxy.port}` };
    const options = { endpoint: 'https://[2001:db8::10]:8443', verifyTls: false };
    expect(await call(env, options)).toMatchObject(SESSION);
    expect(proxy.asked).toEqual(['[2001:db8::10]:8443']);
    expect(service.requests[0]?.headers['host']).toBe('[2001:db8::10]:8443');
  });

  it('is never used for this machine', async () => {
    const { proxy } = await start([]);
    const service = await startFakeService([success]);
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
    expect(await call(env, { endpoint: service.endpoint })).toMatchObject(SESSION);
    expect(proxy.asked).toEqual([]);
  });
});

/**
 * A SOCKS5 proxy (RFC 1928) without a password that connects every request to the service.
 */
async function startSocks(service: { readonly port: number }): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const server = createNetServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(Buffer.from([5, 0]));
      socket.once('data', (request) => {
        // Version, CONNECT, reserved, a domain name, its length, the name, the port.
        const length = request[4] ?? 0;
        asked.push(`${request.subarray(5, 5 + length)}:${request.readUInt16BE(5 + length)}`);
        const upstream = connect(service.port, '127.0.0.1', () => {
          socket.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]));
          upstream.pipe(socket).pipe(upstream);
        });
        upstream.on('error', () => socket.destroy());
        socket.on('close', () => upstream.destroy());
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, asked };
}

describe('a SOCKS5 proxy', () => {
  it.each(['socks5', 'socks5h'])(
    'named by %s:// resolves the name, and the service is verified',
    async (scheme) => {
      const service = await startFakeService([success], { tls: SERVICE_TLS });
      const proxy = await startSocks(service);
      const env = { HTTPS_PROXY: `${scheme}://127.0.0.1:${proxy.port}` };
      expect(await call(env, { caBundle: undefined })).toMatchObject({ code: 'ERR_TLS' });
      expect(service.requests).toHaveLength(0);
      expect(await call(env)).toMatchObject(SESSION);
      expect(new Set(proxy.asked)).toEqual(new Set([`${HOST}:443`]));
    },
  );
});

/** All text that an error may show. */
function shown(error: unknown): string {
  const { message, stack } = error as Error;
  return [message, stack, JSON.stringify(error), inspect(error, { depth: 20, showHidden: true })].join('\n');
}

describe('an unusable proxy', () => {
  it('is tried three times if it closes the connection without a response', async () => {
    let asked = 0;
    const proxy = createServer();
    proxy.on('connect', (_request, socket) => {
      asked += 1;
      socket.destroy();
    });
    const port = await listen(proxy);
    expect(await call({ HTTPS_PROXY: `http://user:canary-secret@127.0.0.1:${port}/path?x=1` })).toMatchObject(
      {
        code: 'ERR_NETWORK',
        message: expect.stringContaining(': the proxy closed the connection: '),
      },
    );
    expect(asked).toBe(3);
  });

  const BAD_URL = 'HTTPS_PROXY must be an http://, https:// or socks5:// URL';
  it.each<[string, string, string, string]>([
    [
      'a wrong password',
      'http://user:canary-secret@127.0.0.1:PORT',
      'ERR_PROXY',
      `the proxy refuses to connect to https://${HOST}: status 407`,
    ],
    [
      'a closed port',
      'http://user:canary-secret@127.0.0.1:1',
      'ERR_NETWORK',
      `no response from https://${HOST}: `,
    ],
    ['no http', 'ftp://user:canary-secret@127.0.0.1:1', 'ERR_OPTION_INVALID', BAD_URL],
    ['no URL', 'http://user:canary-secret@127.0.0.1:port', 'ERR_OPTION_INVALID', BAD_URL],
    [
      'a password with a bare percent sign',
      'http://user:canary-secret%@127.0.0.1:1',
      'ERR_OPTION_INVALID',
      'HTTPS_PROXY ',
    ],
  ])('%s is reported without the password', async (_name, url, code, message) => {
    const { service, proxy } = await start([success], PASSWORD);
    const error = await call({ HTTPS_PROXY: url.replace('PORT', String(proxy.port)) });
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(shown(error)).not.toContain('canary-secret');
    expect(shown(error)).not.toContain(Buffer.from('user:canary-secret').toString('base64'));
    expect(service.requests).toHaveLength(0);
  });
});

describe('HTTP_PROXY', () => {
  afterEach(() => {
    delete process.env['HTTP_PROXY'];
  });

  it('is not read: the service speaks https', async () => {
    const { service, proxy } = await start([success]);
    process.env['HTTP_PROXY'] = '10.0.0.1:3128';
    expect(await call({ HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` })).toMatchObject(SESSION);
    expect(service.requests).toHaveLength(1);
  });
});
