import { describe, expect, it, vi } from 'vitest';
import { IdentityError, OptionError, ServiceError, TransportError } from '../../src/errors.js';
import { isRetryable, retry } from '../../src/session/retry.js';

function service(code: ServiceError['code'], status: number, retryAfterMs?: number): ServiceError {
  return new ServiceError(code, `status ${status}`, { status, retryAfterMs });
}

const BUSY = service('ERR_SERVICE_THROTTLED', 429);

/** The time that it has waited, in milliseconds. */
const waits = vi.hoisted((): number[] => []);

/** Replaces the clock, so that tests do not wait. */
vi.mock('node:timers/promises', async (importOriginal) => {
  const { setTimeout: sleep } = await importOriginal<typeof import('node:timers/promises')>();
  return {
    setTimeout: (delayMs: number, value: undefined, options: { signal: AbortSignal }) => {
      waits.push(delayMs);
      return sleep(0, value, options);
    },
  };
});

/** Fails as often as there are errors, then succeeds. */
async function run(errors: readonly Error[], { random = 0, remainingMs = 60_000 } = {}) {
  waits.length = 0;
  let attempts = 0;
  const attempt = async (): Promise<string> => {
    const error = errors[attempts++];
    if (error !== undefined) throw error;
    return 'done';
  };
  const { signal } = new AbortController();
  const context = { signal, random: () => random, remainingMs: () => remainingMs };
  const result = await retry(attempt, context).catch((error: unknown) => error);
  return { result, attempts, waits: [...waits] };
}

describe('retries', () => {
  it.each<[string, Error, boolean]>([
    ['a lost connection', new TransportError('ERR_NETWORK', 'x'), true],
    ['a time-out', new TransportError('ERR_TIMEOUT', 'x'), true],
    ['throttling', BUSY, true],
    ['throttling by name', service('ERR_SERVICE_THROTTLED', 400), true],
    ['500', service('ERR_SERVICE_FAILED', 500), true],
    ['502', service('ERR_SERVICE_FAILED', 502), true],
    ['503', service('ERR_SERVICE_FAILED', 503), true],
    ['504', service('ERR_SERVICE_FAILED', 504), true],
    ['501', service('ERR_SERVICE_FAILED', 501), false],
    ['400', service('ERR_SERVICE_DENIED', 400), false],
    ['403', service('ERR_SERVICE_DENIED', 403), false],
    ['404', service('ERR_SERVICE_DENIED', 404), false],
    ['an answer that is none', service('ERR_RESPONSE_INVALID', 201), false],
    ['a TLS failure', new TransportError('ERR_TLS', 'x'), false],
    ['an abort', new TransportError('ERR_ABORTED', 'x'), false],
    ['an identity', new IdentityError('ERR_KEY_MISMATCH', 'x'), false],
    ['an option', new OptionError('ERR_OPTION_INVALID', 'x'), false],
    ['a defect', new TypeError('x'), false],
  ])('%s', async (_name, error, expected) => {
    expect(isRetryable(error)).toBe(expected);
    const { result, attempts } = await run([error]);
    expect(result).toBe(expected ? 'done' : error);
    expect(attempts).toBe(expected ? 2 : 1);
  });
});

describe('retry', () => {
  it('makes one attempt if it succeeds', async () => {
    expect(await run([])).toEqual({ result: 'done', attempts: 1, waits: [] });
  });

  it('tries three times and throws the last error', async () => {
    const last = service('ERR_SERVICE_FAILED', 503);
    const { result, attempts } = await run([BUSY, BUSY, last, BUSY]);
    expect(result).toBe(last);
    expect(attempts).toBe(3);
  });

  it.each([
    [0, [0, 0]],
    [0.5, [250, 500]],
    [0.998, [499, 998]],
  ])('waits with jitter, twice as long the second time (random %s)', async (random, expected) => {
    expect(await run([BUSY, BUSY], { random })).toEqual({ result: 'done', attempts: 3, waits: expected });
  });

  it('waits as long as the service asks', async () => {
    const asking = service('ERR_SERVICE_THROTTLED', 429, 7000);
    expect(await run([asking], { random: 0.9 })).toMatchObject({ result: 'done', waits: [7000] });
  });

  it('fails at once if Retry-After exceeds the time left', async () => {
    const asking = service('ERR_SERVICE_THROTTLED', 429, 7000);
    expect(await run([asking], { remainingMs: 7000 })).toEqual({ result: asking, attempts: 1, waits: [] });
    expect(await run([asking], { remainingMs: 7001 })).toMatchObject({ result: 'done', waits: [7000] });
  });

  it('stops waiting when the signal is aborted', async () => {
    const controller = new AbortController();
    const outcome = retry(
      async () => {
        queueMicrotask(() => controller.abort());
        throw service('ERR_SERVICE_THROTTLED', 429, 600_000);
      },
      { signal: controller.signal, random: () => 0, remainingMs: () => 900_000 },
    );
    await expect(outcome).rejects.toMatchObject({ name: 'AbortError' });
  });
});
