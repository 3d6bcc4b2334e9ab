/**
 * A request in, its canonical request and string to sign out: the two texts of SigV4 that smithy's base class
 * writes, opened up for a signer that has a certificate where SigV4 has an access key.
 *
 * Source: "Create a canonical request" and "Create a string to sign" of the SigV4 reference.
 */
import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import { getCanonicalHeaders, getPayloadHash, SignatureV4Base } from '@smithy/signature-v4';
import type { HttpRequest } from './sign-request.js';

export interface CanonicalForm {
  readonly canonicalRequest: string;
  /** Lower-case names in the order of the canonical request, joined with `;`. */
  readonly signedHeaders: string;
}

/** SHA-256 in the shape that smithy asks for. */
class Sha256 {
  readonly #hash: Hash = createHash('sha256');

  update(data: Uint8Array | string): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}

class X509SignatureV4 extends SignatureV4Base {
  constructor() {
    // The base class wants these for access keys; the X.509 variant has none, and takes the region per request.
    super({
      service: 'rolesanywhere',
      region: '',
      credentials: { accessKeyId: '', secretAccessKey: '' },
      sha256: Sha256,
    });
  }

  async canonicalize(request: HttpRequest): Promise<CanonicalForm> {
    const headers = getCanonicalHeaders(request);
    const payloadHash = await getPayloadHash(request, Sha256);
    return {
      canonicalRequest: this.createCanonicalRequest(request, headers, payloadHash),
      signedHeaders: this.getCanonicalHeaderList(headers),
    };
  }

  stringToSign(
    longDate: string,
    scope: string,
    canonicalRequest: string,
    algorithm: string,
  ): Promise<string> {
    return this.createStringToSign(longDate, scope, canonicalRequest, algorithm);
  }
}

const signer = new X509SignatureV4();

export function createCanonicalForm(request: HttpRequest): Promise<CanonicalForm> {
  return signer.canonicalize(request);
}

/**
 * @param longDate `YYYYMMDDTHHMMSSZ`
 * @param scope `YYYYMMDD/region/rolesanywhere/aws4_request`
 */
export function createStringToSign(
  longDate: string,
  scope: string,
  canonicalRequest: string,
  algorithm: string,
): Promise<string> {
  return signer.stringToSign(longDate, scope, canonicalRequest, algorithm);
}
