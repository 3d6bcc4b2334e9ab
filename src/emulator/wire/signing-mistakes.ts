/**
 * Explains a signature that does not verify: tries common mistakes until the signature fits one.
 *
 * A client may also send its canonical request in `X-Emulator-Canonical-Request`, to have it compared.
 */
import { createHash } from 'node:crypto';
import type { Explanation, Side } from '../request-log.js';
import type { EmulatorRequest } from './handler.js';
import type { CanonicalParts, SignedRequest } from './signature.js';

/** The text that a client with a common mistake would sign, and the description of the mistake. */
interface Guess extends Side {
  readonly says: string;
}

/** Base64 of the client's canonical request. Not signed, and not part of AWS's protocol. */
const OFFER_HEADER = 'x-emulator-canonical-request';

export function explainMismatch(
  request: EmulatorRequest,
  signed: SignedRequest,
  isSigned: (stringToSign: Buffer) => boolean,
): Explanation {
  const { canonicalRequest } = signed;
  const emulator = { canonicalRequest, stringToSign: signed.stringToSign.toString('latin1') };
  const fits = ({ stringToSign }: Side) => isSigned(Buffer.from(stringToSign, 'latin1'));
  const found = guesses(request, signed).find(fits);
  const covered = `signed headers ${signed.signedHeaders.join(';')}`;
  const hash = sha256(canonicalRequest);
  const unknown = `does not verify; ${covered}; SHA-256 of the canonical request is ${hash}`;
  const offered = readOffer(request, signed);
  const isHonest = offered !== undefined && fits(offered) ? 'which is what' : 'which is not what';
  const note = offered === undefined ? noteOn(found) : `The client told its side, ${isHonest} it signed.`;
  const hide = hiderOf(request);
  const client = offered ?? found;
  return {
    reason: `signature: ${found?.says ?? unknown}`,
    sides: { emulator: hide(emulator), client: client && hide(client), note },
  };
}

/** Removes the session token, a signed header that the canonical request of a client may hold anywhere. */
function hiderOf({ headers }: EmulatorRequest): (side: Side) => Side {
  const token = headers.find(([name]) => name === 'x-amz-security-token')?.[1] ?? '';
  const forms = token === '' ? [] : [token, encodeURIComponent(token)];
  const hide = (text: string) => forms.reduce((rest, form) => rest.replaceAll(form, '(not shown)'), text);
  return ({ canonicalRequest, stringToSign }) => ({
    canonicalRequest: hide(canonicalRequest),
    stringToSign: hide(stringToSign),
  });
}

function noteOn(found: Guess | undefined): string {
  if (found !== undefined) return `The signature fits where ${found.says}.`;
  return (
    "The client's side is unknown, and its key may be another one. `credential-process --debug` prints it; " +
    `a client may send its canonical request in base64 in an unsigned header ${OFFER_HEADER}.`
  );
}

function readOffer({ headers }: EmulatorRequest, signed: SignedRequest): Side | undefined {
  const offer = headers.find(([name]) => name === OFFER_HEADER)?.[1];
  if (offer === undefined) return undefined;
  return sideOf(signed, Buffer.from(offer, 'base64').toString('latin1'));
}

function sideOf(signed: SignedRequest, canonicalRequest: string): Side {
  const lines = signed.stringToSign.toString('latin1').split('\n');
  return { canonicalRequest, stringToSign: [...lines.slice(0, 3), sha256(canonicalRequest)].join('\n') };
}

/** The likeliest first, without duplicates and without the emulator's own side. */
function guesses(request: EmulatorRequest, signed: SignedRequest): Guess[] {
  const seen = new Set([signed.stringToSign.toString('latin1')]);
  const all = [
    ...canonicalGuesses(request, signed).map(([says, text]) => ({ says, ...sideOf(signed, text) })),
    ...stringToSignGuesses(signed),
  ];
  return all.filter(({ stringToSign }) => !seen.has(stringToSign) && seen.add(stringToSign));
}

