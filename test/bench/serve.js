/** Measures `serve` under load, compared with a bare server of Node that sends the same bytes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator } from 'rolesanywhere/emulator';
import { cert, exe, median, node, notMeasured, PEER, report, root } from './measure.js';

const COUNT = 1_000_000;
/** Requests of one turn, and how many turns each server has. */
const [TURN, TURNS] = [50_000, 5];
const CONNECTIONS = 16;

const IMDS_PATH = '/latest/meta-data/iam/security-credentials/Demo';

/** A bare server of Node, in a process of its own as `serve` is. */
const BARE = `
  const body = process.env.BODY;
  const server = require('node:http').createServer((_request, response) => {
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      'Content-Length': body.length,
    });
    response.end(body);
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;

/**
 * @typedef {{ done: number; perSecond: number; p50: number; p99: number }} Load
 * @typedef {readonly [port: number | string, path: string, header: string]} Target
 */

/**
 * @param {Target} target
 * @param {number} count
 * @returns {Promise<Load>}
 */
async function load([port, path, header], count) {
  const script = join(root, 'test', 'bench', 'load.js');
  const { stdout } = await node(script, `${port}`, path, `${count}`, `${CONNECTIONS}`, header);
  return JSON.parse(stdout);
}

/**
 * In turns, so that other load of the machine affects all of them.
 *
 * @template {string} Name
 * @param {Record<Name, Target>} targets
 * @returns {Promise<Record<Name, { perSecond: number; p99: number }>>} medians
 */
async function loadInTurns(targets) {
  const names = /** @type {Name[]} */ (Object.keys(targets));
  const loads = names.map(() => /** @type {Load[]} */ ([]));
  // The first turn warms up, and is not counted.
  for (let turn = 0; turn <= TURNS; turn++) {
    for (const [index, name] of names.entries()) {
      const result = await load(targets[name], TURN);
      if (turn > 0) loads[index]?.push(result);
    }
  }
  const medians = names.map((name, index) => [
    name,
    {
      perSecond: median((loads[index] ?? []).map(({ perSecond }) => perSecond)),
      p99: median((loads[index] ?? []).map(({ p99 }) => p99)),
    },
  ]);
  return Object.fromEntries(medians);
}

/** @param {string} body */
async function startBare(body) {
  const child = spawn(process.execPath, ['-e', BARE], {
    env: { BODY: body },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = await once(child.stdout, 'data');
  return { child, port: `${port}`.trim() };
}

/** @param {number | undefined} pid */
async function residentMiB(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}

/**
 * A running `serve`, and how to ask it.
 *
 * @typedef {object} Served
 * @property {import('node:child_process').ChildProcess} child
 * @property {Target} imds
 */

/**
 * @param {string} origin
 * @returns {Promise<Target>} credentials by IMDSv2
 */
async function imdsTarget(origin) {
  const answer = await fetch(new URL('/latest/api/token', origin), {
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' },
  });
  return [new URL(origin).port, IMDS_PATH, `X-aws-ec2-metadata-token: ${await answer.text()}`];
}

/**
 * @param {readonly string[]} program
 * @param {readonly string[]} args
 * @returns {Promise<Served & { url: URL }>}
 */
async function startServe([command = '', ...first], args) {
  const child = spawn(command, [...first, 'serve', ...args, '--port=0', '--imds'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [printed] = await once(child.stdout, 'data');
  const url = new URL(/FULL_URI=(\S+)/.exec(`${printed}`)?.[1] ?? '');
  return { child, url, imds: await imdsTarget(url.origin) };
}

/**
 * The Go helper prints no port: one that has just been free.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<Served>}
 */
async function startPeerServe(program, args) {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address());
  await new Promise((resolve) => probe.close(resolve));
  const child = spawn(program, ['serve', ...args, `--port=${port}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  await once(child.stderr, 'data');
  return { child, imds: await imdsTarget(`http://127.0.0.1:${port}`) };
}

export async function benchServe() {
  const folder = await mkdtemp(join(tmpdir(), 'rolesanywhere-bench-'));
  const emulator = await startEmulator({ certificateAuthority: await readFile(cert('root-ec.pem'), 'utf8') });
  const { trustAnchorArn, profileArn, roleArn, endpoint } = emulator;
  const args = [
    ...[`--certificate=${cert('ec-p256.pem')}`, `--private-key=${cert('ec-p256.key.pem')}`],
    ...[`--trust-anchor-arn=${trustAnchorArn}`, `--profile-arn=${profileArn}`, `--role-arn=${roleArn}`],
    `--endpoint=${endpoint}`,
  ];
  const tokenFile = join(folder, 'token');
  try {
    await benchNodeServe([...args, `--token-file=${tokenFile}`], tokenFile);
    await benchExeServe(args, tokenFile);
  } finally {
    await emulator.close();
    await rm(folder, { recursive: true });
  }
}

/**
 * @param {readonly string[]} args
 * @param {string} tokenFile
 */
async function benchNodeServe(args, tokenFile) {
  const { child, url, imds } = await startServe([process.execPath, join(root, 'dist', 'bin.cjs')], args);
  const authorization = await readFile(tokenFile, 'utf8');
  const answer = await fetch(url, { headers: { authorization } });
  const bare = await startBare(await answer.text());
  /** @type {Target} */
  const container = [url.port, '/credentials', `Authorization: ${authorization}`];
  const rates = await loadInTurns({
    bare: [bare.port, '/credentials', `Authorization: ${authorization}`],
    container,
    imds,
  });
  bare.child.kill();
  const before = await residentMiB(child.pid);
  const served = await load(container, COUNT);
  const after = await residentMiB(child.pid);
  child.kill();
  for (const [name, what] of /** @type {const} */ ([
    ['container', 'container credentials'],
    ['imds', 'IMDSv2 credentials'],
  ])) {
    const { perSecond, p99 } = rates[name];
    report(
      `serve, ${what}, over bare node:http`,
      perSecond / rates.bare.perSecond,
      '≥ 0.95',
      `${perSecond.toFixed(0)} a second, p99 ${p99.toFixed(2)} ms ` +
        `(bare: ${rates.bare.perSecond.toFixed(0)}, ${rates.bare.p99.toFixed(2)} ms)`,
    );
  }
  report(
    `serve, memory after ${served.done.toLocaleString('en')} requests`,
    after / before,
    '≤ 100 MiB',
    `${after.toFixed(0)} MiB, ${before.toFixed(0)} MiB before`,
  );
}

/**
 * @param {readonly string[]} args
 * @param {string} tokenFile
 */
async function benchExeServe(args, tokenFile) {
  const what = "one file, serve, IMDSv2 credentials, over the Go helper's";
  if (exe === undefined || PEER === undefined) {
    notMeasured(what, exe === undefined ? 'npm run build:exe has not been run' : 'PEER is not set');
    return;
  }
  const ours = await startServe([exe], [...args, `--token-file=${tokenFile}`]);
  const peer = await startPeerServe(PEER, args);
  const rates = await loadInTurns({ ours: ours.imds, peer: peer.imds });
  for (const { child } of [ours, peer]) child.kill();
  const [own, other] = [rates.ours, rates.peer];
  report(
    what,
    own.perSecond / other.perSecond,
    '≥ 1',
    `${own.perSecond.toFixed(0)} and ${other.perSecond.toFixed(0)} a second, ` +
      `p99 ${own.p99.toFixed(2)} and ${other.p99.toFixed(2)} ms`,
  );
}
