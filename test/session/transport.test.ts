import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreateSessionOptions } from '../../src/session/create-session.js';
import { createSession } from '../../src/session/create-session.js';
import { ARNS, CA_BUNDLE, RSA, startFakeService, success } from '../fake-service.js';
import { NOW, path, text } from '../fixtures.js';

async function call(
  service: { readonly endpoint: string },
  options: Partial<CreateSessionOptions> = {},
): Promise<{ outcome: unknown; warnings: string[] }> {
  const warnings: string[] = [];
  const outcome = await createSession({
    ...ARNS,
    ...RSA,
    env: {},
    now: () => NOW,
    random: () => 0,
    endpoint: service.endpoint,
    logger: { warn: (message) => warnings.push(message) },
    ...options,
  }).catch((error: unknown) => error);
  return { outcome, warnings };
}

const SESSION = { accessKeyId: 'ASIAEXAMPLEACCESSKEY' };
const NOT_VERIFIED =
  "the service's TLS certificate is not verified: anyone on the network path can read the credentials";

describe('TLS', () => {
  it('of an unknown authority is refused, and nothing is sent', async () => {
    const service = await startFakeService([success], { tls: true });
    const { outcome } = await call(service);
    expect(outcome).toMatchObject({
      name: 'TransportError',
      code: 'ERR_TLS',
      message: `no trusted TLS connection to ${service.endpoint}: unable to verify the first certificate`,
    });
    expect(service.requests).toHaveLength(0);
  });

  it('that is refused is not retried', async () => {
    const service = await startFakeService([success], { tls: true });
    let jitters = 0;
    const { outcome } = await call(service, { random: () => jitters++ });
    expect(outcome).toMatchObject({ code: 'ERR_TLS' });
    // The jitter is computed before each further attempt.
    expect(jitters).toBe(0);
  });

  it.each<[string, Partial<CreateSessionOptions>]>([
    ['caBundle', { caBundle: CA_BUNDLE }],
    ['AWS_CA_BUNDLE', { env: { AWS_CA_BUNDLE: CA_BUNDLE } }],
    ['caBundle before AWS_CA_BUNDLE', { caBundle: CA_BUNDLE, env: { AWS_CA_BUNDLE: '/no/ca.pem' } }],
  ])('of an authority in %s is trusted', async (_name, options) => {
    const service = await startFakeService([success], { tls: true });
    const { outcome, warnings } = await call(service, options);
    expect(outcome).toMatchObject(SESSION);
    expect(warnings).toEqual([]);
    expect(service.requests).toHaveLength(1);
  });

  it('of another authority than that in caBundle is refused', async () => {
    const service = await startFakeService([success], { tls: true });
    const { outcome } = await call(service, { caBundle: path('root-rsa.pem') });
    expect(outcome).toMatchObject({ code: 'ERR_TLS' });
    expect(service.requests).toHaveLength(0);
  });

  it('for another name is refused', async () => {
    const tls = { cert: text('rsa-2048.pem'), key: text('rsa-2048.key.pem') };
    const service = await startFakeService([success], { tls });
    const { outcome } = await call(service, { caBundle: path('root-rsa.pem') });
    expect(outcome).toMatchObject({
      code: 'ERR_TLS',
      message: expect.stringMatching(/^no trusted TLS connection to https:\/\/127\.0\.0\.1:\d+: \S/),
    });
    expect(service.requests).toHaveLength(0);
  });

  it('is not verified with `verifyTls: false`, which warns', async () => {
    const service = await startFakeService([success], { tls: true });
    const { outcome, warnings } = await call(service, { verifyTls: false });
    expect(outcome).toMatchObject(SESSION);
    expect(warnings).toEqual([NOT_VERIFIED]);
  });

  it('below version 1.2 is refused', async () => {
    const ciphers = 'DEFAULT@SECLEVEL=0';
    const service = await startFakeService([success], {
      tls: { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers },
    });
    // Control: the server supports 1.1 for a client that requests it.
    const legacy = connect({
      port: service.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      minVersion: 'TLSv1.1',
      ciphers,
    });
    await once(legacy, 'secureConnect');
    expect(legacy.getProtocol()).toBe('TLSv1.1');
    legacy.destroy();
    const { outcome } = await call(service, { verifyTls: false });
    expect(outcome).toMatchObject({
      name: 'TransportError',
      code: 'ERR_TLS',
      message: `no trusted TLS connection to ${service.endpoint}: tlsv1 alert protocol version`,
    });
    expect(service.requests).toHaveLength(0);
  });

  it('to a server without TLS is refused', async () => {
    const service = await startFakeService([success]);
    const endpoint = service.endpoint.replace('http:', 'https:');
    const { outcome } = await call({ endpoint });
    // OpenSSL's reason differs between versions: its address, function, file and line are not shown.
    const message = expect.stringMatching(
      /^no trusted TLS connection to https:\/\/127\.0\.0\.1:\d+: [a-z ]+$/,
    );
    expect(outcome).toMatchObject({ name: 'TransportError', code: 'ERR_TLS', message });
    expect(service.requests).toHaveLength(0);
  });
});

