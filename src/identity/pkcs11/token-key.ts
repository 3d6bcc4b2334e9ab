/**
 * A private key on a PKCS#11 token, with the certificates that lie beside it: finds both by their URIs, and
 * decides which belong together.
 */
import { isUtf8 } from 'node:buffer';
import type { KeyObject as PublicKey, X509Certificate } from 'node:crypto';
import { verify } from 'node:crypto';
import { IdentityError, quote } from '../../errors.js';
import type { Place, SignOptions } from './ask-token.js';
import { look, lookAround, signWith } from './ask-token.js';
import type { CertificateObject, KeyObject, ModuleInfo, TokenInfo } from './messages.js';
import { isPinPad, loginTo } from './pin.js';
import { publicKeyIn, readCertificate } from './public-half.js';
import type { Pair } from './select.js';
import { assertToken, bestPairs, keysOfCertificate, matchObjects, matchTokens } from './select.js';
import type { Pkcs11Uri } from './uri.js';
import { formatPkcs11Uri } from './uri.js';

export interface TokenKeyOptions extends SignOptions {
  /** Undefined for a certificate in a file. */
  readonly certificateUri: Pkcs11Uri | undefined;
  /** Undefined: the key of the certificate. */
  readonly keyUri: Pkcs11Uri | undefined;
  /** From a file, DER: the leaf is the one that the key belongs to, else the first. */
  readonly certificates: readonly Buffer[];
  readonly now: () => Date;
}

export interface TokenKey {
  /** DER, the leaf first; then the other certificates of the token, for the chain. */
  readonly certificates: readonly Buffer[];
  /** RSASSA-PKCS1-v1_5 or ECDSA (DER) with SHA-256 over the data. @throws IdentityError */
  sign(data: Uint8Array): Promise<Buffer>;
  /** Whether the token signs without a person who types or touches, as far as it tells. */
  readonly isSilent: boolean;
}

/**
 * @throws IdentityError `ERR_PKCS11_TOKEN` `ERR_PKCS11_OBJECT` `ERR_PKCS11_PIN` `ERR_PKCS11_MODULE`
 *   `ERR_PKCS11_UNAVAILABLE` `ERR_KEY_MISMATCH` `ERR_KEY_UNSUPPORTED`
 */
export async function openTokenKey(options: TokenKeyOptions): Promise<TokenKey> {
  const info = await options.module.ask('tokens', {});
  const certificate =
    options.certificateUri && (await findCertificate(info, options.certificateUri, options));
  const keys = await findKeys(info, certificate, options);
  const { key, leaf } = await choosePair(keys, certificate, options);
  const onToken = [certificate?.place, keys.place].flatMap((place) => place?.objects.certificates ?? []);
  const others = [...onToken.filter(isIssuer).map(derOf), ...options.certificates];
  const sign = (data: Uint8Array): Promise<Buffer> => signWith(key, keys.place.token, options, data);
  const isSilent = !key.isAlwaysAuthenticate && !isPinPad(keys.place.token);
  return { certificates: [leaf, ...others.filter((der) => !der.equals(leaf))], sign, isSilent };
}

/**
 * A key for which no certificate is named, such as one that waits for its certificate.
 *
 * @returns undefined if the URI matches several keys, or the token does not show the public half
 */
export async function openLoneKey(
  options: TokenKeyOptions,
): Promise<{ readonly publicKey: PublicKey; readonly sign: TokenKey['sign'] } | undefined> {
  const { place, keys } = await findKeys(await options.module.ask('tokens', {}), undefined, options);
  const [key] = keys;
  const publicKey = keys.length === 1 && key ? publicKeyIn(key) : undefined;
  return publicKey && key && { publicKey, sign: (data) => signWith(key, place.token, options, data) };
}

/**
 * The certificates that the URI matches, for a key that is elsewhere and tells which of them is meant; behind
 * them those of issuers beside them.
 */
