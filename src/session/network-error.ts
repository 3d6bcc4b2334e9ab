/** Translates the errors of Node's and undici's connections into errors of this package, with advice. */
import { codeOf, isRolesAnywhereError, safeCause, TransportError } from '../errors.js';

/** Of a connection, TLS included, that took too long. */
export const CONNECT_TIMEOUT = 'ERR_CONNECT_TIMEOUT';

export const NETWORK_HINT =
  'check region, endpoint and network, and HTTPS_PROXY if outbound requests need a proxy';

/** OpenSSL's errors for a chain whose authority is not trusted. */
const UNKNOWN_AUTHORITY = [
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_UNTRUSTED',
];

export function isUnknownAuthority(error: unknown): boolean {
  return UNKNOWN_AUTHORITY.includes(describe(error).code);
}

/**
 * @param error an error of Node or undici; one of this package is returned as it is
 * @param issuer of the certificate that the server showed, if its authority is unknown
 */
export function networkError(error: unknown, origin: string, issuer?: string): Error {
  if (isRolesAnywhereError(error)) return error;
  const { code, detail } = describe(error);
  const cause = safeCause(error);
  if (code === CONNECT_TIMEOUT || code === 'UND_ERR_CONNECT_TIMEOUT') {
    const message = `${origin} did not accept a connection in time`;
    return new TransportError('ERR_TIMEOUT', message, { cause, hint: NETWORK_HINT });
  }
  if (isTlsFailure(code)) {
    const message = `no trusted TLS connection to ${origin}: ${detail}`;
    return new TransportError('ERR_TLS', message, { cause, hint: tlsHint(code, issuer) });
  }
  const refusal = /^Proxy response \((4\d\d)\)/.exec(detail)?.[1];
  if (refusal !== undefined) return proxyRefusal(refusal, origin);
  return new TransportError('ERR_NETWORK', `no response from ${origin}: ${detail}`, {
    cause,
    hint: NETWORK_HINT,
  });
}

function proxyRefusal(status: string, origin: string): TransportError {
  const hint =
    status === '407'
      ? 'the proxy requires a user name and a password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT, ' +
        'special characters percent-encoded'
      : 'ask the administrator of the proxy to allow the endpoint, or add its host to NO_PROXY';
  return new TransportError('ERR_PROXY', `the proxy refuses to connect to ${origin}: status ${status}`, {
    hint,
  });
}

function tlsHint(code: string, issuer: string | undefined): string {
  if (UNKNOWN_AUTHORITY.includes(code)) {
    return issuer === undefined
      ? 'if a company proxy re-signs TLS, name the PEM file of its CA in AWS_CA_BUNDLE'
      : `the certificate was issued by "${issuer}": if that is a CA of your company, name its PEM file ` +
          'in AWS_CA_BUNDLE';
  }
  if (/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/.test(code)) {
    return (
      'check the clock of this machine; if it is right, the certificate of the endpoint or of a proxy ' +
      'must be renewed'
    );
  }
  return (
    'check the endpoint: its host and port must be those of a TLS server (1.2 or later) with a ' +
    'certificate for that host'
  );
}

/**
 * The reason in OpenSSL's `…:error:0A00042E:SSL routines:FUNCTION:REASON:FILE:…`; bun writes it in capitals.
 */
const OPENSSL_REASON = /\berror:[0-9a-f]{8}:[^:]*:[^:]*:([^:]+)/i;

function describe(error: unknown): { code: string; detail: string } {
  if (!(error instanceof Error)) return { code: '', detail: String(error) };
  // One error for each address of the host: the first one tells.
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
  const code = codeOf(error);
  if (code === 'UND_ERR_PRX_TLS') {
    const { code: cause, detail } = describe(error.cause);
    return { code: cause, detail: `the proxy's certificate: ${detail}` };
  }
  // From Node 24 on, its message ends with advice about node's own flags.
  const [message = ''] = error.message.split('; if the root CA is installed locally, ');
  // Node's message for a connection that closes within a response.
  const isCut = code === 'ECONNRESET' && error.message === 'aborted';
  const detail = OPENSSL_REASON.exec(message)?.[1]?.toLowerCase().replaceAll('_', ' ') ?? message;
  return { code, detail: isCut ? 'the connection closed before the response was complete' : detail || code };
}

/** Node's codes for the certificate errors of OpenSSL, and OpenSSL's own codes for a failed handshake. */
const TLS_CODES = [
  ...['ERR_TLS', 'ERR_SSL', 'EPROTO', 'CERT_', 'CRL_', 'UNABLE_TO_', 'SELF_SIGNED', 'DEPTH_ZERO'],
  ...['HOSTNAME_MISMATCH', 'INVALID_CA', 'INVALID_PURPOSE', 'PATH_LENGTH'],
];

function isTlsFailure(code: string): boolean {
  return TLS_CODES.some((start) => code.startsWith(start));
}
