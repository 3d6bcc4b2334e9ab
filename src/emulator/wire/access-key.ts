/**
 * Who holds the access key that signed a request. In: the request, and the keys that were issued. Out: the issued key
 * with which it was rightly signed, or `undefined` for a key from elsewhere; a refusal for everything else.
 * Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; for the codes,
 * https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html and the same page of other services
 */
import type { EmulatorRequest, Refuse } from './handler.js';
import { Refusal, refuseWith } from './handler.js';
import { unfoldPresigned } from './presigned.js';
import type { SignedRequest } from './signature.js';
import { checkScope, formatTimestamp, isHmacSignature, readHeader, readSignedRequest } from './signature.js';
import { explainMismatch } from './signing-mistakes.js';

export interface IssuedKey {
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
  /** `arn:aws:sts::123456789012:assumed-role/Demo/00ab` */
  readonly assumedRoleArn: string;
}

export interface IssuedKeys<Key extends IssuedKey = IssuedKey> {
  find(accessKeyId: string): Key | undefined;
}

/** One answer for each way in which a signature can be wrong. */
export type SignatureRefusals = Readonly<
  Record<'missing' | 'incomplete' | 'unknownKey' | 'expired' | 'mismatch', Refuse> & {
    denied: (message: string) => Refuse;
  }
>;

const INCOMPLETE = 'The request signature does not conform to AWS standards.';
const MISSING = 'Request is missing Authentication Token';
const UNKNOWN_KEY = 'The security token included in the request is invalid.';
const EXPIRED = 'The security token included in the request is expired';
const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key ' +
  'and signing method. Consult the service documentation for details.';

/** As STS and IAM name them. */
export const QUERY_REFUSALS: SignatureRefusals = {
  missing: refuseWith(403, 'MissingAuthenticationToken', MISSING),
  incomplete: refuseWith(400, 'IncompleteSignature', INCOMPLETE),
  unknownKey: refuseWith(403, 'InvalidClientTokenId', UNKNOWN_KEY),
  expired: refuseWith(403, 'ExpiredToken', EXPIRED),
  mismatch: refuseWith(403, 'SignatureDoesNotMatch', MISMATCH),
  denied: (message) => refuseWith(403, 'AccessDenied', message),
};

/** As the services that speak JSON name them. */
export const JSON_REFUSALS: SignatureRefusals = {
  missing: refuseWith(403, 'MissingAuthenticationTokenException', MISSING),
  incomplete: refuseWith(400, 'IncompleteSignatureException', INCOMPLETE),
  unknownKey: refuseWith(403, 'UnrecognizedClientException', UNKNOWN_KEY),
  expired: refuseWith(403, 'ExpiredTokenException', EXPIRED),
  mismatch: refuseWith(403, 'InvalidSignatureException', MISMATCH),
  denied: (message) => refuseWith(403, 'AccessDeniedException', message),
};

/**
 * Refuses sessions that this emulator issued: they have no permissions. Permissions policies are not evaluated, and
 * administrators and their secrets are unknown here, so every access key from elsewhere is an administrator's.
 *
 * @param action such as `iam:CreateRole`
 * @returns the access key id, for the log
 */
export function checkAdministrator(
  request: EmulatorRequest,
  rules: SigningRules<IssuedKey>,
  at: Date,
  action: string,
): string {
  const { accessKeyId, issued } = readCaller(request, rules, at);
  if (issued === undefined) return accessKeyId;
  const message = `User: ${issued.assumedRoleArn} is not authorized to perform: ${action} because no identity-based policy allows the ${action} action`;
  throw rules.refusals.denied(message)(
    `caller: ${accessKeyId} is a session, and sessions have no permissions`,
  );
}

export interface SigningRules<Key extends IssuedKey> {
  readonly keys: IssuedKeys<Key>;
  /** In the credential scope. */
  readonly service: string;
  /** Any of them will do; the first is the one to name. */
  readonly regions: readonly [string, ...string[]];
  readonly refusals: SignatureRefusals;
  /** How far the request's date may be from now. Default 300. */
  readonly clockSeconds?: number;
}

