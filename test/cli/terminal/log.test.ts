import { describe, expect, it } from 'vitest';
import type { Output } from '../../../src/cli/terminal/io.js';
import type { LogFormat } from '../../../src/cli/terminal/log.js';
import { errorFields, openLog, refreshEvents } from '../../../src/cli/terminal/log.js';
import { OptionError, TransportError } from '../../../src/errors.js';

const NOW = new Date('2026-06-01T12:00:00Z');

function output(): Output & { readonly written: string[] } {
  const written: string[] = [];
  return {
    written,
    write: (text, callback) => {
      written.push(String(text));
      callback?.();
    },
  };
}

function lines(format: LogFormat, ...events: Parameters<ReturnType<typeof openLog>['info']>[]): string[] {
  const to = output();
  const log = openLog(to, format, () => NOW);
  for (const event of events) log.info(...event);
  return to.written;
}

describe('the log', () => {
  it('writes one JSON object per line', () => {
    const [line = ''] = lines('json', [
      'refreshed',
      {
        expiration: new Date('2026-06-01T13:00:00Z'),
        count: 3,
        isFirst: false,
        role: 'a "b"\nc',
        none: undefined,
      },
    ]);
    expect(line.endsWith('}\n')).toBe(true);
    expect(JSON.parse(line)).toEqual({
      time: '2026-06-01T12:00:00.000Z',
      level: 'info',
      event: 'refreshed',
      expiration: '2026-06-01T13:00:00.000Z',
      count: 3,
      isFirst: false,
      role: 'a "b" c',
    });
  });

  it('writes one line of text, and quotes values with spaces', () => {
    expect(
      lines(
        'text',
        ['refreshed'],
        ['refreshed', { expiration: NOW, why: 'so it is', eq: 'a=b', empty: '', n: 0 }],
      ),
    ).toEqual([
      '2026-06-01T12:00:00.000Z info refreshed\n',
      '2026-06-01T12:00:00.000Z info refreshed expiration=2026-06-01T12:00:00.000Z why="so it is" ' +
        'eq="a=b" empty="" n=0\n',
    ]);
  });

  it.each(['json', 'text'] as const)('in %s, no text starts a second line or moves the cursor', (format) => {
    const [line = ''] = lines(format, ['failed', { message: 'a\r\nb\u2028c\u001b[2Kd\u0085e' }]);
    expect(line.slice(0, -1)).toMatch(/^[\x20-\x7e]+$/);
  });

  it('has three levels', () => {
    const to = output();
    const log = openLog(to, 'text', () => NOW);
    log.info('a');
    log.warn('b');
    log.error('c');
    expect(to.written.map((line) => line.split(' ').slice(1).join(' '))).toEqual([
      'info a\n',
      'warn b\n',
      'error c\n',
    ]);
  });

  it('ignores errors of the output', async () => {
    const gone: Output = {
      write: (_text, callback) => callback?.(new Error('EPIPE')),
    };
    expect(() => openLog(gone, 'json', () => NOW).info('a')).not.toThrow();
    // An unhandled rejection would end the process.
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('shows code, message and hint of an error of this package, and only the class of others', () => {
    expect(errorFields(new OptionError('ERR_OPTION_INVALID', 'no\nsuch'))).toEqual({
      code: 'ERR_OPTION_INVALID',
      message: 'no such',
      hint: undefined,
    });
    expect(errorFields(new TypeError('of SECRET'))).toEqual({
      code: 'ERR_UNEXPECTED',
      message: 'unexpected TypeError',
      hint: undefined,
    });
    expect(errorFields('SECRET').message).toBe('unexpected string');
  });

  it('logs refreshes, failures, and whether credentials are left', () => {
    const to = output();
    const events = refreshEvents(
      openLog(to, 'text', () => NOW),
      { role: 'Demo' },
    );
    const error = new TransportError('ERR_NETWORK', 'no answer', { hint: 'check the network' });
    const report = { error, kind: 'passing', count: 2, pauseMs: 1500 } as const;
    events.onRefreshed({ expiration: NOW });
    events.onFailed({ ...report, heldUntil: NOW });
    events.onFailed({ ...report, heldUntil: undefined });
    const failed =
      'refresh-failed role=Demo code=ERR_NETWORK message="no answer" hint="check the network" ' +
      'kind=passing count=2 retryInSeconds=2';
    expect(to.written.map((line) => line.trimEnd().split(' ').slice(1).join(' '))).toEqual([
      'info refreshed role=Demo expiration=2026-06-01T12:00:00.000Z',
      `warn ${failed} heldUntil=2026-06-01T12:00:00.000Z`,
      `error ${failed}`,
    ]);
  });
});
