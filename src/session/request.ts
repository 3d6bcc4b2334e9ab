/**
 * Builds the unsigned CreateSession request.
 *
 * Source: "CreateSession" of IAM Roles Anywhere (`POST /sessions`, restJson1). The ARNs go in the query and
 * the rest in the body, as the Go helper sends them.
 */

import type { HttpRequest } from '../signing/canonical-request.js';
import type { Settings } from './settings.js';
import { VERSION } from './version.js';

/** The settings that the request contains. */
export interface SessionRequestSettings
  extends Pick<Settings, 'endpoint' | 'profileArn' | 'roleArn' | 'trustAnchorArn'> {
  /** 900 to 43200. Default: the profile's. */
  readonly durationSeconds?: number | undefined;
  /** 2 to 64 of `A-Za-z0-9_+=,.@-`. Default: the service uses the serial number. */
  readonly roleSessionName?: string | undefined;
  /** At most 50, keys and values of 1 to 200 characters. */
  readonly instanceProperties?: Readonly<Record<string, string>> | undefined;
}

/** The unsigned request, for `signRequest` and any HTTP client. */
export type SessionRequest = HttpRequest & { readonly query: Record<string, string>; readonly body: string };

export function createSessionRequest(settings: SessionRequestSettings): SessionRequest {
  const {
    endpoint,
    profileArn,
    roleArn,
    trustAnchorArn,
    durationSeconds,
    roleSessionName,
    instanceProperties,
  } = settings;
  return {
    method: 'POST',
    protocol: endpoint.protocol,
    hostname: endpoint.hostname,
    ...(endpoint.port !== '' && { port: Number(endpoint.port) }),
    path: `${withoutEndSlashes(endpoint.pathname)}/sessions`,
    query: { profileArn, roleArn, trustAnchorArn },
    headers: {
      'content-type': 'application/json',
      'user-agent': `rolesanywhere/${VERSION} (nodejs)`,
    },
    // The order of the members is the Go helper's; undefined ones are left out.
    body: JSON.stringify({ durationSeconds, roleSessionName, instanceProperties }),
  };
}

export function withoutEndSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === '/') end -= 1;
  return path.slice(0, end);
}
