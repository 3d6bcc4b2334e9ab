/** A forward proxy, and the certificate of a service behind it. */
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import { makeCertificate } from './emulator/pki/certificates.js';
import type { FakeService } from './fake-service.js';
import { listen } from './fake-service.js';

/** The host name in `SERVICE_TLS`, which only the proxy resolves. */
export const HOST = 'rolesanywhere.test';

const LONG = { notBefore: '2024-01-01T00:00:00Z', notAfter: '2124-01-01T00:00:00Z' };
const root = makeCertificate({ ...LONG, commonName: 'proxy-test-root', keyType: 'P-256', isAuthority: true });
const leaf = makeCertificate({ ...LONG, commonName: HOST, keyType: 'P-256', issuer: root });

/** PEM of the authority. */
export const SERVICE_CA = root.pem;
export const SERVICE_TLS = {
  cert: leaf.pem,
  key: leaf.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
};

export interface Proxy {
  readonly port: number;
  /** Requested targets, each with the credentials of the request. */
  readonly asked: readonly string[];
}

/** Tunnels every target to the service; with a password, only for requests that have it. */
export async function startProxy(
  service: FakeService,
  password?: string,
  tls = false,
  address = '127.0.0.1',
): Promise<Proxy> {
  const asked: string[] = [];
  const expected = password !== undefined && `Basic ${Buffer.from(`user:${password}`).toString('base64')}`;
  const server = tls ? createTlsServer(SERVICE_TLS) : createServer();
  server.on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    socket.on('error', () => {});
    if (expected !== false && request.headers['proxy-authorization'] !== expected) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const upstream = connect(service.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
  });
  return { port: await listen(server, address), asked };
}
