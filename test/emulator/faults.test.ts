/** Each fault on the wire, seen by this project's client and by a raw TCP client. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { FaultSource } from '../../src/emulator.js';
import { startEmulator } from '../../src/emulator.js';
import { createSession } from '../../src/session/create-session.js';
import { exchange } from './exchange.js';

const closing: Array<() => Promise<void>> = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

async function start(faults: FaultSource | readonly FaultSource[] = [], faultSeed?: number) {
  const lines: string[] = [];
  const emulator = await startEmulator({ faults, faultSeed, log: (line) => lines.push(line) });
  closing.push(() => emulator.close());
  const identity = await emulator.authority.issue({ commonName: 'host-1' });
  const { trustAnchorArn, profileArn, roleArn, endpoint } = emulator;
  const arns = { trustAnchorArn, profileArn, roleArn, endpoint };
  /** Three attempts without pauses. */
  const ask = (timeoutMs = 5000) =>
    createSession({ ...identity, ...arns, timeoutMs, random: () => 0, env: {} });
  const refusal = (timeoutMs?: number): Promise<{ code: string; message: string; status?: number }> =>
    ask(timeoutMs).then(
      () => ({ code: 'nothing was refused', message: '' }),
      (error) => error,
    );
  return { emulator, endpoint, lines, ask, refusal };
}

const ASK = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

describe('transient faults are retried', () => {
  it.each([
    ['error=500'],
    ['error=502'],
    ['error=503'],
    ['error=504'],
    ['error=429'],
    ['throttle=0'],
    ['reset'],
    ['truncate'],
  ])('%s, twice', async (fault) => {
    const { ask, emulator, lines } = await start(`${fault},count=2`);
    expect((await ask()).accessKeyId).toMatch(/^ASIA/);
    expect(lines).toHaveLength(3);
    expect(emulator.faults.list()).toMatchObject([{ struck: 2 }]);
  });

  it('at most three times', async () => {
    const { refusal, lines, emulator } = await start('error=503');
    const error = await refusal();
    expect(error).toMatchObject({ code: 'ERR_SERVICE_FAILED', status: 503 });
    expect(error.message).toContain('503 ServiceUnavailableException: The emulator was asked for status 503');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toContain(
      'POST /sessions 503 ServiceUnavailableException: The emulator was asked for status 503 [fault: ' +
        'error=503]',
    );
    expect(emulator.sessionCount).toBe(0);
  });

  it.each([['error=400'], ['error=403'], ['error=404']])('%s is not', async (fault) => {
    const { refusal, lines } = await start(fault);
    expect(await refusal()).toMatchObject({ code: 'ERR_SERVICE_DENIED', status: Number(fault.slice(6)) });
    expect(lines).toHaveLength(1);
  });
});

describe('throttling', () => {
  it('answers as AWS does', async () => {
    const { endpoint, refusal } = await start('throttle=0');
    const error = await refusal();
    expect(error).toMatchObject({ code: 'ERR_SERVICE_THROTTLED', status: 429 });
    expect(error.message).toContain('429 ThrottlingException: Rate exceeded');
    const response = await fetch(`${endpoint}/sessions`, { method: 'POST' });
    expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([429, 'ThrottlingException']);
    expect(response.headers.has('retry-after')).toBe(false);
    expect(await response.json()).toEqual({ message: 'Rate exceeded' });
  });

  it('sends Retry-After if asked to', async () => {
    const { endpoint, refusal } = await start('throttle=0,retry-after=60');
    const response = await fetch(`${endpoint}/sessions`, { method: 'POST' });
    expect(response.headers.get('retry-after')).toBe('60');
    // Longer than the client's time limit: it gives up at once.
    expect(await refusal(2000)).toMatchObject({ code: 'ERR_SERVICE_THROTTLED' });
  });

  it('strikes CreateSession by default, and has the form of STS there', async () => {
    const { endpoint, emulator } = await start('throttle=0');
    const form = 'Action=GetCallerIdentity&Version=2011-06-15';
    const ask = () => fetch(`${endpoint}/?${form}`);
    expect((await ask()).status).toBe(403);
    emulator.faults.set('throttle=0,operation=GetCallerIdentity');
    const response = await ask();
    expect(response.status).toBe(429);
    expect(await response.text()).toContain('<Code>ThrottlingException</Code>');
  });
});

