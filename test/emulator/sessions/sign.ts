/**
 * An independent signer, with `node:crypto` only: canonical requests are written out, not computed, so that it
 * shares no code with `src/signing` or `src/emulator`.
 */
import type { KeyObject } from 'node:crypto';
import { createHash, createHmac, sign } from 'node:crypto';
import type { EmulatorRequest } from '../../../src/emulator.js';
import type { Made } from '../pki/certificates.js';
import { NOW } from '../pki/certificates.js';

export interface Draft {
  readonly method?: string;
  readonly path?: string;
  /**
   * As it goes over the wire. Must be sorted and encoded, unless `canonicalQuery` says what is signed instead.
   */
  readonly query?: string;
  readonly canonicalQuery?: string;
  /** Changes the finished canonical request, as a client with a mistake does. */
  readonly canonical?: (text: string) => string;
  readonly body?: string;
  /** Signed headers, in lower case. Undefined removes a default one. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly unsigned?: Readonly<Record<string, string>>;
}

export interface X509Draft extends Draft {
  readonly chain?: readonly Made[];
  readonly date?: string;
  readonly region?: string;
  readonly scope?: string;
  readonly serial?: string;
  readonly algorithm?: string;
  /** Signs the string to sign. Default: the signature of the key's algorithm. */
  readonly signer?: (stringToSign: Buffer, key: KeyObject) => Buffer;
  /** Changes the finished `Authorization` value. */
  readonly authorization?: (value: string) => string;
}

const hash = (data: string) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();

export function formatDate(date: Date): string {
  return `${date.toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '')}Z`;
}

function prepare(draft: Draft, headers: Record<string, string | undefined>) {
  const { method = 'POST', path = '/sessions', query = '', body = '' } = draft;
  const merged: Record<string, string | undefined> = { ...headers, ...draft.headers };
  const signed = Object.keys(merged)
    .filter((name) => merged[name] !== undefined)
    .sort();
  const lines = signed.map((name) => `${name}:${merged[name]}\n`).join('');
  const names = signed.join(';');
  const right = `${method}\n${path}\n${draft.canonicalQuery ?? query}\n${lines}\n${names}\n${hash(body)}`;
  const canonical = draft.canonical?.(right) ?? right;
  const sent = signed.map((name) => [name, merged[name] ?? ''] as const);
  const request = { method, rawPath: path, rawQuery: query, body: Buffer.from(body) };
  return { canonical, names, request, sent: [...sent, ...Object.entries(draft.unsigned ?? {})] };
}

/** A CreateSession request of the certificate's holder, right in everything that the draft does not change. */
export function signX509(identity: Made, draft: X509Draft): EmulatorRequest {
  const isRsa = identity.key.asymmetricKeyType === 'rsa';
  const {
    date = formatDate(NOW),
    serial = identity.serial,
    region = 'us-east-1',
    algorithm = isRsa ? 'AWS4-X509-RSA-SHA256' : 'AWS4-X509-ECDSA-SHA256',
    signer = (data, key) => sign('sha256', data, key),
    authorization = (value) => value,
  } = draft;
  const scope = draft.scope ?? `${date.slice(0, 8)}/${region}/rolesanywhere/aws4_request`;
  const chain = draft.chain?.map(({ der }) => der.toString('base64')).join(',');
  const { canonical, names, request, sent } = prepare(draft, {
    'content-type': 'application/json',
    host: 'rolesanywhere.us-east-1.amazonaws.com',
    'x-amz-date': date,
    'x-amz-x509': identity.der.toString('base64'),
    'x-amz-x509-chain': chain,
  });
  const stringToSign = Buffer.from(`${algorithm}\n${date}\n${scope}\n${hash(canonical)}`);
  const signature = signer(stringToSign, identity.key).toString('hex');
  const value = `${algorithm} Credential=${serial}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...request, headers: [...sent, ['authorization', authorization(value)]] };
}

export interface HmacDraft extends Draft {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly date?: string;
  readonly region?: string;
  readonly service?: string;
}

/** GetCallerIdentity, signed with AWS4-HMAC-SHA256. */
export function signHmac(draft: HmacDraft): EmulatorRequest {
  const { accessKeyId, secretAccessKey, sessionToken, service = 'sts', region = 'us-east-1' } = draft;
  const { date = formatDate(NOW) } = draft;
  const { canonical, names, request, sent } = prepare(
    { path: '/', body: 'Action=GetCallerIdentity&Version=2011-06-15', ...draft },
    {
      'content-type': 'application/x-www-form-urlencoded',
      host: 'sts.amazonaws.com',
      'x-amz-date': date,
      'x-amz-security-token': sessionToken,
    },
  );
  const day = date.slice(0, 8);
  const scope = `${day}/${region}/${service}/aws4_request`;
  const key = hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, day), region), service), 'aws4_request');
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash(canonical)}`).toString('hex');
  const value =
    `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, ` +
    `Signature=${signature}`;
  return { ...request, headers: [...sent, ['authorization', value]] };
}
