/**
 * Authenticates requests that are signed with an access key.
 *
 * Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; for the
 * codes, https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html and the same page of other
 * services
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

/** The errors for faulty signatures. */
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
  'The request signature we calculated does not match the signature you provided. ' +
  'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';

/** With the codes of STS and IAM. */
export const QUERY_REFUSALS: SignatureRefusals = {
  missing: refuseWith(403, 'MissingAuthenticationToken', MISSING),
  incomplete: refuseWith(400, 'IncompleteSignature', INCOMPLETE),
  unknownKey: refuseWith(403, 'InvalidClientTokenId', UNKNOWN_KEY),
  expired: refuseWith(403, 'ExpiredToken', EXPIRED),
  mismatch: refuseWith(403, 'SignatureDoesNotMatch', MISMATCH),
  denied: (message) => refuseWith(403, 'AccessDenied', message),
};

/** With the codes of JSON services. */
export const JSON_REFUSALS: SignatureRefusals = {
  missing: refuseWith(403, 'MissingAuthenticationTokenException', MISSING),
  incomplete: refuseWith(400, 'IncompleteSignatureException', INCOMPLETE),
  unknownKey: refuseWith(403, 'UnrecognizedClientException', UNKNOWN_KEY),
  expired: refuseWith(403, 'ExpiredTokenException', EXPIRED),
  mismatch: refuseWith(403, 'InvalidSignatureException', MISMATCH),
  denied: (message) => refuseWith(403, 'AccessDeniedException', message),
};

/**
 * Refuses sessions that this emulator issued: they have no permissions, because permissions policies are not
 * evaluated. Every other access key counts as an administrator's. Its secret is unknown here, so its signature
 * is not verified.
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
  const denied = `User: ${issued.assumedRoleArn} is not authorized to perform: ${action}`;
  const message = `${denied} because no identity-based policy allows the ${action} action`;
  throw rules.refusals.denied(message)(
    `caller: ${accessKeyId} is a session, and sessions have no permissions`,
  );
}

export interface SigningRules<Key extends IssuedKey> {
  readonly keys: IssuedKeys<Key>;
  /** The service in the credential scope. */
  readonly service: string;
  /** The accepted regions; messages name the first. */
  readonly regions: readonly [string, ...string[]];
  readonly refusals: SignatureRefusals;
  /** The allowed distance of the request's date from now, in seconds. Default 300. */
  readonly clockSeconds?: number;
}

interface Caller<Key> {
  readonly accessKeyId: string;
  /** Undefined for a key that this emulator did not issue. */
  readonly issued: Key | undefined;
  /** The request carries a session token, which long-term keys do not have. */
  readonly isTemporary: boolean;
}

/**
 * The signature of a key from elsewhere is not verified: its secret is unknown. Scope and clock are checked.
 */
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
  // A presigned request signs its query.
  const mustSign = ['host', ...(presigned === undefined ? sent : [])];
  const signed = readSignedRequest(unfolded, mustSign, incomplete);
  if (signed.algorithm !== 'AWS4-HMAC-SHA256') {
    throw incomplete(`algorithm: expected AWS4-HMAC-SHA256, found ${signed.algorithm}`);
  }
  const issued = keys.find(signed.keyId);
  if (issued !== undefined && sessionToken !== issued.sessionToken) {
    throw unknownKey(`session token: not the one issued with ${signed.keyId}`);
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

/** AWS's messages, from "Troubleshoot Signature Version 4 requests" of the IAM user guide. */
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
    const rule = 'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP';
    return `${rule}: '${day}' != '${date.slice(0, 8)}', from '${date}'.`;
  }
  const minutes = `${clockSeconds / 60} min.`;
  const shift = (seconds: number) => formatTimestamp(new Date(at.getTime() + seconds * 1000));
  const [earliest, latest, now] = [shift(-clockSeconds), shift(clockSeconds), shift(0)];
  return signed.date < at
    ? `Signature expired: ${date} is now earlier than ${earliest} (${now} - ${minutes})`
    : `Signature not yet current: ${date} is still later than ${latest} (${now} + ${minutes})`;
}
