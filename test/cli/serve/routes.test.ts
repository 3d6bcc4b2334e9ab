import { beforeEach, describe, expect, it } from 'vitest';
import type { World } from './served.js';
import { makeWorld, NOW, TOKEN } from './served.js';

let world: World;
beforeEach(() => {
  world = makeWorld();
});

const TTL = 'x-aws-ec2-metadata-token-ttl-seconds';
const CREDENTIALS = '/latest/meta-data/iam/security-credentials';

describe('IMDSv2', () => {
  it('issues a token of 256 bits, with its lifetime', () => {
    const { status, body, headers } = world.ask('PUT', '/latest/api/token', {
      [TTL]: '60',
      'content-length': '0',
    });
    expect(status).toBe(200);
    expect(Buffer.from(body, 'base64url')).toHaveLength(32);
    expect(headers).toEqual({ [TTL]: '60' });
    expect(world.ask('PUT', '/latest/api/token', { [TTL]: '60' }).body).not.toBe(body);
  });

  it.each(['0', '21601', '-1', '1.5', '', 'abc', '99999999999', undefined])(
    'refuses a lifetime of %s',
    (ttl) => {
      expect(world.ask('PUT', '/latest/api/token', { [TTL]: ttl }).status).toBe(400);
    },
  );

  it.each([
    [CREDENTIALS, 'Demo'],
    [`${CREDENTIALS}/`, 'Demo'],
    [`/${CREDENTIALS}//?a=b`, 'Demo'],
    ['/latest/meta-data/placement/region', 'eu-west-1'],
    ['/latest/meta-data/placement/availability-zone', 'eu-west-1a'],
    ['/latest/meta-data/placement/availability-zone/', 'eu-west-1a'],
  ])('answers %s with %s', (path, body) => {
    expect(world.ask('GET', path, world.session())).toMatchObject({ status: 200, body });
  });

  it('hands out the credentials as EC2 does', () => {
    const { status, body } = world.ask('GET', `${CREDENTIALS}/Demo`, world.session());
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({
      Code: 'Success',
      LastUpdated: '2026-03-01T12:00:00Z',
      Type: 'AWS-HMAC',
      AccessKeyId: 'ASIA-Demo',
      SecretAccessKey: 'the-secret',
      Token: 'the-session-token',
      Expiration: '2026-03-01T13:00:00Z',
      AccountId: '111122223333',
    });
  });

  it('tells the region in the identity document', () => {
    const { body } = world.ask('GET', '/latest/dynamic/instance-identity/document', world.session());
    expect(JSON.parse(body)).toMatchObject({ region: 'eu-west-1', accountId: '111122223333' });
  });

  it.each([
    `${CREDENTIALS}/Other`,
    `${CREDENTIALS}-extended/`,
    '/latest/',
    '/latest/meta-data/',
    '/latest/__proto__',
  ])('has no %s', (path) => {
    expect(world.ask('GET', path, world.session()).status).toBe(404);
  });

  it.each([
    ['no token', undefined],
    ['an empty one', ''],
    ['one of somebody else', 'A'.repeat(43)],
    ['two', ['a', 'b']],
  ])('answers 401 for %s', (_name, token) => {
    expect(world.ask('GET', `${CREDENTIALS}/Demo`, { 'x-aws-ec2-metadata-token': token }).status).toBe(401);
  });

  it('ends a token when its time is over', () => {
    const { body } = world.ask('PUT', '/latest/api/token', { [TTL]: '10' });
    const ask = () => world.ask('GET', CREDENTIALS, { 'x-aws-ec2-metadata-token': body }).status;
    world.now = new Date(NOW.getTime() + 9_999);
    expect(ask()).toBe(200);
    world.now = new Date(NOW.getTime() + 10_000);
    expect(ask()).toBe(401);
  });

  it('keeps 256 tokens, and lets the oldest go', () => {
    const sessions = Array.from({ length: 257 }, () => world.session());
    const statuses = sessions.map((session) => world.ask('GET', CREDENTIALS, session).status);
    expect(statuses.slice(0, 2)).toEqual([401, 200]);
    expect(new Set(statuses.slice(1))).toEqual(new Set([200]));
  });

  it.each([
    ['GET', '/latest/api/token', 'PUT'],
    ['POST', CREDENTIALS, 'GET'],
    ['PUT', `${CREDENTIALS}/Demo`, 'GET'],
    ['HEAD', CREDENTIALS, 'GET'],
  ])('answers 405 to %s %s', (method, path, allowed) => {
    expect(world.ask(method, path, world.session())).toMatchObject({
      status: 405,
      headers: { Allow: allowed },
    });
  });

  it('is for this machine alone', () => {
    expect(world.ask('PUT', '/latest/api/token', { [TTL]: '60' }, 'network').status).toBe(403);
    expect(world.ask('GET', CREDENTIALS, world.session(), 'network').status).toBe(403);
  });
});

