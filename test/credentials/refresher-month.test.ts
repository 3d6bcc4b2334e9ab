/**
 * A month under a refresher, by many seeds: outages, throttling, refusals, clocks that are set and machines
 * that sleep. The conditions hold at every minute.
 */
import { describe, expect, it } from 'vitest';
import { Refresher } from '../../src/credentials/refresher.js';
import { ServiceError, TransportError } from '../../src/errors.js';
import type { VirtualClock } from './virtual-clock.js';
import { seededRandom, virtualClock } from './virtual-clock.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAYS = 31;

/** The longest pause after a refusal, and half a minute for an unnoticed change of the clock. */
const RECOVERY_MINUTES = 13;
type Mode = 'up' | 'outage' | 'throttled' | 'denied';

const FAILURES = {
  outage: new TransportError('ERR_NETWORK', 'no answer'),
  throttled: new ServiceError('ERR_SERVICE_THROTTLED', 'slow down', { status: 429 }),
  denied: new ServiceError('ERR_SERVICE_DENIED', 'no', { status: 403 }),
};

function modeOf(dice: number): Mode {
  if (dice < 0.7) return 'up';
  return dice < 0.8 ? 'outage' : dice < 0.9 ? 'throttled' : 'denied';
}

/** The events of the service, the clock and the machine, minute by minute. */
function createTrouble(random: () => number, clock: VirtualClock) {
  let minutesLeft = 0;
  const trouble = {
    mode: 'up' as Mode,
    /** Minutes without the service, short times with it included; and minutes with it. */
    badFor: 0,
    goodFor: 0,
    /** The time for which a changed clock or a sleeping machine excuses all violations. */
    excusedFor: 0,
    begin(): void {
      if (minutesLeft-- > 0) return;
      trouble.mode = modeOf(random());
      minutesLeft = 5 + Math.floor(random() * 120);
      const dice = random();
      if (dice >= 0.1) return;
      if (dice < 0.05) clock.set((random() - 0.5) * 12 * 60 * MINUTE);
      else clock.sleep(random() * 600 * MINUTE);
      trouble.excusedFor = RECOVERY_MINUTES;
    },
    end(): void {
      if (trouble.mode === 'up') {
        trouble.goodFor += 1;
        trouble.excusedFor -= 1;
        return;
      }
      trouble.badFor = trouble.goodFor >= RECOVERY_MINUTES ? 1 : trouble.badFor + 1;
      trouble.goodFor = 0;
    },
  };
  return trouble;
}

async function month(seed: number) {
  const random = seededRandom(seed);
  const clock = virtualClock();
  const trouble = createTrouble(random, clock);
  let [underWay, mostAtOnce, minute] = [0, 0, 0];
  const perMinute: number[] = [];
  const refresher = new Refresher({
    clock,
    random,
    create: async () => {
      perMinute[minute] = (perMinute[minute] ?? 0) + 1;
      underWay += 1;
      mostAtOnce = Math.max(mostAtOnce, underWay);
      const { mode } = trouble;
      // One in ten gets through.
      const error = mode === 'up' || (mode === 'throttled' && random() < 0.1) ? undefined : FAILURES[mode];
      await new Promise<void>((resolve) => clock.after(random() * 2 * SECOND, resolve, true));
      underWay -= 1;
      if (error) throw error;
      return { expiration: new Date(clock.now().getTime() + 60 * MINUTE) };
    },
  });
  refresher.start();
  const broken: string[] = [];
  let [gaps, harmless] = [0, 0];
  for (; minute < DAYS * 24 * 60; minute++) {
    trouble.begin();
    await clock.advance(MINUTE);
    trouble.end();
    const { badFor, goodFor, excusedFor, mode } = trouble;
    // In a crowded account less is left when the next refresh is due.
    if (goodFor > 0) harmless = Math.min(25, refresher.state().leadLimitMs / MINUTE) - 3;
    if (refresher.current() !== undefined) continue;
    gaps += 1;
    if (excusedFor > 0 || (badFor > harmless && goodFor < RECOVERY_MINUTES)) continue;
    broken.push(`minute ${minute}: ${mode}, bad for ${badFor}, good for ${goodFor}`);
  }
  refresher.stop();
  return { broken, gaps, perMinute: Object.values(perMinute), mostAtOnce, state: refresher.state() };
}

describe.each([1, 2, 3, 4])('a month of failures, seed %i', (seed) => {
  it('has no gap while the service works, few requests, and never two at once', async () => {
    const { broken, gaps, perMinute, mostAtOnce, state } = await month(seed);
    expect(broken).toEqual([]);
    expect(mostAtOnce).toBe(1);
    // Control: the month had faults.
    expect(gaps).toBeGreaterThan(10);
    expect(state.failures).toBeGreaterThan(100);
    // At most ten requests per hour including faults, and one in two seconds at the worst.
    expect(perMinute.reduce((sum, count) => sum + count)).toBeLessThan(DAYS * 24 * 10);
    expect(Math.max(...perMinute)).toBeLessThanOrEqual(40);
  });
});
