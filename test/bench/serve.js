/** Measures `serve` under load, compared with a bare server of Node that sends the same bytes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator } from 'rolesanywhere/emulator';
import { cert, node, report, root } from './measure.js';

const COUNT = 1_000_000;
const CONNECTIONS = 16;

/**
 * @param {number | string} port
 * @param {number} count
 * @param {string[]} headers
 * @returns {Promise<{ done: number; perSecond: number; p50: number; p99: number }>}
 */
async function load(port, count, ...headers) {
  const script = join(root, 'test', 'bench', 'load.js');
  const { stdout } = await node(script, `${port}`, '/credentials', `${count}`, `${CONNECTIONS}`, ...headers);
  return JSON.parse(stdout);
}

/** @param {string} body */
async function loadBare(body) {
  const server = createServer((_request, response) => {
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      'Content-Length': body.length,
    });
    response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const result = await load(
    /** @type {import('node:net').AddressInfo} */ (server.address()).port,
    COUNT / 10,
  );
  server.close();
  return result;
}

/** @param {number | undefined} pid */
async function residentMiB(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}

export async function benchServe() {
  const folder = await mkdtemp(join(tmpdir(), 'rolesanywhere-bench-'));
  const emulator = await startEmulator({ certificateAuthority: await readFile(cert('root-ec.pem'), 'utf8') });
  const flags = {
    certificate: cert('ec-p256.pem'),
    'private-key': cert('ec-p256.key.pem'),
    'trust-anchor-arn': emulator.trustAnchorArn,
    'profile-arn': emulator.profileArn,
    'role-arn': emulator.roleArn,
    endpoint: emulator.endpoint,
    port: '0',
    'token-file': join(folder, 'token'),
  };
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  const child = spawn(process.execPath, [join(root, 'dist', 'bin.cjs'), 'serve', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [printed] = await once(child.stdout, 'data');
  const url = new URL(/FULL_URI=(\S+)/.exec(`${printed}`)?.[1] ?? '');
  const authorization = await readFile(flags['token-file'], 'utf8');
  const answer = await fetch(url, { headers: { authorization } });
  const bare = await loadBare(await answer.text());
  // V8 grows its heap at first, whatever the number of requests: the first ones are not counted.
  await load(url.port, COUNT / 10, `Authorization: ${authorization}`);
  const before = await residentMiB(child.pid);
  const served = await load(url.port, COUNT, `Authorization: ${authorization}`);
  const after = await residentMiB(child.pid);
  child.kill();
  await emulator.close();
  await rm(folder, { recursive: true });
  report(
    'serve, container credentials, over bare node:http',
    served.perSecond / bare.perSecond,
    '≥ 0.95',
    `${served.perSecond.toFixed(0)} a second, p99 ${served.p99.toFixed(2)} ms ` +
      `(bare: ${bare.perSecond.toFixed(0)}, ${bare.p99.toFixed(2)} ms)`,
  );
  report(
    `serve, memory after ${served.done.toLocaleString('en')} requests`,
    after / before,
    'none',
    `${after.toFixed(0)} MiB, ${before.toFixed(0)} MiB before`,
  );
}
