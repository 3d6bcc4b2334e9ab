/** Messages to systemd: by a stand-in for systemd-notify that records its arguments, and by the real one. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openServiceManager } from '../../../src/cli/terminal/service-manager.js';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'service-manager-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function until(read: () => string, expected: RegExp): Promise<string> {
  for (let text = read(); ; text = read()) {
    if (expected.test(text)) return text;
    await sleep(10);
  }
}

describe('with NOTIFY_SOCKET', () => {
  function fake(): { env: Record<string, string>; said: () => string } {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'said'), '');
    const script =
      `#!/bin/sh\nfor word in "$@"; do printf '%s %s\\n' "$NOTIFY_SOCKET" "$word" >> ${folder}/said; ` +
      'done\n';
    writeFileSync(join(folder, 'systemd-notify'), script, { mode: 0o700 });
    const env = { PATH: `${folder}:/usr/bin:/bin`, NOTIFY_SOCKET: '/run/notify', SECRET: 'x' };
    return { env, said: () => readFileSync(join(folder, 'said'), 'utf8') };
  }

  it('sends ready once, the status, and stopping', async () => {
    const { env, said } = fake();
    const failed: string[] = [];
    const manager = openServiceManager(env, (reason) => failed.push(reason));
    manager.ready();
    manager.ready();
    await until(said, /READY/);
    manager.status('until\nthen');
    await until(said, /STATUS/);
    await manager.stopping();
    expect(said()).toBe('/run/notify READY=1\n/run/notify STATUS=until then\n/run/notify STOPPING=1\n');
    expect(failed).toEqual([]);
  });

  it('sends watchdog messages at half the interval', async () => {
    const { env, said } = fake();
    const manager = openServiceManager({ ...env, WATCHDOG_USEC: '200000' }, () => {});
    await until(said, /(.*WATCHDOG=1\n){2}/);
    await manager.stopping();
    const { length } = said();
    await sleep(300);
    expect(said()).toHaveLength(length);
  });

  it('a failure is reported once and does not end the program', async () => {
    const failed: string[] = [];
    const env = { PATH: temporaryFolder(), NOTIFY_SOCKET: '/run/notify' };
    const manager = openServiceManager(env, (reason) => failed.push(reason));
    manager.ready();
    manager.status('x');
    await manager.stopping();
    await until(() => failed.join(), /./);
    expect(failed).toEqual(['ENOENT']);
  });
});

it('sends nothing without NOTIFY_SOCKET', async () => {
  const manager = openServiceManager({ PATH: temporaryFolder() }, () => expect.unreachable());
  manager.ready();
  await manager.stopping();
});

const has = (program: string, ...args: string[]): boolean => spawnSync(program, args).status === 0;
const canListen = has('systemd-notify', '--version') && has('python3', '--version');
const leftOut = canListen ? '' : ' (left out: there is no systemd-notify, or no Python)';

it.skipIf(!canListen)(`the real systemd-notify reaches the socket${leftOut}`, async () => {
  const folder = temporaryFolder();
  const script = `
import array, os, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print('bound', flush=True)
while True:
    text, ancillary, _, _ = listener.recvmsg(4096, 1024)
    print(text.decode().strip(), flush=True)
    for _, _, data in ancillary:
        for file in array.array('i', data): os.close(file)
`;
  const python = spawn('python3', ['-c', script, join(folder, 'notify')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void python.kill('SIGKILL'));
  let heard = '';
  python.stdout.on('data', (chunk) => {
    heard += chunk;
  });
  await until(() => heard, /bound/);
  const env = { PATH: process.env['PATH'], NOTIFY_SOCKET: join(folder, 'notify') };
  const manager = openServiceManager(env, (reason) => expect.unreachable(reason));
  manager.ready();
  await until(() => heard, /^READY=1$/m);
  await manager.stopping();
  expect(heard).toMatch(/^STOPPING=1$/m);
});