export async function readTokenCertificates(options: TokenKeyOptions): Promise<readonly Buffer[]> {
  const info = await options.module.ask('tokens', {});
  const found = await findCertificates(info, options.certificateUri ?? {}, options);
  if (found.length === 0) throw noMatch();
  const matching = found.map(({ object }) => object);
  const beside = found.flatMap(({ place }) => place.objects.certificates).filter(isIssuer);
  return [...new Set([...matching, ...beside])].filter(isReadable).map(derOf);
}

/** Whether a certificate can be part of a chain above a leaf. */
function isIssuer({ value }: CertificateObject): boolean {
  return readCertificate(value)?.ca === true;
}

function isReadable({ value }: CertificateObject): boolean {
  return readCertificate(value) !== undefined;
}

interface FoundCertificate {
  readonly place: Place;
  readonly object: CertificateObject;
}

async function findCertificate(
  info: ModuleInfo,
  uri: Pkcs11Uri,
  options: TokenKeyOptions,
): Promise<FoundCertificate> {
  return chooseCertificate(await findCertificates(info, uri, options), options);
}

/**
 * Without a login first, since certificates are public; with one if a single token is meant and shows none.
 */
async function findCertificates(
  info: ModuleInfo,
  uri: Pkcs11Uri,
  options: TokenKeyOptions,
): Promise<readonly FoundCertificate[]> {
  const tokens = matchTokens(info, uri);
  assertToken(tokens, info, 'the certificate');
  const open = certificatesIn(
    await lookAround(tokens, ({ objects }) => matchObjects(objects.certificates, uri).length > 0, options),
    uri,
  );
  const [only] = tokens;
  if (open.length > 0 || only === undefined || tokens.length > 1) return open;
  const login = await loginTo(only, options);
  return certificatesIn([await look(only, login, options)], uri);
}

function certificatesIn(places: readonly Place[], uri: Pkcs11Uri): FoundCertificate[] {
  return places.flatMap((place) =>
    matchObjects(place.objects.certificates, uri).map((object) => ({ place, object })),
  );
}

/** Certificates of one subject are a renewal: the one that is valid and ends last counts. */
function chooseCertificate(found: readonly FoundCertificate[], { now }: TokenKeyOptions): FoundCertificate {
  const parsed = found.flatMap((each) => {
    const certificate = readCertificate(each.object.value);
    return certificate === undefined ? [] : [{ each, certificate }];
  });
  const candidates = endEntities(parsed);
  const subjects = new Set(candidates.map(({ certificate }) => certificate.subject));
  if (subjects.size > 1) {
    const uris = candidates.map(({ each }) => uriOf(each.place.token, each.object));
    throw new IdentityError('ERR_PKCS11_OBJECT', `the certificate must be one, found ${listOf(uris)}`, {
      hint: 'name one of them with its id or object',
    });
  }
  const at = now();
  const isValid = ({ certificate }: (typeof candidates)[number]): boolean =>
    new Date(certificate.validFrom) <= at && at < new Date(certificate.validTo);
  const [best] = candidates.toSorted(
    (a, b) =>
      Number(isValid(b)) - Number(isValid(a)) ||
      new Date(b.certificate.validTo).getTime() - new Date(a.certificate.validTo).getTime(),
  );
  if (best !== undefined) return best.each;
  throw noMatch();
}

function noMatch(): IdentityError {
  return new IdentityError('ERR_PKCS11_OBJECT', 'no certificate on the token matches the URI', {
    hint: 'list what it has with `rolesanywhere keys list`',
  });
}

/** The certificates that are not CA certificates, if there are any. */
function endEntities<T extends { readonly certificate: X509Certificate }>(all: readonly T[]): readonly T[] {
  const leaves = all.filter(({ certificate }) => !certificate.ca);
  return leaves.length > 0 ? leaves : all;
}

const MAX_LISTED = 3;