/** A part of the canonical request as a client with this mistake would write it. */
type Variant = readonly [says: string, part: string];

function canonicalGuesses(request: EmulatorRequest, signed: SignedRequest): Variant[] {
  const { canonical } = signed;
  const [, path, query, headers, , payload] = canonical;
  const withPart = (index: number, variants: readonly Variant[]): Variant[] =>
    variants.map(([says, part]) => [
      says,
      canonical.map((old, at) => (at === index ? part : old)).join('\n'),
    ]);
  return [
    ...withPart(2, queryVariants(query, request.rawQuery)),
    ...withPart(3, headerVariants(headers, request, signed)),
    ...withPart(5, payloadVariants(payload, Buffer.from(request.body).toString('latin1'))),
    ...withPart(1, pathVariants(path)),
    ...coverageVariants(canonical, request),
    ['the client ended its canonical request with a line break', `${signed.canonicalRequest}\n`],
    ['the client divided its canonical request by CR LF', signed.canonicalRequest.replaceAll('\n', '\r\n')],
  ];
}

function queryVariants(query: string, rawQuery: string): Variant[] {
  const byRaw = rawQuery.split('&').map((pair) => pair.split('=')[0] ?? '');
  const pairs = query.split('&');
  const unsorted = byRaw.map((name) => pairs.find((pair) => pair.startsWith(`${name}=`)) ?? name);
  return [
    ['the client encoded the query twice', query.replaceAll('%', '%25')],
    ['the client encoded = in the query twice', query.replaceAll('%3D', '%253D')],
    ['the client did not encode the query', Buffer.from(decodeURIComponent(query)).toString('latin1')],
    ['the client did not sort the query', unsorted.join('&')],
    ['the client encoded with lower-case hexadecimals', query.replace(/%../g, (code) => code.toLowerCase())],
    ['the client did not encode / in the query', query.replaceAll('%2F', '/')],
    ['the client did not encode : in the query', query.replaceAll('%3A', ':')],
    ['the client did not encode : and / in the query', query.replaceAll('%2F', '/').replaceAll('%3A', ':')],
    ['the client encoded a space in the query as +', query.replaceAll('%20', '+')],
    ['the client signed the query as it sent it', rawQuery],
    ['the client left the query out', ''],
  ];
}

