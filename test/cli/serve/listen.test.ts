import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lchownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { Agent, request } from 'node:http';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Listener } from '../../../src/cli/serve/listen.js';
import { listenOnSocket, listenOnTcp } from '../../../src/cli/serve/listen.js';
import type { Peer } from '../../../src/cli/serve/peer.js';
import { loadOrCreateToken } from '../../../src/cli/serve/token-file.js';
import { restrictSocket } from '../../../src/files/socket-file.js';
import { makeWorld, TOKEN } from './served.js';

vi.mock('node:fs', { spy: true });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'serve-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const TTL = 'X-aws-ec2-metadata-token-ttl-seconds';

const PUT = `PUT /latest/api/token HTTP/1.1\r\nHost: 127.0.0.1\r\n${TTL}: 60\r\n`;

const both = { hosts: ['127.0.0.1', '::1'], port: 0 };

/** The handlers of a listener, with the reasons why it closed connections. */
function options(peer: Peer = 'local') {
  const closed: string[] = [];
  return {
    routes: makeWorld().routes,
    peerOf: () => peer,
    onClosed: (why: string) => closed.push(why),
    closed,
  };
}

async function startWith(peer: Peer = 'local', target = both) {
  const { closed, ...rest } = options(peer);
  const listener = await listenOnTcp(rest, target);
  onTestFinished(() => listener.close());
  return { listener, closed };
}

async function start(target = both): Promise<Listener> {
  return (await startWith('local', target)).listener;
}

