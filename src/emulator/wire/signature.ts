/**
 * Parses signed requests (Signature Version 4), builds their canonical request, and verifies HMAC signatures.
 * Written separately from `src/signing`, from the documentation, so that a mistake there is not repeated here.
 *
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-sign-process.html
 * and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { EmulatorRequest, Refuse } from './handler.js';

export type CanonicalParts = readonly [
  method: string,
  path: string,
  query: string,
  headers: string,
  names: string,
  payloadHash: string,
];

export interface SignedRequest {
  readonly algorithm: string;
  /** The first part of `Credential`: a certificate's serial number, or an access key id. */
  readonly keyId: string;
  /** The rest of `Credential`: date, region, service, terminator. */
  readonly scope: readonly string[];
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `x-amz-date`. */
  readonly date: Date;
  /** Method, path, query, headers, names of the signed headers, hash of the body. */
  readonly canonical: CanonicalParts;
  /** Joined by line breaks. */
  readonly canonicalRequest: string;
  readonly stringToSign: Buffer;
}

/** A header that may occur once; undefined if it is absent. A repeated one is ambiguous and refused. */
export function readHeader(request: EmulatorRequest, name: string, refuse: Refuse): string | undefined {
  const values = request.headers.filter(([other]) => other === name);
  if (values.length > 1) throw refuse(`headers: ${name} must occur once, found ${values.length}`);
  return values[0]?.[1];
}

/**
 * The decoded names and values of a query or a form. `+` decodes to a space, as in forms, so that a client
 * that sends an unencoded `+` fails here and not only at AWS.
 */
export function parseQuery(raw: string, refuse: Refuse): Array<[name: string, value: string]> {
  const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '));
  try {
    return raw
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const [name = '', ...value] = pair.split('=');
        return [decode(name), decode(value.join('='))];
      });
  } catch {
    throw refuse('query: every % must begin the encoding of UTF-8');
  }
}

/** Reads `Authorization` strictly. The canonical request covers exactly the headers that it names. */
export function readSignedRequest(
  request: EmulatorRequest,
  mustSign: readonly string[],
  refuse: Refuse,
): SignedRequest {
  const authorization = readHeader(request, 'authorization', refuse);
  if (authorization === undefined) throw refuse('authorization: the header is missing');
  const [, algorithm = '', credential = '', names = '', signature = ''] =
    /^(\S+) Credential=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([^,\s]+)$/.exec(authorization) ?? [];
  if (algorithm === '') {
    throw refuse('authorization: expected "<algorithm> Credential=…, SignedHeaders=…, Signature=…"');
  }
  if (!/^([0-9a-f]{2})+$/.test(signature)) {
    throw refuse('authorization: Signature must be lower-case hexadecimal');
  }
  const [keyId = '', ...scope] = credential.split('/');
  const signedHeaders = names.split(';');
  checkSignedHeaders(request, signedHeaders, mustSign, refuse);
  const timestamp = readHeader(request, 'x-amz-date', refuse) ?? '';
  const canonical = canonicalParts(request, signedHeaders, refuse);
  const canonicalRequest = canonical.join('\n');
  return {
    algorithm,
    keyId,
    scope,
    signedHeaders,
    signature,
    date: parseTimestamp(timestamp, refuse),
    canonical,
    canonicalRequest,
    stringToSign: Buffer.from(
      [algorithm, timestamp, scope.join('/'), sha256(canonicalRequest)].join('\n'),
      'latin1',
    ),
  };
}

function checkSignedHeaders(
  request: EmulatorRequest,
  signed: readonly string[],
  mustSign: readonly string[],
  refuse: Refuse,
): void {
  const sorted = [...new Set(signed)].sort().join(';');
  if (sorted !== signed.join(';') || sorted !== sorted.toLowerCase()) {
    throw refuse(`signed headers: must be lower-case, sorted and distinct, found ${signed.join(';')}`);
  }
  const unsigned = mustSign.filter((name) => !signed.includes(name));
  if (unsigned.length > 0)
    throw refuse(`signed headers: must include ${unsigned}, found ${signed.join(';')}`);
  const absent = signed.filter((name) => !request.headers.some(([other]) => other === name));
  if (absent.length > 0) throw refuse(`signed headers: ${absent} is named but was not sent`);
}

