import { describe, expect, it } from 'vitest';
import type { Attempt, Expiring, FailureReport } from '../../src/credentials/refresher.js';
import { Refresher } from '../../src/credentials/refresher.js';
import { IdentityError, ServiceError, TransportError } from '../../src/errors.js';
import type { VirtualClock } from './virtual-clock.js';
import { seededRandom, virtualClock } from './virtual-clock.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

interface Credentials {
  readonly serial: number;
  readonly expiration: Date;
}

const throttled = new ServiceError('ERR_SERVICE_THROTTLED', 'slow down', { status: 429 });
const denied = new ServiceError('ERR_SERVICE_DENIED', 'no', { status: 403 });
const unreachable = new TransportError('ERR_NETWORK', 'no answer');
const expired = new IdentityError('ERR_CERTIFICATE_EXPIRED', 'expired');

interface World {
  readonly clock: VirtualClock;
  readonly refresher: Refresher<Credentials>;
  /** When each attempt began, in milliseconds since the start. */
  readonly attempts: number[];
  readonly reports: FailureReport[];
  /** The response of the service from now on: an error, or undefined for credentials. */
  answer: unknown;
  latencyMs: number;
  /** The largest number of concurrent attempts. */
  mostAtOnce: number;
}

function world({
  lifeMs = HOUR,
  random = (): number => 0,
  initial = undefined as number | undefined,
} = {}): World {
  const clock = virtualClock();
  const start = clock.now().getTime();
  let atOnce = 0;
  const create = async ({ signal }: Attempt<never>): Promise<Credentials> => {
    const { answer, latencyMs } = made;
    made.attempts.push(clock.now().getTime() - start);
    atOnce += 1;
    made.mostAtOnce = Math.max(made.mostAtOnce, atOnce);
    try {
      await new Promise<void>((resolve, reject) => {
        clock.after(latencyMs, resolve, true);
        signal.addEventListener('abort', () => reject(new TransportError('ERR_ABORTED', 'stopped')));
      });
    } finally {
      atOnce -= 1;
    }
    if (answer !== undefined) throw answer;
    return { serial: made.attempts.length, expiration: new Date(clock.now().getTime() + lifeMs) };
  };
  const made: World = {
    clock,
    attempts: [],
    reports: [],
    answer: undefined,
    latencyMs: 100,
    mostAtOnce: 0,
    refresher: new Refresher({
      create,
      clock,
      random,
      onFailed: (report) => made.reports.push(report),
      initial:
        initial === undefined
          ? undefined
          : {
              value: { serial: 0, expiration: new Date(start + initial) },
              createdAt: new Date(start + initial - lifeMs),
            },
    }),
  };
  return made;
}

/** `get()`, with the time that it takes. */
async function get({ clock, refresher }: World): Promise<number> {
  const got = refresher.get();
  got.catch(() => undefined);
  await clock.advance(100);
  return (await got).serial;
}

