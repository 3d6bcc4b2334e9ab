/**
 * The pipeline, from options to credentials: settings → identity → checks → signing → transport → response.
 */

import { OptionError } from '../errors.js';
import { assertUsableIdentity } from '../identity/check-identity.js';
import type { SigningIdentity } from '../identity/identity.js';
import type { AskPassphrase } from '../identity/load.js';
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
  /** What `-` reads. Default: the standard input of this process. */
  readonly stdin?: AsyncIterable<Uint8Array | string> | undefined;
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
  return createSessionFrom(settings, context);
}

/** @throws OptionError `ERR_OPTION_*` */
export function parseOptions(options: CreateSessionOptions): { settings: Settings; context: SessionContext } {
  requireOptions(options);
  const { identity, signal, logger, now, random, stdin, askPassphrase, ...further } = options;
  const { env = ambientEnvironment(), ...rest } = further;
  const settings = parseSettings(rest, { env, hasIdentity: identity !== undefined });
  return { settings, context: { identity, signal, logger, now, random, stdin, askPassphrase } };
}

function requireOptions(options: CreateSessionOptions): void {
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

export interface CreateContext extends SessionContext {
  /** How often what may pass is tried: 1 for a refresher, which has pauses of its own. Default 3. */
  readonly attempts?: number | undefined;
}

/** As `createSession`, from settings that are parsed already. */
export async function createSessionFrom(settings: Settings, context: CreateContext): Promise<Session> {
  const { logger, signal, attempts, now = () => new Date(), random = Math.random } = context;
  const { endpoint, region, roleArn, connection } = settings;
  if (!connection.verifyTls) {
    logger?.warn?.(
      "the service's TLS certificate is not verified: whoever sits in between can read the credentials",
    );
  }
  const identity = context.identity ?? (await endedBy(signal, load(settings, context, now())));
  for (const { message, hint } of assertUsableIdentity(identity, now()))
    logger?.warn?.(`${message}: ${hint}`);

  const request = createSessionRequest(settings);
  const transport = await openTransport(endpoint, connection);
  const limit = startLimit(connection.timeoutMs, endpoint.origin, signal);
  const attempt = async (): Promise<Session> => {
    // Signed anew each time: a signature ages, and the clock may have been set meanwhile.
    const signed = await explainSignature(request, identity, { region, date: now() });
    logger?.debug?.(`canonical request:\n${signed.canonicalRequest}`);
    logger?.debug?.(`string to sign:\n${signed.stringToSign}`);
    logger?.debug?.(`sending to ${endpoint.origin}${request.path}, body ${request.body}`);
    const { status, headers, body } = await transport.send(signed.request, limit.signal);
    logger?.debug?.(`the service answered ${status}, request id ${headers['x-amzn-requestid'] ?? 'none'}`);
    return parseSessionResponse({ status, headers, body }, { roleArn, now: now() });
  };
  try {
    // Raced, since signing may be a matter of other machines too.
    return await endedBy(limit.signal, retry(attempt, { ...limit, random, attempts }));
  } finally {
    limit.stop();
    await transport.close();
  }
}

function load({ source }: Settings, context: SessionContext, now: Date): Promise<SigningIdentity> {
  return loadIdentity(source, {
    now,
    askPassphrase: context.askPassphrase,
    // Not copied: standard input opens when it is looked at, and hardly any call needs it.
    get stdin() {
      return context.stdin;
    },
  });
}
