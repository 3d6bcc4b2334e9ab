/**
 * Reads certificate requests, before an authority signs them.
 *
 * Rules: PKCS#10 (RFC 2986)
 */
import { IdentityError } from '../errors.js';
import type { KeyPair } from './keys.js';
import { typeOfPublicKey } from './keys.js';
import type { AlternativeNames } from './options.js';
import { assertSize, loadX509 } from './x509.js';

type X509 = Awaited<ReturnType<typeof loadX509>>;

/** The parts of a request that an authority uses. */
export interface RequestContent extends AlternativeNames {
  readonly subject: InstanceType<X509['Name']>;
  readonly publicKey: KeyPair['publicKey'];
}

/**
 * Reads a request and verifies its signature, which proves that the sender has the private key.
 *
 * Of its extensions only the host names, addresses and URIs of subjectAltName count: an authority never takes
 * rights from a request.
 *
 * @throws IdentityError `ERR_PEM_INVALID` `ERR_CERTIFICATE_INVALID` `ERR_KEY_UNSUPPORTED`
 */
export async function readRequest(pem: string): Promise<RequestContent> {
  const x509 = await loadX509();
  const [, base64] =
    /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]*)-----END /.exec(pem) ?? [];
  if (base64 === undefined) {
    throw new IdentityError(
      'ERR_PEM_INVALID',
      'the request must be PEM text with a CERTIFICATE REQUEST block',
    );
  }
  try {
    return await readContent(x509, Buffer.from(base64, 'base64'));
  } catch (cause) {
    if (cause instanceof IdentityError) throw cause;
    throw new IdentityError('ERR_CERTIFICATE_INVALID', 'the certificate request cannot be read', { cause });
  }
}

/** @throws IdentityError, and what the package throws: it parses each part when that is asked for */
async function readContent(x509: X509, der: Buffer): Promise<RequestContent> {
  assertSize(der, 'the certificate request');
  const request = new x509.Pkcs10CertificateRequest(der);
  typeOfPublicKey(Buffer.from(request.publicKey.rawData));
  if (!(await request.verify().catch(() => false))) {
    const message = 'the signature of the certificate request does not verify: its key did not sign it';
    throw new IdentityError('ERR_CERTIFICATE_INVALID', message);
  }
  return {
    subject: request.subjectName,
    publicKey: await request.publicKey.export(),
    ...readNames(x509, request),
  };
}

function readNames(x509: X509, request: InstanceType<X509['Pkcs10CertificateRequest']>): AlternativeNames {
  const extension = request.extensions.find((one) => one instanceof x509.SubjectAlternativeNameExtension);
  const names = extension instanceof x509.SubjectAlternativeNameExtension ? extension.names.items : [];
  const of = (...types: string[]) =>
    names.filter(({ type }) => types.includes(type)).map(({ value }) => value);
  return { hosts: of('dns', 'ip'), uris: of('url') };
}