describe('without a loop', () => {
  it('waits once, then returns at once without a request', async () => {
    const host = world();
    expect(host.refresher.current()).toBeUndefined();
    expect(await get(host)).toBe(1);
    await host.clock.advance(34 * MINUTE);
    expect((await host.refresher.get()).serial).toBe(1);
    expect(host.refresher.current()?.serial).toBe(1);
    expect(host.attempts).toEqual([0]);
    expect(host.clock.timers().count).toBe(0);
  });

  it.each([
    ['25 minutes before the end of an hour', HOUR, 25 * MINUTE],
    ['25 minutes before the end of twelve', 12 * HOUR, 25 * MINUTE],
    ['at half the life of 15 minutes', 15 * MINUTE, 7.5 * MINUTE],
  ])('refreshes %s, in the background of a call that returns at once', async (_name, lifeMs, leadMs) => {
    const host = world({ lifeMs });
    await get(host);
    await host.clock.advance(lifeMs - leadMs - SECOND);
    expect((await host.refresher.get()).serial).toBe(1);
    expect(host.attempts).toHaveLength(1);
    await host.clock.advance(SECOND);
    expect((await host.refresher.get()).serial).toBe(1);
    await host.clock.advance(100);
    expect(host.attempts).toHaveLength(2);
    expect((await host.refresher.get()).serial).toBe(2);
  });

  it('any number of callers share one attempt', async () => {
    const host = world();
    const all = Promise.all(Array.from({ length: 1000 }, () => host.refresher.get()));
    await host.clock.advance(100);
    expect(new Set(await all).size).toBe(1);
    expect(host.attempts).toHaveLength(1);
  });

  it('keeps the last good credentials until they expire, then throws the last error', async () => {
    const host = world();
    await get(host);
    host.answer = denied;
    for (let minute = 1; minute < 60; minute++) {
      await host.clock.advance(MINUTE);
      expect((await host.refresher.get()).serial).toBe(1);
    }
    await host.clock.advance(2 * MINUTE);
    expect(host.refresher.current()).toBeUndefined();
    await expect(get(host)).rejects.toBe(denied);
    host.answer = undefined;
    await host.clock.advance(15 * MINUTE);
    expect(await get(host)).toBe(host.attempts.length);
  });

  it('throws the last error at once during a pause, and tries again after it', async () => {
    const host = world();
    host.answer = denied;
    await expect(get(host)).rejects.toBe(denied);
    await expect(host.refresher.get()).rejects.toBe(denied);
    expect(host.attempts).toHaveLength(1);
    host.answer = undefined;
    await host.clock.advance(7.5 * SECOND);
    expect(await get(host)).toBe(2);
  });

  it('waits for new ones in the last ten seconds, else returns the old ones', async () => {
    const host = world();
    await get(host);
    await host.clock.advance(HOUR - 9 * SECOND);
    host.answer = unreachable;
    expect(await get(host)).toBe(1);
    await host.clock.advance(3 * SECOND);
    host.answer = undefined;
    expect(await get(host)).toBe(3);
  });
});

describe('with a loop', () => {
  it('never lets them expire, for days, with a refresh every 35 minutes', async () => {
    const host = world();
    host.refresher.start();
    await host.clock.advance(SECOND);
    for (let minute = 0; minute < 48 * 60; minute++) {
      await host.clock.advance(MINUTE);
      const left = (host.refresher.current()?.expiration.getTime() ?? 0) - host.clock.now().getTime();
      expect(left).toBeGreaterThan(24.9 * MINUTE);
    }
    expect(host.attempts.length).toBe(83);
    expect(host.mostAtOnce).toBe(1);
    host.refresher.stop();
    expect(host.clock.timers().count).toBe(0);
  });

  it('keeps the process alive only on request', () => {
    const [lax, strict] = [world(), world()];
    lax.refresher.start();
    strict.refresher.start(true);
    expect(lax.clock.timers()).toEqual({ count: 1, keepsAlive: false });
    expect(strict.clock.timers()).toEqual({ count: 1, keepsAlive: true });
  });

  it('spreads the refreshes of hosts that start together over a tenth of the lifetime', async () => {
    const seconds = await Promise.all(
      Array.from({ length: 200 }, async (_, seed) => {
        const host = world({ random: seededRandom(seed) });
        host.refresher.start();
        await host.clock.advance(40 * MINUTE);
        return (host.attempts[1] ?? 0) / SECOND;
      }),
    );
    expect(Math.min(...seconds)).toBeGreaterThan(29 * 60);
    expect(Math.max(...seconds)).toBeLessThan(35.1 * 60);
    // Evenly: each of the six minutes has its share, of 33.
    for (let minute = 29; minute < 35; minute++) {
      const count = seconds.filter((second) => Math.floor((second - 6) / 60) === minute).length;
      expect(count).toBeGreaterThan(15);
      expect(count).toBeLessThan(50);
    }
  });

  it('recovers within half a minute when the machine wakes up after the expiry', async () => {
    const host = world();
    host.refresher.start();
    await host.clock.advance(MINUTE);
    host.clock.sleep(9 * HOUR);
    expect(host.refresher.current()).toBeUndefined();
    await host.clock.advance(31 * SECOND);
    expect(host.refresher.current()?.serial).toBe(2);
  });

  it.each([
    ['forwards', 5 * HOUR],
    ['backwards', -5 * HOUR],
  ])('recovers within half a minute when the clock is set %s', async (_name, byMs) => {
    const host = world();
    host.refresher.start();
    await host.clock.advance(MINUTE);
    host.clock.set(byMs);
    await host.clock.advance(31 * SECOND);
    expect(host.attempts).toHaveLength(2);
    await host.clock.advance(30 * MINUTE);
    expect(host.attempts).toHaveLength(2);
    expect(host.refresher.current()?.serial).toBe(2);
  });

  it('ends a pause if the clock jumps', async () => {
    const host = world();
    host.answer = denied;
    host.refresher.start();
    await host.clock.advance(HOUR);
    host.clock.set(-HOUR);
    host.answer = undefined;
    await host.clock.advance(31 * SECOND);
    expect(host.refresher.current()).toBeDefined();
  });

  it('ignores a small correction of the clock', async () => {
    const host = world();
    host.refresher.start();
    await host.clock.advance(SECOND);
    host.clock.set(-50 * SECOND);
    await host.clock.advance(10 * MINUTE);
    expect(host.attempts).toHaveLength(1);
  });

  it('stops in the middle of an attempt, and ignores its result', async () => {
    const host = world();
    host.refresher.start();
    await host.clock.advance(50);
    const got = host.refresher.get();
    host.refresher.stop();
    await expect(got).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(host.reports).toEqual([]);
    expect(host.refresher.state()).toMatchObject({ refreshes: 0, failures: 0, errorCode: undefined });
    expect(await get(host)).toBe(2);
  });
});

