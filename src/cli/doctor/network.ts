/**
 * The lines about the connection to the service: endpoint, proxy, DNS, TCP, TLS, the first response, the
 * clock.
 */
import type { RolesAnywhereError } from '../../errors.js';
import {
  asRolesAnywhereError,
  isRolesAnywhereError,
  oneLine,
  ServiceError,
  TransportError,
} from '../../errors.js';
import type { Choice } from '../../options/choose-values.js';
import { isLoopback, isLoopbackAddress } from '../../options/loopback.js';
import { partitionOf } from '../../options/partition.js';
import { startLimit } from '../../session/limit.js';
import type { HttpResponse } from '../../session/response.js';
import type { Settings } from '../../session/settings.js';
import { openTransport, proxyFor } from '../../session/transport.js';
import type { Line } from './line.js';
import { failed, ok, skipped, warned } from './line.js';
import type { Address, Shown, Tunnel } from './probe.js';
import { addressOf, resolveName, showCertificate, tryConnect } from './probe.js';

export type Route = Pick<Settings, 'endpoint' | 'region' | 'connection'>;

/** @param choice of the option `endpoint`, with its source */
export function endpointLines({ endpoint, region }: Route, choice: Choice): Line[] {
  const isDefault = choice.origin === 'default' || choice.value === undefined;
  const origin = isDefault ? `of the region ${region}` : `from ${choice.label}`;
  return [ok('endpoint', `${endpoint.origin}, ${origin}`)];
}

/** @returns the lines; the last one tells whether the service responds */
export async function networkLines(route: Route, now: () => Date): Promise<Line[]> {
  const { endpoint, connection } = route;
  const proxy = await proxyFor(endpoint, connection.proxy);
  const lines = [proxyLine(route, proxy)];
  const url = proxy === undefined ? endpoint : parseProxy(proxy);
  if (url === undefined) return [...lines, ...(await answerLines(route, undefined, now))];
  const address = addressOf(url);
  const reached = await reachLines(address, connection.connectTimeoutMs, proxy !== undefined);
  lines.push(...reached);
  if (reached.some(({ mark }) => mark === 'error')) return lines;
  return [...lines, ...(await answerLines(route, await shownTo(route, url, proxy !== undefined), now))];
}

