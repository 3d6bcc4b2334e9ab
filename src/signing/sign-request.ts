/**
 * A request, an identity, a region and a date in, the signed request out. Pure: nothing is read but the
 * arguments, and none of them is changed.
 *
 * Source: "The signing process for IAM Roles Anywhere": SigV4 with the certificate's serial number in place of
 * the access key id, the certificate itself among the signed headers, and no key derivation.
 */
import { OptionError } from '../errors.js';
import type { Identity } from '../identity/identity.js';

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

export interface SigningContext {
  /** Region of the credential scope, such as `us-east-1`: never the name of an endpoint. */
  readonly region: string;
  readonly date: Date;
}

/** A signature and what it was made over, for `--debug` and for verifying by hand. Nothing in it is secret. */
export interface SignedRequest<T extends HttpRequest = HttpRequest> {
  readonly request: T;
  readonly canonicalRequest: string;
  readonly stringToSign: string;
}

/** Headers that signing itself sets: what a caller left under these names is stale. */
const OWN_HEADERS = ['host', 'authorization', 'date', 'x-amz-date', 'x-amz-x509', 'x-amz-x509-chain'];

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'https:': 443, 'http:': 80 };

// Loaded with the first request: importing the library costs nothing that a program may never use.
let canonicalRequestModule: Promise<typeof import('./canonical-request.js')> | undefined;

/**
 * Signs a request for IAM Roles Anywhere. Send it as it comes back: same host, path, query and body.
 *
 * @returns a new request, with `host`, `x-amz-date`, `x-amz-x509`, `x-amz-x509-chain` (only where there is a
 *   chain) and `authorization` among its headers
 * @throws OptionError `ERR_OPTION_INVALID`: a body that is neither text nor bytes
 * @example
 * const signed = await signRequest(request, identity, { region: 'us-east-1', date: new Date() });
 */
export async function signRequest<T extends HttpRequest>(
  request: T,
  identity: Identity,
  context: SigningContext,
): Promise<T> {
  return (await explainSignature(request, identity, context)).request;
}

/** As `signRequest`, with the canonical request and the string to sign beside the signed request. */
export async function explainSignature<T extends HttpRequest>(
  request: T,
  identity: Identity,
  { region, date }: SigningContext,
): Promise<SignedRequest<T>> {
  const { body } = request;
  if (body !== undefined && body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)) {
    throw new OptionError('ERR_OPTION_INVALID', 'request body must be text or bytes to be signed');
  }
  canonicalRequestModule ??= import('./canonical-request.js');
  const { createCanonicalForm, createStringToSign } = await canonicalRequestModule;

  const longDate = date.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${longDate.slice(0, 8)}/${region}/rolesanywhere/aws4_request`;
  const headers = signedHeadersOf(request, identity, longDate);
  const { canonicalRequest, signedHeaders } = await createCanonicalForm({ ...request, headers });
  const stringToSign = await createStringToSign(longDate, scope, canonicalRequest, identity.algorithm);
  const signature = Buffer.from(await identity.sign(Buffer.from(stringToSign))).toString('hex');
  const authorization =
    `${identity.algorithm} Credential=${identity.certificate.serialNumber}/${scope}, ` +
    `SignedHeaders=${signedHeaders}, Signature=${signature}`;
  return { request: { ...request, headers: { ...headers, authorization } }, canonicalRequest, stringToSign };
}

function signedHeadersOf(request: HttpRequest, identity: Identity, longDate: string): Record<string, string> {
  const kept = Object.entries(request.headers).filter(([name]) => !OWN_HEADERS.includes(name.toLowerCase()));
  return {
    ...Object.fromEntries(kept),
    host: hostOf(request),
    'x-amz-date': longDate,
    'x-amz-x509': base64(identity.certificate.raw),
    // The service refuses an empty chain header.
    ...(identity.chain.length > 0 && {
      'x-amz-x509-chain': identity.chain.map(({ raw }) => base64(raw)).join(','),
    }),
  };
}

/** As HTTP clients write it: without the port where that is the protocol's own. */
function hostOf({ protocol, hostname, port }: HttpRequest): string {
  return port === undefined || port === DEFAULT_PORTS[protocol] ? hostname : `${hostname}:${port}`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
