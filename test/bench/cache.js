/** What `--cache` saves: runs of `credential-process` out of the cache, against runs that ask the service. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator } from 'rolesanywhere/emulator';
import { cert, median, node, RUNS, report, root } from './measure.js';

export async function benchCache() {
  const folder = await mkdtemp(join(tmpdir(), 'rolesanywhere-bench-'));
  process.env['XDG_RUNTIME_DIR'] = folder;
  for (const latency of [0, 50]) {
    const emulator = await startEmulator({
      certificateAuthority: await readFile(cert('root-ec.pem'), 'utf8'),
      faults: { latency },
    });
    const { endpoint, trustAnchorArn, profileArn, roleArn } = emulator;
    const args = [
      join(root, 'dist', 'bin.cjs'),
      'credential-process',
      `--certificate=${cert('ec-p256.pem')}`,
      `--private-key=${cert('ec-p256.key.pem')}`,
      `--trust-anchor-arn=${trustAnchorArn}`,
      `--profile-arn=${profileArn}`,
      `--role-arn=${roleArn}`,
      `--endpoint=${endpoint}`,
    ];
    // The first one fills the cache.
    await node(...args, '--cache');
    /** @type {number[]} */
    const cached = [];
    /** @type {number[]} */
    const uncached = [];
    for (let run = 0; run < RUNS; run++) {
      cached.push((await node(...args, '--cache')).ms);
      uncached.push((await node(...args)).ms);
    }
    if (emulator.sessionCount !== RUNS + 1) throw new Error('the cache was not used');
    await emulator.close();
    report(
      `credential-process --cache over none, ${latency} ms away`,
      median(cached) / median(uncached),
      '< 1',
      `${median(cached).toFixed(0)} ms and ${median(uncached).toFixed(0)} ms`,
    );
  }
  await rm(folder, { recursive: true });
}
