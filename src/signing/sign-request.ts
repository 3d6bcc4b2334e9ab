/**
 * Signs a request with an identity. Pure: it reads only its arguments and changes none of them.
 *
 * Source: "The signing process for IAM Roles Anywhere": SigV4 with the certificate's serial number in place of
 * the access key id, the certificate itself among the signed headers, and no key derivation.
 */
import { IdentityError, isRolesAnywhereError, OptionError } from '../errors.js';
import type { SigningIdentity } from '../identity/identity.js';
import type { HttpRequest } from './canonical-request.js';

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

/** Headers that signing itself sets: values of the caller under these names are stale. */
const OWN_HEADERS = ['host', 'authorization', 'date', 'x-amz-date', 'x-amz-x509', 'x-amz-x509-chain'];

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'https:': 443, 'http:': 80 };

// Loaded with the first request: importing the library costs nothing that a program may never use.
let canonicalRequestModule: Promise<typeof import('./canonical-request.js')> | undefined;

/**
 * Signs a request for IAM Roles Anywhere. Send it unchanged: same host, path, query and body.
 *
 * @returns a new request, with `host`, `x-amz-date`, `x-amz-x509`, `x-amz-x509-chain` (only with a chain) and
 * `authorization` among its headers
 * @throws OptionError `ERR_OPTION_INVALID`: a body that is neither text nor bytes, or an invalid date
 * @throws IdentityError `ERR_KEY_SIGN`: an identity of the caller's own failed
 * @example
 * const signed = await signRequest(request, identity, { region: 'us-east-1', date: new Date() });
 */
export async function signRequest<T extends HttpRequest>(
  request: T,
  identity: SigningIdentity,
  context: SigningContext,
): Promise<T> {
  return (await signRequestWithTrace(request, identity, context)).request;
}

/** As `signRequest`, with the canonical request and the string to sign beside the signed request. */
export async function signRequestWithTrace<T extends HttpRequest>(
  request: T,
  identity: SigningIdentity,
  { region, date }: SigningContext,
): Promise<SignedRequest<T>> {
  canonicalRequestModule ??= import('./canonical-request.js');
  const { signer } = await canonicalRequestModule;

  if (Number.isNaN(date.getTime())) throw new OptionError('ERR_OPTION_INVALID', 'date must be a valid Date');
  const longDate = date.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${longDate.slice(0, 8)}/${region}/rolesanywhere/aws4_request`;
  const ownHeaders = createOwnHeaders(request, identity, longDate);
  const headers = withoutOwnHeaders(request.headers);
  const { canonicalRequest, signedHeaders } = signer.canonicalize({ ...request, headers }, ownHeaders);
  const stringToSign = await signer.createStringToSign(longDate, scope, canonicalRequest, identity.algorithm);
  const signature = toHex(await signWith(identity, Buffer.from(stringToSign)));
  ownHeaders['authorization'] =
    `${identity.algorithm} Credential=${identity.certificate.serialNumber}/${scope}, ` +
    `SignedHeaders=${signedHeaders}, Signature=${signature}`;
  const signed = { ...request, headers: Object.assign(headers, ownHeaders) };
  return { request: signed, canonicalRequest, stringToSign };
}

async function signWith(identity: SigningIdentity, data: Uint8Array): Promise<Uint8Array> {
  try {
    return await identity.sign(data);
  } catch (cause) {
    if (isRolesAnywhereError(cause)) throw cause;
    // The text of a caller's own signer may have a PIN in it.
    const name = cause instanceof Error ? cause.name : typeof cause;
    throw new IdentityError('ERR_KEY_SIGN', `the identity could not sign: ${name}`, { cause });
  }
}

function withoutOwnHeaders(headers: Record<string, string>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!OWN_HEADERS.includes(name.toLowerCase())) kept[name] = value;
  }
  return kept;
}

function createOwnHeaders(
  request: HttpRequest,
  { certificate, chain }: SigningIdentity,
  longDate: string,
): Record<string, string> {
  const headers: Record<string, string> = {
    host: hostOf(request),
    'x-amz-date': longDate,
    'x-amz-x509': certificate.base64,
  };
  // The service refuses an empty chain header.
  if (chain.length > 0) headers['x-amz-x509-chain'] = chain.map(({ base64 }) => base64).join(',');
  return headers;
}

/** The `Host` header as HTTP clients write it: without the port if it is the protocol's default. */
export function hostOf({ protocol, hostname, port }: HttpRequest): string {
  return port === undefined || port === DEFAULT_PORTS[protocol] ? hostname : `${hostname}:${port}`;
}

function toHex({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('hex');
}
