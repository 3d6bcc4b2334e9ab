/**
 * Options in, a credential provider for AWS SDK for JavaScript v3 clients out. Structural types: no SDK is
 * needed to run or to compile this.
 *
 * Source: "AwsCredentialIdentityProvider" of `@smithy/types`. The SDK keeps what a provider gives until five minutes
 * before its end, unless the provider is marked as one that keeps it itself, as this one is: so it hears of each use,
 * and refreshes while nobody waits.
 */

import { OptionError, TransportError } from '../errors.js';
import { assertUsableIdentity } from '../identity/check-identity.js';
import { loadIdentity } from '../identity/load.js';
import { rotatingIdentity } from '../identity/rotation.js';
import type { CreateSessionOptions } from '../session/create-session.js';
import { createSessionFrom, parseOptions } from '../session/create-session.js';
import type { Session } from '../session/response.js';
import type { CallerHints, ProviderProperties } from './caller-client.js';
import { readHints } from './caller-client.js';
import { systemClock } from './clock.js';
import type { Refresher } from './refresh.js';
import { createRefresher } from './refresh.js';

/** As `AwsCredentialIdentity` in `@smithy/types`. */
export interface AwsCredentialIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
  readonly accountId: string;
}

/** As for `createSession`, but for what would serve one call only. */
export type ProviderOptions = Omit<CreateSessionOptions, 'signal' | 'stdin'>;

export interface RolesAnywhereProvider {
  (properties?: ProviderProperties): Promise<AwsCredentialIdentity>;
  /** Tells the SDK to ask at each use: what is held is handed out at once. */
  readonly memoized: true;
  /** Ends a refresh that is under way. Calls from then on are refused with `ERR_ABORTED`. */
  dispose(): void;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A provider for the `credentials` of an AWS SDK client, or of many. The first call gets a session; further ones are
 * answered at once, and from 25 minutes before the end a new session is got behind their back. Callers that wait
 * share one request. Where a refresh fails, the credentials from before are handed out until they end. It has no timers: an
 * idle program asks nothing, and ends when it has nothing else to do.
 *
 * Certificate and key are read again when their files change. A pair that is half-written or that the service would
 * refuse is left alone, and the one from before used.
 *
 * Of the client that calls, its logger is used, and the proxy of its `requestHandler` (`HttpsProxyAgent` and the
 * like), where the options and the environment name none. Not its region: the trust anchor's is the service's.
 *
 * Errors are those of `createSession`, all of them at the call, with `tryNextLink: false`: in a `chain()` the
 * real cause is shown rather than the next provider's. After an error come pauses, in which it is thrown again at once.
 *
 * @example
 * const client = new S3Client({
 *   credentials: fromRolesAnywhere({
 *     certificate: 'host.pem', privateKey: 'host.key', trustAnchorArn, profileArn, roleArn,
 *   }),
 * });
 */
export function fromRolesAnywhere(options: ProviderOptions): RolesAnywhereProvider {
  let hints: CallerHints = { logger: undefined, proxy: undefined };
  let isDisposed = false;
  const create = sessionCreator(options, () => hints);
  const refresher: Refresher<Session> = createRefresher({
    // Whoever waits wants an attempt to be worth waiting for; behind the scenes the refresher repeats it.
    create: (signal) => create(signal, refresher.current() === undefined ? undefined : 1),
    clock: systemClock(options?.now),
    random: options?.random,
  });
  const provide = async (properties?: ProviderProperties): Promise<AwsCredentialIdentity> => {
    if (isDisposed) throw new TransportError('ERR_ABORTED', 'the credential provider has been disposed of');
    if (properties !== undefined) hints = await readHints(properties);
    const session = await (properties?.['forceRefresh'] === true ? refresher.refreshNow() : refresher.get());
    const { accessKeyId, secretAccessKey, sessionToken, expiration, accountId } = session;
    return { accessKeyId, secretAccessKey, sessionToken, expiration, accountId };
  };
  const dispose = (): void => {
    isDisposed = true;
    refresher.stop();
  };
  return Object.assign(provide, {
    memoized: true as const,
    dispose,
    [Symbol.dispose]: dispose,
    [Symbol.asyncDispose]: async () => dispose(),
  });
}

/** Options are read at the first call that finds them right, and the identity whenever its files have changed. */
function sessionCreator(
  options: ProviderOptions,
  hintsNow: () => CallerHints,
): (signal: AbortSignal, attempts: number | undefined) => Promise<Session> {
  const open = () => {
    const { settings, context } = parseOptions(options);
    refuseStandardInput(options);
    const { now = () => new Date(), askPassphrase } = context;
    const rotating = rotatingIdentity(settings.source, {
      load: () => loadIdentity(settings.source, { now: now(), askPassphrase }),
      assertUsableIdentity: (identity) => assertUsableIdentity(identity, now()),
      warn: (message) => (context.logger ?? hintsNow().logger)?.warn?.(message),
    });
    return { settings, context, identity: async () => context.identity ?? rotating() };
  };
  let opened: ReturnType<typeof open> | undefined;
  return async (signal, attempts) => {
    opened ??= open();
    const { settings, context, identity } = opened;
    const hints = hintsNow();
    const connection = { ...settings.connection, proxy: settings.connection.proxy ?? hints.proxy };
    const logger = context.logger ?? hints.logger;
    return createSessionFrom(
      { ...settings, connection },
      { ...context, logger, signal, attempts, identity: await identity() },
    );
  };
}

/** It would work once, and fail an hour later, at the first refresh. */
function refuseStandardInput(options: ProviderOptions): void {
  for (const name of ['certificate', 'privateKey', 'intermediates'] as const) {
    if (options[name] === '-') {
      throw new OptionError(
        'ERR_OPTION_INVALID',
        `${name} must be a file, text or bytes: a provider reads it again, and standard input only once`,
      );
    }
  }
}
