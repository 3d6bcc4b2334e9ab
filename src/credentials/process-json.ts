/**
 * Formats credentials as a `credential_process` prints them.
 *
 * Source: "Sourcing credentials with an external process" (AWS SDKs and Tools reference): Version 1,
 * Expiration in ISO 8601; AccountId is read by SDKs for account-based endpoints.
 */
import type { RolesAnywhereCredentials } from './from-roles-anywhere.js';

/**
 * One JSON object, without a line end. Whole seconds and `Z`: the form that every SDK's parser accepts.
 *
 * @example
 * process.stdout.write(formatProcessCredentials(await createSession(options)));
 */
export function formatProcessCredentials(credentials: RolesAnywhereCredentials): string {
  return JSON.stringify({
    Version: 1,
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey,
    SessionToken: credentials.sessionToken,
    Expiration: wholeSeconds(credentials.expiration),
    AccountId: credentials.accountId,
  });
}

/** `2030-01-01T00:00:00Z`: the form that botocore insists on in IMDS, too. */
export function wholeSeconds(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
