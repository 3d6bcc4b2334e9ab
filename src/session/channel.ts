/** One way to send requests to one host, and the part that all ways share: the bounded response. */
import { ServiceError } from '../errors.js';
import { NOT_THE_SERVICE } from './refusal-advice.js';
import type { SessionRequest } from './request.js';
import type { HttpResponse } from './response.js';

/** Ends with the errors of Node or undici; `transport.ts` translates them. */
export interface Channel {
  /** Connects ahead of the first request, which reports a failure. Absent if the way has no such step. */
  connect?(): Promise<void>;
  send(request: SessionRequest, signal: AbortSignal): Promise<HttpResponse>;
  /** Aborts requests in progress. */
  close(): Promise<void>;
}

const MAX_RESPONSE_BYTES = 1024 * 1024;

interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface Incoming extends Head {
  readonly body: AsyncIterable<Uint8Array>;
}

/** An answer whose body is still to come. */
interface PartialAnswer {
  /** @throws ServiceError `ERR_RESPONSE_INVALID`: more than 1 MiB */
  add(chunk: Uint8Array): void;
  end(): HttpResponse;
}

export function startAnswer({ status, headers }: Head, origin: string): PartialAnswer {
  const chunks: Uint8Array[] = [];
  let length = 0;
  return {
    add: (chunk) => {
      length += chunk.length;
      if (length > MAX_RESPONSE_BYTES) {
        throw new ServiceError('ERR_RESPONSE_INVALID', `${origin} answered with more than 1 MiB`, {
          status,
          hint: NOT_THE_SERVICE,
        });
      }
      chunks.push(chunk);
    },
    end: () => ({ status, headers: singleValues(headers), body: Buffer.concat(chunks) }),
  };
}

/** @throws ServiceError `ERR_RESPONSE_INVALID`: more than 1 MiB. Leaving the loop destroys the stream. */
export async function readAnswer({ body, ...head }: Incoming, origin: string): Promise<HttpResponse> {
  const answer = startAnswer(head, origin);
  for await (const chunk of body) answer.add(chunk);
  return answer.end();
}

function singleValues(headers: Incoming['headers']): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      Array.isArray(value) ? value.join(', ') : value,
    ]),
  );
}

/**
 * Path and query as they were signed: every character but the unreserved ones of RFC 3986 is percent-encoded.
 */
export function targetOf({ path, query }: SessionRequest): string {
  const pairs = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}

function encode(text: string): string {
  const upperHex = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, upperHex);
}
