/**
 * Logs in to a Vault or OpenBao server with the login data of the AWS auth method, over the transport of
 * sessions.
 */
import type { VaultLoginData } from '../credentials/vault-login.js';
import { oneLine, ServiceError, TransportError } from '../errors.js';
import type { CallContext } from '../session/call-service.js';
import { callService } from '../session/call-service.js';
import { createRefusal } from '../session/refusal.js';
import type { SessionRequest } from '../session/request.js';
import { withoutEndSlashes } from '../session/request.js';
import type { HttpResponse } from '../session/response.js';
import type { Connection } from '../session/settings.js';
import { VERSION } from '../session/version.js';

export interface VaultServer {
  readonly address: URL;
  /** Below `auth/`. */
  readonly mount: string;
  readonly namespace: string | undefined;
  readonly connection: Connection;
  /** The role of the session, for advice. */
  readonly roleArn: string;
}

type LoginContext = CallContext & { readonly now: () => Date };

/**
 * @returns the token
 * @throws TransportError `ERR_TIMEOUT` `ERR_NETWORK` `ERR_TLS` `ERR_PROXY`
 * @throws ServiceError `ERR_SERVICE_DENIED` `ERR_SERVICE_THROTTLED` `ERR_SERVICE_FAILED`
 *   `ERR_RESPONSE_INVALID`
 */
export async function logIn(
  server: VaultServer,
  data: VaultLoginData,
  context: LoginContext,
): Promise<string> {
  const { address, connection } = server;
  const request = createLoginRequest(server, data);
  context.logger?.debug?.(`sending the login data to ${address.origin}${request.path}`);
  const call = {
    endpoint: address,
    connection,
    sign: async () => request,
    parse: (response: HttpResponse) => parseToken(response, server, context.now()),
  };
  try {
    return await callService(call, context);
  } catch (error) {
    if (!(error instanceof TransportError) || error.code !== 'ERR_NETWORK') throw error;
    // The hint of a session names its region, which Vault has none of.
    const hint = 'check --address (VAULT_ADDR) and HTTPS_PROXY, and that the Vault server runs';
    throw new TransportError(error.code, error.message, { hint, cause: error });
  }
}

function createLoginRequest(
  { address, mount, namespace }: VaultServer,
  data: VaultLoginData,
): SessionRequest {
  const body = JSON.stringify(data);
  return {
    method: 'POST',
    protocol: address.protocol,
    hostname: address.hostname,
    path: `${withoutEndSlashes(address.pathname)}/v1/auth/${withoutEndSlashes(mount)}/login`,
    query: {},
    headers: {
      host: address.host,
      'content-type': 'application/json',
      'user-agent': `rolesanywhere/${VERSION} (nodejs)`,
      // Agents and proxies of Vault refuse requests without it.
      'x-vault-request': 'true',
      ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
    },
    body,
  };
}

function parseToken(response: HttpResponse, server: VaultServer, now: Date): string {
  const { status } = response;
  const answer = parseJson(response.body);
  if (status >= 400) {
    const { errors } = answer;
    const text = Array.isArray(errors) ? errors.filter((error) => typeof error === 'string').join('; ') : '';
    throw createRefusal(
      response,
      {
        service: `Vault at ${server.address.host}`,
        type: undefined,
        text: text || undefined,
        requestId: undefined,
      },
      { now, adviceFor: () => adviceFor(status, text, server) },
    );
  }
  const { client_token: token } = asRecord(answer['auth']);
  // Vault's tokens are of this kind; anything else could move the cursor of a terminal.
  if (status === 200 && typeof token === 'string' && /^[!-~]{1,10000}$/.test(token)) return token;
  const found = status < 300 ? 'without a token' : 'with a redirect, which is not followed';
  throw new ServiceError(
    'ERR_RESPONSE_INVALID',
    `${oneLine(server.address.host)} answered ${status} ${found}`,
    {
      status,
      hint: 'check --address: it must be that of the active Vault server or of its load balancer',
    },
  );
}

/** Parts of Vault's messages, with the advice for each. The first match counts. */
const ADVICE: ReadonlyArray<readonly [part: RegExp, advice: string]> = [
  [
    /Server-ID|iam_server_id/i,
    "--server-id-header-value must be the iam_server_id_header_value of Vault's auth/aws/config/client",
  ],
  [
    /upstream request|received error code|validating the request against STS|making http request/i,
    "Vault's STS refused: --sts-endpoint and --sts-region must be the sts_endpoint and sts_region of " +
      'auth/aws/config/client',
  ],
  [/namespace/i, 'check --namespace (VAULT_NAMESPACE)'],
];

function adviceFor(status: number, text: string, { mount, roleArn }: VaultServer): string | undefined {
  if (status >= 500 || status === 429) return undefined;
  const found = ADVICE.find(([part]) => part.test(text))?.[1];
  if (found !== undefined) return found;
  if (status === 404 || /route|unsupported path/i.test(text)) {
    return `is the AWS auth method enabled at auth/${mount}? --mount names another path`;
  }
  return `the role of auth/${mount} must have auth_type=iam and bind ${roleArn} (bound_iam_principal_arn)`;
}

function parseJson(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    return asRecord(JSON.parse(Buffer.from(body).toString()));
  } catch {
    return {};
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
