/**
 * How fast it is, as ratios measured in one run: machines differ, and the same machine differs from hour to hour.
 *
 *   npm run bench
 *
 * It reports and judges nothing.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadIdentity, signRequest } from 'rolesanywhere';
import { startEmulator } from 'rolesanywhere/emulator';
import { benchCache } from './bench/cache.js';
import { benchEmulator } from './bench/emulator.js';
import { cert, median, node, RUNS, rate, report, root } from './bench/measure.js';
import { benchServe } from './bench/serve.js';

async function benchProgram() {
  const emulator = await startEmulator({ certificateAuthority: await readFile(cert('root-ec.pem'), 'utf8') });
  const { endpoint, trustAnchorArn, profileArn, roleArn } = emulator;
  const flags = {
    certificate: cert('ec-p256.pem'),
    'private-key': cert('ec-p256.key.pem'),
    'trust-anchor-arn': trustAnchorArn,
    'profile-arn': profileArn,
    'role-arn': roleArn,
    endpoint,
  };
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  /** @type {number[]} */
  const empty = [];
  /** @type {number[]} */
  const cold = [];
  for (let run = 0; run < RUNS; run++) {
    empty.push((await node('-e', '0')).ms);
    cold.push((await node(join(root, 'dist', 'bin.cjs'), 'credential-process', ...args)).ms);
  }
  await emulator.close();
  report(
    'credential-process, cold, over node -e 0',
    median(cold) / median(empty),
    '≤ 1.8',
    `${median(cold).toFixed(0)} ms and ${median(empty).toFixed(0)} ms`,
  );
}

/**
 * @param {string} name
 * @param {string} aim
 */
async function benchSigning(name, aim) {
  const identity = await loadIdentity({
    certificate: cert(`${name}.pem`),
    privateKey: cert(`${name}.key.pem`),
  });
  const key = createPrivateKey(await readFile(cert(`${name}.key.pem`)));
  const request = {
    method: 'POST',
    protocol: 'https:',
    hostname: 'rolesanywhere.us-east-1.amazonaws.com',
    path: '/sessions',
    query: {
      profileArn: 'arn:aws:rolesanywhere:us-east-1:111122223333:profile/id',
      roleArn: 'arn:aws:iam::111122223333:role/name',
      trustAnchorArn: 'arn:aws:rolesanywhere:us-east-1:111122223333:trust-anchor/id',
    },
    headers: { 'content-type': 'application/json' },
    body: '{"durationSeconds":3600}',
  };
  const context = { region: 'us-east-1', date: new Date() };
  const data = Buffer.alloc(150, 'a');
  const ours = () => signRequest(request, identity, context);
  const bare = () => sign('sha256', data, key);
  // In turns, so that whatever else the machine does falls on both.
  /** @type {number[]} */
  const ratios = [];
  /** @type {number[]} */
  const rates = [];
  for (let turn = 0; turn < 8; turn++) {
    const [bareRate, ourRate] = [await rate(bare), await rate(ours)];
    if (turn > 1) {
      ratios.push(ourRate / bareRate);
      rates.push(ourRate);
    }
  }
  report(
    `signRequest over crypto.sign, ${name}`,
    median(ratios),
    aim,
    `${median(rates).toFixed(0)} a second`,
  );
}

async function benchImport() {
  const folder = await mkdtemp(join(tmpdir(), 'rolesanywhere-bench-'));
  const empty = join(folder, 'empty.mjs');
  await writeFile(empty, '');
  /** @param {string} file */
  const timeImport = async (file) => {
    const script = `const start = performance.now(); await import(${JSON.stringify(pathToFileURL(file).href)}); console.log(performance.now() - start);`;
    return Number((await node('--input-type=module', '-e', script)).stdout);
  };
  /** @type {number[]} */
  const nothing = [];
  /** @type {number[]} */
  const library = [];
  for (let run = 0; run < RUNS; run++) {
    nothing.push(await timeImport(empty));
    library.push(await timeImport(join(root, 'dist', 'index.js')));
  }
  await rm(folder, { recursive: true });
  const difference = median(library) - median(nothing);
  report(
    'import of the library over an empty module',
    median(library) / median(nothing),
    'difference ≤ 15 ms',
    `${difference.toFixed(1)} ms more`,
  );
}

console.log(`Node ${process.version}, ratios of medians\n`);
await benchProgram();
await benchCache();
await benchSigning('rsa-2048', '≥ 0.95');
await benchSigning('ec-p256', '≥ 0.6');
await benchImport();
await benchServe();
await benchEmulator();
