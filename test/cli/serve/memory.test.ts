/** Looks into the heap of a running `serve`: session tokens that have been replaced must not stay there. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { PROGRAM, startMachine } from '../../flows/machine.js';

type Credentials = Record<'SecretAccessKey' | 'Token', string>;

/** Every text in the heap. A snapshot collects garbage first. */
async function readHeap(folder: string, pid: number): Promise<string[]> {
  process.kill(pid, 'SIGUSR2');
  for (let tries = 0; tries < 500; tries++) {
    await sleep(20);
    const name = readdirSync(folder).find((file) => file.endsWith('.heapsnapshot'));
    try {
      if (name !== undefined) return JSON.parse(readFileSync(join(folder, name), 'utf8')).strings;
    } catch {
      // Not whole yet.
    }
  }
  throw new Error('no heap snapshot was written');
}

it.skipIf(process.platform === 'win32')('holds one session token after four refreshes', async () => {
  const { env, folder, emulator } = await startMachine();
  const tokenFile = join(folder, 'token');
  const flags = [
    ...['--certificate', env['CERTIFICATE'], '--private-key', env['PRIVATE_KEY']],
    ...['--trust-anchor-arn', env['TRUST_ANCHOR_ARN'], '--profile-arn', env['PROFILE_ARN']],
    ...['--role-arn', env['ROLE_ARN'], '--endpoint', env['AWS_ENDPOINT_URL']],
    ...['--port', '0', '--token-file', tokenFile, '--imds'],
  ].map(String);
  const child = spawn(process.execPath, ['--heapsnapshot-signal=SIGUSR2', PROGRAM, 'serve', ...flags], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [printed] = await once(child.stdout, 'data');
  const url = /FULL_URI=(\S+)/.exec(`${printed}`)?.[1] ?? '';
  const headers = { authorization: readFileSync(tokenFile, 'utf8') };
  const processUrl = new URL('/credential-process', url);

  const seen: Credentials[] = [];
  while (seen.length < 5) {
    const answer = (await (await fetch(url, { headers })).json()) as Credentials;
    await (await fetch(processUrl, { headers })).text();
    if (seen.at(-1)?.Token === answer.Token) {
      await sleep(10);
      continue;
    }
    seen.push(answer);
    if (seen.length < 5) child.kill('SIGHUP');
  }
  expect(emulator.sessionCount).toBe(5);

  const heap = await readHeap(folder, child.pid ?? 0);
  for (const name of ['Token', 'SecretAccessKey'] as const) {
    // Long texts are cut in a snapshot.
    const held = seen.map((credentials) =>
      heap.some((text) => text.includes(credentials[name].slice(0, 200))),
    );
    expect(held, name).toEqual([false, false, false, false, true]);
  }
});
