/**
 * Writes the log of long-running commands: one line for each event, JSON for machines, `name=value` for
 * people.
 *
 * A line has the fields of the call and nothing else: no object is printed whole, so that no secret inside
 * one is printed. Control characters become spaces, so that text from the network cannot forge a second line.
 */
import type { Expiring, FailureReport } from '../../credentials/refresher.js';
import { isRolesAnywhereError, oneLine } from '../../errors.js';
import type { Output } from './io.js';
import { say } from './io.js';

export type LogFormat = 'json' | 'text';

type Level = 'info' | 'warn' | 'error';

type Field = string | number | boolean | Date | undefined;

/** Fields by camel-case name; undefined ones are left out. */
export type Fields = Readonly<Record<string, Field>>;

export interface Log {
  /** @param event what happened, in kebab-case: `refreshed`, `refresh-failed`, `listening` */
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
}

/** Writes without waiting and ignores write errors. */
export function openLog(output: Output, format: LogFormat, now: () => Date): Log {
  const write =
    (level: Level) =>
    (event: string, fields: Fields = {}): void => {
      const all = { time: now(), level, event, ...fields };
      say(output, `${format === 'json' ? formatJson(all) : formatText(all)}\n`);
    };
  return { info: write('info'), warn: write('warn'), error: write('error') };
}

const DAY_MS = 86_400_000;

/** Warnings about the state of things, not about what has happened. */
const STANDING = new Set(['warning', 'file-mode']);

/**
 * Drops repeated warnings: the identity is loaded and the profile is written at each refresh, with the same
 * warnings each time. A warning is logged again after a day without it.
 */
export function withoutRepeats(log: Log, now: () => Date): Log {
  const seen = new Map<string, number>();
  return {
    ...log,
    warn: (event, fields) => {
      const isRepeatable = !STANDING.has(event);
      const key = JSON.stringify(fields);
      const [at, last] = [now().getTime(), seen.get(key)];
      seen.set(key, at);
      if (isRepeatable || last === undefined || at - last > DAY_MS) log.warn(event, fields);
    },
  };
}

/**
 * The fields of an error that may be logged. Messages of foreign errors are left out: Node quotes values in
 * some, and a value may be a secret.
 */
export function errorFields(error: unknown): { code: string; message: string; hint: string | undefined } {
  if (isRolesAnywhereError(error)) {
    return { code: error.code, message: error.message, hint: error.hint };
  }
  const name = error instanceof Error ? error.name : typeof error;
  return { code: 'ERR_UNEXPECTED', message: `unexpected ${name}`, hint: undefined };
}

/**
 * Logs the two events of a refresher. @param fields further fields of each line, such as the role
 */
export function refreshEvents(
  log: Log,
  fields: Fields = {},
): { onRefreshed(value: Expiring): void; onFailed(report: FailureReport): void } {
  return {
    onRefreshed: ({ expiration }) => log.info('refreshed', { ...fields, expiration }),
    onFailed: ({ error, kind, count, pauseMs, heldUntil }) =>
      log[heldUntil === undefined ? 'error' : 'warn']('refresh-failed', {
        ...fields,
        ...errorFields(error),
        kind,
        count,
        retryInSeconds: Math.ceil(pauseMs / 1000),
        heldUntil,
      }),
  };
}

function formatJson(fields: Fields): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, plain(value)])),
  );
}

/**
 * `2026-06-01T12:00:00.000Z info refreshed expiration=2026-06-01T13:00:00.000Z`: values with spaces are
 * quoted.
 */
function formatText({ time, level, event, ...rest }: Fields): string {
  const pairs = Object.entries(rest).flatMap(([name, field]) => {
    const value = plain(field);
    if (value === undefined) return [];
    const text = String(value);
    return [`${name}=${/^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)}`];
  });
  return [plain(time), level, event, ...pairs].join(' ');
}

function plain(value: Field): string | number | boolean | undefined {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string' ? oneLine(value) : value;
}
