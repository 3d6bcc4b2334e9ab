/**
 * The AWS Query protocol on `POST /`, which STS and IAM share: finds the action of a form, and formats answers
 * and refusals as XML.
 *
 * Rules: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
 */
import type { EmulatorRequest, Operation, Refuse } from './handler.js';
import { Refusal, refuseWith } from './handler.js';
import { findUnknownParameters, readForm } from './query-form.js';
import type { Shape, ValueOf } from './shape.js';
import { readShape } from './shape.js';
import { parseQuery } from './signature.js';

export interface QueryCall {
  readonly request: EmulatorRequest;
  readonly form: ReadonlyMap<string, string>;
  readonly at: Date;
}

export interface QueryResult {
  /** XML of the members, such as `<Arn>…</Arn>`; undefined for an action without a result. */
  readonly result: string | undefined;
  /** For the log: what was granted. */
  readonly note: string;
}

export interface QueryService {
  /** The service in the credential scope: `sts`, `iam`. */
  readonly signingName: string;
  /** The `Version` parameter. */
  readonly version: string;
  readonly namespace: string;
  readonly actions: Readonly<Record<string, (call: QueryCall) => QueryResult>>;
}

const malformed: Refuse = refuseWith(
  400,
  'MalformedQueryString',
  'The query string contains a syntax error.',
);

/**
 * A request on the shared path belongs to the service that it is signed for, else to the one whose version it
 * names.
 */
export function createQueryOperation(service: QueryService): Operation {
  const { namespace, signingName, version } = service;
  return {
    routes: ['POST /', 'GET /'],
    names: Object.keys(service.actions),
    nameOf: (request) => /(?:^|&)Action=(\w+)/.exec(formText(request))?.[1] ?? '',
    accepts(request) {
      const signedFor = signingNameOf(request);
      return signedFor === undefined ? formText(request).includes(version) : signedFor === signingName;
    },
    perform(request, at, requestId) {
      const form = new Map(parseQuery(formText(request), malformed));
      const name = form.get('Action') ?? '';
      const action = findAction(service, name, form.get('Version') ?? '');
      const { result, note } = action({ request, form, at });
      const members = result === undefined ? '' : `\n  <${name}Result>\n    ${result}\n  </${name}Result>`;
      const body = `<${name}Response xmlns="${namespace}">${members}
  <ResponseMetadata>
    <RequestId>${requestId}</RequestId>
  </ResponseMetadata>
</${name}Response>
`;
      return { status: 200, contentType: 'text/xml', body, note: `${name} ${note}` };
    },
    formatRefusal(refusal, requestId) {
      const type = refusal.status < 500 ? 'Sender' : 'Receiver';
      const body = `<ErrorResponse xmlns="${namespace}">
  <Error>
    <Type>${type}</Type>
    <Code>${refusal.type}</Code>
    <Message>${escapeXml(refusal.message)}</Message>
  </Error>
  <RequestId>${requestId}</RequestId>
</ErrorResponse>
`;
      return { status: refusal.status, contentType: 'text/xml', body };
    },
  };
}

/** The action is in a form, or for GET in the query. */
function formText(request: EmulatorRequest): string {
  return request.method === 'GET' ? request.rawQuery : Buffer.from(request.body).toString('latin1');
}

/** The service in the credential scope; undefined without a legible signature. */
function signingNameOf({ headers }: EmulatorRequest): string | undefined {
  const authorization = headers.find(([name]) => name === 'authorization')?.[1] ?? '';
  const [, rest = ''] = authorization.split('Credential=');
  const [credential = ''] = rest.split(/[,\s]/, 1);
  const [, , , service, terminator] = credential.split('/');
  return terminator === 'aws4_request' ? service : undefined;
}

function findAction(service: QueryService, name: string, version: string) {
  const { actions } = service;
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action !== undefined && version === service.version) return action;
  const message = `Could not find operation ${name} for version ${version || 'NO_VERSION_SPECIFIED'}`;
  const known = `${Object.keys(actions).join(', ')}, version ${service.version}`;
  throw new Refusal(400, 'InvalidAction', message, `action: the emulator has ${known}`);
}

/**
 * Reads the parameters of an action. Parameters that the emulator does not implement are refused: dropped
 * silently, a setting would seem to be in force.
 *
 * @throws Refusal 400 `ValidationError`
 */
export function readParameters<S extends Shape>(shape: S, { form }: QueryCall): ValueOf<S> {
  const [unknown] = findUnknownParameters(shape, form);
  if (unknown !== undefined) {
    const message = `The emulator does not implement the parameter ${unknown} of ${form.get('Action')}`;
    throw new Refusal(400, 'ValidationError', message, `request: unknown parameter ${unknown}`);
  }
  return readShape(shape, readForm(shape, form), 'ValidationError');
}

/** XML elements in the order of the members, without undefined ones. */
export function formatXml(members: Readonly<Record<string, string | number | undefined>>): string {
  return Object.entries(members)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `<${name}>${escapeXml(String(value))}</${name}>`)
    .join('\n    ');
}

/** Keeps white space, and drops the other control characters, which XML 1.0 does not allow (section 2.2). */
function escapeXml(text: string): string {
  return text.replace(/[<>&"']|\p{Cc}/gu, (character) => {
    const code = character.charCodeAt(0);
    return code >= 32 || [9, 10, 13].includes(code) ? `&#${code};` : '';
  });
}
