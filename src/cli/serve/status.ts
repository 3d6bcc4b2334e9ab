/**
 * Formats the state of the served roles for `/healthz`, and for `/metrics` in the text format of Prometheus
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Names and times, never a secret.
 */
import { wholeSeconds } from '../../credentials/process-json.js';
import type { LocalResponse } from './guard.js';
import { json } from './guard.js';
import type { ServedRole } from './served-role.js';

/** Answered requests, by route and by status of the answer. */
export interface RequestCounts {
  count(route: string, status: number): void;
  entries(): Iterable<readonly [labels: string, count: number]>;
}

export function createRequestCounts(): RequestCounts {
  // Two levels rather than labels as keys: this runs for each request.
  const counts = new Map<string, Map<number, number>>();
  return {
    count(route, status) {
      const byStatus = counts.get(route) ?? new Map<number, number>();
      counts.set(route, byStatus.set(status, (byStatus.get(status) ?? 0) + 1));
    },
    entries: () =>
      [...counts].flatMap(([route, byStatus]) =>
        [...byStatus].map(([status, count]) => [`route="${route}",status="${status}"`, count] as const),
      ),
  };
}

/**
 * 200 if every role has valid credentials, else 503.
 *
 * @param isBrief only the status, for other hosts, which must not see names and times of roles
 */
export function formatHealth(roles: readonly ServedRole[], isBrief: boolean): LocalResponse {
  const states = roles.map((role) => {
    const { expiration, errorCode } = role.status();
    const isReady = role.current() !== undefined;
    return {
      name: role.name,
      ready: isReady,
      ...(expiration && { expiration: wholeSeconds(expiration) }),
      ...(errorCode !== undefined && { error: errorCode }),
    };
  });
  const isOk = states.every(({ ready }) => ready);
  const status = isOk ? 'ok' : 'unavailable';
  return json(isOk ? 200 : 503, isBrief ? { status } : { status, roles: states });
}

export function formatMetrics(roles: readonly ServedRole[], requests: RequestCounts): LocalResponse {
  const states = roles.map((role) => ({ labels: `role="${role.name}"`, ...role.status() }));
  const family = (name: string, type: string, help: string, samples: string[]): string[] =>
    samples.length === 0
      ? []
      : [`# HELP rolesanywhere_${name} ${help}`, `# TYPE rolesanywhere_${name} ${type}`, ...samples];
  const perRole = (name: string, value: (state: (typeof states)[number]) => number | undefined): string[] =>
    states.flatMap((state) => {
      const number = value(state);
      return number === undefined ? [] : [`rolesanywhere_${name}{${state.labels}} ${number}`];
    });
  const expiry = 'credentials_expiration_timestamp_seconds';
  const lines = [
    ...family(
      expiry,
      'gauge',
      'When the current credentials expire.',
      perRole(expiry, ({ expiration }) => expiration && expiration.getTime() / 1000),
    ),
    ...family(
      'refreshes_total',
      'counter',
      'Sessions obtained.',
      perRole('refreshes_total', ({ refreshes }) => refreshes),
    ),
    ...family(
      'refresh_failures_total',
      'counter',
      'Attempts to obtain a session that failed.',
      perRole('refresh_failures_total', ({ failures }) => failures),
    ),
    ...family(
      'requests_total',
      'counter',
      'Requests answered.',
      Array.from(requests.entries(), ([labels, count]) => `rolesanywhere_requests_total{${labels}} ${count}`),
    ),
  ];
  return { status: 200, body: `${lines.join('\n')}\n`, contentType: 'text/plain; version=0.0.4' };
}