describe('pauses', () => {
  it.each([
    ['a refusal: ten seconds, doubling, at most ten minutes', denied, 18, 7.5 * MINUTE],
    ['a certificate: five seconds, doubling, at most a minute', expired, 135, 45 * SECOND],
    ['the network: a second, doubling, at most a minute', unreachable, 140, 45 * SECOND],
  ])('after %s', async (_name, error, most, capMs) => {
    const host = world();
    host.answer = error;
    host.refresher.start();
    await host.clock.advance(100 * MINUTE);
    expect(host.attempts.length).toBeLessThan(most + 6);
    // With random numbers of zero each pause is three quarters of the average.
    const pauses = host.reports.map(({ pauseMs }) => pauseMs);
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(Math.max(...pauses)).toBe(capMs);
    host.answer = undefined;
    await host.clock.advance(10 * MINUTE + SECOND);
    expect(host.refresher.current()).toBeDefined();
  });

  it('are as long as Retry-After, up to five minutes', async () => {
    const host = world();
    const busy = (retryAfterMs: number) =>
      new ServiceError('ERR_SERVICE_THROTTLED', 'busy', { status: 429, retryAfterMs });
    host.answer = busy(20 * SECOND);
    await expect(get(host)).rejects.toBe(host.answer);
    host.answer = busy(HOUR);
    await host.clock.advance(20 * SECOND);
    await expect(get(host)).rejects.toBe(host.answer);
    expect(host.reports.map(({ pauseMs }) => pauseMs)).toEqual([20 * SECOND, 5 * MINUTE]);
  });

  it('while throttled shrink with the time left, down to about two seconds', async () => {
    const host = world();
    await get(host);
    host.answer = throttled;
    host.refresher.start();
    await host.clock.advance(HOUR);
    const pauses = host.reports.map(({ pauseMs }) => pauseMs);
    expect(pauses[0]).toBeGreaterThan(10 * MINUTE);
    expect(Math.min(...pauses)).toBe(1.5 * SECOND);
    expect(host.reports[0]).toMatchObject({
      kind: 'throttled',
      count: 1,
      heldUntil: new Date('2026-06-01T13:00:00.100Z'),
    });
    // The number of requests in a throttled hour.
    expect(host.attempts.length).toBeLessThan(120);
  });
});