/** `5: a, b, c and 2 more`, for a message of one line. */
function listOf(uris: readonly string[]): string {
  const more = uris.length > MAX_LISTED ? ` and ${uris.length - MAX_LISTED} more` : '';
  return `${uris.length}: ${uris.slice(0, MAX_LISTED).join(', ')}${more}`;
}

interface FoundKeys {
  readonly place: Place;
  readonly keys: readonly KeyObject[];
}

/** Private keys show themselves after a login only, which must not be tried on several tokens. */
async function findKeys(
  info: ModuleInfo,
  certificate: FoundCertificate | undefined,
  options: TokenKeyOptions,
): Promise<FoundKeys> {
  const { keyUri } = options;
  const tokens =
    keyUri === undefined && certificate ? [certificate.place.token] : matchTokens(info, keyUri ?? {});
  assertToken(tokens, info, 'the private key');
  const beside = tokens.find(({ slot }) => slot === certificate?.place.token.slot);
  const token =
    tokens.length === 1 ? tokens[0] : (beside ?? (await onlyToken(tokens, keyUri ?? {}, options)));
  if (token === undefined) throw severalTokens(tokens);
  const place = await look(token, await loginTo(token, options), options);
  const keys =
    keyUri === undefined && certificate
      ? keysOfCertificate(certificate.object, place.objects.keys)
      : matchObjects(place.objects.keys, keyUri ?? {});
  if (keys.length > 0) return { place, keys };
  throw new IdentityError('ERR_PKCS11_OBJECT', `no private key on token ${quote(token.label)} matches`, {
    hint:
      'list what it has with `rolesanywhere keys list`; a certificate finds its key by id, label or ' +
      'public key',
  });
}

/** Of several tokens, the one that shows a matching object without a login. */
async function onlyToken(
  tokens: readonly TokenInfo[],
  uri: Pkcs11Uri,
  options: TokenKeyOptions,
): Promise<TokenInfo | undefined> {
  const [first, ...more] = await lookAround(
    tokens,
    ({ objects }) => matchObjects([...objects.certificates, ...objects.keys], uri).length > 0,
    options,
  );
  return more.length === 0 ? first?.token : undefined;
}

function severalTokens(tokens: readonly TokenInfo[]): IdentityError {
  const found = tokens
    .map(({ label, serial, slot }) => `"${label}" (serial ${serial}, slot-id ${slot})`)
    .join(', ');
  return new IdentityError(
    'ERR_PKCS11_TOKEN',
    `the private key must be on one token, and the URI matches ${found}`,
    {
      hint: 'add serial= or slot-id= to the URI',
    },
  );
}

/** @throws IdentityError `ERR_KEY_MISMATCH` `ERR_PKCS11_OBJECT` */
async function choosePair(
  { keys, place }: FoundKeys,
  certificate: FoundCertificate | undefined,
  options: TokenKeyOptions,
): Promise<{ readonly key: KeyObject; readonly leaf: Buffer }> {
  const named = certificate ? [certificate.object] : options.certificates.map(unnamed);
  const isNamed = named.length > 0;
  const pairs = isNamed ? bestPairs(keys, named) : pairsOfEach(keys, place.objects.certificates);
  const [first] = pairs;
  if (first === undefined) throw isNamed ? mismatch(place, keys) : noCertificate(place, keys);
  const rivals = [...new Set(pairs.map((pair) => pair.key))];
  // A file's first certificate counts; among the certificates of a token none comes first.
  const isTold = isNamed && first.match === 'public key';
  const key = isTold || rivals.length === 1 ? first.key : await tryKeys(rivals, place, named, options);
  const fitting = pairs.filter((pair) => pair.key === key).map((pair) => pair.certificate);
  return { key, leaf: isNamed ? firstLeaf(fitting) : renewedLeaf(fitting, place, options) };
}

/**
 * Nothing tells which of several keys belongs to the certificate: their signatures do, where they ask nobody
 * for a PIN.
 */
