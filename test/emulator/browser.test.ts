/**
 * A real browser visits a hostile page: neither requests to 127.0.0.1 nor a rebound host name change the
 * account. Left out where `chromium` is not installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Emulator } from '../../src/emulator.js';
import { startEmulator } from '../../src/emulator.js';

const hasChromium = spawnSync('chromium', ['--version'], { stdio: 'ignore' }).status === 0;

/** A hostile page's server: serves the page, and resolves `reported` with the query of `/done?…`. */
async function serve(page: (origin: string) => string, port = 0) {
  let report: (query: string) => void = () => undefined;
  const reported = new Promise<string>((resolve) => {
    report = resolve;
  });
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://a');
    response.setHeader('Content-Type', 'text/html');
    if (pathname === '/done') report(decodeURIComponent(search.slice(1)));
    response.end(pathname === '/' ? page(`http://127.0.0.1:${portOf(server)}`) : '');
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void close(server));
  return { port: portOf(server), reported, close: () => close(server) };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

/** Opens the URL in a browser without a history; `attacker.test` is 127.0.0.1 there. */
function visit(url: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-browser-'));
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const browser = spawn(
    'chromium',
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', ...quiet],
      ...['--no-proxy-server', `--user-data-dir=${folder}`],
      ...['--host-resolver-rules=MAP attacker.test 127.0.0.1', '--remote-debugging-port=0', url],
    ],
    { stdio: 'ignore', detached: true },
  );
  onTestFinished(async () => {
    const ended = once(browser, 'exit');
    // The browser starts processes of its own: they share its process group.
    if (browser.pid !== undefined && browser.exitCode === null) process.kill(-browser.pid, 'SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
}

/** The request of an administrator's client that makes a role: any access key works, with any signature. */
function createRole(endpoint: string, name: string) {
  const timestamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const credential = `AKIAEXAMPLE/${timestamp.slice(0, 8)}/us-east-1/iam/aws4_request`;
  const signature = new URLSearchParams({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': credential,
    'X-Amz-Date': timestamp,
    'X-Amz-SignedHeaders': 'host',
    'X-Amz-Signature': '00',
  }).toString();
  const statement = { Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' };
  const body = new URLSearchParams({
    Action: 'CreateRole',
    Version: '2010-05-08',
    RoleName: name,
    AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
  }).toString();
  return { post: `${endpoint}/?${signature}`, get: `${endpoint}/?${body}&${signature}`, body };
}

async function start(lines: string[], port = 0): Promise<Emulator> {
  const emulator = await startEmulator({ port, log: (line) => lines.push(line) });
  onTestFinished(() => emulator.close());
  return emulator;
}

describe.skipIf(!hasChromium)('a hostile page in a browser', { timeout: 90_000 }, () => {
  it('cannot change the account with requests to 127.0.0.1', async () => {
    const lines: string[] = [];
    const emulator = await start(lines);
    const { post, get, body } = createRole(emulator.endpoint, 'Web');
    const presigned = createRole(emulator.endpoint, 'Image').get;
    const page = await serve(
      (origin) => `<img src="${presigned}"><script>
        const names = [];
        const attempt = (name, url, init) =>
          fetch(url, init).then(() => names.push(name), () => names.push(name + ' failed'));
        const [url, body] = [${JSON.stringify(post)}, ${JSON.stringify(body)}];
        const text = { 'content-type': 'text/plain' };
        (async () => {
          await attempt('post', url, { method: 'POST', mode: 'no-cors', headers: text, body });
          await attempt('get', ${JSON.stringify(get)}, { mode: 'no-cors' });
          await attempt('cors', url, { method: 'POST', headers: text, body });
          const faults = '${emulator.endpoint}/_emulator/faults';
          await attempt('faults', faults, { method: 'PUT', body: 'error=503' });
          await fetch('${origin}/done?' + encodeURIComponent(names));
        })();
      </script>`,
    );
    visit(`http://127.0.0.1:${page.port}/`);
    expect(await page.reported).toBe('post,get,cors failed,faults failed');
    expect(lines.length).toBeGreaterThanOrEqual(5);
    for (const line of lines) expect(line).toMatch(/ 403 AccessDeniedException: .*a web page/);
    // Control: the same request from a client that is not a browser makes the role.
    expect((await fetch(post, { method: 'POST', body })).status).toBe(200);
  });

  it('cannot change the account under a name that was rebound to 127.0.0.1', async () => {
    const lines: string[] = [];
    let request = '';
    const reports = await serve(() => '');
    const page = await serve(() =>
      `<script>
        const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
        (async () => {
          await fetch('/done?loaded');
          for (;;) {
            const answer = await fetch('/nowhere?' + Math.random()).catch(() => undefined);
            // The page's own server answers 200 to all paths: another status comes from the emulator.
            if (answer !== undefined && answer.status !== 200) {
              const { pathname, search } = new URL(${JSON.stringify('REQUEST')}, location.href);
              await fetch(pathname + search);
              await fetch('http://127.0.0.1:${reports.port}/done?' + answer.status, { mode: 'no-cors' });
              return;
            }
            await pause();
          }
        })();
      </script>`.replace('REQUEST', request),
    );
    request = createRole(`http://attacker.test:${page.port}`, 'Rebound').get;
    visit(`http://attacker.test:${page.port}/`);
    expect(await page.reported).toBe('loaded');
    await page.close();
    await start(lines, page.port);
    expect(await reports.reported).toBe('403');
    await expect.poll(() => lines.length).toBeGreaterThanOrEqual(2);
    for (const line of lines) expect(line).toContain(`found attacker.test:${page.port}`);
  });
});
