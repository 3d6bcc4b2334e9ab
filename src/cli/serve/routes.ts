/**
 * Answers each request to `serve` from the roles that it keeps fresh: IMDSv2, the container endpoint, the
 * JSON of `credential_process`, and the endpoints for monitoring. Nothing here waits for the network.
 *
 * Source: "Container credential provider" (AWS SDKs and Tools reference) for `Authorization`; `imds.ts` for
 * the rest.
 */
import type { LocalRequest, LocalResponse, RefusalReason } from './guard.js';
import { json, pathOf, refusalOf, refuse, refuseAsJson } from './guard.js';
import { createImds, decoded, isImdsPath, notAllowed, notFound, routeOfImds } from './imds.js';
import type { MachineFacts } from './machine-facts.js';
import type { ServedRole } from './served-role.js';
import { containerCredentials, processCredentials, unavailable } from './served-role.js';
import { createRequestCounts, formatHealth, formatMetrics } from './status.js';
import { createSessionTokens, createTokenCheck } from './tokens.js';

/** The path for `AWS_CONTAINER_CREDENTIALS_FULL_URI`, for the first role. */
export const CONTAINER_PATH = '/credentials';

/** The path for `credential_process = curl …`, for the first role. */
export const PROCESS_PATH = '/credential-process';

const ROLE_PATH = /^\/role\/([^/]+)(\/credential-process)?$/;

export interface RoutesOptions {
  /** The first one is the default, and the only one that IMDS shows. */
  readonly roles: readonly [ServedRole, ...ServedRole[]];
  /** The token of the container endpoint. Without it, only the Unix socket has that endpoint. */
  readonly containerToken: string | undefined;
  /** The token of `/metrics`. Without it, clients on this machine need none. */
  readonly metricsToken: string | undefined;
  readonly hasImds: boolean;
  /** Additional host names that requests may have, in lower case. */
  readonly allowedHosts: ReadonlySet<string>;
  readonly machine: MachineFacts;
  readonly now: () => Date;
  /** Called for each refused request. */
  readonly onRefused: (route: string, reason: RefusalReason) => void;
}

export type Routes = (request: LocalRequest) => LocalResponse;

type Answer = readonly [route: string, response: LocalResponse];

export function createRoutes(options: RoutesOptions): Routes {
  const { roles, allowedHosts, hasImds, machine, now, onRefused } = options;
  const imds = createImds(roles[0], machine, createSessionTokens());
  const forContainer = createContainerRoutes(options);
  const isMetricsToken = checkOf(options.metricsToken);
  const requests = createRequestCounts();

  function answer(request: LocalRequest): Answer {
    const path = pathOf(request.target);
    const refusal = refusalOf(request, path, allowedHosts);
    if (refusal !== undefined) return ['refused', refusal];
    if (isImdsPath(path)) {
      const route = routeOfImds(path);
      return [route, hasImds ? imds.answer(request, path, now()) : withoutImds()];
    }
    if (request.method !== 'GET') return ['other', notAllowed('GET')];
    if (path === '/healthz') return ['healthz', formatHealth(roles, request.peer === 'network')];
    if (path === '/metrics') return ['metrics', forMetrics(request)];
    return forContainer(request, path) ?? ['other', notFound()];
  }

  function forMetrics({ headers, peer }: LocalRequest): LocalResponse {
    if (peer === 'socket') return formatMetrics(roles, requests);
    if (isMetricsToken !== undefined) {
      const shown = headers['authorization']?.toString().replace(/^Bearer /i, '');
      return refusalOfToken(shown, isMetricsToken) ?? formatMetrics(roles, requests);
    }
    return peer === 'local'
      ? formatMetrics(roles, requests)
      : refuse(403, 'not-local', 'other hosts need the token of --metrics-token-file');
  }

  return (request) => {
    const [route, response] = answer(request);
    requests.count(route, response.status);
    if (response.reason !== undefined) onRefused(route, response.reason);
    return response;
  };
}

/** The handler until there are roles: the port is opened before anything else. */
export const startingRoutes: Routes = (request) =>
  refusalOf(request, pathOf(request.target), new Set()) ?? unavailable();

interface Endpoint {
  readonly route: 'container' | 'credential-process';
  /** Undefined for the first role. */
  readonly name: string | undefined;
}

/** @returns undefined for a path that does not lead to credentials */
function endpointOf(path: string): Endpoint | undefined {
  if (path === CONTAINER_PATH) return { route: 'container', name: undefined };
  if (path === PROCESS_PATH) return { route: 'credential-process', name: undefined };
  const [, segment, suffix] = ROLE_PATH.exec(path) ?? [];
  if (segment === undefined) return undefined;
  return { route: suffix === undefined ? 'container' : 'credential-process', name: decoded(segment) };
}

/** @returns undefined for a path that does not lead to credentials */
function createContainerRoutes({ roles, containerToken }: RoutesOptions) {
  const isContainerToken = checkOf(containerToken);
  const byName = new Map(roles.map((role) => [role.name, role]));
  return ({ headers, peer }: LocalRequest, path: string): Answer | undefined => {
    const endpoint = endpointOf(path);
    if (endpoint === undefined) return undefined;
    const { route, name } = endpoint;
    // The permissions of the socket are the token: a client that can open it may read the credentials.
    const isTrusted = peer === 'socket';
    const refusal = isTrusted ? undefined : refusalOfToken(headers['authorization'], isContainerToken);
    if (refusal !== undefined) return [route, refusal];
    const role = name === undefined ? roles[0] : byName.get(name);
    if (role === undefined) return [route, unknownRole(roles)];
    return [route, route === 'container' ? containerCredentials(role) : processCredentials(role)];
  };
}

function checkOf(token: string | undefined): ((shown: string) => boolean) | undefined {
  return token === undefined ? undefined : createTokenCheck(token);
}

/** @param isToken undefined if the endpoint has no token, and so no client */
function refusalOfToken(
  shown: string | string[] | undefined,
  isToken: ((shown: string) => boolean) | undefined,
): LocalResponse | undefined {
  if (isToken === undefined) return withoutToken();
  const refusal = (reason: RefusalReason, Message: string) =>
    refuseAsJson(401, reason, { Code: 'Unauthorized', Message });
  if (shown === undefined) return refusal('authorization-missing', 'Authorization is missing');
  return isToken(String(shown))
    ? undefined
    : refusal('authorization-wrong', 'Authorization does not hold the token');
}

function withoutToken(): LocalResponse {
  return refuse(404, 'no-container-token', 'not found: this endpoint needs --token-file');
}

function withoutImds(): LocalResponse {
  return refuse(404, 'imds-off', 'not found: IMDS is off; --imds turns it on');
}

/** Only clients that may read the credentials of all roles learn their names. */
function unknownRole(roles: RoutesOptions['roles']): LocalResponse {
  const names = roles.map(({ name }) => name);
  return {
    ...json(404, { Code: 'NotFound', Message: `no such role; known: ${names.join(', ')}`, Roles: names }),
    reason: 'unknown-role',
  };
}
