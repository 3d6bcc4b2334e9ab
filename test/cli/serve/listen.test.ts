import { once } from 'node:events';
import { chmodSync, existsSync, linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Listener } from '../../../src/cli/serve/listen.js';
import { listenOnSocket, listenOnTcp } from '../../../src/cli/serve/listen.js';
import { loadOrCreateToken } from '../../../src/cli/serve/token-file.js';
import { makeWorld, TOKEN } from './served.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'serve-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const both = { hosts: ['127.0.0.1', '::1'], port: 0 };

async function start(target = both): Promise<Listener> {
  const listener = await listenOnTcp(makeWorld().routes, target);
  onTestFinished(() => listener.close());
  return listener;
}

/** Sends text as it stands, and collects the answer until the other side closes. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(text);
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString();
  });
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return answer;
}

describe('listenOnTcp', () => {
  it('answers on one port of both loopback addresses', async () => {
    const { addresses, port } = await start();
    expect(addresses).toEqual([`http://127.0.0.1:${port}`, `http://[::1]:${port}`]);
    for (const address of addresses) {
      const answer = await fetch(`${address}/credentials`, { headers: { authorization: TOKEN } });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(await answer.json()).toMatchObject({ AccessKeyId: 'ASIA-Demo' });
    }
  });

  it('passes over an address that this machine does not have, and fails where there is no other', async () => {
    // TEST-NET-1 (RFC 5737): nobody's.
    const { addresses, port } = await start({ hosts: ['192.0.2.1', '127.0.0.1'], port: 0 });
    expect(addresses).toEqual([`http://127.0.0.1:${port}`]);
    await expect(listenOnTcp(makeWorld().routes, { hosts: ['192.0.2.1'], port: 0 })).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: 'cannot listen on 192.0.2.1 port 0: this machine has no such address',
    });
  });

  it('names a port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    await expect(listenOnTcp(makeWorld().routes, { hosts: both.hosts, port })).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: `cannot listen on 127.0.0.1 port ${port}: it is in use already`,
    });
  });

  it('refuses a request of another host name (DNS rebinding)', async () => {
    const { port } = await start();
    const answer = await raw(
      port ?? 0,
      'GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  });

  it.each([
    [
      'headers of more than 16 KiB',
      `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA: ${'a'.repeat(17_000)}\r\n\r\n`,
      431,
    ],
    ['what is not HTTP', 'hello\r\n\r\n', 400],
    ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
    [
      'two lengths',
      'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
    ],
    [
      'a body, whose connection ends',
      'PUT /latest/api/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello',
      413,
    ],
  ])('answers %s', async (_name, text, status) => {
    const { port } = await start();
    expect(await raw(port ?? 0, text)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it('stops while connections are open', async () => {
    const listener = await listenOnTcp(makeWorld().routes, both);
    const socket = connect(listener.port ?? 0, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await once(socket, 'data');
    const closed = once(socket, 'close');
    await listener.close();
    await closed;
    await expect(fetch(`http://127.0.0.1:${listener.port}/healthz`)).rejects.toThrow();
  });
});

describe('listenOnSocket', () => {
  function ask(path: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const sent = request({ socketPath: path, path: '/credentials' }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      sent.on('error', reject).end();
    });
  }

  it('lets its owner alone connect, and needs no token', async () => {
    const path = join(folder, 'socket');
    const listener = await listenOnSocket(makeWorld().routes, path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await ask(path)).toBe(200);
    await listener.close();
    expect(existsSync(path)).toBe(false);
  });

  it('replaces a socket that nobody listens on, and no other file', async () => {
    const path = join(folder, 'socket');
    // A server that is killed leaves its socket: close() would remove it, so another name is given to it first.
    const dead = createServer().listen(`${path}.dead`);
    await once(dead, 'listening');
    linkSync(`${path}.dead`, path);
    dead.close();
    await once(dead, 'close');
    const listener = await listenOnSocket(makeWorld().routes, path);
    expect(await ask(path)).toBe(200);
    await expect(listenOnSocket(makeWorld().routes, path)).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: `cannot listen on socket ${path}: it is in use already`,
    });
    await listener.close();

    writeFileSync(path, 'precious');
    await expect(listenOnSocket(makeWorld().routes, path)).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: `cannot listen on socket ${path}: the file there is no socket, and is left alone`,
    });
    expect(statSync(path).size).toBe(8);
  });
});

describe('loadOrCreateToken', () => {
  it('makes a token that its owner alone can read, and finds it again', async () => {
    const path = join(folder, 'token');
    const token = await loadOrCreateToken(path);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(path).size).toBe(43);
    expect(await loadOrCreateToken(path)).toBe(token);
  });

  it('says of one that it finds whether every user can read it', async () => {
    const path = join(folder, 'token');
    const modes: number[] = [];
    for (const mode of [0o644, 0o640, 0o604]) {
      writeFileSync(path, 't'.repeat(43));
      chmodSync(path, mode);
      await loadOrCreateToken(path, (found) => modes.push(found));
    }
    expect(modes).toEqual([0o644, 0o604]);
  });

  it('says why one cannot be read', async () => {
    await expect(loadOrCreateToken(folder)).rejects.toMatchObject({
      code: 'ERR_FILE_UNREADABLE',
      message: `token file ${folder} cannot be read: it is a directory`,
    });
  });

  it.each(['too-short', `${'a'.repeat(40)}\n`, `${'a'.repeat(20)} ${'a'.repeat(20)}`])(
    'refuses %j without showing it',
    async (text) => {
      const path = join(folder, 'token');
      writeFileSync(path, text);
      await expect(loadOrCreateToken(path)).rejects.toMatchObject({
        code: 'ERR_OPTION_INVALID',
        message: expect.not.stringContaining(text.trim()),
      });
    },
  );

  it('says why a file cannot be written', async () => {
    await expect(loadOrCreateToken(join(folder, 'nowhere', 'token'))).rejects.toMatchObject({
      code: 'ERR_FILE_WRITE',
    });
  });
});
