/**
 * Makes the error of a refusal by AWS: code, message, clock difference and advice, for all of its protocols.
 */
import { oneLine, ServiceError } from '../errors.js';
import type { Refusal } from './refusal-advice.js';

/** Beyond this the service refuses a signature (SigV4, five minutes). */
const MAX_SKEW_MS = 5 * 60 * 1000;

const THROTTLING = [
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'TooManyRequests',
  'TooManyRequestsException',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestLimitExceeded',
  'BandwidthLimitExceeded',
  'LimitExceededException',
  'PriorRequestNotComplete',
  'SlowDown',
  'EC2ThrottledException',
  'ProvisionedThroughputExceededException',
  'TransactionInProgressException',
];

interface RefusalContext {
  /** This machine's clock, to compare with the service's. */
  readonly now: Date;
  readonly adviceFor: (refusal: Refusal) => string | undefined;
}

interface ServiceRefusal {
  /** Begins the message: `the service`, `STS`. */
  readonly service: string;
  readonly type: string | undefined;
  readonly text: string | undefined;
  readonly requestId: string | undefined;
}

/** The status, 400 or more, and the headers of an answer. */
interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export function createRefusal(
  { status, headers }: Answer,
  { service, type, text, requestId }: ServiceRefusal,
  { now, adviceFor }: RefusalContext,
): ServiceError {
  const skew = describeSkew(headers['date'], now);
  const code = codeOf(status, type);
  const parts = [
    `${service} answered ${status}${type === undefined ? '' : ` ${type}`}`,
    text === undefined ? '' : `: ${oneLine(text, 1000)}`,
    requestId === undefined ? '' : ` (request id ${oneLine(requestId, 100)})`,
    skew,
  ];
  return new ServiceError(code, parts.join(''), {
    status,
    type,
    requestId,
    hint: adviceFor({ code, type, text, hasSkew: skew !== '' }),
    retryAfterMs: parseRetryAfter(headers['retry-after'], now),
  });
}

function codeOf(status: number, type: string | undefined): ServiceError['code'] {
  if (status === 429 || (type !== undefined && THROTTLING.includes(type))) return 'ERR_SERVICE_THROTTLED';
  return status >= 500 ? 'ERR_SERVICE_FAILED' : 'ERR_SERVICE_DENIED';
}

/**
 * Describes a wrong clock, which the service reports only as `Invalid signature`, by the date of the
 * response.
 */
function describeSkew(date: string | undefined, now: Date): string {
  const skewMs = now.getTime() - parseHttpDate(date);
  if (Number.isNaN(skewMs) || Math.abs(skewMs) <= MAX_SKEW_MS) return '';
  const minutes = Math.round(Math.abs(skewMs) / 60_000);
  return (
    `; this machine's clock is ${minutes} minutes ${skewMs > 0 ? 'ahead of' : 'behind'} the service's, ` +
    'and AWS allows 5'
  );
}

/** Seconds or a date (RFC 9110 §10.2.3), as milliseconds from now. */
function parseRetryAfter(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const until = parseHttpDate(value);
  return Number.isNaN(until) ? undefined : Math.max(0, until - now.getTime());
}

/** RFC 9110 §5.6.7, as milliseconds since 1970; NaN for anything else. */
function parseHttpDate(text = ''): number {
  return /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
}