function payloadVariants(payload: string, body: string): Variant[] {
  const bodies: Variant[] = [
    ['an empty body', ''],
    ['the body {}', '{}'],
    ['its body without the white space around it', body.trim()],
    ['its body and a line break', `${body}\n`],
    ['its body, formatted in another way', body.replace(/":/g, '": ').replace(/,"/g, ', "')],
    ['its body, formatted in another way', body.replace(/([:,]) /g, '$1')],
  ];
  return [
    ...bodies.map(([says, text]): Variant => [`the client hashed ${says}`, sha256(text)]),
    ['the client signed UNSIGNED-PAYLOAD for the hash of the body', 'UNSIGNED-PAYLOAD'],
    ['the client wrote the hash of the body in upper case', payload.toUpperCase()],
  ];
}

function pathVariants(path: string): Variant[] {
  return [
    ['the client signed the path with a / at its end', `${path}/`],
    ['the client signed the path /', '/'],
    ['the client left the path out', ''],
    ['the client encoded the path once, not twice', path.replaceAll('%25', '%')],
  ];
}

function headerVariants(block: string, { headers }: EmulatorRequest, signed: SignedRequest): Variant[] {
  const [, region = '', service = ''] = signed.scope;
  const host = /^host:(.*)$/m.exec(block)?.[1] ?? '';
  const bare = host.replace(/:\d+$/, '');
  const port = host.slice(bare.length);
  const hosts = [
    ...[bare, `${bare}:80`, `${bare}:443`, host.toLowerCase()],
    ...['127.0.0.1', 'localhost', '[::1]', '::1'].flatMap((name) => [`${name}${port}`, name]),
    ...[`${service}.${region}.amazonaws.com`, `${service}.amazonaws.com`],
  ];
  const sent = (name: string) => headers.find(([other]) => other === name)?.[1] ?? '';
  const untrimmed = signed.signedHeaders.map((name) => `${name}:${sent(name)}\n`).join('');
  const contentType = /^content-type:.*$/m;
  return [
    ...hosts.map(
      (name): Variant => [`the client signed host:${name}`, block.replace(/^host:.*$/m, `host:${name}`)],
    ),
    [
      'the client signed its content-type without parameters',
      block.replace(contentType, (line) => (line.split(';')[0] ?? '').trimEnd()),
    ],
    [
      'the client signed content-type:application/json',
      block.replace(contentType, 'content-type:application/json'),
    ],
    ['the client did not trim the values of headers', untrimmed],
    ['the client left out the empty line after the headers', block.slice(0, -1)],
    ['the client signed an empty x-amz-x509-chain', `${block}x-amz-x509-chain:\n`],
  ];
}

/** Headers that the client signed without naming them, or named without signing them. */
function coverageVariants(canonical: CanonicalParts, { headers }: EmulatorRequest): Variant[] {
  const [method, path, query, block, names, payload] = canonical;
  const lines = block.split('\n').filter((line) => line !== '');
  const named = names.split(';');
  const build = (kept: readonly string[], signed: readonly string[]) =>
    [method, path, query, kept.map((line) => `${line}\n`).join(''), signed.join(';'), payload].join('\n');
  const without = named.flatMap((name): Variant[] => {
    const [kept, rest] = [
      lines.filter((line) => !line.startsWith(`${name}:`)),
      named.filter((one) => one !== name),
    ];
    return [
      [`the client names ${name} and did not sign it`, build(kept, rest)],
      [`the client named ${name} and left out its line`, build(kept, named)],
    ];
  });
  const more = headers
    .filter(([name]) => !named.includes(name) && name !== 'authorization')
    .slice(0, 20)
    .map(([name, value]): Variant => {
      const [all, signed] = [[...lines, `${name}:${value.trim()}`].sort(), [...named, name].sort()];
      return [`the client signed ${name} and does not name it`, build(all, signed)];
    });
  return [...without, ...more];
}

function stringToSignGuesses(signed: SignedRequest): Guess[] {
  const { canonicalRequest } = signed;
  const text = signed.stringToSign.toString('latin1');
  const [algorithm = '', timestamp = '', scope = '', hash = ''] = text.split('\n');
  const guess = (says: string, stringToSign: string): Guess => ({ says, canonicalRequest, stringToSign });
  const others = ['AWS4-HMAC-SHA256', 'AWS4-X509-RSA-SHA256', 'AWS4-X509-ECDSA-SHA256'];
  const join = (...lines: string[]) => lines.join('\n');
  const digest = createHash('sha256').update(signed.stringToSign).digest();
  return [
    guess('the client signed the canonical request itself', canonicalRequest),
    guess('the client signed the hash of the canonical request alone', hash),
    guess('the client ended its string to sign with a line break', `${text}\n`),
    guess('the client wrote the hash in upper case', join(algorithm, timestamp, scope, hash.toUpperCase())),
    guess(
      'the client hashed the string to sign before it signed it, which hashes it',
      digest.toString('latin1'),
    ),
    guess('the client signed the hexadecimal hash of the string to sign', digest.toString('hex')),
    guess(
      'the client put the serial number in front of its scope',
      join(algorithm, timestamp, `${signed.keyId}/${scope}`, hash),
    ),
    ...others.map((other) =>
      guess(`the client wrote ${other} in its string to sign`, join(other, timestamp, scope, hash)),
    ),
  ];
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex');
}
