import { beforeEach, describe, expect, it } from 'vitest';
import { startingRoutes } from '../../../src/cli/serve/routes.js';
import type { World } from './served.js';
import { makeWorld, NOW, TOKEN } from './served.js';

let world: World;
beforeEach(() => {
  world = makeWorld();
});

const TTL = 'x-aws-ec2-metadata-token-ttl-seconds';
const CREDENTIALS = '/latest/meta-data/iam/security-credentials';

describe('IMDSv2', () => {
  it('issues another token to each client, with its lifetime', () => {
    const { status, body, headers } = world.ask('PUT', '/latest/api/token', {
      [TTL]: '60',
      'content-length': '0',
    });
    expect(status).toBe(200);
    expect(body).toMatch(/^[\w-]{43}$/);
    expect(headers).toEqual({ 'X-aws-ec2-metadata-token-ttl-seconds': '60' });
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
    ['/latest/meta-data/placement/region/', 'eu-west-1'],
    ['/latest/meta-data/instance-id', 'i-0123456789abcdef0'],
    ['/latest/meta-data/local-ipv4/', '10.1.2.3'],
    ['/latest/meta-data/hostname', 'host-1'],
    ['/latest/meta-data/services/domain', 'amazonaws.com'],
    ['/latest/meta-data/services/partition', 'aws'],
    // Index pages, as EC2 has them.
    ['/', 'latest'],
    ['/latest', 'dynamic\nmeta-data'],
    ['/latest/', 'dynamic\nmeta-data'],
    [
      '/latest/meta-data/',
      'hostname\niam/\ninstance-id\ninstance-type\nlocal-hostname\nlocal-ipv4\nplacement/\nservices/',
    ],
    ['/latest/meta-data/iam', 'info\nsecurity-credentials/'],
    ['/latest/meta-data/placement/', 'availability-zone\nregion'],
    ['/latest/dynamic', 'instance-identity/'],
  ])('answers %s with %j', (path, body) => {
    expect(world.ask('GET', path, world.session())).toMatchObject({ status: 200, body });
  });

  it('returns the credentials as EC2 does', () => {
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

  it.each([
    [`${CREDENTIALS}/Demo/`],
    [`${CREDENTIALS}/De%6Do`],
    [`http://127.0.0.1:9911${CREDENTIALS}/Demo`],
  ])('finds the credentials at %s', (path) => {
    expect(world.ask('GET', path, world.session())).toMatchObject({
      status: 200,
      body: expect.stringContaining('"Code":"Success"'),
    });
  });

  it('has an instance profile with the name of the role', () => {
    const { body } = world.ask('GET', '/latest/meta-data/iam/info', world.session());
    expect(JSON.parse(body)).toMatchObject({
      Code: 'Success',
      InstanceProfileArn: 'arn:aws:iam::111122223333:instance-profile/Demo',
    });
  });

  it('states the lifetime of the token in each response', () => {
    const session = world.session();
    world.now = new Date(NOW.getTime() + 600_500);
    for (const path of ['/', CREDENTIALS, `${CREDENTIALS}/Demo`, `${CREDENTIALS}/Other`]) {
      expect(world.ask('GET', path, session).headers).toMatchObject({
        'X-aws-ec2-metadata-token-ttl-seconds': '21000',
      });
    }
  });

  it('states the region in the identity document', () => {
    const { body } = world.ask('GET', '/latest/dynamic/instance-identity/document', world.session());
    expect(JSON.parse(body)).toMatchObject({ region: 'eu-west-1', accountId: '111122223333' });
  });

  it.each([
    `${CREDENTIALS}/Other`,
    `${CREDENTIALS}/De%256Do`,
    `${CREDENTIALS}/%`,
    `${CREDENTIALS}-extended/`,
    '/latest/__proto__',
    '/latest/meta-data/public-keys/',
    '/latest/meta-data//..//',
  ])('has no %s', (path) => {
    expect(world.ask('GET', path, world.session()).status).toBe(404);
  });

  it.each([
    ['no token', undefined, 'missing'],
    ['an empty one', '', 'invalid'],
    ['the one that Fluent Bit shows to find out the version', 'INVALID', 'invalid'],
    ['an invented one', 'A'.repeat(43), 'invalid'],
    ['two', ['a', 'b'], 'missing'],
  ])('answers 401 to %s', (_name, token, reason) => {
    for (const path of ['/', '/latest', '/latest/meta-data/', `${CREDENTIALS}/Demo`]) {
      expect(world.ask('GET', path, { 'x-aws-ec2-metadata-token': token }).status, path).toBe(401);
    }
    expect(world.refusals).toContain(`imds-credentials token-${reason}`);
  });

  it('accepts no token with a changed expiry or nonce, and none of another process', () => {
    const { body } = world.ask('PUT', '/latest/api/token', { [TTL]: '60' });
    const changed = Array.from({ length: 32 }, (_, index) => {
      const bytes = Buffer.from(body, 'base64url');
      bytes[index] = (bytes[index] ?? 0) ^ 1;
      return bytes.toString('base64url');
    });
    const other = makeWorld().ask('PUT', '/latest/api/token', { [TTL]: '60' }).body;
    for (const token of [...changed, other, `${body}=`, body.slice(0, -1)]) {
      expect(world.ask('GET', CREDENTIALS, { 'x-aws-ec2-metadata-token': token }).status).toBe(401);
    }
  });

  it('refuses a token after its lifetime, and after the clock was set back', () => {
    const { body } = world.ask('PUT', '/latest/api/token', { [TTL]: '10' });
    const ask = () => world.ask('GET', CREDENTIALS, { 'x-aws-ec2-metadata-token': body }).status;
    world.now = new Date(NOW.getTime() + 9_999);
    expect(ask()).toBe(200);
    world.now = new Date(NOW.getTime() + 10_000);
    expect(ask()).toBe(401);
    world.now = new Date(NOW.getTime() - 86_400_000);
    expect(ask()).toBe(401);
  });

  it('keeps the token of a client, however many other clients there are', () => {
    const session = world.session();
    for (let count = 0; count < 10_000; count++) world.ask('PUT', '/latest/api/token', { [TTL]: '21600' });
    expect(world.ask('GET', CREDENTIALS, session).status).toBe(200);
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

  it('answers only clients on this machine', () => {
    expect(world.ask('GET', '/', {}, 'network').status).toBe(403);
    expect(world.ask('PUT', '/latest/api/token', { [TTL]: '60' }, 'network').status).toBe(403);
    expect(world.ask('GET', CREDENTIALS, world.session(), 'network').status).toBe(403);
  });

  it('accepts a body in the token request, as EC2 does', () => {
    for (const headers of [{ 'content-length': '2' }, { 'transfer-encoding': 'chunked' }]) {
      expect(world.ask('PUT', '/latest/api/token/', { [TTL]: '60', ...headers }).status).toBe(200);
    }
    expect(world.ask('PUT', '/latest/api/token', { [TTL]: '60', 'content-length': '16385' }).status).toBe(
      413,
    );
    expect(world.ask('GET', '/latest/api/token', { 'content-length': '1' }).status).toBe(413);
    expect(world.ask('PUT', CREDENTIALS, { 'transfer-encoding': 'chunked' }).status).toBe(413);
  });

  it('is off if a token separates the users of the machine', () => {
    world = makeWorld({ hasImds: false });
    for (const path of ['/', '/latest/', '/latest/meta-data/', `${CREDENTIALS}/Demo`]) {
      expect(world.ask('GET', path), path).toMatchObject({
        status: 404,
        body: 'not found: IMDS is off; --imds turns it on\n',
      });
    }
    expect(world.ask('PUT', '/latest/api/token', { [TTL]: '60' }).status).toBe(404);
    expect(world.refusals.at(-1)).toBe('imds-token imds-off');
  });
});

describe('the container endpoint', () => {
  const asks = (path: string, authorization?: string, peer?: 'network' | 'socket') =>
    world.ask('GET', path, { authorization }, peer);

  it.each([
    ['/credentials', 'ASIA-Demo'],
    ['/role/Demo', 'ASIA-Demo'],
    ['/role/Backup', 'ASIA-Backup'],
    ['/role/B%61ckup', 'ASIA-Backup'],
    ['http://localhost:9911/role/Backup', 'ASIA-Backup'],
    ['HTTP://[::1]/credentials?x=/y', 'ASIA-Demo'],
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

  it.each(['', `${TOKEN} `, TOKEN.slice(1), `Bearer ${TOKEN}`])('answers 401 to the token %s', (token) => {
    const { status, body } = asks('/credentials', token);
    expect(status).toBe(401);
    expect(JSON.parse(body)).toEqual({
      Code: 'Unauthorized',
      Message: 'Authorization does not hold the token',
    });
    expect(world.refusals).toEqual(['container authorization-wrong']);
  });

  it('distinguishes a missing token from a wrong one', () => {
    const { status, body } = asks('/credentials');
    expect(status).toBe(401);
    expect(JSON.parse(body)).toEqual({ Code: 'Unauthorized', Message: 'Authorization is missing' });
    expect(world.refusals).toEqual(['container authorization-missing']);
  });

  it('answers other hosts that send the token', () => {
    expect(asks('/credentials', TOKEN, 'network').status).toBe(200);
    expect(asks('/credentials', undefined, 'network').status).toBe(401);
  });

  it('needs no token on the Unix socket, whose permissions protect it', () => {
    expect(asks('/role/Backup', undefined, 'socket').status).toBe(200);
  });

  it('answers 404 if no token is configured', () => {
    world = makeWorld({ containerToken: undefined });
    expect(asks('/credentials', TOKEN).status).toBe(404);
    expect(asks('/credentials', 'undefined').status).toBe(404);
  });

  it.each([
    '/role/',
    '/role',
    '/role/Demo/',
    '/role/Demo/x',
    '/credentials/',
    '/role/a/b/credential-process',
  ])('has no %s', (path) => {
    expect(asks(path, TOKEN).status).toBe(404);
  });

  it.each(['/role/nope', '/role/nope/credential-process', '/role/De%256Do', '/role/%', '/role/__proto__'])(
    'lists the known roles for a client that requests %s with the token',
    (path) => {
      const { status, body, contentType } = asks(path, TOKEN);
      expect({ status, contentType }).toEqual({ status: 404, contentType: 'application/json' });
      expect(JSON.parse(body)).toEqual({
        Code: 'NotFound',
        Message: 'no such role; known: Demo, Backup',
        Roles: ['Demo', 'Backup'],
      });
      expect(asks(path)).toMatchObject({ status: 401, body: expect.not.stringContaining('Demo') });
    },
  );
});

describe('the JSON of credential_process', () => {
  it.each([
    ['/credential-process', 'ASIA-Demo'],
    ['/role/Demo/credential-process', 'ASIA-Demo'],
    ['/role/Backup/credential-process', 'ASIA-Backup'],
  ])('is at %s', (path, accessKeyId) => {
    for (const [headers, peer] of [
      [{}, 'socket'],
      [{ authorization: TOKEN }, 'local'],
    ] as const) {
      const { status, body, contentType } = world.ask('GET', path, headers, peer);
      expect({ status, contentType }).toEqual({ status: 200, contentType: 'application/json' });
      expect(JSON.parse(body)).toEqual({
        Version: 1,
        AccessKeyId: accessKeyId,
        SecretAccessKey: 'the-secret',
        SessionToken: 'the-session-token',
        Expiration: '2026-03-01T13:00:00Z',
        AccountId: '111122223333',
      });
    }
    expect(world.ask('GET', path).status).toBe(401);
  });

  it('is not served over TCP without a container token', () => {
    world = makeWorld({ containerToken: undefined });
    expect(world.ask('GET', '/credential-process').status).toBe(404);
  });
});

describe('without credentials', () => {
  beforeEach(() => {
    world.held.expiration = undefined;
    world.held.errorCode = 'ERR_SERVICE_DENIED';
  });

  it('answers 503, never empty credentials', () => {
    const answers = [
      world.ask('GET', '/latest/meta-data/iam/info', world.session()),
      world.ask('GET', '/credential-process', { authorization: TOKEN }),
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

  it('is unhealthy, and names the role to clients on this machine', () => {
    expect(world.ask('GET', '/healthz', {}, 'network')).toMatchObject({
      status: 503,
      body: '{"status":"unavailable"}',
    });
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

describe('monitoring', () => {
  it('shows other hosts only the status', () => {
    expect(world.ask('GET', '/healthz', {}, 'network')).toMatchObject({
      status: 200,
      body: '{"status":"ok"}',
    });
    expect(world.ask('GET', '/metrics', {}, 'network').status).toBe(403);
    // The container token is not for monitoring.
    expect(world.ask('GET', '/metrics', { authorization: TOKEN }, 'network').status).toBe(403);
  });

  it('needs its own token if one is configured, which gives access to nothing else', () => {
    const metricsToken = 'a-metrics-token-of-more-than-32-letters';
    world = makeWorld({ metricsToken });
    for (const peer of ['local', 'network'] as const) {
      for (const authorization of [metricsToken, `Bearer ${metricsToken}`, `bearer ${metricsToken}`]) {
        expect(world.ask('GET', '/metrics', { authorization }, peer).status).toBe(200);
        expect(world.ask('GET', '/credentials', { authorization }, peer).status).toBe(401);
        expect(world.ask('GET', '/credential-process', { authorization }, peer).status).toBe(401);
      }
      expect(world.ask('GET', '/metrics', {}, peer).status).toBe(401);
      expect(world.ask('GET', '/metrics', { authorization: TOKEN }, peer).status).toBe(401);
    }
    expect(world.ask('GET', '/metrics', {}, 'socket').status).toBe(200);
    expect(new Set(world.refusals)).toContain('metrics authorization-missing');
  });

  it('is healthy', () => {
    const { status, body } = world.ask('GET', '/healthz');
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ status: 'ok' });
  });

  it('counts requests and refreshes', () => {
    world.ask('GET', '/credentials', { authorization: TOKEN });
    world.ask('GET', '/credentials', { authorization: TOKEN });
    world.ask('GET', '/credentials', { host: 'evil.example' });
    const { body, contentType } = world.ask('GET', '/metrics');
    expect(contentType).toBe('text/plain; version=0.0.4');
    expect(body.split('\n')).toEqual(
      expect.arrayContaining([
        '# TYPE rolesanywhere_credentials_expiration_timestamp_seconds gauge',
        'rolesanywhere_credentials_expiration_timestamp_seconds{role="Demo"} 1772370000',
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

describe('before there are roles', () => {
  it('answers 503, and refuses the same requests as later', () => {
    const ask = (target: string, headers = {}) =>
      startingRoutes({ method: 'GET', target, headers: { host: '127.0.0.1', ...headers }, peer: 'local' })
        .status;
    expect(['/healthz', '/credentials', '/latest/', '/'].map((path) => ask(path))).toEqual([
      503, 503, 503, 503,
    ]);
    expect(ask('/credentials', { host: 'evil.example' })).toBe(403);
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
    'http://127.0.0.1',
    'host.docker.internal',
  ])('refuses the host %s', (host) => {
    expect(world.ask('GET', '/healthz', { host }).status).toBe(403);
  });

  it('accepts additional allowed names, in upper or lower case', () => {
    world = makeWorld({ allowedHosts: new Set(['host.docker.internal', 'creds.svc']) });
    const statuses = ['host.docker.internal:9911', 'Host.Docker.INTERNAL', 'creds.svc', 'evil.example'].map(
      (host) => world.ask('GET', '/healthz', { host }).status,
    );
    expect(statuses).toEqual([200, 200, 200, 403]);
  });

  it('checks the host in an absolute request target as it checks Host', () => {
    const ask = (target: string, host = '127.0.0.1') => world.ask('GET', target, { host }).status;
    expect(ask('http://127.0.0.1/healthz')).toBe(200);
    expect(ask('http://evil.example/healthz')).toBe(403);
    expect(ask('http://127.0.0.1@evil.example/healthz')).toBe(403);
    expect(ask('http://evil.example?/healthz')).toBe(403);
    expect(ask('http://127.0.0.1/healthz', 'evil.example')).toBe(403);
    expect(ask('http:///healthz')).toBe(403);
  });

  it('refuses forwarded requests, and bodies', () => {
    const asks = (headers: Record<string, string>, method = 'GET', path = '/credentials') =>
      world.ask(method, path, { authorization: TOKEN, [TTL]: '60', ...headers }).status;
    expect(asks({ 'x-forwarded-for': '10.0.0.1' }, 'PUT', '/latest/api/token')).toBe(400);
    expect(asks({ 'x-forwarded-for': '' })).toBe(400);
    expect(asks({ 'content-length': '1' })).toBe(413);
    expect(asks({ 'transfer-encoding': 'chunked' })).toBe(413);
    expect(world.refusals).toEqual([
      'refused forwarded',
      'refused forwarded',
      'refused body',
      'refused body',
    ]);
  });
});
