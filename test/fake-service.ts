/**
 * A service with scripted answers: one for each request, in order. It verifies nothing, as the emulator does;
 * it sends responses that the real service sends rarely or never.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { ServerOptions } from 'node:https';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { path, text } from './fixtures.js';

export interface ReceivedRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export type Answer = (response: ServerResponse, request: ReceivedRequest) => void;

export interface FakeService {
  /** Such as `http://127.0.0.1:40001`. */
  readonly endpoint: string;
  readonly port: number;
  /** The requests so far. */
  readonly requests: readonly ReceivedRequest[];
}

/**
 * Listens on 127.0.0.1 until the calling test ends. Requests beyond the script get status 418.
 */
export async function startFakeService(
  answers: readonly Answer[],
  options: { readonly tls?: boolean | ServerOptions } = {},
): Promise<FakeService> {
  const requests: ReceivedRequest[] = [];
  const listener: RequestListener = async (incoming, response) => {
    // No Date header of Node: tests have a clock of their own, and set the header if it matters.
    response.sendDate = false;
    requests.push(await receive(incoming));
    const answer = answers[requests.length - 1] ?? status(418, 'more requests than answers');
    answer(response, requests[requests.length - 1] as ReceivedRequest);
  };
  const { tls = false } = options;
  const server: Server = tls
    ? createTlsServer({ ...TLS, ...(tls === true ? {} : tls) }, listener)
    : createServer(listener);
  const port = await listen(server);
  return { endpoint: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, port, requests };
}

/** A certificate for localhost, 127.0.0.1 and ::1, which only `CA_BUNDLE` trusts. */
const TLS: ServerOptions = { cert: text('tls-localhost.pem'), key: text('tls-localhost.key.pem') };

export const CA_BUNDLE = path('tls-root.pem');

/** @returns the port */
export async function listen(server: Server, address = '127.0.0.1'): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

async function receive(incoming: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const { method = '', url = '', headers } = incoming;
  return { method, url, headers, body: Buffer.concat(chunks).toString() };
}

/** Any status, headers and body. */
export function status(code: number, body = '', headers: Record<string, string> = {}): Answer {
  return (response) => response.writeHead(code, headers).end(body);
}

/** A refusal as the service writes it. */
export function refusal(
  code: number,
  type: string,
  message: string,
  headers: Record<string, string> = {},
): Answer {
  return status(code, JSON.stringify({ message }), {
    'x-amzn-errortype': type,
    'x-amzn-requestid': REQUEST_ID,
    ...headers,
  });
}

export const REQUEST_ID = '11111111-2222-3333-4444-555555555555';

/** The status line and half of a response, then the end of the connection. */
export const cutShort: Answer = (response) => {
  response.writeHead(201, { 'content-length': '1000' });
  response.write('{"credentialSet":[{"credentials":{"accessKeyId":"ASIA', () => response.destroy());
};

/** Headers, but never a body. */
export const neverEnds: Answer = (response) => {
  response.writeHead(201, { 'content-length': '1000' }).write('{');
};

/** Never a response. */
export const staysSilent: Answer = () => {};

/** Marked values, which a test finds in any text. */
export const CREDENTIALS = {
  accessKeyId: 'ASIAEXAMPLEACCESSKEY',
  secretAccessKey: 'example/secret+access=key',
  sessionToken: 'example//session++token==',
  expiration: '2026-06-01T13:00:00Z',
};

/** A complete answer of CreateSession. */
export const SESSION_ANSWER = {
  credentialSet: [
    {
      assumedRoleUser: {
        arn: 'arn:aws:sts::123456789012:assumed-role/Demo/00c0ffee',
        assumedRoleId: 'AROAEXAMPLEID:00c0ffee',
      },
      credentials: CREDENTIALS,
      packedPolicySize: 46,
      roleArn: 'arn:aws:iam::123456789012:role/Demo',
      sourceIdentity: 'CN=rsa-2048',
    },
  ],
  subjectArn: 'arn:aws:rolesanywhere:us-east-1:123456789012:subject/66666666-7777-8888-9999-000000000000',
};

/** As `success`, but valid by the clock of this machine. */
export const lastingSuccess: Answer = status(
  201,
  JSON.stringify(SESSION_ANSWER).replace(CREDENTIALS.expiration, '2126-06-01T13:00:00Z'),
  { 'content-type': 'application/json', 'x-amzn-requestid': '11111111-2222-3333-4444-555555555555' },
);

export const success: Answer = status(201, JSON.stringify(SESSION_ANSWER), {
  'content-type': 'application/json',
  'x-amzn-requestid': REQUEST_ID,
});

/** Valid options, except for identity and endpoint. */
export const ARNS = {
  trustAnchorArn: 'arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/anchor',
  profileArn: 'arn:aws:rolesanywhere:us-east-1:123456789012:profile/profile',
  roleArn: 'arn:aws:iam::123456789012:role/Demo',
};

/** A valid identity, as options. */
export const RSA = { certificate: path('rsa-2048.pem'), privateKey: path('rsa-2048.key.pem') };
