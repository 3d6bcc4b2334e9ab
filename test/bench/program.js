/** The program as other programs start it: cold, over TLS, out of the cache, far away, and through `serve`. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startEmulator } from 'rolesanywhere/emulator';
import { startDelay } from './delay.js';
import { cert, exe, inTurns, node, notMeasured, PEER, report, root, run } from './measure.js';

/** @typedef {import('rolesanywhere/emulator').Emulator} Emulator */

const PROGRAM = [process.execPath, join(root, 'dist', 'bin.cjs')];
const ONE_WAY_MS = 25;

/**
 * @param {Emulator} emulator
 * @param {string} [endpoint]
 */
function flagsFor({ trustAnchorArn, profileArn, roleArn, ...emulator }, endpoint = emulator.endpoint) {
  return [
    ...['--certificate', cert('ec-p256.pem'), '--private-key', cert('ec-p256.key.pem')],
    ...['--trust-anchor-arn', trustAnchorArn, '--profile-arn', profileArn, '--role-arn', roleArn],
    ...['--endpoint', endpoint],
  ];
}

/** @param {number} ms */
const text = (ms) => `${ms.toFixed(0)} ms`;

export async function benchProgram() {
  const folder = await mkdtemp(join(tmpdir(), 'rolesanywhere-bench-'));
  const certificateAuthority = await readFile(cert('root-ec.pem'), 'utf8');
  const plain = await startEmulator({ certificateAuthority });
  const tls = await startEmulator({ certificateAuthority, tls: true });
  const bundle = join(folder, 'ca.pem');
  await writeFile(bundle, tls.caBundle ?? '');
  const delay = await startDelay(Number(new URL(tls.endpoint).port), ONE_WAY_MS);
  const place = {
    plain: flagsFor(plain),
    tls: [...flagsFor(tls), '--ca-bundle', bundle],
    far: [...flagsFor(tls, `https://127.0.0.1:${delay.port}`), '--ca-bundle', bundle],
    cache: { XDG_RUNTIME_DIR: folder },
    bundle,
  };
  try {
    const { peer } = await benchNode(place);
    await benchExe(place);
    await benchFar(place);
    await benchCurl(place, folder, peer);
  } finally {
    delay.close();
    await Promise.all([plain.close(), tls.close()]);
    await rm(folder, { recursive: true });
  }
}

/**
 * @typedef {object} Place
 * @property {string[]} plain flags for http on loopback
 * @property {string[]} tls
 * @property {string[]} far through the delaying proxy
 * @property {Record<string, string>} cache
 * @property {string} bundle
 */

/**
 * The arguments of the Go helper; its CAs for TLS come from the environment.
 *
 * @param {string[]} flags
 * @param {string} bundle
 */
function startPeer(flags, bundle) {
  const own = flags.slice(0, flags.indexOf('--endpoint') + 2);
  return run([PEER ?? '', 'credential-process', ...own], { SSL_CERT_FILE: bundle });
}

/** @param {Place} place */
async function benchNode({ plain, tls, cache, bundle }) {
  const command = [...PROGRAM, 'credential-process'];
  const times = await inTurns({
    empty: () => node('-e', '0'),
    cold: () => run([...command, ...plain]),
    tls: () => run([...command, ...tls]),
    cached: () => run([...command, ...plain, '--cache'], cache),
    peer: PEER === undefined ? undefined : () => startPeer(plain, bundle),
  });
  const over = (
    /** @type {'cold' | 'tls' | 'cached'} */ name,
    /** @type {string} */ what,
    /** @type {string} */ aim,
  ) => report(what, times[name] / times.empty, aim, `${text(times[name])} and ${text(times.empty)}`);
  over('cold', 'credential-process, cold, over node -e 0', '≤ 2.5');
  over('tls', 'the same over TLS with --ca-bundle', '≤ 3.7 (20), 2.8');
  over('cached', 'credential-process out of the cache, over node -e 0', '≤ 1.9');
  if (PEER === undefined) notMeasured('the Go helper, cold', 'PEER is not set');
  else
    report('credential-process, cold, over the Go helper', times.cold / times.peer, 'none', text(times.peer));
  return times;
}

/** @param {Place} place */
async function benchExe({ plain, tls, cache, bundle }) {
  const rows = {
    cold: ["one file, cold, over the Go helper's cold start", '≤ 2.4'],
    tls: ["one file, cold, TLS, over the Go helper's, TLS", '≤ 2.1'],
    cached: ["one file, out of the cache, over the Go helper's cold start", '≤ 1.4'],
  };
  if (exe === undefined || PEER === undefined) {
    const reason = exe === undefined ? 'npm run build:exe has not been run' : 'PEER is not set';
    for (const [row = ''] of Object.values(rows)) notMeasured(row, reason);
    return;
  }
  const command = [exe, 'credential-process'];
  const times = await inTurns({
    cold: () => run([...command, ...plain]),
    tls: () => run([...command, ...tls]),
    cached: () => run([...command, ...plain, '--cache'], cache),
    peer: () => startPeer(plain, bundle),
    peerTls: () => startPeer(tls, bundle),
  });
  for (const name of /** @type {const} */ (['cold', 'tls', 'cached'])) {
    const [row = '', aim = ''] = rows[name];
    const reference = name === 'tls' ? times.peerTls : times.peer;
    report(row, times[name] / reference, aim, `${text(times[name])} and ${text(reference)}`);
  }
}

/** @param {Place} place */
async function benchFar({ far, cache, bundle }) {
  const command = [...PROGRAM, 'credential-process'];
  const times = await inTurns({
    cold: () => run([...command, ...far]),
    cached: () => run([...command, ...far, '--cache'], cache),
    peer: PEER === undefined ? undefined : () => startPeer(far, bundle),
  });
  const over = (/** @type {number} */ ms, /** @type {string} */ row, /** @type {string} */ aim) => {
    const what = `${row}, over the Go helper's cold start`;
    if (PEER === undefined) notMeasured(what, `PEER is not set (${text(ms)} here)`);
    else report(what, ms / times.peer, aim, `${text(ms)} and ${text(times.peer)}`);
  };
  over(times.cold, `${2 * ONE_WAY_MS} ms away, TLS, cold`, '≤ 1.25');
  over(times.cached, `${2 * ONE_WAY_MS} ms away, TLS, cached`, '≤ 0.25');
}

/**
 * Credentials through a running `serve` and curl, which start no Node.
 *
 * @param {Place} place
 * @param {string} folder
 * @param {number} reference
 */
async function benchCurl({ plain }, folder, reference) {
  const what = "curl to serve --socket, over the Go helper's cold start";
  const socket = join(folder, 'sock');
  const server = spawn(PROGRAM[0] ?? '', [PROGRAM[1] ?? '', 'serve', ...plain, '--socket', socket], {
    stdio: 'ignore',
  });
  const ask = () => run(['curl', '-sf', '--unix-socket', socket, 'http://localhost/credential-process']);
  try {
    for (let tries = 0; tries < 50 && !(await ask().then(Boolean, () => false)); tries++) await pause(100);
    const { curl } = await inTurns({ curl: ask });
    if (PEER === undefined) notMeasured(what, `PEER is not set (${text(curl)} here)`);
    else report(what, curl / reference, '≤ 0.8', `${text(curl)} and ${text(reference)}`);
  } catch {
    notMeasured(what, 'serve does not answer /credential-process, or there is no curl');
  } finally {
    server.kill();
  }
}
