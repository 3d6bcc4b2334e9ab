/**
 * The pipeline, from options to credentials: settings → identity → checks → signing → transport → response.
 */
import { requireUsable } from '../checks/check-identity.js';
import { TransportError } from '../errors.js';
import type { Identity } from '../identity/identity.js';
import { loadIdentity } from '../identity/load.js';
import { ambientEnvironment } from '../settings/environment.js';
import type { SessionOptions } from '../settings/options.js';
import type { Environment, Settings } from '../settings/settings.js';
import { parseSettings } from '../settings/settings.js';
import { explainSignature } from '../signing/sign-request.js';
import { createSessionRequest } from './request.js';
import type { Session } from './response.js';
import { parseSessionResponse } from './response.js';
import { retry } from './retry.js';
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
  readonly identity?: Identity | undefined;
  /** Ends the call with `ERR_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
  /** The clock. Default: the system's. */
  readonly now?: (() => Date) | undefined;
  /** Jitter, in [0, 1). Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** What `-` reads. Default: the standard input of this process. */
  readonly stdin?: AsyncIterable<Uint8Array | string> | undefined;
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
 * @throws TransportError the network: `ERR_TIMEOUT` `ERR_NETWORK` `ERR_TLS` `ERR_ABORTED`
 * @throws ServiceError the service: `ERR_SERVICE_DENIED` `ERR_SERVICE_THROTTLED` `ERR_SERVICE_FAILED`
 *   `ERR_RESPONSE_INVALID`
 * @example
 * const session = await createSession({
 *   certificate: 'host.pem', privateKey: 'host.key', trustAnchorArn, profileArn, roleArn,
 * });
 */
export async function createSession(options: CreateSessionOptions): Promise<Session> {
  const { identity, signal, logger, now, random, stdin, env = ambientEnvironment(), ...rest } = options;
  const settings = parseSettings(rest, { env, hasIdentity: identity !== undefined });
  return createSessionFrom(settings, { identity, signal, logger, now, random, stdin });
}

/** As `createSession`, from settings that are parsed already. */
export async function createSessionFrom(settings: Settings, context: SessionContext): Promise<Session> {
  const { logger, now = () => new Date(), random = Math.random } = context;
  const { endpoint, region, roleArn, connection } = settings;
  if (!connection.verifyTls) {
    logger?.warn?.(
      "the service's TLS certificate is not verified: whoever sits in between can read the credentials",
    );
  }
  const identity = context.identity ?? (await loadIdentity(settings.source, context));
  for (const { message, remedy } of requireUsable(identity, now())) logger?.warn?.(`${message}: ${remedy}`);

  const request = createSessionRequest(settings);
  const transport = await openTransport(endpoint, connection);
  const limit = startLimit(connection.timeoutMs, endpoint, context.signal);
  const attempt = async (): Promise<Session> => {
    // Signed anew each time: a signature ages, and the clock may have been set meanwhile.
    const signed = await explainSignature(request, identity, { region, date: now() });
    logger?.debug?.(`canonical request:\n${signed.canonicalRequest}`);
    logger?.debug?.(`string to sign:\n${signed.stringToSign}`);
    const response = await transport.send(signed.request, limit.signal);
    logger?.debug?.(
      `the service answered ${response.status}, request id ${response.headers['x-amzn-requestid']}`,
    );
    return parseSessionResponse(response, { roleArn, now: now() });
  };
  try {
    return await retry(attempt, { ...limit, random });
  } catch (error) {
    // Ended while waiting between attempts.
    throw limit.signal.aborted ? limit.signal.reason : error;
  } finally {
    limit.stop();
    await transport.close();
  }
}

interface Limit {
  readonly signal: AbortSignal;
  remainingMs(): number;
  stop(): void;
}

/** One signal for the two ways in which a call is ended from outside: the time is over, or the caller has had enough. */
function startLimit(timeoutMs: number, endpoint: URL, callerSignal: AbortSignal | undefined): Limit {
  const controller = new AbortController();
  const startedAt = performance.now();
  const timeout = setTimeout(() => {
    controller.abort(
      new TransportError('ERR_TIMEOUT', `no answer from ${endpoint.origin} within ${timeoutMs} ms`),
    );
  }, timeoutMs);
  const onAbort = (): void => {
    controller.abort(
      new TransportError('ERR_ABORTED', 'the call was aborted', { cause: callerSignal?.reason }),
    );
  };
  callerSignal?.addEventListener('abort', onAbort, { once: true });
  if (callerSignal?.aborted) onAbort();
  return {
    signal: controller.signal,
    remainingMs: () => timeoutMs - (performance.now() - startedAt),
    stop: () => {
      clearTimeout(timeout);
      callerSignal?.removeEventListener('abort', onAbort);
    },
  };
}
