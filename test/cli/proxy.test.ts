/** The built program behind a company's proxy. `session/proxy.test.ts` tests proxies in detail. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startFakeService, lastingSuccess as success } from '../fake-service.js';
import { HOST, SERVICE_CA, SERVICE_TLS, startProxy } from '../forward-proxy.js';
import { credentialProcess, report, runProgram } from '../program.js';

const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
const AWS_CA_BUNDLE = join(folder, 'ca.pem');
beforeAll(() => writeFileSync(AWS_CA_BUNDLE, SERVICE_CA));
afterAll(() => rmSync(folder, { recursive: true }));

const ARGS = credentialProcess({ endpoint: `https://${HOST}` });

it('reaches the service through a proxy that requires a password', async () => {
  const service = await startFakeService([success], { tls: SERVICE_TLS });
  const proxy = await startProxy(service, 'pass word');
  const env = { AWS_CA_BUNDLE, HTTPS_PROXY: `http://user:pass%20word@127.0.0.1:${proxy.port}` };
  const { status, stdout, stderr } = await runProgram(ARGS, { env });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ Version: 1 });
  expect(proxy.asked).toEqual([`${HOST}:443`]);
});

it('reports that the proxy requires a password, and does not try a wrong one again', async () => {
  const service = await startFakeService([], { tls: SERVICE_TLS });
  const proxy = await startProxy(service, 'right');
  const env = { AWS_CA_BUNDLE, HTTPS_PROXY: `http://user:canary@127.0.0.1:${proxy.port}` };
  expect(await runProgram(ARGS, { env })).toEqual({
    status: 4,
    stdout: '',
    stderr: report(
      `the proxy refuses to connect to https://${HOST}: status 407`,
      'ERR_PROXY',
      'the proxy requires a user name and a password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT, ' +
        'special characters percent-encoded',
    ),
  });
  expect(proxy.asked).toHaveLength(1);
});
