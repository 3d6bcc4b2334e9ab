/**
 * Selects one of several certificates: by its key, by the caller's selector, and, of a certificate and its
 * renewal, the valid one that expires last.
 */
import { IdentityError } from '../errors.js';
import type { Certificate } from './certificate.js';
import { endOf } from './chain.js';
import type { PublicKey } from './keys/public-key.js';
import { isSameKey } from './keys/public-key.js';

/** The caller's choice among several certificates. */
export interface Selector {
  /** Attributes of the subject, such as `CN=host-1` or `O=Example, CN=host-1`. */
  readonly subject?: string | undefined;
  /** Serial number, decimal or hexadecimal. */
  readonly serial?: string | undefined;
}

/**
 * @param keys undefined if they are not known, as those of a remote signer
 * @param subject how messages name the input
 * @returns undefined if no certificate belongs to a key
 * @throws IdentityError `ERR_CERTIFICATE_AMBIGUOUS`: certificates of several subjects belong to the keys
 */
export function findLeaf(
  certificates: readonly Certificate[],
  keys: readonly PublicKey[] | undefined,
  selector: Selector,
  subject: string,
  now: Date,
): Certificate | undefined {
  const own = keys === undefined ? withoutAuthorities(certificates) : belongingTo(certificates, keys);
  const chosen = own.filter((certificate) => isSelected(certificate, selector));
  if (chosen.length === 0 && own.length > 0) throw noneSelected(own, subject);
  const valid = chosen.filter(({ notBefore, notAfter }) => notBefore <= now && now <= notAfter);
  const candidates = valid.length > 0 ? valid : chosen;
  const [first] = candidates;
  // A renewal has the subject of the old certificate, or its key.
  const isOne = candidates.every(
    ({ subject: name, publicKey }) =>
      name === first?.subject || (first !== undefined && isSameKey(publicKey, first.publicKey)),
  );
  // Without a key to go by, the first is the end entity's, as in a full chain.
  if (!isOne && keys === undefined) return first;
  if (!isOne) throw ambiguous(candidates, subject);
  return candidates.toSorted((a, b) => endOf(b, now) - endOf(a, now))[0];
}

function belongingTo(certificates: readonly Certificate[], keys: readonly PublicKey[]): Certificate[] {
  return certificates.filter(({ publicKey }) => keys.some((key) => isSameKey(key, publicKey)));
}

function withoutAuthorities(certificates: readonly Certificate[]): readonly Certificate[] {
  const entities = certificates.filter(({ isCa }) => isCa !== true);
  return entities.length > 0 ? entities : certificates;
}

function isSelected(certificate: Certificate, { subject, serial }: Selector): boolean {
  const isSubject = subject === undefined || hasSubject(certificate.subject, subject);
  return isSubject && (serial === undefined || hasSerial(certificate.serialNumber, serial));
}

/** Every attribute that is named must be there; case and spaces do not count. */
function hasSubject(found: string, wanted: string): boolean {
  const fold = (text: string): string => text.toLowerCase().replace(/\s/g, '');
  if (fold(found) === fold(wanted)) return true;
  const attributes = (text: string): string[] => text.split(/[,/]/).map(fold).filter(Boolean);
  const own = new Set(attributes(found));
  return attributes(wanted).every((one) => own.has(one) || own.has(`cn=${one}`));
}

/** `0x1F`, `1f`, `00:1F` or decimal digits, which count in either reading. */
function hasSerial(decimal: string, wanted: string): boolean {
  const digits = wanted.replace(/[\s:]/g, '').toLowerCase();
  if (digits === decimal) return true;
  const hex = digits.startsWith('0x') ? digits : `0x${digits}`;
  return /^0x[0-9a-f]{1,100}$/.test(hex) && BigInt(hex).toString() === decimal;
}

const HINT =
  'choose one with certificateSubject or certificateSerial (--certificate-subject, --certificate-serial)';

function ambiguous(candidates: readonly Certificate[], subject: string): IdentityError {
  return new IdentityError(
    'ERR_CERTIFICATE_AMBIGUOUS',
    `${subject} has keys for ${candidates.length} certificates: ${candidates.map(nameWithSerial).join('; ')}`,
    { hint: HINT },
  );
}

function noneSelected(own: readonly Certificate[], subject: string): IdentityError {
  return new IdentityError(
    'ERR_CERTIFICATE_AMBIGUOUS',
    `${subject} has no certificate that is selected, found ${own.map(nameWithSerial).join('; ')}`,
    { hint: HINT },
  );
}

function nameWithSerial({ subject, serialNumber }: Certificate): string {
  return `${subject || 'no subject'} (serial number ${serialNumber})`;
}
