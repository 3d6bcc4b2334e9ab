/** TLS and the limits of connections, with real sockets and certificates. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PeerCertificate } from 'node:tls';
import { checkServerIdentity, connect as connectTls, rootCertificates } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listen } from '../../src/emulator/listen.js';
import type { EmulatorOptions } from '../../src/emulator.js';
import { createAuthority, startEmulator } from '../../src/emulator.js';
import { createSession } from '../../src/session/create-session.js';
import { exchange } from './exchange.js';

async function start(options: EmulatorOptions = {}) {
  const lines: string[] = [];
  const emulator = await startEmulator({ ...options, log: (line) => lines.push(line) });
  onTestFinished(() => emulator.close());
  const { port } = new URL(emulator.endpoint);
  return { emulator, lines, port: Number(port) };
}

/** Performs a TLS handshake and sends one request. */
async function ask(port: number, ca: string | undefined, host: string, address = '127.0.0.1') {
  const socket = connectTls({
    host: address,
    port,
    ca: ca ?? rootCertificates[0],
    ...(/[a-z]/.test(host) && { servername: host }),
  });
  let received = '';
  let failure: string | undefined;
  socket.on('error', (error) => (failure = 'code' in error ? String(error.code) : error.message));
  socket.on('data', (chunk) => (received += String(chunk)));
  socket.once('secureConnect', () =>
    socket.write(
      `GET / HTTP/1.1\r\nHost: ${host.includes(':') ? `[${host}]` : host}\r\nConnection: close\r\n\r\n`,
    ),
  );
  await new Promise((resolve) => socket.once('close', resolve));
  return { received, failure };
}

describe('TLS', () => {
  it('has a certificate for the names of this machine', async () => {
    const { emulator, port } = await start({ tls: true });
    expect(emulator.endpoint).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(emulator.caBundle).toMatch(/^-----BEGIN CERTIFICATE-----/);
    expect(emulator.caBundle).not.toBe(emulator.authority?.certificate);
    for (const host of ['127.0.0.1', 'localhost']) {
      expect((await ask(port, emulator.caBundle, host)).received).toMatch(/^HTTP\/1\.1 400 /);
    }
    expect(await ask(port, emulator.caBundle, 'other.example')).toMatchObject({
      failure: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(await ask(port, undefined, 'localhost')).toMatchObject({
      failure: expect.stringMatching(/UNABLE_TO_VERIFY|SELF_SIGNED/),
    });
  });

  // Node 22.23.3 takes no IPv6 address for the name in a certificate.
  const hasIpv6Names =
    checkServerIdentity('::1', { subjectaltname: 'IP Address:0:0:0:0:0:0:0:1' } as PeerCertificate) ===
    undefined;
  it.skipIf(!hasIpv6Names)('on ::1', async () => {
    const { emulator, port } = await start({ tls: true, host: '::1' });
    expect((await ask(port, emulator.caBundle, '::1', '::1')).received).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("serves this project's client, and resets a connection by fault", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-tls-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { emulator, port } = await start({ tls: true });
    const caBundle = join(folder, 'tls-ca.pem');
    writeFileSync(caBundle, emulator.caBundle ?? '');
    const { trustAnchorArn, profileArn, roleArn, endpoint } = emulator;
    const identity = await emulator.authority?.issue({ commonName: 'host-1' });
    const options = { ...identity, trustAnchorArn, profileArn, roleArn, endpoint, env: {} };
    const session = await createSession({ ...options, caBundle });
    expect(session.accessKeyId).toMatch(/^ASIA/);
    await expect(createSession(options)).rejects.toMatchObject({ code: 'ERR_TLS' });
    emulator.faults.set('reset');
    expect(await ask(port, emulator.caBundle, 'localhost')).toEqual({ received: '', failure: 'ECONNRESET' });
  });

  it('logs a client that does not speak TLS', async () => {
    const { emulator, lines, port } = await start({ tls: true });
    await exchange(`http://127.0.0.1:${port}`, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await expect.poll(() => lines.join('\n')).toMatch(/ - no TLS \[\w*HTTP_REQUEST\]/);
    expect(lines).toHaveLength(1);
    expect(emulator.sessionCount).toBe(0);
  });

  it('closes at once during a handshake', async () => {
    const { emulator, port } = await start({ tls: true });
    const half = exchange(`http://127.0.0.1:${port}`, '\x16\x03\x01');
    await expect.poll(async () => (await ask(port, emulator.caBundle, 'localhost')).received).toMatch(/400/);
    const before = performance.now();
    await emulator.close();
    await half;
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

describe('limits', () => {
  it('headers above 128 KiB are refused, and logged', async () => {
    const { emulator, lines } = await start();
    const padding = 'a'.repeat(140_000);
    const { received } = await exchange(
      emulator.endpoint,
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${padding}\r\n\r\n`,
    );
    expect(received).toMatch(/^HTTP\/1\.1 431 /);
    expect(lines).toEqual([
      expect.stringMatching(/ - 431 Request Header Fields Too Large \[HPE_HEADER_OVERFLOW/),
    ]);
  });

  it('a request that is not HTTP is refused and logged', async () => {
    const { emulator, lines } = await start();
    const { received } = await exchange(emulator.endpoint, 'hello\r\n\r\n');
    expect(received).toMatch(/^HTTP\/1\.1 400 /);
    expect(lines).toEqual([expect.stringMatching(/ - 400 Bad Request \[HPE_/)]);
  });

  it('a client that sends header or body too slowly, or nothing, is disconnected', async () => {
    const failures: string[] = [];
    const listener = await listen({
      host: '127.0.0.1',
      port: 0,
      tls: undefined,
      limits: { headersTimeout: 300, requestTimeout: 600, connectionsCheckingInterval: 50 },
      onRequest: (incoming) => incoming.resume().on('error', () => undefined),
      onFailure: (status) => failures.push(status),
    });
    onTestFinished(() => listener.close());
    const starts = [
      'GET / HTTP/1.1\r\nHost: localhost\r\nX: ',
      'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n',
      '',
    ];
    const answers = await Promise.all(starts.map((text) => exchange(listener.origin, text, 10_000, 20)));
    expect(answers.map(({ received }) => received.slice(0, 12))).toEqual(Array(3).fill('HTTP/1.1 408'));
    expect(failures).toEqual(Array(3).fill('408 Request Timeout'));
  });
});

describe('addresses', () => {
  it('the wildcard address is reported as loopback', async () => {
    const { emulator } = await start({ host: '0.0.0.0' });
    expect(emulator.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await fetch(emulator.endpoint)).status).toBe(400);
  });

  it('an address that this machine does not have is refused', async () => {
    // TEST-NET-1 of RFC 5737.
    await expect(startEmulator({ host: '192.0.2.1' })).rejects.toMatchObject({
      code: 'ERR_LISTEN',
      message: 'cannot listen on 192.0.2.1 port 0: this machine does not have that address',
    });
  });
});

describe('certificates for TLS', () => {
  it.each([[['a b']], ['localhost'], [[1]], [['']]])('hosts %j are refused', async (hosts) => {
    const authority = await createAuthority();
    const wrong = { commonName: 'a', hosts } as unknown as { commonName: string; hosts: string[] };
    await expect(authority.issue(wrong)).rejects.toThrow(
      /^hosts must be a list of host names and addresses, found a value of type (object|string)$/,
    );
  });
});
