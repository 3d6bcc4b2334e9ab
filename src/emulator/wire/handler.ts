/**
 * Routes requests to operations, and adds what every AWS answer has: `Date`, `x-amzn-RequestId`. Writes one
 * line of log for each request.
 *
 * An operation (`create-session.ts`, `sts.ts`, `control-plane.ts`) names its routes, performs, and words
 * refusals in its protocol.
 * Rules: Smithy restJson1 for the error header,
 * https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
 */
import { randomUUID } from 'node:crypto';
import type { Explanation } from '../request-log.js';
import { createRequestLog } from '../request-log.js';
import { normalizePath } from './path.js';

/** A request as it was sent: nothing is decoded, because the signature covers the encoded form. */
export interface EmulatorRequest {
  readonly method: string;
  /** The target up to `?`, undecoded. */
  readonly rawPath: string;
  /** The target after `?`, undecoded; empty if it has none. */
  readonly rawQuery: string;
  /**
   * In the order sent, with repeated names. Names in lower case; values as Latin-1, one character for each
   * byte.
   */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
  readonly body: Uint8Array;
  /** The client's address, `aws:SourceIp` of trust policies; undefined without a connection. */
  readonly sourceIp?: string | undefined;
}

export interface EmulatorResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Present if a {@link Fault} delays or cuts the answer. */
  readonly delivery?: Delivery;
}

export interface Delivery {
  readonly delayMs: number;
  /** Reset the connection; or send half of the body, and then nothing (`stall`) or the end (`truncate`). */
  readonly cut?: 'reset' | 'stall' | 'truncate';
}

/** An injected fault that strikes one request. */
export interface Fault {
  /** The answer instead of performing the operation. */
  readonly refusal: Refusal | undefined;
  readonly delivery: Delivery;
  /** Replace headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Added to `Date`. */
  readonly dateSkewMs: number;
  /** For the log. */
  readonly note: string;
}

/** An operation's answer, before the common headers. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** For protocols with the header `X-Amzn-ErrorType`. */
  readonly errorType?: string;
  /** For the log: what was granted. */
  readonly note?: string;
}

/**
 * Makes one kind of refusal from a reason. Checks that operations share throw the kind that they are given.
 */
export type Refuse = (reason: string, explain?: () => Explanation) => Refusal;

/**
 * A refused request. `message` goes to the client and is as terse as AWS's; `reason` goes to the log and names
 * the check, what it expected and what it found. Neither may hold a secret.
 */
export class Refusal extends Error {
  readonly status: number;
  readonly type: string;
  readonly reason: string;
  /** Finds a better reason for a signature that does not verify. It takes time. */
  readonly explain: (() => Explanation) | undefined;

  constructor(status: number, type: string, message: string, reason: string, explain?: () => Explanation) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.type = type;
    this.reason = reason;
    this.explain = explain;
  }
}

export const refuseWith =
  (status: number, type: string, message: string): Refuse =>
  (reason, explain) =>
    new Refusal(status, type, message, reason, explain);

export interface Operation {
  /** Method and path: `POST /sessions`, `GET /crl/{crlId}`. A name in braces matches one segment. */
  readonly routes: readonly string[];
  /** Names of the service model, such as `CreateSession`. */
  readonly names: readonly string[];
  /** The name that a request asks for, if there are several. */
  nameOf?(request: EmulatorRequest): string;
  /** Whether a request on a shared route is for this operation. If none accepts it, the first answers. */
  accepts?(request: EmulatorRequest): boolean;
  /** Answers, or throws a {@link Refusal}. `parameters` are the named segments of the route, decoded. */
  perform(request: EmulatorRequest, at: Date, requestId: string, parameters: PathParameters): Performed;
  formatRefusal(refusal: Refusal, requestId: string): Answer;
}

export type Performed = Answer | Promise<Answer>;

export type PathParameters = Readonly<Record<string, string>>;

export type Handler = (request: EmulatorRequest) => Promise<EmulatorResponse>;

/** The limit of bodies in bytes. ImportCrl takes 300,000 in base64; AWS's own limit is unknown. */
export const MAX_BODY_BYTES = 512 * 1024;

/** An error of the REST-JSON services: the type in a header, `{"message":…}` in the body. */
export function formatJsonRefusal(refusal: Refusal): Answer {
  return {
    status: refusal.status,
    contentType: 'application/json',
    body: JSON.stringify({ message: refusal.message }),
    errorType: refusal.type,
  };
}

/** Answers requests on unknown routes. */
const NO_OPERATION: Operation = {
  routes: [],
  names: [],
  perform({ method, rawPath }) {
    const reason = `route: there is no ${method} ${rawPath}`;
    throw new Refusal(404, 'UnknownOperationException', 'UnknownOperationException', reason);
  },
  formatRefusal: formatJsonRefusal,
};

