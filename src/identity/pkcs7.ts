/**
 * A PKCS#7 bundle (RFC 5652, SignedData) in, the DER of its certificates out. Nobody signs such bundles: they are a
 * way to hand over a chain (`.p7b`, `.p7c`). Where one has a signature, it is not looked at.
 */
import { IdentityError } from '../errors.js';
import { readChildren, readElement, readOid, SEQUENCE } from './keys/der.js';

const SIGNED_DATA = '1.2.840.113549.1.7.2';
/** `[0]`: the content of a ContentInfo, and the certificates of SignedData. */
const CONTEXT_0 = 0xa0;

/**
 * @throws IdentityError `ERR_CERTIFICATE_INVALID`: damaged, or PKCS#7 of another kind
 */
export function parsePkcs7(bytes: Buffer, subject: string): Buffer[] {
  try {
    const [type, content] = readChildren(readElement(bytes), SEQUENCE);
    if (readOid(type) !== SIGNED_DATA) {
      throw new IdentityError(
        'ERR_CERTIFICATE_INVALID',
        `${subject} must be a PKCS#7 bundle of certificates, found PKCS#7 of the kind ${readOid(type)}`,
      );
    }
    const [signedData] = readChildren(content, CONTEXT_0);
    const certificates = readChildren(signedData, SEQUENCE).find(({ tag }) => tag === CONTEXT_0);
    if (certificates === undefined) return [];
    // Certificates of attributes have tags of their own.
    return readChildren(certificates, CONTEXT_0).flatMap(({ tag, whole }) =>
      tag === SEQUENCE ? [whole] : [],
    );
  } catch (cause) {
    if (cause instanceof IdentityError) throw cause;
    throw new IdentityError('ERR_CERTIFICATE_INVALID', `${subject} is damaged, or not a PKCS#7 bundle`, {
      cause,
    });
  }
}
