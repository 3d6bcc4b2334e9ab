/** Sends requests through a dispatcher: undici's proxy agents, or one of the caller's. */

import type { Channel } from './channel.js';
import { readAnswer, targetOf } from './channel.js';
import type { SessionRequest } from './request.js';

/**
 * The part of undici's `Dispatcher` that is used: an `Agent`, `Pool`, `ProxyAgent` or `MockAgent` of any
 * version that has `request()`.
 */
export interface HttpDispatcher {
  request(options: DispatchOptions): Promise<DispatchedResponse>;
}

interface DispatchOptions {
  readonly origin: string;
  readonly method: 'POST';
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly signal: AbortSignal;
  /** 0: no limit of its own, since the signal limits the whole call. */
  readonly headersTimeout: number;
  readonly bodyTimeout: number;
}

interface DispatchedResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** @param close ends the dispatcher, if it is not the caller's */
export function overDispatcher(
  dispatcher: HttpDispatcher,
  { origin }: URL,
  close: () => Promise<void> = async () => {},
): Channel {
  const send = async (request: SessionRequest, signal: AbortSignal) => {
    const { statusCode, headers, body } = await dispatcher.request({
      ...{ origin, method: 'POST', path: targetOf(request), headers: request.headers, body: request.body },
      ...{ signal, headersTimeout: 0, bodyTimeout: 0 },
    });
    return readAnswer({ status: statusCode, headers, body }, origin);
  };
  return { send, close };
}
