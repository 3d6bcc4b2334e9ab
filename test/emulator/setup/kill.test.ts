/** The emulator killed with SIGKILL while it writes: no acknowledged change is lost. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateProfileCommand, RolesAnywhereClient } from '@aws-sdk/client-rolesanywhere';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeAdministrator, ROOT } from '../control/administrator.js';

const PROGRAM = join(import.meta.dirname, '..', '..', '..', 'dist', 'bin.cjs');

async function start(folder: string) {
  const args = [PROGRAM, 'emulator', '--ca', join(folder, 'ca.pem'), '--state', join(folder, 'state.json')];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  for await (const line of createInterface(child.stdout)) {
    const endpoint = /emulated at (\S+)/.exec(line)?.[1];
    if (endpoint !== undefined) return { child, endpoint };
  }
  throw new Error('the emulator has ended');
}

/** Creates profiles, several at a time, until the emulator no longer answers. */
async function createUntilKilled(endpoint: string, round: number, acknowledged: string[]): Promise<void> {
  const client = new RolesAnywhereClient({
    region: 'us-east-1',
    endpoint,
    credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'unknown' },
    maxAttempts: 1,
  });
  const work = async (worker: number) => {
    for (let count = 0; ; count++) {
      const name = `p-${round}-${worker}-${count}`;
      const answer = await client
        .send(new CreateProfileCommand({ name, roleArns: [] }))
        .catch(() => undefined);
      if (answer === undefined) return;
      acknowledged.push(name);
    }
  };
  await Promise.all([0, 1, 2].map(work));
  client.destroy();
}

describe('kill -9', () => {
  it('loses no acknowledged change, and never the file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-kill-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'ca.pem'), ROOT.pem);
    const acknowledged: string[] = [];
    for (let round = 0; round < 4; round++) {
      const { child, endpoint } = await start(folder);
      const before = acknowledged.length;
      const working = createUntilKilled(endpoint, round, acknowledged);
      // Killed at a different moment of its writing each time.
      while (acknowledged.length < before + 8) await sleep(1);
      await sleep(round);
      child.kill('SIGKILL');
      await Promise.all([once(child, 'exit'), working]);
      const kept = JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8'));
      const names = kept.profiles.map(({ name }: { name: string }) => name);
      expect(names).toEqual(expect.arrayContaining(acknowledged));
    }
    const { call } = await makeAdministrator({ state: join(folder, 'state.json') });
    const { body } = await call('GET /profiles?pageSize=1000');
    expect((body['profiles'] as unknown[]).length).toBeGreaterThan(acknowledged.length);
  }, 60_000);
});
