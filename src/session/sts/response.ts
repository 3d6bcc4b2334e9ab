/**
 * Parses a response of STS: the result of an action, or the error that STS reports. Nothing of a body that
 * may hold credentials gets into a message.
 */
import { oneLine, ServiceError } from '../../errors.js';
import { createRefusal } from '../refusal.js';
import type { Refusal } from '../refusal-advice.js';
import type { HttpResponse } from '../response.js';
import type { XmlElement } from './xml.js';
import { childOf, parseXml, textOf } from './xml.js';

export interface StsResponseContext {
  readonly action: string;
  readonly now: Date;
  readonly adviceFor?: ((refusal: Refusal) => string | undefined) | undefined;
}

const NOT_STS = 'check the STS endpoint: a proxy or another server may have answered instead of STS';

/** By STS's error code, for all actions. */
const ADVICE: Readonly<Record<string, string>> = {
  RegionDisabledException:
    'activate STS in this region (IAM, account settings), or use the STS endpoint of another one',
  InvalidClientTokenId: 'STS does not know the credentials: are service and STS in one AWS partition?',
  ExpiredToken: 'set the clock of this machine (NTP)',
  PackedPolicyTooLarge:
    'shorten the session policy, or map fewer attributes of the certificate to session tags',
  MalformedPolicyDocument: 'the session policy must be a valid IAM policy document',
};

/**
 * @returns the element `<ActionResult>`
 * @throws ServiceError `ERR_SERVICE_DENIED` `ERR_SERVICE_THROTTLED` `ERR_SERVICE_FAILED`
 *   `ERR_RESPONSE_INVALID`
 */
export function parseStsResponse(response: HttpResponse, context: StsResponseContext): XmlElement {
  const { status } = response;
  const { action } = context;
  const root = parseXml(Buffer.from(response.body).toString());
  if (status >= 400) throw refusedBy(response, root, context);
  if (status < 200 || status > 299) {
    throw invalidAnswer(response, `STS answered with status ${status}; redirects are not followed`);
  }
  const result = root?.name === `${action}Response` ? childOf(root, `${action}Result`) : undefined;
  if (result !== undefined) return result;
  throw invalidAnswer(response, `STS answered ${status} with a body that is no ${action}Response`);
}

/** @returns the error for a response that is not STS's protocol */
export function invalidAnswer({ status, headers }: HttpResponse, message: string): ServiceError {
  const requestId = headers['x-amzn-requestid'];
  return new ServiceError('ERR_RESPONSE_INVALID', message, { status, requestId, hint: NOT_STS });
}

function refusedBy(
  response: HttpResponse,
  root: XmlElement | undefined,
  { action, now, adviceFor }: StsResponseContext,
): ServiceError {
  const error = root?.name === 'ErrorResponse' ? childOf(root, 'Error') : undefined;
  const type = textOf(error, 'Code');
  const requestId = textOf(root, 'RequestId') ?? response.headers['x-amzn-requestid'];
  return createRefusal(
    response,
    {
      service: `STS ${action}`,
      type: type && oneLine(type, 200),
      text: textOf(error, 'Message'),
      requestId,
    },
    { now, adviceFor: (refusal) => generalAdvice(refusal) ?? adviceFor?.(refusal) },
  );
}

function generalAdvice({ code, type = '', hasSkew }: Refusal): string | undefined {
  if (code === 'ERR_SERVICE_THROTTLED')
    return 'too many calls of STS in this account and region: try again later';
  if (code === 'ERR_SERVICE_FAILED') return 'this is a failure of STS: try again later';
  if (hasSkew) return 'set the clock of this machine (NTP)';
  return Object.hasOwn(ADVICE, type) ? ADVICE[type] : undefined;
}