interface Caller<Key> {
  readonly accessKeyId: string;
  /** Undefined for a key that this emulator did not issue. */
  readonly issued: Key | undefined;
  /** The request carries a session token, which long-term keys do not have. */
  readonly isTemporary: boolean;
}

/** A key from elsewhere is not verified, since its secret is unknown here; scope and clock are. */
export function readCaller<Key extends IssuedKey>(
  request: EmulatorRequest,
  rules: SigningRules<Key>,
  at: Date,
): Caller<Key> {
  const { keys, refusals } = rules;
  const { missing, incomplete, unknownKey, expired, mismatch } = refusals;
  const presigned = unfoldPresigned(request, incomplete);
  const unfolded = presigned ?? request;
  if (readHeader(unfolded, 'authorization', incomplete) === undefined) {
    throw missing('authorization: the header is missing');
  }
  const sessionToken = readHeader(unfolded, 'x-amz-security-token', incomplete);
  const sent = ['x-amz-date', ...(sessionToken === undefined ? [] : ['x-amz-security-token'])];
  // What a query carries, it signs.
  const mustSign = ['host', ...(presigned === undefined ? sent : [])];
  const signed = readSignedRequest(unfolded, mustSign, incomplete);
  if (signed.algorithm !== 'AWS4-HMAC-SHA256') {
    throw incomplete(`algorithm: expected AWS4-HMAC-SHA256, found ${signed.algorithm}`);
  }
  const issued = keys.find(signed.keyId);
  if (issued !== undefined && sessionToken !== issued.sessionToken) {
    throw unknownKey(`session token: is not the one issued with ${signed.keyId}`);
  }
  if (issued !== undefined && at >= issued.expiration) {
    throw expired(`expiration: ${issued.expiration.toISOString()}, now is ${at.toISOString()}`);
  }
  mustBeInScope(signed, rules, at);
  if (issued !== undefined && !isHmacSignature(signed, issued.secretAccessKey)) {
    const { secretAccessKey } = issued;
    const isSigned = (text: Buffer) => isHmacSignature(signed, secretAccessKey, text);
    throw mismatch('signature: does not verify', () => explainMismatch(request, signed, isSigned));
  }
  return { accessKeyId: signed.keyId, issued, isTemporary: (sessionToken ?? '') !== '' };
}

function mustBeInScope(signed: SignedRequest, rules: SigningRules<IssuedKey>, at: Date): void {
  const { regions, service, refusals, clockSeconds = 300 } = rules;
  const region = regions.find((one) => one === signed.scope[1]) ?? regions[0];
  const reason = checkScope(signed, region, service, at, clockSeconds);
  if (reason === undefined) return;
  const { status, type } = refusals.mismatch(reason);
  throw new Refusal(status, type, wordScope(signed, region, service, at, clockSeconds), reason);
}

/** In AWS's words: "Troubleshoot Signature Version 4 requests" of the IAM user guide. */
function wordScope(
  signed: SignedRequest,
  region: string,
  service: string,
  at: Date,
  clockSeconds: number,
): string {
  const [day, foundRegion, foundService, terminator] = signed.scope;
  const date = formatTimestamp(signed.date);
  if (foundRegion !== region) return 'Credential should be scoped to a valid region.';
  if (foundService !== service) return `Credential should be scoped to correct service: '${service}'.`;
  if (terminator !== 'aws4_request' || signed.scope.length > 4) {
    return "Credential should be scoped with a valid terminator: 'aws4_request'.";
  }
  if (day !== date.slice(0, 8)) {
    return `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${day}' != '${date.slice(0, 8)}', from '${date}'.`;
  }
  const minutes = `${clockSeconds / 60} min.`;
  const shift = (seconds: number) => formatTimestamp(new Date(at.getTime() + seconds * 1000));
  return signed.date < at
    ? `Signature expired: ${date} is now earlier than ${shift(-clockSeconds)} (${shift(0)} - ${minutes})`
    : `Signature not yet current: ${date} is still later than ${shift(clockSeconds)} (${shift(0)} + ${minutes})`;
}
