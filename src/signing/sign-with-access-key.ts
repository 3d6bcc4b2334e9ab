/**
 * Signs a request with temporary credentials: plain Signature Version 4, as STS requires it.
 *
 * Source: "Create a signed AWS API request" of the IAM user guide.
 */
import { clearCredentialCache, SignatureV4 } from '@smithy/signature-v4';
import type { HttpRequest } from './canonical-request.js';
import { Sha256 } from './sha256.js';
import { hostOf } from './sign-request.js';

/** Temporary credentials, as far as signing reads them. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface AccessKeyScope {
  readonly service: string;
  readonly region: string;
  readonly date: Date;
}

/** @returns a new request with the headers `host`, `x-amz-date`, `x-amz-security-token` and `authorization` */
export async function signWithAccessKey<T extends HttpRequest>(
  request: T,
  { accessKeyId, secretAccessKey, sessionToken }: AccessKey,
  { service, region, date }: AccessKeyScope,
): Promise<T> {
  const signer = new SignatureV4({
    ...{ service, region, sha256: Sha256, applyChecksum: false },
    credentials: { accessKeyId, secretAccessKey, sessionToken },
  });
  const headers = { ...request.headers, host: hostOf(request) };
  try {
    const signed = await signer.sign({ ...request, headers }, { signingDate: date });
    return { ...request, headers: signed.headers };
  } finally {
    // The package keeps the keys that it derives from the secret.
    clearCredentialCache();
  }
}