function canonicalParts(request: EmulatorRequest, signed: readonly string[], refuse: Refuse): CanonicalParts {
  const payloadHash = sha256(request.body);
  const claimed = readHeader(request, 'x-amz-content-sha256', refuse) ?? payloadHash;
  if (claimed !== payloadHash) {
    throw refuse(`payload: x-amz-content-sha256 is ${claimed}, the body's hash is ${payloadHash}`);
  }
  const query = parseQuery(request.rawQuery, refuse).map(
    ([name, value]) => [encode(name), encode(value)] as const,
  );
  query.sort(([name, value], [otherName, otherValue]) =>
    name === otherName ? compare(value, otherValue) : compare(name, otherName),
  );
  const headers = signed.map((name) => {
    const values = request.headers
      .filter(([other]) => other === name)
      .map(([, value]) => normalizeValue(value));
    return `${name}:${values.join(',')}\n`;
  });
  return [
    request.method,
    // Each segment is encoded once more, as for every service but S3. The handler has normalised the path.
    request.rawPath.split('/').map(encode).join('/'),
    query.map((pair) => pair.join('=')).join('&'),
    headers.join(''),
    signed.join(';'),
    payloadHash,
  ];
}

/**
 * Trims spaces and tabs, and writes runs of spaces as one. Linear: values come from unauthenticated clients.
 */
function normalizeValue(value: string): string {
  let [begin, end] = [0, value.length];
  while (begin < end && isBlank(value[begin])) begin += 1;
  while (end > begin && isBlank(value[end - 1])) end -= 1;
  return value.slice(begin, end).replace(/ +/g, ' ');
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

/** The reason why credential scope or clock are wrong; undefined if they are right. */
export function checkScope(
  signed: SignedRequest,
  region: string,
  service: string,
  at: Date,
  allowedSeconds = 300,
): string | undefined {
  const day = formatTimestamp(signed.date).slice(0, 8);
  const expected = [day, region, service, 'aws4_request'].join('/');
  const scope = signed.scope.join('/');
  if (scope !== expected) return `credential scope: expected ${expected}, found ${scope}`;
  const aheadSeconds = (signed.date.getTime() - at.getTime()) / 1000;
  if (Math.abs(aheadSeconds) <= allowedSeconds) return undefined;
  const distance = `${Math.abs(Math.round(aheadSeconds))} s ${aheadSeconds > 0 ? 'ahead of' : 'behind'}`;
  const [found, now] = [formatTimestamp(signed.date), formatTimestamp(at)];
  return `clock: x-amz-date ${found} is ${distance} ${now}, at most ${allowedSeconds} s allowed`;
}

/** Whether an `AWS4-HMAC-SHA256` signature was made with this secret access key. */
export function isHmacSignature(
  signed: SignedRequest,
  secretAccessKey: string,
  stringToSign = signed.stringToSign,
): boolean {
  const key = signed.scope.reduce<Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    Buffer.from(`AWS4${secretAccessKey}`),
  );
  const expected = createHmac('sha256', key).update(stringToSign).digest();
  const found = Buffer.from(signed.signature, 'hex');
  return found.length === expected.length && timingSafeEqual(found, expected);
}

/** `YYYYMMDDTHHMMSSZ` */
export function formatTimestamp(date: Date): string {
  return date.toISOString().replace(/[-:]|\.\d+/g, '');
}

function parseTimestamp(text: string, refuse: Refuse): Date {
  const date = new Date(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  // Formatting it again finds February 30 and every other notation.
  const isDate = !Number.isNaN(date.getTime()) && formatTimestamp(date) === text;
  if (!isDate) throw refuse(`x-amz-date: expected YYYYMMDDTHHMMSSZ, found ${text}`);
  return date;
}

/** Percent-encodes all but `A-Za-z0-9-_.~`, unlike `encodeURIComponent`, which keeps five more. */
export function encode(text: string): string {
  // Half a character has no encoding: it becomes U+FFFD, as in TextEncoder.
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd')).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Texts are Latin-1: `EmulatorRequest` has one character for each byte. */
function sha256(data: string | Uint8Array): string {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
  return createHash('sha256').update(bytes).digest('hex');
}
