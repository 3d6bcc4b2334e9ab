/**
 * Chooses the token, the certificate and the private key that PKCS#11 URIs mean, among what a module shows.
 * Pure.
 *
 * A certificate's key is found by CKA_ID, then by CKA_LABEL, then by its public half, which is how
 * OpenConnect, the Go helper and GnuTLS do it.
 */
import { X509Certificate } from 'node:crypto';
import { IdentityError } from '../../errors.js';
import type { CertificateObject, KeyObject, ModuleInfo, TokenInfo } from './messages.js';
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
  const der = Buffer.from(certificate.value, 'base64');
  const ways: ReadonlyArray<(key: KeyObject) => boolean> = [
    (key) => key.id !== '' && key.id === certificate.id,
    (key) => key.label !== '' && key.label === certificate.label,
    (key) => belongsTo(key, der) === true,
  ];
  const fitting = keys.filter((key) => belongsTo(key, der) !== false);
  return ways.map((way) => fitting.filter(way)).find((found) => found.length > 0) ?? [];
}

/** Whether a key belongs to a certificate; undefined where the token does not show the key's public half. */
export function belongsTo({ type, modulus, point }: KeyObject, der: Buffer): boolean | undefined {
  const { publicKey } = new X509Certificate(der);
  if (publicKey.asymmetricKeyType !== (type === 'RSA' ? 'rsa' : 'ec')) return false;
  if (modulus === undefined && point === undefined) return undefined;
  const { n = '', x = '', y = '' } = publicKey.export({ format: 'jwk' });
  if (modulus !== undefined) {
    const found = Buffer.from(modulus, 'base64');
    const start = found.findIndex((octet) => octet !== 0);
    return found.subarray(Math.max(0, start)).equals(Buffer.from(n, 'base64url'));
  }
  // CKA_EC_POINT is an OCTET STRING around the point, or the point alone: either ends in the coordinates.
  const coordinates = Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return Buffer.from(point ?? '', 'base64')
    .subarray(-coordinates.length)
    .equals(coordinates);
}

/** @throws IdentityError `ERR_PKCS11_TOKEN`: the URI matches no token */
export function assertToken(tokens: readonly TokenInfo[], info: ModuleInfo, subject: string): void {
  if (tokens.length > 0) return;
  const found = info.tokens.map(({ label }) => `"${label}"`).join(', ');
  throw new IdentityError(
    'ERR_PKCS11_TOKEN',
    `${subject} must name a token that is there, found ${found === '' ? 'no token' : `the tokens ${found}`}`,
    { hint: 'list tokens and objects with `rolesanywhere keys list`' },
  );
}
