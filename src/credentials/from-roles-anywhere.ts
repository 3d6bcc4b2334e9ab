/**
 * Options in, a credential provider for AWS SDK for JavaScript v3 clients out. Structural types: no SDK is
 * needed to run or to compile this.
 */
import type { CreateSessionOptions } from '../session/create-session.js';
import { createSession } from '../session/create-session.js';

/** As `AwsCredentialIdentity` in `@smithy/types`. */
export interface AwsCredentialIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
  readonly accountId: string;
}

/** What an SDK client may pass to a provider; nothing of it is needed here. */
export type ProviderProperties = Record<string, unknown>;

export type RolesAnywhereProvider = (properties?: ProviderProperties) => Promise<AwsCredentialIdentity>;

/**
 * A provider for the `credentials` of an AWS SDK client. Each call asks the service anew, and reads certificate
 * and key anew, so that a renewed certificate is used without a restart; the SDK calls again when credentials
 * are within five minutes of their end.
 *
 * Errors are those of `createSession`, all of them at the call, with `tryNextLink: false`: in a `chain()` the
 * real cause is shown rather than the next provider's.
 *
 * @example
 * const client = new S3Client({
 *   credentials: fromRolesAnywhere({
 *     certificate: 'host.pem', privateKey: 'host.key', trustAnchorArn, profileArn, roleArn,
 *   }),
 * });
 */
export function fromRolesAnywhere(options: CreateSessionOptions): RolesAnywhereProvider {
  return async () => {
    const { accessKeyId, secretAccessKey, sessionToken, expiration, accountId } =
      await createSession(options);
    return { accessKeyId, secretAccessKey, sessionToken, expiration, accountId };
  };
}
