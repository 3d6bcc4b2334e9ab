/**
 * Chooses the token, the certificate and the private key that PKCS#11 URIs mean, among what a module shows.
 * Pure.
 *
 * Certificate and key find each other by the public half, where the token shows that of the key; else by
 * CKA_ID, then by CKA_LABEL.
 */
import { IdentityError } from '../../errors.js';
import type { CertificateObject, KeyObject, ModuleInfo, TokenInfo } from './messages.js';
import { isOtherCurve, isSameHalf, publicHalf } from './public-half.js';
import type { Pkcs11Uri } from './uri.js';

/** CKF_TOKEN_INITIALIZED: SoftHSM shows an empty slot as a token without it. */
const INITIALIZED = 0x400;

/** The tokens that the path attributes of a URI match. */
export function matchTokens({ tokens, ...library }: ModuleInfo, uri: Pkcs11Uri): readonly TokenInfo[] {
  const isLibrary =
    isSame(uri.libraryManufacturer, library.manufacturer) &&
    isSame(uri.libraryDescription, library.description) &&
    isSame(uri.libraryVersion, library.version);
  return tokens.filter(
    (token) =>
      isLibrary &&
      (token.flags & INITIALIZED) !== 0 &&
      isSame(uri.token, token.label) &&
      isSame(uri.manufacturer, token.manufacturer) &&
      isSame(uri.serial, token.serial) &&
      isSame(uri.model, token.model) &&
      isSame(uri.slotDescription, token.slotDescription) &&
      isSame(uri.slotManufacturer, token.slotManufacturer) &&
      (uri.slotId === undefined || uri.slotId === token.slot),
  );
}

/** Attributes that the URI does not name match everything. */
function isSame(wanted: string | undefined, found: string): boolean {
  return wanted === undefined || wanted === found;
}

/** The objects that `id` and `object` of a URI match. */
export function matchObjects<T extends { readonly id: string; readonly label: string }>(
  objects: readonly T[],
  { id, object }: Pkcs11Uri,
): readonly T[] {
  return objects.filter(
    (found) =>
      (id === undefined || id.equals(Buffer.from(found.id, 'base64'))) &&
      (object === undefined || Buffer.from(object).equals(Buffer.from(found.label, 'base64'))),
  );
}

/** The private keys of a certificate, the best match only. */
export function keysOfCertificate(
  certificate: CertificateObject,
  keys: readonly KeyObject[],
): readonly KeyObject[] {
  const isKnown = ({ match }: Pair): boolean => match !== 'possible';
  return bestPairs(keys, [certificate])
    .filter(isKnown)
    .map(({ key }) => key);
}

export interface Pair {
  readonly key: KeyObject;
  readonly certificate: CertificateObject;
  /** The evidence that they belong together: `possible` means that nothing contradicts it. */
  readonly match: (typeof MATCHES)[number];
}

/** The best first. */
const MATCHES = ['public key', 'id', 'label', 'possible'] as const;

/** The pairs that match best; several where nothing tells them apart. */
export function bestPairs(
  keys: readonly KeyObject[],
  certificates: readonly CertificateObject[],
): readonly Pair[] {
  const pairs = certificates.flatMap((certificate) => {
    const matching = matcher(certificate);
    return keys.flatMap((key) => {
      const match = matching(key);
      return match === undefined ? [] : [{ key, certificate, match }];
    });
  });
  const best = MATCHES.find((match) => pairs.some((pair) => pair.match === match));
  return pairs.filter(({ match }) => match === best);
}

/** How a key matches a certificate; undefined if they do not belong together. */
function matcher({ id, label, value }: CertificateObject): (key: KeyObject) => Pair['match'] | undefined {
  const half = publicHalf(value);
  return (key) => {
    if (half === undefined || key.type !== half.type || isOtherCurve(key, half)) return undefined;
    const isSame = isSameHalf(key, half);
    if (isSame !== undefined) return isSame ? 'public key' : undefined;
    if (id !== '' && key.id === id) return 'id';
    return label !== '' && key.label === label ? 'label' : 'possible';
  };
}

/** @throws IdentityError `ERR_PKCS11_TOKEN`: the URI matches no token */
export function assertToken(tokens: readonly TokenInfo[], info: ModuleInfo, subject: string): void {
  if (tokens.length > 0) return;
  const labels = info.tokens.filter(({ flags }) => (flags & INITIALIZED) !== 0).map(({ label }) => label);
  const found = labels.map((label) => `"${label}"`).join(', ');
  throw new IdentityError(
    'ERR_PKCS11_TOKEN',
    `${subject} must name a token that is there, found ${found === '' ? 'no token' : `the tokens ${found}`}`,
    { hint: 'list tokens and objects with `rolesanywhere keys list`' },
  );
}
