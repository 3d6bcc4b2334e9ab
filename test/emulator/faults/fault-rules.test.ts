/** The syntax of faults, and the decisions, without a socket. */
import { describe, expect, it } from 'vitest';
import { formatFault, parseFaults } from '../../../src/emulator/faults/fault-rules.js';
import { createFaults } from '../../../src/emulator/faults/faults.js';
import { OptionError } from '../../../src/errors.js';

const AT = new Date('2026-06-01T12:00:00Z');
const after = (ms: number) => new Date(AT.getTime() + ms);

describe('text and objects are equivalent', () => {
  it.each([
    ['latency=50', { latency: 50 }],
    ['throttle', { throttle: true }],
    ['throttle=0.5,retry-after=3', { throttle: 0.5, retryAfter: 3 }],
    ['error=503,count=3', { error: 503, count: 3 }],
    ['reset,rate=0.1', { reset: true, rate: 0.1 }],
    ['stall,operation=CreateSession', { stall: true, operation: 'CreateSession' }],
    ['truncate', { truncate: true }],
    ['content-type=text/html; charset=utf-8'.replace('; ', ';'), undefined],
    ['content-type', { contentType: true }],
    ['date-skew=-600', { dateSkew: -600 }],
  ] as const)('%s', (text, object) => {
    // A semicolon separates rules, so a media type in text has no parameters.
    if (object === undefined) expect(() => parseFaults(text)).toThrow(OptionError);
    else expect(parseFaults(text)).toEqual(parseFaults(object));
  });

  it('one, several in one text, a list of both', () => {
    const expected = [{ latency: 5 }, { reset: true, count: 2 }];
    expect(parseFaults('latency=5;reset,count=2')).toEqual(expected);
    expect(parseFaults(' latency = 5 ; reset , count = 2 ; ')).toEqual(expected);
    expect(parseFaults(['latency=5', { reset: true, count: 2, rate: undefined }])).toEqual(expected);
    expect(parseFaults([])).toEqual([]);
  });

  it('and are formatted as text', () => {
    const text = 'date-skew=-600,rate=0.5,count=3,operation=CreateSession';
    expect(parseFaults(text).map(formatFault)).toEqual([text]);
    expect(parseFaults('throttle;content-type;stall').map(formatFault)).toEqual([
      'throttle=10',
      'content-type=text/html',
      'stall',
    ]);
  });
});

