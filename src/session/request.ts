/**
 * Settings in, the unsigned CreateSession request out.
 *
 * Source: "CreateSession" of IAM Roles Anywhere (`POST /sessions`, restJson1). The ARNs go in the query and the
 * rest in the body, as the Go helper sends them.
 */

import type { HttpRequest } from '../signing/canonical-request.js';
import type { Settings } from './settings.js';
import { VERSION } from './version.js';

/** The part of the settings that the request says. */
export interface SessionRequestSettings
  extends Pick<Settings, 'endpoint' | 'profileArn' | 'roleArn' | 'trustAnchorArn'> {
  /** 900 to 43200. Default: the profile's. */
  readonly durationSeconds?: number | undefined;
  /** 2 to 64 of `A-Za-z0-9_+=,.@-`. Default: the service takes the serial number. */
  readonly roleSessionName?: string | undefined;
}

/** What CreateSession takes, as `signRequest` and any HTTP client take it. */
export type SessionRequest = HttpRequest & { readonly query: Record<string, string>; readonly body: string };

export function createSessionRequest(settings: SessionRequestSettings): SessionRequest {
  const { endpoint, profileArn, roleArn, trustAnchorArn, durationSeconds, roleSessionName } = settings;
  return {
    method: 'POST',
    protocol: endpoint.protocol,
    hostname: endpoint.hostname,
    ...(endpoint.port !== '' && { port: Number(endpoint.port) }),
    path: `${endpoint.pathname.replace(/\/+$/, '')}/sessions`,
    query: { profileArn, roleArn, trustAnchorArn },
    headers: {
      'content-type': 'application/json',
      'user-agent': `rolesanywhere/${VERSION} (nodejs)`,
    },
    // The order of the members is the Go helper's; undefined ones are left out.
    body: JSON.stringify({ durationSeconds, roleSessionName }),
  };
}
