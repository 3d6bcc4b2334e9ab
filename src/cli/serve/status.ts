/**
 * The state of the served roles in, what a watcher reads out: `/healthz`, and `/metrics` in the text format of Prometheus
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Names and moments, never a secret.
 */
import { wholeSeconds } from '../../credentials/process-json.js';
import type { LocalResponse } from './guard.js';
import { json } from './guard.js';
import type { ServedRole } from './served-role.js';

/** Answered requests, by what was asked for and the status of the answer. */
export interface RequestCounts {
  count(route: string, status: number): void;
  entries(): Iterable<readonly [labels: string, count: number]>;
}

export function createRequestCounts(): RequestCounts {
  const counts = new Map<string, number>();
  return {
    count(route, status) {
      const labels = `route="${route}",status="${status}"`;
      counts.set(labels, (counts.get(labels) ?? 0) + 1);
    },
    entries: () => counts,
  };
}

/** 200 where every role has valid credentials, else 503. */
export function formatHealth(roles: readonly ServedRole[]): LocalResponse {
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
  return json(isOk ? 200 : 503, { status: isOk ? 'ok' : 'unavailable', roles: states });
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
      'When the credentials in hand expire.',
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
      [...requests.entries()].map(([labels, count]) => `rolesanywhere_requests_total{${labels}} ${count}`),
    ),
  ];
  return { status: 200, body: `${lines.join('\n')}\n`, contentType: 'text/plain; version=0.0.4' };
}
