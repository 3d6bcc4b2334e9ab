/**
 * Calls an action of STS with temporary credentials, over the transport of CreateSession.
 *
 * Source: the AWS Query protocol (https://smithy.io/2.0/aws/protocols/aws-query-protocol.html) and the STS
 * API reference.
 */
import type { AccessKey } from '../../signing/sign-with-access-key.js';
import type { CallContext } from '../call-service.js';
import { callService } from '../call-service.js';
import { stsEndpointForRegion, stsRegionOf } from '../endpoint.js';
import type { Refusal } from '../refusal-advice.js';
import type { SessionRequest } from '../request.js';
import { withoutEndSlashes } from '../request.js';
import type { HttpResponse } from '../response.js';
import type { Settings } from '../settings.js';
import { VERSION } from '../version.js';
import { parseStsResponse } from './response.js';
import type { XmlElement } from './xml.js';

/** The endpoint of STS, and the connection to it. */
export type StsSettings = Pick<Settings, 'sts' | 'region' | 'connection'>;

const STS_VERSION = '2011-06-15';

/** As for any call; the clock is the caller's. */
export type StsContext = CallContext & { readonly now: () => Date };

export interface StsCall<T> {
  readonly action: 'AssumeRole' | 'GetCallerIdentity';
  readonly parameters: Readonly<Record<string, string | undefined>>;
  /** @param result the `<ActionResult>` element @param response for the errors of an unusable response */
  parse(result: XmlElement, response: HttpResponse): T;
  /** What to do about a refusal, if the action knows more than the error code. */
  readonly adviceFor?: (refusal: Refusal) => string | undefined;
}

/**
 * @throws TransportError `ERR_TIMEOUT` `ERR_NETWORK` `ERR_TLS` `ERR_PROXY` `ERR_ABORTED`
 * @throws ServiceError `ERR_SERVICE_DENIED` `ERR_SERVICE_THROTTLED` `ERR_SERVICE_FAILED`
 *   `ERR_RESPONSE_INVALID`
 */
export async function callSts<T>(
  { action, parameters, parse, adviceFor }: StsCall<T>,
  credentials: AccessKey,
  settings: StsSettings,
  context: StsContext,
): Promise<T> {
  const { logger, now } = context;
  const { signWithAccessKey } = await import('../../signing/sign-with-access-key.js');
  const { connection, sts } = settings;
  const endpoint = sts.endpoint ?? stsEndpointForRegion(settings.region, sts.variant);
  const region = stsRegionOf(endpoint, settings.region);
  const request = createStsRequest(endpoint, action, parameters);
  const sign = (): Promise<SessionRequest> => {
    logger?.debug?.(`sending ${action} to ${endpoint.origin}${request.path}, signed for ${region}`);
    return signWithAccessKey(request, credentials, { service: 'sts', region, date: now() });
  };
  const parseAnswer = (response: HttpResponse): T =>
    parse(parseStsResponse(response, { action, now: now(), adviceFor }), response);
  return callService({ endpoint, connection, sign, parse: parseAnswer }, context);
}

/** An unsigned request. Undefined parameters are left out. */
export function createStsRequest(
  endpoint: URL,
  action: string,
  parameters: Readonly<Record<string, string | undefined>>,
): SessionRequest {
  const form = new URLSearchParams({ Action: action, Version: STS_VERSION });
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) form.set(name, value);
  }
  return {
    method: 'POST',
    protocol: endpoint.protocol,
    hostname: endpoint.hostname,
    ...(endpoint.port !== '' && { port: Number(endpoint.port) }),
    path: `${withoutEndSlashes(endpoint.pathname)}/`,
    query: {},
    headers: {
      'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
      'user-agent': `rolesanywhere/${VERSION} (nodejs)`,
    },
    body: form.toString(),
  };
}
