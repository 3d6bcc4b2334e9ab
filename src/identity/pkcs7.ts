/**
 * Reads a PKCS#7 bundle (RFC 5652, SignedData): the DER of its certificates. Such bundles (`.p7b`, `.p7c`)
 * contain a chain, usually without a signature; a signature is ignored.
 */
import { IdentityError } from '../errors.js';
import { CONTEXT, readChildren, readElement, readOid, SEQUENCE } from '../measure/der.js';

const SIGNED_DATA = '1.2.840.113549.1.7.2';
/** No chain is longer, and no card has more. */
const MAX_CERTIFICATES = 256;

/**
 * @throws IdentityError `ERR_CERTIFICATE_INVALID`: damaged, or PKCS#7 of another kind
 */
export function parsePkcs7(bytes: Buffer, subject: string): Buffer[] {
  try {
    const [type, content] = readChildren(readElement(bytes), SEQUENCE);
    if (readOid(type) !== SIGNED_DATA) {
      throw new IdentityError(
        'ERR_CERTIFICATE_INVALID',
        `${subject} must be a PKCS#7 bundle of certificates, found PKCS#7 of type ${readOid(type)}`,
      );
    }
    const [signedData] = readChildren(content, CONTEXT);
    const certificates = readChildren(signedData, SEQUENCE).find(({ tag }) => tag === CONTEXT);
    if (certificates === undefined) return [];
    // Attribute certificates have tags of their own.
    const found = readChildren(certificates, CONTEXT).filter(({ tag }) => tag === SEQUENCE);
    if (found.length <= MAX_CERTIFICATES) return found.map(({ whole }) => whole);
    throw new IdentityError(
      'ERR_CERTIFICATE_INVALID',
      `${subject} may hold at most ${MAX_CERTIFICATES} certificates, found ${found.length}`,
      { hint: 'give the certificates between this one and the trust anchor alone' },
    );
  } catch (cause) {
    if (cause instanceof IdentityError) throw cause;
    throw new IdentityError('ERR_CERTIFICATE_INVALID', `${subject} is damaged, or not a PKCS#7 bundle`, {
      cause,
    });
  }
}
