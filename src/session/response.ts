/**
 * Parses the service's response: a session, or the error that the service reports.
 *
 * Source: "CreateSession" of IAM Roles Anywhere; restJson1 for errors. Unknown members are ignored, and
 * nothing of a body that may hold credentials gets into a message.
 */
import { oneLine, ServiceError } from '../errors.js';
import { createRefusal } from './refusal.js';
import type { Refusal } from './refusal-advice.js';
import { adviceFor, NOT_THE_SERVICE } from './refusal-advice.js';

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

/**
 * Temporary credentials, in the shape of `AwsCredentialIdentity` in `@smithy/types`, and the rest of the
 * answer.
 */
export interface Session {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
  /** The role's account, 12 digits. */
  readonly accountId: string;
  readonly assumedRole: { readonly arn: string | undefined; readonly id: string | undefined };
  readonly roleArn: string;
  readonly sourceIdentity: string | undefined;
  readonly packedPolicySize: number | undefined;
  readonly subjectArn: string | undefined;
}

export interface ResponseContext {
  /** The role that was asked for: its account is the session's. */
  readonly roleArn: string;
  /** This machine's clock, to compare with the service's. */
  readonly now: () => Date;
  /** The certificate that was sent, for the advice of an error that only names attributes of it. */
  readonly certificate?: Refusal['certificate'];
}

/**
 * @throws ServiceError `ERR_SERVICE_DENIED` `ERR_SERVICE_THROTTLED` `ERR_SERVICE_FAILED`
 *   `ERR_RESPONSE_INVALID`
 */
export function parseSessionResponse(response: HttpResponse, context: ResponseContext): Session {
  const { status } = response;
  if (status < 200 || status > 299) throw parseRefusal(response, context);
  const answer = parseJson(response.body);
  if (answer === undefined) {
    throw invalid(response, `the service answered ${status} with a body that is not JSON`);
  }
  const [set] = asList(answer['credentialSet']);
  const {
    credentials,
    assumedRoleUser,
    roleArn = context.roleArn,
    sourceIdentity,
    packedPolicySize,
  } = asRecord(set);
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = asRecord(credentials);
  const { arn, assumedRoleId } = asRecord(assumedRoleUser);
  const expires = parseMoment(asText(expiration));
  const [key, secret, token] = [accessKeyId, secretAccessKey, sessionToken].map(asText);
  const isWhole = areCredentials([key, secret, token]) && !Number.isNaN(expires.getTime());
  if (!isWhole || !key || !secret || !token) {
    throw invalid(response, 'the service answered without credentials in the form of CreateSession');
  }
  assertNotExpired(expires, response, context.now());
  return {
    accessKeyId: key,
    secretAccessKey: secret,
    sessionToken: token,
    expiration: expires,
    accountId: accountOf(asText(arn)) ?? accountOf(context.roleArn) ?? '',
    assumedRole: { arn: asText(arn), id: asText(assumedRoleId) },
    roleArn: asText(roleArn) ?? context.roleArn,
    sourceIdentity: asText(sourceIdentity),
    packedPolicySize: typeof packedPolicySize === 'number' ? packedPolicySize : undefined,
    subjectArn: asText(answer['subjectArn']),
  };
}

/**
 * Refuses expired credentials: they are of no use, and a wrong clock on this machine would make every caller
 * retry without end.
 *
 * @throws ServiceError `ERR_RESPONSE_INVALID`
 */
export function assertNotExpired(expiration: Date, response: HttpResponse, now: Date): void {
  if (expiration > now) return;
  const when = `expired ${expiration.toISOString()}, now ${now.toISOString()}`;
  throw invalid(response, `the service returned expired credentials: ${when}`, {
    hint: 'set the clock of this machine (NTP)',
  });
}

/**
 * RFC 3339, with its offset: `Date` alone accepts nearly any text, and assumes local time without an offset.
 */
export function parseMoment(text = ''): Date {
  const isMoment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text);
  return new Date(isMoment ? text : Number.NaN);
}

/** The fifth part of an ARN, if it is an account. */
export function accountOf(arn = ''): string | undefined {
  const [prefix, , , , account = ''] = arn.split(':');
  return prefix === 'arn' && /^\d{12}$/.test(account) ? account : undefined;
}

function parseRefusal(response: HttpResponse, context: ResponseContext): ServiceError {
  const { status, headers } = response;
  if (status < 400) {
    return invalid(response, `the service answered with status ${status}; redirects are not followed`);
  }
  const body = parseJson(response.body) ?? {};
  const named = headers['x-amzn-errortype'] ?? asText(body['__type']) ?? asText(body['code']);
  const type = named === undefined ? undefined : bareType(oneLine(named, 200));
  const text = asText(body['message']) ?? asText(body['Message']);
  const { certificate } = context;
  return createRefusal(
    response,
    { service: 'the service', type, text, requestId: headers['x-amzn-requestid'] },
    { now: context.now(), adviceFor: (refusal) => adviceFor({ ...refusal, certificate }) },
  );
}

/** `prefix#Name` and `Name:http://…` both occur in AWS's protocols. */
function bareType(named: string): string {
  const [beforeColon = ''] = named.split(':');
  return beforeColon.slice(beforeColon.lastIndexOf('#') + 1);
}

/**
 * Undefined if it is not JSON. Neither its text nor the parser's message, which quotes it, leaves this
 * function: it may hold credentials.
 */
function parseJson(body: Uint8Array): Record<string, unknown> | undefined {
  try {
    return asRecord(JSON.parse(Buffer.from(body).toString()));
  } catch {
    return undefined;
  }
}

function invalid(
  { status, headers }: HttpResponse,
  message: string,
  { hint = NOT_THE_SERVICE } = {},
): ServiceError {
  const requestId = headers['x-amzn-requestid'];
  return new ServiceError('ERR_RESPONSE_INVALID', message, { status, requestId, hint });
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/**
 * Whether texts are those of credentials: visible ASCII, which no file, shell or terminal interprets. A line
 * end in one of them would begin a new line of the credentials file.
 */
export function areCredentials(texts: ReadonlyArray<string | undefined>): boolean {
  return texts.every((text) => text !== undefined && /^[\x21-\x7e]+$/.test(text));
}
