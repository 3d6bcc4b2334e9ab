/**
 * Options in, a credential provider for AWS SDK for JavaScript v3 clients out. Structural types: no SDK is
 * needed to run or to compile this.
 */
import { OptionError } from '../errors.js';
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

/** As for `createSession`, but for what would serve one call only. */
export type ProviderOptions = Omit<CreateSessionOptions, 'signal' | 'stdin'>;

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
export function fromRolesAnywhere(options: ProviderOptions): RolesAnywhereProvider {
  return async () => {
    refuseStandardInput(options);
    const { accessKeyId, secretAccessKey, sessionToken, expiration, accountId } =
      await createSession(options);
    return { accessKeyId, secretAccessKey, sessionToken, expiration, accountId };
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