async function tryKeys(
  keys: readonly KeyObject[],
  place: Place,
  named: readonly CertificateObject[],
  options: TokenKeyOptions,
): Promise<KeyObject> {
  const certificate = named.length > 0 ? readCertificate(firstLeaf(named).toString('base64')) : undefined;
  const isAsking = ({ isAlwaysAuthenticate }: KeyObject): boolean =>
    isAlwaysAuthenticate && !options.isPinReused;
  if (certificate === undefined || isPinPad(place.token) || keys.some(isAsking))
    throw severalKeys(place, keys);
  const data = Buffer.from('rolesanywhere: this signature tells to which certificate a key belongs');
  for (const key of keys) {
    const signature = await signWith(key, place.token, options, data).catch(withoutUnsupported);
    if (signature && verify('sha256', data, certificate.publicKey, signature)) return key;
  }
  throw mismatch(place, keys);
}

/** A key that must not sign, such as one that decrypts, is not the one. */
function withoutUnsupported(error: unknown): undefined {
  if (!(error instanceof IdentityError) || error.code !== 'ERR_KEY_UNSUPPORTED') throw error;
}

/** Each key with its own certificates; keys with only `possible` matches count only if all keys are such. */
function pairsOfEach(keys: readonly KeyObject[], certificates: readonly CertificateObject[]): Pair[] {
  const pairs = keys.flatMap((key) => bestPairs([key], certificates));
  const told = pairs.filter(({ match }) => match !== 'possible');
  return told.length > 0 ? told : pairs;
}

/** A certificate in a file has neither CKA_ID nor CKA_LABEL. */
function unnamed(der: Buffer): CertificateObject {
  return { id: '', label: '', value: der.toString('base64') };
}

/** Of a file: its order counts, and certificates of CAs come after the leaf, whatever the order. */
function firstLeaf(fitting: readonly CertificateObject[]): Buffer {
  const parsed = fitting.flatMap(({ value }) => readCertificate(value) ?? []);
  const [leaf] = endEntities(parsed.map((certificate) => ({ certificate })));
  return leaf?.certificate.raw ?? Buffer.alloc(0);
}

function renewedLeaf(fitting: readonly CertificateObject[], place: Place, options: TokenKeyOptions): Buffer {
  return derOf(
    chooseCertificate(
      fitting.map((object) => ({ place, object })),
      options,
    ).object,
  );
}

function mismatch({ token }: Place, keys: readonly KeyObject[]): IdentityError {
  return new IdentityError(
    'ERR_KEY_MISMATCH',
    `the private key ${keys[0] && uriOf(token, keys[0])} does not belong to the certificate`,
    { hint: 'compare the ids of keys and certificates with `rolesanywhere keys list`' },
  );
}

function noCertificate({ token }: Place, keys: readonly KeyObject[]): IdentityError {
  return new IdentityError(
    'ERR_PKCS11_OBJECT',
    `no certificate on token ${quote(token.label)} belongs to the private key ` +
      `${keys[0] && uriOf(token, keys[0])}`,
    { hint: 'name the certificate with --certificate: a file, or its URI' },
  );
}

function severalKeys({ token }: Place, keys: readonly KeyObject[]): IdentityError {
  const uris = keys.map((key) => uriOf(token, key));
  return new IdentityError('ERR_PKCS11_OBJECT', `the private key must be one, found ${listOf(uris)}`, {
    hint: 'name one of them with its id or object',
  });
}

function derOf({ value }: CertificateObject): Buffer {
  return Buffer.from(value, 'base64');
}

/** A label that is no UTF-8 cannot be part of a URI that finds it. */
export function uriOf(
  { label, serial }: TokenInfo,
  object: { readonly id: string; readonly label: string },
  type?: 'cert' | 'private',
): string {
  const name = Buffer.from(object.label, 'base64');
  return formatPkcs11Uri({
    ...{ token: label, serial, type },
    id: Buffer.from(object.id, 'base64'),
    object: isUtf8(name) ? name.toString() : undefined,
  });
}
