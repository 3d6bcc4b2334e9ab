/**
 * A container endpoint for one child: a free port on loopback and a token of its own, with a session kept
 * fresh.
 */
import { hostname, networkInterfaces } from 'node:os';
import { keepFresh } from '../../credentials/keep-fresh.js';
import type { SessionSource } from '../../credentials/session-source.js';
import type { Settings } from '../../session/settings.js';
import { listenOnTcp } from '../serve/listen.js';
import { describeMachine } from '../serve/machine-facts.js';
import { CONTAINER_PATH, createRoutes } from '../serve/routes.js';
import { randomToken } from '../serve/tokens.js';
import type { Log } from '../terminal/log.js';
import { refreshEvents } from '../terminal/log.js';

export interface PrivateEndpoint {
  readonly url: string;
  readonly token: string;
  /** Of the credentials. */
  readonly accountId: string;
  close(): Promise<void>;
}

/**
 * @param log receives failed refreshes
 * @param attempts how often the first session is tried
 * @throws as `createSession` for the first session; OutputError `ERR_LISTEN`
 */
export async function openPrivateEndpoint(
  settings: Settings,
  source: SessionSource,
  {
    log,
    attempts,
    now,
  }: { readonly log: Log; readonly attempts: number | undefined; readonly now: () => Date },
): Promise<PrivateEndpoint> {
  const { onFailed } = refreshEvents(log);
  let isStarted = false;
  // The command itself reports the first failure.
  const { refresher } = await keepFresh(source, { onFailed: (report) => isStarted && onFailed(report) });
  const { accountId } = await refresher.get({ attempts });
  isStarted = true;
  const token = randomToken();
  const role = {
    name: 'exec',
    region: settings.region,
    accountId,
    current: () => refresher.current(),
    status: () => refresher.state(),
  };
  const routes = createRoutes({
    roles: [role],
    ...{ containerToken: token, metricsToken: token, hasImds: false, allowedHosts: new Set<string>(), now },
    machine: describeMachine(hostname(), networkInterfaces),
    onRefused: () => {},
  });
  const listening = { routes, peerOf: () => 'local' as const, onClosed: () => {} };
  const listener = await listenOnTcp(listening, { hosts: ['127.0.0.1'], port: 0 });
  // The loop does not keep this process alive: the child does.
  refresher.start();
  return {
    url: `${listener.addresses[0]}${CONTAINER_PATH}`,
    token,
    accountId,
    close: async () => {
      refresher.stop();
      await listener.close();
    },
  };
}
