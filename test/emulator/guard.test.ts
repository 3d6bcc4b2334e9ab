/** Requests of web pages, rebound names and proxies are refused. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { findForeignSender } from '../../src/emulator/guard.js';
import type { EmulatorOptions } from '../../src/emulator.js';
import { startEmulator } from '../../src/emulator.js';
import { exchange } from './exchange.js';

const guard = { allowHosts: ['host.docker.internal'], scheme: 'http' };
const HOST = ['host', '127.0.0.1:4566'] as const;

function ask(headers: ReadonlyArray<readonly [string, string]>, localAddress = '127.0.0.1') {
  return findForeignSender({ headers, localAddress }, guard);
}

describe('findForeignSender', () => {
  it.each([
    ['127.0.0.1:4566'],
    ['127.8.8.8'],
    ['localhost'],
    ['LOCALHOST:1'],
    ['[::1]:4566'],
    ['host.docker.internal:4566'],
    ['Host.Docker.Internal'],
  ])('accepts Host %s', (host) => {
    expect(ask([['host', host]])).toBeUndefined();
  });

  it.each([
    ['attacker.example'],
    ['127.0.0.1.attacker.example'],
    ['localhost.attacker.example'],
    ['attacker.example:4566'],
    ['x.host.docker.internal'],
    ['10.0.0.1'],
    ['0.0.0.0:4566'],
    ['[::]:4566'],
    ['a@127.0.0.1'],
    ['127.0.0.1/x'],
    ['127.0.0.1, attacker.example'],
    [''],
  ])('refuses Host %j', (host) => {
    expect(ask([['host', host]])).toMatch(/--allow-host/);
  });

  it('refuses a missing and a repeated Host', () => {
    expect(ask([])).toMatch(/found none/);
    expect(ask([HOST, ['host', 'attacker.example']])).toMatch(/found 127\.0\.0\.1:4566, attacker\.example/);
  });

  it('judges the authority of a target in absolute form as Host', () => {
    const askFor = (authority: string) =>
      findForeignSender({ headers: [HOST], localAddress: '127.0.0.1', authority }, guard);
    expect(askFor('localhost:4566')).toBeUndefined();
    for (const authority of ['attacker.example', '127.0.0.1@attacker.example', '']) {
      expect(askFor(authority)).toMatch(/--allow-host/);
    }
  });

  it('refuses more headers than Node gives: Origin may be behind them', () => {
    const many = Array.from({ length: 999 }, () => ['a', 'b'] as const);
    expect(ask([HOST, ...many])).toMatch(/1000 headers/);
    expect(ask([HOST, ...many.slice(1)])).toBeUndefined();
  });

  it('accepts every Host on an address that is not loopback', () => {
    expect(ask([['host', 'emulator.test']], '192.0.2.1')).toBeUndefined();
    expect(ask([['host', 'emulator.test']], '::ffff:127.0.0.1')).toBeDefined();
  });

  it.each([
    ['origin', 'https://attacker.example'],
    ['origin', 'null'],
    ['origin', 'http://127.0.0.1:3000'],
    ['origin', 'http://localhost:4566'],
    ['origin', 'https://127.0.0.1:4566'],
    ['sec-fetch-site', 'cross-site'],
    ['sec-fetch-site', 'same-site'],
    ['sec-fetch-site', 'of-tomorrow'],
    ['forwarded', 'for=10.0.0.1'],
    ['x-forwarded-for', '10.0.0.1'],
    ['x-forwarded-host', 'a'],
    ['x-forwarded-proto', 'https'],
    ['x-real-ip', '10.0.0.1'],
    ['via', '1.1 proxy'],
    ['accept-language', 'en-US,en;q=0.9'],
  ])('refuses %s: %s, on every address', (name, value) => {
    expect(ask([HOST, [name, value]])).toBeDefined();
    expect(ask([HOST, [name, value]], '192.0.2.1')).toBeDefined();
  });

  it.each([
    ['origin', 'http://127.0.0.1:4566'],
    ['sec-fetch-site', 'same-origin'],
    ['sec-fetch-site', 'none'],
    ['sec-fetch-mode', 'cors'],
    ['accept-language', '*'],
  ])('accepts %s: %s, from its own origin or no browser', (name, value) => {
    expect(ask([HOST, [name, value]])).toBeUndefined();
  });
});

describe('the server', () => {
  async function start(options: EmulatorOptions = {}) {
    const lines: string[] = [];
    const emulator = await startEmulator({ ...options, log: (line) => lines.push(line) });
    onTestFinished(() => emulator.close());
    return { emulator, lines };
  }

  it.each([
    'POST /sessions',
    'GET /trustanchors',
    'POST /',
    'GET /_emulator/faults',
    'OPTIONS /profiles',
    'GET /nowhere',
  ])('guards %s and logs the reason', async (route) => {
    const { emulator, lines } = await start();
    const request = [
      `${route} HTTP/1.1`,
      'Host: attacker.example',
      'Content-Length: 0',
      'Connection: close',
      '',
      '',
    ].join('\r\n');
    const { received: answer } = await exchange(emulator.endpoint, request);
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toContain('--allow-host');
    expect(lines).toEqual([expect.stringContaining(`${route} 403 AccessDeniedException`)]);
    expect(lines[0]).toContain('found attacker.example');
  });

  it('answers to the names of allowHosts', async () => {
    const { emulator } = await start({ allowHosts: ['Emulator.test'] });
    const request = 'GET /nowhere HTTP/1.1\r\nHost: emulator.test\r\nConnection: close\r\n\r\n';
    expect((await exchange(emulator.endpoint, request)).received).toMatch(/^HTTP\/1\.1 404 /);
  });

  it.each([[['a:1']], [['http://a']], [['']], ['a'], [[1]]])(
    'refuses %j as allowHosts',
    async (allowHosts) => {
      await expect(startEmulator({ allowHosts } as EmulatorOptions)).rejects.toMatchObject({
        code: 'ERR_OPTION_INVALID',
        message: expect.stringContaining('allowHosts must be a list of host names'),
      });
    },
  );
});
