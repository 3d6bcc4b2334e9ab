/**
 * Credentials in, the text that a `credential_process` prints out.
 *
 * Source: "Sourcing credentials with an external process" (AWS SDKs and Tools reference): Version 1, Expiration
 * in ISO 8601; AccountId is read by SDKs for account-based endpoints.
 */
export interface ProcessCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
  readonly accountId: string;
}

/** One JSON object, without a line end. Whole seconds and `Z`: the form that every SDK's parser takes. */
export function formatProcessCredentials(credentials: ProcessCredentials): string {
  return JSON.stringify({
    Version: 1,
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey,
    SessionToken: credentials.sessionToken,
    Expiration: credentials.expiration.toISOString().replace(/\.\d{3}Z$/, 'Z'),
    AccountId: credentials.accountId,
  });
}
