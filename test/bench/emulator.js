/**
 * Measures the emulator under load: CreateSession over its socket, compared with `crypto.verify`, and its
 * memory.
 */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Agent, request as httpRequest } from 'node:http';
import { createSessionRequest, loadIdentity, signRequest } from 'rolesanywhere';
import { createEmulator, startEmulator } from 'rolesanywhere/emulator';
import { cert, median, node, report } from './measure.js';

const CONNECTIONS = 8;
const SESSIONS = 100_000;

function authorities() {
  return Promise.all(['root-ec.pem', 'root-rsa.pem'].map((file) => readFile(cert(file), 'utf8')));
}

/**
 * Signs one request that is sent again and again, which leaves out the cost of signing. Neither AWS nor the
 * emulator refuses that within five minutes.
 *
 * @param {string} name
 * @param {Pick<import('rolesanywhere/emulator').Emulator, 'trustAnchorArn' | 'profileArn' | 'roleArn'>} arns
 * @param {URL} endpoint
 * @param {Date} date
 */
async function signSession(name, { trustAnchorArn, profileArn, roleArn }, endpoint, date) {
  const identity = await loadIdentity({
    certificate: cert(`${name}.pem`),
    privateKey: cert(`${name}.key.pem`),
  });
  const request = createSessionRequest({ endpoint, trustAnchorArn, profileArn, roleArn });
  const { headers } = await signRequest(request, identity, { region: 'us-east-1', date });
  const query = Object.entries(request.query).map((pair) => pair.map(encodeURIComponent).join('='));
  return { headers, query: query.join('&'), body: request.body };
}

/**
 * Calls for half a second and returns the calls in a second of processor time: a server waits for its
 * clients, and other programs of the machine take their share.
 *
 * @param {() => unknown} call
 */
async function processorRate(call) {
  const [start, used] = [performance.now(), process.cpuUsage()];
  let calls = 0;
  for (; performance.now() - start < 500; calls++) await call();
  const { user, system } = process.cpuUsage(used);
  return (calls * 1_000_000) / (user + system);
}

/** @param {string} name */
async function benchSessions(name) {
  const emulator = await startEmulator({ certificateAuthority: await authorities() });
  const endpoint = new URL(emulator.endpoint);
  const { headers, query, body } = await signSession(name, emulator, endpoint, new Date());
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const ask = () =>
    new Promise((resolve, reject) => {
      const options = { method: 'POST', path: `/sessions?${query}`, headers, agent };
      const sent = httpRequest(endpoint, options, (answer) => {
        if (answer.statusCode !== 201) reject(new Error(`status ${answer.statusCode}`));
        answer.resume().on('end', resolve);
      });
      sent.on('error', reject).end(body);
    });
  const askAll = () => Promise.all(Array.from({ length: CONNECTIONS }, ask));
  const key = createPrivateKey(await readFile(cert(`${name}.key.pem`)));
  const data = Buffer.alloc(150, 'a');
  const [publicKey, signature] = [createPublicKey(key), sign('sha256', data, key)];
  const bare = () => verify('sha256', data, publicKey, signature);
  // In turns, so that other load of the machine affects both.
  /** @type {number[]} */
  const ratios = [];
  /** @type {number[]} */
  const rates = [];
  for (let turn = 0; turn < 10; turn++) {
    const [bareRate, ourRate] = [await processorRate(bare), CONNECTIONS * (await processorRate(askAll))];
    if (turn > 2) {
      ratios.push(ourRate / bareRate);
      rates.push(ourRate);
    }
  }
  agent.destroy();
  await emulator.close();
  report(
    `emulated CreateSession over crypto.verify, ${name}`,
    median(ratios),
    'none',
    `${median(rates).toFixed(0)} in a second of processor time, sending included, signing not`,
  );
}

/** Runs in a process of its own, without a socket, and prints the heap and the resident memory in MB. */
async function measureMemory() {
  let now = new Date();
  const emulator = await createEmulator({ certificateAuthority: await authorities(), now: () => now });
  /** @param {number} count */
  const ask = async (count) => {
    const { headers, query, body } = await signSession('ec-p256', emulator, new URL('http://127.0.0.1'), now);
    const sent = Object.entries(headers).map(
      ([name, value]) => /** @type {const} */ ([name.toLowerCase(), value]),
    );
    const path = { method: 'POST', rawPath: '/sessions', rawQuery: query };
    for (let done = 0; done < count; done++) {
      const { status } = await emulator.handle({ ...path, headers: sent, body: Buffer.from(body) });
      if (status !== 201) throw new Error(`status ${status}`);
    }
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    console.log(`${(heapUsed / 1e6).toFixed(0)} ${(rss / 1e6).toFixed(0)}`);
  };
  await ask(1000);
  // In parts, since a signature is valid for five minutes.
  for (let part = 0; part < 10; part++) await ask(SESSIONS / 10);
  await ask(SESSIONS / 10);
  // The emulator drops sessions that expired a day ago.
  now = new Date(now.getTime() + 26 * 3_600_000);
  await ask(1);
}

async function benchMemory() {
  const { stdout } = await node('--expose-gc', import.meta.filename, 'memory');
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  const [[start = 0] = [], [full = 0, resident] = [], [more] = [], [after] = []] = [0, -3, -2, -1].map(
    (index) => rows.at(index) ?? [],
  );
  report(
    `emulator, heap after ${SESSIONS.toLocaleString('en')} sessions`,
    full / start,
    'none',
    `${full} MB (${resident} MB resident), ${start} MB after 1,000; ` +
      `${more} MB after ${(SESSIONS / 10).toLocaleString('en')} more, ${after} MB when all have expired`,
  );
}

export async function benchEmulator() {
  await benchSessions('rsa-2048');
  await benchSessions('ec-p256');
  await benchMemory();
}

if (process.argv[1] === import.meta.filename && process.argv[2] === 'memory') await measureMemory();