describe('in a crowded account', () => {
  /** Throttled until so much was left of the first credentials. */
  async function throttledUntil(leftMs: number): Promise<World> {
    const host = world();
    host.refresher.start();
    await host.clock.advance(MINUTE);
    host.answer = throttled;
    await host.clock.advance(HOUR - leftMs - MINUTE);
    host.answer = undefined;
    while (host.refresher.state().refreshes === 1) await host.clock.advance(SECOND);
    return host;
  }
  const leads = async (host: World, count: number): Promise<number[]> => {
    const minutes: number[] = [];
    while (minutes.length < count) {
      const { refreshes, expiration } = host.refresher.state();
      await host.clock.advance(SECOND);
      if (host.refresher.state().refreshes === refreshes) continue;
      minutes.push(((expiration?.getTime() ?? 0) - host.clock.now().getTime()) / MINUTE);
    }
    return minutes;
  };

  it('refreshes with as much time left as when it was served, and a fifth earlier each time', async () => {
    const host = await throttledUntil(8 * MINUTE);
    const first = ((await leads(host, 1))[0] ?? 0) + 0.1;
    expect(first).toBeGreaterThan(5);
    expect(first).toBeLessThan(8.1);
    const next = await leads(host, 10);
    next.slice(0, 5).forEach((lead, index) => {
      expect(lead / first).toBeCloseTo(1.2 ** (index + 1), 0);
    });
    // Until it is back at the usual.
    expect(next.at(-1)).toBeCloseTo(25, 0);
    expect(host.refresher.state().failures).toBeLessThan(20);
  });

  it('never refreshes with less than five minutes left', async () => {
    const [lead = 0] = await leads(await throttledUntil(MINUTE), 1);
    expect(lead).toBeGreaterThan(4.9);
    expect(lead).toBeLessThan(5.1);
  });

  it('stores the learned limit in a cache, and reads it from one', async () => {
    const host = world();
    host.answer = throttled;
    await expect(get(host)).rejects.toBe(throttled);
    const { leadLimitMs } = host.refresher.state();
    expect(leadLimitMs).toBe(5 * MINUTE);
    const [now, attempts] = [host.clock.now(), [] as Date[]];
    const next = new Refresher({
      create: async () => {
        attempts.push(host.clock.now());
        return { expiration: new Date(host.clock.now().getTime() + HOUR) };
      },
      clock: host.clock,
      initial: { value: { expiration: new Date(now.getTime() + HOUR) }, createdAt: now, leadLimitMs },
    });
    next.start();
    await host.clock.advance(HOUR);
    expect(attempts).toEqual([new Date(now.getTime() + 55 * MINUTE)]);
  });

  it('learns nothing from an outage', async () => {
    const host = world();
    host.refresher.start();
    await host.clock.advance(MINUTE);
    host.answer = unreachable;
    await host.clock.advance(55 * MINUTE);
    host.answer = undefined;
    await host.clock.advance(MINUTE);
    expect((await leads(host, 1))[0]).toBeCloseTo(25, 0);
  });
});

describe('credentials of an earlier process', () => {
  it('are returned at once, and refreshed on their schedule', async () => {
    const host = world({ initial: 30 * MINUTE });
    expect((await host.refresher.get()).serial).toBe(0);
    host.refresher.start();
    await host.clock.advance(4 * MINUTE);
    expect(host.attempts).toEqual([]);
    await host.clock.advance(MINUTE + SECOND);
    expect(host.attempts).toHaveLength(1);
  });

  it('that are due are not refreshed by all hosts in the same second', async () => {
    const firsts = await Promise.all(
      Array.from({ length: 20 }, async (_, seed) => {
        const host = world({ initial: 20 * MINUTE, random: seededRandom(seed) });
        host.refresher.start();
        await host.clock.advance(19 * MINUTE);
        return host.attempts[0] ?? Number.NaN;
      }),
    );
    expect(Math.max(...firsts)).toBeLessThan(15 * MINUTE);
    expect(new Set(firsts.map((ms) => Math.floor(ms / 10_000))).size).toBeGreaterThan(12);
  });

  it('that have expired are ignored', async () => {
    const host = world({ initial: -MINUTE });
    expect(host.refresher.current()).toBeUndefined();
    expect(await get(host)).toBe(1);
  });
});