describe('a response that is late, lost or cut', () => {
  it('latency', async () => {
    const { endpoint, ask, refusal, emulator } = await start('latency=120');
    const before = performance.now();
    await fetch(endpoint);
    expect(performance.now() - before).toBeGreaterThanOrEqual(119);
    await ask();
    emulator.faults.set('latency=60000');
    expect(await refusal(200)).toMatchObject({ code: 'ERR_TIMEOUT' });
  });

  it('reset', async () => {
    const { endpoint, refusal, emulator, lines } = await start('reset');
    expect(await exchange(endpoint, ASK)).toMatchObject({ received: '', ended: 'ECONNRESET' });
    expect(await refusal()).toMatchObject({ code: 'ERR_NETWORK' });
    // The operation was performed; only its answer was lost.
    expect(emulator.sessionCount).toBe(3);
    expect(lines.at(-1)).toMatch(/POST \/sessions 201 .* \[fault: reset\]$/);
  });

  it('stall', async () => {
    const { endpoint, refusal } = await start('stall');
    const { received, ended, body } = await exchange(endpoint, ASK, 300);
    const promised = Number(/content-length: (\d+)/i.exec(received)?.[1]);
    expect(body).toHaveLength(Math.floor(promised / 2));
    expect(ended).toBeUndefined();
    const error = await refusal(300);
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT' });
  });

  it('truncate', async () => {
    const { endpoint, refusal } = await start('truncate');
    const { received, ended, body } = await exchange(endpoint, ASK);
    const promised = Number(/content-length: (\d+)/i.exec(received)?.[1]);
    expect(body).toHaveLength(Math.floor(promised / 2));
    expect(ended).toBe('end');
    expect(await refusal()).toMatchObject({ code: 'ERR_NETWORK' });
  });

  it('closed connections and a closed emulator end the delay', async () => {
    const { endpoint, emulator } = await start(['latency=60000,count=1', 'stall']);
    await exchange(endpoint, ASK, 50);
    const stalled = exchange(endpoint, ASK);
    await expect.poll(() => emulator.faults.list()[1]?.struck).toBe(2);
    const before = performance.now();
    await emulator.close();
    await stalled;
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

describe('headers', () => {
  it('a wrong content type', async () => {
    const { endpoint, ask } = await start('content-type=text/html');
    const response = await fetch(endpoint);
    expect(response.headers.get('content-type')).toBe('text/html');
    // Like AWS's clients, this project's reads the body whatever its type.
    expect((await ask()).accessKeyId).toMatch(/^ASIA/);
  });

  it('a wrong Date, which the client reports with a refusal', async () => {
    const { endpoint, refusal } = await start([{ dateSkew: -3600 }, { error: 403 }]);
    const date = (await fetch(endpoint)).headers.get('date') ?? '';
    expect((Date.now() - Date.parse(date)) / 1000).toBeCloseTo(3600, -1);
    expect((await refusal()).message).toContain("this machine's clock is 60 minutes ahead of the service's");
  });
});

describe('at run time', () => {
  it('by the API, with reproducible random numbers', async () => {
    const { emulator, endpoint } = await start();
    const statuses = async () => {
      const found = [];
      for (let count = 0; count < 12; count++) found.push((await fetch(endpoint)).status);
      return found;
    };
    emulator.faults.set({ error: 503, rate: 0.5 }, 42);
    const first = await statuses();
    expect(new Set(first)).toEqual(new Set([400, 503]));
    emulator.faults.set({ error: 503, rate: 0.5 }, 42);
    expect(await statuses()).toEqual(first);
    emulator.faults.clear();
    expect(new Set(await statuses())).toEqual(new Set([400]));
  });

  it('by the control route', async () => {
    const { endpoint, emulator } = await start(['latency=1,rate=0.5', 'throttle']);
    const route = `${endpoint}/_emulator/faults`;
    const call = async (method: string, body?: string) => {
      const response = await fetch(route, { method, ...(body !== undefined && { body }) });
      return [response.status, await response.json()];
    };
    const before = {
      faults: [
        { latency: 1, rate: 0.5, struck: 0 },
        { throttle: 10, struck: 0 },
      ],
    };
    expect(await call('GET')).toEqual([200, before]);
    const error = { error: 503, count: 2, struck: 0 };
    expect(await call('PUT', '{"faults":[{"error":503,"count":2}],"seed":3}')).toEqual([
      200,
      { faults: [error] },
    ]);
    expect((await fetch(endpoint)).status).toBe(503);
    // Faults do not strike the route itself.
    expect(await call('GET')).toEqual([200, { faults: [{ ...error, struck: 1 }] }]);
    expect(await call('PUT', '["error=503,count=2"]')).toEqual([200, { faults: [error] }]);
    expect(await call('PUT', 'error=503,count=2\n')).toEqual([200, { faults: [error] }]);
    expect(await call('PUT', '{"error":503,"count":2}')).toEqual([200, { faults: [error] }]);
    expect(await call('DELETE')).toEqual([200, { faults: [] }]);
    expect(emulator.faults.list()).toEqual([]);
  });

  it.each([
    ['PUT', '{"faults":[{"eror":503}]}', 400, 'unknown fault "eror", did you mean "error"?'],
    ['PUT', '{"faults":[],"sede":3}', 400, 'unknown option "sede", did you mean "seed"?'],
    ['PUT', '{"faults":[],"seed":"3"}', 400, 'the seed of faults must be a whole number'],
    [
      'PUT',
      '"reset,operation=createRole"',
      400,
      'unknown operation "createRole" of a fault, did you mean "CreateRole"?',
    ],
    ['PUT', 'null', 400, 'a fault must be text such as error=503,count=3 or an object, found null'],
    ['PUT', '{"faults":[', 400, 'unknown fault'],
    ['POST', '{}', 405, '/_emulator/faults takes GET, PUT and DELETE'],
  ])('refuses %s %s', async (method, body, status, message) => {
    const { endpoint, emulator } = await start('latency=1');
    const response = await fetch(`${endpoint}/_emulator/faults`, { method, body });
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ message: expect.stringContaining(message) });
    expect(emulator.faults.list()).toEqual([{ latency: 1, struck: 0 }]);
  });

  it.each([
    ['Host: 127.0.0.1:8080', 200],
    ['Host: localhost', 200],
    ['Host: LOCALHOST:1', 200],
    ['Host: [::1]:8080', 200],
    ['Host: attacker.example', 403],
    ['Host: 127.0.0.1.attacker.example', 403],
    ['Host: 10.0.0.1', 403],
    ['Host: a@127.0.0.1', 403],
    ['Host: 127.0.0.1/x', 403],
    ['Host:', 403],
    ['Host: localhost\r\nOrigin: https://attacker.example', 403],
    ['Host: localhost\r\nX-Forwarded-For: 10.0.0.1', 403],
  ])('%j is answered with %i', async (headers, status) => {
    const { endpoint } = await start();
    const { received } = await exchange(
      endpoint,
      `DELETE /_emulator/faults HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`,
    );
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });
});

it('an endless body is not read to the end', async () => {
  const { endpoint, lines } = await start();
  const socket = connect(Number(new URL(endpoint).port), '127.0.0.1');
  let received = '';
  socket.on('data', (chunk) => (received += String(chunk)));
  socket.on('error', () => undefined);
  socket.write('POST /sessions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n');
  const chunk = `8000\r\n${'a'.repeat(0x8000)}\r\n`;
  let sent = 0;
  while (!socket.destroyed && sent < 64 * 1024 * 1024) {
    if (!socket.write(chunk))
      await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => 0);
    sent += chunk.length;
  }
  expect(socket.destroyed).toBe(true);
  expect(sent).toBeLessThan(32 * 1024 * 1024);
  expect(lines).toEqual([expect.stringContaining('POST /sessions 413 RequestEntityTooLargeException')]);
});
