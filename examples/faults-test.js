/**
 * Tests how a client behaves when the service is slow, busy or broken. The emulator injects the faults. The
 * client here is `createSession`; any other one, in any language, can take its place.
 *
 *   node --test examples/faults-test.js
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { createSession } from 'rolesanywhere';
import { startEmulator } from 'rolesanywhere/emulator';

/** @type {Awaited<ReturnType<typeof startEmulator>>} */
let emulator;
/** @type {Parameters<typeof createSession>[0]} */
let options;

before(async () => {
  emulator = await startEmulator();
  const { authority, trustAnchorArn, profileArn, roleArn, endpoint } = emulator;
  const identity = await authority?.issue({ commonName: 'host-1' });
  // `random` scales the pauses between attempts: 0 makes them zero.
  options = { ...identity, trustAnchorArn, profileArn, roleArn, endpoint, timeoutMs: 5000, random: () => 0 };
});
beforeEach(() => emulator.faults.clear());
after(() => emulator.close());

test('two failures are retried', async () => {
  emulator.faults.set([
    { error: 503, count: 1 },
    { reset: true, count: 1 },
  ]);
  const session = await createSession(options);
  assert.match(session.accessKeyId, /^ASIA/);
});

test('constant throttling is ERR_SERVICE_THROTTLED', async () => {
  // AWS accepts 10 sessions per second; this emulator accepts none.
  emulator.faults.set({ throttle: 0 });
  await assert.rejects(createSession(options), { code: 'ERR_SERVICE_THROTTLED', status: 429 });
});

test('a stalled answer ends in ERR_TIMEOUT', async () => {
  emulator.faults.set({ stall: true });
  await assert.rejects(createSession({ ...options, timeoutMs: 300 }), { code: 'ERR_TIMEOUT' });
});

test('a failure rate of 10 % is retried; the seed makes the failures the same in each run', async () => {
  // The text form, as in `rolesanywhere emulator --fault error=500,rate=0.1`.
  emulator.faults.set('error=500,rate=0.1', 42);
  for (let count = 0; count < 20; count++) await createSession(options);
  const [fault] = emulator.faults.list();
  assert.ok(fault !== undefined && fault.struck > 0);
});
