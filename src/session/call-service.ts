/**
 * Calls a service: signs each attempt anew, sends it, parses the response, within the limits of time and
 * attempts.
 */
import type { HttpDispatcher } from './dispatched.js';
import { endedBy, startLimit } from './limit.js';
import type { SessionRequest } from './request.js';
import type { HttpResponse } from './response.js';
import { retry } from './retry.js';
import type { Connection } from './settings.js';
import type { Transport } from './transport.js';
import { openTransport } from './transport.js';

/** Receives log messages. The console and the loggers of AWS SDK clients fit. */
export interface Logger {
  /** Details of requests and signatures. Never a key, a passphrase, a secret or a token. */
  debug?(message: string): void;
  /** Problems that have no effect today and should be fixed. */
  warn?(message: string): void;
}

export interface CallContext {
  /** Ends the call with `ERR_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
  readonly logger?: Logger | undefined;
  /** The clock. Default: the system's. */
  readonly now?: (() => Date) | undefined;
  /** Jitter, in [0, 1). Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  readonly dispatcher?: HttpDispatcher | undefined;
  /** Attempts for temporary failures; a refresher, which has its own pauses, passes 1. Default 3. */
  readonly attempts?: number | undefined;
}

interface Call<T> {
  readonly endpoint: URL;
  readonly connection: Connection;
  /** Called for each attempt: signatures age, and the clock may have been set meanwhile. */
  sign(): Promise<SessionRequest>;
  parse(response: HttpResponse): T;
}

/**
 * @throws TransportError `ERR_TIMEOUT` `ERR_NETWORK` `ERR_TLS` `ERR_PROXY` `ERR_ABORTED`; what `sign` and
 *   `parse` throw
 */
export async function callService<T>(call: Call<T>, context: CallContext): Promise<T> {
  const transport = await openTransport(call.endpoint, call.connection, context.dispatcher);
  try {
    return await callOver(transport, call, context);
  } finally {
    await transport.close();
  }
}

/**
 * The same over a transport of the caller's.
 *
 * @throws as `callService`
 */
export async function callOver<T>(
  transport: Transport,
  { endpoint, connection, sign, parse }: Call<T>,
  { signal, logger, random = Math.random, attempts }: CallContext,
): Promise<T> {
  const limit = startLimit(connection.timeoutMs, endpoint.origin, signal);
  const attempt = async (): Promise<T> => {
    const request = await sign();
    const { status, headers, body } = await transport.send(request, limit.signal);
    logger?.debug?.(`the service answered ${status}, request id ${headers['x-amzn-requestid'] ?? 'none'}`);
    return parse({ status, headers, body });
  };
  try {
    // Raced: a remote signer may not answer.
    return await endedBy(limit.signal, retry(attempt, { ...limit, random, attempts }));
  } finally {
    limit.stop();
  }
}
