/**
 * Unfolds a presigned request, such as that of `aws eks get-token`: moves the signature from the query to the
 * headers.
 *
 * Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
 */
import type { EmulatorRequest, Refuse } from './handler.js';
import { parseQuery, readHeader } from './signature.js';

const SIGNATURE = 'X-Amz-Signature';
/** The required parameters. `Expires` is optional: the Go SDK omits it, and STS ignores it. */
const PARAMETERS = ['Algorithm', 'Credential', 'Date', 'SignedHeaders', 'Signature'];

/** Undefined if the query has no signature. */
export function unfoldPresigned(request: EmulatorRequest, refuse: Refuse): EmulatorRequest | undefined {
  const pairs = parseQuery(request.rawQuery, refuse).filter(([name]) => name.startsWith('X-Amz-'));
  const values = new Map(pairs);
  if (!values.has(SIGNATURE)) return undefined;
  if (readHeader(request, 'authorization', refuse) !== undefined) {
    throw refuse('authorization: one signature is expected, in the query or in the header, found both');
  }
  if (values.size < pairs.length) throw refuse('query: each X-Amz- parameter must occur once');
  const absent = PARAMETERS.find((name) => !values.has(`X-Amz-${name}`));
  if (absent !== undefined) throw refuse(`query: X-Amz-${absent} is missing`);
  const get = (name: string) => values.get(`X-Amz-${name}`) ?? '';
  const seconds = values.get('X-Amz-Expires');
  if (seconds !== undefined && (!/^[1-9]\d{0,5}$/.test(seconds) || Number(seconds) > 604_800)) {
    throw refuse(`query: X-Amz-Expires must be 1 to 604800 seconds, found ${seconds}`);
  }
  const authorization = [
    `${get('Algorithm')} Credential=${get('Credential')}`,
    `SignedHeaders=${get('SignedHeaders')}`,
    `Signature=${get('Signature')}`,
  ].join(', ');
  const token = values.get('X-Amz-Security-Token');
  return {
    ...request,
    // The signature covers the query without itself.
    rawQuery: request.rawQuery
      .split('&')
      .filter((pair) => !pair.startsWith(`${SIGNATURE}=`))
      .join('&'),
    headers: [
      ...request.headers,
      ['authorization', authorization],
      ['x-amz-date', get('Date')],
      ...(token === undefined ? [] : [['x-amz-security-token', token] as const]),
    ],
  };
}
