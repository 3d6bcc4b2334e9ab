/**
 * The roles to serve in, one function from request to response out: IMDSv2, the container endpoint, and what watchers
 * read. State lives in this closure; nothing here waits for the network.
 *
 * Source: "Container credential provider" (AWS SDKs and Tools reference) for `Authorization`; `imds.ts` for the rest.
 */
import type { LocalRequest, LocalResponse } from './guard.js';
import { json, pathOf, refusalOf } from './guard.js';
import { createImds, notAllowed, notFound } from './imds.js';
import type { ServedRole } from './served-role.js';
import { containerCredentials } from './served-role.js';
import { createRequestCounts, formatHealth, formatMetrics } from './status.js';
import { createTokenStore, isSameToken } from './tokens.js';

/** Where `AWS_CONTAINER_CREDENTIALS_FULL_URI` points for the first role. */
export const CONTAINER_PATH = '/credentials';

export interface RoutesOptions {
  /** The first one is the default: IMDS has room for one role only. */
  readonly roles: readonly [ServedRole, ...ServedRole[]];
  /** What clients of the container endpoint must show. Without it, only the Unix socket has that endpoint. */
  readonly containerToken: string | undefined;
  readonly now: () => Date;
}

export type Routes = (request: LocalRequest) => LocalResponse;

export function createRoutes({ roles, containerToken, now }: RoutesOptions): Routes {
  const imds = createImds(roles[0], createTokenStore());
  const requests = createRequestCounts();

  function answer(request: LocalRequest): readonly [route: string, response: LocalResponse] {
    const refusal = refusalOf(request);
    if (refusal !== undefined) return ['refused', refusal];
    const path = pathOf(request.target);
    if (path.startsWith('/latest/')) return [routeOfImds(path), imds.answer(request, path, now())];
    if (request.method !== 'GET') return ['other', notAllowed('GET')];
    if (path === '/healthz') return ['healthz', formatHealth(roles)];
    if (path === '/metrics') return ['metrics', formatMetrics(roles, requests)];
    const role = roleAt(path, roles);
    return role === undefined ? ['other', notFound()] : ['container', forContainer(request, role)];
  }

  function forContainer({ headers, peer }: LocalRequest, role: ServedRole): LocalResponse {
    // Whoever can open the socket is its owner: its permissions are the token.
    if (peer === 'socket') return containerCredentials(role);
    if (containerToken === undefined) return notFound();
    const isAllowed = isSameToken(headers['authorization']?.toString() ?? '', containerToken);
    return isAllowed
      ? containerCredentials(role)
      : json(401, { Code: 'Unauthorized', Message: 'Authorization does not hold the token' });
  }

  return (request) => {
    const [route, response] = answer(request);
    requests.count(route, response.status);
    return response;
  };
}

/** A label of few values, whatever is asked for. */
function routeOfImds(path: string): string {
  if (path === '/latest/api/token') return 'imds-token';
  return path.startsWith('/latest/meta-data/iam/') ? 'imds-credentials' : 'imds';
}

function roleAt(path: string, roles: RoutesOptions['roles']): ServedRole | undefined {
  if (path === CONTAINER_PATH) return roles[0];
  return roles.find(({ name }) => path === `/role/${name}`);
}
