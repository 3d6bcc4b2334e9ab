/**
 * `npm run bench`: measures speed as ratios within one run, since machines differ, and the same machine
 * differs from hour to hour. It prints figures and has no limits.
 *
 * `PEER=/path/to/aws_signing_helper npm run bench` measures that program in the same run.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadIdentity, signRequest } from 'rolesanywhere';
import { benchEmulator } from './bench/emulator.js';
import { cert, inTurns, median, node, rate, report, root } from './bench/measure.js';
import { benchProgram } from './bench/program.js';
import { benchServe } from './bench/serve.js';

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
  // In turns, so that other load of the machine affects both.
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
    const url = JSON.stringify(pathToFileURL(file).href);
    const script = `
      const start = performance.now();
      await import(${url});
      console.log(performance.now() - start);`;
    return { ms: Number((await node('--input-type=module', '-e', script)).stdout) };
  };
  const { nothing, library } = await inTurns({
    nothing: () => timeImport(empty),
    library: () => timeImport(join(root, 'dist', 'index.js')),
  });
  await rm(folder, { recursive: true });
  const detail = `${(library - nothing).toFixed(1)} ms more`;
  report('import of the library over an empty module', library / nothing, 'difference ≤ 10 ms', detail);
}

console.log(`Node ${process.version}, ratios of medians\n`);
await benchProgram();
await benchSigning('rsa-2048', '≥ 0.95');
await benchSigning('ec-p256', '≥ 0.6');
await benchImport();
await benchServe();
await benchEmulator();
