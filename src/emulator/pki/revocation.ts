/**
 * Parses certificate revocation lists (CRLs) and checks certificates against them.
 *
 * As at the service, only imported lists count: no distribution points, no OCSP. AWS's treatment of a list
 * that has expired or cannot be verified is unknown; here, every certificate that such a list covers is
 * refused. Rules: RFC 5280 sections 5 and 6.3
 */
import type { Certificate } from './certificate.js';
import { readExtensions } from './certificate.js';
import type { Element } from './der.js';
import { expectTag, readElement, readInteger, readOid, readTime, TAG } from './der.js';
import type { DistinguishedName } from './names.js';
import { readName } from './names.js';
import type { Signed } from './public-key.js';
import { isSignedWith } from './public-key.js';

export interface RevocationList extends Signed {
  readonly issuer: DistinguishedName;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** By serial number, decimal: `2026-01-31T00:00:00.000Z, keyCompromise`. */
  readonly revoked: ReadonlyMap<string, string>;
}

const ID = {
  reasonCode: '2.5.29.21',
  invalidityDate: '2.5.29.24',
  number: '2.5.29.20',
  issuingPoint: '2.5.29.28',
};
/** Extensions of a list that may be critical. A delta list (2.5.29.27) cannot stand alone. */
const UNDERSTOOD = new Set([ID.number, ID.issuingPoint]);
const UNDERSTOOD_IN_ENTRY = new Set([ID.reasonCode, ID.invalidityDate]);

/** RFC 5280 section 5.3.1. `removeFromCRL` belongs in delta lists; here it revokes as the others do. */
const REASONS = [
  ...['unspecified', 'keyCompromise', 'cACompromise', 'affiliationChanged', 'superseded'],
  ...['cessationOfOperation', 'certificateHold', '7', 'removeFromCRL', 'privilegeWithdrawn', 'aACompromise'],
];

/**
 * Reads one revocation list: PEM, DER, or either of them in base64. {@link isSignedList} verifies its
 * signature. Throws an `Error` that names the rule.
 */
export function parseRevocationList(data: string | Uint8Array): RevocationList {
  const [tbs, algorithm, signature, ...rest] = expectTag(
    readElement(decode(data)),
    TAG.sequence,
    'CRL',
  ).children;
  if (tbs === undefined || signature?.tag !== TAG.bitString || rest.length > 0) {
    throw new Error('CRL: expected content, algorithm and signature');
  }
  const parts = [...expectTag(tbs, TAG.sequence, 'CRL').children];
  if (parts[0]?.tag === TAG.integer && readInteger(parts.shift(), 'CRL: version') !== 1n) {
    throw new Error('CRL: expected version 2');
  }
  const [inner, issuer, thisUpdate, nextUpdate, ...optional] = parts;
  if (!inner?.whole.equals(algorithm?.whole ?? Buffer.alloc(0)))
    throw new Error('CRL: its two algorithms differ');
  checkExtensions(optional.find(({ tag }) => tag === 0xa0)?.children[0]);
  const entries = optional.find(({ tag }) => tag === TAG.sequence)?.children ?? [];
  return {
    issuer: readName(issuer, 'CRL: issuer'),
    thisUpdate: readTime(thisUpdate, 'CRL: thisUpdate'),
    // Required by section 5.1.2.5: a list without it would never expire.
    nextUpdate: readTime(nextUpdate, 'CRL: nextUpdate'),
    revoked: new Map(entries.map(readEntry)),
    signatureAlgorithm: readOid(algorithm?.children[0], 'CRL: algorithm'),
    signedData: tbs.whole,
    signature: signature.content.subarray(1),
  };
}

function decode(data: string | Uint8Array): Uint8Array {
  const text = typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
  const blocks = [...text.matchAll(/-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]*)-----END X509 CRL-----/g)];
  if (blocks.length === 1) return Buffer.from(blocks[0]?.[1] ?? '', 'base64');
  if (text.includes('-----BEGIN'))
    throw new Error(`CRL: expected one X509 CRL block, found ${blocks.length}`);
  if (!/^[A-Za-z0-9+/=\s]+$/.test(text)) return Buffer.from(text, 'latin1');
  const inner = Buffer.from(text, 'base64').toString('latin1');
  return inner.includes('-----BEGIN') ? decode(inner) : Buffer.from(inner, 'latin1');
}

function checkExtensions(element: Element | undefined): void {
  const extensions = readExtensions(element, 'CRL');
  const unknown = extensions.filter(({ oid, isCritical }) => isCritical && !UNDERSTOOD.has(oid));
  if (unknown.length > 0) throw new Error(`CRL: critical extension ${unknown.map(({ oid }) => oid)}`);
  const point = extensions.find(({ oid }) => oid === ID.issuingPoint);
  // The flags for users, authorities and reasons only narrow the list. An indirect list has entries of other
  // issuers.
  const isIndirect =
    point && readElement(point.value).children.some(({ tag, content }) => tag === 0x84 && content[0] !== 0);
  if (isIndirect === true) throw new Error('CRL: an indirect list, which is not evaluated');
}

function readEntry(entry: Element): [serialNumber: string, what: string] {
  const [serial, date, more] = entry.children;
  const extensions = readExtensions(more, 'CRL entry');
  const unknown = extensions.filter(({ oid, isCritical }) => isCritical && !UNDERSTOOD_IN_ENTRY.has(oid));
  if (unknown.length > 0)
    throw new Error(`CRL: critical extension ${unknown.map(({ oid }) => oid)} in an entry`);
  const code = extensions.find(({ oid }) => oid === ID.reasonCode);
  const reason = code && readElement(code.value).content[0];
  const words = [
    readTime(date, 'CRL: revocation date').toISOString(),
    REASONS[reason ?? 0] ?? String(reason),
  ];
  return [readInteger(serial, 'CRL: serial number').toString(), words.join(', ')];
}

/** Whether this certificate's key signed the list and was allowed to (section 6.3.3, f and g). */
function isSignedList(list: RevocationList, { subject, keyUsage, publicKey }: Certificate): boolean {
  const isAllowed = subject.key === list.issuer.key && keyUsage?.includes('cRLSign') !== false;
  return isAllowed && isSignedWith(list, publicKey);
}

/**
 * The reason why the lists reject a certificate; undefined if none does.
 *
 * @param authorities every certificate whose key may have signed a list
 */
export function checkRevocation(
  certificate: Certificate,
  lists: readonly RevocationList[],
  authorities: readonly Certificate[],
  at: Date,
): string | undefined {
  for (const list of lists.filter(({ issuer }) => issuer.key === certificate.issuer.key)) {
    const what = `the list of ${list.issuer.text}`;
    // An authority may renew its key: either key may sign the list, which covers certificates of both.
    if (!authorities.some((authority) => isSignedList(list, authority))) {
      return `revocation: ${what} was not signed by an authority of this name with cRLSign`;
    }
    if (at < list.thisUpdate) return `revocation: ${what} begins ${list.thisUpdate.toISOString()}`;
    if (at > list.nextUpdate) return `revocation: ${what} ended ${list.nextUpdate.toISOString()}`;
    const entry = list.revoked.get(certificate.serialNumber.toString());
    if (entry !== undefined) return `revocation: serial ${certificate.serialNumber} was revoked ${entry}`;
  }
  return undefined;
}