describe('authorities of the machine', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
  beforeAll(() => copyFileSync(CA_BUNDLE, join(folder, '1a2b3c4d.0')));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each<[string, Partial<CreateSessionOptions>]>([
    ['SSL_CERT_FILE', { env: { SSL_CERT_FILE: CA_BUNDLE } }],
    ['SSL_CERT_DIR', { env: { SSL_CERT_DIR: `/no/such/folder:${folder}` } }],
    [
      'NODE_EXTRA_CA_CERTS beside AWS_CA_BUNDLE',
      { env: { AWS_CA_BUNDLE: path('root-rsa.pem'), NODE_EXTRA_CA_CERTS: CA_BUNDLE } },
    ],
    ['SSL_CERT_FILE beside caBundle', { caBundle: path('root-rsa.pem'), env: { SSL_CERT_FILE: CA_BUNDLE } }],
  ])('in %s are trusted after a handshake that failed for an unknown authority', async (_name, options) => {
    const service = await startFakeService([success], { tls: true });
    const { outcome } = await call(service, options);
    expect(outcome).toMatchObject(SESSION);
    expect(service.requests).toHaveLength(1);
  });

  it('are not read if the caller bundle knows the authority', async () => {
    const service = await startFakeService([success], { tls: true });
    // Reading a FIFO without a writer would not end.
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const { outcome } = await call(service, {
      caBundle: CA_BUNDLE,
      env: { SSL_CERT_FILE: fifo },
      timeoutMs: 5000,
    });
    rmSync(fifo);
    expect(outcome).toMatchObject(SESSION);
  });

  it("that do not include the server's either: the hint names the issuer", async () => {
    const service = await startFakeService([success], { tls: true });
    const { outcome } = await call(service);
    const issuer = new X509Certificate(text('tls-localhost.pem')).issuer
      .split('\n')
      .find((part) => part.startsWith('CN='));
    expect(outcome).toMatchObject({
      code: 'ERR_TLS',
      hint:
        `the certificate was issued by "${issuer}": if that is a CA of your company, name its PEM file ` +
        'in AWS_CA_BUNDLE',
    });
    expect(service.requests).toHaveLength(0);
  });
});

describe('a CA bundle', () => {
  it.each([
    ['/no/ca.pem', 'ERR_FILE_UNREADABLE', 'CA bundle /no/ca.pem cannot be read: there is no such file'],
    [
      path('not-garbage.pem'),
      'ERR_PEM_INVALID',
      `CA bundle ${path('not-garbage.pem')} must hold PEM certificates, found none`,
    ],
  ])('that is not PEM is refused: %s', async (caBundle, code, message) => {
    const service = await startFakeService([success], { tls: true });
    const { outcome } = await call(service, { caBundle });
    expect(outcome).toMatchObject({ name: 'IdentityError', code, message });
    expect(service.requests).toHaveLength(0);
  });

  it('that has a damaged certificate is refused', async () => {
    const service = await startFakeService([success], { tls: true });
    const { outcome } = await call(service, { caBundle: path('not-der.pem') });
    // Not a defect of ours ("unexpected Error"), and not ignored.
    expect(outcome).toMatchObject({ name: expect.stringMatching(/^(Identity|Transport)Error$/) });
    expect(service.requests).toHaveLength(0);
  });
});

describe('a connection that is not accepted', () => {
  it('ends the attempt after connectTimeoutMs', async () => {
    const { createServer } = await import('node:net');
    // Accepts the connection and never answers the greeting of TLS: connecting includes TLS.
    const sockets: import('node:net').Socket[] = [];
    const server = createServer((socket) => void sockets.push(socket.on('error', () => {})));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const endpoint = `https://127.0.0.1:${(server.address() as { port: number }).port}`;
      const { outcome } = await call({ endpoint }, { connectTimeoutMs: 50, timeoutMs: 15_000 });
      expect(outcome).toMatchObject({
        name: 'TransportError',
        code: 'ERR_TIMEOUT',
        message: `${endpoint} did not accept a connection in time`,
      });
      expect(sockets).toHaveLength(3);
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
