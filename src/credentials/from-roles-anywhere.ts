/**
 * The credential provider for clients of the AWS SDK for JavaScript v3. Its types are structural: the SDK is
 * needed neither to run nor to compile it.
 *
 * Source: "AwsCredentialIdentityProvider" of `@smithy/types`. The SDK caches what a provider returns until
 * five minutes before the expiry, unless the provider is marked as `memoized`, as this one is: so the SDK
 * calls it at each use, and it can refresh while no caller waits.
 */
import { asRolesAnywhereError, TransportError } from '../errors.js';
import { ambientEnvironment } from '../options/environment.js';
import type { CreateSessionOptions } from '../session/create-session.js';
import { parseOptions } from '../session/create-session.js';
import { endedBy } from '../session/limit.js';
import type { Session } from '../session/response.js';
import type { ProviderProperties } from './caller-client.js';
import { loggerOf } from './caller-client.js';
import { systemClock } from './clock.js';
import type { RefreshCall } from './keep-fresh.js';
import { keepFresh } from './keep-fresh.js';
import type { Refresher } from './refresher.js';
import { assertRereadable, openSessionSource } from './session-source.js';

/** As `AwsCredentialIdentity` in `@smithy/types`. */
export interface RolesAnywhereCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
  readonly accountId: string;
}

/** The options of `createSession` except those of a single call, and the cache. */
export interface FromRolesAnywhereInit extends Omit<CreateSessionOptions, 'signal' | 'stdin'> {
  /**
   * Share sessions with other processes of this user through encrypted files, as `--cache` does: a program
   * that starts often then asks the service once an hour. Default false.
   */
  readonly cache?: boolean | undefined;
}

export interface RolesAnywhereProvider {
  (properties?: ProviderProperties): Promise<RolesAnywhereCredentials>;
  /** Makes the SDK call the provider at each use; it returns its current credentials at once. */
  readonly memoized: true;
  /** Ends a refresh that is under way. Calls from then on are refused with `ERR_ABORTED`. */
  dispose(): void;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A provider for the `credentials` of one or more AWS SDK clients. The first call creates a session; later
 * calls are answered at once, and from 25 minutes before the expiry a new session is created in the
 * background. Concurrent callers share one request. If a refresh fails, the held credentials are returned
 * until they expire. It has no timers: an idle program sends nothing, and ends when it has nothing else to
 * do.
 *
 * Certificate and key are read again when their files change. A pair that is half-written, or that the
 * service would refuse, is not used; the previous one stays in use.
 *
 * It logs to `logger`, or to the logger of the client that calls. It ignores the client's region: the trust
 * anchor's counts.
 *
 * A call throws the errors of `createSession`, with `tryNextLink: false`, so that a `chain()` shows this
 * cause and not the next provider's. After an error it pauses: during the pause the same error is thrown
 * again at once.
 *
 * @example
 * const client = new S3Client({
 *   credentials: fromRolesAnywhere({
 *     certificate: 'host.pem', privateKey: 'host.key', trustAnchorArn, profileArn, roleArn,
 *   }),
 * });
 */
export function fromRolesAnywhere(options: FromRolesAnywhereInit): RolesAnywhereProvider {
  let opened: Promise<Refresher<Session, RefreshCall>> | undefined;
  let isDisposed = false;
  // Options are read at the first call; after an error in them, at the next one again.
  const open = (): Promise<Refresher<Session, RefreshCall>> => {
    opened ??= openRefresher(options).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  const provide = async (properties?: ProviderProperties): Promise<RolesAnywhereCredentials> => {
    const refresher = isDisposed ? undefined : await open();
    if (refresher === undefined || isDisposed) {
      throw new TransportError('ERR_ABORTED', 'the credential provider has been disposed of');
    }
    const isHeld = refresher.current() !== undefined;
    // If no caller waits, the refresher repeats a failed attempt after a pause.
    const call = { logger: options?.logger ?? loggerOf(properties), attempts: isHeld ? 1 : undefined };
    const session = await (properties?.forceRefresh === true
      ? refresher.refreshNow(call)
      : refresher.get(call));
    const { accessKeyId, secretAccessKey, sessionToken, expiration, accountId } = session;
    return { accessKeyId, secretAccessKey, sessionToken, expiration, accountId };
  };
  const provideCoded: typeof provide = (properties) =>
    endedBy(properties?.signal, provide(properties)).catch((error: unknown) => {
      throw asRolesAnywhereError(error);
    });
  const dispose = (): void => {
    isDisposed = true;
    opened?.then((refresher) => refresher.stop()).catch(() => undefined);
  };
  return Object.assign(provideCoded, {
    memoized: true as const,
    dispose,
    [Symbol.dispose]: dispose,
    [Symbol.asyncDispose]: async () => dispose(),
  });
}

async function openRefresher(options: FromRolesAnywhereInit): Promise<Refresher<Session, RefreshCall>> {
  const { cache, ...rest } = options ?? {};
  const { settings, context } = parseOptions(options && rest);
  assertRereadable(settings, (name) => name);
  const { now = () => new Date(), random, logger, dispatcher, askPassphrase, identity } = context;
  const source = openSessionSource(settings, {
    identity: identity && (async () => identity),
    ...{ rotates: true, cache, now, random, logger, dispatcher, askPassphrase },
    env: options.env ?? ambientEnvironment(),
  });
  const { refresher } = await keepFresh(source, { clock: systemClock(now), random });
  return refresher;
}
