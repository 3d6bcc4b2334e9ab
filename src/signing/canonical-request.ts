/**
 * Builds the canonical request and the string to sign of SigV4, with smithy's base class, for a signer that
 * has a certificate instead of an access key.
 *
 * Source: "Create a canonical request" and "Create a string to sign" of the SigV4 reference.
 */
import { hash } from 'node:crypto';
import { getCanonicalHeaders, SignatureV4Base } from '@smithy/signature-v4';
import { OptionError } from '../errors.js';
import { Sha256 } from './sha256.js';

/** The shape of `HttpRequest` in `@smithy/types`, as far as signing reads it. */
export interface HttpRequest {
  method: string;
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  query?: Record<string, string | string[] | null>;
  headers: Record<string, string>;
  /** Text or bytes; undefined for none. A stream cannot be signed here. */
  body?: unknown;
}

export interface CanonicalForm {
  readonly canonicalRequest: string;
  /** Lower-case names in the order of the canonical request, joined with `;`. */
  readonly signedHeaders: string;
}

class X509SignatureV4 extends SignatureV4Base {
  constructor() {
    // The base class requires these for access keys; X.509 signing has none, and takes the region per request.
    super({
      service: 'rolesanywhere',
      region: '',
      credentials: { accessKeyId: '', secretAccessKey: '' },
      sha256: Sha256,
    });
  }

  /**
   * @param request with the headers that are not ours
   * @param ownHeaders lower-case names, values without surrounding or repeated spaces: they are canonical as
   *   we write them, and long, so searching certificates for spaces would be wasted work
   * @throws OptionError `ERR_OPTION_INVALID`: a body that is neither text nor bytes
   */
  canonicalize(request: HttpRequest, ownHeaders: Record<string, string>): CanonicalForm {
    const headers = Object.assign(getCanonicalHeaders(request), ownHeaders);
    const payloadHash = headers['x-amz-content-sha256'] ?? hash('sha256', bodyOf(request), 'hex');
    return {
      canonicalRequest: this.createCanonicalRequest(request, headers, payloadHash),
      signedHeaders: this.getCanonicalHeaderList(headers),
    };
  }

  /**
   * @param longDate `YYYYMMDDTHHMMSSZ`
   * @param scope `YYYYMMDD/region/rolesanywhere/aws4_request`
   */
  override createStringToSign(
    longDate: string,
    scope: string,
    canonicalRequest: string,
    algorithm: string,
  ): Promise<string> {
    return super.createStringToSign(longDate, scope, canonicalRequest, algorithm);
  }
}

export const signer = new X509SignatureV4();

/** A stream can be read once, and must still be sent. */
function bodyOf({ body = '' }: HttpRequest): string | Uint8Array {
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  throw new OptionError('ERR_OPTION_INVALID', 'request body must be text or bytes to be signed');
}
