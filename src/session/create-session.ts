/**
 * The pipeline, from options to credentials: settings → identity → checks → signing → transport → response.
 */

import { OptionError } from '../errors.js';
import { assertUsableIdentity } from '../identity/check-identity.js';
import type { SigningIdentity } from '../identity/identity.js';
import type { AskPassphrase } from '../identity/identity-source.js';
import { loadIdentity } from '../identity/load.js';
import type { Environment } from '../options/choose-values.js';
import { ambientEnvironment } from '../options/environment.js';
import { explainSignature } from '../signing/sign-request.js';
import { endedBy, startLimit } from './limit.js';
import { createSessionRequest } from './request.js';
import type { Session } from './response.js';
import { parseSessionResponse } from './response.js';
import { retry } from './retry.js';
import type { SessionOptions } from './session-options.js';
import type { Settings } from './settings.js';
import { parseSettings } from './settings.js';
import { openTransport } from './transport.js';

/** Where the pipeline says what it sees. The console and the loggers of AWS SDK clients fit. */
export interface Logger {
  /** What is signed and sent, one text each. Never a key, a passphrase, a secret or a token. */
  debug?(message: string): void;
  /** What works today, and should be changed. */
  warn?(message: string): void;
}

/** What the pipeline takes besides its settings. */
export interface SessionContext {
  /** An identity of the caller's own, in place of `certificate`, `privateKey`, `intermediates`, `passphrase`. */
  readonly identity?: SigningIdentity | undefined;
  /** Ends the call with `ERR_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
  /** The clock. Default: the system's. */
  readonly now?: (() => Date) | undefined;
  /** Jitter, in [0, 1). Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Opens what `-` reads. Default: the standard input of this process. */
  readonly stdin?: (() => AsyncIterable<Uint8Array | string>) | undefined;
  /** Called where the key is encrypted and `passphrase` is not given, at most three times a call. */
  readonly askPassphrase?: AskPassphrase | undefined;
}

export interface CreateSessionOptions extends SessionOptions, SessionContext {
  /** Where environment variables are looked up. Default: this process's environment. */
  readonly env?: Environment | undefined;
}

/**
 * Gets temporary credentials for a role from a certificate.
 *
 * @returns `accessKeyId`, `secretAccessKey`, `sessionToken`, `expiration`, `accountId`, and the rest of the answer
 * @throws OptionError the options: `ERR_OPTION_*`
 * @throws IdentityError the certificate, chain or key, before anything is sent: `ERR_FILE_*`, `ERR_PEM_*`,
 *   `ERR_KEY_*`, `ERR_CERTIFICATE_*`, `ERR_CHAIN_*`
 * @throws TransportError the network: `ERR_TIMEOUT` `ERR_NETWORK` `ERR_TLS` `ERR_PROXY` `ERR_ABORTED`
 * @throws ServiceError the service: `ERR_SERVICE_DENIED` `ERR_SERVICE_THROTTLED` `ERR_SERVICE_FAILED`
 *   `ERR_RESPONSE_INVALID`
 * @example
 * const session = await createSession({
 *   certificate: 'host.pem', privateKey: 'host.key', trustAnchorArn, profileArn, roleArn,
 * });
 */
export async function createSession(options: CreateSessionOptions): Promise<Session> {
  const { settings, context } = parseOptions(options);
  const { now, stdin, askPassphrase, signal, logger } = context;
  const load = (): Promise<SigningIdentity> =>
    loadIdentity(settings.source, { now, stdin, askPassphrase, logger });
  const identity = context.identity ?? (await endedBy(signal, load()));
  return createSessionFrom(settings, identity, context);
}

/** @throws OptionError `ERR_OPTION_*` */
export function parseOptions(options: CreateSessionOptions): { settings: Settings; context: SessionContext } {
  assertOptions(options);
  const { identity, signal, logger, now, random, stdin, askPassphrase, ...further } = options;
  const { env = ambientEnvironment(), ...rest } = further;
  const settings = parseSettings(rest, { env, hasIdentity: identity !== undefined });
  return { settings, context: { identity, signal, logger, now, random, stdin, askPassphrase } };
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

export interface CreateContext extends Pick<SessionContext, 'logger' | 'signal' | 'now' | 'random'> {
  /** Tries for passing failures; a refresher, which pauses by itself, passes 1. Default 3. */
  readonly attempts?: number | undefined;
}

/**
 * Creates a session with an identity that is loaded already, after checking it.
 *
 * @throws as `createSession`, without the errors of the options and of loading
 */
export async function createSessionFrom(
  settings: Settings,
  identity: SigningIdentity,
  { logger, signal, attempts, now = () => new Date(), random = Math.random }: CreateContext,
): Promise<Session> {
  const { endpoint, region, roleArn, connection } = settings;
  if (!connection.verifyTls) {
    logger?.warn?.(
      "the service's TLS certificate is not verified: anyone on the way can read the credentials",
    );
  }
  for (const { message, hint } of assertUsableIdentity(identity, now())) {
    logger?.warn?.(`${message}: ${hint}`);
  }
  const request = createSessionRequest(settings);
  const transport = await openTransport(endpoint, connection);
  const limit = startLimit(connection.timeoutMs, endpoint.origin, signal);
  const attempt = async (): Promise<Session> => {
    // Each attempt is signed anew: signatures age, and the clock may have been set meanwhile.
    const signed = await explainSignature(request, identity, { region, date: now() });
    logger?.debug?.(`canonical request:\n${signed.canonicalRequest}`);
    logger?.debug?.(`string to sign:\n${signed.stringToSign}`);
    logger?.debug?.(`sending to ${endpoint.origin}${request.path}, body ${request.body}`);
    const { status, headers, body } = await transport.send(signed.request, limit.signal);
    logger?.debug?.(`the service answered ${status}, request id ${headers['x-amzn-requestid'] ?? 'none'}`);
    return parseSessionResponse({ status, headers, body }, { roleArn, now });
  };
  try {
    // Raced: a remote signer may not answer.
    return await endedBy(limit.signal, retry(attempt, { ...limit, random, attempts }));
  } finally {
    limit.stop();
    await transport.close();
  }
}