describe('refreshNow', () => {
  it('sends a request at once, even during a pause', async () => {
    const host = world();
    host.answer = denied;
    await expect(get(host)).rejects.toBe(denied);
    host.answer = undefined;
    const now = host.refresher.refreshNow();
    await host.clock.advance(100);
    expect((await now).serial).toBe(2);
  });

  it('starts once more after the current refresh, which may have read an old certificate', async () => {
    const host = world();
    const [first, second, third] = [
      host.refresher.get(),
      host.refresher.refreshNow(),
      host.refresher.refreshNow(),
    ];
    await host.clock.advance(200);
    expect((await first).serial).toBe(1);
    expect((await second).serial).toBe(2);
    expect((await third).serial).toBe(2);
    expect(host.mostAtOnce).toBe(1);
  });

  it('is stopped with the attempt that it waits for', async () => {
    const host = world();
    const [first, second] = [host.refresher.get(), host.refresher.refreshNow()];
    await host.clock.advance(50);
    host.refresher.stop();
    await expect(first).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    await expect(second).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    await host.clock.advance(HOUR);
    expect(host.attempts).toHaveLength(1);
  });
});

describe('state', () => {
  it('reports refreshes and failures', async () => {
    const host = world();
    host.answer = unreachable;
    await expect(get(host)).rejects.toBe(unreachable);
    expect(host.refresher.state()).toEqual({
      refreshedAt: undefined,
      expiration: undefined,
      refreshes: 0,
      failures: 1,
      lastError: unreachable,
      errorCode: 'ERR_NETWORK',
      failedAt: new Date('2026-06-01T12:00:00.100Z'),
      leadLimitMs: Number.POSITIVE_INFINITY,
    });
    host.answer = undefined;
    await host.clock.advance(MINUTE);
    await get(host);
    expect(host.refresher.state()).toEqual({
      refreshedAt: new Date('2026-06-01T12:01:00.200Z'),
      expiration: new Date('2026-06-01T13:01:00.200Z'),
      refreshes: 1,
      failures: 1,
      lastError: undefined,
      errorCode: undefined,
      failedAt: undefined,
      leadLimitMs: Number.POSITIVE_INFINITY,
    });
  });
});

describe('an attempt that was stopped while another is in progress', () => {
  function manual() {
    const pending: ((value: Credentials) => void)[] = [];
    const clock = virtualClock();
    const refresher = new Refresher<Credentials>({
      // Ignores the signal, as a signer of the caller's may.
      create: () => new Promise((resolve) => pending.push(resolve)),
      clock,
      random: () => 0,
    });
    const answer = async (index: number): Promise<void> => {
      pending[index]?.({ serial: index, expiration: new Date(clock.now().getTime() + HOUR) });
      await clock.advance(0);
    };
    return { refresher, pending, answer };
  }

  it('ends, while the shared attempt goes on; its result is not kept', async () => {
    const { refresher, pending, answer } = manual();
    const stopped = refresher.get();
    refresher.stop();
    const second = refresher.get();
    await answer(0);
    expect(refresher.current()).toBeUndefined();
    const third = refresher.get();
    expect(pending).toHaveLength(2);
    await answer(1);
    expect((await stopped).serial).toBe(0);
    expect([(await second).serial, (await third).serial]).toEqual([1, 1]);
    expect(refresher.current()?.serial).toBe(1);
    expect(refresher.state()).toMatchObject({ refreshes: 1, failures: 0 });
  });

  it('does not begin the attempt that was queued after it', async () => {
    const { refresher, pending, answer } = manual();
    const first = refresher.get();
    const queued = refresher.refreshNow();
    queued.catch(() => undefined);
    refresher.stop();
    const second = refresher.get();
    await answer(0);
    await expect(queued).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    await answer(1);
    expect([(await first).serial, (await second).serial]).toEqual([0, 1]);
    expect(pending).toHaveLength(2);
  });
});

it('passes the context of a call to the attempt that it starts, and to no other', async () => {
  const clock = virtualClock();
  const calls: unknown[] = [];
  const refresher = new Refresher<Expiring, string>({
    create: async ({ call }) => {
      calls.push(call);
      return { expiration: new Date(clock.now().getTime() + HOUR) };
    },
    clock,
    random: () => 0,
  });
  await Promise.all([refresher.get('first'), refresher.get('second')]);
  await refresher.get('third');
  await refresher.refreshNow('fourth');
  refresher.start();
  await clock.advance(36 * MINUTE);
  refresher.stop();
  expect(calls).toEqual(['first', 'fourth', undefined]);
});
