/**
 * What does a program do when the service is slow, busy or broken? The emulator is all of that on demand. This asks
 * with `createSession`; any other client, in any language, can be put in its place.
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
  // `random` makes the pauses between attempts, and these tests need none.
  options = { ...identity, trustAnchorArn, profileArn, roleArn, endpoint, timeoutMs: 5000, random: () => 0 };
});
beforeEach(() => emulator.faults.clear());
after(() => emulator.close());

test('two failures are nothing that a caller hears of', async () => {
  emulator.faults.set([
    { error: 503, count: 1 },
    { reset: true, count: 1 },
  ]);
  const session = await createSession(options);
  assert.match(session.accessKeyId, /^ASIA/);
});

test('a service that stays busy is reported as busy', async () => {
  // The service takes 10 sessions a second; this one takes none.
  emulator.faults.set({ throttle: 0 });
  await assert.rejects(createSession(options), { code: 'ERR_SERVICE_THROTTLED', status: 429 });
});

test('an answer that never ends is not waited for', async () => {
  emulator.faults.set({ stall: true });
  await assert.rejects(createSession({ ...options, timeoutMs: 300 }), { code: 'ERR_TIMEOUT' });
});

test('what a tenth of failures does, the same in each run', async () => {
  // As text, as `rolesanywhere emulator --fault error=500,rate=0.1` takes it.
  emulator.faults.set('error=500,rate=0.1', 42);
  for (let count = 0; count < 20; count++) await createSession(options);
  const [fault] = emulator.faults.list();
  assert.ok(fault !== undefined && fault.struck > 0);
});
