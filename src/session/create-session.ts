/** Creates a session: settings, identity, checks, signing, transport and response, one after the other. */

import { asRolesAnywhereError, OptionError } from '../errors.js';
import { assertUsableIdentity } from '../identity/check-identity.js';
import type { SigningIdentity } from '../identity/identity.js';
import type { AskPassphrase } from '../identity/identity-source.js';
import { loadIdentity } from '../identity/load.js';
import type { Environment } from '../options/choose-values.js';
import { ambientEnvironment } from '../options/environment.js';
import { signRequestWithTrace } from '../signing/sign-request.js';
import type { CallContext, Logger } from './call-service.js';
import { callOver } from './call-service.js';
import type { HttpDispatcher } from './dispatched.js';
import { endedBy } from './limit.js';
import type { SessionRequest } from './request.js';
import { createSessionRequest } from './request.js';
import type { HttpResponse, Session } from './response.js';
import { parseSessionResponse } from './response.js';
import type { SessionOptions } from './session-options.js';
import type { Settings } from './settings.js';
import { parseSettings } from './settings.js';
import { openTransport } from './transport.js';

/** The inputs of a session besides its settings. */
export interface SessionContext {
  /**
   * An identity that is loaded already, instead of `certificate`, `privateKey`, `intermediates` and
   * `passphrase`.
   */
  readonly identity?: SigningIdentity | undefined;
  /** Ends the call with `ERR_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
  /** The clock. Default: the system's. */
  readonly now?: (() => Date) | undefined;
  /** Jitter, in [0, 1). Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /**
   * An undici dispatcher (`Agent`, `ProxyAgent`, `MockAgent`) to send the request with. It then handles TLS
   * and proxies: `caBundle`, `verifyTls`, `connectTimeoutMs` and `HTTPS_PROXY` do not count. It is not
   * closed.
   */
  readonly dispatcher?: HttpDispatcher | undefined;
  /** Opens what `-` reads. Default: the standard input of this process. */
  readonly stdin?: (() => AsyncIterable<Uint8Array | string>) | undefined;
  /** Called if the key is encrypted and `passphrase` is not given, at most three times a call. */
  readonly askPassphrase?: AskPassphrase | undefined;
}

export interface CreateSessionOptions extends SessionOptions, SessionContext {
  /** The environment to read variables from. Default: this process's environment. */
  readonly env?: Environment | undefined;
}

/**
 * Creates a session: temporary credentials for a role, for a certificate.
 *
 * @returns `accessKeyId`, `secretAccessKey`, `sessionToken`, `expiration`, `accountId`, and the rest of the
 *   answer
 * @throws OptionError the options: `ERR_OPTION_*`
 * @throws IdentityError the certificate, chain or key, before a request is sent: `ERR_FILE_*`, `ERR_PEM_*`,
 *   `ERR_KEY_*`, `ERR_CERTIFICATE_*`, `ERR_CHAIN_*`
 * @throws TransportError the network: `ERR_TIMEOUT` `ERR_NETWORK` `ERR_TLS` `ERR_PROXY` `ERR_ABORTED`
 * @throws ServiceError the service: `ERR_SERVICE_DENIED` `ERR_SERVICE_THROTTLED` `ERR_SERVICE_FAILED`
 *   `ERR_RESPONSE_INVALID`
 * @throws RolesAnywhereError `ERR_UNEXPECTED`: a defect of this package. What `sign` or `askPassphrase` of
 *   yours throw is the `cause` of an error, as is the reason of your `signal`; causes of our own hold no
 *   secrets.
 * @example
 * const session = await createSession({
 *   certificate: 'host.pem', privateKey: 'host.key', trustAnchorArn, profileArn, roleArn,
 * });
 */
export async function createSession(options: CreateSessionOptions): Promise<Session> {
  try {
    const { settings, context } = parseOptions(options);
    const { now, stdin, askPassphrase, signal, logger } = context;
    const load = async (): Promise<SigningIdentity> =>
      context.identity ?? loadIdentity(settings.source, { now, stdin, askPassphrase, logger });
    return await createSessionFrom(settings, () => endedBy(signal, load()), context);
  } catch (error) {
    throw asRolesAnywhereError(error);
  }
}

/** @throws OptionError `ERR_OPTION_*` */
export function parseOptions(options: CreateSessionOptions): { settings: Settings; context: SessionContext } {
  assertOptions(options);
  const { identity, signal, logger, now, random, dispatcher, stdin, askPassphrase, ...further } = options;
  const { env = ambientEnvironment(), ...rest } = further;
  const settings = parseSettings(rest, { env, hasIdentity: identity !== undefined });
  return { settings, context: { identity, signal, logger, now, random, dispatcher, stdin, askPassphrase } };
}

function assertOptions(options: CreateSessionOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new OptionError('ERR_OPTION_INVALID', `options must be an object, found ${typeof options}`);
  }
  const { identity, certificate, privateKey, intermediates } = options;
  if (identity === undefined) return;
  if ((certificate ?? privateKey ?? intermediates) === undefined) return;
  throw new OptionError(
    'ERR_OPTION_CONFLICT',
    'identity and certificate, privateKey or intermediates exclude each other',
  );
}

/**
 * Creates a session with an identity, after checking it. It is loaded while the connection is established,
 * which takes a round trip or two of the network.
 *
 * @throws as `createSession`, without the errors of the options
 */
export async function createSessionFrom(
  settings: Settings,
  load: () => Promise<SigningIdentity>,
  context: CallContext,
): Promise<Session> {
  const { now = () => new Date() } = context;
  const session = await createFirstSession(settings, load, { ...context, now });
  if (settings.assumeRoles.length === 0) return session;
  const { assumeRoles } = await import('./sts/assume-role.js');
  return assumeRoles(session, settings, { ...context, now });
}

async function createFirstSession(
  settings: Settings,
  load: () => Promise<SigningIdentity>,
  context: CallContext & { readonly now: () => Date },
): Promise<Session> {
  const { logger, now } = context;
  const { endpoint, region, roleArn, connection } = settings;
  const transport = await openTransport(endpoint, connection, context.dispatcher);
  try {
    await transport.connect();
    const identity = await load();
    if (!connection.verifyTls) {
      logger?.warn?.(
        "the service's TLS certificate is not verified: anyone on the network path can read the credentials",
      );
    }
    for (const { message, hint } of assertUsableIdentity(identity, now())) {
      logger?.warn?.(`${message}: ${hint}`);
    }
    const request = createSessionRequest(settings);
    const sign = async (): Promise<SessionRequest> => {
      const signed = await signRequestWithTrace(request, identity, { region, date: now() });
      logger?.debug?.(`canonical request:\n${signed.canonicalRequest}`);
      logger?.debug?.(`string to sign:\n${signed.stringToSign}`);
      logger?.debug?.(`sending to ${endpoint.origin}${request.path}, body ${request.body}`);
      return signed.request;
    };
    const parse = (response: HttpResponse): Session =>
      parseSessionResponse(response, { roleArn, now, certificate: identity.certificate });
    return await callOver(transport, { endpoint, connection, sign, parse }, context);
  } finally {
    await transport.close();
  }
}
