import { describe, expect, it } from 'vitest';
import { createSessionRequest } from '../../src/session/request.js';
import { parseSettings } from '../../src/session/settings.js';
import { VERSION } from '../../src/session/version.js';
import { ARNS } from '../fake-service.js';

function request(options: object = {}) {
  return createSessionRequest(parseSettings({ ...ARNS, ...options }, { hasIdentity: true }));
}

describe('the request of CreateSession', () => {
  it('is exactly this', () => {
    expect(request()).toEqual({
      method: 'POST',
      protocol: 'https:',
      hostname: 'rolesanywhere.us-east-1.amazonaws.com',
      path: '/sessions',
      query: {
        profileArn: 'arn:aws:rolesanywhere:us-east-1:123456789012:profile/profile',
        roleArn: 'arn:aws:iam::123456789012:role/Demo',
        trustAnchorArn: 'arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/anchor',
      },
      headers: { 'content-type': 'application/json', 'user-agent': `rolesanywhere/${VERSION} (nodejs)` },
      body: '{"durationSeconds":3600}',
    });
  });

  it.each([
    [{ durationSeconds: 900 }, '{"durationSeconds":900}'],
    [{ durationSeconds: '43200' }, '{"durationSeconds":43200}'],
    [{ roleSessionName: 'build@host' }, '{"durationSeconds":3600,"roleSessionName":"build@host"}'],
    [
      { instanceProperties: { rack: '7', host: 'a "b"' } },
      '{"durationSeconds":3600,"instanceProperties":{"rack":"7","host":"a \\"b\\""}}',
    ],
  ])('for %j has the body %s', (options, body) => {
    expect(request(options).body).toBe(body);
  });

  it.each([
    ['https://example.test', { protocol: 'https:', hostname: 'example.test', path: '/sessions' }],
    ['https://example.test/', { hostname: 'example.test', path: '/sessions' }],
    ['https://example.test:443', { hostname: 'example.test', path: '/sessions' }],
    ['https://example.test:8443/', { hostname: 'example.test', port: 8443, path: '/sessions' }],
    ['https://example.test/prefix', { path: '/prefix/sessions' }],
    ['https://example.test/a/b///', { path: '/a/b/sessions' }],
    ['http://[::1]:8080', { protocol: 'http:', hostname: '[::1]', port: 8080, path: '/sessions' }],
  ])('for the endpoint %s goes to %j', (endpoint, expected) => {
    const { protocol, hostname, port, path } = request({ endpoint });
    expect({ protocol, hostname, port, path }).toMatchObject(expected);
    expect(port).toBe('port' in expected ? expected.port : undefined);
  });

  it('leaves options that are not given out of the body', () => {
    const { endpoint } = parseSettings(ARNS, { hasIdentity: true });
    expect(createSessionRequest({ ...ARNS, endpoint }).body).toBe('{}');
  });
});