/** Sends text unchanged and collects the response until the server closes the connection. */
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

  it('skips an address that this machine does not have, and fails without another one', async () => {
    // TEST-NET-1 (RFC 5737): no machine has it.
    const { addresses, port } = await start({ hosts: ['192.0.2.1', '127.0.0.1'], port: 0 });
    expect(addresses).toEqual([`http://127.0.0.1:${port}`]);
    await expect(listenOnTcp(options(), { hosts: ['192.0.2.1'], port: 0 })).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: 'cannot listen on 192.0.2.1 port 0: this machine has no such address',
    });
  });

  it('names a port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const { port } = other.address() as { port: number };
    await expect(listenOnTcp(options(), { hosts: both.hosts, port })).rejects.toMatchObject({
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
    ['text that is not HTTP', 'hello\r\n\r\n', 400],
    ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
    [
      'two lengths',
      'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
    ],
    [
      'a body, after which the connection is closed',
      'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\nhello',
      413,
    ],
    [
      'a chunked PUT without content',
      `${PUT}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      200,
    ],
    [
      'a target in absolute form',
      'GET http://127.0.0.1/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n',
      200,
    ],
  ])('answers %s', async (_name, text, status) => {
    const { port } = await start();
    expect(await raw(port ?? 0, text)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it('keeps the connection behind a body with a length, in the request for a token', async () => {
    const { listener } = await startWith();
    const socket = connect(listener.port ?? 0, '127.0.0.1').on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    for (const length of [5, 16_000]) {
      socket.write(`${PUT}Content-Length: ${length}\r\n\r\n${'x'.repeat(length)}`);
      expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /);
    }
  });

  it.each([
    ['PUT', `${PUT}Transfer-Encoding: chunked\r\n\r\n`, 200],
    ['GET', 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n', 413],
  ])('answers a %s with a chunked body without reading it, and closes', async (_name, head, status) => {
    const { listener, closed } = await startWith();
    const hidden = 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
    for (const body of [`1\r\na\r\n`.repeat(1_000), `0\r\n\r\n${hidden}`, hidden]) {
      const answer = await raw(listener.port ?? 0, head + body);
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(answer).toContain('Connection: close');
      expect(answer.split('HTTP/1.1 ').length - 1).toBe(1);
    }
    expect(closed).toEqual([]);
  });

  it('refuses more headers than it reads: X-Forwarded-For may be behind them', async () => {
    const { listener, closed } = await startWith();
    const ask = (count: number) =>
      raw(
        listener.port ?? 0,
        `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${'a:b\r\n'.repeat(count)}` +
          'X-Forwarded-For: 192.0.2.1\r\n\r\n',
      );
    expect(await ask(60)).toMatch(/^HTTP\/1\.1 400 /);
    for (const count of [61, 62, 1000, 2500]) expect(await ask(count)).toMatch(/^HTTP\/1\.1 431 /);
    expect(new Set(closed)).toEqual(new Set(['too-many-headers']));
  });

  it('ends each connection with its answer while many are open', async () => {
    const { listener } = await startWith();
    const ask = async () => {
      const answer = await fetch(`http://127.0.0.1:${listener.port}/healthz`);
      await answer.text();
      return answer.headers.get('connection');
    };
    expect(await ask()).toBe('keep-alive');
    const sockets = Array.from({ length: 40 }, () => connect(listener.port ?? 0, '127.0.0.1'));
    onTestFinished(() => void sockets.map((socket) => socket.destroy()));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    // Behind all of them in the queue of the system.
    expect(await raw(listener.port ?? 0, 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).toContain(
      'Connection: close',
    );
  });

  it('closes a connection whose next request does not wait for the response', async () => {
    const { listener, closed } = await startWith();
    const one = 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
    const answer = await raw(listener.port ?? 0, one.repeat(3000));
    expect(answer.split('HTTP/1.1 200 ').length - 1).toBeLessThanOrEqual(1);
    expect(closed).toEqual(['pipelined']);
  });

  it('answers one request after another on one connection', async () => {
    const { listener, closed } = await startWith();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const ports = new Set<number | undefined>();
    for (let count = 0; count < 50; count++) {
      const sent = request({ agent, port: listener.port, path: '/healthz' }).end();
      const [answer] = await once(sent, 'response');
      ports.add(sent.socket?.localPort);
      answer.resume();
      await once(answer, 'end');
    }
    expect({ connections: ports.size, closed }).toEqual({ connections: 1, closed: [] });
  });

  it('closes the least recently used connection for a new one', async () => {
    const { listener, closed } = await startWith();
    const sockets = Array.from({ length: 512 }, () =>
      connect(listener.port ?? 0, '127.0.0.1').on('error', () => undefined),
    );
    onTestFinished(() => void sockets.map((socket) => socket.destroy()));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const [first, second] = sockets;
    // Used again: the second one is now the least recently used.
    first?.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await once(first as Socket, 'data');
    const evicted = once(second as Socket, 'close');
    expect((await fetch(`http://127.0.0.1:${listener.port}/healthz`)).status).toBe(200);
    await evicted;
    expect(first?.destroyed).toBe(false);
    expect(closed).toEqual(['made-room']);
  });

  it('makes Fluent Bit use version 2, by its first requests', async () => {
    const { port = 0 } = await start();
    const send = (method: string, path: string, header: string) =>
      raw(
        port,
        [
          `${method} ${path} HTTP/1.1`,
          'Host: 127.0.0.1:80',
          'Content-Length: 0',
          'User-Agent: Fluent-Bit',
          header,
          'Connection: close',
          '',
          '',
        ].join('\r\n'),
      );
    const bodyOf = (answer: string): string => {
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      return answer.slice(answer.indexOf('\r\n\r\n') + 4);
    };
    // 401 indicates version 2; 200 would indicate version 1.
    expect(await send('GET', '/', 'X-aws-ec2-metadata-token: INVALID')).toMatch(/^HTTP\/1\.1 401 /);
    const token = bodyOf(await send('PUT', '/latest/api/token', `${TTL}: 21600`));
    const get = async (path: string) => bodyOf(await send('GET', path, `X-aws-ec2-metadata-token: ${token}`));
    expect(await get('/latest/meta-data/placement/availability-zone/')).toBe('eu-west-1a');
    expect(await get('/latest/meta-data/instance-id/')).toMatch(/^i-[0-9a-f]{17}$/);
    expect(await get('/latest/meta-data/local-ipv4/')).toBe('10.1.2.3');
    expect(await get('/latest/meta-data/instance-type/')).not.toBe('');
    expect(await get('/latest/meta-data/hostname/')).toBe('host-1');
    const document = JSON.parse(await get('/latest/dynamic/instance-identity/document/'));
    expect(document).toMatchObject({ accountId: '111122223333' });
    expect(await get('/latest/meta-data/iam/security-credentials/')).toBe('Demo');
    expect(JSON.parse(await get('/latest/meta-data/iam/security-credentials/Demo'))).toMatchObject({
      Code: 'Success',
      AccessKeyId: 'ASIA-Demo',
    });
  });

  it('stops while connections are open', async () => {
    const listener = await listenOnTcp(options(), both);
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

  it.each([0o600, 0o660])('has mode %o from the moment it exists', async (mode) => {
    const path = join(folder, 'socket');
    const before = process.umask(0);
    onTestFinished(() => void process.umask(before));
    const started = listenOnSocket(options('socket'), path, mode);
    const modes = new Set<number>();
    let listener: Listener | undefined;
    started.then((value) => {
      listener = value;
    });
    while (listener === undefined) {
      if (existsSync(path)) modes.add(statSync(path).mode & 0o777);
      await new Promise(setImmediate);
    }
    modes.add(statSync(path).mode & 0o777);
    await listener.close();
    expect(modes).toEqual(new Set([mode]));
    // Restored at once: other files of this process are not affected.
    expect(process.umask()).toBe(0);
  });

  it('does not start if the socket cannot be restricted', async () => {
    const path = join(folder, 'socket');
    vi.mocked(chmodSync).mockImplementationOnce(() => {
      throw Object.assign(new Error('no'), { code: 'EPERM' });
    });
    await expect(listenOnSocket(options('socket'), path, 0o600)).rejects.toMatchObject({
      code: 'ERR_LISTEN',
    });
    expect(existsSync(path)).toBe(false);
  });

  it.skipIf(process.getuid?.() !== 0)('root does not make it where a user leads to it', async () => {
    const alice = 54_321;
    const own = join(folder, 'own');
    mkdirSync(own);
    symlinkSync(folder, join(own, 'link'));
    for (const path of ['own', 'own/link']) lchownSync(join(folder, path), alice, alice);
    for (const path of [join(own, 'socket'), join(own, 'link', 'socket')]) {
      await expect(listenOnSocket(options('socket'), path, 0o600)).rejects.toMatchObject({
        code: 'ERR_LISTEN',
        message:
          `cannot listen on socket ${path}: ` +
          `a folder of user ${alice} leads to it, and this process runs as root`,
      });
    }
    expect([readdirSync(own), readdirSync(folder)]).toEqual([['link'], ['own']]);
  });

  it('sets the mode of nothing but a socket', async () => {
    const [target, link] = [join(folder, 'target'), join(folder, 'link')];
    writeFileSync(target, '', { mode: 0o640 });
    symlinkSync(target, link);
    for (const path of [target, link])
      expect(() => restrictSocket(path, 0o600)).toThrow('replaced meanwhile');
    expect(statSync(target).mode & 0o777).toBe(0o640);
  });

  it('lets only its owner connect, and needs no token', async () => {
    const path = join(folder, 'socket');
    const listener = await listenOnSocket(options('socket'), path, 0o600);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await ask(path)).toBe(200);
    await listener.close();
    expect(existsSync(path)).toBe(false);
  });

  it('replaces a socket without a listener, and no other file', async () => {
    const path = join(folder, 'socket');
    // A server that is killed leaves its socket: close() would remove it, so another name is given to it
    // first.
    const dead = createServer().listen(`${path}.dead`);
    await once(dead, 'listening');
    linkSync(`${path}.dead`, path);
    dead.close();
    await once(dead, 'close');
    const listener = await listenOnSocket(options('socket'), path, 0o600);
    expect(await ask(path)).toBe(200);
    await expect(listenOnSocket(options('socket'), path, 0o600)).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: `cannot listen on socket ${path}: it is in use already`,
    });
    await listener.close();

    writeFileSync(path, 'precious');
    await expect(listenOnSocket(options('socket'), path, 0o600)).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: `cannot listen on socket ${path}: the file there is not a socket, and is left alone`,
    });
    expect(statSync(path).size).toBe(8);
  });

  it('names a folder that does not exist, and a path that is too long, before anything is bound', async () => {
    const limit = process.platform === 'linux' ? 107 : 103;
    const longest = join(folder, 'x'.repeat(limit - Buffer.byteLength(folder) - 1));
    const paths: ReadonlyArray<readonly [string, string]> = [
      [join(folder, 'none', 'sock'), 'there is no such folder'],
      [`${longest}x`, `its path has ${limit + 1} bytes, the limit for sockets is ${limit}`],
    ];
    for (const [path, reason] of paths) {
      await expect(listenOnSocket(options('socket'), path, 0o600)).rejects.toMatchObject({
        code: 'ERR_LISTEN',
        message: `cannot listen on socket ${path}: ${reason}`,
      });
    }
    const listener = await listenOnSocket(options('socket'), longest, 0o600);
    expect(await ask(longest)).toBe(200);
    await listener.close();
    expect(readdirSync(folder).filter((name) => name.startsWith('x'))).toEqual([]);
  });
});

describe('loadOrCreateToken', () => {
  it('makes a token that only its owner can read, and loads it at the next start', async () => {
    const path = join(folder, 'token');
    const token = await loadOrCreateToken(path);
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(path).size).toBe(43);
    expect(await loadOrCreateToken(path)).toBe(token);
  });

  it('reports a token file that every user can read', async () => {
    const path = join(folder, 'token');
    const modes: number[] = [];
    for (const mode of [0o644, 0o640, 0o604]) {
      writeFileSync(path, 't'.repeat(43));
      chmodSync(path, mode);
      await loadOrCreateToken(path, (found) => modes.push(found));
    }
    expect(modes).toEqual([0o644, 0o604]);
  });

  it('says why a token file cannot be read', async () => {
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
