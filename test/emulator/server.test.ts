import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import type { Authority, Emulator, EmulatorOptions } from '../../src/emulator.js';
import { createAuthority, createEmulator, startEmulator } from '../../src/emulator.js';
import { IdentityError, OptionError, OutputError } from '../../src/errors.js';
import { makeCertificate, NOW } from './pki/certificates.js';
import { formatQuery, makeRoot } from './sessions/fixture.js';
import { signX509 } from './sessions/sign.js';

const started: Emulator[] = [];
async function start(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator(options);
  started.push(emulator);
  return emulator;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((emulator) => emulator.close()));
});

const uuid = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}';

describe('startEmulator', () => {
  it('listens on loopback with its own authority', async () => {
    const emulator = await start();
    expect(emulator.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(emulator.region).toBe('us-east-1');
    expect(emulator.trustAnchorArn).toMatch(
      new RegExp(`^arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/${uuid}$`),
    );
    expect(emulator.profileArn).toMatch(
      new RegExp(`^arn:aws:rolesanywhere:us-east-1:123456789012:profile/${uuid}$`),
    );
    expect(emulator.roleArn).toBe('arn:aws:iam::123456789012:role/Demo');
    expect(emulator.authority?.certificate).toContain('BEGIN CERTIFICATE');
    expect(emulator.sessionCount).toBe(0);
  });

  it('uses the names of its options', async () => {
    const emulator = await start({
      region: 'cn-north-1',
      accountId: '210987654321',
      roleName: 'Ops',
      host: '::1',
    });
    expect(emulator.trustAnchorArn).toContain(
      'arn:aws-cn:rolesanywhere:cn-north-1:210987654321:trust-anchor/',
    );
    expect(emulator.roleArn).toBe('arn:aws-cn:iam::210987654321:role/Ops');
    expect(emulator.endpoint).toMatch(/^http:\/\/\[::1\]:\d+$/);
  });

  it('answers over HTTP in the form of AWS', async () => {
    const lines: string[] = [];
    const emulator = await start({ now: () => NOW, log: (line) => lines.push(line) });
    const response = await fetch(`${emulator.endpoint}/nothing?secret=1`);
    expect(response.status).toBe(404);
    expect(response.headers.get('x-amzn-errortype')).toBe('UnknownOperationException');
    expect(response.headers.get('x-amzn-requestid')).toMatch(new RegExp(`^${uuid}$`));
    expect(response.headers.get('date')).toBe('Mon, 01 Jun 2026 12:00:00 GMT');
    expect(await response.json()).toEqual({ message: 'UnknownOperationException' });
    expect(lines).toEqual([
      '2026-06-01T12:00:00.000Z GET /nothing 404 UnknownOperationException: UnknownOperationException ' +
        '[route: there is no GET /nothing]',
    ]);
  });

  it('refuses bodies above 64 KiB', async () => {
    const { endpoint } = await start();
    const send = (size: number) =>
      fetch(`${endpoint}/sessions`, { method: 'POST', body: new Uint8Array(size) });
    expect((await send(65_536)).status).toBe(400);
    const response = await send(1_000_000);
    expect(response.status).toBe(413);
    expect(response.headers.get('x-amzn-errortype')).toBe('RequestEntityTooLargeException');
    expect(await response.json()).toEqual({ message: 'Request body is too large' });
  });

  it('accepts headers as large as those of ML-DSA', async () => {
    const { endpoint } = await start();
    const headers = { 'x-amz-x509-chain': 'A'.repeat(50_000), 'x-amz-x509': 'A'.repeat(19_000) };
    expect((await fetch(`${endpoint}/sessions`, { method: 'POST', headers })).status).toBe(400);
  });

  it('survives a log that throws or rejects', async () => {
    const fail = () => {
      throw new Error('disk full');
    };
    const logs = [fail, async () => fail()];
    for (const log of logs) {
      const { endpoint } = await start({ log });
      expect((await fetch(endpoint)).status).toBe(400);
    }
  });

  it('answers 500 if its clock fails, and keeps running', async () => {
    const times = [new Date('x')];
    let isStarted = false;
    const { endpoint } = await start({
      now: () => {
        const at = isStarted ? times.shift() : NOW;
        if (at === undefined) throw new Error('no clock');
        return at;
      },
    });
    isStarted = true;
    expect((await fetch(endpoint)).status).toBe(500);
    expect((await fetch(endpoint)).status).toBe(500);
  });

  it('accepts an absolute URL as target, as proxies receive it', async () => {
    const lines: string[] = [];
    const { endpoint } = await start({ log: (line) => lines.push(line) });
    const socket = connect(Number(new URL(endpoint).port), '127.0.0.1');
    const target = 'http://localhost/sessions?a=b';
    socket.end(
      `POST ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    );
    await once(socket, 'data');
    expect(lines).toEqual([expect.stringContaining(' POST /sessions 400 ValidationException')]);
  });

  it('survives a client that disconnects during its request', async () => {
    const { endpoint } = await start();
    const socket = connect(Number(new URL(endpoint).port), '127.0.0.1');
    socket.write('POST /sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{');
    await once(socket, 'connect');
    socket.resetAndDestroy();
    expect((await fetch(endpoint, { method: 'POST' })).status).toBe(400);
  });

  it('closes at once, with connections open, and twice', async () => {
    const emulator = await start();
    const response = await fetch(`${emulator.endpoint}/`, { headers: { connection: 'keep-alive' } });
    await response.arrayBuffer();
    const idle = connect(Number(new URL(emulator.endpoint).port), '127.0.0.1');
    await once(idle, 'connect');
    idle.on('error', () => {});
    const before = performance.now();
    await emulator.close();
    await emulator.close();
    expect(performance.now() - before).toBeLessThan(1000);
    await expect(fetch(emulator.endpoint)).rejects.toThrow();
  });

  it('reports that it cannot listen', async () => {
    const { endpoint } = await start();
    const port = Number(new URL(endpoint).port);
    const error = await startEmulator({ port }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OutputError);
    expect(error).toMatchObject({
      code: 'ERR_LISTEN',
      message: `cannot listen on 127.0.0.1 port ${port}: another program listens there`,
    });
  });
});

describe('aws:SourceIp', () => {
  it.each([
    ['127.0.0.0/8', '127.0.0.1', 201],
    ['198.51.100.0/24', '127.0.0.1', 403],
    ['::1/128', '::1', 201],
    // On a dual-stack socket, an IPv4 client is still 127.0.0.1.
    ['127.0.0.1', '::', 201],
  ])('%s, from %s: %i', async (range, host, expected) => {
    const root = makeRoot();
    const trustPolicy = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'rolesanywhere.amazonaws.com' },
          Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
          Condition: { IpAddress: { 'aws:SourceIp': range } },
        },
      ],
    };
    const seed = {
      trustAnchors: [{ name: 'a', certificates: root.pem }],
      roles: [{ name: 'Demo', trustPolicy }],
      profiles: [{ name: 'p', roles: ['Demo'] }],
    };
    const allowHosts = ['rolesanywhere.us-east-1.amazonaws.com'];
    const emulator = await start({ seed, host, allowHosts, now: () => NOW });
    const query = formatQuery(emulator);
    const { headers, body } = signX509(makeCertificate({ issuer: root }), { query, body: '{}' });
    const lines = [
      `POST /sessions?${query} HTTP/1.1`,
      ...headers.map(([name, value]) => `${name}: ${value}`),
      ...[`content-length: ${body.length}`, 'connection: close', '', '{}'],
    ];
    const address = host === '::' ? '127.0.0.1' : host;
    const socket = connect(Number(new URL(emulator.endpoint).port), address);
    socket.write(lines.join('\r\n'));
    let received = '';
    for await (const chunk of socket) received += String(chunk);
    expect(received).toMatch(new RegExp(`^HTTP/1.1 ${expected} `));
  });
});

describe('options', () => {
  const refused: Array<[options: object, code: string, message: string]> = [
    [{ trustAnchor: 'x' }, 'ERR_OPTION_UNKNOWN', 'unknown option "trustAnchor"'],
    [{ rolename: 'x' }, 'ERR_OPTION_UNKNOWN', 'unknown option "rolename", did you mean "roleName"?'],
    [{ port: 65_536 }, 'ERR_OPTION_INVALID', 'port must be a whole number from 0 to 65535, found "65536"'],
    [{ accountId: '1' }, 'ERR_OPTION_INVALID', 'accountId must be twelve digits, found "1"'],
    [{ region: 'mars' }, 'ERR_OPTION_INVALID', 'region must be a region such as us-east-1, found "mars"'],
    [
      { maxDurationSeconds: 899 },
      'ERR_OPTION_INVALID',
      'maxDurationSeconds must be a whole number of seconds from 900 to 43200, found "899"',
    ],
    [{ host: 'a b' }, 'ERR_OPTION_INVALID', 'host must be a host name or address, found "a b"'],
    [{ log: 'stderr' }, 'ERR_OPTION_INVALID', 'log must be a function, found a value of type string'],
    [
      { certificateAuthority: [] },
      'ERR_OPTION_INVALID',
      'certificateAuthority must be PEM text or bytes, an authority, or a list of them, found a value ' +
        'of type object',
    ],
    [
      { certificateAuthority: ['x', Object.create(null)] },
      'ERR_OPTION_INVALID',
      'certificateAuthority must be PEM text or bytes, an authority, or a list of them, found a value ' +
        'of type object',
    ],
  ];
  it.each(refused)('%o', async (options, code, message) => {
    const error = await createEmulator(options as EmulatorOptions).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(OptionError);
    expect(error).toMatchObject({ code, message });
  });

  it('accepts each region that the library accepts', async () => {
    const { trustAnchorArn } = await createEmulator({ region: 'us-gov-east-10' });
    expect(trustAnchorArn).toContain('arn:aws-us-gov:rolesanywhere:us-gov-east-10:');
  });

  it('accepts an authority, PEM bytes, PEM text, and a list of them', async () => {
    const ours = await createAuthority();
    const bytes = new TextEncoder().encode(ours.certificate);
    for (const certificateAuthority of [ours, bytes, ours.certificate, [bytes, ours]]) {
      const service = await createEmulator({ certificateAuthority });
      expect(service.authority).toBeUndefined();
      expectTypeOf(service.authority).toEqualTypeOf<Authority | undefined>();
    }
    expectTypeOf((await createEmulator()).authority).toEqualTypeOf<Authority>();
  });

  const authorities: Array<[name: string, pem: string, code: string, message: string]> = [
    ['no PEM', 'x', 'ERR_PEM_INVALID', 'the certificate authority must be PEM text with CERTIFICATE blocks'],
    [
      'no certificate',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
      'ERR_CERTIFICATE_INVALID',
      'a certificate of the authority cannot be read',
    ],
    [
      'a leaf',
      makeCertificate().pem,
      'ERR_CHAIN_NOT_CA',
      '"CN=host-1" cannot be a trust anchor: basicConstraints: an issuer has CA:TRUE',
    ],
    [
      'no keyUsage',
      makeCertificate({ isAuthority: true, keyUsage: null }).pem,
      'ERR_CERTIFICATE_INVALID',
      '"CN=host-1" cannot be a trust anchor: keyUsage: must include keyCertSign',
    ],
    [
      'SHA-1',
      makeCertificate({ isAuthority: true, hash: 'sha1' }).pem,
      'ERR_CERTIFICATE_INVALID',
      '"CN=host-1" cannot be a trust anchor: signature algorithm: expected RSA, ECDSA or ML-DSA with ' +
        'SHA-256 or ' +
        'stronger, found 1.2.840.10045.4.1',
    ],
  ];
  it.each(authorities)('an authority that is %s', async (_name, pem, code, message) => {
    const error = await createEmulator({ certificateAuthority: [makeRoot().pem, pem] }).catch(
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(IdentityError);
    expect(error).toMatchObject({ code, message });
  });
});