describe('the container endpoint', () => {
  const asks = (path: string, authorization?: string, peer?: 'network' | 'socket') =>
    world.ask('GET', path, { authorization }, peer);

  it.each([
    ['/credentials', 'ASIA-Demo'],
    ['/role/Demo', 'ASIA-Demo'],
    ['/role/Backup', 'ASIA-Backup'],
  ])('answers %s with the credentials of %s', (path, accessKeyId) => {
    const { status, body } = asks(path, TOKEN);
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({
      AccessKeyId: accessKeyId,
      SecretAccessKey: 'the-secret',
      Token: 'the-session-token',
      Expiration: '2026-03-01T13:00:00Z',
      AccountId: '111122223333',
    });
  });

  it.each([undefined, '', `${TOKEN} `, TOKEN.slice(1), `Bearer ${TOKEN}`])(
    'answers 401 to the token %s',
    (token) => {
      expect(asks('/credentials', token).status).toBe(401);
    },
  );

  it('answers other hosts that show the token', () => {
    expect(asks('/credentials', TOKEN, 'network').status).toBe(200);
    expect(asks('/credentials', undefined, 'network').status).toBe(401);
  });

  it('asks for no token behind the permissions of the Unix socket', () => {
    expect(asks('/role/Backup', undefined, 'socket').status).toBe(200);
  });

  it('is not there without a token', () => {
    world = makeWorld(null);
    expect(asks('/credentials', TOKEN).status).toBe(404);
    expect(asks('/credentials', 'undefined').status).toBe(404);
  });

  it.each(['/', '/role/', '/role/Other', '/role/Demo/', '/credentials/'])('has no %s', (path) => {
    expect(asks(path, TOKEN).status).toBe(404);
  });
});

describe('without credentials', () => {
  beforeEach(() => {
    world.held.expiration = undefined;
    world.held.errorCode = 'ERR_SERVICE_DENIED';
  });

  it('fails, and never hands out empty ones', () => {
    const answers = [
      world.ask('GET', `${CREDENTIALS}/Demo`, world.session()),
      world.ask('GET', '/credentials', { authorization: TOKEN }),
    ];
    for (const { status, body } of answers) {
      expect(status).toBe(503);
      expect(JSON.parse(body)).toEqual({
        Code: 'Unavailable',
        Message: 'no valid credentials: ERR_SERVICE_DENIED',
      });
    }
  });

  it('is unhealthy, and says of which role', () => {
    const { status, body } = world.ask('GET', '/healthz');
    expect(status).toBe(503);
    expect(JSON.parse(body)).toEqual({
      status: 'unavailable',
      roles: [
        { name: 'Demo', ready: false, error: 'ERR_SERVICE_DENIED' },
        { name: 'Backup', ready: true, expiration: '2026-03-01T13:00:00Z' },
      ],
    });
  });
});

describe('what watchers read', () => {
  it('is healthy', () => {
    const { status, body } = world.ask('GET', '/healthz');
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ status: 'ok' });
  });

  it('counts', () => {
    world.ask('GET', '/credentials', { authorization: TOKEN });
    world.ask('GET', '/credentials', { authorization: TOKEN });
    world.ask('GET', '/credentials', { host: 'evil.example' });
    const { body, contentType } = world.ask('GET', '/metrics');
    expect(contentType).toBe('text/plain; version=0.0.4');
    expect(body.split('\n')).toEqual(
      expect.arrayContaining([
        '# TYPE rolesanywhere_credentials_expiration_timestamp_seconds gauge',
        `rolesanywhere_credentials_expiration_timestamp_seconds{role="Demo"} ${Date.UTC(2026, 2, 1, 13) / 1000}`,
        'rolesanywhere_refreshes_total{role="Backup"} 3',
        'rolesanywhere_refresh_failures_total{role="Demo"} 1',
        'rolesanywhere_requests_total{route="container",status="200"} 2',
        'rolesanywhere_requests_total{route="refused",status="403"} 1',
      ]),
    );
    expect(body.endsWith('\n')).toBe(true);
    expect(body).not.toMatch(/secret|ASIA|session-token/);
  });
});

describe('the guard', () => {
  it.each([
    '127.0.0.1',
    '127.0.0.1:9911',
    'localhost:9911',
    'LOCALHOST',
    '[::1]:9911',
    '[::1]',
    '169.254.170.2',
    '10.1.2.3:80',
  ])('lets the host %s pass', (host) => {
    expect(world.ask('GET', '/healthz', { host }).status).toBe(200);
  });

  it.each([
    'evil.example',
    'evil.example:9911',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '',
    undefined,
    '[::1',
    '[evil]:1',
    '127.0.0.1:a',
    '@127.0.0.1',
    'localhost:9911, evil.example',
  ])('refuses the host %s', (host) => {
    expect(world.ask('GET', '/healthz', { host }).status).toBe(403);
  });

  it('refuses what a proxy forwards, and bodies', () => {
    expect(world.ask('PUT', '/latest/api/token', { [TTL]: '60', 'x-forwarded-for': '10.0.0.1' }).status).toBe(
      400,
    );
    expect(world.ask('GET', '/credentials', { authorization: TOKEN, 'x-forwarded-for': '' }).status).toBe(
      400,
    );
    expect(world.ask('PUT', '/latest/api/token', { [TTL]: '60', 'content-length': '1' }).status).toBe(413);
    expect(
      world.ask('PUT', '/latest/api/token', { [TTL]: '60', 'transfer-encoding': 'chunked' }).status,
    ).toBe(413);
  });
});