function parseProxy(proxy: string): URL | undefined {
  const text = proxy.includes('://') ? proxy : `http://${proxy}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}

function proxyLine({ endpoint, connection }: Route, proxy: string | undefined): Line {
  if (connection.proxy === undefined) return ok('proxy', 'none: HTTPS_PROXY is not set');
  // Without user name and password.
  const shown = parseProxy(connection.proxy.url)?.host ?? 'an invalid URL';
  if (proxy !== undefined) return ok('proxy', `${shown}, from HTTPS_PROXY`);
  const reason = isLoopback(endpoint.hostname)
    ? 'loopback is reached directly'
    : `NO_PROXY has ${endpoint.hostname}`;
  return ok('proxy', `not used: ${reason} (HTTPS_PROXY is ${shown})`);
}

async function reachLines({ host, port }: Address, timeoutMs: number, isProxy: boolean): Promise<Line[]> {
  const of = isProxy ? ' of the proxy' : '';
  const lines: Line[] = [];
  try {
    const addresses = await resolveName(host);
    lines.push(
      ok('DNS', addresses[0] === host ? `${host} is an address` : `${host}${of}: ${addresses.join(', ')}`),
    );
  } catch (cause) {
    return [
      failed(
        'DNS',
        networkError(`the name ${host}${of} cannot be resolved: ${reasonOf(cause)}`),
        dnsAdvice(isProxy),
      ),
    ];
  }
  try {
    await tryConnect({ host, port }, timeoutMs);
    return [...lines, ok('TCP', `${host} port ${port}${of} accepts connections`)];
  } catch (cause) {
    const message = `no connection to ${host} port ${port}${of}: ${reasonOf(cause)}`;
    return [...lines, failed('TCP', networkError(message), tcpAdvice({ host, port }, isProxy))];
  }
}

function dnsAdvice(isProxy: boolean): string[] {
  return isProxy
    ? ['check the host name in HTTPS_PROXY']
    : [
        'check the spelling of the region and the endpoint',
        'if outbound requests need a proxy, set HTTPS_PROXY=http://HOST:PORT: the proxy resolves the name',
        'without internet access, create a VPC endpoint for rolesanywhere',
      ];
}

function tcpAdvice({ host, port }: Address, isProxy: boolean): string[] {
  if (isProxy) return ['check host and port in HTTPS_PROXY, and whether the proxy is running'];
  if (isLoopbackAddress(host))
    return ['the endpoint is on this machine: check its port, and that its program runs'];
  return [
    `a firewall must let port ${port} out to the endpoint`,
    'if outbound requests need a proxy, set HTTPS_PROXY',
  ];
}

function networkError(message: string): TransportError {
  return new TransportError('ERR_NETWORK', message);
}

function reasonOf(cause: unknown): string {
  const first = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  return oneLine(first instanceof Error ? first.message : String(first), 200);
}

/** The certificates that this machine receives: the service's, or an intercepting proxy's. */
async function shownTo(
  { endpoint, connection }: Route,
  url: URL,
  isProxy: boolean,
): Promise<Shown | undefined> {
  if (endpoint.protocol !== 'https:' || (isProxy && url.protocol !== 'http:')) return undefined;
  const { connectTimeoutMs } = connection;
  return showCertificate(addressOf(endpoint), connectTimeoutMs, isProxy ? tunnelOf(url) : undefined);
}

/** A wrongly encoded user name is left out: the request itself reports it. */
function tunnelOf(url: URL): Tunnel {
  const { username, password } = url;
  const isEncoded = /^(?:[^%]|%[0-9a-f]{2})*$/i.test(username + password);
  if (username === '' || !isEncoded) return { ...addressOf(url), authorization: undefined };
  const pair = `${unescapeOctets(username)}:${unescapeOctets(password)}`;
  return { ...addressOf(url), authorization: `Basic ${Buffer.from(pair, 'latin1').toString('base64')}` };
}

function unescapeOctets(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Sends a request without a signature, which the service refuses: the response has the service's date. */
async function answerLines(route: Route, shown: Shown | undefined, now: () => Date): Promise<Line[]> {
  const { endpoint } = route;
  const answer = await ask(route).catch((error: unknown) => asRolesAnywhereError(error));
  if (isRolesAnywhereError(answer)) return refusedLines(answer, endpoint, shown);
  return [...tlsLines(route, shown), answerLine(answer, endpoint), clockLine(answer, now())];
}

async function ask({ endpoint, connection }: Route): Promise<HttpResponse> {
  const transport = await openTransport(endpoint, connection);
  const limit = startLimit(connection.timeoutMs, endpoint.origin, undefined);
  try {
    const base = endpoint.pathname === '/' ? '' : endpoint.pathname;
    return await transport.send(
      {
        method: 'GET',
        protocol: endpoint.protocol,
        hostname: endpoint.hostname,
        ...(endpoint.port !== '' && { port: Number(endpoint.port) }),
        path: `${base}/profiles`,
        query: {},
        headers: { host: endpoint.host },
        body: '',
      },
      limit.signal,
    );
  } finally {
    limit.stop();
    await transport.close();
  }
}

/** The lines for errors that occur before the request is sent. */
const CAUSES: ReadonlyArray<readonly [codes: RegExp, what: string]> = [
  [/^ERR_(PROXY|OPTION_INVALID)$/, 'proxy'],
  [/^ERR_(FILE_UNREADABLE|PEM_INVALID|CERTIFICATE_INVALID)$/, 'CA bundle'],
];

function refusedLines(error: RolesAnywhereError, endpoint: URL, shown: Shown | undefined): Line[] {
  if (error.code === 'ERR_TLS') {
    const found = shown === undefined ? [] : [`the server shows a certificate of ${shown.issuer}`];
    return [failed('TLS', error, [...(error.hint === undefined ? [] : [error.hint]), ...found])];
  }
  const cause = CAUSES.find(([codes]) => codes.test(error.code))?.[1];
  if (cause !== undefined) return [failed(cause, error)];
  const tls = shown === undefined ? [] : [ok('TLS', `${shown.protocol}, certificate of ${shown.issuer}`)];
  return [...tls, failed(`response of ${endpoint.host}`, error)];
}

/** The CAs that have signed certificates of AWS's endpoints. */
const AWS_ISSUERS = /(Amazon|Starfield|DigiCert|Baltimore)/;

function tlsLines({ endpoint, region, connection }: Route, shown: Shown | undefined): Line[] {
  if (endpoint.protocol === 'http:') return [skipped('TLS', 'http, to this machine only')];
  if (!connection.verifyTls) {
    return [
      warned(
        'TLS',
        "the service's TLS certificate is not verified: anyone on the network path can read the credentials",
        'leave out --no-verify-ssl; name the CA in --ca-bundle',
      ),
    ];
  }
  if (shown === undefined) return [ok('TLS', 'trusted')];
  const found = `trusted, ${shown.protocol}, certificate of ${shown.issuer}`;
  const { suffix, dualstack } = partitionOf(region);
  const isAws = [suffix, dualstack].some((end) => endpoint.hostname.endsWith(`.${end}`));
  if (!isAws || AWS_ISSUERS.test(shown.issuer)) return [ok('TLS', found)];
  return [
    warned(
      'TLS',
      `${found}: not one of AWS's CAs: a proxy intercepts the connection`,
      `the proxy can read the credentials: ask its administrator to exempt ${endpoint.hostname}`,
    ),
  ];
}

function answerLine({ status, headers }: HttpResponse, { host }: URL): Line {
  if (headers['x-amzn-requestid'] !== undefined)
    return ok(`response of ${host}`, `status ${status}, with AWS's request id`);
  return warned(
    `response of ${host}`,
    `status ${status}, without the request id that AWS sends`,
    'check the endpoint: a proxy or another server may have answered instead of IAM Roles Anywhere',
  );
}

const MINUTE_MS = 60_000;

function clockLine({ headers }: HttpResponse, now: Date): Line {
  const skewMs = now.getTime() - Date.parse(headers['date'] ?? '');
  if (Number.isNaN(skewMs)) return skipped('clock', 'the response has no Date header');
  const size = Math.abs(skewMs);
  const direction = skewMs > 0 ? 'ahead of' : 'behind';
  const amount =
    size < 2 * MINUTE_MS ? `${Math.round(size / 1000)} seconds` : `${Math.round(size / MINUTE_MS)} minutes`;
  const found = `this machine's clock is ${amount} ${direction} the service's`;
  // A Date header has whole seconds.
  if (size <= MINUTE_MS) return ok('clock', size < 2000 ? "the same as the service's" : found);
  const advice = 'set the clock of this machine (NTP): timedatectl set-ntp true';
  if (size <= 5 * MINUTE_MS) return warned('clock', found, advice);
  const error = new ServiceError('ERR_SERVICE_DENIED', `${found}; AWS allows 5 minutes`, {
    status: 403,
  });
  return failed('clock', error, [advice]);
}
