/** Makes roles with fake credentials, and sends requests to their routes as a client on this machine. */
import type { LocalRequest, LocalResponse } from '../../../src/cli/serve/guard.js';
import type { Routes, RoutesOptions } from '../../../src/cli/serve/routes.js';
import { createRoutes } from '../../../src/cli/serve/routes.js';
import type { RoleStatus, ServedRole } from '../../../src/cli/serve/served-role.js';

export const NOW = new Date('2026-03-01T12:00:00.250Z');
export const TOKEN = 'a-container-token-of-more-than-32-letters';

export interface Held {
  role: ServedRole;
  /** Changed by the refresher in a real server. */
  expiration: Date | undefined;
  errorCode: string | undefined;
}

export function makeRole(name = 'Demo'): Held {
  const held: Held = {
    expiration: new Date('2026-03-01T13:00:00.000Z'),
    errorCode: undefined,
    role: {
      name,
      region: 'eu-west-1',
      accountId: '111122223333',
      current: () =>
        held.expiration && {
          accessKeyId: `ASIA-${name}`,
          secretAccessKey: 'the-secret',
          sessionToken: 'the-session-token',
          expiration: held.expiration,
          accountId: '111122223333',
        },
      status: (): RoleStatus => ({
        refreshedAt: NOW,
        expiration: held.expiration,
        refreshes: 3,
        failures: 1,
        errorCode: held.errorCode,
      }),
    },
  };
  return held;
}

export interface World {
  readonly held: Held;
  readonly routes: Routes;
  /** Each refusal, as `route reason`. */
  readonly refusals: string[];
  now: Date;
  ask(
    method: string,
    target: string,
    headers?: LocalRequest['headers'],
    peer?: LocalRequest['peer'],
  ): LocalResponse;
  /** Headers with a token of IMDSv2. */
  session(): LocalRequest['headers'];
}

export function makeWorld(options: Partial<RoutesOptions> = {}): World {
  const held = makeRole();
  const world: World = {
    held,
    refusals: [],
    now: NOW,
    routes: createRoutes({
      roles: [held.role, makeRole('Backup').role],
      containerToken: TOKEN,
      metricsToken: undefined,
      hasImds: true,
      allowedHosts: new Set(),
      machine: { instanceId: 'i-0123456789abcdef0', hostname: 'host-1', address: '10.1.2.3' },
      now: () => world.now,
      onRefused: (route, reason) => world.refusals.push(`${route} ${reason}`),
      ...options,
    }),
    ask: (method, target, headers = {}, peer = 'local') =>
      world.routes({ method, target, headers: { host: '127.0.0.1:9911', ...headers }, peer }),
    session: () => ({
      'x-aws-ec2-metadata-token': world.ask('PUT', '/latest/api/token', {
        'x-aws-ec2-metadata-token-ttl-seconds': '21600',
      }).body,
    }),
  };
  return world;
}
