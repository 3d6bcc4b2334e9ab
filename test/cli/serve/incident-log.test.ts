import { describe, expect, it } from 'vitest';
import { createIncidentLog } from '../../../src/cli/serve/incident-log.js';
import { openLog, withoutRepeats } from '../../../src/cli/terminal/log.js';
import { fakeIo } from '../../program.js';

function openWorld() {
  const { io, written } = fakeIo([]);
  const world = { ms: Date.UTC(2026, 2, 1), lines: () => written.stderr.split('\n').slice(0, -1) };
  const now = () => new Date(world.ms);
  return Object.assign(world, { now, log: openLog(io.stderr, 'text', now) });
}

describe('the log of refused requests', () => {
  it('has one line per second for each reason, with the number of suppressed ones', () => {
    const world = openWorld();
    const report = createIncidentLog(world.log, world.now);
    const refuse = (reason: string) => report('refused', reason, { route: 'container' });
    for (let count = 0; count < 1_000; count++) refuse('authorization-wrong');
    refuse('host');
    world.ms += 999;
    refuse('host');
    world.ms += 1;
    for (let count = 0; count < 5; count++) refuse('authorization-wrong');
    world.ms += 60_000;
    refuse('authorization-wrong');
    refuse('host');
    expect(world.lines()).toEqual([
      '2026-03-01T00:00:00.000Z info refused reason=authorization-wrong route=container',
      '2026-03-01T00:00:00.000Z info refused reason=host route=container',
      '2026-03-01T00:00:01.000Z info refused reason=authorization-wrong route=container unlogged=999',
      '2026-03-01T00:01:01.000Z info refused reason=authorization-wrong route=container unlogged=4',
      '2026-03-01T00:01:01.000Z info refused reason=host route=container unlogged=1',
    ]);
  });
});

describe('warnings about files', () => {
  it('are logged at the start, and not at each refresh', () => {
    const world = openWorld();
    const log = withoutRepeats(world.log, world.now);
    for (let hour = 0; hour < 48; hour++) {
      log.warn('warning', { message: 'every user can read the key' });
      log.warn('file-mode', { mode: '0644' });
      world.ms += 3_600_000;
    }
    log.warn('warning', { message: 'the new pair cannot be used' });
    log.warn('refresh-failed', { code: 'ERR_NETWORK' });
    log.warn('refresh-failed', { code: 'ERR_NETWORK' });
    world.ms += 2 * 86_400_000;
    log.warn('warning', { message: 'the new pair cannot be used' });
    expect(world.lines().map((line) => line.slice(25))).toEqual([
      'warn warning message="every user can read the key"',
      'warn file-mode mode=0644',
      'warn warning message="the new pair cannot be used"',
      'warn refresh-failed code=ERR_NETWORK',
      'warn refresh-failed code=ERR_NETWORK',
      'warn warning message="the new pair cannot be used"',
    ]);
  });
});