/** The context that all operations share. */
export interface Frame {
  readonly now: () => Date;
  /** Receives one line for each request. Without it, no time is spent on finding reasons. */
  readonly log: ((line: string) => void) | undefined;
  /** Default false. */
  readonly isVerbose?: boolean;
  /** The fault that strikes a request, if any. */
  readonly decideFault?: (operation: string, at: Date) => Fault | undefined;
}

/** Combines operations into one handler. */
export function createHandler(operations: readonly Operation[], frame: Frame): Handler {
  const { now, decideFault, isVerbose = false } = frame;
  const log = createRequestLog(frame.log, isVerbose);
  const routes = operations.flatMap((operation) =>
    operation.routes.map((route): Route => [operation, route.split('/')]),
  );
  return async (received) => {
    const request = { ...received, rawPath: normalizePath(received.rawPath) };
    const at = now();
    if (Number.isNaN(at.getTime())) throw new RangeError('the clock returned an invalid date');
    const requestId = randomUUID();
    const { operation, parameters } = findOperation(routes, request);
    const fault = decideFault?.(operation.nameOf?.(request) ?? operation.names[0] ?? '', at);
    const perform = () => {
      if (fault?.refusal !== undefined) throw fault.refusal;
      return operation.perform(request, at, requestId, parameters);
    };
    const { answer, ...outcome } = await run(operation, perform, request, requestId);
    const note = fault === undefined || fault.refusal !== undefined ? '' : ` [${fault.note}]`;
    log({
      ...outcome,
      at,
      route: `${request.method} ${received.rawPath}`,
      status: answer.status,
      text: `${outcome.text}${note}`,
    });
    return frameAnswer(answer, at, requestId, fault);
  };
}

function frameAnswer(answer: Answer, at: Date, requestId: string, fault: Fault | undefined) {
  return {
    status: answer.status,
    headers: {
      'Content-Type': answer.contentType,
      Date: new Date(at.getTime() + (fault?.dateSkewMs ?? 0)).toUTCString(),
      'x-amzn-RequestId': requestId,
      ...(answer.errorType === undefined ? {} : { 'X-Amzn-ErrorType': answer.errorType }),
      ...fault?.headers,
    },
    body: answer.body,
    ...(fault !== undefined && { delivery: fault.delivery }),
  };
}

/** Method and path of a route, split into segments. */
type Route = readonly [operation: Operation, segments: readonly string[]];

function findOperation(routes: readonly Route[], request: EmulatorRequest) {
  const { method, rawPath } = request;
  const found = `${method} ${rawPath}`.split('/');
  const matches = routes.flatMap(([operation, segments]) => {
    const parameters = matchRoute(segments, found);
    return parameters === undefined ? [] : [{ operation, parameters }];
  });
  const accepting = matches.find(({ operation }) => operation.accepts?.(request) === true);
  return accepting ?? matches[0] ?? { operation: NO_OPERATION, parameters: {} };
}

/** The named segments; undefined if method or path differ. */
function matchRoute(wanted: readonly string[], found: readonly string[]): PathParameters | undefined {
  if (wanted.length !== found.length || wanted[0] !== found[0]) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const segment = found[index] ?? '';
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined ? segment !== part : segment === '') return undefined;
    if (name !== undefined) parameters[name] = decodeSegment(segment);
  }
  return parameters;
}

/** A malformed segment stays as it is: no id matches it. */
function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Half of a UTF-16 pair, which no UTF-8 can hold. */
export const LONE_SURROGATE = /\p{Surrogate}/u;

async function run(operation: Operation, perform: () => Performed, request: EmulatorRequest, id: string) {
  try {
    if (request.body.length > MAX_BODY_BYTES) {
      const reason = `body: at most ${MAX_BODY_BYTES} bytes, found ${request.body.length} or more`;
      throw new Refusal(413, 'RequestEntityTooLargeException', 'Request body is too large', reason);
    }
    // A socket delivers bytes, never half a character; a caller of `handle` could pass one.
    if (LONE_SURROGATE.test(request.rawPath + request.rawQuery)) {
      const reason = 'request: the target holds a lone surrogate (RFC 3986 allows ASCII only)';
      throw new Refusal(400, 'ValidationException', 'The request could not be read', reason);
    }
    const answer = await perform();
    return { answer, text: answer.note ?? '' };
  } catch (error) {
    const refusal = error instanceof Refusal ? error : formatFailure(error);
    const { type, message, reason, explain } = refusal;
    return { answer: operation.formatRefusal(refusal, id), text: `${type}: ${message}`, reason, explain };
  }
}

/** A defect of the emulator must not look like a refusal. */
function formatFailure(error: unknown): Refusal {
  const cause = error instanceof Error ? (error.stack ?? error.message) : 'unknown';
  const reason = `defect in the emulator: ${cause}`;
  return new Refusal(500, 'InternalFailure', 'The emulator failed', reason);
}
