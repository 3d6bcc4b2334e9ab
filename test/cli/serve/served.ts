/** A role with credentials that are no one's, and requests to its routes as a client on this machine sends them. */
import type { LocalRequest, LocalResponse } from '../../../src/cli/serve/guard.js';
import type { Routes } from '../../../src/cli/serve/routes.js';
import { createRoutes } from '../../../src/cli/serve/routes.js';
import type { RoleStatus, ServedRole } from '../../../src/cli/serve/served-role.js';

export const NOW = new Date('2026-03-01T12:00:00.250Z');
export const TOKEN = 'a-container-token-of-more-than-32-letters';

export interface Held {
  role: ServedRole;
  /** What the refresher would change. */
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

export function makeWorld(containerToken: string | null = TOKEN): World {
  const held = makeRole();
  const world: World = {
    held,
    now: NOW,
    routes: createRoutes({
      roles: [held.role, makeRole('Backup').role],
      containerToken: containerToken ?? undefined,
      now: () => world.now,
    }),
    ask: (method, target, headers = {}, peer = 'loopback') =>
      world.routes({ method, target, headers: { host: '127.0.0.1:9911', ...headers }, peer }),
    session: () => ({
      'x-aws-ec2-metadata-token': world.ask('PUT', '/latest/api/token', {
        'x-aws-ec2-metadata-token-ttl-seconds': '21600',
      }).body,
    }),
  };
  return world;
}