describe('invalid faults are refused', () => {
  const rows: ReadonlyArray<readonly [source: unknown, code: string, message: string]> = [
    ['eror=503', 'ERR_OPTION_UNKNOWN', 'unknown fault "eror", did you mean "error"?'],
    ['contentType=a/b', 'ERR_OPTION_UNKNOWN', 'unknown fault "contentType", did you mean "content-type"?'],
    [
      { 'content-type': 'a/b' },
      'ERR_OPTION_UNKNOWN',
      'unknown fault "content-type", did you mean "contentType"?',
    ],
    [{ latencyMs: 5 }, 'ERR_OPTION_UNKNOWN', 'unknown fault "latencyMs", did you mean "latency"?'],
    ['error=200', 'ERR_OPTION_INVALID', 'fault error must be a whole number from 400 to 599, found "200"'],
    [
      'error=503.5',
      'ERR_OPTION_INVALID',
      'fault error must be a whole number from 400 to 599, found "503.5"',
    ],
    [
      'latency',
      'ERR_OPTION_INVALID',
      'fault latency must be a whole number of milliseconds from 0 to 600000, found none',
    ],
    [
      'latency=',
      'ERR_OPTION_INVALID',
      'fault latency must be a whole number of milliseconds from 0 to 600000, found ""',
    ],
    ['reset=no', 'ERR_OPTION_INVALID', 'fault reset must be true, found "no"'],
    [{ reset: false }, 'ERR_OPTION_INVALID', 'fault reset must be true, found a value of type boolean'],
    ['reset,rate=0', 'ERR_OPTION_INVALID', 'fault rate must be a probability above 0 up to 1, found "0"'],
    [{ reset: true, rate: Number.NaN }, 'ERR_OPTION_INVALID', 'found "NaN"'],
    ['reset,count=0', 'ERR_OPTION_INVALID', 'fault count must be a whole number from 1 to 1000000'],
    ['content-type=html', 'ERR_OPTION_INVALID', 'fault content-type must be a media type, found "html"'],
    [
      { contentType: 'a/b\r\nX: y' },
      'ERR_OPTION_INVALID',
      'fault contentType must be a media type, found [redacted',
    ],
    [
      'reset,operation=POST /sessions',
      'ERR_OPTION_INVALID',
      'fault operation must be the name of an operation',
    ],
    ['count=3', 'ERR_OPTION_MISSING', 'a fault must have one of latency, throttle, error, reset, stall,'],
    [
      'error=503,reset',
      'ERR_OPTION_CONFLICT',
      'a fault is one thing, found error and reset: give each its own',
    ],
    ['error=503,error=500', 'ERR_OPTION_CONFLICT', 'fault error is given twice'],
    ['reset,retry-after=1', 'ERR_OPTION_CONFLICT', 'fault retry-after goes with error and throttle alone'],
    [
      5,
      'ERR_OPTION_INVALID',
      'a fault must be text such as error=503,count=3 or an object, found a value of',
    ],
    [[null], 'ERR_OPTION_INVALID', 'found null'],
    [
      'reset,operation=CreateSesion',
      'ERR_OPTION_UNKNOWN',
      'unknown operation "CreateSesion" of a fault, did you mean "CreateSession"?',
    ],
  ];
  it.each(rows)('%j', (source, code, message) => {
    const { faults } = createFaults(['CreateSession', 'GetCallerIdentity']);
    faults.set('latency=1');
    let error: unknown;
    try {
      faults.set(source as string);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(OptionError);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
    // The earlier faults stay.
    expect(faults.list()).toEqual([{ latency: 1, struck: 0 }]);
  });
});

describe('decisions', () => {
  /** The struck requests as `x`, the others as `.`. */
  function strikes(
    source: string,
    times: readonly Date[],
    seed?: number,
    operation = 'CreateSession',
  ): string {
    const { faults, decide } = createFaults(['CreateSession', 'GetCallerIdentity']);
    faults.set(source, seed);
    return times.map((at) => (decide(operation, at) === undefined ? '.' : 'x')).join('');
  }
  const atOnce = (count: number) => Array<Date>(count).fill(AT);

  it('by count: the first requests only', () => {
    expect(strikes('error=503,count=3', atOnce(6))).toBe('xxx...');
  });

  it('by rate: about as often, and reproducible by seed', () => {
    const first = strikes('error=503,rate=0.25', atOnce(4000), 7);
    const share = first.replaceAll('.', '').length / 4000;
    // Four standard deviations.
    expect(Math.abs(share - 0.25)).toBeLessThan(0.0275);
    expect(strikes('error=503,rate=0.25', atOnce(4000), 7)).toBe(first);
    expect(strikes('error=503,rate=0.25', atOnce(4000), 8)).not.toBe(first);
    expect(strikes('error=503,rate=0.25', atOnce(4000))).toBe(
      strikes('error=503,rate=0.25', atOnce(4000), 1),
    );
  });

  it('by operation', () => {
    expect(strikes('error=503,operation=CreateSession', atOnce(1), 1, 'GetCallerIdentity')).toBe('.');
    expect(strikes('error=503', atOnce(1), 1, 'GetCallerIdentity')).toBe('x');
    expect(strikes('throttle=0', atOnce(1), 1, 'GetCallerIdentity')).toBe('.');
    expect(strikes('throttle=0,operation=*', atOnce(1), 1, 'GetCallerIdentity')).toBe('x');
  });

  it('throttling: a number of requests per second, at once or spread', () => {
    expect(strikes('throttle', atOnce(12))).toBe('..........xx');
    expect(strikes('throttle=2', [0, 0, 0, 500, 500, 1000, 9000, 9000, 9000].map(after))).toBe('..x.x...x');
    expect(strikes('throttle=0.5', [0, 1000, 1999, 2000].map(after))).toBe('.xx.');
    expect(strikes('throttle=0,count=2', atOnce(4))).toBe('xx..');
    // A clock that is set back adds no tokens, and counting goes on from there.
    expect(strikes('throttle=1', [1000, 0, 500, 1000].map(after))).toBe('.xx.');
  });

  it('several rules strike one request, but only one replaces the answer', () => {
    const { faults, decide } = createFaults(['CreateSession', 'GetCallerIdentity']);
    faults.set(['latency=20', 'error=503,count=1', 'latency=30', 'reset,count=1', 'date-skew=60']);
    expect(decide('CreateSession', AT)).toMatchObject({
      delivery: { delayMs: 50 },
      refusal: { status: 503, type: 'ServiceUnavailableException' },
      dateSkewMs: 60_000,
      note: 'fault: latency=20; error=503,count=1; latency=30; date-skew=60',
    });
    expect(decide('CreateSession', AT)).toMatchObject({
      delivery: { delayMs: 50, cut: 'reset' },
      refusal: undefined,
    });
    expect(decide('CreateSession', AT)?.delivery).toEqual({ delayMs: 50 });
    expect(faults.list().map(({ struck }) => struck)).toEqual([3, 1, 3, 1, 3]);
    faults.clear();
    expect(decide('CreateSession', AT)).toBeUndefined();
    expect(faults.list()).toEqual([]);
  });
});
